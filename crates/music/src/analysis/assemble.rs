//! All steps of the analysis, in the order in which they need each other.

use super::{
    Analysis, Bar, BarNote, Groove, Line, MOST_BARS, PartAnalysis, PitchRange, Role, Tempo, bars, form, grooves,
    harmony, keys,
    lines::{self, bar_note},
    material::{Material, Sound},
    melody::{self, Found},
    meter,
    roles::{self, Cast},
};
use crate::score::{Score, Tick};

pub(super) fn analyse(score: &Score) -> Analysis {
    let notes = score.parts.iter().flat_map(|part| &part.notes);
    let end: Tick = notes.map(|note| note.onset.saturating_add(note.duration)).max().unwrap_or(score.end);
    let plain = bars::lay(score, &bars::believable(score), 0, end);
    let (meters, pickup, meter) = meter::read(score, &Material::new(score, &plain));
    let mut bars = bars::lay(score, &meters, pickup, end);
    let material = Material::new(score, &bars);
    let cast = roles::cast(&material);
    let tune = melody::melody(&material, &cast);
    let second = melody::counter_melody(&material, &cast, &tune);
    let ground = melody::bass(&material, &cast, &tune);
    let parts =
        parts(&material, &cast, &[(Role::CounterMelody, &second), (Role::Bass, &ground), (Role::Melody, &tune)]);
    let (sounds, is_melody) = speaking(&material, &cast, &parts);
    let (key, keys) = keys::read(&material, &keys::Sources { sounds: &sounds, bass: &ground.sounds });
    let key_at = |bar: usize| {
        let next = keys.partition_point(|span| span.bars.start <= bar);
        keys.get(next.saturating_sub(1)).map(|span| span.key)
    };
    let sources = harmony::Sources { sounds: &sounds, is_melody: &is_melody };
    let chords = if key.is_some() { harmony::read(&material, &bars, key_at, &sources) } else { Vec::new() };
    let swing = grooves::swing(&material, &bars, &cast);
    let grooves: Vec<Groove> = grooves::read(&material, &cast, swing);
    let sources = form::Sources { keys: &keys, melody: &tune.sounds, bass: &ground.sounds, grooves: &grooves };
    let form = form::read(&material, &cast, &sources);
    bars.iter_mut().zip(grooves::textures(&material, &cast)).for_each(|(bar, texture)| bar.texture = texture);
    let line = |found: &Found, role: Role| -> Line { lines::line(&material, &found.sounds, found.parts.clone(), role) };
    Analysis {
        ticks_per_quarter: score.ticks_per_quarter.max(1),
        is_complete: bars.len() < MOST_BARS || bars.last().is_some_and(|bar| bar.end >= end),
        meter,
        tempo: tempo(&bars),
        key,
        chords,
        melody: line(&tune, Role::Melody),
        counter_melody: line(&second, Role::CounterMelody),
        bass: line(&ground, Role::Bass),
        tunes: melody::tunes(&material, &tune.sounds, form.phrase_offset),
        form,
        grooves,
        swing,
        parts,
        keys,
        bars,
    }
}

/// Every part with the role of each of its notes: that of the line in which it is, the last of `lines` first, else the
/// part's.
fn parts(material: &Material<'_>, cast: &Cast, lines: &[(Role, &Found)]) -> Vec<PartAnalysis> {
    let mut in_lines: Vec<Vec<Option<Role>>> =
        material.voices.iter().map(|voice| vec![None; voice.part.notes.len()]).collect();
    for (role, found) in lines {
        for sound in &found.sounds {
            if let Some(part) = found.parts[sound.bar] {
                in_lines[part][sound.index] = Some(*role);
            }
        }
    }
    (0..material.voices.len()).map(|index| part(material, cast, index, &in_lines[index])).collect()
}

