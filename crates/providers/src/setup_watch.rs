//! Whether the vendors are set up rightly, asked at the start and now and then: a wrong key, a model that is not there or a
//! version that nobody knows is told before a job needs it, and costs no job a call.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use domain::{Failure, FailureClass};
use resilience::BreakerRegistry;
use telemetry::Metrics;
use tokio::task::JoinSet;

use crate::setup_check::{Part, PartCheck, SetupCheck};

/// How often each is asked.
const EVERY: Duration = Duration::from_secs(4 * 60);
/// How soon again after one could not be asked.
const AGAIN: Duration = Duration::from_secs(30);
/// How long one that is set up wrongly is left alone: until it has been asked again.
const HELD: Duration = Duration::from_secs(10 * 60);
/// Longest that one is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Asks each at once, and again every few minutes, until `shutdown` is over. What an operator has to see to is told in the log
/// and kept with the breakers ([`resilience::BreakerSnapshot::problem`]): whoever is set up wrongly is asked for nothing else
/// until it is set up rightly. Returns at once where there is nobody to ask.
pub async fn watch_setup(
    checks: Vec<Arc<dyn SetupCheck>>,
    breakers: BreakerRegistry,
    metrics: Metrics,
    shutdown: impl Future<Output = ()> + Send,
) {
    if checks.is_empty() {
        return;
    }
    let verdicts = Verdicts { breakers, metrics, refused: BTreeMap::new() };
    tokio::select! {
        () = keep_asking(&checks, verdicts) => {}
        () = shutdown => {}
    }
}

/// Never ends.
async fn keep_asking(checks: &[Arc<dyn SetupCheck>], mut verdicts: Verdicts) {
    loop {
        let all_answered = ask_all(checks, &mut verdicts).await;
        tokio::time::sleep(if all_answered { EVERY } else { AGAIN }).await;
    }
}

/// What a provider said of all that it does, and of its parts where that is well; `None` of what it did not answer in time.
struct Answer {
    provider: String,
    whole: Option<Result<(), Failure>>,
    parts: Option<Vec<PartCheck>>,
}

async fn ask(check: Arc<dyn SetupCheck>) -> Answer {
    let provider = check.provider().to_owned();
    let whole = tokio::time::timeout(TIMEOUT, check.check()).await.ok();
    let parts = match whole {
        Some(Ok(())) => tokio::time::timeout(TIMEOUT, check.check_parts()).await.ok(),
        _ => Some(Vec::new()),
    };
    Answer { provider, whole, parts }
}

/// Whether all of them could be asked.
async fn ask_all(checks: &[Arc<dyn SetupCheck>], verdicts: &mut Verdicts) -> bool {
    let mut asked = JoinSet::new();
    for check in checks {
        asked.spawn(ask(check.clone()));
    }
    let mut all_answered = true;
    while let Some(joined) = asked.join_next().await {
        // A check that panicked says nothing about its provider.
        let Ok(Answer { provider, whole, parts }) = joined else { continue };
        all_answered &= verdicts.of_whole(&provider, whole);
        if parts.is_none() {
            tracing::warn!(
                provider,
                "whether all of the provider is set up rightly is not known yet: it does not answer"
            );
            all_answered = false;
        }
        for PartCheck { part, found } in parts.unwrap_or_default() {
            all_answered &= verdicts.of_part(&provider, part, found);
        }
    }
    all_answered
}

/// What was found so far, and what is done about it.
struct Verdicts {
    breakers: BreakerRegistry,
    metrics: Metrics,
    /// Why, by the names of providers and of their parts.
    refused: BTreeMap<String, (Holds, String)>,
}

/// What an error keeps back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Whatever goes by its name.
    All,
    Nothing,
}

impl Verdicts {
    /// Whether it was answered.
    fn of_whole(&mut self, provider: &str, found: Option<Result<(), Failure>>) -> bool {
        match found {
            Some(Ok(())) => {
                if self.refused.remove(provider).is_some() {
                    tracing::info!(provider, "the provider is set up rightly now");
                    self.breakers.release(provider);
                    self.hold_parts_again(provider);
                }
                true
            }
            Some(Err(failure)) => self.not_right(provider, provider, Holds::All, &failure),
            None => {
                tracing::warn!(provider, "whether the provider is set up rightly is not known yet: it does not answer");
                false
            }
        }
    }

    /// Whether it was answered.
    fn of_part(&mut self, provider: &str, part: Part, found: Result<(), Failure>) -> bool {
        let name = format!("{provider}/{}", part.name());
        let holds = match part {
            Part::Capability(_) => Holds::All,
            Part::Aside(_) => Holds::Nothing,
        };
        match found {
            Ok(()) => {
                if self.refused.remove(&name).is_some() {
                    tracing::info!(provider, part = part.name(), "this part of the provider is set up rightly now");
                    match holds {
                        Holds::All => self.breakers.release(&name),
                        Holds::Nothing => self.breakers.note(&name, None),
                    }
                }
                true
            }
            Err(failure) => self.not_right(provider, &name, holds, &failure),
        }
    }

