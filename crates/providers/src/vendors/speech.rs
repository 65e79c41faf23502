//! Speech from any server in the form of OpenAI's `audio/speech`: Kokoro-FastAPI, Speaches, LocalAI, and OpenAI itself.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode, Usage, options::Language};
use outbound::StatusCode;
use resilience::Bulkhead;
use serde_json::{Value, json};
use settings::{Vendor, usage};

use super::{KeyIn, VendorAccess, VendorHttp, received};
use crate::{
    SetupError,
    abilities::Abilities,
    calls::{Answer, Answered, Call, Make, ProviderCall},
    input::{AudioInput, ProgressSink},
    outside_service::CallError,
    recital::Reciter,
    setup_check::SetupCheck,
    stop::Stop,
};

/// What speech may come as. Samples without a file (`pcm`) do not say their rate.
const FORMATS: [&str; 5] = ["wav", "mp3", "flac", "opus", "aac"];
/// Who speaks where nobody is named.
const USUAL_VOICE: &str = "af_heart";
/// How long a character takes to be spoken, in seconds, at least and at most whoever speaks.
const SHORTEST_PER_CHAR: f64 = 0.01;
const LONGEST_PER_CHAR: f64 = 0.6;
/// Rests before and behind, and what letters and figures are read as, may take so much more.
const SLACK_SECONDS: f64 = 5.0;
/// Shortest sound that is speech.
const LEAST_SECONDS: f64 = 0.05;
/// 32-bit samples at 48 kHz in stereo, and a header.
const MOST_BYTES_PER_SECOND: f64 = 384_000.0;
const HEADER_BYTES: u64 = 64 * 1024;
const MOST_JSON_BYTES: u64 = 4 * 1024 * 1024;

/// A server that speaks. Cheap to clone; clones share what is found out.
#[derive(Clone)]
pub struct SpeechServer {
    http: VendorHttp,
    vendor: Vendor,
    /// What the settings want it as; `None` for WAV, else MP3.
    format: Option<&'static str>,
    /// Whether it does not write WAV, as is found out once.
    wants_mp3: Arc<AtomicBool>,
}

impl SpeechServer {
    /// # Errors
    /// When the server's address cannot be used, or its `format` is none that can be read.
    pub fn new(access: impl Into<VendorAccess>, vendor: &Vendor) -> Result<Self, SetupError> {
        let http = VendorHttp::new(&access.into(), vendor, KeyIn::Bearer)?;
        let known = |asked: &str| {
            FORMATS.into_iter().find(|known| *known == asked).ok_or_else(|| SetupError::Format {
                provider: vendor.name.clone(),
                format: asked.to_owned(),
                expected: "wav, mp3, flac, opus or aac",
            })
        };
        let format = vendor.format.as_deref().map(known).transpose()?;
        Ok(Self { http, vendor: vendor.clone(), format, wants_mp3: Arc::default() })
    }

    /// Of what it makes: the model, who speaks, and what it is to come as.
    pub fn version(&self) -> String {
        let format = self.format.map(|format| format!(" {format}")).unwrap_or_default();
        format!("{} {}{format}", self.vendor.model, self.voice())
    }

    /// Calls at once.
    pub fn slots(&self) -> Bulkhead {
        self.http.slots().clone()
    }

    /// Voices speak one language: English, unless the settings say another.
    pub fn abilities(&self) -> Abilities {
        let languages = self.vendor.languages.clone().unwrap_or_else(|| vec![Language::English]);
        Abilities { languages: Some(languages), ..Abilities::default() }
    }

    fn voice(&self) -> &str {
        self.vendor.voice.as_deref().unwrap_or(USUAL_VOICE)
    }

    fn not_asked(&self, what: &str) -> Stop {
        let message = format!("{} {what}", self.http.name);
        Stop::NotAsked(Failure::new(FailureClass::Caller, FailureCode::ImpossibleOptions, message))
    }

    /// Asks for the format that is set; where none is, for WAV, and for MP3 where the server has something against WAV: a refusal
    /// made nothing.
    async fn spoken(&self, text: &str, known_as: &str) -> Result<Answered, CallError> {
        let into = received::room().map_err(CallError::Refused)?;
        let chars = text.chars().count() as f64;
        let longest = chars * LONGEST_PER_CHAR + SLACK_SECONDS;
        let most_bytes = (longest * MOST_BYTES_PER_SECOND) as u64 + HEADER_BYTES;
        let asked = async |format: &str| {
            let body =
                json!({"model": self.vendor.model, "voice": self.voice(), "input": text, "response_format": format});
            self.http.paid(self.http.post_known_as(known_as, "audio/speech", most_bytes).json(&body)).await
        };
        let answer = if let Some(format) = self.format {
            asked(format).await?
        } else if self.wants_mp3.load(Ordering::Relaxed) {
            asked("mp3").await?
        } else {
            match asked("wav").await {
                Err(CallError::Refused(failure)) if failure.class == FailureClass::Caller => {
                    let answer = asked("mp3").await?;
                    self.wants_mp3.store(true, Ordering::Relaxed);
                    answer
                }
                answer => answer?,
            }
        };
        // What it costs is known before it is heard, by what the text usually takes.
        let estimate = self.usage(text);
        let charge = (estimate, self.vendor.prices.cost(&estimate));
        let sound = received::spool(&self.http, answer, into, &charge).await?;
        let plausible = (chars * SHORTEST_PER_CHAR).max(LEAST_SECONDS)..=longest;
        let heard = received::listen(&sound, plausible).await;
        let heard = heard.map_err(|what| received::useless(self.http.misbehaved(&what), &charge))?;
        let usage = Usage { audio_seconds: heard.unwrap_or(estimate.audio_seconds), ..Usage::default() };
        let cost = self.vendor.prices.cost(&usage);
        Ok(Answered { value: json!({ "seconds": heard }), files: vec![sound], usage, cost })
    }