fn part(material: &Material<'_>, cast: &Cast, index: usize, in_lines: &[Option<Role>]) -> PartAnalysis {
    let voice = &material.voices[index];
    let heard = &cast.features[index];
    // What a part with a line plays besides accompanies it.
    let besides = match cast.roles[index] {
        Role::Melody if heard.polyphony > 1.4 || heard.chordal > 0.3 => Role::Chords,
        Role::Melody => Role::CounterMelody,
        role => role,
    };
    let role_of = |sound: &Sound| match in_lines[sound.index] {
        Some(role) => role,
        None if cast.doubles[index].is_some() => cast.roles[index],
        None => besides,
    };
    let notes: Vec<BarNote> = voice.sounds.iter().map(|sound| bar_note(material, sound, role_of(sound))).collect();
    let is_pitched = voice.is_pitched();
    let pitches = voice.sounds.iter().map(|sound| sound.pitch);
    let range = if is_pitched { lines::range(pitches) } else { None };
    let mut active = vec![false; material.bar_count()];
    for sound in &voice.sounds {
        let last = material.bar_of((sound.end - 0.1).max(sound.onset)).max(sound.bar);
        active[sound.bar..=last].fill(true);
    }
    let active_bars = active.iter().filter(|active| **active).count();
    let quarters: f64 =
        active.iter().enumerate().filter(|(_, active)| **active).map(|(bar, _)| material.bar_quarters(bar)).sum();
    let onsets = super::material::together(&voice.sounds).count();
    PartAnalysis {
        role: cast.roles[index],
        doubles: cast.doubles[index],
        is_broken: is_pitched && cast.is_broken[index],
        notes,
        range,
        tessitura: if is_pitched { tessitura(&voice.sounds) } else { None },
        onsets_per_quarter: onsets as f64 / quarters.max(1e-9),
        polyphony: heard.polyphony,
        active_share: active_bars as f64 / material.bar_count() as f64,
    }
}

/// Tenth to ninetieth percentile of pitch by duration.
fn tessitura(sounds: &[Sound]) -> Option<PitchRange> {
    let mut durations = [0.0; 128];
    sounds.iter().for_each(|sound| durations[usize::from(sound.pitch)] += sound.quarters().min(4.0));
    let all: f64 = durations.iter().sum();
    let percentile = |share: f64| {
        let mut sum = 0.0;
        let reached = |&pitch: &usize| {
            sum += durations[pitch];
            sum >= share * all && durations[pitch] > 0.0
        };
        (0..128).find(reached).map(|pitch| pitch as u8)
    };
    let low = percentile(0.1)?;
    Some(PitchRange { low, high: percentile(0.9).unwrap_or(low).max(low) })
}

/// All pitched notes but doubles and effects, by onset, and which of them are of a melody.
fn speaking(material: &Material<'_>, cast: &Cast, parts: &[PartAnalysis]) -> (Vec<Sound>, Vec<bool>) {
    let mut all: Vec<(Sound, bool)> = Vec::new();
    for (index, voice) in material.voices.iter().enumerate() {
        if !voice.is_pitched() || cast.doubles[index].is_some() || cast.roles[index] == Role::Effects {
            continue;
        }
        // The top of chords is theirs as well.
        let is_line = cast.features[index].chordal < 0.3;
        let is_tune = |note: &BarNote| is_line && matches!(note.role, Role::Melody | Role::CounterMelody);
        all.extend(voice.sounds.iter().zip(&parts[index].notes).map(|(sound, note)| (*sound, is_tune(note))));
    }
    // A song of nothing but effects is taken at its word.
    if all.is_empty() {
        let pitched = material.voices.iter().filter(|voice| voice.is_pitched());
        all.extend(pitched.flat_map(|voice| &voice.sounds).map(|sound| (*sound, false)));
    }
    all.sort_by(|a, b| a.0.onset.total_cmp(&b.0.onset).then(a.0.pitch.cmp(&b.0.pitch)));
    all.into_iter().unzip()
}

/// Percentiles over the quarters of bars.
fn tempo(bars: &[Bar]) -> Tempo {
    let mut tempos: Vec<(f64, f64)> = bars.iter().map(|bar| (bar.bpm, bar.quarters)).collect();
    tempos.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all: f64 = tempos.iter().map(|(_, quarters)| quarters).sum();
    let percentile = |share: f64| {
        let mut sum = 0.0;
        let reached = |(_, quarters): &&(f64, f64)| {
            sum += quarters;
            sum >= share * all
        };
        tempos.iter().find(reached).or(tempos.last()).map_or(120.0, |(bpm, _)| *bpm)
    };
    Tempo { median_bpm: percentile(0.5), slow_bpm: percentile(0.1), fast_bpm: percentile(0.9) }
}
