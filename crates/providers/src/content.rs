//! Whether a prompt or a text may be sung: the word lists, always, and an AI vendor's judgement where a key is set.

use std::time::Duration;

use domain::{Failure, FailureClass, FailureCode, request::MelodyToVocalsRequest};
use engine::safety::{self, Category, ListEntry, SafetyLists, Severity};
use resilience::BreakerRegistry;
use settings::{ModerationSettings, SafetySettings, WordList, WordSeverity};
use telemetry::Metrics;

use crate::moderation::{Judgement, Moderator};

/// Judges texts. What it refuses it never repeats.
pub struct ContentGate {
    lists: Option<SafetyLists>,
    refuse_at: Severity,
    moderator: Option<Moderator>,
}

/// Why there can be no gate.
#[derive(Debug, thiserror::Error)]
pub enum ContentGateError {
    #[error(transparent)]
    Lists(#[from] settings::WordListError),
    #[error("there is no HTTP client for moderation")]
    Http(#[from] reqwest::Error),
}

impl ContentGate {
    /// Reads the operator's word lists, where the settings name some. Blocking; meant for the start of a service.
    ///
    /// # Errors
    /// A file of word lists that cannot be used, or no HTTP client.
    pub fn new(
        safety: &SafetySettings,
        moderation: &ModerationSettings,
        breakers: &BreakerRegistry,
        metrics: &Metrics,
    ) -> Result<Self, ContentGateError> {
        Ok(Self { moderator: Moderator::new(moderation, breakers, metrics)?, ..Self::lists_only(safety)? })
    }

    /// Without anybody outside.
    ///
    /// # Errors
    /// A file of word lists that cannot be used.
    pub fn lists_only(safety: &SafetySettings) -> Result<Self, ContentGateError> {
        let own = safety.lists.as_deref().map(settings::read_word_lists).transpose()?.unwrap_or_default();
        Ok(Self::of(safety, &own))
    }

    fn of(safety: &SafetySettings, own: &[WordList]) -> Self {
        let own: Vec<ListEntry> = own.iter().map(entry).collect();
        let base = if safety.replace_built_in { SafetyLists::default() } else { safety::built_in().clone() };
        let refuse_at = match safety.refuse_at {
            WordSeverity::Warn => Severity::Warn,
            WordSeverity::Block => Severity::Block,
        };
        Self { lists: safety.enabled.then(|| base.with(&own)), refuse_at, moderator: None }
    }

    /// The word lists alone: at once, without a call.
    ///
    /// # Errors
    /// `ContentRejected` with the category of the worst word.
    pub fn screen(&self, what: &str, text: &str) -> Result<(), Failure> {
        match self.lists.as_ref().and_then(|lists| lists.worst(text)) {
            Some(worst) if worst.severity >= self.refuse_at => Err(rejected(what, &[category_name(worst.category)])),
            _ => Ok(()),
        }
    }

    /// Everything that a request says in words.
    ///
    /// # Errors
    /// As [`admit`](Self::admit).
    pub async fn admit_request(&self, request: &MelodyToVocalsRequest, remaining: Duration) -> Result<(), Failure> {
        let mut texts = vec![("prompt", request.prompt.as_str())];
        texts.extend(request.genre.as_ref().map(|genre| ("genre", genre.as_str())));
        texts.extend(request.mood.as_ref().map(|mood| ("mood", mood.as_str())));
        self.admit(&texts, remaining).await
    }

    /// Word lists, then the vendor. `texts` are pairs of what it is ("prompt") and the text.
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
                Err(rejected(&whats.join(" or the "), &names))
            }
        }
    }
}

fn rejected(what: &str, categories: &[&str]) -> Failure {
    let reason = if categories.is_empty() { "harmful content".to_owned() } else { categories.join(", ") };
    let message = format!("The {what} was refused ({reason}). Say it in other words and send it again.");
    Failure::new(FailureClass::Caller, FailureCode::ContentRejected, message)
}

fn entry(list: &WordList) -> ListEntry {
    let WordList { language, severity, category, terms, allowed_in } = list.clone();
    let severity = match severity {
        WordSeverity::Warn => Severity::Warn,
        WordSeverity::Block => Severity::Block,
    };
    ListEntry { language, severity, category: safety::category_named(&category), terms, allowed_in }
}

const fn category_name(category: Category) -> &'static str {
    match category {
        Category::Slur => "slur",
        Category::Hate => "hate",
        Category::Sexual => "sexual",
        Category::Vulgar => "vulgar",
        Category::Violence => "violence",
        Category::SelfHarm => "self-harm",
        Category::Drugs => "drugs",
        Category::Other => "listed words",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> SafetySettings {
        SafetySettings { enabled: true, refuse_at: WordSeverity::Block, lists: None, replace_built_in: false }
    }

    fn gate(safety: &SafetySettings) -> ContentGate {
        let turnip = WordList {
            language: "en".into(),
            severity: WordSeverity::Warn,
            category: "other".into(),
            terms: vec!["turnip".into()],
            allowed_in: vec!["turnip soup".into()],
        };
        ContentGate::of(safety, &[turnip])
    }

    #[test]
    fn severity_and_lists_come_from_the_settings() {
        let vulgar = String::from_utf8(vec![115, 104, 105, 116]).expect("ascii");
        let gate_open = gate(&settings());
        assert!(gate_open.screen("prompt", "a song about a turnip").is_ok());
        let failure = gate_open.screen("prompt", &format!("a {vulgar} song")).expect_err("listed");
        assert_eq!((failure.class, failure.code), (FailureClass::Caller, FailureCode::ContentRejected));
        assert!(failure.message.contains("vulgar") && !failure.message.contains(&vulgar), "{}", failure.message);

        let strict = gate(&SafetySettings { refuse_at: WordSeverity::Warn, ..settings() });
        assert!(strict.screen("prompt", "a song about a turnip").is_err());
        assert!(strict.screen("prompt", "a song about turnip soup").is_ok());

        let own_only = gate(&SafetySettings { replace_built_in: true, ..settings() });
        assert!(own_only.screen("prompt", &vulgar).is_ok());
        let off = gate(&SafetySettings { enabled: false, ..settings() });
        assert!(off.screen("prompt", &vulgar).is_ok());
    }
}
