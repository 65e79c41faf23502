//! From a sentence to sound in one process, with the built-in instruments.

use std::{ops::ControlFlow, time::Duration};

use arrangement::{
    CompositionReport, LOUDNESS, Made, Rendering, Reported, SoundSummary, Subject, composed_stems, render_exactly,
    roll, with_voice,
};
use compose::asked;
use domain::{FailureClass, FailureCode, kinds::composition::CompositionRequest};
use providers::{ComposedSong, composers};
use settings::{LoadOptions, Settings};
use soundfont::Instruments;
use telemetry::Metrics;

fn request(fields: &[(&str, &'static str)]) -> CompositionRequest {
    let field = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text);
    asked::settled(CompositionRequest::read(field, 7).unwrap()).unwrap()
}

async fn composed(request: &CompositionRequest) -> ComposedSong {
    let settings = Settings::load(&LoadOptions::default()).unwrap();
    let chain = composers(&settings, &Metrics::new("test"));
    let made = arrangement::compose(&chain, Duration::from_secs(60), request).await.unwrap();
    assert_eq!(made.provider, "offline");
    match made.value {
        Made::Notes(song) => *song,
        Made::Sound(song, _) => panic!("it writes notes: {song:?}"),
    }
}

fn played(song: &ComposedSong, is_sung: bool, keep_stems: bool) -> soundfont::Song {
    let (instruments, stems) = (Instruments::built_in().unwrap(), composed_stems(song, is_sung));
    let how = Rendering { keep_stems, threads: 2 };
    render_exactly(&instruments, &song.score, &stems, how, song.seconds, &mut |_| ControlFlow::Continue(())).unwrap()
}

#[tokio::test]
async fn a_sentence_becomes_sound_of_exactly_the_length_that_was_asked_for() {
    for (length, milliseconds) in [("3000", 3_000.0), ("7123", 7_123.0), ("20000", 20_000.0)] {
        let request = request(&[("prompt", "a calm bossa nova with zithers"), ("lengthMs", length), ("name", "Tide")]);
        let song = composed(&request).await;
        assert_eq!(song, composed(&request).await, "the same of the same");
        assert_eq!(song.score.title, "Tide");
        let sound = played(&song, false, false);
        assert_eq!(sound.master.frames(), (milliseconds / 1000.0 * 44_100.0f64).round() as u64, "to the frame");
        let loudness = sound.report.loudness;
        assert!((loudness.integrated_lufs.unwrap() - LOUDNESS.lufs).abs() <= 1.0, "{length}: {loudness:?}");
        assert!(loudness.true_peak_dbtp.unwrap() <= LOUDNESS.max_dbtp + 0.1, "{length}: {loudness:?}");

        let stems = composed_stems(&song, false);
        let report = CompositionReport::new(Reported {
            request: &request,
            song: Subject::Notes(&song),
            provider: "offline",
            lyrics: Vec::new(),
            vocals: None,
            sound: SoundSummary::of(&sound.report, &stems),
            heard: &sound.report.warnings,
        });
        let effective = report.effective.as_ref().unwrap();
        assert_eq!((effective.style.as_str(), effective.instrumental), ("bossa", true));
        assert!((report.sound.duration_seconds * 1000.0 - milliseconds).abs() < 0.1, "{report:?}");
        assert!(report.not_understood.iter().any(|word| word.contains("zither")), "{report:?}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(serde_json::from_value::<CompositionReport>(json).unwrap(), report, "a job keeps it");
        assert!(report.summary().contains("Not understood"), "{}", report.summary());
    }
}

#[tokio::test]
async fn a_voice_stands_over_the_band_and_takes_the_place_of_its_melody() {
    let request = request(&[("prompt", "a slow folk song"), ("lengthMs", "10000"), ("instrumental", "false")]);
    let song = composed(&request).await;
    assert!(!song.melody.notes.is_empty(), "there is something to sing");
    let names = |is_sung| composed_stems(&song, is_sung).into_iter().map(|stem| stem.name).collect::<Vec<_>>();
    assert!(names(false).contains(&"melody".to_owned()) && !names(true).contains(&"melody".to_owned()));
    let voice: Vec<f32> = (0..44_100 * 5).map(|i| (i as f32 * 0.03).sin() * 0.3).collect();
    let sung = with_voice(&played(&song, true, true), &voice).unwrap();
    assert_eq!(sung.master.frames(), 441_000);
    assert_eq!(sung.master.stems(), names(true).len() + 1, "the voice is a stem of its own");
    let lyrics = arrangement::vocals_request(&request, &song).unwrap();
    assert_eq!(lyrics.prompt.as_str(), "a slow folk song");
    let short = arrangement::vocals_request(&self::request(&[("prompt", "jazz")]), &song).unwrap();
    assert_eq!(short.prompt.as_str(), "A song: jazz", "words are asked for in ten characters at least");
}

#[tokio::test]
async fn the_picture_shows_the_song_and_runs_nothing() {
    let request = request(&[("prompt", "a waltz"), ("lengthMs", "20000"), ("name", "<script>\"&")]);
    let song = composed(&request).await;
    let svg = roll(&song);
    assert_eq!(svg, roll(&song), "the same song, the same picture");
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;&quot;&amp;"), "{}", &svg[..600]);
    for section in &song.sections {
        assert!(svg.contains(&format!("<title>{}: ", section.name)), "{}", section.name);
    }
    for role in ["melody", "comping", "bass"] {
        assert!(svg.contains(&format!("<path class=\"{role}\"")), "{role}");
    }
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}

/// What a request was accepted with may have become impossible with another version: the job says what.
#[tokio::test]
async fn what_no_composer_knows_is_the_callers_to_change() {
    let mut odd = request(&[("prompt", "a waltz")]);
    odd.options.style = Some(domain::kinds::melody_vocals::Label::new("zydeco").unwrap());
    let settings = Settings::load(&LoadOptions::default()).unwrap();
    let chain = composers(&settings, &Metrics::new("test"));
    let failure = arrangement::compose(&chain, Duration::from_secs(60), &odd).await.unwrap_err();
    assert_eq!((failure.class, failure.code), (FailureClass::Caller, FailureCode::ImpossibleOptions));
    assert!(failure.message.starts_with("style: expected one of"), "{}", failure.message);
}
