//! Calls of vendors, written down before they are made, so that nothing is asked or paid for twice.
//!
//! Providers make every call that may cost something through a [`CallLog`]. The orchestrator's keeps rows; [`DirectCalls`] is
//! for those who make a thing at once and keep nothing.

use std::{
    fs::File,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use domain::{Cost, Failure, FailureClass, FailureCode, OutsideCallId, Tried, Usage};
use resilience::ids::random10;
use serde_json::Value;

use crate::{
    abilities::ModelChoice,
    awaited,
    call_off::CalledOffOnDrop,
    input::{AudioInput, ProgressSink},
    outside_service::{CallError, OutsideProgress, OutsideService},
    slot::Slot,
    stop::Stop,
};

/// Names of providers are those of the settings' tables.
pub type ProviderName = Arc<str>;

/// What a vendor made.
#[derive(Debug)]
pub struct Answer {
    pub value: Value,
    pub files: Vec<AudioInput>,
}

/// A call that was answered at once, with what it cost.
#[derive(Debug, Default)]
pub struct Answered {
    pub value: Value,
    /// At any position.
    pub files: Vec<File>,
    pub usage: Usage,
    pub cost: Option<Cost>,
}

/// What is called, and on what terms.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    pub provider: &'a str,
    pub credential: &'a str,
    /// Tells the calls of one stage apart. The same purpose is the same call: it is made once.
    pub purpose: &'a str,
    /// What it will cost, as far as that can be known: it is held against the limits on spending.
    pub estimate: Option<Cost>,
    /// Whether it may be made again when its answer was lost: it costs nothing.
    pub may_repeat: bool,
}

/// How long work outside is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Whatever else: longer than this it never takes.
    pub longest: Duration,
    /// What is left for the stage.
    pub remaining: Duration,
    /// Whether another provider comes after it, for whom half of the time is kept.
    pub is_last: bool,
    /// When whoever waits for it in this process is cut off; `None` where nobody is.
    pub cut_at: Option<Instant>,
}

impl Patience {
    /// Whether work that was asked for so long ago is waited for no longer.
    pub fn is_over(&self, age: Duration) -> bool {
        let share = if self.is_last { age + self.remaining } else { (age + self.remaining) / 2 };
        age >= self.longest.min(share)
    }

    /// When somebody who waits in this process stops doing so, so that there is time to call the work off before they are cut
    /// off.
    fn ends_at(&self, now: Instant) -> Option<Instant> {
        let cut_at = self.cut_at?;
        let spare = MOST_SPARE.min(cut_at.saturating_duration_since(now) / 10);
        cut_at.checked_sub(spare)
    }
}

/// The making of a call. It is given a word that goes along, if the other side takes one, by which the call is known.
pub type Make<'a> =
    Box<dyn FnOnce(String) -> Pin<Box<dyn Future<Output = Result<Answered, CallError>> + Send + 'a>> + Send + 'a>;

/// The log of one stage's calls.
#[async_trait]
pub trait CallLog: Send + Sync {
    /// Whom the stage will not ask (again).
    async fn tried(&self) -> Result<Vec<Tried>, Failure>;

    /// Remembers that the next provider is asked in this one's place.
    async fn give_up(&self, tried: Tried) -> Result<(), Failure>;

    /// Whether the provider works on something for the stage, or has done it: then it is gone on with, even while nobody else
    /// asks this provider for anything.
    async fn has_begun(&self, provider: &str) -> Result<bool, Failure>;

    /// Whether all that the stage has asked the provider for is answered, or on its way to this process or to another one: to go
    /// on, nothing has to be sent at first.
    async fn has_all(&self, _provider: &str) -> Result<bool, Failure> {
        Ok(false)
    }

    /// Makes a call that is answered at once; what was answered before is answered again without a call.
    async fn once(&self, call: Call<'_>, make: Make<'_>) -> Result<Answer, Stop>;

    /// As [`CallLog::once`], of a call that may be paid for as soon as it is sent. Its making owns all that it needs: where it is
    /// waited for no longer, a log that keeps answers may let it go on for a while, until `latest` at most, and keep what comes.
    async fn paid_once(&self, call: Call<'_>, _latest: Instant, make: Make<'static>) -> Result<Answer, Stop> {
        self.once(call, make).await
    }

