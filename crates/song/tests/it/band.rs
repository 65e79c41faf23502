//! A hum with a whole band: what is asked for, what comes out, and whether voice and band are together in the finished mix.

use std::{io::Write as _, time::Duration};

use domain::{Tier, kinds::melody_vocals as stage, kinds::melody_vocals::MelodyToVocalsRequest};
use media::{Encoding, Master, MediaError, Tags};
use pitch::sample::hummed_tune;
use providers::{AudioInput, Capabilities};
use resilience::{BreakerRegistry, BreakerSettings};
use settings::{LoadOptions, Settings};
use song::{
    Arranged, Backing, BandSummary, FinishedSong, Meeting, Mixed, Pipeline, Recording, StepTimeouts, Together,
    Unobserved, beats_apart,
};
use telemetry::Metrics;

fn pipeline() -> Pipeline {
    let options = LoadOptions::default().with("engine.speech", "off");
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

fn hum() -> AudioInput {
    let tune = hummed_tune();
    let wav = media::encode(&tune.samples, tune.sample_rate_hz, 1, Encoding::Wav16, &Tags::default()).expect("a WAV");
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(&wav).expect("room");
    AudioInput::new(file).expect("a file")
}

async fn sung(pipeline: &Pipeline, fields: &[(&str, &'static str)]) -> FinishedSong {
    let field = |name: &str| match name {
        "prompt" => Some("A romantic ballad about summer nights"),
        "backing" => Some("band"),
        _ => fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text),
    };
    let request = MelodyToVocalsRequest::read(field, 7).expect("a request");
    let recording = Recording { audio: &hum(), file_name: Some("hum.wav") };
    pipeline.run(recording, &request, &mut Unobserved).await.unwrap_or_else(|refused| panic!("{refused:?}"))
}

fn arranged(song: &FinishedSong) -> &Arranged {
    match &song.backing {
        Some(Backing::Band(arranged)) => arranged,
        other => panic!("no band: {other:?}"),
    }
}

fn summary(song: &FinishedSong) -> &BandSummary {
    song.report.backing.as_ref().and_then(|backing| backing.band.as_ref()).expect("told")
}

/// A stem of the finished mix, or the mix, as one channel.
fn mono(master: &Master, stem: Option<usize>) -> Vec<f32> {
    let mut samples = Vec::new();
    let mut keep = |block: &[f32]| {
        samples.extend(block.chunks_exact(2).map(|pair| (pair[0] + pair[1]) / 2.0));
        Ok::<_, MediaError>(())
    };
    match stem {
        Some(stem) => master.each_of_stem(stem, &mut keep).expect("it was kept"),
        None => master.each(&mut keep).expect("it was kept"),
    }
    samples
}

/// How far voice and band are apart in the stems of the finished mix; with the voice so many seconds late.
fn heard(voice: &[f32], band: &[f32], rate: u32, Arranged { melody, band: notes }: &Arranged, late: f64) -> Together {
    let sung: Vec<f64> = melody.notes.iter().map(|note| note.onset_seconds).collect();
    let meeting = Meeting { sung: &sung, shared: &notes.notes_on_beats(melody) };
    let late = (late * f64::from(rate)) as usize;
    let voice: Vec<f32> = std::iter::repeat_n(0.0, late).chain(voice.iter().copied()).collect();
    beats_apart(band, &voice, rate, &meeting).expect("there are beats")
}

#[tokio::test]
async fn voice_and_band_are_together_in_the_finished_mix() {
    let pipeline = pipeline();
    for beat in ["follow", "steady"] {
        let mut song = sung(&pipeline, &[("stems", "on"), ("beat", beat), ("genre", "folk")]).await;
        assert!(song.report.steps.iter().any(|step| step.stage == stage::ARRANGEMENT.as_str()));
        let mixed = song.mix(&pipeline.capabilities.accompaniment, 1).expect("the built-in instruments");
        let Some(Mixed::Band(sound)) = mixed else { panic!("no band") };
        let master = &sound.master;
        let stems: Vec<Vec<f32>> = (0..master.stems()).map(|stem| mono(master, Some(stem))).collect();
        assert_eq!(sound.stems, ["voice", "counter-melody", "chords", "bass", "drums", "pad"]);
        let (voice, others) = stems.split_first().expect("stems");
        let band: Vec<f32> = (0..voice.len()).map(|at| others.iter().map(|stem| stem[at]).sum()).collect();
        // What is measured is what is heard.
        let mix = mono(master, None);
        assert!(mix.iter().zip(voice.iter().zip(&band)).all(|(mix, (voice, band))| (mix - voice - band).abs() < 1e-3));

        let together = heard(voice, &band, master.sample_rate_hz, arranged(&song), 0.0);
        assert!(together.beats >= 20, "{together:?}");
        assert!(together.median_ms <= 15.0 && together.within_30_ms >= 0.9, "{beat}: {together:?}");
        // A copy with the voice late fails the same measure.
        for seconds in [0.06, 0.15, 0.25] {
            let late = heard(voice, &band, master.sample_rate_hz, arranged(&song), seconds);
            assert!(late.within_30_ms <= 0.35, "{beat}, {seconds} s late: {late:?}");
        }
        let late = heard(voice, &band, master.sample_rate_hz, arranged(&song), 0.06);
        assert!(late.median_ms > 40.0 && late.within_30_ms <= 0.2, "{beat}: {late:?}");

        let told = summary(&song);
        let told_together = told.together.expect("measured");
        assert!((told_together.within_30_ms - together.within_30_ms).abs() < 0.15, "{told_together:?} {together:?}");
        let loudness = told.sound.as_ref().and_then(|sound| sound.loudness_lufs).expect("sound");
        assert!((loudness - arrangement::LOUDNESS.lufs).abs() < 0.5, "{loudness}");
    }
}

#[tokio::test]
async fn the_song_is_whole_and_its_documents_are_in_its_time() {
    let pipeline = pipeline();
    let mut song = sung(&pipeline, &[]).await;
    assert!(song.report.passed, "{:?}", song.report.shortfalls);
    let Arranged { melody, band } = arranged(&song);
    let (first, last) = (melody.notes[0].onset_seconds, melody.notes.last().expect("notes").end_seconds());
    let told = summary(&song);
    assert!(told.intro_seconds > 2.0 && (told.intro_seconds - first).abs() < 0.05, "{told:?} {first}");
    assert!(band.seconds > last + 2.0, "{} {last}", band.seconds);
    // The words of the song ask for a ballad, and nothing else names a style.
    assert!(told.instruments.len() >= 4 && told.style_is_asked, "{told:?}");
    assert_eq!(song.report.backing.as_ref().map(|backing| backing.style.as_str()), Some("ballad"));
    let consonance = song.report.backing.as_ref().and_then(|backing| backing.consonance);
    assert!(consonance.is_some_and(|share| share > 0.7), "{consonance:?}");

    let documents = song.documents();
    let file = music::smf::read(&documents.midi, &music::smf::Limits::default()).expect("a MIDI file").score;
    let parts: Vec<&str> = file.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(parts.len(), 1 + band.score.parts.len(), "{parts:?}");
    let voice = &file.parts[0].notes[0];
    assert!((file.seconds_at(voice.onset) - first).abs() < 0.02, "the voice begins where it does in the song");
    let bass = |score: &music::Score| {
        let part = score.parts.iter().find(|part| part.name == "bass").expect("a bass");
        score.seconds_at(part.notes.last().expect("notes").onset)
    };
    assert!((bass(&file) - bass(&band.score)).abs() < 0.02, "the band plays in the file when it plays in the song");
    assert!(documents.musicxml.contains("<harmony"), "chords stand over the melody");

    let mixed = song.mix(&pipeline.capabilities.accompaniment, 1).expect("the built-in instruments");
    let Some(Mixed::Band(sound)) = mixed else { panic!("no band") };
    assert!(sound.stems.is_empty(), "nobody asked for stems");
    let seconds = sound.master.frames() as f64 / f64::from(sound.master.sample_rate_hz);
    assert!((seconds - arranged(&song).band.seconds).abs() < 0.001, "{seconds}");
}
