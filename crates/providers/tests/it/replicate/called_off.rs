//! Predictions of those who keep no rows: called off when nobody waits for them any more.

use std::time::Duration;

use domain::{FailureCode, retry::RetryPolicy};
use providers::{
    Answer, Call, CallLimits, CallScope, Chain, DirectCalls, Need, OutsideService, ProviderCall, Stop, Terms,
    all_called_off, no_progress,
};
use telemetry::Metrics;
use testbed::eventually;
use vendor_standins::{Fault, Options, Pace, Retry, Route, Step};

use super::setting::{REPLICATE, Setting, alone, music};

/// Nothing moves on by itself.
async fn still() -> Setting {
    Setting::with(Options { pace: Pace::Manual, ..Options::default() }, &[]).await
}

async fn made(service: &dyn OutsideService, call: &ProviderCall<'_>) -> Result<Answer, Stop> {
    let of = Call { provider: "replicate", credential: "default", purpose: "song", estimate: None, may_repeat: false };
    call.calls.ask(of, call.patience(Duration::MAX), service, &music(), &no_progress()).await
}

/// By a chain that makes several attempts.
async fn made_by_a_chain(setting: &Setting, call_timeout: Duration) -> Result<(), Stop> {
    let limits = CallLimits { call_timeout, retry: RetryPolicy::PROVIDER_CALL };
    let mut chain: Chain<dyn OutsideService> = Chain::new("compose", limits, Metrics::new("test"));
    chain.push("replicate", Terms::of_own("1"), setting.replicate.predictions());
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, Duration::from_secs(60));
    let outcome = chain.call(scope, &Need::default(), async |service, call| made(&*service, &call).await).await;
    outcome.map(|_| ())
}

#[tokio::test]
async fn what_may_be_paid_for_is_not_bought_again_because_it_cannot_be_had() {
    let away = Step::Fail { fault: Fault::ServerError, retry: Retry::Absent, after_work: false };
    let lost = Step::Reset { after_work: true };
    for (what, route, steps, is_made) in [
        ("it is not found", Route::ListPredictions, vec![away.clone()], false),
        ("it is had a little later", Route::Delivery, vec![away.clone(); 2], true),
        ("it is never had", Route::Delivery, vec![away; 9], false),
    ] {
        let setting = Setting::new().await;
        if route == Route::ListPredictions {
            setting.script(Route::CreatePrediction, [lost.clone()]);
        }
        setting.script(route, steps);
        let made = made_by_a_chain(&setting, Duration::from_secs(50)).await;
        assert_eq!(made.is_ok(), is_made, "{what}: {made:?}");
        assert_eq!(setting.vendors.asked(REPLICATE, Route::CreatePrediction), 1, "{what}");
    }
    all_called_off(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn what_takes_too_long_is_called_off_before_whoever_waits_is_cut_off() {
    let setting = still().await;
    // A tenth of it is there for the calling off.
    let outcome = made_by_a_chain(&setting, Duration::from_secs(12)).await;
    assert_eq!(outcome.unwrap_err().into_failure().code, FailureCode::StageTimeout);
    let asked = [Route::CreatePrediction, Route::CancelPrediction].map(|route| setting.vendors.asked(REPLICATE, route));
    assert_eq!(asked, [1, 1], "it is over when the chain is");
}

#[tokio::test]
async fn what_nobody_waits_for_is_called_off() {
    let hangs = Step::Hang { after_work: true };
    for (what, steps) in [("while it is worked on", vec![]), ("while it is asked for", vec![hangs])] {
        let setting = still().await;
        setting.script(Route::CreatePrediction, steps);
        let service = setting.replicate.predictions();
        let asking = tokio::spawn(async move {
            let calls = DirectCalls::default();
            made(&*service, &alone(&calls)).await.map(|_| ())
        });
        let vendors = &setting.vendors;
        let once = async |route: Route| {
            let look = || async {
                let asked = vendors.asked(REPLICATE, route);
                if asked == 1 { Ok(()) } else { Err(format!("asked {asked} times")) }
            };
            eventually(&format!("{route:?} {what}"), Duration::from_secs(20), look).await;
        };
        once(Route::CreatePrediction).await;
        asking.abort();
        assert!(asking.await.unwrap_err().is_cancelled(), "{what}");
        once(Route::CancelPrediction).await;
        all_called_off(Duration::from_secs(20)).await;
        assert_eq!(vendors.asked(REPLICATE, Route::CreatePrediction), 1, "{what}");
    }
}
