//! Bars, meter, bar lines, tempo, swing.

use music::{
    analysis::{Analysis, DrumClass, MeterSource, analyse},
    score::{MeterChange, Score, TempoChange},
};

use super::make::Maker;

/// 16 bars of chords with a bass, `late` quarters after the start.
fn band(beats: u32, late: f64) -> Maker {
    const CHORDS: [[u8; 3]; 4] = [[60, 64, 67], [57, 60, 64], [53, 57, 60], [55, 59, 62]];
    let mut maker = Maker::new();
    let (piano, bass) = (maker.part("Piano", 0), maker.part("Bass", 33));
    for bar in 0..16u32 {
        let start = late + f64::from(bar * beats);
        let chord = CHORDS[bar as usize % 4];
        maker.note(bass, start, 1.5, chord[0] - 24);
        for beat in 1..beats {
            maker.chord(piano, start + f64::from(beat), 0.5, &chord);
        }
    }
    maker
}

fn shape(found: &Analysis) -> (u8, u8, MeterSource) {
    (found.bars[4].beats, found.bars[4].unit, found.meter.source)
}

#[test]
fn a_waltz_without_a_signature_is_in_three() {
    assert_eq!(shape(&analyse(&band(3, 0.0).finish())), (3, 4, MeterSource::Found));
    assert_eq!(shape(&analyse(&band(4, 0.0).finish())), (4, 4, MeterSource::Found));
}

#[test]
fn a_jig_without_a_signature_is_in_six_eighths() {
    let mut maker = Maker::new();
    let (flute, bass) = (maker.part("Flute", 73), maker.part("Bass", 32));
    for bar in 0..24 {
        let start = f64::from(bar) * 3.0;
        let root = [48, 53, 55, 48][bar as usize % 4];
        maker.note(bass, start, 1.4, root - 12);
        maker.note(bass, start + 1.5, 1.4, root - 5);
        for eighth in [0, 2, 3, 4, 5] {
            maker.note(flute, start + f64::from(eighth) * 0.5, 0.45, root + 24 + [0, 4, 7, 4, 2, 5][eighth as usize]);
        }
    }
    let found = analyse(&maker.finish());
    assert_eq!(shape(&found), (6, 8, MeterSource::Found));
    assert_eq!(found.bars[4].beat_quarters(), 1.5);
}

#[test]
fn a_signature_in_the_file_is_believed() {
    let found = analyse(&band(3, 0.0).meter(4, 4).finish());
    assert_eq!(shape(&found), (4, 4, MeterSource::Given));
}

#[test]
fn bar_lines_are_found_where_the_song_begins_late() {
    for beats in [3, 4] {
        for late in 0..beats {
            let found = analyse(&band(beats, f64::from(late)).finish());
            assert_eq!(found.meter.pickup_quarters, f64::from(late), "{beats} beats, {late} late");
            // The bass begins every bar.
            assert!(found.bass.notes.iter().all(|note| note.onset_quarters == 0.0), "{beats} beats, {late} late");
        }
    }
}

#[test]
fn nothing_is_known_of_the_meter_of_a_drone() {
    let mut maker = Maker::new();
    let part = maker.part("Drone", 48);
    (0..64).for_each(|beat| maker.note(part, f64::from(beat), 1.0, 60));
    assert_eq!(shape(&analyse(&maker.finish())), (4, 4, MeterSource::Assumed));
}

#[test]
fn short_bars_are_joined() {
    let bars = |beats, unit| {
        let found = analyse(&band(4, 0.0).meter(beats, unit).finish());
        let bar = &found.bars[1];
        (bar.beats, bar.unit, bar.written_bars, bar.quarters)
    };
    assert_eq!(bars(2, 4), (4, 4, 2, 4.0));
    assert_eq!(bars(3, 8), (6, 8, 2, 3.0));
    assert_eq!(bars(1, 4), (4, 4, 4, 4.0));
    assert_eq!(bars(7, 8), (7, 8, 1, 3.5));
}

#[test]
fn bars_of_two_are_joined_to_those_that_the_music_has() {
    // Six quarters before the first bar of four: one bar of two is left over at the start.
    let found = analyse(&band(4, 6.0).meter(2, 4).finish());
    assert_eq!(found.bars[0].quarters, 2.0);
    assert!(found.bass.notes.iter().all(|note| note.onset_quarters == 0.0));
}

