//! What is expected of every genre: an intro, a contrast, fills, an ending that ends, no silence, accents.

use super::{
    Gate,
    facts::{Facts, mean, share},
    spoil,
};
use crate::{
    composition::SectionKind,
    role::{Role, TICKS_PER_QUARTER},
    style::Style,
};

pub fn gates(facts: &Facts<'_>) -> Vec<Gate> {
    let has = |kinds: &[SectionKind]| {
        f64::from(u8::from(facts.song.sections.iter().any(|section| kinds.contains(&section.kind))))
    };
    let contrast = has(&[SectionKind::B, SectionKind::Other, SectionKind::Solo]);
    let mut gates = vec![
        Gate::new("intro", Some(has(&[SectionKind::Intro])), 1.0, 1.0, spoil::one_section),
        Gate::new("contrast", Some(contrast), 1.0, 1.0, spoil::one_section),
        Gate::new("last chord is the tonic, held", ending(facts), 1.0, 1.0, spoil::no_ending),
        Gate::new("longest silence in seconds", Some(longest_silence(facts)), 0.0, 1.5, spoil::hole),
        Gate::new("spread of velocities", spread(facts), 3.0, 40.0, spoil::flat),
    ];
    if !matches!(facts.style, Style::Bluegrass | Style::Ambient) {
        gates.push(Gate::new("fills before changes", fills(facts), 0.8, 1.0, spoil::no_fills));
    }
    gates
}

/// Whether all that sounds at the end is the last chord, let go in the last quarter or so but before the end.
fn ending(facts: &Facts<'_>) -> Option<f64> {
    let song = facts.song;
    let last = song.chords.last()?.chord;
    let tonic = i32::from(song.effective.key.tonic) + song.sections.last()?.transposed;
    let is_tonic = song.effective.has_chart || i32::from(last.root) == tonic.rem_euclid(12);
    let held = |role: Role| {
        let notes: Vec<_> = facts.line(role).iter().filter(|note| note.onset >= facts.end).collect();
        let fits = notes.iter().all(|note| last.has(note.pitch % 12));
        let let_go = notes.iter().map(|note| note.end()).max()?;
        let seconds = f64::from(let_go) / f64::from(TICKS_PER_QUARTER) * 60.0 / song.effective.tempo_bpm;
        let hold = song.seconds - f64::from(facts.end) / f64::from(TICKS_PER_QUARTER) * 60.0 / song.effective.tempo_bpm;
        Some(fits && seconds < song.seconds - 0.1 && seconds > song.seconds - 1.3_f64.max(0.5 * hold))
    };
    let roles: Vec<bool> = [Role::Comping, Role::Bass].into_iter().map(|role| held(role).unwrap_or(false)).collect();
    share(roles.into_iter().chain([is_tonic]))
}

/// Without a key down, in seconds, up to the last chord.
fn longest_silence(facts: &Facts<'_>) -> f64 {
    let mut spans: Vec<(u64, u64)> =
        facts.song.score.parts.iter().flat_map(|part| &part.notes).map(|note| (note.onset, note.end())).collect();
    spans.sort_unstable();
    let (mut until, mut longest) = (0, 0);
    for (onset, end) in spans {
        longest = longest.max(onset.saturating_sub(until));
        until = until.max(end);
    }
    longest as f64 / f64::from(TICKS_PER_QUARTER) * 60.0 / facts.song.effective.tempo_bpm
}

/// Standard deviation of the velocities of every part, the mean over the parts.
fn spread(facts: &Facts<'_>) -> Option<f64> {
    mean(facts.song.score.parts.iter().filter_map(|part| {
        let average = mean(part.notes.iter().map(|note| f64::from(note.velocity)))?;
        mean(part.notes.iter().map(|note| (f64::from(note.velocity) - average).powi(2))).map(f64::sqrt)
    }))
}

/// Changes of section, with drums on both sides, before which the drums do something in the last two beats that they do not do
/// in the bar before it.
fn fills(facts: &Facts<'_>) -> Option<f64> {
    let drums_in = |bar: &super::facts::BarFacts| {
        let late = facts.bar_ticks / 2;
        let notes =
            facts.inside(Role::Drums, bar).filter(move |(at, _)| *at >= late).map(|(at, note)| (at, note.pitch));
        notes.collect::<Vec<_>>()
    };
    let changes = facts.bars.windows(3).filter(|three| three[1].is_last_of_section && three[1].index > 0);
    share(changes.filter(|three| !drums_in(&three[2]).is_empty() && !drums_in(&three[0]).is_empty()).map(|three| {
        let (before, last) = (drums_in(&three[0]), drums_in(&three[1]));
        last.iter().any(|stroke| !before.contains(stroke))
    }))
}
