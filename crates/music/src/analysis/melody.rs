//! Who has the tune, bar by bar; the second tune; the bass line; how much of a tune a stretch is.

use super::{
    Role, TuneBlock,
    features::Features,
    lines::{Edge, extract},
    material::{Material, Sound, in_bars},
    roles::{Cast, melody_score},
};

/// Bars that are given to one part at a time.
const WINDOW_BARS: usize = 2;
/// What passing the tune on costs, and what nobody having it is worth.
const SWITCH_COST: f64 = 0.6;
const NOBODY: f64 = 0.15;
const NOBODY_AT_THE_KEYS: f64 = -10.0;
/// What a part is worth that has not even two notes.
const ABSENT: f64 = -20.0;

/// A line and who has it.
pub(super) struct Found {
    pub sounds: Vec<Sound>,
    /// Per bar.
    pub parts: Vec<Option<usize>>,
}

/// The tune: for every two bars the part that is most like a melody there, by Viterbi.
pub(super) fn melody(material: &Material<'_>, cast: &Cast) -> Found {
    let players = (0..material.voices.len())
        .filter(|&part| material.voices[part].is_pitched() && !matches!(cast.roles[part], Role::Bass | Role::Effects));
    // One part, or two without a singer, are a keyboard's, and the tune is on top of its chords.
    let at_the_keys = match players.count() {
        0 | 1 => true,
        2 => !cast.roles.contains(&Role::Melody),
        _ => false,
    };
    let nobody = if at_the_keys { NOBODY_AT_THE_KEYS } else { NOBODY };
    tune(material, cast, nobody, |_, part| {
        let bonus = if cast.roles[part] == Role::Melody { 0.3 } else { 0.0 };
        if cast.doubles[part].is_some() { None } else { Some(bonus) }
    })
}

/// Another tune at the same time, of a part that plays a line.
pub(super) fn counter_melody(material: &Material<'_>, cast: &Cast, melody: &Found) -> Found {
    tune(material, cast, 0.7, |bar, part| {
        let is_line = cast.features[part].polyphony < 1.4 && cast.features[part].chordal < 0.3 && !cast.is_broken[part];
        let is_free = melody.parts[bar] != Some(part) && cast.roles[part] != Role::Bass && cast.doubles[part].is_none();
        let bonus = if matches!(cast.roles[part], Role::CounterMelody | Role::Melody) { 0.3 } else { -0.3 };
        (is_line && is_free).then_some(bonus)
    })
}

/// `standing` says what a part gets extra for its place in the song at a bar, or that it may not have the line there.
fn tune(material: &Material<'_>, cast: &Cast, nobody: f64, standing: impl Fn(usize, usize) -> Option<f64>) -> Found {
    let bars = material.bar_count();
    let candidates: Vec<usize> = (0..material.voices.len())
        .filter(|&part| material.voices[part].is_pitched() && cast.roles[part] != Role::Effects)
        .collect();
    let overall: Vec<f64> = candidates
        .iter()
        .map(|&part| melody_score(material.voices[part].part, &cast.features[part], &cast.standings[part]))
        .collect();
    let windows: Vec<usize> = (0..bars).step_by(WINDOW_BARS).collect();
    let score = |bar: usize, choice: usize| {
        let part = candidates[choice];
        let sounds = material.voices[part].in_bars(bar, bar + WINDOW_BARS);
        let Some(bonus) = standing(bar, part).filter(|_| sounds.len() >= 2) else { return ABSENT };
        let here = melody_score(material.voices[part].part, &Features::of(sounds), &cast.standings[part]);
        let bass = if cast.roles[part] == Role::Bass { -1.5 } else { 0.0 };
        0.5 * overall[choice] + 0.5 * here + bonus + bass
    };
    let path = choose(windows.len(), candidates.len(), |window, choice| score(windows[window], choice), nobody);
    let mut parts: Vec<Option<usize>> = Vec::with_capacity(bars);
    for choice in &path {
        let left = bars - parts.len();
        parts.extend(std::iter::repeat_n(choice.map(|choice| candidates[choice]), WINDOW_BARS.min(left)));
    }
    let sounds = collect(material, &parts, Edge::Top);
    Found { sounds, parts }
}

