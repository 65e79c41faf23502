//! When each sound of known words is made in a recording of somebody who tells no times.
//!
//! The words are said by the formant voice, whose times are known, and the recording is held against that: level, channel
//! and noise of the recording are put on the rendition, the likeliest division of the recording is searched, what the
//! speaker does otherwise is learned from it, and it is searched again. What does not fit is refused. No model, no IO.

mod accent;
mod features;
mod listening;
mod plausible;
mod reference;
mod search;

use std::ops::Range;

use lyrics::LyricLine;

pub use self::reference::{LOW_BELOW_HZ, Model};
use self::{
    accent::Accent,
    features::{HOP_SECONDS, RATE_HZ},
    listening::{COARSE, Heard, Listening, at_own_rate},
    search::search,
};
use crate::{Utterance, VoiceError};

/// How often the speaker's manner is learned and the search repeated.
const ROUNDS: usize = 3;
/// A fine search moves the result of a coarser one no further.
const REACH_SECONDS: f64 = 0.15;
/// Sound that is kept before and after a line.
const MARGIN_SECONDS: f64 = 0.06;
/// Longer recordings are no parts of a song text.
const MOST_SECONDS: f64 = 240.0;

/// A recording of some lines.
pub struct Part<'a> {
    /// The lines with syllables, with their places among all lines.
    pub lines: Vec<(usize, &'a LyricLine)>,
    pub sample_rate_hz: u32,
    pub samples: &'a [f32],
}

/// The parts of a speaker, aligned.
pub struct Aligned {
    /// For each line of each part: its sound, cut out, with its times.
    pub lines: Vec<Utterance>,
    /// Median pitch of the speaker; `None` when no voice is heard.
    pub median_hz: Option<f64>,
}

/// Finds every sound of the lines. `progress` hears of the share done.
///
/// # Errors
/// `Unaligned` for a recording that does not say its lines; those of the model.
pub fn align(
    parts: &[Part<'_>],
    model: Option<Model<'_>>,
    progress: &mut dyn FnMut(f64),
) -> Result<Aligned, VoiceError> {
    let mut heard = Vec::with_capacity(parts.len());
    for part in parts {
        let first = part.lines.first().map_or(0, |(line, _)| *line);
        let rates = pitch::f0::SAMPLE_RATES_HZ;
        let seconds = part.samples.len() as f64 / f64::from(part.sample_rate_hz.max(1));
        if !rates.contains(&part.sample_rate_hz) || seconds > MOST_SECONDS {
            let rate = part.sample_rate_hz;
            return Err(unaligned(first, format!("{seconds:.1} s of {rate} Hz are not listened to")));
        }
        let own = Heard::new(at_own_rate(part.samples, part.sample_rate_hz));
        if own.median_hz.is_none() {
            return Err(unaligned(first, "no voice is heard"));
        }
        heard.push(own);
        progress(0.4 * heard.len() as f64 / parts.len() as f64);
    }
    let mut pitches: Vec<f64> = heard.iter().filter_map(|heard| heard.median_hz).collect();
    pitches.sort_by(f64::total_cmp);
    let median_hz = pitches.get(pitches.len() / 2).copied();
    let model = model.unwrap_or(Model::Formant { hz: median_hz.unwrap_or(120.0) });
    let listenings = parts.iter().zip(&heard).map(|(part, heard)| Listening::new(heard, &part.lines, &model));
    let listenings = listenings.collect::<Result<Vec<Listening>, _>>()?;
    progress(0.5);
    let mut accent = Accent::default();
    let mut found = Vec::new();
    for round in 0..ROUNDS {
        found = listenings.iter().map(|listening| divide(listening, &accent)).collect::<Result<Vec<_>, _>>()?;
        if round + 1 < ROUNDS {
            accent = Accent::default();
            listenings.iter().zip(&found).for_each(|(listening, found)| listening.teach(&mut accent, found));
        }
        progress(0.5 + 0.5 * (round + 1) as f64 / ROUNDS as f64);
    }
    let mut lines = Vec::new();
    for ((listening, heard), found) in listenings.iter().zip(&heard).zip(&found) {
        // Its limits are those of this model.
        if matches!(model, Model::Formant { .. }) {
            plausible::check(listening, &accent, found)?;
        }
        lines.extend(cut(listening, heard, found));
    }
    Ok(Aligned { lines, median_hz })
}

fn unaligned(line: usize, reason: impl Into<String>) -> VoiceError {
    VoiceError::Unaligned { line, reason: reason.into() }
}

/// The frames of each sound: first roughly in the whole recording, then finely near there, at the pace that was found.
fn divide(listening: &Listening, accent: &Accent) -> Result<Vec<Range<usize>>, VoiceError> {
    let line = listening.targets.first().map_or(0, |target| target.line);
    let too_short = || unaligned(line, "the recording is too short for the words");
    let expected: f64 = listening.targets.iter().map(|target| target.sound.expected_seconds).sum();
    let pace = (listening.active_seconds() / expected.max(1e-3)).clamp(0.5, 2.5);
    let costs = listening.costs(accent, true);
    let everywhere = vec![0..search::Costs::frames(&costs); listening.targets.len()];
    let rough = search(&listening.wanted(pace), &everywhere, &costs).ok_or_else(too_short)?;
    let spoken = rough.iter().map(|frames| (frames.len() * COARSE) as f64 * HOP_SECONDS).sum::<f64>();
    let pace = (spoken / expected.max(1e-3)).clamp(0.5, 2.5);
    let reach = (REACH_SECONDS / HOP_SECONDS) as usize;
    let costs = listening.costs(accent, false);
    let near = |frames: &Range<usize>| (frames.start * COARSE).saturating_sub(reach)..frames.end * COARSE + reach;
    let windows: Vec<Range<usize>> = rough.iter().map(near).collect();
    search(&listening.wanted(pace), &windows, &costs).ok_or_else(too_short)
}

/// Cuts the lines of a recording out, with the times of their sounds.
fn cut(listening: &Listening, heard: &Heard, found: &[Range<usize>]) -> Vec<Utterance> {
    let seconds = |frame: usize| (frame as f64 - 0.5).max(0.0) * HOP_SECONDS;
    let length = heard.samples.len() as f64 / f64::from(RATE_HZ);
    let placed: Vec<(&listening::Target, Range<f64>)> = listening
        .targets
        .iter()
        .zip(found)
        .map(|(target, frames)| (target, seconds(frames.start)..seconds(frames.end).min(length)))
        .collect();
    let lines: Vec<_> = placed.chunk_by(|a, b| a.0.line == b.0.line).collect();
    let bounds: Vec<(f64, f64)> =
        lines.iter().map(|line| (line[0].1.start, line.last().map_or(0.0, |last| last.1.end))).collect();
    lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let before = index.checked_sub(1).map_or(0.0, |before| bounds[before].1);
            let after = bounds.get(index + 1).map_or(length, |next| next.0);
            let from = (bounds[index].0 - MARGIN_SECONDS).max(before);
            let to = (bounds[index].1 + MARGIN_SECONDS).min(after);
            let sample = |seconds: f64| ((seconds * f64::from(RATE_HZ)) as usize).min(heard.samples.len());
            let mut phones: Vec<(String, f64)> = Vec::new();
            let mut now = from;
            for (target, span) in *line {
                if span.start > now + 1e-9 {
                    phones.push(("pau".into(), span.start - from));
                }
                phones.push((target.sound.phone.name.into(), span.end - from));
                now = span.end;
            }
            Utterance { sample_rate_hz: RATE_HZ, samples: heard.samples[sample(from)..sample(to)].to_vec(), phones }
        })
        .collect()
}
