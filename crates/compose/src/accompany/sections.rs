//! Sections of a song that is sung: as long as its phrases have them, and of one letter where the tune returns.

use music::Melody;

use super::timeline::Timeline;
use crate::{composition::SectionKind, form::PlannedSection, role::TICKS_PER_QUARTER};

/// Bars of a section: as near to eight as phrases begin, from four to twelve.
const LENGTHS: [u32; 9] = [8, 4, 6, 7, 9, 10, 5, 12, 11];
/// Tunes that agree in this share of their eighths are one.
const ALIKE: f64 = 0.6;

/// Intro, sections of what is sung, and the bars after it.
pub fn plan(timeline: &Timeline, tune: &Melody) -> Vec<PlannedSection> {
    let mut sections = vec![PlannedSection {
        kind: SectionKind::Intro,
        letter: 'I',
        bars: timeline.intro_bars,
        transposed: 0,
        from_bar: 0,
    }];
    let contour = contour(timeline, tune);
    let eighths_per_bar = (timeline.bar_ticks / EIGHTH) as usize;
    // Where each letter was first heard: its bars.
    let mut themes: Vec<(char, &[Option<u8>])> = Vec::new();
    let mut bar = 0;
    for bars in lengths(timeline, tune) {
        let own = &contour[bar as usize * eighths_per_bar..(bar + bars) as usize * eighths_per_bar];
        let times = 1 + sections.iter().filter(|section| section.kind != SectionKind::Intro).count();
        let known = themes.iter().find(|(_, theme)| alike(own, theme)).map(|(letter, _)| *letter);
        let letter = known.unwrap_or_else(|| {
            let letter = ['A', 'B', 'C', 'D'][themes.len().min(3)];
            themes.push((letter, own));
            letter
        });
        let kind = match (letter, known) {
            ('A', None) => SectionKind::A,
            // A tune that returns over and over is played in turns, so that there is a way up.
            ('A', Some(_)) if times.is_multiple_of(3) && timeline.body_bars - bar > bars => SectionKind::B,
            ('A', Some(_)) => SectionKind::FullA,
            ('B', _) => SectionKind::B,
            _ => SectionKind::Other,
        };
        sections.push(PlannedSection { kind, letter, bars, transposed: 0, from_bar: 0 });
        bar += bars;
    }
    let letter = sections.last().map_or('A', |last| last.letter);
    let (bars, kind) = (timeline.tag_bars, SectionKind::Tag);
    sections.push(PlannedSection { kind, letter, bars, transposed: 0, from_bar: 0 });
    sections
}

/// Bars of each section; together all that are sung.
fn lengths(timeline: &Timeline, tune: &Melody) -> Vec<u32> {
    let bar_of = |seconds: f64| {
        let ticks = timeline.clock.ticks(seconds) - f64::from(timeline.body_tick());
        ticks / f64::from(timeline.bar_ticks)
    };
    let starts: Vec<f64> = tune
        .phrases
        .iter()
        .filter_map(|phrase| tune.notes.get(phrase.start))
        .map(|note| bar_of(note.onset_seconds))
        .collect();
    // A phrase begins with a bar, or with a pickup to it.
    let begins = |bar: u32| starts.iter().any(|start| (-0.75..=0.35).contains(&(start - f64::from(bar))));
    let mut lengths = Vec::new();
    let mut bar = 0;
    while bar < timeline.body_bars {
        let left = timeline.body_bars - bar;
        let fitting = LENGTHS.into_iter().find(|length| left >= length + 4 && begins(bar + length));
        let length = fitting.unwrap_or(if left <= 12 { left } else { 8 });
        lengths.push(length);
        bar += length;
    }
    lengths
}

const EIGHTH: u32 = TICKS_PER_QUARTER / 2;

/// The pitch class that sounds on each eighth of what is sung.
fn contour(timeline: &Timeline, tune: &Melody) -> Vec<Option<u8>> {
    let mut sounds = vec![None; (timeline.body_bars * timeline.bar_ticks / EIGHTH) as usize];
    let place = |seconds: f64| (timeline.clock.ticks(seconds) - f64::from(timeline.body_tick())) / f64::from(EIGHTH);
    for note in &tune.notes {
        let (from, to) = (place(note.onset_seconds).round().max(0.0), place(note.end_seconds()).round().max(0.0));
        let length = (to - from).max(1.0) as usize;
        sounds.iter_mut().skip(from as usize).take(length).for_each(|slot| *slot = Some(note.pitch.class()));
    }
    sounds
}

fn alike(a: &[Option<u8>], b: &[Option<u8>]) -> bool {
    let pairs = || a.iter().zip(b).filter(|(a, b)| a.is_some() || b.is_some());
    let (all, same) = (pairs().count(), pairs().filter(|(a, b)| a == b).count());
    a.len().abs_diff(b.len()) * 4 <= a.len().max(b.len()) && all > 0 && same as f64 >= ALIKE * all as f64
}