    fn not_right(&mut self, provider: &str, name: &str, holds: Holds, failure: &Failure) -> bool {
        if !matches!(failure.class, FailureClass::Config | FailureClass::Money) {
            tracing::warn!(
                provider = name,
                code = %failure.code,
                "whether the provider is set up rightly is not known yet"
            );
            return false;
        }
        let why = failure.message.as_str();
        if self.refused.insert(name.to_owned(), (holds, failure.message.clone())).is_none() {
            match holds {
                Holds::All => {
                    self.metrics.provider_closed(provider, failure.class.as_str());
                    tracing::error!(provider = name, why, "the provider cannot be used as it is set up");
                }
                Holds::Nothing => tracing::error!(provider = name, why, "the provider is not set up as it should be"),
            }
        }
        self.hold(name, holds, why);
        true
    }

    fn hold(&self, name: &str, holds: Holds, why: &str) {
        match holds {
            Holds::All => self.breakers.hold_open(name, HELD, why),
            Holds::Nothing => self.breakers.note(name, Some(why)),
        }
    }

    /// A provider that is let in again is so with all that it does: what is known of its parts stands until they are asked.
    fn hold_parts_again(&self, provider: &str) {
        let is_part = |name: &str| name.strip_prefix(provider).is_some_and(|rest| rest.starts_with('/'));
        for (name, (holds, why)) in self.refused.iter().filter(|(name, _)| is_part(name)) {
            self.hold(name, *holds, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use domain::FailureCode;
    use resilience::{BreakerSettings, BreakerState};

    use super::*;

    type Said = Result<(), FailureClass>;

    /// Answers what it is told to, the last for ever.
    struct Told {
        name: &'static str,
        whole: Mutex<Vec<Said>>,
        parts: Vec<(Part, Mutex<Vec<Said>>)>,
    }

    fn next(answers: &Mutex<Vec<Said>>, why: &str) -> Result<(), Failure> {
        let mut answers = answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
        answer.map_err(|class| Failure::new(class, FailureCode::ProviderConfig, why))
    }

    #[async_trait]
    impl SetupCheck for Told {
        fn provider(&self) -> &str {
            self.name
        }

        async fn check(&self) -> Result<(), Failure> {
            next(&self.whole, "the key is refused")
        }

        async fn check_parts(&self) -> Vec<PartCheck> {
            let found = |(part, said): &(Part, Mutex<Vec<Said>>)| PartCheck {
                part: *part,
                found: next(said, &format!("{} is wrong", part.name())),
            };
            self.parts.iter().map(found).collect()
        }
    }

    fn told(name: &'static str, whole: &[Said], parts: &[(Part, &[Said])]) -> Arc<dyn SetupCheck> {
        let parts = parts.iter().map(|(part, said)| (*part, Mutex::new(said.to_vec()))).collect();
        Arc::new(Told { name, whole: Mutex::new(whole.to_vec()), parts })
    }

    fn verdicts() -> Verdicts {
        let metrics = Metrics::new("test");
        let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
        Verdicts { breakers, metrics, refused: BTreeMap::new() }
    }

    const CONFIG: Said = Err(FailureClass::Config);
    const AWAY: Said = Err(FailureClass::Transient);

    #[tokio::test]
    async fn a_provider_with_a_wrong_key_is_left_alone_until_the_key_is_right() {
        let mut verdicts = verdicts();
        let [wrong, away] = ["wrong/lyrics", "away/lyrics"].map(|name| verdicts.breakers.breaker(name));
        let checks = [told("wrong", &[CONFIG, AWAY, Ok(())], &[]), told("away", &[AWAY, Ok(())], &[])];
        let mut ask = async || ask_all(&checks, &mut verdicts).await;
        assert!(!ask().await, "one could not be asked");
        assert!(matches!(wrong.state(), BreakerState::Open { .. }));
        assert_eq!(wrong.held_because().as_deref(), Some("the key is refused"));
        assert_eq!(away.state(), BreakerState::Closed, "who cannot be asked just now may well work");
        assert!(!ask().await);
        assert!(wrong.held_because().is_some(), "silence does not say that the key is right");
        assert!(ask().await);
        assert_eq!((wrong.state(), wrong.held_because()), (BreakerState::Closed, None));
    }

    #[tokio::test]
    async fn a_part_that_is_wrong_is_left_alone_and_the_others_go_on() {
        let mut verdicts = verdicts();
        let [music, speech] = ["vendor/music", "vendor/speech"].map(|name| verdicts.breakers.breaker(name));
        let registry = verdicts.breakers.clone();
        let parts: [(Part, &[Said]); 3] = [
            (Part::Capability("music"), &[CONFIG, AWAY, Ok(())]),
            (Part::Capability("speech"), &[Ok(())]),
            (Part::Aside("letters"), &[CONFIG, CONFIG, Ok(())]),
        ];
        let checks = [told("vendor", &[Ok(()), CONFIG, Ok(())], &parts)];
        let mut ask = async || ask_all(&checks, &mut verdicts).await;
        let mut check = async |all_answered: bool, held: [Option<&str>; 2], problems: usize| {
            assert_eq!(ask().await, all_answered);
            let because = [&music, &speech].map(|breaker| breaker.held_because());
            assert_eq!(because.each_ref().map(Option::as_deref), held);
            let told = registry.snapshot().into_iter().filter(|breaker| breaker.problem.is_some()).count();
            assert_eq!(told, problems);
        };
        check(true, [Some("music is wrong"), None], 2).await;
        let key = Some("the key is refused");
        check(true, [key, key], 3).await;
        // The key is right again; of the version nobody knows for now, so that what was known stands.
        check(false, [Some("music is wrong"), None], 2).await;
        check(true, [None, None], 0).await;
    }
}
