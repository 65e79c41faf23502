//! Beats and meter under well-known tunes (all public domain), sung with a wobble.

use music::{BeatGrid, Melody, Meter, MidiPitch, Note, Phrase, rhythm};

/// Notes of given lengths in quarters, phrases by counts, each onset early or late by up to `wobble_seconds`, the whole
/// slowing down by `slowing` in its course.
fn tune(quarters: &[f64], bpm: f64, wobble_seconds: f64, slowing: f64) -> Vec<Note> {
    let mut now = 0.4;
    let count = quarters.len() as f64;
    let mut notes: Vec<Note> = quarters
        .iter()
        .enumerate()
        .map(|(i, length)| {
            let duration_seconds = length * 60.0 / bpm * (1.0 + slowing * i as f64 / count);
            let onset_seconds = now + wobble_seconds * (i as f64 * 2.4).sin();
            now += duration_seconds;
            Note {
                onset_seconds,
                duration_seconds: duration_seconds * 0.93,
                pitch: MidiPitch::new(60),
                cents: 0.0,
                velocity: 90,
            }
        })
        .collect();
    for index in 1..notes.len() {
        let next = notes[index].onset_seconds;
        let before = &mut notes[index - 1];
        before.duration_seconds = before.duration_seconds.min(next - before.onset_seconds);
    }
    notes
}

struct Tune {
    name: &'static str,
    quarters: &'static [f64],
    meter: Meter,
    /// Quarters before the first whole bar.
    pickup: f64,
    bpm: f64,
}

const TUNES: [Tune; 8] = [
    Tune {
        name: "Ode to Joy",
        quarters: &[
            1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.5, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
            1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.5, 2.0,
        ],
        meter: Meter::FourFour,
        pickup: 0.0,
        bpm: 120.0,
    },
    Tune {
        name: "Twinkle",
        quarters: &[
            1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0,
            1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0,
        ],
        meter: Meter::FourFour,
        pickup: 0.0,
        bpm: 104.0,
    },
    Tune {
        name: "Frère Jacques",
        quarters: &[
            1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 2.0, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 0.5,
            0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 2.0,
        ],
        meter: Meter::FourFour,
        pickup: 0.0,
        bpm: 112.0,
    },
    Tune {
        name: "Amazing Grace",
        quarters: &[
            1.0, 2.0, 0.5, 0.5, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 0.5, 0.5, 2.0, 1.0, 5.0, 1.0, 2.0, 0.5, 0.5, 2.0,
            1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 0.5, 0.5, 2.0, 1.0, 5.0,
        ],
        meter: Meter::ThreeFour,
        pickup: 1.0,
        bpm: 92.0,
    },
    Tune {
        name: "Happy Birthday",
        quarters: &[
            0.75, 0.25, 1.0, 1.0, 1.0, 2.0, 0.75, 0.25, 1.0, 1.0, 1.0, 2.0, 0.75, 0.25, 1.0, 1.0, 1.0, 1.0, 1.0, 0.75,
            0.25, 1.0, 1.0, 1.0, 2.0,
        ],
        meter: Meter::ThreeFour,
        pickup: 1.0,
        bpm: 108.0,
    },
    Tune {
        name: "Silent Night",
        quarters: &[
            0.75, 0.25, 0.5, 1.5, 0.75, 0.25, 0.5, 1.5, 1.0, 0.5, 1.5, 1.0, 0.5, 1.5, 1.0, 0.5, 0.75, 0.25, 0.5, 0.75,
            0.25, 0.5, 1.5, 1.0, 0.5, 0.75, 0.25, 0.5, 0.75, 0.25, 0.5, 1.5,
        ],
        meter: Meter::SixEight,
        pickup: 0.0,
        bpm: 84.0,
    },
    Tune {
        name: "Row, row, row your boat",
        quarters: &[
            1.5, 1.5, 1.0, 0.5, 1.5, 1.0, 0.5, 1.0, 0.5, 3.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5,
            0.5, 1.0, 0.5, 1.0, 0.5, 3.0,
        ],
        meter: Meter::SixEight,
        pickup: 0.0,
        bpm: 120.0,
    },
    Tune {
        name: "On Top of Old Smoky",
        quarters: &[
            1.0, 1.0, 1.0, 1.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 5.0, 1.0, 1.0, 1.0, 1.0, 3.0, 2.0, 1.0, 1.0, 1.0, 1.0,
            5.0,
        ],
        meter: Meter::ThreeFour,
        pickup: 1.0,
        bpm: 120.0,
    },
];

