//! Spoken sounds over sung ones: which moment of speech sounds at which moment of the song, and with what spectrum.

use std::ops::Range;

use super::{
    SAMPLE_RATE_HZ,
    brightness::Brightness,
    curve::{Curve, CurveReader, smooth_step},
    formant::BREATH,
    intonation::Intonation,
    phones::Manner,
    spoken::{Recital, Span},
    timing::{Segment, Stretch},
};
use crate::vocoder::{self, Excitation, Frame, HOP_SECONDS};

/// This much of a vowel's beginning and end keeps its speed.
const KEPT_SECONDS: f64 = 0.045;
/// The share of a vowel that may be kept so.
const KEPT_SHARE: f64 = 0.35;
/// Diphthongs stay on their first sound and move to the second at the end: so much of them is kept there.
const GLIDE_SHARE: f64 = 0.5;
/// Sounds that were not spoken one after the other are blended over twice this time.
const BLEND_SECONDS: f64 = 0.012;
const FADE_IN_SECONDS: f64 = 0.012;
const FADE_OUT_SECONDS: f64 = 0.035;
const PHRASE_END_SECONDS: f64 = 0.09;
/// Noise in the bands of a sung vowel, at most: a sung vowel is clearer than a spoken one.
const MOST_VOWEL_NOISE: [f64; vocoder::BANDS] = [0.01, 0.05, 0.15, 0.35, 0.5, 0.7];

/// One sound of the song with where it was spoken.
#[derive(Clone, Copy)]
struct Piece {
    segment: Segment,
    span: Span,
}

impl Piece {
    /// The moment of speech for a moment of the song, which may lie a little outside of the piece.
    fn spoken_at(&self, seconds: f64) -> f64 {
        let (sung, said) = (self.segment.seconds().max(1e-6), self.span.seconds());
        let into = seconds - self.segment.start;
        if into < 0.0 || into > sung {
            return (self.span.start + if into < 0.0 { into } else { said + into - sung }).max(0.0);
        }
        if !self.segment.phone.is_vowel() || sung <= said {
            return self.span.start + into * said / sung;
        }
        let is_diphthong = matches!(self.segment.phone.manner, Manner::Vowel { to: Some(_) });
        let head = KEPT_SECONDS.min(KEPT_SHARE * said);
        let tail = if is_diphthong { GLIDE_SHARE * said } else { KEPT_SECONDS.min(KEPT_SHARE * said) };
        let place = if into < head {
            into
        } else if into > sung - tail {
            said - (sung - into)
        } else {
            head + (into - head) * (said - head - tail) / (sung - head - tail)
        };
        self.span.start + place
    }

    fn is_voiced(&self, frame: &Frame) -> bool {
        match self.segment.phone.manner {
            Manner::Vowel { .. } | Manner::Approximant | Manner::Nasal { .. } => true,
            Manner::Stop { voiced } | Manner::Affricate { voiced } | Manner::Fricative { voiced } => {
                voiced && frame.voiced
            }
            Manner::Breath => false,
        }
    }
}

/// A song for a spoken voice.
pub struct Score<'a> {
    pub recital: &'a Recital,
    /// Power of each syllable in nats, against as it was spoken.
    pub gains: &'a [f64],
    pub stretches: &'a [Stretch],
    pub pitch: &'a Intonation,
    pub seconds: f64,
    /// Where to breathe.
    pub breaths: Vec<Range<f64>>,
    pub seed: u64,
}

/// Sings a score, dry.
pub fn sing(score: &Score<'_>, progress: &mut dyn FnMut(f64)) -> Vec<f32> {
    let gain = gain_curve(score);
    let mut singer = Singer {
        score,
        pieces: pieces(score),
        next: 0,
        gain: gain.reader(),
        brightness: Brightness::new(SAMPLE_RATE_HZ),
        spoken: vec![0.0; vocoder::BINS],
        other: vec![0.0; vocoder::BINS],
    };
    let count = (score.seconds * f64::from(SAMPLE_RATE_HZ)).ceil() as usize;
    vocoder::synthesize(count, SAMPLE_RATE_HZ, score.seed, &mut |at, out| singer.sound(at, out), progress)
}

fn pieces(score: &Score<'_>) -> Vec<Piece> {
    let segments = score.stretches.iter().flat_map(|stretch| stretch.segments.iter().copied());
    let spans = score.recital.spans.iter().copied();
    segments.zip(spans).map(|(segment, span)| Piece { segment, span }).collect()
}

/// Level over time in nats of power: that of each syllable on its vowel, between them in between, nothing in rests.
fn gain_curve(score: &Score<'_>) -> Curve {
    let mut curve = Curve::default();
    let nothing = -24.0;
    for stretch in score.stretches {
        curve.point(stretch.start() - FADE_IN_SECONDS, nothing);
        let fade = if stretch.is_phrase_end { PHRASE_END_SECONDS } else { FADE_OUT_SECONDS };
        let first = stretch.segments.first().map_or(0, |s| s.syllable);
        curve.point(stretch.start(), score.gains.get(first).copied().unwrap_or(0.0));
        for segment in stretch.segments.iter().filter(|s| s.phone.is_vowel()) {
            let level = score.gains.get(segment.syllable).copied().unwrap_or(0.0);
            let inset = (0.3 * segment.seconds()).min(0.04);
            curve.point(segment.start + inset, level);
            curve.hold_until(segment.end - inset);
        }
        let last = stretch.segments.last().filter(|s| s.phone.is_vowel());
        curve.hold_until(last.map_or(stretch.end(), |s| (s.end - fade).max(s.start + 0.5 * s.seconds())));
        curve.point(stretch.end() + if last.is_some() { 0.01 } else { FADE_OUT_SECONDS }, nothing);
    }
    curve
}

