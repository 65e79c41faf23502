//! The calls of one stage, in rows: what was asked of a vendor is asked and paid for once, whatever dies in between.

use async_trait::async_trait;
use domain::{Cost, Failure, FailureClass, FailureCode, OutsideCallId, Tried};
use persistence::{Begun, KeptAnswer, NewCall, OutsideCallState};
use providers::{
    Answer, AudioInput, Call, CallError, CallLog, CallScope, Make, OutsideService, Patience, ProgressSink, Stop,
};
use resilience::ids::random10;
use serde_json::Value;

use crate::{
    outside::{self, Terms, ask_for, lost, of_rows, over_limit},
    stage::StageRun,
};

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
        let calls = self.tools.database.outside_calls();
        calls.has_begun(self.job.id, self.stage, provider).await.map_err(|error| of_rows(&error))
    }

    async fn once(&self, call: Call<'_>, make: Make<'_>) -> Result<Answer, Stop> {
        let (tools, now) = (self.tools, self.tools.clock.now());
        let calls = tools.database.outside_calls();
        let id = OutsideCallId::new(now, random10());
        let holder = (self.job.id, self.job.generation);
        let new = NewCall {
            answers_at_once: true,
            may_repeat: call.may_repeat,
            estimate: call.estimate.clone(),
            limits: tools.spending.limits(call.provider),
            ..NewCall::new(id, holder, (self.stage, call.purpose), (call.provider, call.credential))
        };
        let begun = match calls.begin(&new, now).await.map_err(|error| of_rows(&error))? {
            Begun::Fresh(begun) => begun,
            Begun::Lost => return Err(lost().into()),
            Begun::OverLimit(whose) => return Err(over_limit(call.provider, &whose)),
            Begun::Known(known) => {
                return match &known.answer {
                    Some(kept) => Ok(self.opened(kept).await?),
                    None => {
                        if known.state == OutsideCallState::Asking {
                            let ended = calls.ended(known.id, OutsideCallState::Unanswered, None, now).await;
                            ended.map_err(|error| of_rows(&error))?;
                        }
                        Err(Self::unanswered(call.provider))
                    }
                };
            }
            Begun::Unknown => return Err(Self::unanswered(call.provider)),
        };
        let ended = async |state, charge: (&domain::Usage, Option<&Cost>), answer: Option<&KeptAnswer>| {
            outside::note(tools, &begun, state, charge, answer).await
        };
        let nothing = domain::Usage::default();
        match make(begun.correlation.clone()).await {
            Ok(made) => {
                let mut files = Vec::new();
                for (index, file) in made.files.into_iter().enumerate() {
                    files.push(self.put_outside(begun.id, index, file).await?);
                }
                let kept = KeptAnswer { value: made.value, files };
                ended(OutsideCallState::Succeeded, (&made.usage, made.cost.as_ref()), Some(&kept)).await?;
                Ok(self.opened(&kept).await?)
            }
            Err(CallError::Refused(failure)) => {
                ended(OutsideCallState::Failed, (&nothing, None), None).await?;
                Err(failure.into())
            }
            Err(CallError::Unanswered(failure)) if call.may_repeat => {
                ended(OutsideCallState::NeverArrived, (&nothing, None), None).await?;
                Err(failure.into())
            }
            Err(CallError::Unanswered(failure)) => {
                ended(OutsideCallState::Unanswered, (&nothing, None), None).await?;
                Err(Stop::GivenUp(failure))
            }
            Err(CallError::Useless { failure, usage, cost }) => {
                // It was paid for, and is not bought again by a later attempt.
                ended(OutsideCallState::Unanswered, (&usage, cost.as_ref()), None).await?;
                Err(Stop::GivenUp(failure))
            }
        }
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
