//! The chords that fit the melody, on the band's beats, as the style has them: with sevenths where it has sevenths.

use music::{Melody, harmony};

use super::timeline::Timeline;
use crate::{
    brief::Brief,
    chord::{Chord, Quality},
    dice::Matter,
    form::PlannedSection,
    plan::Bar,
    role::TICKS_PER_QUARTER,
    spec::Harmony,
};

/// A seventh is not put beside its root where that is sung for more than this share of the chord.
const MOST_ROOT_SHARE: f64 = 0.3;

/// All bars of the song.
pub fn bars(
    brief: &Brief<'_>,
    timeline: &Timeline,
    sections: &[PlannedSection],
    tune: &Melody,
    found: &[harmony::ChordSpan],
) -> Vec<Bar> {
    let colour = Colour::of(brief.spec.harmony(brief.key.mode), brief);
    let spans: Vec<(harmony::ChordSpan, Chord)> =
        found.iter().map(|span| (*span, colour.chord(span, tune, brief))).collect();
    let tonic = Chord::new(brief.key.tonic, colour.tonic(brief));
    let mut bars: Vec<Bar> = Vec::new();
    for (place, section) in sections.iter().enumerate() {
        for index in 0..section.bars {
            bars.push(Bar { section: place, index, start: bars.len() as u32 * timeline.bar_ticks, chords: Vec::new() });
        }
    }
    let (intro, body) = (timeline.intro_bars as usize, timeline.body_bars as usize);
    for bar in bars.iter_mut().skip(intro).take(body) {
        bar.chords = sung(timeline, bar.start, &spans, tonic);
    }
    come_home(timeline, tune, &mut bars, tonic);
    // The intro is the end of the song beforehand: a listener knows where home is.
    for index in 0..intro.min(bars.len()) {
        let from = (intro + body).saturating_sub(intro).max(intro) + index;
        bars[index].chords = bars.get(from).map_or_else(Vec::new, |bar| bar.chords.clone());
    }
    leading_in(brief, timeline, tune, &mut bars);
    tag(brief, &mut bars, intro + body, tonic);
    bars.iter_mut().filter(|bar| bar.chords.is_empty()).for_each(|bar| bar.chords.push((0, tonic)));
    bars
}

/// Chords of a bar that is sung, by what sounds in the middle of each beat.
fn sung(timeline: &Timeline, start: u32, spans: &[(harmony::ChordSpan, Chord)], tonic: Chord) -> Vec<(u32, Chord)> {
    let mut chords: Vec<(u32, Chord)> = Vec::new();
    for at in (0..timeline.bar_ticks).step_by(TICKS_PER_QUARTER as usize) {
        let middle = timeline.clock.seconds(f64::from(start + at + TICKS_PER_QUARTER / 2));
        let within = spans.iter().find(|(span, _)| (span.start_seconds..span.end_seconds).contains(&middle));
        // Before the first chord its own is played; after the last one that goes on.
        let chord = within.or_else(|| spans.iter().find(|(span, _)| span.start_seconds > middle)).or(spans.last());
        let chord = chord.map_or(tonic, |(_, chord)| *chord);
        if chords.last().is_none_or(|(_, last)| *last != chord) {
            chords.push((at, chord));
        }
    }
    chords
}

/// A last note that belongs to the tonic chord is held over it, and nothing moves under it any more.
fn come_home(timeline: &Timeline, tune: &Melody, bars: &mut [Bar], tonic: Chord) {
    let Some(last) = tune.notes.last().filter(|last| tonic.has(last.pitch.class())) else { return };
    let onset = timeline.clock.ticks(last.onset_seconds).max(0.0) as u32 + TICKS_PER_QUARTER / 4;
    let onset = onset / TICKS_PER_QUARTER * TICKS_PER_QUARTER;
    for bar in
        bars.iter_mut().filter(|bar| bar.start + timeline.bar_ticks > onset && bar.start < timeline.body_end_tick())
    {
        let at = onset.saturating_sub(bar.start);
        bar.chords.retain(|(start, _)| *start < at);
        if bar.chords.last().is_none_or(|(_, chord)| *chord != tonic) {
            bar.chords.push((at, tonic));
        }
    }
}

