//! Songs that a service delivers as sound, and songs whose notes it plays: checked, cut, brought to level, and told of.

use std::{
    fs::File,
    io::{Seek as _, Write as _},
    ops::ControlFlow,
    sync::Arc,
    time::Duration,
};

use arrangement::{
    Composers, CompositionReport, Flaws, LOUDNESS, Made, Mastered, Players, Reported, SoundSong, Subject, played,
};
use async_trait::async_trait;
use domain::retry::RetryPolicy;
use domain::{Failure, FailureClass, FailureCode, kinds::composition::CompositionRequest};
use media::{Encoding, Multitrack, Tags};
use music::score::{MeterChange, Part, Score, ScoreNote, TempoChange};
use providers::{
    AudioInput, CallLimits, CallScope, Chain, Composed, DirectCalls, OfflineComposer, OwnInstruments, PlayedSong,
    ProviderCall, SongComposer, SongPlayer, SongRequest, Stop, SungSound, SungWord, Terms,
};
use serde_json::json;
use telemetry::Metrics;

use crate::gate::{LISTED, gate};

/// A service that answers every sentence with the same bytes.
struct Delivers(Vec<u8>);

#[async_trait]
impl SongComposer for Delivers {
    async fn compose(&self, _: &SongRequest<'_>, _: &ProviderCall<'_>) -> Result<Composed, Stop> {
        Ok(Composed::Sound(AudioInput::new(file(&self.0)).unwrap()))
    }
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// Two tones that swell, as a sound file.
fn sound(seconds: f64, rate_hz: u32, channels: u16, level: f32, encoding: Encoding) -> Vec<u8> {
    let frames = (seconds * f64::from(rate_hz)).round() as usize;
    let samples: Vec<f32> = (0..frames)
        .flat_map(|frame| {
            let at = frame as f32 / rate_hz as f32;
            let swell = 0.6 + 0.4 * (at * 2.0).sin();
            (0..channels)
                .map(move |side| level * swell * (at * (220.0 + 110.0 * f32::from(side)) * std::f32::consts::TAU).sin())
        })
        .collect();
    media::encode(&samples, rate_hz, channels, encoding, &Tags::default()).unwrap()
}

fn request(fields: &[(&str, &'static str)]) -> CompositionRequest {
    let field = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text);
    compose::asked::settled(CompositionRequest::read(field, 7).unwrap()).unwrap()
}

async fn made(services: Vec<(&'static str, Arc<dyn SongComposer>)>) -> Result<(String, Made), Failure> {
    let retry = RetryPolicy { max_attempts: 1, base: Duration::ZERO, cap: Duration::ZERO };
    let limits = CallLimits { call_timeout: Duration::from_secs(60), retry };
    let mut chain: Chain<dyn SongComposer> = Chain::new("compose", limits, Metrics::new("test"));
    for (name, service) in services {
        chain.push(name, Terms::of_own("1"), service);
    }
    let request = request(&[("prompt", "a calm waltz"), ("lengthMs", "3000"), ("name", "Tide")]);
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, Duration::from_secs(60));
    let composers = Composers { chain: &chain, content: &gate(), words: None };
    let made = arrangement::compose(&composers, scope, &request).await.map_err(Stop::into_failure)?;
    Ok((made.provider.to_string(), made.value))
}

fn finished(bytes: &[u8], asked_seconds: Option<f64>) -> (arrangement::FinishedSound, Vec<f32>) {
    let song = SoundSong::check(&AudioInput::new(file(bytes)).unwrap(), "Tide".to_owned(), None).unwrap();
    let finished = song.finished(file(bytes), asked_seconds, false, &mut |_| ControlFlow::Continue(())).unwrap();
    let mut samples = Vec::new();
    let all = finished.master.each(|block| {
        samples.extend_from_slice(block);
        Ok::<_, media::MediaError>(())
    });
    all.unwrap();
    (finished, samples)
}

#[test]
fn a_delivered_sound_is_as_long_as_asked_and_as_loud_as_every_song() {
    for (rate_hz, channels, encoding) in
        [(44_100, 2, Encoding::Wav16), (48_000, 2, Encoding::Mp3 { kbps: 128 }), (22_050, 1, Encoding::Flac)]
    {
        let bytes = sound(7.3, rate_hz, channels, 0.1, encoding);
        let (finished, samples) = finished(&bytes, Some(6.123));
        assert_eq!(finished.master.frames(), (6.123f64 * 44_100.0).round() as u64, "{encoding:?}");
        let loudness = finished.master.loudness;
        assert!((loudness.integrated_lufs.unwrap() - LOUDNESS.lufs).abs() <= 1.0, "{encoding:?}: {loudness:?}");
        assert!(loudness.true_peak_dbtp.unwrap() <= LOUDNESS.max_dbtp + 0.1, "{encoding:?}: {loudness:?}");
        assert!(samples[samples.len() - 8..].iter().all(|sample| sample.abs() < 0.01), "it does not click");
        let loud = |samples: &[f32]| samples.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
        assert!(loud(&samples[samples.len() - 2 * 44_100 / 5..]) > 0.1, "it sounds on until shortly before its end");
        assert!(finished.warnings.is_empty(), "{:?}", finished.warnings);
        assert!(finished.cover.starts_with(b"\x89PNG"));
    }
}

#[test]
fn one_that_is_short_is_kept_whole_and_told_of() {
    let bytes = sound(4.0, 44_100, 2, 0.2, Encoding::Wav16);
    let (short, samples) = finished(&bytes, Some(5.5));
    assert_eq!((short.master.frames(), samples.len()), (4 * 44_100, 8 * 44_100));
    assert_eq!(short.warnings, ["The song lasts 4.00 s and not 5.50 s: the service that made it delivered no more."]);
    let (whole, _) = finished(&bytes, None);
    assert_eq!((whole.master.frames(), whole.warnings.len()), (4 * 44_100, 0));
    let (near, _) = finished(&bytes, Some(4.05));
    assert!(near.warnings.is_empty(), "codecs add and leave out a little: {:?}", near.warnings);

    let report = CompositionReport::new(Reported {
        request: &request(&[("prompt", "a calm waltz"), ("lengthMs", "5500")]),
        song: Subject::Sound(&SoundSong {
            title: "Tide".to_owned(),
            seconds: 4.0,
            media_type: "audio/wav".to_owned(),
            lines: Vec::new(),
            flaws: Flaws::default(),
        }),
        provider: "vendor",
        lyrics: Vec::new(),
        vocals: None,
        sound: short.summary(),
        heard: &short.warnings,
    });
    assert_eq!((report.title.as_str(), &report.effective, report.warnings.len()), ("Tide", &None, 1));
    let summary = report.summary();
    assert!(summary.contains("Made by vendor") && summary.contains("0:04, -1"), "{summary}");
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["sound"]["font"].is_null() && json["effective"].is_null(), "{json}");
    assert_eq!(serde_json::from_value::<CompositionReport>(json.clone()).unwrap(), report);
    assert!(json.get("model").is_none(), "nobody asked for one: {json}");
    let used = json!({ "name": "metro_drums", "provider": "vendor", "version": "one" });
    let report = report.made_with(serde_json::from_value(used.clone()).unwrap());
    assert!(report.summary().contains("metro_drums of vendor, version one"), "{}", report.summary());
    assert_eq!(serde_json::to_value(&report).unwrap()["model"], used);
}

#[tokio::test]
async fn what_is_no_sound_is_left_to_the_next() {
    let good =
        || -> Arc<dyn SongComposer> { Arc::new(Delivers(sound(3.0, 44_100, 2, 0.2, Encoding::Mp3 { kbps: 128 }))) };
    let (provider, song) = made(vec![("vendor", good()), ("offline", Arc::new(OfflineComposer))]).await.unwrap();
    let Made::Sound(song, _) = song else { panic!("it is sound: {song:?}") };
    assert_eq!((provider.as_str(), song.title.as_str(), song.media_type.as_str()), ("vendor", "Tide", "audio/mpeg"));
    assert!((song.seconds - 3.0).abs() < 0.1, "{song:?}");

    let silence = sound(3.0, 44_100, 2, 0.0, Encoding::Wav16);
    let hiss = sound(3.0, 44_100, 2, 0.0002, Encoding::Wav16);
    let too_short = sound(1.9, 44_100, 2, 0.2, Encoding::Wav16);
    let too_long = sound(700.0, 8_000, 1, 0.2, Encoding::Flac);
    for bytes in [Vec::new(), b"<html>busy</html>".to_vec(), silence, hiss, too_short, too_long] {
        let bad = || -> Arc<dyn SongComposer> { Arc::new(Delivers(bytes.clone())) };
        let (provider, song) = made(vec![("vendor", bad()), ("offline", Arc::new(OfflineComposer))]).await.unwrap();
        assert!(matches!(song, Made::Notes(_)) && provider == "offline", "{} bytes", bytes.len());
        let alone = made(vec![("vendor", bad())]).await.unwrap_err();
        assert_eq!((alone.class, alone.code), (FailureClass::Transient, FailureCode::ProviderUnavailable), "{alone:?}");
        assert!(alone.message.starts_with("the service that composes sent a sound that "), "{}", alone.message);
    }
}

/// Three seconds of stereo made of the moment in seconds.
fn stereo(level: impl Fn(f32) -> f32) -> Vec<f32> {
    (0..3 * 44_100).flat_map(|frame| [level(frame as f32 / 44_100.0); 2]).collect()
}

fn encoded(samples: &[f32], encoding: Encoding) -> Vec<u8> {
    media::encode(samples, 44_100, 2, encoding, &Tags::default()).unwrap()
}

const LOSSLESS_AND_LOSSY: [Encoding; 2] = [Encoding::Wav16, Encoding::Mp3 { kbps: 192 }];

/// Chords with a beat in them, as songs are mastered today: much louder than ours, with peaks that a limiter holds.
#[test]
fn a_loud_master_has_no_flaws() {
    let chord = |at: f32| {
        let tones = [110.0, 164.8, 220.0, 277.2, 1_760.0].map(|hz| (at * hz * std::f32::consts::TAU).sin());
        let beat = 0.4 + 0.6 * (-(at % 0.5) / 0.1).exp();
        0.2 * beat * tones.iter().sum::<f32>()
    };
    let mut tracks = Multitrack::new(44_100, 0).unwrap();
    tracks.push(&stereo(chord), &[]).unwrap();
    let loud = tracks.master(-8.0, -0.3).unwrap();
    let mut samples = Vec::new();
    let kept = loud.each(|block| {
        samples.extend_from_slice(block);
        Ok::<_, media::MediaError>(())
    });
    kept.unwrap();
    assert!(loud.loudness.integrated_lufs.unwrap() > -11.0, "{:?}", loud.loudness);
    for encoding in LOSSLESS_AND_LOSSY {
        let sound = AudioInput::new(file(&encoded(&samples, encoding))).unwrap();
        let song = SoundSong::check(&sound, String::new(), Some(3.0)).unwrap();
        let Flaws { clipped_share, holes, silent_seconds, undecoded, .. } = song.flaws;
        assert!(clipped_share < 0.001, "{encoding:?}: {:?}", song.flaws);
        assert_eq!((holes, silent_seconds, undecoded), (0, 0.0, 0), "{encoding:?}");
        assert!(song.poor().is_none(), "{encoding:?}");
        let finished = song.finished(sound.reopen().unwrap(), Some(3.0), false, &mut |_| ControlFlow::Continue(()));
        assert!(finished.unwrap().warnings.is_empty(), "{encoding:?}");
    }
}

#[tokio::test]
async fn a_poor_song_is_left_to_the_next_and_kept_with_its_figures_where_there_is_none() {
    let tone = |at: f32| (at * 220.0 * std::f32::consts::TAU).sin();
    let clipped = encoded(&stereo(|at| (4.0 * tone(at)).clamp(-1.0, 1.0)), Encoding::Wav16);
    let silent = encoded(&stereo(|at| if at < 1.2 { 0.5 * tone(at) } else { 0.0 }), Encoding::Wav16);
    for (bytes, told) in [(clipped, "% of the song is clipped"), (silent, "Nothing is to be heard for 1.8 of 3.0 s")] {
        let poor = || -> Arc<dyn SongComposer> { Arc::new(Delivers(bytes.clone())) };
        let (provider, song) = made(vec![("vendor", poor()), ("offline", Arc::new(OfflineComposer))]).await.unwrap();
        assert!(matches!(song, Made::Notes(_)) && provider == "offline", "{told}");
        let (provider, song) = made(vec![("vendor", poor())]).await.unwrap();
        let Made::Sound(song, sound) = song else { panic!("it is sound: {song:?}") };
        assert_eq!(provider, "vendor");
        let kept: SoundSong = serde_json::from_value(serde_json::to_value(&song).unwrap()).unwrap();
        assert_eq!(kept, song, "its figures are kept");
        let finished = kept.finished(sound.reopen().unwrap(), Some(3.0), false, &mut |_| ControlFlow::Continue(()));
        let warnings = finished.unwrap().warnings;
        assert!(warnings.len() == 1 && warnings[0].contains(told), "{warnings:?}");
    }
}

#[test]
fn a_song_with_holes_is_kept_and_told_of() {
    let hole = |at: f32| [0.8, 1.7].iter().any(|from| (*from..from + 0.06).contains(&at));
    let samples = stereo(|at| if hole(at) { 0.0 } else { 0.5 * (at * 220.0 * std::f32::consts::TAU).sin() });
    for encoding in LOSSLESS_AND_LOSSY {
        let bytes = encoded(&samples, encoding);
        let song = SoundSong::check(&AudioInput::new(file(&bytes)).unwrap(), String::new(), None).unwrap();
        assert!(song.flaws.holes == 2 && song.poor().is_none(), "{encoding:?}: {:?}", song.flaws);
        let (finished, _) = finished(&bytes, None);
        assert!(finished.warnings[0].contains("breaks off in 2 places, for 1"), "{:?}", finished.warnings);
    }
}

#[test]
fn far_less_than_was_asked_for_is_another_song() {
    let check = |seconds: f64, asked: Option<f64>, is_taken: bool| {
        let sound = AudioInput::new(file(&sound(seconds, 22_050, 1, 0.2, Encoding::Wav16))).unwrap();
        let song = SoundSong::check(&sound, String::new(), asked);
        assert_eq!(song.is_ok(), is_taken, "{seconds} s for {asked:?}: {song:?}");
    };
    check(8.1, Some(10.0), true);
    check(7.9, Some(10.0), false);
    check(2.1, Some(3.0), true);
    check(1.0, None, true);
    check(30.0, Some(10.0), true);
}

/// A service that sings and tells what.
struct Sings(Vec<Vec<SungWord>>);

#[async_trait]
impl SongComposer for Sings {
    async fn compose(&self, _: &SongRequest<'_>, _: &ProviderCall<'_>) -> Result<Composed, Stop> {
        let sound = AudioInput::new(file(&sound(3.0, 44_100, 2, 0.2, Encoding::Wav16))).unwrap();
        let title = Some("Harbour".to_owned());
        Ok(Composed::SoundWithWords(Box::new(SungSound { sound, title, lines: self.0.clone() })))
    }
}

#[tokio::test]
async fn words_that_are_told_are_kept_with_their_times() {
    let word = |text: &str, start_seconds: f64| SungWord {
        text: text.to_owned(),
        start_seconds,
        end_seconds: start_seconds + 0.3,
    };
    let lines =
        vec![vec![word("A", 0.5), word("boat", 0.9)], vec![word("goes", 1.5)], Vec::new(), vec![word("by", 3.1)]];
    let (_, song) = made(vec![("vendor", Arc::new(Sings(lines)))]).await.unwrap();
    let Made::Sound(song, _) = song else { panic!("it is sound: {song:?}") };
    assert_eq!(song.title, "Tide", "its owner's name for it comes first");
    assert_eq!(arrangement::lines_as_lrc(&song.lines), "[00:00.50]A boat\n[00:01.50]goes\n");
    assert_eq!(arrangement::lines_as_text(&song.lines), "A boat\ngoes\n");
    let kept = serde_json::to_string(&song).unwrap();
    assert_eq!(serde_json::from_str::<SoundSong>(&kept).unwrap(), song);
    let older = r#"{"title": "T", "seconds": 3.0, "mediaType": "audio/wav"}"#;
    assert!(serde_json::from_str::<SoundSong>(older).unwrap().lines.is_empty());
}

#[tokio::test]
async fn words_that_must_not_be_sung_are_left_to_the_next() {
    let told = |text: &str| -> Arc<dyn SongComposer> {
        let word = SungWord { text: text.to_owned(), start_seconds: 0.5, end_seconds: 0.8 };
        Arc::new(Sings(vec![vec![word]]))
    };
    let own = || -> Arc<dyn SongComposer> { Arc::new(OfflineComposer) };
    let (provider, _) = made(vec![("vendor", told("boat")), ("offline", own())]).await.unwrap();
    assert_eq!(provider, "vendor");
    let (provider, _) = made(vec![("vendor", told(LISTED)), ("offline", own())]).await.unwrap();
    assert_eq!(provider, "offline");
    let alone = made(vec![("vendor", told(LISTED))]).await.unwrap_err();
    assert_eq!((alone.class, alone.code), (FailureClass::Content, FailureCode::ContentRejected), "{alone:?}");
    assert!(alone.message.starts_with("vendor has written") && !alone.message.contains(LISTED), "{}", alone.message);
}

#[test]
fn it_stops_when_nobody_waits() {
    let bytes = sound(4.0, 44_100, 2, 0.2, Encoding::Wav16);
    let song = SoundSong::check(&AudioInput::new(file(&bytes)).unwrap(), String::new(), None).unwrap();
    let stopped = song.finished(file(&bytes), None, true, &mut |_| ControlFlow::Break(())).err().unwrap();
    assert_eq!((stopped.class, stopped.code), (FailureClass::Transient, FailureCode::StageTimeout));
}

/// Somebody who plays every song as the same bytes.
struct Plays(Vec<u8>);

#[async_trait]
impl SongPlayer for Plays {
    async fn play(&self, _: &Score, _: &ProviderCall<'_>) -> Result<PlayedSong, Stop> {
        Ok(PlayedSong::Sound(AudioInput::new(file(&self.0)).unwrap()))
    }
}

/// Eight quarters in four seconds.
fn four_seconds() -> Score {
    let note = |at: u64| ScoreNote { onset: at * 480, duration: 480, pitch: 60 + at as u8, velocity: 90 };
    let part = Part {
        track: 1,
        port: 0,
        channel: 0,
        name: String::new(),
        program: 0,
        drums: false,
        notes: (0..8).map(note).collect(),
        controls: Vec::new(),
    };
    Score {
        ticks_per_quarter: 480,
        title: "Tide".to_owned(),
        tempos: vec![TempoChange { at: 0, micros_per_quarter: 500_000 }],
        meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
        meter_is_given: true,
        key_signatures: Vec::new(),
        parts: vec![part],
        lyrics: Vec::new(),
        markers: Vec::new(),
        end: 8 * 480,
    }
}

async fn played_by(bytes: Vec<u8>) -> Players {
    let retry = RetryPolicy { max_attempts: 1, base: Duration::ZERO, cap: Duration::ZERO };
    let limits = CallLimits { call_timeout: Duration::from_secs(60), retry };
    let mut chain: Chain<dyn SongPlayer> = Chain::new("playing", limits, Metrics::new("test"));
    chain.push("hall", Terms::of_own("1"), Arc::new(Plays(bytes)));
    chain.push("offline", Terms::of_own("1"), Arc::new(OwnInstruments));
    let calls = DirectCalls::default();
    played(&chain, CallScope::new(&calls, Duration::from_secs(60)), &four_seconds()).await.unwrap()
}

#[tokio::test]
async fn notes_that_somebody_else_plays_are_as_loud_as_every_song_and_say_who_played() {
    for (seconds, encoding) in [(4.6, Encoding::Mp3 { kbps: 128 }), (3.5, Encoding::Wav16), (14.0, Encoding::Flac)] {
        let Players { elsewhere, warnings } = played_by(sound(seconds, 44_100, 2, 0.1, encoding)).await;
        let elsewhere = elsewhere.unwrap_or_else(|| panic!("{encoding:?}: {warnings:?}"));
        assert!(warnings.is_empty(), "{warnings:?}");
        let mastered = elsewhere.mastered(true, &mut |_| ControlFlow::Continue(())).unwrap();
        let Mastered { master, summary, warnings } = mastered;
        let loudness = master.loudness;
        assert!((loudness.integrated_lufs.unwrap() - LOUDNESS.lufs).abs() <= 1.0, "{encoding:?}: {loudness:?}");
        assert!(loudness.true_peak_dbtp.unwrap() <= LOUDNESS.max_dbtp + 0.1, "{encoding:?}: {loudness:?}");
        assert!((summary.duration_seconds - seconds).abs() < 0.1, "{encoding:?}: {summary:?}");
        assert_eq!((summary.renderer.as_deref(), &summary.font, summary.stems.len()), (Some("hall"), &None, 0));
        assert!(summary.summary().ends_with("; played by hall"), "{}", summary.summary());
        assert!(warnings[0].contains("hall") && warnings[1].contains("no stems"), "{warnings:?}");
    }
}

#[tokio::test]
async fn what_is_played_badly_is_played_here_and_told_of() {
    let wav = |seconds, level| sound(seconds, 44_100, 2, level, Encoding::Wav16);
    for (bytes, told) in [
        (Vec::new(), "that cannot be played"),
        (b"<html>busy</html>".to_vec(), "that cannot be played"),
        (wav(4.0, 0.0), "that is silent"),
        (wav(4.0, 4.0), "% is clipped"),
        (wav(2.8, 0.2), "that lasts 2.8 s, and the notes last 4.0 s"),
        (wav(60.0, 0.2), "sent a sound that"),
    ] {
        let Players { elsewhere, warnings } = played_by(bytes).await;
        assert!(elsewhere.is_none(), "{told}");
        let [warning] = &warnings[..] else { panic!("{told}: {warnings:?}") };
        assert!(warning.starts_with("hall was to play the song and did not: hall sent a sound "), "{warning}");
        assert!(warning.contains(told), "{warning}");
    }
}
