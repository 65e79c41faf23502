//! Whether a prompt or a text may be sung: the word lists, always, and an AI vendor's judgement where a key is set.

use std::time::Duration;

use domain::{Failure, FailureClass, FailureCode};
use resilience::BreakerRegistry;
use safety::{Refusal, WordGate};
use settings::{ModerationSettings, SafetySettings};
use telemetry::Metrics;

use crate::{
    moderation::{Judgement, Moderator},
    outside::Outside,
    stop::Stop,
};

/// Judges texts. What it refuses it never repeats.
pub struct ContentGate {
    /// See [`Self::version`].
    version: String,
    words: WordGate,
    moderator: Option<Moderator>,
}

/// Why there can be no gate.
#[derive(Debug, thiserror::Error)]
pub enum ContentGateError {
    #[error(transparent)]
    Lists(#[from] settings::WordListError),
    #[error("nobody can be asked for moderation")]
    Outside(#[from] outbound::SetupError),
}

impl ContentGate {
    /// Changes with the word lists and with whether and how a vendor is asked: what was admitted under one version would
    /// be again. (The rules that the lists are applied by are part of [`crate::ENGINE_VERSION`].)
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Reads the operator's word lists, where the settings name some. Blocking; meant for the start of a service.
    ///
    /// # Errors
    /// A file of word lists that cannot be used, or no HTTP client.
    pub fn new(
        safety: &SafetySettings,
        moderation: &ModerationSettings,
        outside: &Outside,
        breakers: &BreakerRegistry,
        metrics: &Metrics,
    ) -> Result<Self, ContentGateError> {
        let words = safety.word_gate()?;
        Ok(Self {
            version: version(&words, moderation),
            words,
            moderator: Moderator::new(moderation, outside, breakers, metrics)?,
        })
    }

    /// The word lists alone: at once, without a call.
    ///
    /// # Errors
    /// `ContentRejected` with the category of the worst word.
    pub fn screen(&self, what: &str, text: &str) -> Result<(), Failure> {
        self.words.admit(what, text).map_err(rejected)
    }

    /// Word lists, then the vendor. `texts` are pairs of what it is ("prompt") and the text, such as everything that a
    /// request says in words.
    ///
    /// # Errors
    /// `ContentRejected`; and the vendor's failure when the settings say to fail closed.
    pub async fn admit(&self, texts: &[(&str, &str)], remaining: Duration) -> Result<(), Failure> {
        for (what, text) in texts {
            self.screen(what, text)?;
        }
        let Some(moderator) = &self.moderator else { return Ok(()) };
        let all: Vec<&str> = texts.iter().map(|(_, text)| *text).collect();
        match moderator.judge(&all, remaining).await? {
            Judgement::Clean | Judgement::Unknown => Ok(()),
            Judgement::Flagged(names) => {
                let whats: Vec<&str> = texts.iter().map(|(what, _)| *what).collect();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Err(rejected(Refusal::new(&whats.join(" or the "), &names)))
            }
        }
    }

    /// Whether what a provider has written, or says that it has sung, may be sung. What may not is nothing that whoever asked
    /// is to blame for: the provider is given up, and the next one may be asked.
    ///
    /// # Errors
    /// [`Stop::GivenUp`] with `ContentRejected`; and [`Stop::NotAsked`] with the moderator's failure when the settings say to fail
    /// closed: it says nothing about the provider.
    pub async fn admit_of(&self, provider: &str, texts: &[(&str, &str)], remaining: Duration) -> Result<(), Stop> {
        self.admit(texts, remaining).await.map_err(|failure| match failure.code {
            FailureCode::ContentRejected => {
                let message = format!("{provider} has written what must not be sung: {}", failure.message);
                Stop::GivenUp(Failure::new(FailureClass::Content, FailureCode::ContentRejected, message))
            }
            _ => Stop::NotAsked(failure),
        })
    }
}

fn version(words: &WordGate, moderation: &ModerationSettings) -> String {
    let ModerationSettings { api_key, url, model, timeout: _, fail_closed } = moderation;
    let asked = api_key.as_ref().map(|_| format!("{url} {model} {fail_closed}"));
    format!("{}/{}", words.digest(), asked.as_deref().unwrap_or("nobody"))
}

fn rejected(refusal: Refusal) -> Failure {
    Failure::new(FailureClass::Caller, FailureCode::ContentRejected, refusal.to_string())
}
