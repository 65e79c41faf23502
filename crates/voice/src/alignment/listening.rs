//! One recording beside the rendition of its lines: how unlike each of its moments is each sound.

use std::ops::Range;

use lyrics::LyricLine;

use super::{
    accent::Accent,
    features::{self, BANDS, FEATURES, Features, HOP_SECONDS, RATE_HZ, Spectrum},
    reference::{Model, Rendition, Sound},
    search::{After, Costs, STATES, Wanted},
};
use crate::{VoiceError, phones::Manner};

/// Of the distance, for the changes of the cepstra; 1 for the cepstra.
const CHANGE_WEIGHT: f32 = 0.6;
/// Hearing a voice where there should be none, or none where there should be.
const VOICING_COST: f64 = 0.5;
/// A moment that is like nothing of a sound costs no more than this.
const MOST_COST: f64 = 5.0;
/// What a moment of a sound that was not asked for costs: more than a voice that is unlike the rendition, less than a wrong
/// sound.
const OTHER_COST: f64 = 1.5;
/// Nothing is heard so far below the loudest, in power.
const FLOOR: f64 = 1e-5;

/// A recording, listened to.
pub struct Heard {
    /// At [`RATE_HZ`].
    pub samples: Vec<f32>,
    spectrum: Spectrum,
    voiced: Vec<bool>,
    pub median_hz: Option<f64>,
}

impl Heard {
    pub fn new(samples: Vec<f32>) -> Self {
        let spectrum = Spectrum::of(&samples);
        let (voiced, median_hz) = features::voicing(&samples, spectrum.frames.len());
        Self { samples, spectrum, voiced, median_hz }
    }
}

/// One sound to be found, with what each of its states is like.
pub struct Target {
    pub sound: Sound,
    pub line: usize,
    pub states: [Features; STATES],
}

/// A recording beside what it should say.
pub struct Listening {
    pub targets: Vec<Target>,
    /// The recording's features, every frame and every few frames.
    fine: Track,
    coarse: Track,
    /// What a squared difference of each feature counts.
    weights: Features,
    silence: Features,
}

struct Track {
    stride: usize,
    features: Vec<Features>,
    /// Share of each frame that has a voice.
    voiced: Vec<f32>,
}

/// Frames of a coarse track are so many fine ones.
pub const COARSE: usize = 4;

impl Listening {
    /// `lines` are the sung ones of the recording, with their places in the song.
    ///
    /// # Errors
    /// As [`Model::say`].
    pub fn new(heard: &Heard, lines: &[(usize, &LyricLine)], model: &Model<'_>) -> Result<Self, VoiceError> {
        let said = lines.iter().map(|(_, line)| model.say(line)).collect::<Result<Vec<Rendition>, _>>()?;
        let spectra: Vec<Spectrum> = said.iter().map(|said| Spectrum::of(&said.samples)).collect();
        let (loud, _) = heard.spectrum.loud();
        let quiet = heard.spectrum.quiet();
        let level = loud.iter().sum::<f64>() / BANDS as f64;
        let mut floor = [0.0; BANDS];
        for (band, slot) in floor.iter_mut().enumerate() {
            *slot = quiet[band].min(0.5 * loud[band]).max(FLOOR * level).max(1e-12);
        }
        let own = reference_loud(&spectra);
        let mut gain = [0.0; BANDS];
        for (band, slot) in gain.iter_mut().enumerate() {
            *slot = (loud[band] - floor[band]).max(0.05 * loud[band]) / own[band].max(1e-12);
        }
        let mut targets = Vec::new();
        for ((said, spectrum), (line, _)) in said.iter().zip(&spectra).zip(lines) {
            let features = spectrum.features(&gain, &floor);
            let target = |sound: &Sound| Target { sound: *sound, line: *line, states: states(&features, sound) };
            targets.extend(said.sounds.iter().map(target));
        }
        // The reference has silence where nothing is added to the floor; the recording has the floor already.
        let least: features::Bands = floor.map(|floor| 0.1 * floor);
        let features = heard.spectrum.features(&[1.0; BANDS], &least);
        let weights = weights(&features, heard);
        let silence = silence(&features, &heard.spectrum, &floor);
        let voiced: Vec<f32> = heard.voiced.iter().map(|voiced| f32::from(u8::from(*voiced))).collect();
        let coarse = Track {
            stride: COARSE,
            features: features.chunks(COARSE).map(mean).collect(),
            voiced: voiced.chunks(COARSE).map(|part| part.iter().sum::<f32>() / part.len() as f32).collect(),
        };
        Ok(Self { targets, fine: Track { stride: 1, features, voiced }, coarse, weights, silence })
    }

