//! The calls of one stage, in rows: what was asked of a vendor is asked and paid for once, whatever dies in between.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use domain::{Cost, Failure, FailureClass, FailureCode, OutsideCallId, Tried};
use persistence::{Begun, KeptAnswer, NewCall, OutsideCall, OutsideCallState, account_of};
use providers::{Answer, AudioInput, Call, CallLog, CallScope, Make, OutsideService, Patience, ProgressSink, Stop};
use resilience::ids::random10;
use serde_json::Value;

use crate::{
    made_calls::{self, settled},
    outside::{Terms, age, ask_for, lost, of_rows, over_limit},
    stage::StageRun,
};

/// How often the row of a call is looked at that another process may make.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

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

    /// Writes down that somebody is asked, if that was not done before. Who was given up is not asked for anything new.
    async fn begun(&self, call: &Call<'_>) -> Result<Asked, Stop> {
        if self.has_given_up(call.provider).await? {
            return self.kept(call).await.map(Asked::Before);
        }
        let tools = self.tools;
        // Twice at most: what was not even asked when it was waited for is settled, and then made.
        for _ in 0..2 {
            let now = tools.clock.now();
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
                Begun::Fresh(begun) => {
                    tools.late.begun_here(begun.id);
                    return Ok(Asked::Now(Box::new(begun)));
                }
                Begun::Lost => return Err(lost().into()),
                Begun::OverLimit(whose) => return Err(over_limit(call.provider, &whose)),
                Begun::Known(known) => {
                    if let Some(kept) = self.answer_of(known).await? {
                        return Ok(Asked::Before(kept));
                    }
                }
                Begun::Unknown => break,
            }
        }
        Err(Self::unanswered(call.provider))
    }

    /// Whether the stage has failed with a provider, and asks others.
    async fn has_given_up(&self, provider: &str) -> Result<bool, Failure> {
        let tried = self.tried().await?;
        Ok(tried.iter().any(|tried| tried.class.is_some() && tried.provider == account_of(provider)))
    }

    /// What was answered to a call of a provider that was given up.
    async fn kept(&self, call: &Call<'_>) -> Result<KeptAnswer, Stop> {
        let asked = self.asked(account_of(call.provider)).await?;
        let answer =
            asked.into_iter().rev().filter(|known| known.purpose == call.purpose).find_map(|known| known.answer);
        answer.ok_or_else(|| Self::unanswered(call.provider))
    }

    /// What the stage has asked a provider for and may have to pay for, oldest first.
    async fn asked(&self, provider: &str) -> Result<Vec<OutsideCall>, Failure> {
        let calls = self.tools.database.outside_calls().of_job(self.job.id).await.map_err(|error| of_rows(&error))?;
        let is_one = |call: &OutsideCall| {
            call.stage == self.stage.as_str() && account_of(&call.provider) == provider && call.state.stands()
        };
        Ok(calls.into_iter().filter(is_one).collect())
    }

    /// What was answered to a call that was made before; `None` where nothing was asked in the end. Where it is still being made,
    /// it is waited for.
    async fn answer_of(&self, known: OutsideCall) -> Result<Option<KeptAnswer>, Stop> {
        let known = self.no_longer_made(known).await?;
        if known.answer.is_some() {
            return Ok(known.answer);
        }
        if !known.state.stands() {
            return Ok(None);
        }
        if known.state == OutsideCallState::Asking {
            let (calls, now) = (self.tools.database.outside_calls(), self.tools.clock.now());
            let ended = calls.ended(known.id, OutsideCallState::Unanswered, None, now).await;
            ended.map_err(|error| of_rows(&error))?;
        }
        Err(Self::unanswered(&known.provider))
    }

    /// A call as it is when nobody makes it any more, here or in another process.
    async fn no_longer_made(&self, mut known: OutsideCall) -> Result<OutsideCall, Failure> {
        while known.state == OutsideCallState::Asking {
            let is_made_here = self.tools.late.is_in_hand(known.id);
            let may_come = !is_made_here && self.may_be_made_elsewhere(&known);
            if is_made_here {
                self.tools.late.ended(known.id).await;
            } else if may_come {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            // It may have ended since its row was read.
            let read = self.tools.database.outside_calls().get(known.id).await;
            known = read.map_err(|error| of_rows(&error))?.unwrap_or(known);
            if !may_come {
                break;
            }
        }
        Ok(known)
    }

    fn may_be_made_elsewhere(&self, call: &OutsideCall) -> bool {
        let age = age(call, self.tools.clock.now());
        call.state == OutsideCallState::Asking && self.tools.late.may_be_made_elsewhere(call.id, &call.provider, age)
    }

    /// Whether the last that a provider was asked for is answered, once nobody makes any of its calls any more.
    async fn is_answered(&self, provider: &str) -> Result<bool, Failure> {
        loop {
            self.tools.late.ended_of_stage(self.job.id, self.stage, provider).await;
            let asked = self.asked(provider).await?;
            if !asked.iter().any(|call| self.may_be_made_elsewhere(call)) {
                // Calls of one moment have no order.
                let last = asked.iter().map(|call| call.created_at).max();
                return Ok(asked.iter().any(|call| Some(call.created_at) == last && call.answer.is_some()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
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
        if calls.has_begun(self.job.id, self.stage, provider).await.map_err(|error| of_rows(&error))? {
            return Ok(true);
        }
        self.is_made_elsewhere(provider).await
    }

    async fn has_all(&self, provider: &str) -> Result<bool, Failure> {
        let asked = self.asked(provider).await?;
        let is_there = |call: &OutsideCall| {
            call.answer.is_some() || self.tools.late.is_in_hand(call.id) || self.may_be_made_elsewhere(call)
        };
        Ok(!asked.is_empty() && asked.iter().all(is_there))
    }

    async fn once(&self, call: Call<'_>, make: Make<'_>) -> Result<Answer, Stop> {
        let begun = match self.begun(&call).await? {
            Asked::Before(kept) => return Ok(self.opened(&kept).await?),
            Asked::Now(begun) => begun,
        };
        let made = make(begun.correlation.clone()).await;
        let kept = settled(self.tools, self.job.generation, &begun, call.may_repeat, made).await?;
        Ok(self.opened(&kept.answer).await?)
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
        let kept = told.outcome().await.unwrap_or_else(|| Err(Self::unanswered(call.provider)))?;
        Ok(self.opened(&kept.answer).await?)
    }

    async fn asked_before(&self, call: &Call<'_>) -> Result<Option<Answer>, Stop> {
        let kept = if self.has_given_up(call.provider).await? {
            Some(self.kept(call).await?)
        } else {
            let is_it = |known: &OutsideCall| {
                (&*known.purpose, &*known.provider, &*known.credential)
                    == (call.purpose, call.provider, call.credential)
            };
            let known = self.asked(account_of(call.provider)).await?.into_iter().rev().find(is_it);
            match known {
                Some(known) => self.answer_of(known).await?,
                None => None,
            }
        };
        let Some(kept) = kept else { return Ok(None) };
        Ok(Some(self.opened(&kept).await?))
    }

    async fn may_cost(&self, provider: &str, estimate: Option<&Cost>) -> Result<(), Stop> {
        let Some(estimate) = estimate else { return Ok(()) };
        let (spending, limits) = (self.tools.database.spending(), self.tools.spending.limits(provider));
        let over = spending.over_limit((self.job.id, provider), estimate, &limits, self.tools.clock.now()).await;
        match over.map_err(|error| of_rows(&error))? {
            Some(whose) => Err(over_limit(provider, &whose)),
            None => Ok(()),
        }
    }

    async fn has_late_answer(&self, provider: &str, until: Instant) -> Result<bool, Failure> {
        let left = until.saturating_duration_since(Instant::now());
        // What has not come by then has not come.
        tokio::time::timeout(left, self.is_answered(provider)).await.unwrap_or(Ok(false))
    }

    async fn is_made_elsewhere(&self, provider: &str) -> Result<bool, Failure> {
        let asked = self.asked(provider).await?;
        Ok(asked.iter().any(|call| self.may_be_made_elsewhere(call)))
    }

    async fn ask(
        &self,
        call: Call<'_>,
        patience: Patience,
        service: &dyn OutsideService,
        request: &Value,
        _progress: &ProgressSink,
    ) -> Result<Answer, Stop> {
        if self.has_given_up(call.provider).await? {
            return Ok(self.opened(&self.kept(&call).await?).await?);
        }
        let terms = Terms { purpose: call.purpose, estimate: call.estimate, patience };
        let made = ask_for(self, service, terms, request).await?;
        Ok(self.opened(&made.answer).await?)
    }
}
