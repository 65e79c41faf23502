//! Tunes in the public domain and manners of singing them.

use music::{Meter, MidiPitch, Note, Phrase};

pub struct Tune {
    pub name: &'static str,
    /// Notes as `pitch:quarters`; `r` rests.
    pub notes: &'static str,
    pub meter: Meter,
    /// Quarters before the first whole bar.
    pub pickup: f64,
    pub bpm: f64,
}

const fn tune(name: &'static str, meter: Meter, pickup: f64, bpm: f64, notes: &'static str) -> Tune {
    Tune { name, notes, meter, pickup, bpm }
}

pub const TUNES: [Tune; 14] = [
    tune(
        "Ode to Joy",
        Meter::FourFour,
        0.0,
        120.0,
        "64:1 64:1 65:1 67:1 67:1 65:1 64:1 62:1 60:1 60:1 62:1 64:1 64:1.5 62:.5 62:2 \
         64:1 64:1 65:1 67:1 67:1 65:1 64:1 62:1 60:1 60:1 62:1 64:1 62:1.5 60:.5 60:2 \
         62:1 62:1 64:1 60:1 62:1 64:.5 65:.5 64:1 60:1 62:1 64:.5 65:.5 64:1 62:1 60:1 62:1 55:2 \
         64:1 64:1 65:1 67:1 67:1 65:1 64:1 62:1 60:1 60:1 62:1 64:1 62:1.5 60:.5 60:2",
    ),
    tune(
        "Twinkle",
        Meter::FourFour,
        0.0,
        104.0,
        "60:1 60:1 67:1 67:1 69:1 69:1 67:2 65:1 65:1 64:1 64:1 62:1 62:1 60:2 67:1 67:1 65:1 65:1 64:1 64:1 62:2 \
         67:1 67:1 65:1 65:1 64:1 64:1 62:2 60:1 60:1 67:1 67:1 69:1 69:1 67:2 65:1 65:1 64:1 64:1 62:1 62:1 60:2",
    ),
    tune(
        "When the Saints",
        Meter::FourFour,
        3.0,
        112.0,
        "60:1 64:1 65:1 67:4 r:1 60:1 64:1 65:1 67:4 r:1 60:1 64:1 65:1 67:2 64:2 60:2 64:2 62:4 r:1 64:1 64:1 62:1 \
         60:3 60:1 64:2 67:2 67:1 65:3 r:2 64:1 65:1 67:2 64:2 60:2 62:2 60:4",
    ),
    tune(
        "Auld Lang Syne",
        Meter::FourFour,
        1.0,
        96.0,
        "60:1 65:1.5 65:.5 65:1 69:1 67:1.5 65:.5 67:1 69:1 65:1.5 65:.5 69:1 72:1 74:3 74:1 72:1.5 69:.5 69:1 65:1 \
         67:1.5 65:.5 67:1 69:1 65:1.5 62:.5 62:1 60:1 65:3",
    ),
    tune(
        "Amazing Grace",
        Meter::ThreeFour,
        1.0,
        92.0,
        "60:1 65:2 69:.5 65:.5 69:2 67:1 65:2 62:1 60:2 60:1 65:2 69:.5 65:.5 69:2 67:1 72:5 \
         69:1 72:2 69:.5 65:.5 69:2 67:1 65:2 62:1 60:2 60:1 65:2 69:.5 65:.5 69:2 67:1 65:5",
    ),
    tune(
        "Greensleeves",
        Meter::ThreeFour,
        1.0,
        128.0,
        "69:1 72:2 74:1 76:1.5 77:.5 76:1 74:2 71:1 67:1.5 69:.5 71:1 72:2 69:1 69:1.5 68:.5 69:1 71:2 68:1 64:2 \
         69:1 72:2 74:1 76:1.5 77:.5 76:1 74:2 71:1 67:1.5 69:.5 71:1 72:1.5 71:.5 69:1 68:1.5 66:.5 68:1 69:3 69:2",
    ),
    tune(
        "Scarborough Fair",
        Meter::ThreeFour,
        0.0,
        120.0,
        "62:2 62:1 69:2 69:1 64:1.5 65:.5 64:1 62:3 r:2 69:1 72:2 74:1 72:1 69:1 71:1 69:3 r:2 \
         74:1 74:2 74:1 72:2 69:1 69:1 67:1 65:1 64:1 60:2 62:2 69:1 67:2 65:1 64:1 62:1 60:1 62:3",
    ),
    tune(
        "Jig",
        Meter::SixEight,
        0.0,
        135.0,
        "67:1 64:.5 64:.5 62:.5 60:.5 62:1 60:.5 57:1 60:.5 55:1 60:.5 60:.5 62:.5 64:.5 67:1.5 64:1.5 67:1 64:.5 \
         64:.5 62:.5 60:.5 62:1 60:.5 57:1 60:.5 55:1 60:.5 64:.5 62:.5 60:.5 62:1.5 60:1.5",
    ),
    tune(
        "Row your boat",
        Meter::SixEight,
        0.0,
        120.0,
        "60:1.5 60:1.5 60:1 62:.5 64:1.5 64:1 62:.5 64:1 65:.5 67:3 72:.5 72:.5 72:.5 67:.5 67:.5 67:.5 64:.5 64:.5 \
         64:.5 60:.5 60:.5 60:.5 67:1 65:.5 64:1 62:.5 60:3",
    ),
    tune(
        "A minor march",
        Meter::FourFour,
        0.0,
        84.0,
        "57:1 60:1 64:1 64:1 65:1 64:1 62:2 59:1 62:1 65:1 65:1 64:1 62:1 60:2 57:1 60:1 64:1 69:1 67:1 65:1 64:2 \
         62:1 60:1 59:1 56:1 57:3 r:1 57:1 60:1 64:1 64:1 65:1 64:1 62:2 59:1 62:1 65:1 65:1 64:1 62:1 57:2",
    ),
    tune(
        "Syncopated",
        Meter::FourFour,
        0.0,
        104.0,
        "64:.5 64:1 64:.5 62:.5 64:1 67:1.5 r:2 64:.5 64:1 64:.5 62:.5 60:1 57:1.5 r:2 60:.5 60:1 60:.5 62:.5 64:1 \
         67:1.5 69:1 67:1 64:.5 62:.5 64:.5 62:.5 60:4",
    ),
    tune(
        "Happy Birthday",
        Meter::ThreeFour,
        1.0,
        108.0,
        "60:.75 60:.25 62:1 60:1 65:1 64:2 60:.75 60:.25 62:1 60:1 67:1 65:2 60:.75 60:.25 72:1 69:1 65:1 64:1 62:1 \
         70:.75 70:.25 69:1 65:1 67:1 65:2",
    ),
    tune(
        "Old Smoky",
        Meter::ThreeFour,
        1.0,
        120.0,
        "60:1 60:1 64:1 67:1 72:3 69:2 65:1 65:1 67:1 69:1 67:5 60:1 60:1 64:1 67:1 67:3 62:2 64:1 65:1 64:1 62:1 60:5",
    ),
    tune(
        "Frere Jacques",
        Meter::FourFour,
        0.0,
        112.0,
        "60:1 62:1 64:1 60:1 60:1 62:1 64:1 60:1 64:1 65:1 67:2 64:1 65:1 67:2 67:.5 69:.5 67:.5 65:.5 64:1 60:1 \
         67:.5 69:.5 67:.5 65:.5 64:1 60:1 60:1 55:1 60:2 60:1 55:1 60:2",
    ),
];