    /// What is looked for, at `pace` times the expected lengths.
    pub fn wanted(&self, pace: f64) -> Vec<Wanted> {
        let after = |index: usize| {
            let (own, next) = (&self.targets[index], self.targets.get(index + 1));
            match next {
                Some(next) if next.line == own.line && !own.sound.is_word_end => After::Nothing,
                Some(next) if next.line == own.line => After::Silence,
                _ => After::Anything,
            }
        };
        let wanted = |(index, target): (usize, &Target)| Wanted {
            seconds: pace * target.sound.expected_seconds,
            after: after(index),
        };
        self.targets.iter().enumerate().map(wanted).collect()
    }

    /// Seconds in which somebody makes a sound.
    pub fn active_seconds(&self) -> f64 {
        let is_silent = |frame: &&Features| self.distance(frame, &self.silence) < 1.0;
        let silent = self.fine.features.iter().filter(is_silent).count();
        (self.fine.features.len() - silent) as f64 * HOP_SECONDS
    }

    /// Teaches how somebody speaks, from where the sounds of the recording were found.
    pub fn teach(&self, accent: &mut Accent, found: &[Range<usize>]) {
        for (target, frames) in self.targets.iter().zip(found) {
            for (state, meant) in target.states.iter().enumerate() {
                let at = |state: usize| frames.start + state * frames.len() / STATES;
                let Some(heard) = self.heard(at(state)..at(state + 1)) else { continue };
                let mut difference = heard;
                difference.iter_mut().zip(meant).for_each(|(heard, meant)| *heard -= meant);
                accent.note(target.sound.phone, state, &difference);
            }
        }
    }

    pub fn costs<'a>(&'a self, accent: &'a Accent, is_coarse: bool) -> Moments<'a> {
        let track = if is_coarse { &self.coarse } else { &self.fine };
        let states = self.targets.iter().map(|target| accent.applied(target.sound.phone, &target.states)).collect();
        Moments { listening: self, track, states }
    }

    /// The mean of the recording's features over some frames.
    pub fn heard(&self, frames: std::ops::Range<usize>) -> Option<Features> {
        self.fine.features.get(frames).filter(|part| !part.is_empty()).map(mean)
    }

    fn distance(&self, a: &Features, b: &Features) -> f64 {
        let mut sum = 0.0;
        for at in 0..FEATURES {
            sum += (a[at] - b[at]).powi(2) * self.weights[at];
        }
        f64::from(sum)
    }
}

/// The cost of each moment of a recording for each sound.
pub struct Moments<'a> {
    listening: &'a Listening,
    track: &'a Track,
    states: Vec<[Features; STATES]>,
}

impl Moments<'_> {
    /// The cost of the sound that a moment is most like, whichever that is.
    pub fn best(&self, frame: usize) -> f64 {
        let of = |sound: usize| {
            let own = (0..STATES).map(move |state| self.sound(sound, state, frame));
            own.fold(f64::INFINITY, f64::min)
        };
        (0..self.states.len()).map(of).fold(self.silence(frame), f64::min)
    }

    fn voicing(&self, frame: usize, wanted: Option<bool>) -> f64 {
        let voiced = f64::from(self.track.voiced[frame]);
        match wanted {
            Some(true) => VOICING_COST * (1.0 - voiced),
            Some(false) => VOICING_COST * voiced,
            None => 0.0,
        }
    }
}

