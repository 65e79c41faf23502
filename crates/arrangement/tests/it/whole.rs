//! The whole way in one process, with the project's own tunes and the built-in instruments.

use std::{ops::ControlFlow, time::Duration};

use arrangement::{BlendReport, LOUDNESS, Rendering, SoundSummary, cover, read_song, render, sample_songs, stems_of};
use domain::{FailureClass, FailureCode, kinds::blend::BlendRequest};
use providers::{CallScope, DirectCalls, SongToBlend, Stop, blenders};
use resilience::{BreakerRegistry, BreakerSettings};
use settings::{LoadOptions, Settings};
use soundfont::Instruments;
use telemetry::Metrics;

fn songs() -> [SongToBlend; 3] {
    sample_songs().map(|sample| read_song(&sample.midi, None).unwrap().song)
}

fn request(fields: &[(&str, &'static str)]) -> BlendRequest {
    BlendRequest::read(|name| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text), 7).unwrap()
}

async fn blended(fields: &[(&str, &'static str)]) -> Result<providers::BlendedSong, domain::Failure> {
    let settings = Settings::load(&LoadOptions::default()).unwrap();
    let metrics = Metrics::new("test");
    let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
    let chain = blenders(&settings, &breakers, &metrics).unwrap();
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, Duration::from_secs(60));
    let made = arrangement::blend(&chain, scope, &songs(), &request(fields)).await.map_err(Stop::into_failure)?;
    assert_eq!(&*made.provider, "offline");
    Ok(made.value)
}

#[tokio::test]
async fn three_tunes_become_one_that_sounds() {
    let asked = [("bars", "16"), ("seed", "5")];
    let made = blended(&asked).await.unwrap();
    assert_eq!(made, blended(&asked).await.unwrap(), "the same of the same");
    assert!(made.score.title.contains("Harbour Morning × Tin Roof Reel × Lantern Walk"), "{}", made.score.title);
    let origin = made.origin.as_ref().unwrap();
    assert!(origin.shares.iter().all(|share| *share > 0.1), "{:?}", origin.shares);
    let stems = stems_of(&made.score, made.part_roles.as_deref());
    let names: Vec<&str> = stems.iter().map(|stem| stem.name.as_str()).collect();
    assert!(["melody", "bass", "drums"].iter().all(|name| names.contains(name)), "{names:?}");

    let mut heard = 0.0;
    let song = render(
        &Instruments::built_in().unwrap(),
        &made.score,
        &stems,
        Rendering { keep_stems: true, threads: 2 },
        &mut |share| {
            assert!(share >= heard, "progress goes on");
            heard = share;
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    let loudness = song.report.loudness;
    assert!((loudness.integrated_lufs.unwrap() - LOUDNESS.lufs).abs() <= 1.0, "{loudness:?}");
    assert!(loudness.true_peak_dbtp.unwrap() <= LOUDNESS.max_dbtp + 0.1, "{loudness:?}");
    assert_eq!(song.master.stems(), stems.len());

    let titles = songs().map(|song| song.title);
    let sound = SoundSummary::of(&song.report, &stems);
    let report = BlendReport::new(&titles, &made, "offline", &request(&asked), (sound, &[]), &[]);
    let summary = report.summary();
    assert!(titles.iter().all(|title| summary.contains(title.as_str())), "{summary}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["songs"][1]["title"], "Tin Roof Reel");
    assert_eq!(serde_json::from_value::<BlendReport>(json).unwrap(), report, "a job keeps it");

    let png = cover(&made.score, &stems, made.origin.as_ref());
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.ends_with(b"IEND\xae\x42\x60\x82"));
    assert_eq!(png, cover(&made.score, &stems, made.origin.as_ref()));
}

#[tokio::test]
async fn a_render_that_is_stopped_stops() {
    let [song, ..] = songs();
    let stems = stems_of(&song.score, None);
    let rendering = Rendering { keep_stems: false, threads: 1 };
    let stop = &mut |_: f64| ControlFlow::Break(());
    let failure = render(&Instruments::built_in().unwrap(), &song.score, &stems, rendering, stop).unwrap_err();
    assert_eq!(failure.class, FailureClass::Transient);
}

#[tokio::test]
async fn a_length_that_no_tempo_makes_is_the_callers_to_change() {
    for (field, length, tempo) in [("seconds", "700", "240"), ("bars", "400", "60")] {
        let asked =
            |name: &str| [(field, length), ("tempo", tempo)].into_iter().find(|(f, _)| *f == name).map(|(_, t)| t);
        let refused = BlendRequest::read(asked, 7).unwrap_err();
        assert_eq!(refused.field, field, "{}", refused.detail);
    }
    // In 3/4 it would be possible.
    let failure = blended(&[("bars", "400"), ("tempo", "120")]).await.unwrap_err();
    assert_eq!((failure.class, failure.code), (FailureClass::Caller, FailureCode::ImpossibleOptions));
    assert!(failure.message.contains("at 120 bpm in 4/4"), "{}", failure.message);
}

#[test]
fn what_is_no_song_is_named() {
    let check = |bytes: &[u8], says: &str| {
        let failure = read_song(bytes, Some("x")).unwrap_err();
        assert_eq!((failure.class, failure.code), (FailureClass::Caller, FailureCode::InvalidSong));
        assert!(failure.message.contains(says), "{}", failure.message);
    };
    check(b"", "empty");
    check(b"RIFF\x10\0\0\0WAVEfmt ", "WAV");
    check(b"MThd\0\0\0\x06\0\x01\0\x01\x01\xe0MTrk\0\0\0\x04\0\xff\x2f\0", "no notes");
    let song = read_song(&sample_songs()[0].midi, Some("  A\u{7} name\n of its own ")).unwrap().song;
    assert_eq!(song.title, "A name of its own");
    assert_eq!(read_song(&sample_songs()[0].midi, Some("\t")).unwrap().song.title, "Harbour Morning");
}
