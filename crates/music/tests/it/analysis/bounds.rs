//! Any score has an analysis, and soon.

use music::{
    analysis::{Analysis, analyse},
    score::{MeterChange, Part, Score, ScoreNote, TempoChange},
};
use proptest::prelude::*;

use super::make::Maker;

/// What every analysis keeps to.
fn check(score: &Score, found: &Analysis) {
    let bars = found.bars.len();
    assert!(bars > 0 && found.bars[0].start == 0);
    assert!(found.bars.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert!(found.bars.iter().all(|bar| bar.end > bar.start && bar.quarters > 0.0 && bar.bpm.is_finite()));
    assert_eq!(found.parts.len(), score.parts.len());
    assert_eq!(found.grooves.len(), bars);
    for line in [&found.melody, &found.counter_melody, &found.bass] {
        assert_eq!(line.parts.len(), bars);
        assert_eq!(line.phrases.iter().map(|phrase| phrase.len()).sum::<usize>(), line.notes.len());
        for pair in line.notes.windows(2) {
            let end =
                found.bars[pair[0].bar].start as f64 / f64::from(found.ticks_per_quarter) + pair[0].onset_quarters;
            let next =
                found.bars[pair[1].bar].start as f64 / f64::from(found.ticks_per_quarter) + pair[1].onset_quarters;
            assert!(end + pair[0].quarters <= next + 1e-6, "one note at a time");
        }
    }
    for (part, written) in found.parts.iter().zip(&score.parts) {
        assert!(!found.is_complete || part.notes.len() == written.notes.len());
        assert!(part.notes.iter().all(|note| note.bar < bars && note.quarters > 0.0 && note.onset_quarters >= -0.061));
        assert!(part.doubles.is_none_or(|double| found.parts[double.of].doubles.is_none()));
    }
    if found.key.is_some() {
        assert_eq!(found.keys.first().map(|span| span.bars.start), Some(0));
        assert_eq!(found.keys.last().map(|span| span.bars.end), Some(bars));
        assert!((0..bars).all(|bar| !found.chords_in(bar).is_empty()));
        assert!(found.chords.iter().all(|slot| (0.0..=1.0).contains(&slot.confidence) && slot.quarters > 0.0));
    }
    for sections in [&found.form.sections, &found.form.phrases] {
        assert_eq!(sections.iter().map(|section| section.bars.len()).sum::<usize>(), bars);
    }
    assert!(found.tunes.iter().all(|block| (0.0..=1.0).contains(&block.tunefulness)));
    assert!(found.swing.ratio.is_finite() && found.tempo.median_bpm.is_finite());
    // What is stored can be read again: no number is none.
    let text = serde_json::to_string(found).expect("to JSON");
    assert!(!text.contains("NaN") && serde_json::from_str::<Analysis>(&text).is_ok());
}

fn any_score() -> impl Strategy<Value = Score> {
    let note = (0u64..40_000, 1u64..9_000, 0u8..128, 1u8..128)
        .prop_map(|(onset, duration, pitch, velocity)| ScoreNote { onset, duration, pitch, velocity });
    let part = (prop::collection::vec(note, 0..80), 0u8..128, any::<bool>(), "[a-z ]{0,8}");
    let meter =
        (0u64..50_000, 1u8..=255, 0u32..8).prop_map(|(at, beats, unit)| MeterChange { at, beats, unit: 1 << unit });
    let tempo =
        (0u64..50_000, 1u32..1 << 24).prop_map(|(at, micros_per_quarter)| TempoChange { at, micros_per_quarter });
    let lists = (prop::collection::vec(meter, 1..5), prop::collection::vec(tempo, 1..5));
    (prop::collection::vec(part, 0..6), lists, 1u32..2_000, any::<bool>()).prop_map(
        |(parts, (mut meters, mut tempos), ticks_per_quarter, meter_is_given)| {
            let mut score = Maker::new().finish();
            meters.sort_by_key(|meter| meter.at);
            tempos.sort_by_key(|tempo| tempo.at);
            (meters[0].at, tempos[0].at) = (0, 0);
            score.ticks_per_quarter = ticks_per_quarter;
            (score.meters, score.tempos, score.meter_is_given) = (meters, tempos, meter_is_given);
            let part = |(index, (mut notes, program, drums, name)): (usize, (Vec<ScoreNote>, u8, bool, String))| {
                notes.sort_by_key(|note| (note.onset, note.pitch));
                Part { track: index as u16, port: 0, channel: 0, name, program, drums, notes, controls: Vec::new() }
            };
            score.parts = parts.into_iter().enumerate().map(part).collect();
            score.end = score.parts.iter().flat_map(|part| &part.notes).map(ScoreNote::end).max().unwrap_or(0);
            score
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_score_has_an_analysis(score in any_score()) {
        check(&score, &analyse(&score));
    }
}

#[test]
fn nothing_and_next_to_nothing() {
    let empty = Maker::new().finish();
    check(&empty, &analyse(&empty));
    assert_eq!(analyse(&empty).key, None);
    let mut maker = Maker::new();
    let part = maker.part("", 0);
    maker.note(part, 0.0, 1.0, 60);
    let one = maker.finish();
    check(&one, &analyse(&one));
}

/// `parts` parts that together have `count` notes in `quarters` quarters.
fn crowd(parts: usize, count: usize, quarters: f64, held: f64) -> Score {
    let mut maker = Maker::new();
    (0..parts).for_each(|index| {
        maker.part("", (index % 128) as u8);
    });
    for index in 0..count {
        let onset = (index as f64 * 0.618_034 * 7.0) % quarters;
        maker.note(index % parts, onset, held, 24 + (index * 37 % 80) as u8);
    }
    maker.finish()
}

#[test]
fn a_crowd_of_notes_is_analysed() {
    for score in [crowd(256, 100_000, 7_200.0, 0.5), crowd(2, 100_000, 7_200.0, 1.0), crowd(64, 20_000, 400.0, 400.0)] {
        check(&score, &analyse(&score));
    }
}

#[test]
fn a_score_without_end_is_cut() {
    let mut score = Maker::new().finish();
    let mut maker = Maker::new();
    let part = maker.part("", 0);
    maker.note(part, 0.0, 1.0, 60);
    score.parts = maker.finish().parts;
    score.ticks_per_quarter = 1;
    let late = ScoreNote { onset: u64::MAX - 2, duration: 1, pitch: 60, velocity: 1 };
    score.parts[0].notes.push(late);
    score.end = u64::MAX;
    let found = analyse(&score);
    assert!(!found.is_complete);
    check(&score, &found);
}
