//! Whether the vendors are set up rightly, asked at the start and now and then: a wrong key, a model that is not there or a
//! version that nobody knows is told before a job needs it, and costs no job a call.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::FailureClass;
use providers::SetupCheck;
use resilience::BreakerRegistry;
use service_runtime::CancellationToken;
use telemetry::Metrics;
use tokio::task::JoinSet;

/// How often each is asked.
const EVERY: Duration = Duration::from_secs(4 * 60);
/// How soon again after one could not be asked.
const AGAIN: Duration = Duration::from_secs(30);
/// How long one that is set up wrongly is left alone: until it has been asked again.
const HELD: Duration = Duration::from_secs(10 * 60);
/// Longest that one is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Asks until shutdown.
pub async fn run(
    checks: Vec<Arc<dyn SetupCheck>>,
    breakers: BreakerRegistry,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    let mut refused: BTreeSet<String> = BTreeSet::new();
    while !checks.is_empty() && !shutdown.is_cancelled() {
        let all_answered = tokio::select! {
            all_answered = ask_all(&checks, &breakers, &metrics, &mut refused) => all_answered,
            () = shutdown.cancelled() => return,
        };
        tokio::select! {
            () = tokio::time::sleep(if all_answered { EVERY } else { AGAIN }) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

/// Whether all of them could be asked.
async fn ask_all(
    checks: &[Arc<dyn SetupCheck>],
    breakers: &BreakerRegistry,
    metrics: &Metrics,
    refused: &mut BTreeSet<String>,
) -> bool {
    let mut asked = JoinSet::new();
    for check in checks {
        let check = check.clone();
        asked.spawn(async move {
            let answer = tokio::time::timeout(TIMEOUT, check.check()).await;
            (check.provider().to_owned(), answer)
        });
    }
    let mut all_answered = true;
    while let Some(joined) = asked.join_next().await {
        // A check that panicked says nothing about its provider.
        let Ok((provider, answer)) = joined else { continue };
        match answer {
            Ok(Ok(())) => {
                if refused.remove(&provider) {
                    tracing::info!(provider, "the provider is set up rightly now");
                    breakers.release(&provider);
                }
            }
            Ok(Err(failure)) if matches!(failure.class, FailureClass::Config | FailureClass::Money) => {
                if refused.insert(provider.clone()) {
                    metrics.provider_closed(&provider, failure.class.as_str());
                    tracing::error!(provider, why = failure.message, "the provider cannot be used as it is set up");
                }
                breakers.hold_open(&provider, HELD, &failure.message);
            }
            Ok(Err(failure)) => {
                tracing::warn!(provider, code = %failure.code, "whether the provider is set up rightly is not known yet");
                all_answered = false;
            }
            Err(_) => {
                tracing::warn!(provider, "whether the provider is set up rightly is not known yet: it does not answer");
                all_answered = false;
            }
        }
    }
    all_answered
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use domain::{Failure, FailureCode};
    use resilience::{BreakerSettings, BreakerState};

    use super::*;

    /// Answers what it is told to, the last for ever.
    struct Told(&'static str, Mutex<Vec<Result<(), FailureClass>>>);

    #[async_trait]
    impl SetupCheck for Told {
        fn provider(&self) -> &str {
            self.0
        }

        async fn check(&self) -> Result<(), Failure> {
            let mut answers = self.1.lock().unwrap();
            let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
            answer.map_err(|class| Failure::new(class, FailureCode::ProviderConfig, "the key is refused"))
        }
    }

    fn told(name: &'static str, answers: &[Result<(), FailureClass>]) -> Arc<dyn SetupCheck> {
        Arc::new(Told(name, Mutex::new(answers.to_vec())))
    }

    #[tokio::test]
    async fn a_provider_with_a_wrong_key_is_left_alone_until_the_key_is_right() {
        let metrics = Metrics::new("test");
        let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
        let [wrong, away] = ["wrong/lyrics", "away/lyrics"].map(|name| breakers.breaker(name));
        let checks = [
            told("wrong", &[Err(FailureClass::Config), Err(FailureClass::Transient), Ok(())]),
            told("away", &[Err(FailureClass::Transient), Ok(())]),
        ];
        let mut refused = BTreeSet::new();
        let mut ask = async || ask_all(&checks, &breakers, &metrics, &mut refused).await;
        assert!(!ask().await, "one could not be asked");
        assert!(matches!(wrong.state(), BreakerState::Open { .. }));
        assert_eq!(wrong.held_because().as_deref(), Some("the key is refused"));
        assert_eq!(away.state(), BreakerState::Closed, "who cannot be asked just now may well work");
        assert!(!ask().await);
        assert!(wrong.held_because().is_some(), "silence does not say that the key is right");
        assert!(ask().await);
        assert_eq!((wrong.state(), wrong.held_because()), (BreakerState::Closed, None));
    }
}