    fn usage(&self, text: &str) -> Usage {
        usage::speech(text.chars().count() as f64)
    }
}

#[async_trait]
impl Reciter for SpeechServer {
    fn most_chars(&self) -> usize {
        self.vendor.limits.text_chars
    }

    /// Its request has no seed: an equal one is the same again.
    fn varies(&self) -> bool {
        false
    }

    async fn recite(
        &self,
        text: &str,
        language: &str,
        purpose: &str,
        progress: &ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<AudioInput, Stop> {
        let text = text.trim();
        let most = self.most_chars();
        if text.is_empty() || text.chars().count() > most {
            return Err(self.not_asked(&format!("speaks texts of 1 to {most} characters")));
        }
        // A region changes nothing.
        let language = language.split(['-', '_']).next().unwrap_or_default();
        let speaks = |known: &Language| known.as_str().eq_ignore_ascii_case(language);
        if !self.abilities().languages.iter().flatten().any(speaks) {
            return Err(self.not_asked("does not speak the language of the text"));
        }
        let prices = &self.vendor.prices;
        let of = Call {
            provider: &call.provider,
            credential: "default",
            purpose,
            estimate: prices.cost(&self.usage(text)),
            may_repeat: self.vendor.api_key.is_none() && prices.is_free(),
        };
        let (server, text) = (self.clone(), text.to_owned());
        let (slot, ends_at) = (call.slot.clone(), call.ends_at);
        let make: Make<'static> = Box::new(move |id| {
            Box::pin(async move {
                // Within the making: an answer that is kept needs no slot.
                slot.take_again(ends_at).await.map_err(CallError::Refused)?;
                server.spoken(&text, &id).await
            })
        });
        let Answer { files, .. } = call.paid_once(of, make).await?;
        progress(1.0);
        files.into_iter().next().ok_or_else(|| Stop::GivenUp(self.http.misbehaved("sent no sound")))
    }
}

#[async_trait]
impl SetupCheck for SpeechServer {
    fn provider(&self) -> &str {
        &self.http.name
    }

    /// Asks what voices there are, and else what models: a server that tells neither may speak all the same. One that tells its
    /// voices and does not have ours would refuse every call.
    async fn check(&self) -> Result<(), Failure> {
        match self.listed("audio/voices").await? {
            Some(list) => match names(&list["voices"]).filter(|known| !known.is_empty()) {
                // Kokoro mixes voices: `af_heart+af_bella(2)`.
                Some(known) if !self.voice().contains('+') && !known.contains(&self.voice()) => {
                    Err(self.missing("voice", self.voice()))
                }
                _ => Ok(()),
            },
            None => self.listed("models").await.map(|_| ()),
        }
    }
}

impl SpeechServer {
    /// What it lists somewhere; `None` where it has no such list.
    async fn listed(&self, path: &str) -> Result<Option<Value>, Failure> {
        let trouble = |error| self.http.trouble(&error);
        let answer = self.http.get(path, MOST_JSON_BYTES).send().await.map_err(trouble)?;
        if matches!(
            answer.status(),
            StatusCode::NOT_FOUND
                | StatusCode::METHOD_NOT_ALLOWED
                | StatusCode::NOT_IMPLEMENTED
                | StatusCode::UNPROCESSABLE_ENTITY
        ) {
            return Ok(None);
        }
        let answer = self.http.success(answer).await?;
        // A page in the place of a list is no list.
        let body = answer.bytes().await.map_err(trouble)?;
        Ok(serde_json::from_slice(&body).ok())
    }

    fn missing(&self, what: &str, name: &str) -> Failure {
        let message = format!("{} has no {what} {name}", self.http.name);
        Failure::new(FailureClass::Config, FailureCode::ProviderConfig, message)
    }
}

/// Names in a list of texts, or of objects with an id or a name; `None` where it is no list.
fn names(list: &Value) -> Option<Vec<&str>> {
    let named = |entry| [Value::as_str(entry), entry["id"].as_str(), entry["name"].as_str()];
    Some(list.as_array()?.iter().flat_map(named).flatten().collect())
}
