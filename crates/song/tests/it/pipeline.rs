//! The whole way in one process: what an observer sees of it, and which step a song ends at.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use domain::{
    FailureClass, FailureCode, StageName, Tier, kinds::melody_vocals as stage,
    kinds::melody_vocals::MelodyToVocalsRequest,
};
use media::{Encoding, Tags};
use pitch::sample::hummed_tune;
use providers::{AudioInput, Capabilities, ProgressSink};
use resilience::{BreakerRegistry, BreakerSettings};
use settings::{LoadOptions, Settings};
use song::{FinishedSong, LOUDNESS, Observer, Pipeline, Recording, StepFailure, StepTimeouts};
use telemetry::Metrics;

fn pipeline(overrides: &[(&'static str, &str)]) -> Pipeline {
    let options = LoadOptions::default().with("engine.speech", "off");
    let options = overrides.iter().fold(options, |options, &(key, value)| options.with(key, value));
    let settings = Settings::load(&options).expect("settings");
    let metrics = Metrics::new("test");
    let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
    Pipeline {
        capabilities: Capabilities::offline(&settings, &breakers, &metrics).expect("the engine"),
        gate: settings.quality_gate().clone(),
        limits: settings.audio_limits(Tier::Enterprise).clone(),
        step_timeouts: StepTimeouts::each(Duration::from_secs(600)),
    }
}

fn request(fields: &[(&str, &'static str)]) -> MelodyToVocalsRequest {
    let field = |name: &str| match name {
        "prompt" => Some("A romantic ballad about summer nights"),
        _ => fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text),
    };
    MelodyToVocalsRequest::read(field, 7).expect("a request")
}

fn audio(bytes: &[u8]) -> AudioInput {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room");
    AudioInput::new(file).expect("a file")
}

fn hum() -> AudioInput {
    let tune = hummed_tune();
    let wav = media::encode(&tune.samples, tune.sample_rate_hz, 1, Encoding::Wav16, &Tags::default());
    audio(&wav.expect("a WAV"))
}

/// Writes down what it is told.
#[derive(Default)]
struct Diary {
    begun: Vec<StageName>,
    ended: Vec<(StageName, bool)>,
    reports: Arc<AtomicU32>,
}

impl Observer for Diary {
    fn begun(&mut self, step: StageName) -> ProgressSink {
        assert_eq!(self.begun.len(), self.ended.len(), "one step at a time");
        self.begun.push(step);
        let reports = self.reports.clone();
        Arc::new(move |fraction| {
            assert!((0.0..=1.0).contains(&fraction), "{fraction}");
            reports.fetch_add(1, Ordering::Relaxed);
        })
    }

    fn ended(&mut self, step: StageName, succeeded: bool) {
        self.ended.push((step, succeeded));
    }
}

async fn run(
    pipeline: &Pipeline,
    audio: &AudioInput,
    request: &MelodyToVocalsRequest,
) -> (Result<FinishedSong, StepFailure>, Diary) {
    let mut diary = Diary::default();
    let recording = Recording { audio, file_name: Some("hum.wav") };
    let outcome = pipeline.run(recording, request, &mut diary).await;
    (outcome, diary)
}

#[tokio::test]
async fn a_hum_goes_through_every_step_and_comes_out_as_a_song() {
    let pipeline = pipeline(&[]);
    let asked = request(&[("backing", "chords"), ("transpose", "2")]);
    let (song, diary) = run(&pipeline, &hum(), &asked).await;
    let mut song = song.unwrap_or_else(|refused| panic!("{refused:?}"));
    let steps = [stage::VALIDATION, stage::PITCH, stage::LYRICS, stage::VOCALS, stage::QUALITY];
    assert_eq!(diary.begun, steps);
    assert_eq!(diary.ended, steps.map(|step| (step, true)));
    assert!(diary.reports.load(Ordering::Relaxed) > 2, "melody and voice tell how far they are");

    let told: Vec<(&str, Option<&str>)> =
        song.report.steps.iter().map(|step| (step.stage.as_str(), step.provider.as_deref())).collect();
    let engine = Some("offline");
    assert_eq!(
        told,
        [("validation", None), ("pitch", engine), ("lyrics", engine), ("vocals", engine), ("quality", None)]
    );
    assert!(song.report.passed, "{:?}", song.report.shortfalls);
    assert!(song.report.melody.corrected, "as the request asked");
    let lufs = song.vocal.loudness.integrated_lufs.expect("sound");
    assert!((lufs - LOUDNESS.lufs).abs() < 0.5, "{lufs}");
    assert!(song.documents().lyrics.starts_with(&song.lyrics.title));

    let mix = song.mix(&pipeline.capabilities.accompaniment, 1).expect("the built-in instruments");
    assert_eq!((song.report.backing.is_some(), mix.is_some()), (true, true));
}

#[tokio::test]
async fn a_song_that_is_not_good_enough_says_so_and_is_there_to_be_heard() {
    let pipeline = pipeline(&[("quality.max_vowel_onset_ms", "0"), ("quality.takes", "1")]);
    let (song, _) = run(&pipeline, &hum(), &request(&[])).await;
    let mut song = song.unwrap_or_else(|refused| panic!("{refused:?}"));
    let refusal = song.report.refusal().expect("no vowel begins that exactly");
    assert_eq!(refusal.code, FailureCode::QualityGate);
    assert!(song.mix(&pipeline.capabilities.accompaniment, 1).expect("nothing to play").is_none());
}

#[tokio::test]
async fn what_makes_no_song_ends_at_the_step_that_finds_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("words.toml");
    let entry =
        "[[entries]]\nlanguage = \"en\"\nseverity = \"block\"\ncategory = \"other\"\nterms = [\"summer\", \"polka\"]\n";
    std::fs::write(&list, entry).expect("room");
    let listed = [("safety.lists", list.to_str().expect("a path in Unicode"))];
    let silence = media::encode(&vec![0.0; 3 * 44_100], 44_100, 1, Encoding::Wav16, &Tags::default());
    let noise: Vec<f32> = (0..3 * 44_100_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) ^ (i << 7)).wrapping_mul(1_664_525) as f32 / u32::MAX as f32 - 0.5)
        .collect();
    let noise = media::encode(&noise, 44_100, 1, Encoding::Wav16, &Tags::default());

    let check =
        async |pipeline: Pipeline, audio: AudioInput, fields: &[(&str, &'static str)], step, code, words: &str| {
            let (outcome, diary) = run(&pipeline, &audio, &request(fields)).await;
            let Err(refused) = outcome else { panic!("{code}: a song") };
            assert_eq!((refused.step, refused.failure.code, refused.failure.class), (step, code, FailureClass::Caller));
            assert!(refused.failure.message.contains(words), "{refused:?}");
            let last = (step != stage::INITIALIZATION).then_some((step, false));
            assert_eq!(diary.ended.last().copied(), last, "{code}");
        };
    check(pipeline(&listed), hum(), &[], stage::INITIALIZATION, FailureCode::ContentRejected, "prompt").await;
    let genre = [("genre", "polka")];
    check(pipeline(&listed), hum(), &genre, stage::INITIALIZATION, FailureCode::ContentRejected, "").await;
    let silence = audio(&silence.expect("a WAV"));
    check(pipeline(&[]), silence, &[], stage::VALIDATION, FailureCode::InvalidAudio, "silent").await;
    let text = audio(&b"no sound at all, whatever my name says ".repeat(100));
    check(pipeline(&[]), text, &[], stage::VALIDATION, FailureCode::InvalidAudio, "").await;
    let noise = audio(&noise.expect("a WAV"));
    check(pipeline(&[]), noise, &[], stage::PITCH, FailureCode::NoMelody, "sing").await;
    let voice = [("voice", "rms")];
    check(pipeline(&[]), hum(), &voice, stage::VOCALS, FailureCode::ProviderConfig, "flite").await;
}