#[test]
fn an_absurd_meter_is_not_believed() {
    let found = analyse(&band(4, 0.0).meter(255, 1).finish());
    assert_eq!(shape(&found), (4, 4, MeterSource::Found));
}

#[test]
fn bars_follow_changes_of_meter() {
    let mut score = band(4, 0.0).meter(4, 4).finish();
    score.meters.push(MeterChange { at: 4 * 4 * 480, beats: 3, unit: 4 });
    let found = analyse(&score);
    let lengths: Vec<f64> = found.bars.iter().map(|bar| bar.quarters).take(6).collect();
    assert_eq!(lengths, [4.0, 4.0, 4.0, 4.0, 3.0, 3.0]);
    assert!(found.bars.windows(2).all(|pair| pair[0].end == pair[1].start));
}

#[test]
fn the_tempo_of_a_bar_is_that_of_its_time() {
    let mut score: Score = band(4, 0.0).meter(4, 4).finish();
    score.tempos.push(TempoChange { at: 6 * 480, micros_per_quarter: 1_000_000 });
    let found = analyse(&score);
    assert_eq!(found.bars[0].bpm, 120.0);
    // Half a bar at 120, half at 60: four quarters in three seconds.
    assert!((found.bars[1].bpm - 80.0).abs() < 1e-9);
    assert_eq!(found.bars[2].bpm, 60.0);
    assert!((found.bars[2].start_seconds - 5.0).abs() < 1e-9);
    assert_eq!(found.tempo.median_bpm, 60.0);
}

fn eighths(first: f64) -> Analysis {
    let mut maker = band(4, 0.0).meter(4, 4);
    let drums = maker.drums();
    for beat in 0..64 {
        let at = f64::from(beat);
        maker.loud(drums, at, 0.1, 51, 90);
        maker.loud(drums, at + first, 0.1, 51, 70);
        maker.loud(drums, at, 0.1, if beat % 2 == 0 { 36 } else { 38 }, 100);
    }
    analyse(&maker.finish())
}

#[test]
fn swing_is_told_from_straight_and_dotted_eighths() {
    let ratio = |first| eighths(first).swing.ratio;
    assert_eq!(ratio(0.5), 1.0);
    assert!((ratio(2.0 / 3.0) - 2.0).abs() < 0.05, "{}", ratio(2.0 / 3.0));
    assert!((ratio(0.6) - 1.5).abs() < 0.05, "{}", ratio(0.6));
    assert_eq!(ratio(0.75), 1.0);
    assert!(eighths(2.0 / 3.0).swing.confidence > 0.9);
}

#[test]
fn a_swung_groove_is_the_straight_one() {
    let (straight, swung) = (eighths(0.5), eighths(2.0 / 3.0));
    assert_eq!(straight.grooves[3].drums, swung.grooves[3].drums);
    let hits = |class: DrumClass| -> Vec<usize> {
        let steps = straight.grooves[3].drums.iter().enumerate();
        steps.filter(|(_, drums)| drums[class as usize] > 0).map(|(step, _)| step).collect()
    };
    assert_eq!(hits(DrumClass::Kick), [0, 8]);
    assert_eq!(hits(DrumClass::Snare), [4, 12]);
    assert_eq!(hits(DrumClass::Ride), [0, 2, 4, 6, 8, 10, 12, 14]);
    assert_eq!(straight.grooves[3].likeness(&swung.grooves[3]), 1.0);
    assert!(straight.grooves[3].likeness(&analyse(&band(3, 0.0).finish()).grooves[3]) < 0.5);
}

#[test]
fn texture_says_how_full_and_how_loud_a_bar_is() {
    let mut maker = band(4, 0.0).meter(4, 4);
    let solo = maker.part("Solo", 73);
    maker.loud(solo, 72.0, 1.0, 90, 120);
    let found = analyse(&maker.finish());
    let texture = |bar: usize| found.bars[bar].texture;
    assert_eq!(texture(0).onsets_per_quarter, 1.0);
    assert_eq!(texture(0).velocity, 80.0);
    assert_eq!(texture(0).parts, 2);
    assert_eq!(texture(0).pitches.map(|range| (range.low, range.high)), Some((36, 67)));
    assert!(texture(16).is_silent && texture(17).is_silent && !texture(15).is_silent);
}
