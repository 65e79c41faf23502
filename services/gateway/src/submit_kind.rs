//! What the HTTP API asks of a kind of job. Everything that kinds have in common (uploads, verdicts, quotas, idempotency,
//! following, results) is done once, in [`crate::submission`] and [`crate::jobs`], by what a kind says here.

use std::sync::Arc;

use actix_web::web::ServiceConfig;
use async_trait::async_trait;
use domain::{KindSpec, Tier, UploadId, audio::Verdict, registry::ModelName, starts::StartLimit};
use persistence::{Database, Job};
use serde_json::{Map, Value};
use settings::{Settings, Wanted};
use utoipa::openapi::OpenApi;

use crate::{
    auth::Caller, fields::Fields, links::Links, named_inputs::NamedInputs, problem::ApiError, wire::QuotaBody,
};

/// A kind of job that can be submitted here.
#[async_trait]
pub trait SubmitKind: Send + Sync + 'static {
    /// Its table: which files it takes, which stages it has, what it leaves behind.
    fn spec(&self) -> &'static KindSpec;

    /// The names of its fields, of a form or of a JSON body. Their order is part of stored hashes of requests: new ones
    /// come last.
    fn fields(&self) -> &'static [&'static str];

    /// Those fields that hold lists or objects; in a form they are JSON texts.
    fn structured_fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// Those fields that hold a few words or numbers: texts with commas or blanks between them, in which a JSON array reads
    /// as such a text.
    fn list_fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// What is asked for.
    ///
    /// # Errors
    /// The first field that holds none of its values.
    fn read(&self, fields: &Fields) -> Result<Asked, ApiError>;

    /// Inputs that a request may name instead of bringing them as files.
    fn named_inputs(&self) -> Option<&dyn NamedInputs> {
        None
    }

    /// The model of the registry that a request asks for by name, of its parameters.
    fn model(&self, _params: &Value) -> Option<ModelName> {
        None
    }

    /// The name in the registry of models that a job of this kind holds from its birth on, of its parameters.
    fn name_to_hold(&self, _settings: &Settings, _params: &Value) -> Option<HeldName> {
        None
    }

    /// How many jobs of this kind a user may start in a stretch of time.
    fn start_limit(&self, _settings: &Settings) -> Option<StartLimit> {
        None
    }

    /// Whether jobs of this kind are taken here at all; asked before anything of a request is read.
    ///
    /// # Errors
    /// What an operator has to set first.
    fn is_offered(&self, _settings: &Settings) -> Result<(), ApiError> {
        Ok(())
    }

    /// Most that all files of one request have together.
    fn most_bytes(&self, _settings: &Settings, _tier: Tier) -> u64 {
        u64::MAX
    }

    /// Whether what is asked for can be had as things stand. Asked of new requests only, before their files are judged; the
    /// job's stages have the last word.
    ///
    /// # Errors
    /// What keeps it from being had.
    async fn admit(&self, _database: &Database, _caller: &Caller, _asked: &Asked) -> Result<(), ApiError> {
        Ok(())
    }

    /// Texts that stand for fields without which there is no request, where only its price is asked.
    fn stand_ins(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// What vendors may be paid for in such a job, in the order of its stages.
    fn paid_for(&self, _settings: &Settings, _job: &Priced<'_>) -> Vec<Wanted> {
        Vec::new()
    }

    /// What the answer to a submission tells beside what it tells for every kind.
    fn accepted(&self, _accepted: &Accepted<'_>) -> Map<String, Value> {
        Map::new()
    }

    /// Stored parameters as they are shown.
    fn parameters(&self, params: &Value) -> Value {
        params.clone()
    }

    /// What a finished job tells of itself beside its files.
    fn result(&self, job: &Job, made: &Value) -> Value;

    /// What a finished job's work is called.
    fn title(&self, made: &Value) -> Option<String> {
        made["title"].as_str().map(str::to_owned)
    }

    /// Routes of its own, such as an older API.
    fn routes(&self, _app: &mut ServiceConfig) {}

    /// Its part of the OpenAPI document: its form, and its own routes.
    fn openapi(&self) -> OpenApi {
        OpenApi::default()
    }
}

/// A name that a job holds until its model is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldName {
    pub name: ModelName,
    /// Of whom the model will be had.
    pub provider: String,
}

/// A request that was read.
#[derive(Clone, PartialEq)]
pub struct Asked {
    /// What the job's stages read.
    pub params: Value,
    /// Everything that it says in words, with the name of the field: what is held against the word lists.
    pub texts: Vec<(&'static str, String)>,
}

/// A job whose price is asked.
#[derive(Clone, Copy)]
pub struct Priced<'a> {
    /// What its stages would read.
    pub params: &'a Value,
    /// How long the music is, as is said beside the parameters.
    pub seconds: Option<f64>,
    /// Who has the model that it asks for by name.
    pub model_provider: Option<&'a str>,
}

/// A stored file of a request, judged and found good.
pub struct CheckedInput {
    pub role: &'static str,
    pub upload: UploadId,
    pub object_key: String,
    pub sha256: String,
    pub size_bytes: u64,
    pub file_name: Option<String>,
    pub verdict: Verdict,
}

/// A job that has just been accepted.
pub struct Accepted<'a> {
    pub job: &'a Job,
    /// In the order of the kind's table.
    pub inputs: &'a [CheckedInput],
    pub quota: QuotaBody,
    /// How many jobs of all users start before this one.
    pub queue_position: u64,
    /// Without a public address they are paths. They belong into the answer's member `links`, where they are completed.
    pub links: Links,
}

/// The kinds that a gateway takes.
#[derive(Clone)]
pub struct SubmitKinds(Vec<Arc<dyn SubmitKind>>);

impl SubmitKinds {
    pub fn new(kinds: Vec<Arc<dyn SubmitKind>>) -> Self {
        Self(kinds)
    }

    pub fn add(&mut self, kind: Arc<dyn SubmitKind>) {
        self.0.push(kind);
    }

    pub fn get(&self, name: &str) -> Option<&dyn SubmitKind> {
        self.iter().find(|kind| kind.spec().name.as_str() == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn SubmitKind> {
        self.0.iter().map(AsRef::as_ref)
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.iter().map(|kind| kind.spec().name.as_str()).collect()
    }
}
