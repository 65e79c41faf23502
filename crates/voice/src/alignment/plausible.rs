//! Whether a recording says the words that were found in it: words can be laid over any sound.
//!
//! The limits lie between what was measured of right and of wrong texts against the formant voice (`speech`,
//! `tests/it/foreign.rs`): the mean excess of recordings of one to four lines by four voices, noisy, slower and faster,
//! was 0.09 to 0.27, of the worst line 0.32; of the words of others, of half of the words, and of speech backwards, it
//! was 0.33 to 0.47.

use std::ops::Range;

use super::{
    accent::Accent,
    listening::Listening,
    search::{Costs, STATES},
};
use crate::VoiceError;

/// How much worse the sounds of a line may fit than whichever sounds fit best at each moment, in the costs of the search …
const MOST_EXCESS: f64 = 0.42;
/// … and all sounds of a recording.
const MOST_MEAN_EXCESS: f64 = 0.3;
/// What a line may cost at all; right ones cost 0.5 to 1.1.
const MOST_COST: f64 = 1.4;
/// Sounds that are hardly there: at most so many frames.
const SQUEEZED_FRAMES: usize = 4;
/// Their share in a line that was said.
const MOST_SQUEEZED: f64 = 0.2;
/// Share of a line's time that its sounds take; the rest are pauses.
const LEAST_SOUNDING: f64 = 0.6;
/// Time of other sounds in a recording, against the time of its words.
const MOST_OTHER: f64 = 0.7;
/// A moment is silent when silence costs no more.
const SILENCE_COST: f64 = 1.0;

/// What tells that a line was not said.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fit {
    line: usize,
    cost: f64,
    excess: f64,
    frames: usize,
    squeezed: f64,
    sounding: f64,
}

/// # Errors
/// `Unaligned` with the line that fits least, where it does not fit.
pub fn check(listening: &Listening, accent: &Accent, found: &[Range<usize>]) -> Result<(), VoiceError> {
    let costs = listening.costs(accent, false);
    let placed: Vec<(usize, &Range<usize>)> = found.iter().enumerate().collect();
    let lines = placed.chunk_by(|a, b| listening.targets[a.0].line == listening.targets[b.0].line);
    let fits: Vec<Fit> = lines.map(|sounds| fit(listening.targets[sounds[0].0].line, sounds, &costs)).collect();
    let Some(worst) = fits.iter().max_by(|a, b| a.excess.total_cmp(&b.excess)) else { return Ok(()) };
    let frames: usize = fits.iter().map(|fit| fit.frames).sum();
    let mean = fits.iter().map(|fit| fit.excess * fit.frames as f64).sum::<f64>() / frames.max(1) as f64;
    if worst.excess > MOST_EXCESS || mean > MOST_MEAN_EXCESS {
        return Err(super::unaligned(
            worst.line,
            format!("other words are heard (excess {:.2})", worst.excess.max(mean)),
        ));
    }
    if let Some(fit) = fits.iter().find(|fit| fit.cost > MOST_COST) {
        return Err(super::unaligned(fit.line, format!("it is unlike speech (cost {:.1})", fit.cost)));
    }
    if let Some(fit) = fits.iter().find(|fit| fit.squeezed > MOST_SQUEEZED) {
        let share = 100.0 * fit.squeezed;
        return Err(super::unaligned(
            fit.line,
            format!("{share:.0} % of its sounds have no time, so it was not all said"),
        ));
    }
    if let Some(fit) = fits.iter().find(|fit| fit.sounding < LEAST_SOUNDING) {
        let share = 100.0 * fit.sounding;
        return Err(super::unaligned(
            fit.line,
            format!("its sounds take only {share:.0} % of the time that it was said in"),
        ));
    }
    let other = other(&costs, found);
    if other as f64 > MOST_OTHER * frames as f64 {
        let share = 100.0 * other as f64 / frames.max(1) as f64;
        return Err(super::unaligned(worst.line, format!("other sounds take {share:.0} % of the time of the words")));
    }
    Ok(())
}

fn fit(line: usize, sounds: &[(usize, &Range<usize>)], costs: &super::listening::Moments<'_>) -> Fit {
    let (mut cost, mut excess, mut frames, mut squeezed) = (0.0, 0.0, 0, 0);
    for (sound, range) in sounds {
        for (place, frame) in (*range).clone().enumerate() {
            let state = (STATES * place / range.len()).min(STATES - 1);
            let own = costs.sound(*sound, state, frame);
            cost += own;
            excess += own - costs.best(frame);
        }
        frames += range.len();
        squeezed += usize::from(range.len() <= SQUEEZED_FRAMES);
    }
    let whole = sounds.first().zip(sounds.last()).map_or(0, |(first, last)| last.1.end - first.1.start);
    Fit {
        line,
        cost: cost / frames.max(1) as f64,
        excess: excess / frames.max(1) as f64,
        frames,
        squeezed: squeezed as f64 / sounds.len().max(1) as f64,
        sounding: frames as f64 / whole.max(1) as f64,
    }
}

/// Frames outside of the words in which something sounds.
fn other(costs: &impl Costs, found: &[Range<usize>]) -> usize {
    let mut next = 0;
    let mut other = 0;
    for frame in 0..costs.frames() {
        while found.get(next).is_some_and(|range| range.end <= frame) {
            next += 1;
        }
        let is_word = found.get(next).is_some_and(|range| range.contains(&frame));
        other += usize::from(!is_word && costs.silence(frame) > SILENCE_COST);
    }
    other
}
