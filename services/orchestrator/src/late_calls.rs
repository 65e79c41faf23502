//! Calls that are paid for and answered at once, while this process makes them: which of them may go on though nobody waits for
//! them any more, for how long, and how many. Knows nothing of what they ask or of rows.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{JobId, OutsideCallId, StageName};
use providers::Sending;
use resilience::Bulkhead;
use tokio_util::sync::CancellationToken;

/// Most calls of a provider in one process that go on though nobody waits for them: each holds a connection and a slot. What is
/// beyond is cut off.
const MOST_LATE: usize = 8;

/// The calls that this process makes. Cheap to clone.
#[derive(Clone)]
pub struct LateCalls(Arc<Calls>);

struct Calls {
    /// How long a call goes on.
    longest: Duration,
    /// Those of each provider.
    places: Mutex<HashMap<String, Bulkhead>>,
    /// How long a provider takes at most, by its name; of any other, the last.
    timeouts: (HashMap<String, Duration>, Duration),
    /// Those that were begun here, and when: nobody else makes them. Kept for as long as a call may take.
    begun_here: Mutex<HashMap<OutsideCallId, Instant>>,
    /// Whether no other process makes calls.
    is_alone: AtomicBool,
    shutdown: CancellationToken,
    in_hand: Mutex<HashMap<OutsideCallId, Entry>>,
}

#[derive(Clone)]
struct Entry {
    job: JobId,
    stage: String,
    provider: String,
    /// Told when nobody can want what comes of it.
    dropped: CancellationToken,
    /// Told when it has ended, whatever came of it.
    ended: CancellationToken,
    /// Whether somebody may still want the answer, and not its cost alone.
    is_wanted: Arc<AtomicBool>,
    sending: Sending,
}

impl LateCalls {
    /// Calls go on for `longest` at most, and no further than `shutdown`. `timeouts` are those of the providers, and that of whoever
    /// is not among them.
    pub fn new(
        longest: Duration,
        timeouts: (HashMap<String, Duration>, Duration),
        shutdown: CancellationToken,
    ) -> Self {
        let (places, begun_here, in_hand) = (Mutex::default(), Mutex::default(), Mutex::default());
        let is_alone = AtomicBool::default();
        Self(Arc::new(Calls { longest, places, timeouts, begun_here, is_alone, shutdown, in_hand }))
    }

    /// No other process makes calls: what is not made here is made by nobody.
    pub fn alone(&self) {
        self.0.is_alone.store(true, Ordering::Relaxed);
    }

