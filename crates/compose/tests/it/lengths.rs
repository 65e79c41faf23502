//! Exact lengths, with an ending, at any tempo.

use compose::{Composition, Options, Role, SectionKind, Style, Understanding, compose, understand};
use music::Score;
use proptest::prelude::*;

fn style() -> impl Strategy<Value = Style> {
    prop::sample::select(Style::ALL.to_vec())
}

/// Seconds from the start to a tick, by the tempo changes that a player of the file reads.
fn seconds_at(score: &Score, tick: u64) -> f64 {
    let quarters = |ticks: u64| ticks as f64 / f64::from(score.ticks_per_quarter);
    let starts = score.tempos.iter().map(|tempo| tempo.at);
    let ends = starts.clone().skip(1).chain([u64::MAX]);
    let spans = score.tempos.iter().zip(starts.zip(ends)).filter(|(_, (start, _))| *start < tick);
    spans.map(|(tempo, (start, end))| quarters(end.min(tick) - start) * f64::from(tempo.micros_per_quarter) / 1e6).sum()
}

/// Quarters per minute that a player of the file reads at its start.
fn score_bpm(song: &Composition) -> f64 {
    let first = song.score.tempos.first().unwrap();
    assert_eq!(first.at, 0);
    60e6 / f64::from(first.micros_per_quarter)
}

