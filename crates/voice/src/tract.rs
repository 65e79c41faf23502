//! From timed phones to the movements of a vocal tract: formants, voicing, breath and noise over time.

use super::{
    curve::Curve,
    phones::{Band, FORMANTS, Manner, Phone, Shape},
    throat::Throat,
    timing::{Segment, Stretch},
};

/// Level of each sort of voiced sound, 1 for a vowel.
const APPROXIMANT_LEVEL: f64 = 0.8;
const NASAL_LEVEL: f64 = 0.75;
const VOICED_FRICATIVE_LEVEL: f64 = 0.45;
/// Voicing that goes on behind a closed mouth.
const VOICE_BAR_LEVEL: f64 = 0.35;

/// Breath noise through the tract.
const VOWEL_BREATH: f64 = 0.012;
const ASPIRATION: f64 = 0.055;
const H_BREATH: f64 = 0.06;

/// Extra spectral tilt at 3 kHz in dB: nothing but the lowest harmonics leaves a closed mouth.
const CLOSED_TILT_DB: f64 = 34.0;
const NARROW_TILT_DB: f64 = 15.0;

/// A stretch of turbulence noise with its own colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    pub start: f64,
    pub end: f64,
    pub attack: f64,
    pub release: f64,
    pub gain: f64,
    pub bands: Vec<Band>,
    /// Below this there is nothing.
    pub floor_hz: f64,
    /// Pulses with the voice.
    pub is_voiced: bool,
}

/// Everything the tract does, over the whole song.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Movements {
    pub hz: [Curve; FORMANTS],
    pub bandwidth_hz: [Curve; FORMANTS],
    /// Amplitude of the voice.
    pub voicing: Curve,
    pub breath: Curve,
    pub tilt_db: Curve,
    /// 0: the nose is shut; 1: the sound leaves by the nose.
    pub nasality: Curve,
    pub zero_hz: Curve,
    /// In order of their start.
    pub noises: Vec<Noise>,
}

/// Plans the movements. `gain_of` gives the loudness and `pitch_hz_of` the pitch of a syllable.
pub fn movements(
    stretches: &[Stretch],
    throat: &Throat,
    gain_of: &dyn Fn(usize) -> f64,
    pitch_hz_of: &dyn Fn(usize) -> f64,
) -> Movements {
    let mut plan = Movements::default();
    for stretch in stretches {
        let mut planner = Planner { plan: &mut plan, stretch, throat, gain_of, pitch_hz_of };
        planner.articulate();
        planner.sound();
    }
    plan.noises.sort_by(|a, b| a.start.total_cmp(&b.start));
    plan
}

/// A part of a segment in which nothing changes but by the ramps at its ends.
struct Plateau {
    start: f64,
    voicing: f64,
    breath: f64,
    tilt_db: f64,
    /// Seconds of the change into this part.
    ramp: f64,
}

struct Planner<'a> {
    plan: &'a mut Movements,
    stretch: &'a Stretch,
    throat: &'a Throat,
    gain_of: &'a dyn Fn(usize) -> f64,
    pitch_hz_of: &'a dyn Fn(usize) -> f64,
}

