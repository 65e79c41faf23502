//! Form: phrases of 4 bars that are like each other, and the sections that they make up.

use std::ops::Range;

use super::{
    DrumClass, Form, Groove, KeySpan, Role, Section,
    lines::phrases,
    material::{Material, Sound},
    roles::Cast,
};
use crate::key::Mode;

const PHRASE_BARS: usize = 4;
/// A section has at most so many phrases.
const MOST_PHRASES: usize = 4;
/// Labels beyond this number are not told apart.
const MOST_LABELS: usize = 64;
/// Texture of many parts is compared in so many classes.
const TEXTURE: usize = 32;
/// What the likeness of two bars is made of, and how much each counts where it sounds in one of them.
const CHROMA: Range<usize> = 0..12;
const BASS: Range<usize> = 12..24;
const MELODY: Range<usize> = 24..36;
const GROOVE: Range<usize> = 36..52;
const PARTS: Range<usize> = 52..52 + TEXTURE;
const WIDTH: usize = 52 + TEXTURE;
const ASPECTS: [(Range<usize>, f32); 5] = [(CHROMA, 0.3), (BASS, 0.15), (MELODY, 0.2), (GROOVE, 0.15), (PARTS, 0.2)];

pub(super) struct Sources<'a> {
    pub keys: &'a [KeySpan],
    pub melody: &'a [Sound],
    pub bass: &'a [Sound],
    pub grooves: &'a [Groove],
}

pub(super) fn read(material: &Material<'_>, cast: &Cast, sources: &Sources<'_>) -> Form {
    let bars = material.bar_count();
    let features = features(material, cast, sources);
    let offset = phrase_offset(material, sources, &features);
    let first = std::iter::once(0..offset.min(bars)).filter(|range| !range.is_empty());
    let whole = (offset..bars).step_by(PHRASE_BARS).map(|start| start..(start + PHRASE_BARS).min(bars));
    let spans: Vec<Range<usize>> = first.chain(whole).collect();
    let likeness = Likeness::of(&spans, &features);
    let threshold = likeness.threshold();
    let phrase_runs: Vec<Range<usize>> = (0..spans.len()).map(|index| index..index + 1).collect();
    let section_runs = sections(&likeness, threshold, usize::from(offset > 0));
    Form {
        phrase_offset: offset,
        phrases: label(&phrase_runs, &spans, &likeness, threshold),
        sections: label(&section_runs, &spans, &likeness, threshold),
    }
}

/// What one bar sounds like; every aspect has length 1 or is 0.
#[derive(Clone)]
struct BarFeatures {
    values: [f32; WIDTH],
    /// Semitones that the collection of its key lies above that of C major.
    collection: u8,
}

fn features(material: &Material<'_>, cast: &Cast, sources: &Sources<'_>) -> Vec<BarFeatures> {
    let blank = BarFeatures { values: [0.0; WIDTH], collection: 0 };
    let mut features = vec![blank; material.bar_count()];
    let mut add = |sound: &Sound, aspect: &Range<usize>| {
        let quarters = sound.quarters().min(material.bar_quarters(sound.bar)) as f32;
        features[sound.bar].values[aspect.start + sound.class()] += quarters;
    };
    for (part, voice) in material.voices.iter().enumerate() {
        if voice.is_pitched() && cast.roles[part] != Role::Effects && cast.doubles[part].is_none() {
            voice.sounds.iter().for_each(|sound| add(sound, &CHROMA));
        }
    }
    sources.bass.iter().for_each(|sound| add(sound, &BASS));
    sources.melody.iter().for_each(|sound| add(sound, &MELODY));
    for (part, voice) in material.voices.iter().enumerate() {
        for sound in &voice.sounds {
            features[sound.bar].values[PARTS.start + part % TEXTURE] = 1.0;
        }
    }
    for (bar, groove) in sources.grooves.iter().enumerate() {
        for step in 0..groove.steps {
            let place = GROOVE.start + step * GROOVE.len() / groove.steps;
            let is_hit = groove
                .drums
                .get(step)
                .is_some_and(|drums| drums[DrumClass::Kick as usize] > 0 || drums[DrumClass::Snare as usize] > 0);
            features[bar].values[place] += f32::from(u8::from(groove.pitched[step] > 0)) + f32::from(u8::from(is_hit));
        }
    }
    for span in sources.keys {
        let above = if span.key.mode == Mode::Minor { 3 } else { 0 };
        features[span.bars.clone()].iter_mut().for_each(|bar| bar.collection = (span.key.tonic + above) % 12);
    }
    for bar in &mut features {
        for (aspect, _) in &ASPECTS {
            let values = &mut bar.values[aspect.clone()];
            let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
            if norm > 0.0 {
                values.iter_mut().for_each(|value| *value /= norm);
            }
        }
    }
    features
}

