//! Lyrics and the quality gate: what our own writer makes passes, and a writer who ignores the notes and the prompt is
//! asked again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    kinds::melody_vocals::MelodyToVocalsRequest,
    quality::{QualityCheck, QualityGate},
};
use lyrics::{self, Lyrics, LyricsRequest};
use music::{Key, Melody, MidiPitch, Mode, Note, Phrase};
use providers::{
    AccompanimentPlayer, CallLimits, CallScope, Capabilities, Chain, ContentGate, DirectCalls, LyricsWriter, Outside,
    ProviderCall, Stop, Terms,
};
use resilience::{BreakerRegistry, BreakerSettings};
use safety::Severity;
use settings::{ModerationSettings, SafetySettings};
use telemetry::Metrics;

/// Phrases of so many notes, long and short in turn.
fn melody(counts: &[usize]) -> Melody {
    let (mut notes, mut phrases, mut now) = (Vec::new(), Vec::new(), 0.5);
    for &count in counts {
        let start = notes.len();
        for i in 0..count {
            let duration_seconds = if i % 2 == 0 { 0.8 } else { 0.3 };
            let pitch = MidiPitch::new(55 + (i * 2 % 9) as u8);
            notes.push(Note { onset_seconds: now, duration_seconds, pitch, cents: 0.0, velocity: 80 });
            now += duration_seconds;
        }
        now += 0.5;
        phrases.push(Phrase { start, end: notes.len() });
    }
    let key = Key { tonic: 0, mode: Mode::Major, confidence: 1.0 };
    Melody { duration_seconds: now, notes, phrases, key, tempo_bpm: 100.0, ..Melody::default() }
}

fn request(prompt: &str, language: &str, seed: u64) -> LyricsRequest {
    LyricsRequest { prompt: prompt.into(), language: language.into(), seed, ..LyricsRequest::default() }
}

/// Syllables without stress on the long notes, no rhyme, and nothing of what was asked for.
fn careless(melody: &Melody) -> Lyrics {
    let lines = [
        "the moon above the lake",
        "a bird upon the roof",
        "the rain across the field",
        "a path beyond the hills",
        "the clouds against the sun",
        "a horse beside the road",
    ];
    lyrics::fit(&lines, melody).expect("known words")
}

/// Careless for so many takes, then our own.
struct Writer {
    careless_takes: u32,
    takes: AtomicU32,
}

#[async_trait]
impl LyricsWriter for Writer {
    async fn write(&self, melody: &Melody, request: &LyricsRequest, _: &ProviderCall<'_>) -> Result<Lyrics, Stop> {
        if self.takes.fetch_add(1, Ordering::Relaxed) < self.careless_takes {
            return Ok(careless(melody));
        }
        Ok(lyrics::write_lyrics(melody, request).expect("notes to sing"))
    }
}

fn capabilities(careless_takes: u32) -> Capabilities {
    let (limits, metrics) = (CallLimits::default(), Metrics::new("test"));
    let mut writers: Chain<dyn LyricsWriter> = Chain::new("lyrics", limits, metrics.clone());
    writers.push("test", Terms::of_own("1"), Arc::new(Writer { careless_takes, takes: AtomicU32::new(0) }));
    let safety = SafetySettings { enabled: true, refuse_at: Severity::Block, lists: None, replace_built_in: false };
    let nobody = ModerationSettings {
        api_key: None,
        url: "http://127.0.0.1:1".parse().expect("an address"),
        model: "m".into(),
        timeout: Duration::from_secs(1),
        fail_closed: false,
    };
    let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
    let content =
        ContentGate::new(&safety, &nobody, &Outside::default(), &breakers, &metrics).expect("no lists to read");
    Capabilities {
        melody: Chain::new("melody", limits, metrics.clone()),
        lyrics: writers,
        vocals: Chain::new("vocals", limits, metrics.clone()),
        blends: Chain::new("blends", limits, metrics.clone()),
        playing: Chain::new("playing", limits, metrics.clone()),
        compositions: Chain::new("compositions", limits, metrics.clone()),
        accompanists: Chain::new("accompaniment", limits, metrics.clone()),
        trainers: Chain::new("training", limits, metrics),
        accompaniment: AccompanimentPlayer::new(None),
        content: Arc::new(content),
        outside: Vec::new(),
        checks: Vec::new(),
        catalogues: Vec::new(),
    }
}