impl Planner<'_> {
    fn segments(&self) -> &[Segment] {
        &self.stretch.segments
    }

    fn vowel_before(&self, index: usize) -> Option<&Segment> {
        self.segments()[..index].iter().rev().find(|s| s.phone.is_vowel())
    }

    fn vowel_after(&self, index: usize) -> Option<&Segment> {
        self.segments()[index + 1..].iter().find(|s| s.phone.is_vowel())
    }

    /// The shape at the end of the vowel before, or at the start of the vowel after.
    fn beside(&self, index: usize, at_start: bool) -> Option<Shape> {
        let before = self.vowel_before(index).map(|s| end_shape(s.phone));
        let after = self.vowel_after(index).map(|s| s.phone.shape);
        if at_start { before.or(after) } else { after.or(before) }
    }

    fn articulate(&mut self) {
        for index in 0..self.segments().len() {
            let segment = self.segments()[index];
            match segment.phone.manner {
                Manner::Vowel { to } => self.shape_vowel(index, &segment, to),
                _ => {
                    let first = segment.phone.shape_beside(self.beside(index, true).as_ref());
                    let last = segment.phone.shape_beside(self.beside(index, false).as_ref());
                    let release = release_of(&segment, self.is_unaspirated(index)).min(segment.end);
                    self.key(segment.start, &dark(&first, &segment), [1.0; FORMANTS]);
                    self.key(release, &dark(&last, &segment), [1.0; FORMANTS]);
                }
            }
            let (nasality, zero_hz) = match segment.phone.manner {
                Manner::Nasal { zero_hz } => (1.0, Some(zero_hz)),
                _ => (0.0, None),
            };
            self.nose(&segment, nasality, zero_hz);
        }
    }

    fn shape_vowel(&mut self, index: usize, segment: &Segment, to: Option<Shape>) {
        let count = self.segments().len();
        let most = 0.42 * segment.seconds();
        let into = (index > 0).then(|| self.segments()[index - 1]);
        let out_of = (index + 1 < count).then(|| self.segments()[index + 1]);
        // The tongue left the consonant at its release, before the vowel sounds.
        let time_in = into.map_or(0.0, |c| {
            let lead = segment.start - release_of(&c, self.is_unaspirated(index - 1)).min(segment.start);
            (c.phone.transition_seconds() - 0.5 * lead).clamp(0.015, most.max(0.016))
        });
        let time_out = out_of.map_or(0.0, |c| c.phone.transition_seconds().min(most));
        let shape = segment.phone.shape;
        // F1 tells the opening of the mouth, which is quicker than the tongue.
        let quick = [0.6, 1.0, 1.0, 1.0];
        self.key_at(segment.start, time_in, &shape, quick, 1.0);
        let end = to.unwrap_or(shape);
        if to.is_some() {
            let glide = (0.5 * segment.seconds()).clamp(0.03, 0.24).min(segment.seconds() * 0.6);
            let from = (segment.end - time_out - glide).max(segment.start + time_in);
            self.key(from, &shape, [1.0; FORMANTS]);
        }
        self.key_at(segment.end, time_out, &end, quick, -1.0);
    }

    /// A key point `seconds` after (or, with `sign` −1, before) a boundary, each formant at its own speed.
    fn key_at(&mut self, boundary: f64, seconds: f64, shape: &Shape, speed: [f64; FORMANTS], sign: f64) {
        for (i, speed) in speed.into_iter().enumerate() {
            self.plan.hz[i].point(boundary + sign * seconds * speed, shape.hz[i]);
            self.plan.bandwidth_hz[i].point(boundary + sign * seconds * speed, shape.bandwidth_hz[i]);
        }
    }

    fn key(&mut self, seconds: f64, shape: &Shape, speed: [f64; FORMANTS]) {
        self.key_at(seconds, 0.0, shape, speed, 1.0);
    }

    fn nose(&mut self, segment: &Segment, nasality: f64, zero_hz: Option<f64>) {
        if let Some(zero) = zero_hz {
            let lead = 0.04;
            self.plan.zero_hz.hold_until(segment.start - lead - 0.01);
            self.plan.zero_hz.point(segment.start - lead, zero);
            self.plan.nasality.point(segment.start - lead, 0.0);
            self.plan.nasality.point(segment.start + 0.008, nasality);
            self.plan.nasality.point(segment.end - 0.008, nasality);
            self.plan.nasality.point(segment.end + 0.03, 0.0);
            self.plan.zero_hz.hold_until(segment.end + 0.03);
        }
    }

    fn is_unaspirated(&self, index: usize) -> bool {
        let before = index.checked_sub(1).map(|i| self.segments()[i]);
        let after = self.segments().get(index + 1);
        before.is_some_and(|b| b.phone.name == "S" && b.is_coda == self.segments()[index].is_coda)
            || after.is_some_and(|a| {
                matches!(a.phone.manner, Manner::Fricative { .. } | Manner::Stop { .. } | Manner::Affricate { .. })
            })
    }

    /// Voicing, breath and noise.
    fn sound(&mut self) {
        let mut plateaus: Vec<Plateau> = Vec::new();
        for index in 0..self.segments().len() {
            let segment = self.segments()[index];
            let gain = (self.gain_of)(segment.syllable) * self.evenness(index);
            match segment.phone.manner {
                Manner::Vowel { .. } => plateaus.push(Plateau {
                    start: segment.start,
                    voicing: gain,
                    breath: gain * VOWEL_BREATH * self.throat.breathiness,
                    tilt_db: 0.0,
                    ramp: self.vowel_ramp(index),
                }),
                Manner::Approximant => plateaus.push(plateau(segment.start, gain * APPROXIMANT_LEVEL, 0.0, 1.5, 0.03)),
                Manner::Nasal { .. } => plateaus.push(plateau(segment.start, gain * NASAL_LEVEL, 0.0, 6.0, 0.014)),
                Manner::Breath => plateaus.push(plateau(segment.start, gain * 0.04, gain * H_BREATH, 6.0, 0.025)),
                Manner::Fricative { voiced } => {
                    let voice = if voiced { gain * VOICED_FRICATIVE_LEVEL } else { 0.0 };
                    plateaus.push(plateau(segment.start, voice, 0.0, NARROW_TILT_DB, 0.022));
                    let release = if segment.is_coda { 0.04 } else { 0.016 };
                    self.noise(&segment, segment.start - 0.008, segment.end + 0.006, (0.03, release), gain, voiced);
                }
                Manner::Stop { voiced } => self.stop(index, &segment, gain, voiced, &mut plateaus),
                Manner::Affricate { voiced } => {
                    let release = release_of(&segment, false);
                    let bar = if voiced { gain * VOICE_BAR_LEVEL } else { 0.0 };
                    plateaus.push(plateau(segment.start, bar, 0.0, CLOSED_TILT_DB, 0.012));
                    plateaus.push(plateau(release, bar, 0.0, NARROW_TILT_DB, 0.012));
                    self.noise(&segment, release, segment.end + 0.006, (0.004, 0.03), gain * 1.1, voiced);
                }
            }
        }
        self.ramp_between(&plateaus);
    }

    fn stop(&mut self, index: usize, segment: &Segment, gain: f64, voiced: bool, plateaus: &mut Vec<Plateau>) {
        let short = self.is_unaspirated(index);
        let release = release_of(segment, short);
        let bar = if voiced { gain * VOICE_BAR_LEVEL } else { 0.0 };
        plateaus.push(plateau(segment.start, bar, 0.0, CLOSED_TILT_DB, 0.014));
        let weak = if segment.is_coda { 0.7 } else { 1.0 };
        let breath = match (voiced, short) {
            (false, false) => gain * ASPIRATION * weak,
            (false, true) => gain * ASPIRATION * 0.4 * weak,
            (true, _) => 0.0,
        };
        let voice = if voiced && !segment.is_coda { gain * 0.6 } else { 0.0 };
        plateaus.push(plateau(release, voice, breath, if voiced { 4.0 } else { 0.0 }, 0.005));
        let burst = if voiced { 0.014 } else { 0.022 };
        self.noise(segment, release, release + burst, (0.0015, burst * 0.75), gain * weak, false);
        if !voiced && !short && segment.phone.name != "P" {
            // The tongue leaves slowly: hiss of its place goes on under the breath.
            self.noise(segment, release, segment.end, (0.004, 0.035), gain * weak * 0.18, false);
        }
    }

    fn noise(
        &mut self,
        segment: &Segment,
        start: f64,
        end: f64,
        (attack, release): (f64, f64),
        gain: f64,
        voiced: bool,
    ) {
        let mut bands: Vec<Band> = segment.phone.noise.to_vec();
        if matches!(segment.phone.name, "K" | "G") {
            let index = self.segments().iter().position(|s| s == segment).unwrap_or(0);
            let pinch = segment.phone.shape_beside(self.beside(index, segment.is_coda).as_ref()).hz[1];
            bands.insert(
                0,
                Band { hz: pinch, width_hz: 300.0, db: if segment.phone.name == "K" { -25.0 } else { -27.0 } },
            );
        }
        let seconds = (end - start).max(0.002);
        self.plan.noises.push(Noise {
            start,
            end: start + seconds,
            attack: attack.min(seconds * 0.5),
            release: release.min(seconds * 0.5),
            gain,
            bands,
            floor_hz: segment.phone.noise_floor_hz(),
            is_voiced: voiced,
        });
    }

    /// Seconds in which the voice comes in at a vowel.
    fn vowel_ramp(&self, index: usize) -> f64 {
        match index.checked_sub(1).map(|i| self.segments()[i].phone) {
            None => 0.045,
            Some(before) => match before.manner {
                Manner::Vowel { .. } => 0.04,
                Manner::Approximant => 0.035,
                Manner::Nasal { .. } => 0.014,
                Manner::Stop { voiced: true } => 0.012,
                Manner::Breath => 0.03,
                _ => 0.016,
            },
        }
    }

    /// Gain that brings vowels nearer to one loudness; a consonant takes that of its vowel.
    fn evenness(&self, index: usize) -> f64 {
        let segments = self.segments();
        let own = segments[index].syllable;
        let vowel = segments
            .iter()
            .find(|s| s.syllable == own && s.phone.is_vowel())
            .or_else(|| segments.iter().find(|s| s.phone.is_vowel()));
        vowel.map_or(1.0, |v| self.throat.evenness(&v.phone.shape, (self.pitch_hz_of)(v.syllable)))
    }

    fn ramp_between(&mut self, plateaus: &[Plateau]) {
        let (start, end) = (self.stretch.start(), self.stretch.end());
        let Some(first) = plateaus.first() else { return };
        let lead = first.ramp;
        for (curve, value) in self.channels(first) {
            curve.point(start - lead, 0.0);
            curve.point(start, value);
        }
        for index in 1..plateaus.len() {
            let plateau = &plateaus[index];
            let next = plateaus.get(index + 1).map_or(end, |p| p.start);
            let before = plateau.start - plateaus[index - 1].start;
            let half = 0.5 * plateau.ramp.min(before).min(next - plateau.start).max(0.002);
            for (curve, value) in self.channels(plateau) {
                curve.hold_until(plateau.start - half);
                curve.point(plateau.start + half, value);
            }
        }
        let last = plateaus.last().map_or(start, |p| p.start);
        let fade: f64 = if self.stretch.is_phrase_end { 0.12 } else { 0.06 };
        let fade = fade.min(0.5 * (end - last)).max(0.005);
        for curve in [&mut self.plan.voicing, &mut self.plan.breath] {
            curve.hold_until(end - fade);
            curve.point(end + 0.01, 0.0);
        }
    }

    fn channels(&mut self, plateau: &Plateau) -> [(&mut Curve, f64); 3] {
        [
            (&mut self.plan.voicing, plateau.voicing),
            (&mut self.plan.breath, plateau.breath),
            (&mut self.plan.tilt_db, plateau.tilt_db),
        ]
    }
}

