//! Songs of which everything is known, because they are made from it: key, chords, sections, who plays what.
//!
//! Not easy ones: inversions, sevenths, passing notes on weak beats, suspensions, walking and pedal basses, broken chords,
//! parts without telling names, pick-ups, doubles; a third of them modulates.

use music::{
    analysis::{ChordKind, ChordSymbol, Role},
    score::{Score, TempoChange},
};

use super::make::Maker;

pub struct Labelled {
    pub score: Score,
    /// Quarters of a bar.
    pub bar_quarters: u32,
    pub bars: Vec<BarTruth>,
    /// Of the first section; semitones above C, and whether it is minor.
    pub key: (u8, bool),
    /// By part.
    pub roles: Vec<Role>,
    /// By part: whether it only plays what another one plays.
    pub doubles: Vec<bool>,
}

pub struct BarTruth {
    pub key: (u8, bool),
    pub chord: ChordSymbol,
    pub section: char,
}

/// SplitMix64 (G. Steele, D. Lea and C. Flood, OOPSLA 2014).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % count as u64) as usize
    }

    pub fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }
}

/// Scale degrees in semitones and the kind of chord on them: eight bars each.
const MAJOR: [[(u8, ChordKind); 8]; 6] = {
    use ChordKind::{Dominant as D, Major as M, MajorSeventh as M7, Minor as N, MinorSeventh as N7};
    [
        [(0, M), (9, N), (5, M), (7, M), (0, M), (9, N), (5, M), (7, D)],
        [(0, M), (7, M), (9, N), (5, M), (0, M), (7, M), (5, M), (0, M)],
        [(9, N), (5, M), (0, M), (7, M), (9, N), (5, M), (7, D), (0, M)],
        [(2, N7), (7, D), (0, M7), (9, N7), (2, N7), (7, D), (0, M7), (0, M7)],
        [(5, M), (5, M), (0, M), (0, M), (2, N), (7, D), (0, M), (0, M)],
        [(4, N), (9, N), (2, N), (7, M), (4, N), (9, D), (2, D), (7, D)],
    ]
};
const MINOR: [[(u8, ChordKind); 8]; 6] = {
    use ChordKind::{Dominant as D, HalfDiminished as H, Major as M, Minor as N, MinorSeventh as N7};
    [
        [(0, N), (8, M), (3, M), (10, M), (0, N), (8, M), (5, N), (7, D)],
        [(0, N), (10, M), (8, M), (7, M), (0, N), (10, M), (8, M), (7, D)],
        [(0, N), (5, N), (0, N), (7, D), (0, N), (5, N), (7, D), (0, N)],
        [(2, H), (7, D), (0, N7), (0, N7), (5, N7), (10, D), (3, M), (7, D)],
        [(8, M), (10, M), (0, N), (0, N), (8, M), (10, M), (7, M), (7, D)],
        [(5, N), (0, N), (8, M), (3, M), (5, N), (0, N), (7, D), (0, N)],
    ]
};
const FORMS: [&str; 5] = ["AABA", "ABAB", "AABBA", "ABAC", "ABABCB"];

struct Section {
    chords: [(u8, ChordKind); 8],
    /// Onset in the bar, quarters, steps of the scale relative to the note before; by bar.
    seed: u64,
}

pub fn make(seed: u64) -> Labelled {
    let mut dice = Dice(seed.wrapping_mul(7_919).wrapping_add(17));
    let is_minor = dice.percent(45);
    let tonic = dice.below(12) as u8;
    let bar_quarters: u32 = if dice.percent(25) { 3 } else { 4 };
    let form = FORMS[dice.below(FORMS.len())];
    let modulates = dice.percent(33);
    let table = if is_minor { &MINOR } else { &MAJOR };
    let mut kinds: Vec<usize> = (0..table.len()).collect();
    for index in (1..kinds.len()).rev() {
        kinds.swap(index, dice.below(index + 1));
    }
    // A song that begins away from its tonic has it in the second section at least.
    let sections: Vec<Section> =
        (0..3).map(|index| Section { chords: table[kinds[index]], seed: seed * 31 + index as u64 }).collect();
    let last = form.chars().count() - 1;
    let up = [1, 2, 5, 7][dice.below(4)];
    let mut bars = Vec::new();
    for (place, letter) in form.chars().enumerate() {
        let shift = if modulates && place + 2 > last { up } else { 0 };
        let key = ((tonic + shift) % 12, is_minor);
        let chords = sections[(letter as u8 - b'A') as usize].chords;
        let bar = |(degree, kind)| BarTruth {
            key,
            chord: ChordSymbol { root: (key.0 + degree) % 12, kind },
            section: letter,
        };
        bars.extend(chords.into_iter().map(bar));
    }
    let (score, roles, doubles) = play(&bars, &sections, bar_quarters, seed, &mut dice);
    Labelled { score, bar_quarters, bars, key: (tonic, is_minor), roles, doubles }
}

