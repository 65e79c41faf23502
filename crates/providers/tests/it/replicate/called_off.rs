//! Predictions of those who keep no rows: called off when nobody waits for them any more.

use std::time::Duration;

use domain::{FailureCode, retry::RetryPolicy};
use providers::{
    Answer, Call, CallLimits, CallScope, Chain, DirectCalls, Need, OutsideService, ProviderCall, Stop, Terms,
    all_called_off, no_progress,
};
use telemetry::Metrics;
use testbed::eventually;
use vendor_standins::{Options, Pace, Route, Step};

use super::setting::{REPLICATE, Setting, alone, music};

/// Nothing moves on by itself.
async fn still() -> Setting {
    Setting::with(Options { pace: Pace::Manual, ..Options::default() }, &[]).await
}

async fn made(service: &dyn OutsideService, call: &ProviderCall<'_>) -> Result<Answer, Stop> {
    let of = Call { provider: "replicate", credential: "default", purpose: "song", estimate: None, may_repeat: false };
    call.calls.ask(of, call.patience(Duration::MAX), service, &music(), &no_progress()).await
}

#[tokio::test]
async fn what_takes_too_long_is_called_off_before_whoever_waits_is_cut_off() {
    let setting = still().await;
    let limits = CallLimits { call_timeout: Duration::from_secs(3), retry: RetryPolicy::PROVIDER_CALL };
    let mut chain: Chain<dyn OutsideService> = Chain::new("compose", limits, Metrics::new("test"));
    chain.push("replicate", Terms::of_own("1"), setting.replicate.predictions());
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, Duration::from_secs(60));
    let outcome = chain.call(scope, &Need::default(), async |service, call| made(&*service, &call).await).await;
    assert_eq!(outcome.map(|_| ()).unwrap_err().into_failure().code, FailureCode::StageTimeout);
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