    /// What [`CallLog::paid_once`] would answer to a call that was asked for before, without a new one; waited for where it is still
    /// being made. `None` where nothing was asked: whatever the call needs is still to be made.
    async fn asked_before(&self, _call: &Call<'_>) -> Result<Option<Answer>, Stop> {
        Ok(None)
    }

    /// A look at whether a provider's call may cost so much, for who would pay for something else first that the call needs. It
    /// promises nothing: what counts is what is set aside when the call is made.
    ///
    /// # Errors
    /// `NotAsked` where it would go beyond a limit.
    async fn may_cost(&self, _provider: &str, _estimate: Option<&Cost>) -> Result<(), Stop> {
        Ok(())
    }

    /// Whether a provider that was given up has answered all that it was asked for. What may still come is waited for until then.
    /// Who was given up is not asked for anything new: its answers are taken, or it fails.
    async fn has_late_answer(&self, _provider: &str, _until: Instant) -> Result<bool, Failure> {
        Ok(false)
    }

    /// Whether another process may still make what the stage has asked the provider for: it is waited for, and nothing is sent
    /// from here meanwhile.
    async fn is_made_elsewhere(&self, _provider: &str) -> Result<bool, Failure> {
        Ok(false)
    }

    /// Has somebody work on something; what was asked for before is looked at.
    async fn ask(
        &self,
        call: Call<'_>,
        patience: Patience,
        service: &dyn OutsideService,
        request: &Value,
        progress: &ProgressSink,
    ) -> Result<Answer, Stop>;
}

/// The part of a chain that a provider sees.
#[derive(Clone)]
pub struct ProviderCall<'a> {
    pub calls: &'a dyn CallLog,
    /// Under which name it is called.
    pub provider: ProviderName,
    /// The model that was asked for by name, which is this provider's.
    pub model: Option<ModelChoice>,
    pub ends_at: Instant,
    /// What is left for the stage, other providers included.
    pub remaining: Duration,
    /// When that is over.
    pub stage_ends_at: Instant,
    pub is_last: bool,
    /// Whether what is made badly is better than nothing: nobody else makes it.
    pub may_be_poor: bool,
    /// Whoever goes on with work of ours lets it go.
    pub slot: Arc<Slot>,
}

impl<'a> ProviderCall<'a> {
    /// Of somebody who calls one provider and no chain.
    pub fn alone(calls: &'a dyn CallLog, provider: &str, remaining: Duration) -> Self {
        let ends_at = Instant::now() + remaining;
        Self {
            calls,
            provider: provider.into(),
            model: None,
            ends_at,
            remaining,
            stage_ends_at: ends_at,
            is_last: true,
            may_be_poor: true,
            slot: Arc::default(),
        }
    }

    /// Makes a call that may be paid for as soon as it is sent and is answered at once or never. Where it is waited for no longer,
    /// it may go on for a while; for as long as it does, it has its slot. An answer that is kept needs none.
    ///
    /// # Errors
    /// As [`CallLog::once`].
    pub async fn paid_once(&self, of: Call<'_>, make: Make<'static>) -> Result<Answer, Stop> {
        let (slot, until, provider) = (self.slot.clone(), self.ends_at, self.provider.clone());
        let make: Make<'static> = Box::new(move |id| {
            Box::pin(async move {
                awaited::kept_back(slot.take_again(until)).await.map_err(CallError::Refused)?;
                awaited::check(&provider)?;
                let made = make(id).await;
                drop(slot);
                made
            })
        });
        self.calls.paid_once(of, self.stage_ends_at, make).await
    }

    /// With work that takes no longer than `longest`.
    pub const fn patience(&self, longest: Duration) -> Patience {
        Patience { longest, remaining: self.remaining, is_last: self.is_last, cut_at: Some(self.ends_at) }
    }
}

/// What a chain is called with.
#[derive(Clone, Copy)]
pub struct CallScope<'a> {
    pub calls: &'a dyn CallLog,
    /// Longest that the chain may take.
    pub remaining: Duration,
}

impl<'a> CallScope<'a> {
    pub const fn new(calls: &'a dyn CallLog, remaining: Duration) -> Self {
        Self { calls, remaining }
    }

