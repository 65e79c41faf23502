//! Ids, words and texts: what is written can be read back, and what comes from outside passes the same door.

use std::{collections::BTreeSet, fmt::Display, str::FromStr};

use chrono::{TimeZone, Utc};
use domain::{
    ArtifactRole, FailureClass, FailureCode, JobId, JobState, Tier, UserId,
    audio::{AudioFormat, FindingCode},
    feed::FeedKind,
    kinds::melody_vocals::Label,
    prompt::{InvalidPrompt, Prompt},
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

/// The word is its text, its JSON and its row alike, and no two are the same.
fn check_words<T>(all: &[T])
where
    T: Copy + PartialEq + std::fmt::Debug + Display + FromStr + Serialize + DeserializeOwned,
{
    let words: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), all.len(), "{words:?}");
    for value in all {
        let word = value.to_string();
        assert_eq!(T::from_str(&word).ok(), Some(*value), "{word}");
        assert_eq!(serde_json::to_string(value).unwrap(), format!("\"{word}\""));
        assert_eq!(serde_json::from_str::<T>(&format!("\"{word}\"")).unwrap(), *value);
    }
    assert!(T::from_str("").is_err() && T::from_str("no such word").is_err());
}

#[test]
fn words_can_be_read_back() {
    check_words(&JobState::ALL);
    check_words(&FailureClass::ALL);
    check_words(&FailureCode::ALL);
    check_words(&Tier::ALL);
    check_words(&AudioFormat::ALL);
    for (word, json) in FindingCode::ALL.map(|code| (code.as_str(), serde_json::to_string(&code).unwrap())) {
        assert_eq!(json, format!("\"{word}\""));
        assert!(word.parse::<FindingCode>().is_ok());
    }
    for kind in FeedKind::ALL {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
    }
}

proptest! {
    #[test]
    fn ids_are_version_7_sortable_and_readable(ms in 0..281_474_976_710_655_i64, random in any::<[u8; 10]>()) {
        prop_assume!(Utc.timestamp_millis_opt(ms).single().is_some());
        let at = Utc.timestamp_millis_opt(ms).unwrap();
        let id = JobId::new(at, random);
        prop_assert_eq!(id.uuid().get_version_num(), 7);
        prop_assert_eq!(id.uuid().get_variant(), uuid::Variant::RFC4122);
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        let (seconds, nanos) = id.uuid().get_timestamp().unwrap().to_unix();
        prop_assert_eq!(seconds as i64 * 1000 + i64::from(nanos) / 1_000_000, ms);
        if let Some(later) = Utc.timestamp_millis_opt(ms + 1).single().filter(|_| ms < 281_474_976_710_654) {
            prop_assert!(JobId::new(later, [0; 10]) > id);
        }
    }

    #[test]
    fn a_prompt_that_was_accepted_is_accepted_again(text in "\\PC{0,40}[\\r\\n\\t ]{0,3}\\PC{0,500}") {
        if let Ok(prompt) = Prompt::new(&text) {
            prop_assert_eq!(Prompt::new(prompt.as_str()), Ok(prompt.clone()));
            let json = serde_json::to_string(&prompt).unwrap();
            prop_assert_eq!(serde_json::from_str::<Prompt>(&json).unwrap(), prompt.clone());
            let shown = format!("{prompt:?}");
            prop_assert!(!shown.contains(prompt.as_str()));
        }
    }
}

#[test]
fn roles_are_words_that_fit_into_an_object_key() {
    for word in ["audio_mp3", "a", "stem_2", &"x".repeat(64)] {
        let role = ArtifactRole::parse(word).unwrap();
        assert_eq!((role.as_str(), serde_json::to_string(&role).unwrap()), (word, format!("\"{word}\"")));
        assert_eq!(serde_json::from_str::<ArtifactRole>(&format!("\"{word}\"")).unwrap(), role);
    }
    for word in ["", "Audio", "a/b", "..", "a b", "ü", &"x".repeat(65)] {
        assert!(ArtifactRole::parse(word).is_err(), "{word:?}");
        assert!(serde_json::from_str::<ArtifactRole>(&format!("\"{word}\"")).is_err());
    }
}

#[test]
fn prompts_at_their_limits() {
    let of = |chars: usize| Prompt::new(&"é".repeat(chars));
    assert_eq!(of(9), Err(InvalidPrompt::TooShort { chars: 9 }));
    assert!(of(10).is_ok() && of(500).is_ok());
    assert_eq!(of(501), Err(InvalidPrompt::TooLong { chars: 501 }));
    assert_eq!(Prompt::new("         a         "), Err(InvalidPrompt::TooShort { chars: 1 }));
    assert_eq!(Prompt::new("a song about\0the sea"), Err(InvalidPrompt::ControlCharacters));
    assert_eq!(Prompt::new("a song about\u{1b}[31mthe sea"), Err(InvalidPrompt::ControlCharacters));
    // As a web form sends two lines.
    assert_eq!(Prompt::new("a song\r\nof the sea\r\n").unwrap().as_str(), "a song\nof the sea");
    assert!(serde_json::from_str::<Prompt>("\"short\"").is_err(), "not by way of a message either");
}

#[test]
fn users_and_labels_at_their_limits() {
    assert!(UserId::new("u".repeat(255)).is_ok() && UserId::new("u".repeat(256)).is_err());
    assert!(UserId::new("  ").is_err() && UserId::new("a\nb").is_err());
    assert!(serde_json::from_str::<UserId>("\"\"").is_err());
    assert_eq!(serde_json::to_string(&UserId::local()).unwrap(), "\"local\"");
    assert!(Label::new(&"x".repeat(50)).is_ok() && Label::new(&"x".repeat(51)).is_err());
    assert_eq!(Label::new(" synth pop ").unwrap().as_str(), "synth pop");
    assert!(Label::new(" ").is_err() && Label::new("a\tb").is_err());
    assert!(serde_json::from_str::<Label>("\"\"").is_err());
    assert!("not an id".parse::<JobId>().is_err());
}
