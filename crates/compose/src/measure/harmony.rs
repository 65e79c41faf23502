//! Chords and the bass under them.

use music::Mode;

use super::facts::{Facts, mean, share};
use crate::{composition::SectionKind, role::Role};

/// Chords with a seventh or ninth.
pub fn sevenths(facts: &Facts<'_>) -> Option<f64> {
    share(facts.song.chords.iter().map(|span| span.chord.quality.has_seventh()))
}

/// Bars in which a bass note that begins on 1 is the root (or the bass that the chord names); bars without one fail.
pub fn bass_on_root(facts: &Facts<'_>) -> Option<f64> {
    facts.share(|bar| {
        let chord = facts.chord_at(bar.start);
        let first = facts.inside(Role::Bass, bar).next().filter(|(at, _)| *at == 0);
        chord.zip(first).is_some_and(|(chord, (_, note))| note.pitch % 12 == chord.bass_class())
    })
}

/// Degrees above the tonic of the section, in semitones.
fn degrees<'a>(facts: &'a Facts<'_>) -> impl Iterator<Item = (u8, bool)> + 'a {
    let song = facts.song;
    song.chords.iter().filter_map(move |span| {
        let section = song.sections.iter().rfind(|section| section.start_seconds <= span.start_seconds + 1e-6)?;
        let tonic = i32::from(song.effective.key.tonic) + section.transposed;
        let degree = (i32::from(span.chord.root) - tonic).rem_euclid(12) as u8;
        Some((degree, span.chord.quality.has_minor_third()))
    })
}

/// Chords of the first, fourth and fifth degree; in minor also the seventh, which stands for the fifth there.
pub fn primary(facts: &Facts<'_>) -> Option<f64> {
    let minor = facts.song.effective.key.mode == Mode::Minor;
    share(degrees(facts).map(|(degree, _)| matches!(degree, 0 | 5 | 7) || minor && degree == 10))
}

/// Chords whose roots lie in the key, flat seventh included.
pub fn in_key(facts: &Facts<'_>) -> Option<f64> {
    let minor = facts.song.effective.key.mode == Mode::Minor;
    let roots: &[u8] = if minor { &[0, 2, 3, 5, 7, 8, 10] } else { &[0, 2, 4, 5, 7, 9, 10, 11] };
    share(degrees(facts).map(|(degree, _)| roots.contains(&degree)))
}

/// Choruses of twelve bars with the tonic in 1, the subdominant in 5, and back, as the blues has it.
pub fn twelve_bars(facts: &Facts<'_>) -> Option<f64> {
    let song = facts.song;
    let choruses = song.sections.iter().filter(|section| section.bars == 12);
    share(choruses.map(|section| {
        let tonic = i32::from(song.effective.key.tonic) + section.transposed;
        let degree = |bar: u32| {
            let span = song.chords.iter().find(|span| span.bar == Some(section.first_bar + bar));
            span.map(|span| (i32::from(span.chord.root) - tonic).rem_euclid(12))
        };
        degree(0) == Some(0) && degree(4) == Some(5) && degree(6) == Some(0)
    }))
}

/// Choruses whose last two bars lead back by the dominant.
pub fn turnaround(facts: &Facts<'_>) -> Option<f64> {
    let song = facts.song;
    let choruses = song.sections.iter().filter(|section| section.bars == 12);
    share(choruses.map(|section| {
        let dominant = (i32::from(song.effective.key.tonic) + section.transposed + 7).rem_euclid(12);
        let last = [section.first_bar + 10, section.first_bar + 11].map(Some);
        song.chords.iter().any(|span| last.contains(&span.bar) && i32::from(span.chord.root) == dominant)
    }))
}

/// Changes of chord in a bar.
pub fn chords_per_bar(facts: &Facts<'_>) -> Option<f64> {
    let inside: Vec<_> = facts.song.chords.iter().filter(|span| span.bar.is_some()).collect();
    let bars = facts.bars.iter().filter(|bar| bar.kind != SectionKind::Ending).count();
    let changes = inside.windows(2).filter(|pair| pair[0].chord != pair[1].chord).count();
    mean((bars > 0).then(|| changes as f64 / bars.max(1) as f64).into_iter())
}
