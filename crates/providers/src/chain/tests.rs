//! What a chain does with whoever fails, hangs or is late.

use std::sync::{
    Mutex,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::*;
use crate::{
    calls::{Answer, Answered, Call, CallLog, DirectCalls, Make, Patience, answer},
    input::ProgressSink,
    outside_service::OutsideService,
    stop::Parking,
};

fn scope(calls: &DirectCalls, seconds: u64) -> CallScope<'_> {
    CallScope::new(calls, Duration::from_secs(seconds))
}

fn limits() -> CallLimits {
    CallLimits {
        call_timeout: Duration::from_millis(50),
        retry: RetryPolicy { max_attempts: 3, base: Duration::from_millis(1), cap: Duration::from_millis(2) },
    }
}

fn chain_of(names: &[&'static str]) -> Chain<str> {
    let mut chain = Chain::new("test", limits(), Metrics::new("test"));
    for name in names {
        chain.push(name, Terms::of_own("1"), Arc::from(*name));
    }
    chain
}

fn failure(class: FailureClass) -> Failure {
    Failure::new(class, FailureCode::ProviderUnavailable, "as the test wants")
}

#[tokio::test]
async fn transient_failures_are_tried_again_and_then_the_next_provider_is_asked() {
    let (calls, calls_log) = (AtomicU32::new(0), DirectCalls::default());
    let provided = chain_of(&["first", "second"])
        .call(scope(&calls_log, 5), &Need::default(), |provider, _| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move { if &*provider == "first" { Err(failure(FailureClass::Transient)) } else { Ok(7) } }
        })
        .await
        .unwrap();
    assert_eq!((provided.value, &*provided.provider, calls.into_inner()), (7, "second", 4));
}

/// Rows of the retry table, by what the chain does: calls of the first provider, and who did it at last.
#[tokio::test]
async fn rows_of_the_retry_table_by_what_is_done() {
    async fn check(row: &str, fault: Failure, calls: u32, by: Option<&str>) {
        let (asked, log) = (AtomicU32::new(0), DirectCalls::default());
        let made = chain_of(&["first", "second"])
            .call(scope(&log, 5), &Need::default(), |provider, _| {
                let is_first = &*provider == "first";
                if is_first {
                    asked.fetch_add(1, Ordering::SeqCst);
                }
                let fault = fault.clone();
                async move { if is_first { Err(fault) } else { Ok(()) } }
            })
            .await;
        assert_eq!(asked.into_inner(), calls, "{row}");
        assert_eq!(made.ok().map(|made| made.provider.to_string()).as_deref(), by, "{row}");
    }
    let told = |wait| failure(FailureClass::RetryAfter).with_retry_after(wait);
    check("wait-told", told(Duration::from_millis(1)), 1 + MOST_TOLD_WAITS, Some("second")).await;
    check("wait-told, for long", told(Duration::from_secs(60)), 1, Some("second")).await;
    check("transient", failure(FailureClass::Transient), 3, Some("second")).await;
    check("saturated, without a line", failure(FailureClass::Saturated), 1, Some("second")).await;
    check("money", failure(FailureClass::Money), 1, Some("second")).await;
    check("config", failure(FailureClass::Config), 1, Some("second")).await;
    check("caller", failure(FailureClass::Caller), 1, None).await;
    check("content", failure(FailureClass::Content), 1, None).await;
}

