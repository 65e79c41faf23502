//! The voice that is made of nothing but arithmetic: formant synthesis (Klatt 1980; Klatt & Klatt 1990).

use music::{Melody, midi_to_hz};

use super::{
    SAMPLE_RATE_HZ, breaths, intonation,
    intonation::Intonation,
    loudness,
    phones::Band,
    render,
    throat::Throat,
    timing::{Stretch, SungSyllable},
    tract::{self, Movements, Noise},
};

/// What a breath sounds like.
pub const BREATH: [Band; 3] = [
    Band { hz: 1100.0, width_hz: 600.0, db: -47.0 },
    Band { hz: 2400.0, width_hz: 1500.0, db: -46.0 },
    Band { hz: 5000.0, width_hz: 3000.0, db: -50.0 },
];

/// A song for the formant voice.
pub struct Score<'a> {
    pub melody: &'a Melody,
    pub sung: &'a [SungSyllable],
    pub stretches: &'a [Stretch],
    pub pitch: &'a Intonation,
    pub octave_shift: i32,
    pub seconds: f64,
    pub breaths: bool,
    pub seed: u64,
}

/// Sings a score, dry.
pub fn sing(score: &Score<'_>, throat: &Throat, progress: &mut dyn FnMut(f64)) -> Vec<f32> {
    let Score { melody, sung, stretches, .. } = *score;
    let gain_of = |index: usize| sung.get(index).map_or(1.0, |s| loudness(melody, s));
    let pitch_of = |index: usize| {
        sung.get(index).map_or(150.0, |s| midi_to_hz(intonation::note_midi(melody, s.notes.start, score.octave_shift)))
    };
    let mut moves = tract::movements(stretches, throat, &gain_of, &pitch_of);
    if score.breaths {
        add_breaths(&mut moves, stretches);
    }
    render::render(&moves, score.pitch, throat, score.seconds, SAMPLE_RATE_HZ, score.seed, progress)
}

fn add_breaths(moves: &mut Movements, stretches: &[Stretch]) {
    moves.noises.extend(breaths(stretches).map(|breath| Noise {
        start: breath.start,
        end: breath.end,
        attack: 0.12,
        release: 0.1,
        gain: 1.0,
        bands: BREATH.to_vec(),
        floor_hz: 200.0,
        is_voiced: false,
    }));
    moves.noises.sort_by(|a, b| a.start.total_cmp(&b.start));
}
