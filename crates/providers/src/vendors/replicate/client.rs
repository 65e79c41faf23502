//! The HTTP API, one method a call. Knows what may be asked and answered; what it is asked for is its callers'.

use std::{fs::File, time::Duration};

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{Failure, FailureClass, FailureCode, Prices};
use outbound::{Destination, Limits, Multipart, NotSent, OutboundError, Request, header::HeaderName};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use settings::{Vendor, WorkLimits};
use url::{Url, form_urlencoded};

use super::{
    model_ref::{ModelRef, is_name},
    wire::{Account, Model, Page, Run, Uploaded, Version, WebhookKey},
};
use crate::{
    SetupError,
    model_catalogue::NotAsked,
    outside_service::CallError,
    vendors::{KeyIn, VendorAccess, VendorHttp},
};

/// Most that is read of a run: its logs are the largest part, and inputs may hold a recording.
const MAX_RUN_BYTES: u64 = 16 << 20;
/// Of a page of a hundred.
const MAX_PAGE_BYTES: u64 = 128 << 20;
const MAX_SMALL_BYTES: u64 = 4 << 20;
/// Bytes a second of a line that is waited for.
const SLOWEST_UPLOAD: u64 = 250_000;
/// Largest file that is taken of an output: ten minutes of 48 kHz stereo in 32 bits, and some.
const MAX_OUTPUT_BYTES: u64 = 256 << 20;
/// Redirects to the place where an output really lies.
const MOST_REDIRECTS: u8 = 3;
/// Where outputs lie when the settings name no hosts.
const OUTPUT_HOSTS: [&str; 2] = ["replicate.delivery", "*.replicate.delivery"];
const CANCEL_AFTER: HeaderName = HeaderName::from_static("cancel-after");
/// The machine that a new model is said to run on where the settings name none. A training runs on the trainer's own.
const HARDWARE: &str = "gpu-t4";

/// The two things that are asked for once and looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Prediction,
    Training,
}

impl Kind {
    const fn path(self) -> &'static str {
        match self {
            Self::Prediction => "predictions",
            Self::Training => "trainings",
        }
    }
}

/// The vendor's API with one key. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: VendorHttp,
    outputs: Destination,
    pub prices: Prices,
    /// Longest that one piece of work is waited for.
    pub work_timeout: Duration,
    /// What the vendor allows.
    pub limits: WorkLimits,
    hardware: String,
}

impl Client {
    /// # Errors
    /// When the vendor's address or one of its hosts for outputs cannot be used.
    pub fn new(access: &VendorAccess, vendor: &Vendor) -> Result<Self, SetupError> {
        let listed: Option<Vec<&str>> =
            vendor.output_hosts.as_ref().map(|hosts| hosts.iter().map(String::as_str).collect());
        Ok(Self {
            http: VendorHttp::new(access, vendor, KeyIn::Bearer)?,
            outputs: Destination::untrusted_within(listed.as_deref().unwrap_or(&OUTPUT_HOSTS))?,
            prices: vendor.prices.clone(),
            work_timeout: vendor.work_timeout,
            limits: vendor.limits.work.clone(),
            hardware: vendor.hardware.clone().unwrap_or_else(|| HARDWARE.to_owned()),
        })
    }

    pub const fn http(&self) -> &VendorHttp {
        &self.http
    }

    /// Begins a prediction. `body` has `version` or is sent to the model itself, `input`, and perhaps a webhook.
    ///
    /// # Errors
    /// `Unanswered` where it may have begun all the same.
    pub async fn create_prediction(&self, model: &ModelRef, mut body: Value) -> Result<Run, CallError> {
        let path = if model.version.is_some() {
            body["version"] = model.to_string().into();
            "predictions".to_owned()
        } else {
            format!("models/{}/{}/predictions", model.owner, model.name)
        };
        let deadline = format!("{}s", self.work_timeout.as_secs().max(5));
        self.create(self.http.post(&path, MAX_RUN_BYTES).header(CANCEL_AFTER, &deadline).json(&body)).await
    }

