//! Which part is the melody, the bass, the chords …

use super::{
    Double, Role, doubles,
    features::{Features, Standing, standings},
    material::{Material, Voice},
};

/// What is known of a part.
pub(super) struct Cast {
    pub roles: Vec<Role>,
    pub doubles: Vec<Option<Double>>,
    pub features: Vec<Features>,
    pub standings: Vec<Standing>,
    pub is_broken: Vec<bool>,
}

/// From this score on a part is the bass, or a melody.
const LEAST_BASS: f64 = 1.0;
const LEAST_MELODY: f64 = 0.4;

pub(super) fn cast(material: &Material<'_>) -> Cast {
    let voices = &material.voices;
    let features: Vec<Features> = voices.iter().map(|voice| Features::of(&voice.sounds)).collect();
    let standing = standings(material, |_| false);
    let basses = basses(voices, &features, &standing);
    // A bass that goes along with a guitar stays a bass; two basses may be one.
    let doubles = doubles::find(voices, |double, of| !basses[double] || basses[of]);
    // Who is highest is asked again without those who only say it once more.
    let standings = standings(material, |index| doubles[index].is_some());
    let is_broken: Vec<bool> = features.iter().map(is_broken_chords).collect();
    let mut roles: Vec<Role> = (0..voices.len())
        .map(|index| {
            let voice = &voices[index];
            if voice.sounds.is_empty() {
                Role::Silent
            } else if voice.is_drums {
                Role::Drums
            } else if basses[index] {
                Role::Bass
            } else {
                by_texture(voice, &features[index], &standing[index], is_broken[index])
            }
        })
        .collect();
    let tune = (0..voices.len())
        .filter(|&index| voices[index].is_pitched() && doubles[index].is_none())
        .filter(|&index| !matches!(roles[index], Role::Bass | Role::Effects) && standings[index].active > 0.12)
        .map(|index| (melody_score(voices[index].part, &features[index], &standings[index]), index))
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    if let Some((_, index)) = tune.filter(|(score, _)| *score > LEAST_MELODY) {
        roles[index] = Role::Melody;
    }
    for index in 0..voices.len() {
        if let Some(double) = doubles[index] {
            roles[index] = roles[double.of];
        }
    }
    Cast { roles, doubles, features, standings, is_broken }
}

/// All basses: the one that is lowest most of the time, and others with a bass program that are low.
fn basses(voices: &[Voice<'_>], features: &[Features], standings: &[Standing]) -> Vec<bool> {
    let score = |index: usize| {
        let (part, heard, standing) = (voices[index].part, &features[index], &standings[index]);
        1.5 * standing.lowest
            + if is_bass_program(part.program) { 1.0 } else { 0.0 }
            + if names(&part.name, &["bass", "bajo", "basso"]) { 0.8 } else { 0.0 }
            + 0.05 * (52.0 - heard.pitch)
            - 0.8 * (heard.polyphony - 1.3).max(0.0)
            + 0.5 * standing.active
            - if heard.pitch > 54.0 { 0.8 } else { 0.0 }
            - if names(&part.name, &["bassoon", "drum"]) { 0.5 } else { 0.0 }
    };
    let candidates = (0..voices.len()).filter(|&index| voices[index].is_pitched() && features[index].notes >= 3);
    let scored: Vec<(f64, usize)> = candidates.map(|index| (score(index), index)).collect();
    let mut is_bass = vec![false; voices.len()];
    let best = scored.iter().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    // One part alone is not its own bass.
    if let Some(&(_, index)) = best.filter(|(score, _)| *score > LEAST_BASS && scored.len() > 1) {
        is_bass[index] = features[index].polyphony < 1.8 || is_bass_program(voices[index].part.program);
    }
    for &(_, index) in &scored {
        let is_low = features[index].pitch < 48.0 && features[index].polyphony < 1.4;
        let is_ground = is_bass_program(voices[index].part.program) || standings[index].lowest > 0.9;
        is_bass[index] |= is_low && is_ground && scored.len() > 1;
    }
    is_bass
}

/// One note at a time, in even short values, over a chord: its steps are the chord's.
fn is_broken_chords(heard: &Features) -> bool {
    heard.notes >= 8
        && heard.chordal < 0.3
        && heard.rate >= 1.4
        && heard.seconds < 0.25
        && heard.rhythm_entropy < 1.2
        && heard.distinct >= 3
}

fn by_texture(voice: &Voice<'_>, heard: &Features, standing: &Standing, is_broken: bool) -> Role {
    let program = voice.part.program;
    let is_noise = program >= 119 || (matches!(program, 112 | 113 | 115..=118) && heard.distinct <= 3);
    let is_rare = heard.notes <= 8 && standing.active < 0.05;
    if is_noise || heard.distinct == 1 || is_rare {
        Role::Effects
    } else if heard.duration >= 2.0 && (is_pad_program(program) || heard.polyphony > 1.5) {
        Role::Pad
    } else if heard.polyphony > 1.6 || heard.chordal > 0.45 || is_broken || heard.pitch < 52.0 {
        Role::Chords
    } else {
        Role::CounterMelody
    }
}

/// How much a part, or a stretch of it, is like a melody: about 0 to 3.
pub(super) fn melody_score(part: &crate::score::Part, heard: &Features, standing: &Standing) -> f64 {
    if heard.notes < 2 {
        return -2.0;
    }
    let program = part.program;
    // Variety of pitch and rhythm; high, and above the others; alone, not in chords; steps rather than repeats and leaps.
    let mut score = 0.4 * heard.pitch_entropy.min(3.0) + 0.4 * heard.rhythm_entropy.min(2.0);
    score += 0.03 * (heard.pitch.clamp(45.0, 80.0) - 60.0);
    score += 0.8 * standing.highest - standing.lowest;
    score -= 0.8 * (heard.polyphony - 1.15).clamp(0.0, 3.0) + 0.7 * heard.chordal;
    score -= 0.8 * heard.repeats + 0.8 * heard.leaps;
    score -= 0.25 * (heard.rate - 2.2).clamp(0.0, 8.0) + if heard.rate < 0.25 { 0.7 } else { 0.0 };
    score += 0.4 * heard.cover;
    if is_broken_chords(heard) {
        score -= 0.6;
    }
    if is_bass_program(program) || heard.pitch < 50.0 {
        score -= 1.0;
    }
    if is_pad_program(program) {
        score -= 0.25;
    }
    if is_lead_program(program) {
        score += 0.35;
    }
    if names(&part.name, &["melod", "lead", "voc", "voice", "solo", "sing", "tune"]) {
        score += 1.5;
    }
    if names(&part.name, &["bass", "pad", "chord", "drum", "rhythm", "accomp"]) {
        score -= 1.0;
    }
    score
}

fn is_bass_program(program: u8) -> bool {
    (32..40).contains(&program)
}

/// Strings, choirs and synthesizer pads.
fn is_pad_program(program: u8) -> bool {
    (48..56).contains(&program) || (88..96).contains(&program)
}

/// Reeds, pipes and synthesizer leads; harmonica, solo strings, voices and brass.
fn is_lead_program(program: u8) -> bool {
    (64..88).contains(&program) || matches!(program, 22 | 40 | 41 | 42 | 52 | 53 | 54 | 56 | 57 | 59 | 60)
}

fn names(name: &str, words: &[&str]) -> bool {
    let name = name.to_lowercase();
    words.iter().any(|word| name.contains(word))
}
