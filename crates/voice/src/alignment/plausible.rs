//! Whether a recording says the words that were found in it.

use std::ops::Range;

use super::{accent::Accent, listening::Listening, search::Costs};
use crate::VoiceError;

/// # Errors
/// `Unaligned` with the first line that does not fit.
pub fn check(listening: &Listening, accent: &Accent, found: &[Range<usize>]) -> Result<(), VoiceError> {
    let costs = listening.costs(accent, false);
    let mut outside = 0;
    let mut inside = 0;
    for frame in 0..costs.frames() {
        let within = found.iter().any(|r| r.contains(&frame));
        if within {
            inside += 1;
        } else if costs.silence(frame) > 1.0 {
            outside += 1;
        }
    }
    if std::env::var_os("SHOW").is_some() {
        eprintln!("outside {:.2}", f64::from(outside) / f64::from(inside));
    }
    let indexed: Vec<usize> = (0..found.len()).collect();
    for line in indexed.chunk_by(|a, b| listening.targets[*a].line == listening.targets[*b].line) {
        let mut own = 0.0;
        let mut best = 0.0;
        let mut frames = 0;
        let mut squeezed = 0;
        let expected: f64 = line.iter().map(|i| listening.targets[*i].sound.expected_seconds).sum();
        for index in line {
            let range = found[*index].clone();
            if range.len() <= 4 {
                squeezed += 1;
            }
            for (place, frame) in range.clone().enumerate() {
                own += costs.sound(*index, (3 * place / range.len()).min(2), frame);
                best += costs.best(frame);
                frames += 1;
            }
        }
        let n = f64::from(frames).max(1.0);
        let (first, last) = (found[line[0]].start, found[line[line.len() - 1]].end);
        if std::env::var_os("SHOW").is_some() {
            eprintln!(
                "line {} own {:.2} best {:.2} squeezed {:.2} pace {:.2} inside {:.2}",
                listening.targets[line[0]].line,
                own / n,
                best / n,
                squeezed as f64 / line.len() as f64,
                n * 0.005 / expected,
                n / (last - first) as f64
            );
        }
    }
    Ok(())
}