    /// Begins a training whose result becomes a version of `body`'s `destination`.
    ///
    /// # Errors
    /// As [`Self::create_prediction`].
    pub async fn create_training(&self, trainer: &ModelRef, body: &Value) -> Result<Run, CallError> {
        let version = trainer.version.as_deref().unwrap_or_default();
        let path = format!("models/{}/{}/versions/{version}/trainings", trainer.owner, trainer.name);
        self.create(self.http.post(&path, MAX_RUN_BYTES).json(body)).await
    }

    async fn create(&self, request: Request) -> Result<Run, CallError> {
        let answer = self.http.paid(request).await?;
        // It has begun: an answer that cannot be read is as good as none, and it is looked for.
        let run: Run = answer.json().await.map_err(|error| CallError::Unanswered(self.http.trouble(&error)))?;
        if is_name(&run.id) { Ok(run) } else { Err(CallError::Unanswered(self.http.misbehaved("named no id"))) }
    }

    /// A run as it is now; `None` where nobody knows it.
    ///
    /// # Errors
    /// As the vendor answers.
    pub async fn run(&self, kind: Kind, id: &str) -> Result<Option<Run>, Failure> {
        self.found(self.http.get(&self.path(kind, id)?, MAX_RUN_BYTES)).await
    }

    /// Stops a run. One that is over or unknown is no error.
    ///
    /// # Errors
    /// As the vendor answers.
    pub async fn cancel(&self, kind: Kind, id: &str) -> Result<(), Failure> {
        let path = format!("{}/cancel", self.path(kind, id)?);
        self.http.found(self.http.post(&path, MAX_RUN_BYTES)).await.map(|_| ())
    }

    /// The address of a run. Ids are kept in rows and come from the vendor: none leads elsewhere.
    fn path(&self, kind: Kind, id: &str) -> Result<String, Failure> {
        if is_name(id) { Ok(format!("{}/{id}", kind.path())) } else { Err(self.config("has no such id")) }
    }