#[tokio::test]
async fn a_text_that_ignores_its_notes_is_written_again() {
    let melody = melody(&[6; 6]);
    let gate = QualityGate::default();
    let field = |name: &str| (name == "prompt").then_some("robots skating in winter snow");
    let asked = MelodyToVocalsRequest::read(field, 1).expect("a request");
    let wanted = request(asked.prompt.as_str(), "en", asked.seed);
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, Duration::from_secs(600));
    for (careless_takes, takes, shortfalls) in [(0, 1, 0), (1, 2, 0), (2, 3, 0), (9, 3, 3)] {
        let written = song::write_lyrics(&capabilities(careless_takes), &gate, scope, &melody, &asked).await;
        let written = written.expect("a text");
        let found = gate.judge_lyrics(&song::lyrics_figures(&melody, &written.value, &wanted));
        assert_eq!((written.takes, found.len()), (takes, shortfalls), "{found:?}");
    }
}

#[test]
fn carelessness_is_named() {
    use QualityCheck::{LyricsPrompt, LyricsRhyme, LyricsStress};
    let melody = melody(&[6; 6]);
    let checks = |prompt: &str| -> Vec<QualityCheck> {
        let figures = song::lyrics_figures(&melody, &careless(&melody), &request(prompt, "en", 0));
        QualityGate::default().judge_lyrics(&figures).into_iter().map(|shortfall| shortfall.check).collect()
    };
    assert_eq!(checks("robots skating in winter snow"), [LyricsStress, LyricsRhyme, LyricsPrompt]);
    // One word of the prompt is enough; a prompt of few words, or without any that can be sung, asks for none.
    assert_eq!(checks("robots skating in winter on the moon"), [LyricsStress, LyricsRhyme]);
    for nothing_to_sing in ["robots in winter", "", "a pop song please", "zzxqy 12345", "una canción sobre el mar"] {
        assert_eq!(checks(nothing_to_sing), [LyricsStress, LyricsRhyme], "{nothing_to_sing}");
    }
}

#[test]
fn our_own_songs_pass_on_melodies_of_every_size() {
    let prompts = [
        "robots dancing in Tokyo",
        "la cocina de mi abuela en invierno",
        "",
        "stars",
        "escape",
        "freedom and happiness",
    ];
    let gate = QualityGate::default();
    for counts in [
        vec![6, 7, 6, 7, 8, 6, 8, 6],
        vec![5; 4],
        vec![3, 4, 3, 4],
        vec![2, 3, 2, 3, 3, 2],
        vec![2, 2],
        vec![9],
        vec![3; 5],
        vec![4; 4],
    ] {
        let melody = melody(&counts);
        for (number, prompt) in prompts.into_iter().enumerate() {
            for language in ["en", "es"] {
                let found: Vec<_> = (0..u64::from(gate.takes))
                    .map(|take| {
                        let wanted = request(prompt, language, 10 * number as u64 + 100 * take);
                        let written = lyrics::write_lyrics(&melody, &wanted).expect("notes to sing");
                        let mut found = gate.judge_lyrics(&song::lyrics_figures(&melody, &written, &wanted));
                        // Two words may be less than the least length; that is another matter.
                        found.retain(|shortfall| shortfall.check != QualityCheck::LyricsLength);
                        found
                    })
                    .collect();
                assert!(found.iter().any(Vec::is_empty), "{counts:?} {prompt} {language}: {found:?}");
            }
        }
    }
}