struct Singer<'a> {
    score: &'a Score<'a>,
    pieces: Vec<Piece>,
    /// The piece that sounds, or the next one.
    next: usize,
    gain: CurveReader<'a>,
    brightness: Brightness,
    spoken: Vec<f32>,
    other: Vec<f32>,
}

impl Singer<'_> {
    /// Fills in what sounds at a moment of the song.
    fn sound(&mut self, seconds: f64, out: &mut Excitation) {
        while self.pieces.get(self.next).is_some_and(|piece| piece.segment.end + FADE_OUT_SECONDS <= seconds)
            || self.pieces.get(self.next + 1).is_some_and(|piece| piece.segment.start <= seconds)
        {
            self.next += 1;
        }
        let gain = self.gain.at(seconds);
        let inside = self.pieces.get(self.next).filter(|p| p.segment.start - FADE_IN_SECONDS <= seconds);
        let Some(piece) = inside else {
            self.breathe(seconds, out);
            return;
        };
        let (mut noise, voiced) = self.score.spoken(piece, seconds, &mut self.spoken);
        if let Some((neighbour, share)) = self.neighbour(seconds) {
            self.score.spoken(&neighbour, seconds, &mut self.other);
            for (own, other) in self.spoken.iter_mut().zip(&self.other) {
                *own += (other - *own) * share as f32;
            }
        }
        if piece.segment.phone.is_vowel() {
            noise.iter_mut().zip(MOST_VOWEL_NOISE).for_each(|(noise, most)| *noise = noise.min(most));
        }
        out.f0_hz = voiced.then(|| self.score.pitch.hz_at(seconds));
        self.brightness.fill(&self.spoken, &noise, voiced, gain, out);
    }

    /// A piece across a join that was not spoken as one, and its share in the sound, up to a half.
    fn neighbour(&self, seconds: f64) -> Option<(Piece, f64)> {
        let own = &self.pieces[self.next];
        let near = |other: &Piece, apart: f64, gap: f64| {
            let joined = other.span.line == own.span.line && gap.abs() < 1e-6;
            let far = (other.segment.end - own.segment.start).abs().min((own.segment.end - other.segment.start).abs());
            (!joined && far < 1e-3 && apart < BLEND_SECONDS).then(|| 0.5 * (1.0 - smooth_step(apart / BLEND_SECONDS)))
        };
        let before = self.next.checked_sub(1).map(|i| &self.pieces[i]);
        let before = before.and_then(|other| {
            near(other, seconds - own.segment.start, own.span.start - other.span.end).map(|share| (*other, share))
        });
        before.or_else(|| {
            let other = self.pieces.get(self.next + 1)?;
            near(other, own.segment.end - seconds, other.span.start - own.span.end).map(|share| (*other, share))
        })
    }

    fn breathe(&self, seconds: f64, out: &mut Excitation) {
        let breath = self.score.breaths.iter().find(|breath| breath.contains(&seconds));
        let level =
            breath.map_or(0.0, |b| smooth_step((seconds - b.start) / 0.12) * smooth_step((b.end - seconds) / 0.1));
        out.f0_hz = None;
        for (bin, log) in out.log_power.iter_mut().enumerate() {
            let hz = Excitation::hz_of(bin, SAMPLE_RATE_HZ);
            let power: f64 = BREATH
                .iter()
                .map(|band| 10f64.powf(band.db / 10.0) / (1.0 + ((hz - band.hz) / (0.5 * band.width_hz)).powi(2)))
                .sum();
            *log = if level > 0.0 { (2e-2 * level * level * power + 1e-12).ln() } else { -60.0 };
        }
    }
}

impl Score<'_> {
    /// Writes the spectrum of a piece, and tells its noise and whether it is voiced.
    fn spoken(&self, piece: &Piece, seconds: f64, out: &mut [f32]) -> ([f64; vocoder::BANDS], bool) {
        let frames = &self.recital.lines[piece.span.line].frames;
        let place = piece.spoken_at(seconds) / HOP_SECONDS;
        let low = (place as usize).min(frames.len() - 1);
        let high = (low + 1).min(frames.len() - 1);
        let share = place.fract() as f32;
        let (a, b) = (&frames[low], &frames[high]);
        for (slot, (a, b)) in out.iter_mut().zip(a.log_power.iter().zip(&b.log_power)) {
            *slot = a + (b - a) * share;
        }
        let mut noise = [0.0; vocoder::BANDS];
        for (band, slot) in noise.iter_mut().enumerate() {
            *slot = f64::from(a.noise[band] + (b.noise[band] - a.noise[band]) * share);
        }
        (noise, piece.is_voiced(if share < 0.5 { a } else { b }))
    }
}