fn plateau(start: f64, voicing: f64, breath: f64, tilt_db: f64, ramp: f64) -> Plateau {
    Plateau { start, voicing, breath, tilt_db, ramp }
}

fn end_shape(phone: &Phone) -> Shape {
    match phone.manner {
        Manner::Vowel { to: Some(to) } => to,
        _ => phone.shape,
    }
}

/// An l or r after its vowel is darker than one before it.
fn dark(shape: &Shape, segment: &Segment) -> Shape {
    let mut shape = *shape;
    match (segment.phone.name, segment.is_coda) {
        ("L", true) => {
            shape.hz[0] = 460.0;
            shape.hz[1] = 0.75 * 830.0 + 0.25 * shape.hz[1];
        }
        ("R", true) => {
            shape.hz[0] = 440.0;
            shape.hz[1] = 0.5 * shape.hz[1] + 0.5 * 1320.0;
            shape.hz[2] = 1650.0;
        }
        _ => {}
    }
    shape
}

/// The moment at which a closure opens; the end for a phone without closure.
fn release_of(segment: &Segment, is_short: bool) -> f64 {
    let share = match segment.phone.manner {
        Manner::Stop { voiced: true } if segment.is_coda => 0.8,
        Manner::Stop { voiced: true } => 0.9,
        Manner::Stop { voiced: false } if is_short => 0.8,
        Manner::Stop { voiced: false } if segment.is_coda => 0.62,
        Manner::Stop { voiced: false } => 0.5,
        Manner::Affricate { .. } => 0.4,
        _ => 1.0,
    };
    segment.start + share * segment.seconds()
}
