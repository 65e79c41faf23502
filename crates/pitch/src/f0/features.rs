//! What the judge is shown of a candidate: 36 numbers of order one. The network in `judge.weights` was trained on exactly
//! these, so a change here needs a training (`xtask/f0_training`).

use std::collections::VecDeque;

use super::{
    front::{FFT_LEN, RATE_HZ},
    judge::{Candidate, FEATURES},
    view::{CONTEXT, Dip, Look, SILENCE, View},
};

/// Describes the dips found in the view at `at`.
pub(super) fn describe(views: &VecDeque<View>, at: usize, dips: &[Dip]) -> Vec<Candidate> {
    let view = &views[at];
    let deepest = |look| dips.iter().filter(|dip| dip.look == look).map(|dip| dip.depth).fold(1.0, f32::min);
    let best = [deepest(Look::Long), deepest(Look::Short)];
    let loudest = view.spectrum[4..].iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let loudness = loudness(views, at);
    dips.iter()
        .map(|dip| {
            let mut features = [0.0; FEATURES];
            features[..10].copy_from_slice(&depths(view, dip, best[0]));
            features[10..20].copy_from_slice(&harmonics(&view.spectrum, dip.hz(), loudest));
            features[20..26].copy_from_slice(&depths_around(views, at, dip.lag));
            features[26..32].copy_from_slice(&circumstances(view, dip, best));
            features[32..].copy_from_slice(&loudness);
            Candidate { hz: dip.hz(), features }
        })
        .collect()
}

/// Pitch; depth, also against the frame's best and in the short look; and depths at related lags, which tell the period
/// from its multiples and parts.
fn depths(view: &View, dip: &Dip, best: f32) -> [f32; 10] {
    let at = |ratio: f32| depth_near(&view.long, dip.lag * ratio, 0.02);
    let depth = if dip.look == Look::Long { dip.depth } else { at(1.0) };
    [
        dip.hz().log2() - 7.5,
        depth,
        depth - best,
        depth_near(&view.short, dip.lag, 0.02),
        at(0.5),
        at(2.0),
        at(3.0),
        at(1.0 / 3.0),
        at(1.5),
        at(2.0 / 3.0),
    ]
}

/// Depths in the frames one, two and four before and after, wider apart as the pitch may have moved.
fn depths_around(views: &VecDeque<View>, at: usize, lag: f32) -> [f32; 6] {
    let depth = |at: Option<usize>, width: f32| match at.and_then(|at| views.get(at)) {
        Some(view) if !view.is_silent() => depth_near(&view.long, lag, width),
        _ => 1.0,
    };
    let pair = |away: usize, width: f32| [depth(at.checked_sub(away), width), depth(Some(at + away), width)];
    let ([a, b], [c, d], [e, f]) = (pair(1, 0.03), pair(2, 0.05), pair(4, 0.09));
    [a, b, c, d, e, f]
}

/// What holds for the frame more than for the candidate.
fn circumstances(view: &View, dip: &Dip, best: [f32; 2]) -> [f32; 6] {
    [
        (view.level.middle / view.level.whole).max(0.01).ln(),
        view.level.rise.clamp(-8.0, 8.0) * 0.25,
        view.brightness * 0.1,
        if dip.look == Look::Short { 1.0 } else { 0.0 },
        best[0],
        best[1],
    ]
}

/// The frame's level against what went before and what comes, as natural logarithms.
fn loudness(views: &VecDeque<View>, at: usize) -> [f32; 4] {
    let here = views[at].level.whole;
    let against = |other: f32| (here / other.max(SILENCE)).ln().clamp(-6.0, 6.0) * 0.3;
    let level = |at: Option<usize>| against(at.and_then(|at| views.get(at)).map_or(here, |view| view.level.whole));
    let [fast, slow] = views[at].peaks.map(against);
    [fast, slow, level(at.checked_sub(CONTEXT)), level(Some(at + CONTEXT))]
}

/// The least difference within a share `width` of a lag; 1 where the lag is out of reach.
fn depth_near(d: &[f32], lag: f32, width: f32) -> f32 {
    let reach = (lag * width).max(1.0);
    let from = (lag - reach).round().max(1.0) as usize;
    let to = ((lag + reach).round() as usize).min(d.len().saturating_sub(1));
    if from > to || lag + 0.5 > d.len() as f32 {
        return 1.0;
    }
    d[from..=to].iter().copied().fold(f32::INFINITY, f32::min)
}

/// How far each of the first six harmonics of `hz` stands above the spectrum half-way to its neighbours, the mean of that
/// for the next six, and how loud the first three are against the loudest bin. Natural logarithms of amplitude; 0 beyond
/// the spectrum.
fn harmonics(spectrum: &[f32], hz: f32, loudest: f32) -> [f32; 10] {
    let bins = hz * FFT_LEN as f32 / RATE_HZ as f32;
    let mut out = [0.0; 10];
    let (mut sum, mut count) = (0.0, 0.0);
    for number in 1..=12 {
        let Some((contrast, height)) = contrast(spectrum, bins, number as f32) else { break };
        if number <= 6 {
            out[number - 1] = contrast;
        } else {
            sum += contrast;
            count += 1.0;
        }
        if number <= 3 {
            out[6 + number] = (height - loudest).max(-8.0) * 0.2;
        }
    }
    if count > 0.0 {
        out[6] = sum / count;
    }
    out
}

/// Contrast and height of harmonic `number` of a fundamental at `bins`, or `None` beyond the spectrum.
fn contrast(spectrum: &[f32], bins: f32, number: f32) -> Option<(f32, f32)> {
    let at = |position: f32| {
        let below = position as usize;
        let fraction = position - below as f32;
        spectrum.get(below + 1).map(|above| spectrum[below] + fraction * (above - spectrum[below]))
    };
    let (before, here, after) = (at((number - 0.5) * bins)?, at(number * bins)?, at((number + 0.5) * bins)?);
    Some(((here - 0.5 * (before + after)).clamp(-3.0, 5.0) * 0.3, here))
}