/// When the last key of any part is let go.
fn last_key(score: &Score) -> f64 {
    let notes = score.parts.iter().filter(|part| !part.drums).flat_map(|part| &part.notes);
    seconds_at(score, notes.map(|note| note.onset + note.duration).max().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Any number of milliseconds, mostly short ones; with and without a stated tempo.
    #[test]
    fn any_length_is_met_with_an_ending(
        style in style(), milliseconds in prop_oneof![3_000u32..12_000, 3_000u32..70_000, 60_000u32..=600_000],
        tempo in prop::option::of(40.0..=240.0f64), seed in any::<u64>(),
    ) {
        let seconds = f64::from(milliseconds) / 1e3;
        let options = Options { style: Some(style), seconds: Some(seconds), tempo_bpm: tempo, seed, ..Options::default() };
        let song = compose(&Understanding::default(), &options).unwrap();
        prop_assert_eq!(song.seconds, seconds);
        prop_assert_eq!(song.score.broken_rule(), None);
        // What a player of the file reads: its end to the tick, its tempo to the microsecond of a quarter.
        let ends = seconds_at(&song.score, song.score.end);
        let tick = 60.0 / score_bpm(&song) / 480.0;
        prop_assert!(ends <= seconds + 1e-9 && ends > seconds - tick - 1e-9, "the score ends at {} of {}", ends, seconds);
        let effective = &song.effective;
        prop_assert!((score_bpm(&song) / effective.tempo_bpm - 1.0).abs() < 1e-5, "{} bpm is told", effective.tempo_bpm);
        if let Some(bpm) = tempo {
            prop_assert!((score_bpm(&song) / bpm - 1.0).abs() < 1e-5, "{} of {} bpm: a stated tempo is kept", score_bpm(&song), bpm);
        }
        // Sections follow each other without a gap, and end with the song.
        let mut at = 0.0;
        for section in &song.sections {
            prop_assert!((section.start_seconds - at).abs() < 1e-6, "{:?}", song.sections);
            at += section.seconds;
        }
        prop_assert!((at - seconds).abs() < 1e-6);
        prop_assert_eq!(song.sections.iter().map(|section| section.bars).sum::<u32>(), effective.bars);
        // The last chord is held, and let go in time to die away.
        let ending = song.sections.last().unwrap();
        prop_assert_eq!(ending.kind, SectionKind::Ending);
        prop_assert!(ending.seconds > 0.8 && ending.seconds < 9.5, "{} s of {seconds}", ending.seconds);
        let last = last_key(&song.score);
        prop_assert!(last < seconds - 0.15 && last > seconds - 1.3, "the last key is let go at {last} of {seconds}");
        prop_assert!(song.score.parts.iter().flat_map(|part| &part.notes).all(|note| note.onset < song.score.end));
        // The same song read from its bytes is as long.
        let read = music::smf::read(&music::smf::write(&song.score), &music::smf::Limits::default()).unwrap();
        prop_assert_eq!(read.score.note_count(), song.score.note_count());
        prop_assert!((seconds_at(&read.score, read.score.end) - ends).abs() < 1e-9);
        // Chords and bass sound to the end, and not only the file goes on.
        prop_assert!(last_key(&read.score) > seconds - 1.3);
    }

    /// A free tempo is moved by 5.5 % at most from where another length of the same song has it.
    #[test]
    fn a_free_tempo_stays_in_its_style(style in style(), milliseconds in 3_000u32..=600_000, seed in any::<u64>()) {
        let of = |seconds| {
            let options = Options { style: Some(style), seconds: Some(seconds), seed, ..Options::default() };
            score_bpm(&compose(&Understanding::default(), &options).unwrap())
        };
        let tempo = of(f64::from(milliseconds) / 1e3);
        // Both are within the nudge of what the seed prefers.
        let ratio = (tempo / of(60.0)).ln().abs();
        prop_assert!(ratio <= 2.0 * 0.0536, "{tempo} bpm");
    }
}

/// Also where a form asks for whole choruses.
#[test]
fn slow_is_slow_and_fast_is_fast() {
    for style in Style::ALL {
        for (seconds, seed) in [(30.0, 1), (60.0, 2), (60.0, 3), (75.0, 4), (120.0, 5)] {
            let of = |sentence: &str| {
                let options = Options { style: Some(style), seconds: Some(seconds), seed, ..Options::default() };
                let song = compose(&understand(sentence), &options).unwrap();
                score_bpm(&song)
            };
            let (slow, medium, fast) = (of("slow"), of("medium tempo"), of("fast"));
            assert!(slow < medium && medium < fast, "{style}, {seconds} s: {slow} {medium} {fast} bpm");
        }
    }
    let blues = |sentence: &str| score_bpm(&compose(&understand(sentence), &Options::default()).unwrap());
    assert!(blues("a slow blues, 60 seconds") < 88.0 && blues("a fast blues, 60 seconds") > 110.0);
}

#[test]
fn whole_milliseconds_are_frames_at_any_rate() {
    for (seconds, rate) in [(3.0, 44_100.0), (17.333, 48_000.0), (599.999, 44_100.0)] {
        let options = Options { seconds: Some(seconds), ..Options::default() };
        let song = compose(&Understanding::default(), &options).unwrap();
        assert_eq!((song.seconds * rate).round(), (seconds * rate).round());
    }
}

#[test]
fn without_a_length_the_form_decides_and_says_so() {
    for style in Style::ALL {
        let options = Options { style: Some(style), seed: 3, ..Options::default() };
        let song = compose(&Understanding::default(), &options).unwrap();
        assert!((25.0..200.0).contains(&song.seconds), "{style}: {} s", song.seconds);
        let again = Options { seconds: Some(song.effective.seconds), ..options };
        assert_eq!(compose(&Understanding::default(), &again).unwrap(), song, "{style}");
    }
}

#[test]
fn long_songs_are_not_one_chorus_over_and_over() {
    for style in [Style::Pop, Style::House, Style::JazzSwing, Style::Ballad] {
        let options = Options { style: Some(style), seconds: Some(480.0), seed: 5, ..Options::default() };
        let song = compose(&Understanding::default(), &options).unwrap();
        let kinds: std::collections::BTreeSet<&str> =
            song.sections.iter().map(|section| section.name.as_str()).collect();
        assert!(kinds.len() >= 7, "{style}: {kinds:?}");
        assert!(song.sections.iter().any(|section| section.transposed != 0), "{style} stays in one key");
        let breaks = song.sections.iter().any(|section| section.kind == SectionKind::Break);
        let solos = song.sections.iter().any(|section| section.kind == SectionKind::Solo);
        assert!(breaks && solos, "{style}: {}", song.effective.form);
        let drums = &song.lines[Role::Drums.index()];
        assert!(!drums.is_empty());
    }
}