fn play(
    bars: &[BarTruth],
    sections: &[Section],
    bar_quarters: u32,
    seed: u64,
    dice: &mut Dice,
) -> (Score, Vec<Role>, Vec<bool>) {
    let length = f64::from(bar_quarters);
    let mut maker = Maker::new().meter(bar_quarters as u8, 4);
    maker.score.tempos = vec![TempoChange { at: 0, micros_per_quarter: 350_000 + 1_000 * dice.below(500) as u32 }];
    let (mut roles, mut doubles) = (Vec::new(), Vec::new());
    let mut cast = |maker: &mut Maker, program: u8, role: Role, double: bool| {
        roles.push(role);
        doubles.push(double);
        maker.part(&format!("Track {}", roles.len()), program)
    };
    let programs = |dice: &mut Dice, choices: &[u8]| choices[dice.below(choices.len())];
    let lead = programs(dice, &[0, 4, 25, 56, 65, 68, 73, 80]);
    let melody = cast(&mut maker, lead, Role::Melody, false);
    let comp_program = programs(dice, &[0, 1, 24, 25, 27, 4]);
    let comp = cast(&mut maker, comp_program, Role::Chords, false);
    let bass_program = programs(dice, &[32, 33, 35, 38, 0]);
    let bass = cast(&mut maker, bass_program, Role::Bass, false);
    let pad = dice.percent(50).then(|| cast(&mut maker, 48, Role::Pad, false));
    let double = dice.percent(40).then(|| cast(&mut maker, 73, Role::Melody, true));
    let drums = dice.percent(60).then(|| maker.drums());
    if drums.is_some() {
        roles.push(Role::Drums);
        doubles.push(false);
    }
    let (comp_style, bass_style) = (dice.below(4), dice.below(3));
    for (index, truth) in bars.iter().enumerate() {
        let start = index as f64 * length;
        let section = &sections[(truth.section as u8 - b'A') as usize];
        let tones: Vec<u8> = truth.chord.classes().collect();
        let notes = tune(truth, section.seed, index % 8, bar_quarters);
        for &(onset, quarters, pitch) in &notes {
            maker.loud(melody, start + onset, quarters, pitch, 92);
            if let Some(double) = double {
                maker.loud(double, start + onset, quarters, pitch + 12, 70);
            }
        }
        accompany(&mut maker, comp, start, length, &tones, comp_style, seed);
        ground(&mut maker, bass, start, length, &tones, bass_style, Dice(section.seed + index as u64 % 8));
        if let Some(pad) = pad {
            voicing(&tones, 55, 0).iter().for_each(|&pitch| maker.loud(pad, start, length * 0.98, pitch, 60));
        }
        if let Some(drums) = drums {
            beat(&mut maker, drums, start, bar_quarters, index);
        }
    }
    (maker.finish(), roles, doubles)
}