    /// With another bound on its time.
    #[must_use]
    pub const fn within(self, remaining: Duration) -> Self {
        Self { remaining, ..self }
    }
}

/// Calls of somebody who waits for them and keeps no rows: the command line, the expert service. Work that takes its time is called
/// off where it is waited for no longer, also when whoever waited is dropped.
#[derive(Default)]
pub struct DirectCalls {
    tried: Mutex<Vec<Tried>>,
}

impl DirectCalls {
    fn list(&self) -> MutexGuard<'_, Vec<Tried>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CallLog for DirectCalls {
    async fn tried(&self) -> Result<Vec<Tried>, Failure> {
        Ok(self.list().clone())
    }

    async fn give_up(&self, tried: Tried) -> Result<(), Failure> {
        self.list().push(tried);
        Ok(())
    }

    async fn has_begun(&self, _provider: &str) -> Result<bool, Failure> {
        Ok(false)
    }

    async fn once(&self, call: Call<'_>, make: Make<'_>) -> Result<Answer, Stop> {
        let id = OutsideCallId::new(Utc::now(), random10());
        match make(id.to_string()).await {
            Ok(answered) => answer(answered.value, answered.files),
            Err(error) => Err(stop(error, call.may_repeat)),
        }
    }

    async fn ask(
        &self,
        _call: Call<'_>,
        patience: Patience,
        service: &dyn OutsideService,
        request: &Value,
        progress: &ProgressSink,
    ) -> Result<Answer, Stop> {
        let started = Instant::now();
        let ends_at = patience.ends_at(started);
        let correlation = OutsideCallId::new(Utc::now(), random10()).to_string();
        let mut work = CalledOffOnDrop::new(service, &correlation);
        let id = match service.create(&correlation, request).await {
            Ok(id) => id,
            Err(CallError::Unanswered(failure)) => match service.find(&correlation).await {
                Ok(Some(id)) => id,
                // It may be there all the same: it is not asked for a second time.
                Ok(None) | Err(_) => return Err(Stop::GivenUp(failure)),
            },
            Err(error) => {
                if matches!(error, CallError::Refused(_)) {
                    work.is_over();
                }
                return Err(stop(error, false));
            }
        };
        work.is_known_as(&id);
        let pause = |longest: Duration| {
            let left = ends_at.map_or(longest, |end| end.saturating_duration_since(Instant::now()));
            tokio::time::sleep(longest.min(left))
        };
        loop {
            let left = patience.remaining.saturating_sub(started.elapsed());
            let is_cut_off_soon = ends_at.is_some_and(|end| Instant::now() >= end);
            if is_cut_off_soon || (Patience { remaining: left, ..patience }).is_over(started.elapsed()) {
                match service.cancel(&id).await {
                    Ok(()) => work.is_over(),
                    Err(failure) => {
                        tracing::warn!(provider = service.provider(), code = %failure.code, "work was not called off yet");
                    }
                }
                return Err(Stop::GivenUp(too_long(service.provider(), started.elapsed())));
            }
            match service.look_at(&id, started.elapsed()).await {
                Ok(OutsideProgress::Working { fraction, look_again_in }) => {
                    if let Some(fraction) = fraction {
                        progress(fraction);
                    }
                    pause(look_again_in.clamp(SOONEST_LOOK, LATEST_DIRECT_LOOK)).await;
                }
                Ok(OutsideProgress::Succeeded { value, files, .. }) => {
                    work.is_over();
                    let mut fetched = Vec::new();
                    for from in files {
                        fetched.push(downloaded(service, &from, &pause).await?);
                    }
                    return answer(value, fetched).map_err(|stop| Stop::GivenUp(stop.into_failure()));
                }
                Ok(OutsideProgress::Failed { failure, .. }) => {
                    work.is_over();
                    return Err(Stop::Failed(failure));
                }
                // It goes on all the same.
                Err(failure) if failure.class.is_retryable() => pause(LATEST_DIRECT_LOOK).await,
                Err(failure) => return Err(failure.into()),
            }
        }
    }
}

/// How often work is looked at, at most and at least, by whoever waits for it.
const SOONEST_LOOK: Duration = Duration::from_millis(200);
const LATEST_DIRECT_LOOK: Duration = Duration::from_secs(2);
/// Work is called off so long before whoever waits for it is cut off, or a tenth of their time where that is less.
const MOST_SPARE: Duration = Duration::from_secs(5);