/// The last bar of the intro goes over to the first that is sung: a dominant, where a pickup does not speak against it.
fn leading_in(brief: &Brief<'_>, timeline: &Timeline, tune: &Melody, bars: &mut [Bar]) {
    let intro = timeline.intro_bars as usize;
    let Some(first) = bars.get(intro).and_then(|bar| bar.chords.first()).map(|(_, chord)| *chord) else { return };
    let Some(last) = intro.checked_sub(1).and_then(|last| bars.get_mut(last)) else { return };
    let cadence: Vec<Chord> = cadence(brief);
    let Some(leading) = cadence.last().copied().filter(|leading| *leading != first) else { return };
    let half = timeline.bar_ticks / 2 / TICKS_PER_QUARTER * TICKS_PER_QUARTER;
    let from = f64::from(last.start + half);
    let until = f64::from(timeline.body_tick());
    let pickup: Vec<bool> = tune
        .notes
        .iter()
        .map(|note| (timeline.clock.ticks(note.onset_seconds), note.pitch.class()))
        .filter(|(tick, _)| (from..until).contains(tick))
        .map(|(_, class)| leading.has(class))
        .collect();
    let fits = pickup.iter().filter(|fits| **fits).count() * 2 >= pickup.len();
    if fits {
        last.chords.retain(|(at, _)| *at < half);
        last.chords.push((half, leading));
    }
}

/// After what is sung: home, and the style's cadence before the last chord.
fn tag(brief: &Brief<'_>, bars: &mut [Bar], from: usize, tonic: Chord) {
    let beats = brief.beats();
    let split = if beats == 3 { 2 } else { beats / 2 } * TICKS_PER_QUARTER;
    let count = bars.len().saturating_sub(from);
    for (index, bar) in bars.iter_mut().skip(from).enumerate() {
        bar.chords = if index + 1 == count {
            cadence(brief).into_iter().zip([0, split]).map(|(chord, at)| (at, chord)).collect()
        } else {
            vec![(0, tonic)]
        };
    }
}

fn cadence(brief: &Brief<'_>) -> Vec<Chord> {
    let cadences = &brief.spec.harmony(brief.key.mode).cadence;
    let bars = brief.dice(Matter::Harmony, 0).pick(cadences);
    bars.and_then(|bars| bars.first()).into_iter().flatten().map(|numeral| numeral.in_key(&brief.key)).collect()
}

/// What a style adds to plain chords.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Colour {
    Plain,
    Sevenths,
    /// Every major chord has a minor seventh.
    Blues,
}

impl Colour {
    /// By what most chords of the style's own progressions are.
    fn of(harmony: &Harmony, brief: &Brief<'_>) -> Self {
        let chords: Vec<Chord> =
            harmony.a.iter().flatten().flatten().map(|numeral| numeral.in_key(&brief.key)).collect();
        let share = |what: &dyn Fn(&Chord) -> bool| {
            chords.iter().filter(|chord| what(chord)).count() as f64 / chords.len().max(1) as f64
        };
        let of_tonic = |chord: &Chord| chord.root == brief.key.tonic && chord.quality.is_dominant();
        if share(&of_tonic) > 0.2 {
            Self::Blues
        } else if share(&|chord| chord.quality.has_seventh()) >= 0.5 {
            Self::Sevenths
        } else {
            Self::Plain
        }
    }

    fn tonic(self, brief: &Brief<'_>) -> Quality {
        let plain = if brief.key.mode == music::Mode::Minor { Quality::Minor } else { Quality::Major };
        match (self, plain) {
            (Self::Blues, Quality::Major) => Quality::Dominant,
            (Self::Sevenths, Quality::Major) => Quality::Sixth,
            (Self::Sevenths | Self::Blues, Quality::Minor) => Quality::MinorSeventh,
            (_, plain) => plain,
        }
    }

    fn chord(self, span: &harmony::ChordSpan, tune: &Melody, brief: &Brief<'_>) -> Chord {
        let root = span.chord.root % 12;
        let plain = match span.chord.quality {
            harmony::Quality::Major => Quality::Major,
            harmony::Quality::Minor => Quality::Minor,
            harmony::Quality::Diminished => Quality::Diminished,
            harmony::Quality::DominantSeventh => Quality::Dominant,
        };
        let is_dominant = (root + 12 - brief.key.tonic) % 12 == 7;
        let quality = match (self, plain) {
            (Self::Plain, plain) => plain,
            (_, Quality::Minor) => Quality::MinorSeventh,
            (_, Quality::Diminished) => Quality::HalfDiminished,
            (Self::Blues, Quality::Major) => Quality::Dominant,
            (Self::Sevenths, Quality::Major) if is_dominant => Quality::Dominant,
            (Self::Sevenths, Quality::Major) if root_share(root, span, tune) > MOST_ROOT_SHARE => Quality::Sixth,
            (Self::Sevenths, Quality::Major) => Quality::MajorSeventh,
            (_, plain) => plain,
        };
        Chord::new(root, quality)
    }
}

/// Share of a chord's time in which its root is sung.
fn root_share(root: u8, span: &harmony::ChordSpan, tune: &Melody) -> f64 {
    let together = |note: &music::Note| {
        (note.end_seconds().min(span.end_seconds) - note.onset_seconds.max(span.start_seconds)).max(0.0)
    };
    let sung: f64 = tune.notes.iter().filter(|note| note.pitch.class() == root).map(together).sum();
    sung / (span.end_seconds - span.start_seconds).max(1e-9)
}