/// Best sequence of choices (`None` for nobody) over windows: Viterbi with one cost for any change.
fn choose(windows: usize, choices: usize, score: impl Fn(usize, usize) -> f64, nobody: f64) -> Vec<Option<usize>> {
    let states = choices + 1;
    let emission = |window: usize, state: usize| if state < choices { score(window, state) } else { nobody };
    let mut totals: Vec<f64> = vec![0.0; states];
    let mut back: Vec<Vec<u32>> = Vec::with_capacity(windows);
    for window in 0..windows {
        let best = (0..states).max_by(|&a, &b| totals[a].total_cmp(&totals[b]).then(b.cmp(&a))).unwrap_or(0);
        let moved = totals[best] - if window == 0 { 0.0 } else { SWITCH_COST };
        let came: Vec<u32> =
            (0..states).map(|state| if totals[state] >= moved { state as u32 } else { best as u32 }).collect();
        totals = (0..states).map(|state| totals[state].max(moved) + emission(window, state)).collect();
        back.push(came);
    }
    let mut state = (0..states).max_by(|&a, &b| totals[a].total_cmp(&totals[b]).then(b.cmp(&a))).unwrap_or(0);
    let mut path = Vec::with_capacity(windows);
    for came in back.iter().rev() {
        path.push((state < choices).then_some(state));
        state = came[state] as usize;
    }
    path.reverse();
    path
}

/// The line of the parts that have it, run by run.
fn collect(material: &Material<'_>, parts: &[Option<usize>], edge: Edge) -> Vec<Sound> {
    let mut line: Vec<Sound> = Vec::new();
    let mut bar = 0;
    while bar < parts.len() {
        let length = parts[bar..].iter().take_while(|part| **part == parts[bar]).count();
        if let Some(part) = parts[bar] {
            let run = extract(material.voices[part].in_bars(bar, bar + length), edge);
            if let (Some(last), Some(first)) = (line.last_mut(), run.first()) {
                last.end = last.end.min(first.onset).max(last.onset + 1e-3);
            }
            line.extend(run);
        }
        bar += length;
    }
    line
}

/// A bass line has no notes above this where no part is the bass.
const HIGHEST_GROUND: u8 = 55;

/// The lowest line: of the part with role bass that plays most in a bar, else of the part that is lowest there.
pub(super) fn bass(material: &Material<'_>, cast: &Cast, melody: &Found) -> Found {
    let bars = material.bar_count();
    let basses: Vec<usize> = (0..material.voices.len())
        .filter(|&part| cast.roles[part] == Role::Bass && cast.doubles[part].is_none())
        .collect();
    let others: Vec<usize> = (0..material.voices.len())
        .filter(|&part| material.voices[part].is_pitched() && cast.doubles[part].is_none())
        .filter(|&part| !matches!(cast.roles[part], Role::Effects | Role::Bass))
        .collect();
    let mut parts = Vec::with_capacity(bars);
    for bar in 0..bars {
        let count = |part: &usize| material.voices[*part].in_bars(bar, bar + 1).len();
        let playing =
            basses.iter().filter(|part| count(part) > 0).max_by_key(|part| (count(part), usize::MAX - **part));
        // Where no part is a bass at all, the lowest part has the ground; one that sings alone has none.
        let lowest = || {
            let low = |part: usize| material.voices[part].in_bars(bar, bar + 1).iter().map(|sound| sound.pitch).min();
            let all = others.iter().filter_map(|&part| Some((low(part)?, part)));
            let (pitch, part) = all.min()?;
            let alone = melody.parts[bar] == Some(part) && cast.features[part].polyphony < 1.4;
            (basses.is_empty() && pitch <= HIGHEST_GROUND && !alone).then_some(part)
        };
        parts.push(playing.copied().or_else(lowest));
    }
    let mut sounds = collect(material, &parts, Edge::Bottom);
    let is_ground = |sound: &Sound| {
        let of_bass = parts[sound.bar].is_some_and(|part| cast.roles[part] == Role::Bass);
        of_bass || sound.pitch <= HIGHEST_GROUND
    };
    sounds.retain(is_ground);
    Found { sounds, parts }
}

