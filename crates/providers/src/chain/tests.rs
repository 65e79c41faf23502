//! What a chain does with whoever fails, hangs or is late.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::calls::{CallLog, DirectCalls};

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
    check("saturated", failure(FailureClass::Saturated), 1, Some("second")).await;
    check("money", failure(FailureClass::Money), 1, Some("second")).await;
    check("config", failure(FailureClass::Config), 1, Some("second")).await;
    check("caller", failure(FailureClass::Caller), 1, None).await;
    check("content", failure(FailureClass::Content), 1, None).await;
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
