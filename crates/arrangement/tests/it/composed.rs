//! From a sentence to sound in one process, with the built-in instruments.

use std::{ops::ControlFlow, time::Duration};

use arrangement::{
    Composers, CompositionReport, LOUDNESS, Made, Rendering, Reported, SoundSummary, Subject, composed_stems,
    render_exactly, roll, with_voice,
};
use compose::asked;
use domain::{FailureClass, FailureCode, kinds::composition::CompositionRequest};
use providers::{CallScope, Chain, ComposedSong, DirectCalls, SongComposer, composers};
use resilience::{BreakerRegistry, BreakerSettings};
use settings::{LoadOptions, Settings};
use soundfont::Instruments;
use telemetry::Metrics;

use crate::gate::gate;

fn request(fields: &[(&str, &'static str)]) -> CompositionRequest {
    let field = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text);
    asked::settled(CompositionRequest::read(field, 7).unwrap()).unwrap()
}

fn chain(settings: &Settings) -> Chain<dyn SongComposer> {
    let metrics = Metrics::new("test");
    composers(settings, &BreakerRegistry::new(BreakerSettings::default(), metrics.clone()), &metrics).unwrap()
}

async fn composed(request: &CompositionRequest) -> ComposedSong {
    let settings = Settings::load(&LoadOptions::default()).unwrap();
    let chain = chain(&settings);
    let calls = DirectCalls::default();
    let composers = Composers { chain: &chain, content: &gate(), words: None };
    let scope = CallScope::new(&calls, Duration::from_secs(60));
    let made = arrangement::compose(&composers, scope, request).await.unwrap();
    assert_eq!(&*made.provider, "offline");
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

/// In a long song with words, solos and breaks are an instrument's: nobody sings there, and it is heard.
#[tokio::test]
async fn the_words_stay_right_around_a_solo() {
    let fields = [("prompt", "a rock song about rivers"), ("lengthMs", "150000"), ("instrumental", "false")];
    let mut with_solo = 0;
    for seed in ["1", "2", "3"] {
        let request = request(&[&fields[..], &[("seed", seed)]].concat());
        let song = composed(&request).await;
        let is_played = |name: &str| matches!(name, "solo" | "break");
        let gaps: Vec<_> = song.sections.iter().filter(|section| is_played(&section.name)).collect();
        let stems = composed_stems(&song, true);
        assert_eq!(stems.iter().any(|stem| stem.name == "melody"), !gaps.is_empty(), "{}", song.effective.form);
        if gaps.is_empty() {
            continue;
        }
        with_solo += 1;
        let asked = arrangement::vocals_request(&request, &song).unwrap();
        let lyrics = lyrics::write_lyrics(
            &song.melody,
            &lyrics::LyricsRequest {
                prompt: asked.prompt.as_str().to_owned(),
                seed: asked.seed,
                ..lyrics::LyricsRequest::default()
            },
        )
        .unwrap();
        let lines = arrangement::timed_lines(&song.melody, &lyrics);
        assert_eq!(lines.len(), lyrics.lines.len());
        for line in &lines {
            assert!(line.start_seconds < line.end_seconds, "{line:?}");
            for gap in &gaps {
                let end = gap.start_seconds + gap.seconds;
                let inside = |at: f64| gap.start_seconds + 0.05 < at && at < end - 0.05;
                assert!(line.words.iter().all(|word| !inside(word.start_seconds)), "{line:?} in {gap:?}");
                assert!(!inside(line.end_seconds), "{line:?} goes on in {gap:?}");
            }
        }
        assert!(lines.windows(2).all(|pair| pair[0].end_seconds <= pair[1].start_seconds + 1e-6));
        let lrc = arrangement::lines_as_lrc(&lines);
        let ends = lrc.lines().filter(|line| line.ends_with(']')).count();
        assert!(ends >= 1 && ends < lines.len() && lrc.lines().count() == lines.len() + ends, "{lrc}");

        let sound = played(&song, true, false);
        let report = CompositionReport::new(Reported {
            request: &request,
            song: arrangement::Subject::Notes(&song),
            provider: "offline",
            lyrics: lines,
            vocals: None,
            sound: SoundSummary::of(&sound.report, &stems),
            heard: &[],
        });
        let players: Vec<_> = report.effective.expect("notes").instruments.iter().map(|player| player.role).collect();
        assert_eq!(players.iter().filter(|role| **role == compose::Role::Melody).count(), 1, "who plays the solo");
        let svg = roll(&song);
        assert!(svg.contains("melody: voice, solos "), "the legend says who plays");
    }
    assert!(with_solo > 0);
}

/// A song in words about a long sentence: its beginning, up to a whole word, and that is said.
#[tokio::test]
async fn words_about_a_long_sentence_are_about_its_beginning() {
    let long: &'static str = format!("a slow folk song about {}the end", "rivers and mountains, ".repeat(30)).leak();
    let request = request(&[("prompt", long), ("lengthMs", "10000"), ("instrumental", "false")]);
    let song = composed(&request).await;
    let prompt = arrangement::vocals_request(&request, &song).unwrap().prompt;
    let prompt = prompt.as_str();
    assert!(
        prompt.chars().count() <= 500 && long.starts_with(prompt) && long[prompt.len()..].starts_with(' '),
        "{prompt}"
    );
    let warnings = |prompt: &'static str, instrumental: &'static str| {
        let request = self::request(&[("prompt", prompt), ("lengthMs", "10000"), ("instrumental", instrumental)]);
        let sound = played(&song, true, false);
        let stems = composed_stems(&song, true);
        let sound = SoundSummary::of(&sound.report, &stems);
        let (lyrics, heard) = (Vec::new(), &[][..]);
        let reported = Reported {
            request: &request,
            song: arrangement::Subject::Notes(&song),
            provider: "offline",
            lyrics,
            vocals: None,
            sound,
            heard,
        };
        CompositionReport::new(reported).warnings
    };
    let is_told =
        |warnings: Vec<String>| warnings.iter().any(|told| told.contains("the words are written about the first"));
    assert!(is_told(warnings(long, "false")));
    assert!(!is_told(warnings(long, "true")), "nobody sings");
    assert!(!is_told(warnings("a slow folk song", "false")));
}

#[tokio::test]
async fn the_words_of_a_spanish_sentence_are_spanish() {
    let spanish = ("prompt", "una canción lenta sobre el mar");
    let request = request(&[spanish, ("lengthMs", "10000"), ("instrumental", "false")]);
    let song = composed(&request).await;
    let asked = arrangement::vocals_request(&request, &song).unwrap();
    assert_eq!(asked.options.language.as_str(), "es");
    assert!(song.understanding.understood.iter().any(|one| one.meaning.contains("Spanish")), "and that is told");
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
    let chain = chain(&settings);
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, Duration::from_secs(60));
    let composers = Composers { chain: &chain, content: &gate(), words: None };
    let failure = arrangement::compose(&composers, scope, &odd).await.unwrap_err().into_failure();
    assert_eq!((failure.class, failure.code), (FailureClass::Caller, FailureCode::ImpossibleOptions));
    assert!(failure.message.starts_with("style: expected one of"), "{}", failure.message);
}
