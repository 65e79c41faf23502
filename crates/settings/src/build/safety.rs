//! What prompts and lyrics are checked with.

use std::path::PathBuf;

use safety::Severity;
use url::Url;

use super::platform::LONGEST_MS;
use crate::{reader::Reader, secret::Secret, sections::*};

pub fn safety(reader: &mut Reader) -> SafetySettings {
    let severities = [("warn", Severity::Warn), ("block", Severity::Block)];
    SafetySettings {
        enabled: reader.flag("safety.enabled").unwrap_or(true),
        refuse_at: reader.word("safety.refuse_at", &severities).unwrap_or(Severity::Block),
        lists: reader.text("safety.lists").map(PathBuf::from),
        replace_built_in: reader.flag("safety.replace_built_in").unwrap_or(false),
    }
}

pub fn moderation(reader: &mut Reader) -> ModerationSettings {
    const HARMLESS: &str = "http://localhost";
    let url = reader.base_url("moderation.openai_url");
    ModerationSettings {
        api_key: reader.text("moderation.openai_api_key").map(Secret::new),
        url: url.unwrap_or_else(|| Url::parse(HARMLESS).unwrap_or_else(|_| unreachable!("a constant address"))),
        model: reader.text("moderation.model").unwrap_or_default(),
        timeout: reader.millis("moderation.timeout_ms", 1..=LONGEST_MS),
        fail_closed: reader.flag("moderation.fail_closed").unwrap_or(false),
    }
}