/// Share of notes whose distance to the truth, in quarters from the first downbeat, is below a sixteenth.
fn on_their_beats(made: &Melody, truth: &Tune) -> f64 {
    let grid = BeatGrid::of(made);
    let mut meant = -truth.pickup;
    let right = made.notes.iter().zip(truth.quarters).filter(|(note, length)| {
        let found = grid.quarters_at(note.onset_seconds) - f64::from(grid.pickup_quarters);
        let bar = f64::from(truth.meter.quarters_per_bar());
        let off = (found - meant + bar / 2.0).rem_euclid(bar) - bar / 2.0;
        meant += **length;
        off.abs() < 0.25
    });
    right.count() as f64 / made.notes.len() as f64
}

#[test]
fn meters_and_bars_of_well_known_tunes() {
    let (mut right_meter, mut on_beat, mut trials) = (0, 0.0, 0);
    for (wobble, slowing) in [(0.0, 0.0), (0.025, 0.0), (0.02, 0.1)] {
        for truth in &TUNES {
            let notes = tune(truth.quarters, truth.bpm, wobble, slowing);
            let phrases = [Phrase { start: 0, end: notes.len() }];
            let bpm = truth.bpm / (1.0 + slowing / 2.0);
            let found = rhythm::estimate(&notes, &phrases, bpm, 0.9);
            let made = Melody { notes, tempo_bpm: bpm, rhythm: found, ..Melody::default() };
            let share = on_their_beats(&made, truth);
            println!(
                "{:24} wobble {wobble}: {} (sure {:.2}), {:.0} % of notes where they belong in the bar",
                truth.name,
                made.rhythm.meter,
                made.rhythm.meter_confidence,
                share * 100.0
            );
            right_meter += usize::from(made.rhythm.meter == truth.meter);
            on_beat += share;
            trials += 1;
        }
    }
    println!(
        "meter right in {right_meter} of {trials}; {:.0} % of notes in place",
        on_beat / f64::from(trials) * 100.0
    );
    assert!(right_meter * 10 >= trials as usize * 8, "{right_meter} of {trials}");
    assert!(on_beat / f64::from(trials) >= 0.8);
}

#[test]
fn too_little_says_nothing() {
    let found = rhythm::estimate(&tune(&[1.0, 1.0], 100.0, 0.0, 0.0), &[], 100.0, 0.3);
    assert!(found.beats_seconds.is_empty() && !found.is_steady());
    let even = tune(&[1.0; 12], 100.0, 0.0, 0.0);
    let found = rhythm::estimate(&even, &[], 100.0, 0.9);
    assert!(found.meter_confidence < 0.5, "twelve equal notes have no meter: {}", found.meter_confidence);
    assert!(found.beats_seconds.windows(2).all(|pair| (pair[1] - pair[0] - 0.6).abs() < 0.05));
}

#[test]
fn a_checkpoint_without_rhythm_still_reads() {
    let bare = Melody { notes: tune(&[1.0; 3], 100.0, 0.0, 0.0), ..Melody::default() };
    let mut json = serde_json::to_value(&bare).unwrap();
    let fields = json.as_object_mut().unwrap();
    fields.remove("rhythm");
    assert!(!fields.contains_key("uncorrected"));
    assert_eq!(serde_json::from_value::<Melody>(json).unwrap(), bare);
}