    /// The first page of the runs that were created in between, newest first. Trainings are not narrowed down by every
    /// server.
    ///
    /// # Errors
    /// As the vendor answers.
    pub async fn runs(&self, kind: Kind, after: DateTime<Utc>, before: DateTime<Utc>) -> Result<Page, Failure> {
        let moment = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Micros, true);
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("created_after", &moment(after))
            .append_pair("created_before", &moment(before))
            .finish();
        self.page(&format!("{}?{query}", kind.path())).await
    }

    /// A page by the address that the one before it names.
    ///
    /// # Errors
    /// As the vendor answers; an address elsewhere is not asked.
    pub async fn page(&self, address: &str) -> Result<Page, Failure> {
        self.read(self.http.get(address, MAX_PAGE_BYTES)).await
    }

    /// A version of a model; `None` where there is none.
    ///
    /// # Errors
    /// As the vendor answers.
    pub async fn version(&self, model: &ModelRef, version: &str) -> Result<Option<Version>, NotAsked> {
        let path = format!("models/{}/{}/versions/{version}", model.owner, model.name);
        self.look_up(self.http.get(&path, MAX_SMALL_BYTES)).await
    }

    /// A model; `None` where there is none, or it is somebody else's.
    ///
    /// # Errors
    /// As the vendor answers.
    pub async fn model(&self, owner: &str, name: &str) -> Result<Option<Model>, NotAsked> {
        self.look_up(self.http.get(&format!("models/{owner}/{name}"), MAX_SMALL_BYTES)).await
    }

    /// Makes a private model, unless it is there already.
    ///
    /// # Errors
    /// As the vendor answers.
    pub async fn ensure_model(&self, owner: &str, name: &str) -> Result<(), Failure> {
        if self.model(owner, name).await?.is_some() {
            return Ok(());
        }
        let body = json!({"owner": owner, "name": name, "visibility": "private", "hardware": self.hardware});
        match self.http.free(self.http.post("models", MAX_SMALL_BYTES).json(&body)).await {
            Ok(_) => Ok(()),
            // Somebody else was faster, or an earlier answer was lost.
            Err(failure) => match self.model(owner, name).await {
                Ok(Some(_)) => Ok(()),
                _ => Err(failure),
            },
        }
    }

    /// Brings the first `size_bytes` of a file to where models can read it, for a day or so. Costs nothing.
    ///
    /// # Errors
    /// As the vendor answers.
    pub async fn upload(&self, file: File, size_bytes: u64, media_type: &str, name: &str) -> Result<Url, Failure> {
        let form = Multipart::new().file("content", name, media_type, file, size_bytes).text("type", media_type);
        // A slow line is given the time that it needs.
        let timeout = self.http.timeout + Duration::from_secs(size_bytes / SLOWEST_UPLOAD);
        let request = self.http.post("files", MAX_SMALL_BYTES).limits(Limits::new(timeout, MAX_SMALL_BYTES));
        let uploaded: Uploaded = self.read(request.multipart(form)).await?;
        Url::parse(&uploaded.urls.get).map_err(|_| self.http.misbehaved("named no address for a file"))
    }

    /// The secret that its webhooks are signed with.
    ///
    /// # Errors
    /// As the vendor answers.
    pub async fn webhook_secret(&self) -> Result<String, Failure> {
        let key: WebhookKey = self.read(self.http.get("webhooks/default/secret", MAX_SMALL_BYTES)).await?;
        Ok(key.key)
    }

    /// Whose key it is.
    ///
    /// # Errors
    /// `Config` where the key is nobody's.
    pub async fn account(&self) -> Result<Account, Failure> {
        self.read(self.http.get("account", MAX_SMALL_BYTES)).await
    }

    /// Writes an output into a file.
    ///
    /// # Errors
    /// `Transient` where it may be had later. `Config` where it cannot: it lies where the settings let nobody look, it is too
    /// large, or it has gone.
    pub async fn download(&self, from: &Url, into: &mut File) -> Result<(), Failure> {
        let limits = Limits::new(self.work_timeout, MAX_OUTPUT_BYTES);
        let request = self.http.outbound().get(&self.outputs, from.as_str()).limits(limits).follow(MOST_REDIRECTS);
        let answer = request.send().await.map_err(|error| self.not_had(&error))?;
        let status = answer.status();
        if status.is_server_error() || status.as_u16() == 429 || status.as_u16() == 408 {
            return Err(self.http.misbehaved("cannot hand out what it made just now"));
        }
        if !status.is_success() {
            return Err(self.config("no longer has what it made"));
        }
        let again = into.try_clone().and_then(|mut file| {
            // What an attempt that broke off left behind.
            file.set_len(0)?;
            std::io::Seek::rewind(&mut file)?;
            Ok(file)
        });
        let file = again.map_err(|error| {
            Failure::new(FailureClass::Transient, FailureCode::Storage, format!("a file for an output: {error}"))
        })?;
        let mut file = tokio::fs::File::from_std(file);
        answer.download(&mut file).await.map(|_| ()).map_err(|error| self.not_had(&error))
    }

    fn not_had(&self, error: &OutboundError) -> Failure {
        match error {
            OutboundError::NotSent { why: NotSent::Refused(refusal), .. } => {
                self.config(&format!("made something that lies at {refusal}, where it is not fetched (output_hosts)"))
            }
            OutboundError::TooLarge { .. } => {
                self.config(&format!("made a file of more than {} MiB", MAX_OUTPUT_BYTES >> 20))
            }
            OutboundError::Redirected { .. } => self.config("sends on to an address that nothing is fetched from"),
            error => self.http.trouble(error),
        }
    }

    fn config(&self, what: &str) -> Failure {
        Failure::new(FailureClass::Config, FailureCode::ProviderConfig, format!("{} {what}", self.http.name))
    }

    async fn read<T: DeserializeOwned>(&self, request: Request) -> Result<T, Failure> {
        let answer = self.http.free(request).await?;
        answer.json().await.map_err(|error| self.http.trouble(&error))
    }

    async fn look_up<T: DeserializeOwned>(&self, request: Request) -> Result<Option<T>, NotAsked> {
        let Some(answer) = self.http.look_up(request).await? else { return Ok(None) };
        let unreadable =
            |error: OutboundError| NotAsked { failure: self.http.trouble(&error), is_provider_away: false };
        answer.json().await.map(Some).map_err(unreadable)
    }

    async fn found<T: DeserializeOwned>(&self, request: Request) -> Result<Option<T>, Failure> {
        let Some(answer) = self.http.found(request).await? else { return Ok(None) };
        answer.json().await.map(Some).map_err(|error| self.http.trouble(&error))
    }
}