/// How often a file is asked for that a service has made, and the time between.
const MOST_DOWNLOADS: u32 = 4;
const DOWNLOAD_AGAIN: Duration = Duration::from_secs(1);

/// As [`download`], some times over where that may help. What cannot be had all the same is paid for, and not made again.
async fn downloaded<F: Future<Output = ()>>(
    service: &dyn OutsideService,
    from: &url::Url,
    pause: &impl Fn(Duration) -> F,
) -> Result<File, Stop> {
    let mut times = 1;
    loop {
        match download(service, from).await {
            Ok(file) => return Ok(file),
            Err(failure) if !failure.class.is_retryable() => return Err(failure.into()),
            Err(failure) if times == MOST_DOWNLOADS => return Err(Stop::GivenUp(failure)),
            Err(failure) => {
                tracing::info!(provider = service.provider(), code = %failure.code, "a file is asked for again");
                pause(DOWNLOAD_AGAIN).await;
                times += 1;
            }
        }
    }
}

/// What a service made, in an unnamed file.
///
/// # Errors
/// As [`OutsideService::download`].
pub async fn download(service: &dyn OutsideService, from: &url::Url) -> Result<File, Failure> {
    let mut file = tempfile::tempfile().map_err(|error| local(&error))?;
    service.download(from, &mut file).await?;
    Ok(file)
}

/// A value with its files at their starts.
///
/// # Errors
/// `Transient` where a file cannot be read any more.
pub fn answer(value: Value, files: Vec<File>) -> Result<Answer, Stop> {
    let files: Result<Vec<AudioInput>, std::io::Error> = files.into_iter().map(AudioInput::new).collect();
    Ok(Answer { value, files: files.map_err(|error| local(&error))? })
}

fn local(error: &std::io::Error) -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::Storage, format!("a file for an answer: {error}"))
}

/// What an error means for the chain. What may have been paid for is not asked of the same provider again.
pub fn stop(error: CallError, may_repeat: bool) -> Stop {
    match error {
        CallError::Refused(failure) => Stop::Failed(failure),
        CallError::Unanswered(failure) if may_repeat => Stop::Failed(failure),
        CallError::Unanswered(failure) | CallError::Useless { failure, .. } => Stop::GivenUp(failure),
    }
}

/// The failure of work that is waited for no longer.
pub fn too_long(provider: &str, age: Duration) -> Failure {
    let seconds = TimeDelta::from_std(age).map_or(0, |age| age.num_seconds());
    Failure::new(
        FailureClass::Transient,
        FailureCode::StageTimeout,
        format!("{provider} did not finish its work within {seconds} s"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_time_is_kept_for_whoever_comes_after() {
        let seconds = Duration::from_secs;
        let check = |age, remaining, longest, is_last, over| {
            let patience = Patience { longest: seconds(longest), remaining: seconds(remaining), is_last, cut_at: None };
            assert_eq!(patience.is_over(seconds(age)), over, "{patience:?} after {age} s");
        };
        check(10, 90, 300, false, false);
        check(49, 51, 300, false, false);
        check(50, 50, 300, false, true);
        check(50, 50, 300, true, false);
        check(100, 0, 300, true, true);
        check(30, 300, 30, true, true);
    }

    #[tokio::test]
    async fn an_answer_that_may_have_been_paid_for_is_not_asked_for_again() {
        let away = || Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "away");
        let check = async |error: CallError, may_repeat, expected: Stop| {
            let call = Call { provider: "v", credential: "default", purpose: "p", estimate: None, may_repeat };
            let error = error.clone();
            let made = DirectCalls::default().once(call, Box::new(move |_| Box::pin(async move { Err(error) }))).await;
            assert_eq!(made.err(), Some(expected));
        };
        check(CallError::Refused(away()), false, Stop::Failed(away())).await;
        check(CallError::Unanswered(away()), false, Stop::GivenUp(away())).await;
        check(CallError::Unanswered(away()), true, Stop::Failed(away())).await;
        let useless = CallError::Useless { failure: away(), usage: Usage::default(), cost: None };
        check(useless, true, Stop::GivenUp(away())).await;
    }
}