/// 0–1. With `turn`, the pitch classes of `b` are moved by so many semitones.
fn bar_likeness(a: &BarFeatures, b: &BarFeatures, turn: usize) -> f32 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (index, (aspect, weight)) in ASPECTS.iter().enumerate() {
        let (a, b) = (&a.values[aspect.clone()], &b.values[aspect.clone()]);
        let sounds = |values: &[f32]| values.iter().any(|value| *value > 0.0);
        if !sounds(a) && !sounds(b) {
            continue;
        }
        weights += weight;
        let turn = if index < 3 { turn } else { 0 };
        let (low, high) = b.split_at((b.len() - turn) % b.len());
        let turned = high.iter().chain(low);
        sum += weight * a.iter().zip(turned).map(|(a, b)| a * b).sum::<f32>();
    }
    if weights > 0.0 { (sum / weights).clamp(0.0, 1.0) } else { 1.0 }
}

/// Of all pairs of phrases.
struct Likeness {
    count: usize,
    values: Vec<f32>,
}

impl Likeness {
    fn of(spans: &[Range<usize>], features: &[BarFeatures]) -> Self {
        let count = spans.len();
        let mut values = vec![1.0; count * count];
        for a in 0..count {
            for b in a + 1..count {
                let likeness = span_likeness(&features[spans[a].clone()], &features[spans[b].clone()]);
                values[a * count + b] = likeness;
                values[b * count + a] = likeness;
            }
        }
        Self { count, values }
    }

    fn at(&self, a: usize, b: usize) -> f64 {
        f64::from(self.values[a * self.count + b])
    }

    /// Of two runs of phrases, one by one; 0 if they are not of one length.
    fn runs(&self, a: &Range<usize>, b: &Range<usize>) -> f64 {
        if a.len() != b.len() || a.is_empty() {
            return 0.0;
        }
        a.clone().zip(b.clone()).map(|(a, b)| self.at(a, b)).sum::<f64>() / a.len() as f64
    }

    /// Where like parts from unlike: N. Otsu, "A threshold selection method from gray-level histograms", IEEE Transactions
    /// on Systems, Man, and Cybernetics 9, 1979.
    fn threshold(&self) -> f64 {
        let mut histogram = [0.0; 101];
        for a in 0..self.count {
            for b in a + 1..self.count {
                histogram[(self.at(a, b) * 100.0).round() as usize % 101] += 1.0;
            }
        }
        let all: f64 = histogram.iter().sum();
        let moment: f64 = histogram.iter().enumerate().map(|(index, count)| index as f64 * count).sum();
        let (mut below, mut below_moment, mut best, mut threshold) = (0.0, 0.0, 0.0, 85.0);
        for (index, count) in histogram.iter().enumerate() {
            below += count;
            below_moment += index as f64 * count;
            let above = all - below;
            if below <= 0.0 || above <= 0.0 {
                continue;
            }
            let apart = below_moment / below - (moment - below_moment) / above;
            let between = below * above * apart * apart;
            if between > best * (1.0 + 1e-9) {
                (best, threshold) = (between, index as f64 + 0.5);
            }
        }
        (threshold / 100.0).clamp(0.7, 0.96)
    }
}

/// Likeness of two phrases bar by bar; at pitch, or each in its own key.
fn span_likeness(a: &[BarFeatures], b: &[BarFeatures]) -> f32 {
    let bars = a.len().min(b.len());
    if bars == 0 {
        return 0.0;
    }
    let whole = bars as f32 / a.len().max(b.len()) as f32;
    let mean = |turned: bool| {
        let turn = |a: &BarFeatures, b: &BarFeatures| {
            if turned { usize::from((a.collection + 12 - b.collection) % 12) } else { 0 }
        };
        a.iter().zip(b).map(|(a, b)| bar_likeness(a, b, turn(a, b))).sum::<f32>() / bars as f32
    };
    let in_own_key = if a.iter().zip(b).any(|(a, b)| a.collection != b.collection) { mean(true) - 0.02 } else { 0.0 };
    whole * mean(false).max(in_own_key)
}