/// How a tune is sung.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    Steady,
    /// The tempo swings by a share around its mean, once in so many quarters.
    Wander(f64, f64),
    /// From one share of the tempo to another.
    Slide(f64, f64),
    /// Each phrase's last two quarters are slower by a share.
    PhraseEnds(f64),
}

/// A tune as sung.
pub struct Sung {
    pub notes: Vec<Note>,
    pub phrases: Vec<Phrase>,
    /// Moment of each quarter from the first note on.
    pub quarters_seconds: Vec<f64>,
    pub mean_bpm: f64,
}

/// Sings a tune; each onset is off by up to `stray_seconds`.
pub fn sing(tune: &Tune, manner: Manner, stray_seconds: f64, seed: u32) -> Sung {
    let written: Vec<(Option<u8>, f64)> = tune
        .notes
        .split_whitespace()
        .map(|word| {
            let (pitch, length) = word.split_once(':').unwrap();
            (pitch.parse().ok(), length.parse().unwrap())
        })
        .collect();
    let total: f64 = written.iter().map(|(_, length)| length).sum();
    let mut ends = Vec::new();
    let (mut quarter, mut begun) = (0.0, 0.0);
    for (pitch, length) in &written {
        quarter += length;
        if pitch.is_none() || (*length >= 2.0 && quarter - begun >= 6.0) || quarter >= total {
            ends.push(quarter);
            begun = quarter;
        }
    }
    let tempo = |quarter: f64| {
        tune.bpm
            * match manner {
                Manner::Steady => 1.0,
                Manner::Wander(share, period) => 1.0 + share * (std::f64::consts::TAU * quarter / period).sin(),
                Manner::Slide(from, to) => from + (to - from) * quarter / total,
                Manner::PhraseEnds(share) => {
                    let to_go = ends.iter().map(|end| end - quarter).find(|&to_go| to_go > 0.0).unwrap_or(9.0);
                    1.0 - share * (1.0 - to_go / 2.0).max(0.0)
                }
            }
    };
    const STEP: f64 = 1.0 / 96.0;
    let mut moments = vec![1.3];
    for step in 0..((total / STEP) as usize + 97) {
        moments.push(moments[step] + STEP * 60.0 / tempo(step as f64 * STEP));
    }
    let at = |quarter: f64| moments[(quarter / STEP).round() as usize];
    let mut dice = seed;
    let mut off = || {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        stray_seconds * (2.0 * f64::from(dice >> 8) / f64::from(1 << 24) - 1.0)
    };
    let (mut notes, mut phrases, mut quarter, mut begun) = (Vec::<Note>::new(), Vec::new(), 0.0, 0);
    for (pitch, length) in &written {
        if let Some(pitch) = pitch {
            let onset_seconds = at(quarter) + off();
            if let Some(before) = notes.last_mut() {
                before.duration_seconds = before.duration_seconds.min(onset_seconds - before.onset_seconds);
            }
            notes.push(Note {
                onset_seconds,
                duration_seconds: at(quarter + 0.93 * length) - onset_seconds,
                pitch: MidiPitch::new(*pitch),
                cents: 0.0,
                velocity: 90,
            });
        }
        quarter += length;
        if ends.contains(&quarter) && begun < notes.len() {
            phrases.push(Phrase { start: begun, end: notes.len() });
            begun = notes.len();
        }
    }
    let quarters_seconds = (0..=total as usize).map(|quarter| at(quarter as f64)).collect();
    Sung { notes, phrases, quarters_seconds, mean_bpm: 60.0 * total / (at(total) - at(0.0)) }
}
