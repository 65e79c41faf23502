//! One question to the model: written down, paid once, and read as far as it is a vendor's answer at all.

use std::{sync::Arc, time::Duration};

use domain::{Cost, Failure, FailureClass, FailureCode, Prices, Usage};
use outbound::{Answer, Request, StatusCode, header::HeaderName};
use resilience::Bulkhead;
use serde_json::{Value, json};
use settings::{Vendor, VendorKind};

use super::{
    anthropic,
    dialect::{Dialect, Manner},
    openai,
    prompt::Prompt,
    said::{Ended, Said, kept},
    sorted,
};
use crate::{
    SetupError,
    calls::{Answered, Call, Make, ProviderCall},
    outside_service::CallError,
    stop::Stop,
    vendors::{
        VendorAccess,
        http::{KeyIn, VendorHttp},
        retry_table,
    },
};

/// Most that is read of an answer.
const MOST_BYTES: u64 = 1024 * 1024;
/// In how many manners one question is put: with each of the two things that a server may not know, and without.
const MOST_MANNERS: u32 = 3;
/// Who repeats a request is known by this (a draft of the IETF); servers that do not know it pass over it.
const IDEMPOTENCY: &str = "idempotency-key";
/// The host whose models take the newer name of a limit.
const OPENAI_HOST: &str = "api.openai.com";
/// Fewest bytes that a token stands for; most stand for four.
const BYTES_PER_TOKEN: usize = 2;

/// The model of one vendor.
pub struct Asking {
    http: VendorHttp,
    model: String,
    api_version: String,
    max_tokens: u32,
    prices: Prices,
    is_free: bool,
    dialect: Dialect,
}

impl Asking {
    pub fn new(access: &VendorAccess, vendor: &Vendor) -> Result<Self, SetupError> {
        let key_in = match vendor.kind {
            VendorKind::Anthropic => KeyIn::Header(anthropic::KEY_HEADER),
            _ => KeyIn::Bearer,
        };
        let newer_limit = vendor.base_url.host_str() == Some(OPENAI_HOST);
        Ok(Self {
            http: VendorHttp::new(access, vendor, key_in)?,
            model: vendor.model.clone(),
            api_version: vendor.api_version.clone().unwrap_or_else(|| anthropic::VERSION.to_owned()),
            max_tokens: vendor.max_tokens,
            is_free: vendor.api_key.is_none() && vendor.prices.is_free(),
            prices: vendor.prices.clone(),
            dialect: Dialect::new(Manner { schema: true, newer_limit }),
        })
    }

    pub const fn http(&self) -> &VendorHttp {
        &self.http
    }

    pub const fn slots(&self) -> &Bulkhead {
        self.http.slots()
    }

    pub fn model(&self) -> &str {
        &self.model
    }

    /// A server without a key and a price may be asked as often as one likes.
    pub const fn is_free(&self) -> bool {
        self.is_free
    }

    /// A request of what is had for nothing.
    pub fn get(&self, path: &str, most_bytes: u64) -> Request {
        self.as_vendor_wants(self.http.get(path, most_bytes))
    }

    fn as_vendor_wants(&self, request: Request) -> Request {
        match self.http.kind {
            VendorKind::Anthropic => {
                request.header(HeaderName::from_static(anthropic::VERSION_HEADER), &self.api_version)
            }
            _ => request,
        }
    }