    /// A call was begun here, whether or not it may go on when nobody waits for it.
    pub fn begun_here(&self, id: OutsideCallId) {
        let (timeouts, of_others) = &self.0.timeouts;
        let longest = timeouts.values().copied().fold(*of_others, Duration::max).saturating_add(self.0.longest);
        let mut begun = self.0.begun_here.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|_, at| at.elapsed() < longest);
        begun.insert(id, Instant::now());
    }

    /// Whether a call that was begun so long ago may still be made by another process.
    pub fn may_be_made_elsewhere(&self, id: OutsideCallId, provider: &str, age: Duration) -> bool {
        let (timeouts, of_others) = &self.0.timeouts;
        let timeout = timeouts.get(persistence::account_of(provider)).unwrap_or(of_others);
        let is_of_here = self.0.begun_here.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&id);
        let is_alone = self.0.is_alone.load(Ordering::Relaxed);
        !is_of_here && !is_alone && age < timeout.saturating_add(self.0.longest)
    }

    fn places(&self, provider: &str) -> Bulkhead {
        let mut places = self.0.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry(provider.to_owned()).or_insert_with(|| Bulkhead::new("late calls", MOST_LATE)).clone()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<OutsideCallId, Entry>> {
        self.0.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call is made: until what is returned is dropped.
    pub fn take(&self, id: OutsideCallId, job: JobId, (stage, provider): (&str, &str)) -> InHand {
        let entry = Entry {
            job,
            stage: stage.to_owned(),
            provider: provider.to_owned(),
            dropped: self.0.shutdown.child_token(),
            ended: CancellationToken::new(),
            is_wanted: Arc::new(AtomicBool::new(true)),
            sending: Sending::default(),
        };
        self.entries().insert(id, entry.clone());
        InHand { calls: self.clone(), id, entry }
    }

    /// Whether a call is being made here.
    pub fn is_in_hand(&self, id: OutsideCallId) -> bool {
        self.entries().contains_key(&id)
    }

    fn of_stage(&self, job: JobId, stage: StageName, provider: &str) -> Vec<CancellationToken> {
        let entries = self.entries();
        let is_one = |entry: &&Entry| entry.job == job && entry.stage == stage.as_str() && entry.provider == provider;
        entries.values().filter(is_one).map(|entry| entry.ended.clone()).collect()
    }

    /// Whether a stage's call of a provider is being made here.
    pub fn has_of_stage(&self, job: JobId, stage: StageName, provider: &str) -> bool {
        !self.of_stage(job, stage, provider).is_empty()
    }

    /// Waits until a call is not made here any more; not at all where it is not.
    pub async fn ended(&self, id: OutsideCallId) {
        let ended = self.entries().get(&id).map(|entry| entry.ended.clone());
        if let Some(ended) = ended {
            ended.cancelled().await;
        }
    }

    /// The same for all of a stage's calls of a provider.
    pub async fn ended_of_stage(&self, job: JobId, stage: StageName, provider: &str) {
        for ended in self.of_stage(job, stage, provider) {
            ended.cancelled().await;
        }
    }

    /// Nobody can want what comes of a call: it is cut off.
    pub fn drop_call(&self, id: OutsideCallId) {
        if let Some(entry) = self.entries().remove(&id) {
            entry.dropped.cancel();
        }
    }

    /// Cuts off a call that is still kept back, whose task then says that nothing was asked. False where its request may have gone
    /// out.
    pub fn cut_off_unsent(&self, id: OutsideCallId) -> bool {
        let entry = self.entries().get(&id).filter(|entry| entry.sending.is_kept_back()).cloned();
        if let Some(entry) = &entry {
            entry.dropped.cancel();
        }
        entry.is_some()
    }

    /// Nobody wants the answer of a call any more; what it has cost is still to be known.
    pub fn want_cost_only(&self, id: OutsideCallId) {
        if let Some(entry) = self.entries().get(&id) {
            entry.is_wanted.store(false, Ordering::Relaxed);
        }
    }
}

/// A call that is being made.
pub struct InHand {
    calls: LateCalls,
    id: OutsideCallId,
    entry: Entry,
}

impl InHand {
    /// Whether somebody may still want the answer, and not its cost alone.
    pub fn is_wanted(&self) -> bool {
        self.entry.is_wanted.load(Ordering::Relaxed)
    }

    /// How far the call has come, for its making to note.
    pub const fn sending(&self) -> &Sending {
        &self.entry.sending
    }

    /// Goes on with the call though nobody waits for it: for a while, and not beyond `latest`.
    pub async fn go_on<T>(&self, answering: impl Future<Output = T>, latest: Instant) -> Late<T> {
        let Some(_place) = self.calls.places(&self.entry.provider).try_acquire() else { return Late::CutOff };
        let until = (Instant::now() + self.calls.0.longest).min(latest);
        tokio::select! {
            biased;
            () = self.entry.dropped.cancelled() => Late::CutOff,
            answer = answering => Late::Answered(answer),
            () = tokio::time::sleep_until(until.into()) => Late::NotInTime,
        }
    }
}

/// What came of a call that nobody waited for.
#[derive(Debug, PartialEq, Eq)]
pub enum Late<T> {
    Answered(T),
    NotInTime,
    /// Nobody can want its answer, or too many others go on.
    CutOff,
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.calls.entries().remove(&self.id);
        self.entry.ended.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use chrono::Utc;
    use providers::{Answered, Call, DirectCalls, ProviderCall, Slot};
    use resilience::ids::random10;

    use super::*;

    const STAGE: StageName = StageName::new("making");

    fn late_calls(longest: Duration, shutdown: CancellationToken) -> LateCalls {
        let timeouts = HashMap::from([("vendor".to_owned(), Duration::from_secs(300))]);
        LateCalls::new(longest, (timeouts, Duration::from_secs(20)), shutdown)
    }

    fn calls() -> (LateCalls, CancellationToken) {
        let shutdown = CancellationToken::new();
        (late_calls(Duration::from_secs(60), shutdown.clone()), shutdown)
    }

    fn id() -> OutsideCallId {
        OutsideCallId::new(Utc::now(), random10())
    }

    #[tokio::test]
    async fn a_call_is_known_while_it_is_made_and_waited_for_until_it_has_ended() {
        let (calls, _shutdown) = calls();
        let (id, job) = (id(), JobId::new(Utc::now(), random10()));
        let in_hand = calls.take(id, job, (STAGE.as_str(), "vendor"));
        let known = |provider| calls.has_of_stage(job, STAGE, provider);
        assert!(calls.is_in_hand(id) && known("vendor") && !known("other"));
        let waiting = {
            let calls = calls.clone();
            tokio::spawn(async move { tokio::join!(calls.ended(id), calls.ended_of_stage(job, STAGE, "vendor")) })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(in_hand);
        waiting.await.unwrap();
        assert!(!calls.is_in_hand(id));
        // Nothing to wait for.
        calls.ended(id).await;
    }

    #[tokio::test]
    async fn what_nobody_can_want_is_cut_off_and_what_only_costs_is_not() {
        let (calls, shutdown) = calls();
        let (job, soon) = (JobId::new(Utc::now(), random10()), Instant::now() + Duration::from_secs(60));
        let ids = [id(), id(), id()];
        let [cut, cost, left] = ids.map(|id| calls.take(id, job, (STAGE.as_str(), "vendor")));
        calls.drop_call(ids[0]);
        assert_eq!(cut.go_on(pending::<()>(), soon).await, Late::CutOff);
        assert!(!calls.is_in_hand(ids[0]));
        calls.want_cost_only(ids[1]);
        assert_eq!((cost.is_wanted(), left.is_wanted()), (false, true));
        assert_eq!(cost.go_on(ready(7), soon).await, Late::Answered(7));
        let (answered, ()) = tokio::join!(left.go_on(pending::<()>(), soon), async { shutdown.cancel() });
        assert_eq!(answered, Late::CutOff, "nothing goes on when the process ends");
    }

    #[tokio::test]
    async fn what_was_not_sent_is_cut_off_and_known_until_its_task_has_said_so() {
        let (calls, _shutdown) = calls();
        let (job, soon) = (JobId::new(Utc::now(), random10()), Instant::now() + Duration::from_secs(60));
        let ids = [id(), id()];
        let [unsent, sent] = ids.map(|id| calls.take(id, job, (STAGE.as_str(), "vendor")));
        // Its first poll begins to wait for a slot that does not come free.
        let slots = Bulkhead::new("vendor", 1);
        let _somebody_elses = slots.acquire().await;
        let slot = Arc::new(Slot::later(&slots));
        let log = DirectCalls::default();
        let call = ProviderCall { slot, ..ProviderCall::alone(&log, "vendor", soon - Instant::now()) };
        let of = || Call { provider: "vendor", credential: "default", purpose: "p", estimate: None, may_repeat: false };
        let mut making = Box::pin(
            unsent.sending().noted(call.paid_once(of(), Box::new(|_| Box::pin(async { Ok(Answered::default()) })))),
        );
        assert!(tokio::time::timeout(Duration::from_millis(1), &mut making).await.is_err());
        assert_eq!(ids.map(|id| calls.cut_off_unsent(id)), [true, false]);
        assert!(calls.is_in_hand(ids[0]), "its task has still to say so");
        assert!(matches!(unsent.go_on(making, soon).await, Late::CutOff));
        assert!(unsent.sending().is_kept_back());
        assert_eq!(sent.go_on(ready(7), soon).await, Late::Answered(7));
    }

    #[tokio::test]
    async fn so_many_go_on_and_none_longer_than_it_may() {
        let check = async |longest: Duration, left: usize, expected: Late<()>| {
            let calls = late_calls(longest, CancellationToken::new());
            // What goes on of somebody else takes nobody's place.
            let _of_another: Vec<_> = (0..MOST_LATE).filter_map(|_| calls.places("other").try_acquire()).collect();
            let in_hand = calls.take(id(), JobId::new(Utc::now(), random10()), (STAGE.as_str(), "vendor"));
            let others: Vec<_> = (left..MOST_LATE).filter_map(|_| calls.places("vendor").try_acquire()).collect();
            assert_eq!(others.len(), MOST_LATE - left);
            assert_eq!(in_hand.go_on(pending::<()>(), Instant::now() + Duration::from_millis(10)).await, expected);
        };
        let (short, long) = (Duration::from_millis(1), Duration::from_secs(3600));
        check(short, 1, Late::NotInTime).await;
        // The job's time is over before.
        check(long, 1, Late::NotInTime).await;
        check(long, 0, Late::CutOff).await;
    }

    #[test]
    fn a_call_is_its_makers_for_as_long_as_it_may_take() {
        let ((calls, _shutdown), theirs, ours) = (calls(), id(), id());
        calls.begun_here(ours);
        assert!(!calls.may_be_made_elsewhere(ours, "vendor", Duration::ZERO), "nobody else makes it");
        let check = |provider: &str, age, expected| {
            let age = Duration::from_secs(age);
            assert_eq!(calls.may_be_made_elsewhere(theirs, provider, age), expected, "{provider} after {age:?}");
        };
        check("vendor", 359, true);
        check("vendor", 360, false);
        check("vendor/music", 359, true);
        check("somebody", 79, true);
        check("somebody", 80, false);
        calls.alone();
        check("vendor", 0, false);
    }
}
