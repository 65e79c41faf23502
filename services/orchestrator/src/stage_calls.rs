//! The calls of one stage, in rows: what was asked of a vendor is asked and paid for once, whatever dies in between.

use std::time::Instant;

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode, OutsideCallId, Tried};
use persistence::{Begun, KeptAnswer, NewCall, OutsideCall, OutsideCallState};
use providers::{Answer, AudioInput, Call, CallLog, CallScope, Make, OutsideService, Patience, ProgressSink, Stop};
use resilience::ids::random10;
use serde_json::Value;

use crate::{
    made_calls::{self, settled},
    outside::{Terms, ask_for, lost, of_rows, over_limit},
    stage::StageRun,
};

/// Whether somebody was asked before.
enum Asked {
    Before(KeptAnswer),
    /// The row is there, and the call is to be made.
    Now(Box<OutsideCall>),
}

impl StageRun<'_> {
    /// What chains of providers are called with.
    pub fn calls(&self) -> CallScope<'_> {
        CallScope::new(self, self.remaining)
    }

    /// What was answered, with its files at hand.
    async fn opened(&self, kept: &KeptAnswer) -> Result<Answer, Failure> {
        let mut files = Vec::new();
        for object in &kept.files {
            let file = self.fetch("what a provider answered", object).await?;
            files.push(AudioInput::new(file).map_err(|error| {
                Failure::new(
                    FailureClass::Transient,
                    FailureCode::Storage,
                    format!("an answer cannot be read: {error}"),
                )
            })?);
        }
        Ok(Answer { value: kept.value.clone(), files })
    }

    /// Writes down that somebody is asked, if that was not done before.
    async fn begun(&self, call: &Call<'_>) -> Result<Asked, Stop> {
        let (tools, now) = (self.tools, self.tools.clock.now());
        let id = OutsideCallId::new(now, random10());
        let holder = (self.job.id, self.job.generation);
        let new = NewCall {
            answers_at_once: true,
            may_repeat: call.may_repeat,
            estimate: call.estimate.clone(),
            limits: tools.spending.limits(call.provider),
            ..NewCall::new(id, holder, (self.stage, call.purpose), (call.provider, call.credential))
        };
        match tools.database.outside_calls().begin(&new, now).await.map_err(|error| of_rows(&error))? {
            Begun::Fresh(begun) => Ok(Asked::Now(Box::new(begun))),
            Begun::Lost => Err(lost().into()),
            Begun::OverLimit(whose) => Err(over_limit(call.provider, &whose)),
            Begun::Known(known) => self.answer_of(known).await.map(Asked::Before),
            Begun::Unknown => Err(Self::unanswered(call.provider)),
        }
    }

    /// What was answered to a call that was made before. Where it is still being made here, it is waited for.
    async fn answer_of(&self, mut known: OutsideCall) -> Result<KeptAnswer, Stop> {
        let calls = self.tools.database.outside_calls();
        if known.state == OutsideCallState::Asking {
            self.tools.late.ended(known.id).await;
            // It may have ended since its row was read.
            known = calls.get(known.id).await.map_err(|error| of_rows(&error))?.unwrap_or(known);
        }
        if let Some(kept) = known.answer {
            return Ok(kept);
        }
        if known.state == OutsideCallState::Asking {
            let now = self.tools.clock.now();
            let ended = calls.ended(known.id, OutsideCallState::Unanswered, None, now).await;
            ended.map_err(|error| of_rows(&error))?;
        }
        Err(Self::unanswered(&known.provider))
    }

    /// What may have been paid for is not asked of the same provider again.
    fn unanswered(provider: &str) -> Stop {
        Stop::GivenUp(Failure::new(
            FailureClass::Transient,
            FailureCode::ProviderUnavailable,
            format!(
                "{provider} was asked before and the answer was lost; it may have been paid for and is not asked again"
            ),
        ))
    }
}

#[async_trait]
impl CallLog for StageRun<'_> {
    async fn tried(&self) -> Result<Vec<Tried>, Failure> {
        self.tools.database.stages().tried(self.job.id, self.stage).await.map_err(|error| of_rows(&error))
    }

    async fn give_up(&self, tried: Tried) -> Result<(), Failure> {
        let stages = self.tools.database.stages();
        let mut all = self.tried().await?;
        all.push(tried);
        let noted = stages.note_tried(self.job.id, self.job.generation, self.stage, &all).await;
        if noted.map_err(|error| of_rows(&error))? { Ok(()) } else { Err(lost()) }
    }

    async fn has_begun(&self, provider: &str) -> Result<bool, Failure> {
        if self.tools.late.has_of_stage(self.job.id, self.stage, provider) {
            return Ok(true);
        }
        let calls = self.tools.database.outside_calls();
        calls.has_begun(self.job.id, self.stage, provider).await.map_err(|error| of_rows(&error))
    }

    async fn once(&self, call: Call<'_>, make: Make<'_>) -> Result<Answer, Stop> {
        let begun = match self.begun(&call).await? {
            Asked::Before(kept) => return Ok(self.opened(&kept).await?),
            Asked::Now(begun) => begun,
        };
        let made = make(begun.correlation.clone()).await;
        let kept = settled(self.tools, self.job.generation, &begun, call.may_repeat, made).await?;
        Ok(self.opened(&kept).await?)
    }

    async fn paid_once(&self, call: Call<'_>, latest: Instant, make: Make<'static>) -> Result<Answer, Stop> {
        if call.may_repeat {
            return self.once(call, make).await;
        }
        let begun = match self.begun(&call).await? {
            Asked::Before(kept) => return Ok(self.opened(&kept).await?),
            Asked::Now(begun) => begun,
        };
        let told = made_calls::in_own_task(self.tools, self.job.generation, *begun, latest, make);
        // Its task says how it ended, unless it died.
        let kept = told.await.unwrap_or_else(|_| Err(Self::unanswered(call.provider)))?;
        Ok(self.opened(&kept).await?)
    }

    async fn has_late_answer(&self, provider: &str, until: Instant) -> Result<bool, Failure> {
        let (tools, job) = (self.tools, self.job.id);
        let left = until.saturating_duration_since(Instant::now());
        // Whether it came in time is seen in its row.
        let _ = tokio::time::timeout(left, tools.late.ended_of_stage(job, self.stage, provider)).await;
        let calls = tools.database.outside_calls().of_job(job).await.map_err(|error| of_rows(&error))?;
        Ok(calls.iter().any(|call| {
            let is_of_stage = call.stage == self.stage.as_str() && call.provider == provider;
            // What has an id of its own is looked at, not waited for.
            is_of_stage && call.outside_id.is_none() && call.answer.is_some()
        }))
    }

    async fn ask(
        &self,
        call: Call<'_>,
        patience: Patience,
        service: &dyn OutsideService,
        request: &Value,
        _progress: &ProgressSink,
    ) -> Result<Answer, Stop> {
        let terms = Terms { purpose: call.purpose, estimate: call.estimate, patience };
        let made = ask_for(self, service, terms, request).await?;
        Ok(self.opened(&made.answer).await?)
    }
}