    /// The text that the model answers, once for each purpose. Where the vendor takes no call just now, it is waited for if that
    /// is over within `longest_rest`.
    ///
    /// # Errors
    /// As the retry table has it; `Content` where it would not write this, and `GivenUp` where it was paid for nothing.
    pub async fn ask(
        self: &Arc<Self>,
        call: &ProviderCall<'_>,
        purpose: &str,
        prompt: &Prompt,
        longest_rest: Duration,
    ) -> Result<String, Stop> {
        let asked = Call {
            provider: &call.provider,
            credential: "default",
            purpose,
            estimate: self.prices.cost(&self.most(prompt)),
            may_repeat: self.is_free,
        };
        let (asking, prompt, ends_at) = (Arc::clone(self), prompt.clone(), call.ends_at);
        let make: Make<'static> = Box::new(move |id| {
            Box::pin(async move {
                asking.http.rest(longest_rest, ends_at).await;
                asking.put(&prompt, &id).await
            })
        });
        let answer = call.paid_once(asked, make).await.map_err(sorted)?;
        Ok(answer.value["text"].as_str().unwrap_or_default().to_owned())
    }

    /// Puts the question, in the manner that the server takes.
    async fn put(&self, prompt: &Prompt, id: &str) -> Result<Answered, CallError> {
        let mut manners = 1;
        loop {
            let manner = self.dialect.manner();
            let (path, body) = match self.http.kind {
                VendorKind::Anthropic => {
                    (anthropic::PATH, anthropic::body(&self.model, self.max_tokens, prompt, manner.schema))
                }
                _ => (openai::PATH, openai::body(&self.model, self.max_tokens, prompt, manner)),
            };
            // Another body is another request.
            let name = if manners == 1 { id.to_owned() } else { format!("{id}-{manners}") };
            let request = self.as_vendor_wants(self.http.post(path, MOST_BYTES));
            let request = request.header(HeaderName::from_static(IDEMPOTENCY), &name).json(&body);
            match self.http.paid(request).await {
                Ok(answer) => return self.heard(answer, prompt).await,
                Err(CallError::Refused(refusal)) if manners < MOST_MANNERS && self.dialect.learns(manner, &refusal) => {
                    tracing::info!(provider = self.http.name, "a server that refuses a field is asked without it");
                    manners += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn heard(&self, answer: Answer, prompt: &Prompt) -> Result<Answered, CallError> {
        let body: Value = self.http.json_of_paid(answer, || self.charge(self.most(prompt))).await?;
        let Said { ended, usage } = match self.http.kind {
            VendorKind::Anthropic => anthropic::read(&body),
            _ => openai::read(&body),
        };
        let failure = match ended {
            Ended::Finished(text) => {
                let text = kept(&text);
                let (usage, cost) = self.charge(usage.unwrap_or_else(|| guessed(prompt.bytes(), text.len())));
                return Ok(Answered { value: json!({ "text": text }), files: Vec::new(), usage, cost });
            }
            Ended::Refused => Failure::new(
                FailureClass::Content,
                FailureCode::ContentRejected,
                format!("{} would not write a text for this prompt", self.http.name),
            ),
            Ended::CutOff => self.http.misbehaved("broke off its text: it was longer than it may be"),
            Ended::Nothing => self.http.misbehaved("answered without a text"),
            Ended::Error => self.error_in_success(&body),
        };
        let (usage, cost) = self.charge(usage.unwrap_or_default());
        Err(CallError::Useless { failure, usage, cost })
    }

    /// An error that comes as a success is of the class of its code.
    fn error_in_success(&self, body: &Value) -> Failure {
        let (who, text) = ((self.http.name.as_str(), self.http.kind), body.to_string());
        retry_table::failure(who, StatusCode::OK, None, (text.as_bytes(), None))
    }

    fn charge(&self, usage: Usage) -> (Usage, Option<Cost>) {
        let cost = self.prices.cost(&usage);
        (usage, cost)
    }

    /// The most that a question can use: what is held against limits must not turn out to be more.
    fn most(&self, prompt: &Prompt) -> Usage {
        Usage { output_tokens: self.max_tokens.into(), ..guessed(prompt.bytes(), 0) }
    }
}

/// Tokens of texts of so many bytes, rather too many.
fn guessed(read_bytes: usize, written_bytes: usize) -> Usage {
    let tokens = |bytes: usize| bytes.div_ceil(BYTES_PER_TOKEN) as u64;
    Usage { input_tokens: tokens(read_bytes), output_tokens: tokens(written_bytes), ..Usage::default() }
}
