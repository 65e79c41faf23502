//! How a part, or a stretch of it, plays: what its role is told by.

use super::material::{Material, Sound, Voice, together};

/// Of some notes of one part.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Features {
    pub notes: usize,
    /// Share of the time from first onset to last end in which it sounds.
    pub cover: f64,
    /// Notes at once while it sounds.
    pub polyphony: f64,
    /// Share of onsets with more than one note.
    pub chordal: f64,
    /// Onsets per quarter.
    pub rate: f64,
    /// Mean pitch, weighted by duration.
    pub pitch: f64,
    /// Shares of the steps of its highest notes: seconds, repeats, more than a fifth.
    pub seconds: f64,
    pub repeats: f64,
    pub leaps: f64,
    /// How many different pitches it has.
    pub distinct: usize,
    /// Median duration in quarters.
    pub duration: f64,
    /// Entropies in bits of pitches and of times between onsets.
    pub pitch_entropy: f64,
    pub rhythm_entropy: f64,
}

impl Features {
    pub(super) fn of(sounds: &[Sound]) -> Self {
        let (Some(first), Some(end)) = (sounds.first(), sounds.iter().map(|sound| sound.end).max_by(f64::total_cmp))
        else {
            return Self::default();
        };
        let length = (end - first.onset).max(1e-6);
        let mut covered = 0.0;
        let mut until = f64::NEG_INFINITY;
        for sound in sounds {
            covered += (sound.end - sound.onset.max(until)).max(0.0);
            until = until.max(sound.end);
        }
        let covered = f64::max(covered, 1e-6);
        let sounding: f64 = sounds.iter().map(Sound::quarters).sum();
        let weight = |sound: &Sound| sound.quarters().clamp(0.01, 4.0);
        let weights: f64 = sounds.iter().map(weight).sum();
        let pitch = sounds.iter().map(|sound| f64::from(sound.pitch) * weight(sound)).sum::<f64>() / weights;
        let mut durations: Vec<f64> = sounds.iter().map(Sound::quarters).collect();
        let middle = durations.len() / 2;
        let duration = *durations.select_nth_unstable_by(middle, f64::total_cmp).1;
        let tops = Tops::of(sounds);
        let groups = tops.pitches.len() as f64;
        Self {
            notes: sounds.len(),
            cover: (covered / length).min(1.0),
            polyphony: sounding / covered,
            chordal: tops.chords as f64 / groups,
            rate: groups / length,
            pitch,
            seconds: tops.share_of_steps(|step| (1..=2).contains(&step)),
            repeats: tops.share_of_steps(|step| step == 0),
            leaps: tops.share_of_steps(|step| step > 7),
            distinct: sounds.iter().fold(0u128, |pitches, sound| pitches | 1 << (sound.pitch & 127)).count_ones()
                as usize,
            duration,
            pitch_entropy: entropy(&tops.histogram()),
            rhythm_entropy: entropy(&tops.intervals),
        }
    }
}

/// The highest notes of all onsets.
struct Tops {
    pitches: Vec<u8>,
    /// How many onsets are of several notes.
    chords: usize,
    /// Histogram of sixteenths between onsets, the last class for everything longer.
    intervals: [usize; 33],
}

impl Tops {
    fn of(sounds: &[Sound]) -> Self {
        let mut tops = Self { pitches: Vec::new(), chords: 0, intervals: [0; 33] };
        let mut before: Option<f64> = None;
        for group in together(sounds) {
            tops.pitches.push(group.iter().map(|sound| sound.pitch).max().unwrap_or_default());
            tops.chords += usize::from(group.len() > 1);
            if let Some(before) = before {
                let sixteenths = ((group[0].onset - before) * 4.0).round() as usize;
                tops.intervals[sixteenths.min(32)] += 1;
            }
            before = Some(group[0].onset);
        }
        tops
    }

    fn share_of_steps(&self, wanted: impl Fn(u8) -> bool) -> f64 {
        let steps = self.pitches.windows(2).map(|pair| pair[0].abs_diff(pair[1]));
        steps.filter(|&step| wanted(step)).count() as f64 / self.pitches.len().saturating_sub(1).max(1) as f64
    }

    fn histogram(&self) -> [usize; 128] {
        let mut counts = [0; 128];
        self.pitches.iter().for_each(|&pitch| counts[usize::from(pitch.min(127))] += 1);
        counts
    }
}

fn entropy(counts: &[usize]) -> f64 {
    let all = counts.iter().sum::<usize>().max(1) as f64;
    let shares = counts.iter().filter(|&&count| count > 0).map(|&count| count as f64 / all);
    -shares.map(|share| share * share.log2()).sum::<f64>()
}

/// Which place a part has among those that sound with it.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Standing {
    /// Shares of its sounding time in which it has the lowest and the highest note of all.
    pub lowest: f64,
    pub highest: f64,
    /// Share of the song in which it sounds.
    pub active: f64,
}

/// Of every part, on a grid of eighths.
pub(super) fn standings(material: &Material<'_>, is_silent: impl Fn(usize) -> bool) -> Vec<Standing> {
    let slots = (material.end() * 2.0).ceil() as usize + 1;
    let mut lowest: Vec<Option<(u8, usize)>> = vec![None; slots];
    let mut highest: Vec<Option<(u8, usize)>> = vec![None; slots];
    let pitched: Vec<(usize, &Voice<'_>)> =
        material.voices.iter().enumerate().filter(|(index, voice)| voice.is_pitched() && !is_silent(*index)).collect();
    for &(index, voice) in &pitched {
        for sound in &voice.sounds {
            for slot in eighths(sound, slots) {
                if lowest[slot].is_none_or(|(pitch, _)| sound.pitch < pitch) {
                    lowest[slot] = Some((sound.pitch, index));
                }
                if highest[slot].is_none_or(|(pitch, _)| sound.pitch > pitch) {
                    highest[slot] = Some((sound.pitch, index));
                }
            }
        }
    }
    let mut standings = vec![Standing::default(); material.voices.len()];
    let mut seen: Vec<usize> = vec![usize::MAX; slots];
    for &(index, voice) in &pitched {
        let (mut active, mut low, mut high) = (0usize, 0usize, 0usize);
        for slot in voice.sounds.iter().flat_map(|sound| eighths(sound, slots)) {
            if std::mem::replace(&mut seen[slot], index) != index {
                active += 1;
                low += usize::from(lowest[slot].is_some_and(|(_, part)| part == index));
                high += usize::from(highest[slot].is_some_and(|(_, part)| part == index));
            }
        }
        let share = |count: usize| count as f64 / active.max(1) as f64;
        standings[index] =
            Standing { lowest: share(low), highest: share(high), active: active as f64 / slots.max(1) as f64 };
    }
    standings
}

fn eighths(sound: &Sound, slots: usize) -> std::ops::Range<usize> {
    let first = (sound.onset * 2.0 + 0.25) as usize;
    let last = ((sound.end * 2.0 - 0.25).ceil() as usize).max(first + 1);
    first.min(slots)..last.min(slots)
}