/// Its slot is somebody else's meanwhile, and neither its attempts nor its breaker are touched.
#[tokio::test]
async fn who_works_on_as_much_as_it_takes_is_waited_for_in_its_line() {
    let check = async |refusals: u32, told: Option<Duration>, calls: u32, by: &str| {
        let metrics = Metrics::new("test");
        let breakers = BreakerRegistry::new(resilience::BreakerSettings::default(), metrics.clone());
        let limits = CallLimits { retry: RetryPolicy { max_attempts: 1, ..limits().retry }, ..limits() };
        let mut chain: Chain<str> = Chain::new("test", limits, metrics);
        let slots = Bulkhead::new("first", 3);
        let _somebody_elses = slots.acquire().await;
        let guard = Guard::new("first", "test", &breakers).sharing(slots.clone());
        chain.push("first", Terms::elsewhere(Version::Known("1".to_owned()), guard), Arc::from("first"));
        chain.push("second", Terms::of_own("1"), Arc::from("second"));
        let (asked, log) = (AtomicU32::new(0), DirectCalls::default());
        // One slot is left beside the one that is held for good: more than one at once would be one too many.
        let _another = slots.acquire().await;
        let made = chain
            .call(scope(&log, 30), &Need::default(), |provider, _| {
                let is_first = &*provider == "first";
                let is_full = is_first && asked.load(Ordering::SeqCst) < refusals;
                asked.fetch_add(u32::from(is_first), Ordering::SeqCst);
                let full = Failure { retry_after: told, ..failure(FailureClass::Saturated) };
                async move { if is_full { Err(full) } else { Ok(()) } }
            })
            .await
            .unwrap();
        assert_eq!((&*made.provider, asked.into_inner()), (by, calls), "{refusals} refusals, {told:?}");
        assert_eq!(breakers.breaker("first/test").failures(), 0);
        slots
    };
    let hour = Some(Duration::from_secs(3600));
    let slots = check(0, None, 1, "first").await;
    assert_eq!(slots.slots(), 3, "nobody has said anything");
    check(1, Some(Duration::from_millis(20)), 2, "first").await;
    let slots = check(u32::MAX, hour, 1, "second").await;
    assert_eq!(slots.slots(), 2, "it is sent no more than it has taken beside the one that was refused");
}

#[tokio::test]
async fn who_does_not_answer_is_waited_for_and_counts_as_failing() {
    let metrics = Metrics::new("test");
    let breakers = BreakerRegistry::new(resilience::BreakerSettings::default(), metrics.clone());
    let mut chain: Chain<str> = Chain::new("test", limits(), metrics);
    let guard = Guard::new("vendor", "test", &breakers);
    chain.push("vendor", Terms::elsewhere(Version::Known("1".to_owned()), guard), Arc::from("vendor"));
    chain.push("engine", Terms::of_own("1"), Arc::from("engine"));
    for (is_unanswered, failures) in [(false, 0), (true, 1), (false, 1), (true, 2)] {
        let parking = Parking { until: chrono::Utc::now(), waits_for: "its work".to_owned(), is_unanswered };
        let log = DirectCalls::default();
        let made = chain
            .call(scope(&log, 5), &Need::default(), |_, _| {
                let parking = parking.clone();
                async move { Err::<(), _>(Stop::Parked(parking)) }
            })
            .await;
        assert_eq!(made.unwrap_err(), Stop::Parked(parking));
        assert_eq!(breakers.breaker("vendor/test").failures(), failures, "unanswered: {is_unanswered}");
    }
}

#[tokio::test]
async fn an_open_breaker_is_passed_over_though_all_slots_are_in_use() {
    let metrics = Metrics::new("test");
    let breakers = BreakerRegistry::new(resilience::BreakerSettings::default(), metrics.clone());
    let slots = Bulkhead::new("vendor", 1);
    let _hangs = slots.acquire().await;
    let mut chain: Chain<str> = Chain::new("test", limits(), metrics);
    let guard = Guard::new("vendor", "test", &breakers).sharing(slots);
    chain.push("vendor", Terms::elsewhere(Version::Known("1".to_owned()), guard), Arc::from("vendor"));
    chain.push("engine", Terms::of_own("1"), Arc::from("engine"));
    breakers.hold_open("vendor", Duration::from_secs(60), "it hangs");
    let (log, started) = (DirectCalls::default(), Instant::now());
    let call = |_, _| async { Ok::<_, Failure>(()) };
    let made = chain.call(scope(&log, 600), &Need::default(), call).await.unwrap();
    println!("the next provider after {} us", started.elapsed().as_micros());
    assert_eq!(&*made.provider, "engine");
    let why = &log.tried().await.unwrap()[0].why;
    assert!(why.contains("left alone"), "a slot was waited for: {why}");
}

#[tokio::test]
async fn a_stage_whose_providers_have_all_been_tried_says_what_the_last_one_did() {
    let log = DirectCalls::default();
    log.give_up(Tried::failed("only", &failure(FailureClass::Transient))).await.unwrap();
    let call = |_, _| async { Ok::<_, Failure>(()) };
    let ended = chain_of(&["only"]).call(scope(&log, 5), &Need::default(), call).await.unwrap_err().into_failure();
    assert_eq!(ended.class, FailureClass::Transient);
}

