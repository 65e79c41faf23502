//! The notes of a score on one axis of quarters, by bar; what every step of the analysis reads.

use super::{Bar, EARLY_QUARTERS};
use crate::score::{Part, Score, Tick};

/// Nobody listens longer to a held note: it is analysed as if it ended then. Bounds the work for any score.
const MOST_SOUNDING_QUARTERS: f64 = 32.0;
/// Onsets closer than this are one chord.
pub(super) const TOGETHER_QUARTERS: f64 = 0.06;

/// A note in quarters from the start of the song.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sound {
    pub onset: f64,
    pub end: f64,
    pub pitch: u8,
    pub velocity: u8,
    pub bar: usize,
    /// Index into the notes of its part.
    pub index: usize,
}

impl Sound {
    pub(super) fn quarters(&self) -> f64 {
        self.end - self.onset
    }

    pub(super) fn class(&self) -> usize {
        usize::from(self.pitch % 12)
    }

    /// Quarters for which it sounds between two moments.
    pub(super) fn within(&self, from: f64, to: f64) -> f64 {
        (self.end.min(to) - self.onset.max(from)).max(0.0)
    }
}

/// One part.
pub(super) struct Voice<'a> {
    pub part: &'a Part,
    pub is_drums: bool,
    /// By onset, then pitch; those that begin in the bars.
    pub sounds: Vec<Sound>,
}

impl Voice<'_> {
    pub(super) fn is_pitched(&self) -> bool {
        !self.is_drums && !self.sounds.is_empty()
    }

    /// Its notes that begin in bars.
    pub(super) fn in_bars(&self, from: usize, to: usize) -> &[Sound] {
        in_bars(&self.sounds, from, to)
    }
}

pub(super) fn in_bars(sounds: &[Sound], from: usize, to: usize) -> &[Sound] {
    let start = sounds.partition_point(|sound| sound.bar < from);
    let end = sounds.partition_point(|sound| sound.bar < to);
    &sounds[start..end.max(start)]
}

/// Chords of notes that begin together; each group is a slice of `sounds`.
pub(super) fn together(sounds: &[Sound]) -> impl Iterator<Item = &[Sound]> {
    let mut rest = sounds;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let length = rest.partition_point(|sound| sound.onset < first.onset + TOGETHER_QUARTERS).max(1);
        let (group, others) = rest.split_at(length);
        rest = others;
        Some(group)
    })
}

pub(super) struct Material<'a> {
    pub voices: Vec<Voice<'a>>,
    /// Start of each bar, and the end of the last.
    pub starts: Vec<f64>,
}

impl<'a> Material<'a> {
    pub(super) fn new(score: &'a Score, bars: &[Bar]) -> Self {
        let per_quarter = f64::from(score.ticks_per_quarter.max(1));
        let quarters = |tick: Tick| tick as f64 / per_quarter;
        let mut starts: Vec<f64> = bars.iter().map(|bar| quarters(bar.start)).collect();
        starts.push(bars.last().map_or(0.0, |bar| quarters(bar.end)));
        let end = bars.last().map_or(0, |bar| bar.end);
        let voice = |part: &'a Part| {
            let mut sounds: Vec<Sound> = Vec::with_capacity(part.notes.len());
            for (index, note) in part.notes.iter().enumerate().filter(|(_, note)| note.onset < end) {
                let onset = quarters(note.onset);
                let duration = quarters(note.duration.max(1)).min(MOST_SOUNDING_QUARTERS);
                let bar = bar_of(&starts, onset);
                sounds.push(Sound {
                    onset,
                    end: onset + duration,
                    pitch: note.pitch.min(127),
                    velocity: note.velocity.min(127),
                    bar,
                    index,
                });
            }
            sounds.sort_by(|a, b| a.onset.total_cmp(&b.onset).then(a.pitch.cmp(&b.pitch)));
            Voice { part, is_drums: part.drums, sounds }
        };
        let voices = score.parts.iter().map(voice).collect();
        Self { voices, starts }
    }

    pub(super) fn bar_count(&self) -> usize {
        self.starts.len() - 1
    }

    /// All bars' end.
    pub(super) fn end(&self) -> f64 {
        self.starts.last().copied().unwrap_or(0.0)
    }

    pub(super) fn bar_of(&self, onset: f64) -> usize {
        bar_of(&self.starts, onset)
    }

    pub(super) fn bar_quarters(&self, bar: usize) -> f64 {
        self.starts[bar + 1] - self.starts[bar]
    }
}

/// Bar in which a note with this onset belongs.
fn bar_of(starts: &[f64], onset: f64) -> usize {
    let next = starts.partition_point(|&start| start <= onset + EARLY_QUARTERS);
    next.saturating_sub(1).min(starts.len().saturating_sub(2))
}
