//! The expert service.

use crate::{
    build::{music, platform},
    reader::Reader,
    secret::Secret,
    sections::ExpertSettings,
};

/// Shorter keys can be guessed.
const LEAST_KEY_CHARS: usize = 16;

pub fn expert(reader: &mut Reader) -> ExpertSettings {
    let key = |text: &str| {
        let is_token = text.bytes().all(|byte| byte.is_ascii_graphic());
        (is_token && text.len() >= LEAST_KEY_CHARS).then(|| text.to_owned())
    };
    let rate = reader.parsed("expert.rate_per_minute", |text| match text.to_ascii_lowercase().as_str() {
        "unlimited" => Some(None),
        number => number.parse().ok().filter(|rate| (1..=100_000).contains(rate)).map(Some),
    });
    ExpertSettings {
        host: reader.host("expert.host"),
        port: reader.needed("expert.port", 0..=u16::MAX),
        api_key: reader.parsed("expert.api_key", key).map(Secret::new),
        cors_origins: platform::cors_origins(reader, "expert.cors_origins"),
        max_size_bytes: reader.needed("expert.max_size_bytes", 1..=1024 * 1024 * 1024),
        allowed_formats: music::formats(reader, "expert.allowed_formats").unwrap_or_default(),
        rate_per_minute: rate.flatten(),
        pitch_timeout: reader.millis("expert.pitch_timeout_ms", 1..=platform::LONGEST_MS),
        lyrics_timeout: reader.millis("expert.lyrics_timeout_ms", 1..=platform::LONGEST_MS),
        vocals_timeout: reader.millis("expert.vocals_timeout_ms", 1..=platform::LONGEST_MS),
        file_links: reader.flag("expert.file_links").unwrap_or(false),
        training_url: reader.base_url("expert.training_url"),
    }
}