#[tokio::test]
async fn a_callers_mistake_ends_the_chain_at_once() {
    let (calls, calls_log) = (AtomicU32::new(0), DirectCalls::default());
    let refused = chain_of(&["first", "second"])
        .call(scope(&calls_log, 5), &Need::default(), |_, _| {
            calls.fetch_add(1, Ordering::SeqCst);
            async { Err::<(), _>(failure(FailureClass::Caller)) }
        })
        .await
        .unwrap_err()
        .into_failure();
    assert_eq!((refused.class, calls.into_inner()), (FailureClass::Caller, 1));
}

#[tokio::test]
async fn a_call_that_hangs_is_cut_off() {
    let calls_log = DirectCalls::default();
    let hung = chain_of(&["only"])
        .call(scope(&calls_log, 5), &Need::default(), |_, _| std::future::pending::<Result<(), Failure>>())
        .await
        .unwrap_err()
        .into_failure();
    assert_eq!(hung.code, FailureCode::StageTimeout);
}

#[tokio::test]
async fn a_provider_that_hangs_is_asked_once_and_leaves_time_for_the_next() {
    let (calls, calls_log) = (AtomicU32::new(0), DirectCalls::default());
    let provided = chain_of(&["hangs", "works"])
        .call(scope(&calls_log, 5), &Need::default(), |provider, _| {
            calls.fetch_add(1, Ordering::SeqCst);
            async move {
                if &*provider == "hangs" {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Failure>(7)
            }
        })
        .await
        .unwrap();
    assert_eq!((&*provided.provider, calls.into_inner()), ("works", 2));
}

#[tokio::test]
async fn how_a_provider_failed_is_told_rather_than_what_the_others_cannot_do() {
    let model = crate::ModelChoice { name: "drums".into(), provider: "first".into(), version: "1".into() };
    let need = Need { model: Some(model), ..Need::default() };
    let away = chain_of(&["zeroth", "first", "second"])
        .call(scope(&DirectCalls::default(), 5), &need, |provider, _| async move {
            assert_eq!(&*provider, "first", "nobody else has the model");
            Err::<(), _>(failure(FailureClass::Transient))
        })
        .await
        .unwrap_err()
        .into_failure();
    assert_eq!((away.class, away.message.as_str()), (FailureClass::Transient, "as the test wants"));
}

#[tokio::test]
async fn an_empty_chain_is_a_mistake_of_the_configuration() {
    let none = chain_of(&[])
        .call(scope(&DirectCalls::default(), 1), &Need::default(), |_, _| async { Ok::<_, Failure>(()) })
        .await
        .unwrap_err()
        .into_failure();
    assert_eq!(none.class, FailureClass::Config);
}

/// Has calls go on when they are waited for no longer, and keeps what they answer.
#[derive(Default)]
struct Keeping {
    direct: DirectCalls,
    kept: Arc<Mutex<Option<Value>>>,
    asked: AtomicU32,
    /// A call that nothing comes of was begun before: in this process or in another one.
    begun: bool,
    is_made_elsewhere: bool,
}

impl Keeping {
    fn kept(&self) -> Option<Value> {
        self.kept.lock().unwrap().clone()
    }
}

#[async_trait]
impl CallLog for Keeping {
    async fn tried(&self) -> Result<Vec<Tried>, Failure> {
        self.direct.tried().await
    }

    async fn give_up(&self, tried: Tried) -> Result<(), Failure> {
        self.direct.give_up(tried).await
    }

    async fn has_begun(&self, _: &str) -> Result<bool, Failure> {
        Ok(self.kept().is_some() || self.begun)
    }

    async fn has_all(&self, _: &str) -> Result<bool, Failure> {
        Ok(self.kept().is_some() || self.begun)
    }

    async fn is_made_elsewhere(&self, _: &str) -> Result<bool, Failure> {
        Ok(self.is_made_elsewhere)
    }

    async fn once(&self, call: Call<'_>, make: Make<'_>) -> Result<Answer, Stop> {
        self.direct.once(call, make).await
    }

    async fn paid_once(&self, _: Call<'_>, _: Instant, make: Make<'static>) -> Result<Answer, Stop> {
        if let Some(kept) = self.kept() {
            return answer(kept, Vec::new());
        }
        if self.begun {
            std::future::pending::<()>().await;
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let kept = self.kept.clone();
        let goes_on = tokio::spawn(async move {
            let made = make("the call".to_owned()).await.unwrap();
            *kept.lock().unwrap() = Some(made.value);
        });
        goes_on.await.unwrap();
        answer(self.kept().unwrap(), Vec::new())
    }

    async fn has_late_answer(&self, _: &str, until: Instant) -> Result<bool, Failure> {
        while self.kept().is_none() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(self.kept().is_some())
    }

    async fn ask(
        &self,
        _: Call<'_>,
        _: Patience,
        _: &dyn OutsideService,
        _: &Value,
        _: &ProgressSink,
    ) -> Result<Answer, Stop> {
        panic!("it is answered at once")
    }
}

/// Asks one who answers when the other one is asked, who fails. Gives what was made, and the slots in use when the other one was
/// asked.
async fn late_or_failed(log: &dyn CallLog, slots: &Bulkhead) -> (Result<Provided<Value>, Stop>, usize) {
    let metrics = Metrics::new("test");
    let breakers = BreakerRegistry::new(resilience::BreakerSettings::default(), metrics.clone());
    let mut chain: Chain<str> = Chain::new("test", limits(), metrics);
    let guard = Guard::new("late", "test", &breakers).sharing(slots.clone());
    let terms = Terms { is_paid: true, ..Terms::elsewhere(Version::Known("1".to_owned()), guard) };
    chain.push("late", terms, Arc::from("late"));
    chain.push("other", Terms::of_own("1"), Arc::from("other"));
    let (go, in_use) = (Arc::new(Notify::new()), AtomicUsize::new(usize::MAX));
    let (go, seen) = (&go, &in_use);
    let made = chain
        .call(CallScope::new(log, Duration::from_secs(60)), &Need::default(), |provider, call| async move {
            if &*provider == "other" {
                seen.store(slots.in_use(), Ordering::SeqCst);
                go.notify_one();
                return Err(Stop::Failed(failure(FailureClass::Saturated)));
            }
            let (provider, credential, purpose) = (&*call.provider, "default", "p");
            let of = Call { provider, credential, purpose, estimate: None, may_repeat: false };
            let go = go.clone();
            let make: Make<'static> = Box::new(move |_| {
                Box::pin(async move {
                    go.notified().await;
                    Ok(Answered { value: json!(7), ..Answered::default() })
                })
            });
            call.paid_once(of, make).await.map(|answer| answer.value)
        })
        .await;
    (made, in_use.into_inner())
}