impl Costs for Moments<'_> {
    fn frames(&self) -> usize {
        self.track.features.len()
    }

    fn frame_seconds(&self) -> f64 {
        self.track.stride as f64 * HOP_SECONDS
    }

    fn sound(&self, sound: usize, state: usize, frame: usize) -> f64 {
        let wanted = match self.listening.targets[sound].sound.phone.manner {
            Manner::Vowel { .. } | Manner::Approximant | Manner::Nasal { .. } => Some(true),
            Manner::Fricative { voiced: false }
            | Manner::Stop { voiced: false }
            | Manner::Affricate { voiced: false } => Some(false),
            _ => None,
        };
        let distance = self.listening.distance(&self.track.features[frame], &self.states[sound][state]);
        (distance + self.voicing(frame, wanted)).min(MOST_COST) * self.track.stride as f64
    }

    fn silence(&self, frame: usize) -> f64 {
        let distance = self.listening.distance(&self.track.features[frame], &self.listening.silence);
        (distance + self.voicing(frame, Some(false))).min(MOST_COST) * self.track.stride as f64
    }

    fn other(&self, _frame: usize) -> f64 {
        OTHER_COST * self.track.stride as f64
    }
}

/// Mean power of each band where the renditions are loud.
fn reference_loud(spectra: &[Spectrum]) -> features::Bands {
    let mut mean = [0.0; BANDS];
    let mut all = 0;
    for (bands, count) in spectra.iter().map(Spectrum::loud) {
        mean.iter_mut().zip(bands).for_each(|(mean, power)| *mean += power * count as f64);
        all += count;
    }
    mean.map(|sum| sum / all.max(1) as f64)
}

/// What a sound is like as it begins, is held, and ends.
fn states(features: &[Features], sound: &Sound) -> [Features; STATES] {
    let last = features.len().saturating_sub(1);
    let at = |share: f64| ((sound.start + share * (sound.end - sound.start)) / HOP_SECONDS).round() as usize;
    std::array::from_fn(|state| {
        let from = at(state as f64 / STATES as f64).min(last);
        let to = at((state + 1) as f64 / STATES as f64).min(features.len()).max(from + 1);
        mean(&features[from..to])
    })
}

/// Features count against how much they vary while somebody speaks; all weights together are 1.
fn weights(features: &[Features], heard: &Heard) -> Features {
    let (_, loud) = heard.spectrum.loud();
    let totals: Vec<f64> = heard.spectrum.frames.iter().map(|bands| bands.iter().sum()).collect();
    let least = features::percentile(&totals, 1.0 - loud as f64 / totals.len().max(1) as f64);
    let spoken: Vec<Features> =
        features.iter().zip(&totals).filter(|(_, total)| **total >= least).map(|(features, _)| *features).collect();
    let middle = mean(&spoken);
    let mut weights = [0.0; FEATURES];
    for (at, weight) in weights.iter_mut().enumerate() {
        let variance = spoken.iter().map(|f| (f[at] - middle[at]).powi(2)).sum::<f32>() / spoken.len().max(1) as f32;
        let share = if at < FEATURES / 2 { 1.0 } else { CHANGE_WEIGHT };
        *weight = share / (variance.max(1e-6) * (1.0 + CHANGE_WEIGHT) * (FEATURES / 2) as f32);
    }
    weights
}

/// What it is like when nobody speaks: the frames near the floor, or the floor itself.
fn silence(features: &[Features], spectrum: &Spectrum, floor: &features::Bands) -> Features {
    let level: f64 = floor.iter().sum();
    let quiet = spectrum.frames.iter().zip(features).filter(|(bands, _)| bands.iter().sum::<f64>() < 3.0 * level);
    let quiet: Vec<Features> = quiet.map(|(_, features)| *features).collect();
    if quiet.len() > 10 {
        return mean(&quiet);
    }
    let flat = Spectrum { frames: vec![[0.0; BANDS]] };
    flat.features(&[1.0; BANDS], floor).first().copied().unwrap_or([0.0; FEATURES])
}

pub fn mean(features: &[Features]) -> Features {
    let mut mean = [0.0; FEATURES];
    for frame in features {
        mean.iter_mut().zip(frame).for_each(|(mean, value)| *mean += value);
    }
    mean.map(|sum| sum / features.len().max(1) as f32)
}

/// Samples of any rate as they are listened to.
pub fn at_own_rate(samples: &[f32], sample_rate_hz: u32) -> Vec<f32> {
    if sample_rate_hz == RATE_HZ {
        return samples.to_vec();
    }
    pitch::f0::Resampler::new(sample_rate_hz, RATE_HZ).convert(samples)
}