/// Places of the first whole phrase: where bars are unlike the bar before, where phrases of the melody begin, where a
/// crash cymbal sounds.
fn phrase_offset(material: &Material<'_>, sources: &Sources<'_>, features: &[BarFeatures]) -> usize {
    let bars = features.len();
    let mut novelty = [0.0; PHRASE_BARS];
    for bar in 1..bars {
        novelty[bar % PHRASE_BARS] += f64::from(1.0 - bar_likeness(&features[bar - 1], &features[bar], 0));
    }
    let mut starts = [0.0; PHRASE_BARS];
    for phrase in phrases(sources.melody) {
        let note = &sources.melody[phrase.start];
        let place = note.onset - material.starts[note.bar];
        // An upbeat belongs to the bar that it leads to.
        let is_upbeat = material.bar_quarters(note.bar) - place <= 1.6;
        let bar = note.bar + usize::from(is_upbeat);
        if is_upbeat || place <= 1.1 {
            starts[bar % PHRASE_BARS] += 1.0;
        }
    }
    let mut crashes = [0.0; PHRASE_BARS];
    for (bar, groove) in sources.grooves.iter().enumerate() {
        if groove.drums.first().is_some_and(|drums| drums[DrumClass::Crash as usize] > 0) {
            crashes[bar % PHRASE_BARS] += 1.0;
        }
    }
    let mut first = [0.0; PHRASE_BARS];
    if let Some(bar) = features.iter().position(|bar| bar.values.iter().any(|value| *value > 0.0)) {
        first[bar % PHRASE_BARS] = 1.0;
    }
    let share = |values: &[f64; PHRASE_BARS], index: usize| values[index] / values.iter().sum::<f64>().max(1e-9);
    // With a handful of starts chance decides as well.
    let told = (starts.iter().sum::<f64>() / 8.0).min(1.0);
    let score = |index: usize| {
        share(&novelty, index) + 0.8 * told * share(&starts, index) + 0.4 * share(&crashes, index) + 0.15 * first[index]
    };
    let lead = 0.08;
    let best = (0..PHRASE_BARS).max_by(|&a, &b| score(a).total_cmp(&score(b)).then(b.cmp(&a))).unwrap_or(0);
    let plain = features.iter().position(|bar| bar.values.iter().any(|value| *value > 0.0)).unwrap_or(0) % PHRASE_BARS;
    if score(best) > score(plain) + lead { best } else { plain }
}

/// Runs of phrases that make sections, by dynamic programming: a section is of two phrases rather than one or four, and
/// best what comes again as a whole; it begins where something new does.
fn sections(likeness: &Likeness, threshold: f64, lead_in: usize) -> Vec<Range<usize>> {
    let count = likeness.count;
    let mut totals = vec![0.0; count + 1];
    let mut lengths = vec![1usize; count + 1];
    for end in 1..=count {
        totals[end] = f64::INFINITY;
        for length in 1..=MOST_PHRASES.min(end) {
            let run = end - length..end;
            // What lies before the first whole phrase stays alone.
            if lead_in == 1 && run.start == 0 && length > 1 {
                continue;
            }
            let total = totals[run.start] + section_cost(likeness, threshold, &run);
            if total < totals[end] {
                (totals[end], lengths[end]) = (total, length);
            }
        }
    }
    let mut runs = Vec::new();
    let mut end = count;
    while end > 0 {
        let start = end - lengths[end];
        runs.push(start..end);
        end = start;
    }
    runs.reverse();
    runs
}

fn section_cost(likeness: &Likeness, threshold: f64, run: &Range<usize>) -> f64 {
    let length = match run.len() {
        1 => 0.75,
        2 => 0.55,
        3 => 1.1,
        _ => 1.3,
    };
    let starts = run.start + 1 < run.end || run.start > 0;
    let novelty = if run.start == 0 || !starts { 1.0 } else { 1.0 - likeness.at(run.start - 1, run.start) };
    let others = (0..=likeness.count - run.len()).filter(|start| start + run.len() <= run.start || *start >= run.end);
    let best = others.map(|start| likeness.runs(run, &(start..start + run.len()))).fold(0.0, f64::max);
    let comes_again = if best > threshold { 0.15 * run.len() as f64 } else { 0.0 };
    length - 0.4 * novelty - comes_again
}

/// Labels in order of first appearance: each run gets that of the likest one before, if it is like enough.
fn label(runs: &[Range<usize>], spans: &[Range<usize>], likeness: &Likeness, threshold: f64) -> Vec<Section> {
    let mut firsts: Vec<&Range<usize>> = Vec::new();
    let mut counts: Vec<usize> = Vec::new();
    let mut sections = Vec::with_capacity(runs.len());
    for run in runs {
        let all = firsts.iter().enumerate().map(|(label, first)| (likeness.runs(first, run), label));
        let best = all.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let known = best.filter(|(likeness, _)| *likeness > threshold || firsts.len() >= MOST_LABELS);
        let (likeness, label) = known.unwrap_or_else(|| {
            firsts.push(run);
            counts.push(0);
            (1.0, firsts.len() - 1)
        });
        let bars = spans[run.start].start..spans[run.end - 1].end;
        sections.push(Section { bars, label, repeat: counts[label], likeness });
        counts[label] += 1;
    }
    sections
}