/// Steps of the scale around the chord: chord tones on strong beats, passing notes between; now and then a suspension.
fn tune(truth: &BarTruth, seed: u64, place: usize, bar_quarters: u32) -> Vec<(f64, f64, u8)> {
    const RHYTHMS_4: [&[f64]; 5] = [
        &[1.0, 1.0, 1.0, 1.0],
        &[1.5, 0.5, 1.0, 1.0],
        &[0.5, 0.5, 1.0, 0.5, 0.5, 1.0],
        &[2.0, 1.0, 0.5, 0.5],
        &[1.0, 0.5, 0.5, 2.0],
    ];
    const RHYTHMS_3: [&[f64]; 4] = [&[1.0, 1.0, 1.0], &[2.0, 1.0], &[1.5, 0.5, 1.0], &[1.0, 0.5, 0.5, 1.0]];
    // Bars 0 and 4 have one rhythm, and so on: phrases answer each other.
    let mut rhythm_dice = Dice(seed.wrapping_mul(13) + place as u64 % 4);
    let mut dice = Dice(seed.wrapping_mul(977) + place as u64);
    let length = f64::from(bar_quarters);
    let rhythm = match (place % 4, bar_quarters) {
        (3, _) => &[2.0][..],
        (_, 3) => RHYTHMS_3[rhythm_dice.below(RHYTHMS_3.len())],
        _ => RHYTHMS_4[rhythm_dice.below(RHYTHMS_4.len())],
    };
    let degrees: [u8; 7] = if truth.key.1 { [0, 2, 3, 5, 7, 8, 10] } else { [0, 2, 4, 5, 7, 9, 11] };
    let in_scale = |pitch: i32| degrees.contains(&((pitch - i32::from(truth.key.0)).rem_euclid(12) as u8));
    let mut pitch = 67 + dice.below(6) as i32;
    let mut at = 0.0;
    let mut notes = Vec::new();
    for &quarters in rhythm {
        let is_strong = at == 0.0 || (at == 2.0 && length == 4.0);
        pitch += [-4, -3, -2, -1, 1, 2, 3, 4, 5][dice.below(9)];
        pitch = pitch.clamp(60, 81);
        let wants_chord = is_strong && !dice.percent(12);
        let fits = |pitch: i32| if wants_chord { truth.chord.has(pitch.rem_euclid(12) as u8) } else { in_scale(pitch) };
        let near = (0..6).flat_map(|distance| [pitch + distance, pitch - distance]).find(|&pitch| fits(pitch));
        pitch = near.unwrap_or(pitch);
        notes.push((at, quarters * 0.93, pitch as u8));
        at += quarters;
    }
    notes
}

fn voicing(tones: &[u8], from: u8, inversion: usize) -> Vec<u8> {
    let mut pitches: Vec<u8> = tones.iter().map(|tone| from + (tone + 120 - from) % 12).collect();
    pitches.sort_unstable();
    for index in 0..inversion.min(pitches.len()) {
        pitches[index] += 12;
    }
    pitches.sort_unstable();
    pitches
}

fn accompany(maker: &mut Maker, part: usize, start: f64, length: f64, tones: &[u8], style: usize, seed: u64) {
    let pitches = voicing(tones, 50, (seed % 2) as usize);
    let beats = length as usize;
    match style {
        0 => (0..beats).for_each(|beat| maker.chord(part, start + beat as f64, 0.8, &pitches)),
        1 => {
            // Alberti: low, high, middle, high.
            let order = [0, 2, 1, 2];
            (0..2 * beats).for_each(|eighth| {
                maker.note(part, start + eighth as f64 / 2.0, 0.48, pitches[order[eighth % 4] % pitches.len()]);
            });
        }
        2 => (1..beats).for_each(|beat| maker.chord(part, start + beat as f64 + 0.5, 0.4, &pitches)),
        _ => (0..2 * beats).for_each(|eighth| {
            let step = [0, 1, 2, 3, 2, 1][eighth % 6];
            let pitch = pitches[step % pitches.len()] + 12 * (step / pitches.len()) as u8;
            maker.note(part, start + eighth as f64 / 2.0, 0.7, pitch);
        }),
    }
}

fn ground(maker: &mut Maker, part: usize, start: f64, length: f64, tones: &[u8], style: usize, mut dice: Dice) {
    let low = |tone: u8| 36 + (tone + 120 - 36) % 12;
    // One bar in eight stands on the third.
    let first = if dice.percent(12) { tones[1] } else { tones[0] };
    match style {
        0 => maker.note(part, start, length * 0.95, low(first)),
        1 => {
            maker.note(part, start, 1.4, low(first));
            maker.note(part, start + 2.0, length - 2.1, low(tones[2]));
        }
        _ => (0..length as usize).for_each(|beat| {
            let tone = if beat == 0 { first } else { tones[dice.below(tones.len())] };
            maker.note(part, start + beat as f64, 0.9, low(tone));
        }),
    }
}

fn beat(maker: &mut Maker, part: usize, start: f64, bar_quarters: u32, bar: usize) {
    if bar.is_multiple_of(8) {
        maker.note(part, start, 0.5, 49);
    }
    for beat in 0..bar_quarters {
        let at = start + f64::from(beat);
        let is_strong = beat == 0 || (bar_quarters == 4 && beat == 2);
        maker.note(part, at, 0.2, if is_strong { 36 } else { 38 });
        maker.note(part, at, 0.2, 42);
        maker.note(part, at + 0.5, 0.2, 42);
    }
}
