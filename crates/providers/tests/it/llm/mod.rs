//! Language models that write lyrics, against stand-ins of their vendors that misbehave in every way that they know.

mod bad_answers;
mod figures;
mod manners;
mod rounds;
mod rows;
mod set_up;

use std::time::Duration;

use lyrics::{Lyrics, LyricsRequest};
use music::{Melody, MidiPitch, Note, Phrase};
use outbound::Outbound;
use providers::{LyricsWriter, ProviderCall, Stop, vendors::llm::LlmWriter};
use rows::Rows;
use settings::{LoadOptions, OutboundSettings, Settings, Vendor as VendorSettings};
use vendor_standins::{Route, Step, Vendor, Vendors};

/// A vendor that writes: who it is, where lyrics are asked for, and the name of its table.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    pub vendor: Vendor,
    pub route: Route,
    pub name: &'static str,
}

pub const ANTHROPIC: Who = Who { vendor: Vendor::Anthropic, route: Route::Messages, name: "anthropic" };
pub const OPENAI: Who = Who { vendor: Vendor::OpenAi, route: Route::Chat, name: "openai" };
pub const BOTH: [Who; 2] = [ANTHROPIC, OPENAI];

impl Who {
    /// What stands in the settings for the stand-in.
    pub fn settings(self, vendors: &Vendors) -> VendorSettings {
        let path = if self.name == "openai" { "/v1" } else { "" };
        self.settings_at(&format!("{}{path}", vendors.url_of(self.vendor)), Some("stand-in"))
    }

    pub fn settings_at(self, url: &str, key: Option<&str>) -> VendorSettings {
        // Keys of settings are constants elsewhere.
        let at = |key: &str| -> &'static str { format!("providers.{}.{key}", self.name).leak() };
        let options = LoadOptions::default()
            .with(at("base_url"), url)
            .with(at("timeout_ms"), "5000")
            .with(at("price_per_million_input_tokens"), if key.is_some() { "1" } else { "0" })
            .with(at("price_per_million_output_tokens"), if key.is_some() { "5" } else { "0" });
        let options = key.iter().fold(options, |options, key| options.with(at("api_key"), *key));
        let settings = Settings::load(&options).unwrap_or_else(|problems| panic!("{problems}"));
        settings.vendors.into_iter().find(|vendor| vendor.name == self.name).unwrap()
    }
}

pub fn writer_of(settings: &VendorSettings) -> LlmWriter {
    LlmWriter::new(&Outbound::new(&OutboundSettings::default()).unwrap(), settings).unwrap()
}

/// A melody of phrases of so many notes that last so long.
pub fn melody(counts: &[usize], seconds: impl Fn(usize, usize) -> f64) -> Melody {
    let (mut melody, mut now) = (Melody::default(), 0.5);
    for (phrase, &count) in counts.iter().enumerate() {
        let start = melody.notes.len();
        for at in 0..count {
            let duration_seconds = seconds(phrase, at);
            let pitch = MidiPitch::new(60 + (at * 2 % 9) as u8);
            melody.notes.push(Note { onset_seconds: now, duration_seconds, pitch, cents: 0.0, velocity: 80 });
            now += duration_seconds + 0.03;
        }
        now += 0.5;
        melody.phrases.push(Phrase { start, end: melody.notes.len() });
    }
    Melody { duration_seconds: now, tempo_bpm: 100.0, ..melody }
}

/// All notes alike: no stress lies wrong.
pub fn even(counts: &[usize]) -> Melody {
    melody(counts, |_, _| 0.4)
}

pub fn request(seed: u64) -> LyricsRequest {
    LyricsRequest { prompt: "a river in the morning".to_owned(), seed, ..LyricsRequest::default() }
}

pub async fn write(writer: &LlmWriter, melody: &Melody, rows: &Rows, seed: u64) -> Result<Lyrics, Stop> {
    let call = ProviderCall::alone(rows, "writer", Duration::from_secs(60));
    writer.write(melody, &request(seed), &call).await
}

/// What comes of one text for a melody of four even lines when the vendor meets these steps, and how often it was asked.
pub async fn after(who: Who, steps: impl IntoIterator<Item = Step>) -> (Result<Lyrics, Stop>, usize, Rows) {
    let vendors = Vendors::start().await;
    vendors.script(who.vendor, who.route, steps);
    let rows = Rows::default();
    let mut settings = who.settings(&vendors);
    settings.timeout = Duration::from_millis(1_500);
    let written = write(&writer_of(&settings), &even(&LINES), &rows, 1).await;
    assert!(vendors.paid_twice().is_empty(), "{:?}", vendors.paid_twice());
    (written, vendors.asked(who.vendor, who.route), rows)
}

pub const LINES: [usize; 4] = [7, 6, 7, 6];

/// Four lines of the lengths that were asked for.
pub fn fits(lyrics: &Lyrics) {
    let counts: Vec<usize> = lyrics.lines.iter().map(|line| line.syllables.len()).collect();
    assert_eq!(counts, LINES, "{}", lyrics.text());
}