const BLOCK_BARS: usize = 8;

/// Tunefulness in blocks of 8 bars from `offset` on.
pub(super) fn tunes(material: &Material<'_>, melody: &[Sound], offset: usize) -> Vec<TuneBlock> {
    let bars = material.bar_count();
    let first = std::iter::once(0..offset.min(bars)).filter(|range| !range.is_empty());
    let blocks = first.chain((offset..bars).step_by(BLOCK_BARS).map(|start| start..(start + BLOCK_BARS).min(bars)));
    let tune = |bars: std::ops::Range<usize>| {
        let notes = in_bars(melody, bars.start, bars.end);
        let (start, end) = (material.starts[bars.start], material.starts[bars.end]);
        TuneBlock { tunefulness: tunefulness(notes, start, end, bars.len()), bars }
    };
    blocks.map(tune).collect()
}

/// Small leaps, a range that can be sung, not too many repeats, not too dense, rests, and an end that is held.
fn tunefulness(notes: &[Sound], start: f64, end: f64, bars: usize) -> f64 {
    let (Some(first), Some(last)) = (notes.first(), notes.last()) else { return 0.0 };
    let per_quarter = notes.len() as f64 / (end - start).max(1.0);
    if per_quarter < 0.25 {
        return 0.0;
    }
    let steps: Vec<u8> = notes.windows(2).map(|pair| pair[0].pitch.abs_diff(pair[1].pitch)).collect();
    let share = |wanted: &dyn Fn(u8) -> bool| {
        steps.iter().filter(|&&step| wanted(step)).count() as f64 / steps.len().max(1) as f64
    };
    let range = super::lines::range(notes.iter().map(|note| note.pitch));
    let range = range.map_or(0.0, |range| f64::from(range.high - range.low));
    let sounding = |bar: usize| notes.iter().any(|note| note.bar == bar);
    let empty = (first.bar..first.bar + bars).filter(|&bar| !sounding(bar)).count().min(bars);
    let distinct = {
        let mut pitches: Vec<u8> = notes.iter().map(|note| note.pitch).collect();
        pitches.sort_unstable();
        pitches.dedup();
        pitches.len() as f64
    };
    let mut fault = share(&|step| step > 7) + 0.05 * (range - 17.0).max(0.0);
    fault += 0.6 * (share(&|step| step == 0) - 0.5).max(0.0);
    fault += 0.24 * (per_quarter - 2.0).max(0.0);
    fault += 0.12 * empty as f64 * 8.0 / bars.max(1) as f64 * 0.5;
    fault += 0.12 * (4.0 - distinct).max(0.0);
    fault += sameness(notes);
    fault += if first.onset - start < 1.01 { 0.0 } else { 0.1 };
    let is_held = last.quarters() >= 0.9 || end - last.end >= 0.9;
    fault += if is_held { -0.15 } else { 0.15 };
    // 0.45 parts songs from riffs.
    1.0 / (1.0 + ((fault - 0.45) / 0.15).exp())
}

/// 0 to 0.4: one bar's figure over and over is an ostinato.
fn sameness(notes: &[Sound]) -> f64 {
    let mut figures: Vec<Vec<u8>> = Vec::new();
    let mut bars = 0usize;
    for bar in notes.chunk_by(|a, b| a.bar == b.bar) {
        bars += 1;
        let figure: Vec<u8> = bar.iter().map(|note| note.pitch).collect();
        if !figures.contains(&figure) {
            figures.push(figure);
        }
    }
    if bars < 4 { 0.0 } else { 0.4 * (1.0 - figures.len() as f64 / bars as f64 - 0.5).max(0.0) / 0.375 }
}