#[tokio::test]
async fn a_late_answer_is_used_when_all_others_have_failed() {
    let (log, slots) = (Keeping::default(), Bulkhead::new("late", 1));
    let (made, in_use) = late_or_failed(&log, &slots).await;
    let made = made.unwrap();
    assert_eq!((made.value, &*made.provider, made.is_paid), (json!(7), "late", true));
    assert_eq!(log.asked.load(Ordering::SeqCst), 1, "it is asked once");
    assert_eq!((in_use, slots.in_use()), (1, 0), "its slot is taken for as long as it goes on");
    let tried = log.tried().await.unwrap();
    let told: Vec<_> = tried.iter().map(|tried| (&*tried.provider, tried.code)).collect();
    let expected = [("late", Some(FailureCode::StageTimeout)), ("other", Some(FailureCode::ProviderUnavailable))];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_answer_that_came_after_the_stage_was_left_is_used_only_of_one_who_was_late() {
    let check = async |code, value: Option<i32>| {
        let log = Keeping { kept: Arc::new(Mutex::new(Some(json!(8)))), ..Keeping::default() };
        let gave_up = Failure::new(FailureClass::Transient, code, "as it was");
        log.give_up(Tried::failed("late", &gave_up)).await.unwrap();
        let (made, _) = late_or_failed(&log, &Bulkhead::new("late", 1)).await;
        match (made, value) {
            (Ok(made), Some(value)) => assert_eq!((made.value, &*made.provider), (json!(value), "late")),
            (Err(stop), None) => assert_eq!(stop.into_failure().class, FailureClass::Saturated),
            (made, value) => panic!("{made:?} where {value:?} was to come"),
        }
        assert_eq!(log.asked.load(Ordering::SeqCst), 0);
    };
    check(FailureCode::StageTimeout, Some(8)).await;
    check(FailureCode::ProviderRejected, None).await;
}

#[tokio::test]
async fn where_nothing_is_kept_a_late_call_is_cut_off() {
    let (log, slots) = (DirectCalls::default(), Bulkhead::new("late", 1));
    let (made, in_use) = late_or_failed(&log, &slots).await;
    assert_eq!(made.unwrap_err().into_failure().class, FailureClass::Saturated);
    assert_eq!((in_use, slots.in_use()), (0, 0));
}

#[tokio::test]
async fn an_answer_that_is_kept_needs_no_slot() {
    let (log, slots) =
        (Keeping { kept: Arc::new(Mutex::new(Some(json!(8)))), ..Keeping::default() }, Bulkhead::new("late", 1));
    let _somebody_elses = slots.acquire().await;
    let (made, _) = late_or_failed(&log, &slots).await;
    assert_eq!((made.unwrap().value, log.asked.load(Ordering::SeqCst)), (json!(8), 0));
}

/// Also while all slots are somebody else's, and nobody would be let through for something new.
#[tokio::test]
async fn waiting_for_what_a_dead_process_has_asked_takes_no_slot_and_says_nothing_of_the_provider() {
    let check = async |is_made_elsewhere: bool, failures: u32| {
        let log = Keeping { begun: true, is_made_elsewhere, ..Keeping::default() };
        let slots = Bulkhead::new("late", 1);
        let _somebody_elses = slots.acquire().await;
        let metrics = Metrics::new("test");
        let breakers = BreakerRegistry::new(resilience::BreakerSettings::default(), metrics.clone());
        let mut chain: Chain<str> = Chain::new("test", limits(), metrics);
        let guard = Guard::new("late", "test", &breakers).sharing(slots.clone());
        let terms = Terms { is_paid: true, ..Terms::elsewhere(Version::Known("1".to_owned()), guard) };
        chain.push("late", terms, Arc::from("late"));
        let made = chain
            .call(CallScope::new(&log, Duration::from_millis(200)), &Need::default(), |_, call| async move {
                let (provider, credential, purpose) = (&*call.provider, "default", "p");
                let of = Call { provider, credential, purpose, estimate: None, may_repeat: false };
                let make: Make<'static> = Box::new(|_| Box::pin(async { Ok(Answered::default()) }));
                call.paid_once(of, make).await.map(|answer| answer.value)
            })
            .await;
        assert_eq!(made.unwrap_err().into_failure().code, FailureCode::StageTimeout, "elsewhere: {is_made_elsewhere}");
        let told = breakers.breaker("late/test").failures();
        assert_eq!((told, log.asked.load(Ordering::SeqCst)), (failures, 0), "elsewhere: {is_made_elsewhere}");
    };
    check(true, 0).await;
    check(false, 1).await;
}

/// What is made badly is left to the next, and taken where nobody else makes it; also by a later run of the stage.
#[tokio::test]
async fn what_is_poor_is_better_than_nothing() {
    let poor = || Failure::new(FailureClass::Transient, FailureCode::QualityGate, "it is clipped");
    let check = async |takes_poor, was_tried: bool, other_makes: bool, by: Option<&str>| {
        let log = Keeping::default();
        if was_tried {
            *log.kept.lock().unwrap() = Some(json!("poor"));
            log.give_up(Tried::failed("first", &poor())).await.unwrap();
        }
        let need = Need { takes_poor, ..Need::default() };
        let made = chain_of(&["first", "other"])
            .call(CallScope::new(&log, Duration::from_secs(5)), &need, |provider, call| async move {
                if &*provider == "other" {
                    return if other_makes {
                        Ok(json!("good"))
                    } else {
                        Err(Stop::GivenUp(failure(FailureClass::Transient)))
                    };
                }
                let (provider, credential, purpose) = (&*call.provider, "default", "p");
                let of = Call { provider, credential, purpose, estimate: None, may_repeat: false };
                let value = json!("poor");
                let make: Make<'static> =
                    Box::new(move |_| Box::pin(async move { Ok(Answered { value, ..Answered::default() }) }));
                let answer = call.paid_once(of, make).await?;
                if call.may_be_poor { Ok(answer.value) } else { Err(Stop::GivenUp(poor())) }
            })
            .await;
        let made = made.ok().map(|made| (made.provider.to_string(), made.value));
        let value = |by: &str| json!(if by == "first" { "poor" } else { "good" });
        assert_eq!(made, by.map(|by| (by.to_owned(), value(by))), "{takes_poor} {was_tried} {other_makes}");
        assert_eq!(log.asked.load(Ordering::SeqCst), u32::from(!was_tried), "it is asked once");
    };
    check(true, false, true, Some("other")).await;
    check(true, false, false, Some("first")).await;
    check(true, true, false, Some("first")).await;
    check(false, false, false, None).await;
}
