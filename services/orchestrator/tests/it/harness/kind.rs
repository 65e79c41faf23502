//! A kind of job of the tests' own: no input, three stages, and in the middle a vendor who works for ten minutes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    ArtifactRole, Failure, FailureClass, FailureCode, KindName, KindSpec, StageName, StageSpec, artifact,
    kind::{Announcements, KindLimits},
    progress::ProgressSpan,
};
use orchestrator::{Asked, Kind, ReuseKey, Stage, StageOutcome, StageRun, Stop, ask};
use serde_json::{Value, json};

use super::vendor::Vendor;

pub const PREPARE: StageName = StageName::new("prepare");
pub const ORDER: StageName = StageName::new("order");
pub const WRAP: StageName = StageName::new("wrap");

/// The table of the kind.
pub static SPEC: KindSpec = KindSpec {
    name: KindName::new("sample"),
    inputs: &[],
    stages: &[
        StageSpec {
            name: PREPARE,
            label: "Preparing",
            progress: ProgressSpan::new(0, 10),
            error_word: "PREPARE_ERROR",
        },
        StageSpec {
            name: ORDER,
            label: "Waiting for the vendor",
            progress: ProgressSpan::new(10, 90),
            error_word: "VENDOR_ERROR",
        },
        StageSpec { name: WRAP, label: "Wrapping", progress: ProgressSpan::new(90, 100), error_word: "WRAP_ERROR" },
    ],
    artifacts: &[artifact::REPORT],
    default_role: ArtifactRole::REPORT,
    limits: KindLimits { deadline: Some(Duration::from_secs(3600)), slots: Some(1), ..KindLimits::NONE },
    announcements: Some(Announcements {
        requested: "order.requested",
        completed: "order.completed",
        failed: "order.failed",
    }),
    overtime_advice: "Ask for less.",
    error_words: &[],
};

pub fn kind(vendor: Arc<Vendor>, other: Arc<Vendor>) -> Kind {
    let order = Order { vendor: vendor.clone(), other: other.clone() };
    let stages: Vec<Box<dyn Stage>> = vec![Box::new(Prepare), Box::new(order), Box::new(Wrap(vendor.clone()))];
    Kind::new(&SPEC, stages).waiting_for(vendor).waiting_for(other)
}

struct Prepare;

#[async_trait]
impl Stage for Prepare {
    fn name(&self) -> StageName {
        PREPARE
    }

    /// What the request says, and nothing else.
    async fn reuse_key(&self, run: &StageRun<'_>) -> Result<Option<ReuseKey>, Failure> {
        Ok(Some(ReuseKey { inputs: json!({ "request": run.job.request }), provider: Some("us".into()) }))
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        run.put_json("order.json", &json!({ "words": run.job.request["words"], "at": run.job.generation })).await?;
        StageOutcome::done(Some("us".to_owned()), json!({ "prepared": true }))
    }
}

struct Order {
    vendor: Arc<Vendor>,
    other: Arc<Vendor>,
}

impl Order {
    /// Whom a request is for.
    fn vendor(&self, request: &Value) -> Arc<Vendor> {
        match request["words"].as_str().and_then(|words| words.split(' ').next()) {
            Some("other") => self.other.clone(),
            // Nobody said that the kind waits for this one.
            Some("stranger") => Arc::new(Vendor::new("stranger", self.vendor.clock())),
            _ => self.vendor.clone(),
        }
    }
}

#[async_trait]
impl Stage for Order {
    fn name(&self) -> StageName {
        ORDER
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let order: Value = run.get_json("order.json").await?;
        let vendor = self.vendor(&run.job.request);
        let asked = ask(run, &*vendor, "order", &order).await;
        let has_fallback = vendor.orders().has_fallback;
        match asked {
            Ok(Asked::Parked(parking)) => Ok(StageOutcome::Parked(parking)),
            Ok(Asked::Answered { value, outside_id }) => StageOutcome::done(
                Some("vendor".to_owned()),
                json!({ "made": value, "as": outside_id, "of": order["at"] }),
            ),
            Err(_) if has_fallback => StageOutcome::done(Some("fallback".to_owned()), json!({ "made": "elsewhere" })),
            Err(failure) => Err(failure.into()),
        }
    }
}

struct Wrap(Arc<Vendor>);

#[async_trait]
impl Stage for Wrap {
    fn name(&self) -> StageName {
        WRAP
    }

    async fn run(&self, run: &StageRun<'_>) -> Result<StageOutcome, Stop> {
        let order: Value = run.get_json("order.json").await?;
        if self.0.orders().fails_wrapping {
            return Err(Failure::new(FailureClass::Caller, FailureCode::Internal, "there is no paper").into());
        }
        let made = run.done.get(ORDER.as_str()).map(|order| order.detail["made"].clone()).unwrap_or_default();
        StageOutcome::done(None, json!({ "made": made, "prepared_at": order["at"] }))
    }
}
