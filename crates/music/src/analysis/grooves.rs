//! Rhythm bar by bar, swing, and what else is told bar by bar: density, velocity, register.

use super::{
    Bar, DrumClass, Groove, PitchRange, Role, Swing, Texture,
    material::{Material, Sound, together},
    roles::Cast,
};

const MOST_STEPS: usize = 64;

/// Whether a part says something of its own.
fn speaks(cast: &Cast, part: usize) -> bool {
    cast.doubles[part].is_none() && !matches!(cast.roles[part], Role::Effects | Role::Silent)
}

pub(super) fn read(material: &Material<'_>, cast: &Cast, swing: Swing) -> Vec<Groove> {
    let mut grooves: Vec<Groove> = (0..material.bar_count())
        .map(|bar| {
            let steps = ((material.bar_quarters(bar) * 4.0).round() as usize).clamp(1, MOST_STEPS);
            Groove { steps, pitched: vec![0; steps], drums: Vec::new() }
        })
        .collect();
    let bars = grooves.len();
    for (_, voice) in material.voices.iter().enumerate().filter(|(part, _)| speaks(cast, *part)) {
        for sound in &voice.sounds {
            let place = straight((sound.onset - material.starts[sound.bar]).max(0.0), swing);
            let (mut bar, mut step) = (sound.bar, (place * 4.0).round() as usize);
            // What is late by less than half a step belongs to the next bar.
            if step >= grooves[bar].steps {
                (bar, step) = if bar + 1 < bars { (bar + 1, 0) } else { (bar, grooves[bar].steps - 1) };
            }
            let groove = &mut grooves[bar];
            if voice.is_drums {
                if groove.drums.is_empty() {
                    groove.drums = vec![[0; 7]; groove.steps];
                }
                let velocity = &mut groove.drums[step][DrumClass::of(sound.pitch) as usize];
                *velocity = (*velocity).max(sound.velocity);
            } else {
                groove.pitched[step] = groove.pitched[step].max(sound.velocity);
            }
        }
    }
    grooves
}

/// Place in the bar if eighths were even: both parts of each beat are stretched to half a beat.
fn straight(quarters: f64, swing: Swing) -> f64 {
    if swing.ratio < 1.2 {
        return quarters;
    }
    let first = swing.ratio / (1.0 + swing.ratio);
    let (beat, within) = (quarters.floor(), quarters.fract());
    beat + if within < first { within / first * 0.5 } else { 0.5 + (within - first) / (1.0 - first) * 0.5 }
}

/// Fewer off-beat eighths tell nothing.
const LEAST_OFFBEATS: usize = 8;
/// So many are enough to be certain.
const SURE_OFFBEATS: f64 = 48.0;

/// Where the second eighth of a beat comes, over all parts and beats that have one and nothing faster.
pub(super) fn swing(material: &Material<'_>, bars: &[Bar], cast: &Cast) -> Swing {
    let mut places: Vec<f64> = Vec::new();
    let mut straight = 0usize;
    for (_, voice) in material.voices.iter().enumerate().filter(|(part, _)| speaks(cast, *part)) {
        let mut onsets: Vec<(usize, f64)> = Vec::new();
        for group in together(&voice.sounds) {
            let bar = group[0].bar;
            if bars[bar].beat_quarters() == 1.0 {
                let place = (group[0].onset - material.starts[bar] + super::EARLY_QUARTERS).max(0.0);
                onsets.push((bar * 64 + place as usize, place.fract() - super::EARLY_QUARTERS));
            }
        }
        for beat in onsets.chunk_by(|a, b| a.0 == b.0) {
            match offbeat(beat) {
                Some(place) if place < 0.56 => straight += 1,
                Some(place) if place < 0.72 => places.push(place),
                // A dotted eighth is no swing, but no straight eighth either.
                _ => {}
            }
        }
    }
    let all = straight + places.len();
    if all < LEAST_OFFBEATS {
        return Swing { ratio: 1.0, confidence: 0.0 };
    }
    let enough = (all as f64 / SURE_OFFBEATS).min(1.0);
    let swung = places.len() as f64 / all as f64;
    if swung < 0.5 {
        return Swing { ratio: 1.0, confidence: enough * (1.0 - 2.0 * swung) };
    }
    let middle = places.len() / 2;
    let place = *places.select_nth_unstable_by(middle, f64::total_cmp).1;
    Swing { ratio: place / (1.0 - place), confidence: enough * (2.0 * swung - 1.0) }
}

/// The last onset of a beat of which no other lies near the sixteenths around its middle.
fn offbeat(beat: &[(usize, f64)]) -> Option<f64> {
    let (last, others) = beat.split_last()?;
    let is_alone = others.iter().all(|(_, place)| *place < 0.1 || (0.29..0.38).contains(place));
    // Three even notes are triplets; where eighths of the same song are straight they do not outnumber them.
    (is_alone && (0.44..0.8).contains(&last.1)).then_some(last.1)
}

/// Density, velocity, register and number of parts of every bar.
pub(super) fn textures(material: &Material<'_>, cast: &Cast) -> Vec<Texture> {
    let bars = material.bar_count();
    let mut textures = vec![Texture { is_silent: true, ..Texture::default() }; bars];
    let mut onsets: Vec<(usize, i64)> = Vec::new();
    let mut velocities = vec![(0.0, 0usize); bars];
    for (_, voice) in material.voices.iter().enumerate().filter(|(part, _)| speaks(cast, *part)) {
        let mut heard = vec![false; bars];
        for sound in &voice.sounds {
            velocities[sound.bar].0 += f64::from(sound.velocity);
            velocities[sound.bar].1 += 1;
            let last = material.bar_of((sound.end - super::EARLY_QUARTERS - 0.02).max(sound.onset)).max(sound.bar);
            for bar in sound.bar..=last {
                textures[bar].is_silent = false;
                if !voice.is_drums {
                    heard[bar] = true;
                    textures[bar].pitches = Some(widened(textures[bar].pitches, sound));
                }
            }
            if voice.is_drums {
                textures[sound.bar].drums_per_quarter += 1.0;
            } else {
                onsets.push((sound.bar, (sound.onset * 12.0).round() as i64));
            }
        }
        textures.iter_mut().zip(heard).for_each(|(texture, heard)| texture.parts += u16::from(heard));
    }
    onsets.sort_unstable();
    onsets.dedup();
    onsets.iter().for_each(|(bar, _)| textures[*bar].onsets_per_quarter += 1.0);
    let mut before = 0.0;
    for (bar, texture) in textures.iter_mut().enumerate() {
        let quarters = material.bar_quarters(bar);
        texture.onsets_per_quarter /= quarters;
        texture.drums_per_quarter /= quarters;
        let (sum, count) = velocities[bar];
        texture.velocity = if count > 0 { sum / count as f64 } else { before };
        before = texture.velocity;
    }
    textures
}

fn widened(range: Option<PitchRange>, sound: &Sound) -> PitchRange {
    range.map_or(PitchRange { low: sound.pitch, high: sound.pitch }, |range| PitchRange {
        low: range.low.min(sound.pitch),
        high: range.high.max(sound.pitch),
    })
}
