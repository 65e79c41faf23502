//! A song bar by bar, as gates see it.

use crate::{
    chord::Chord,
    composition::{Composition, SectionKind},
    role::{LineNote, Role, TICKS_PER_QUARTER},
    style::Style,
};

/// A song and what is counted in it.
pub struct Facts<'a> {
    pub song: &'a Composition,
    pub style: Style,
    /// In a bar.
    pub beats: u32,
    pub bar_ticks: u32,
    pub bars: Vec<BarFacts>,
    /// Where the last chord begins.
    pub end: u32,
}

/// A bar.
#[derive(Clone, Copy, Debug)]
pub struct BarFacts {
    pub start: u32,
    pub kind: SectionKind,
    /// In its section.
    pub index: u32,
    pub is_last_of_section: bool,
}

impl<'a> Facts<'a> {
    pub fn new(song: &'a Composition) -> Self {
        let beats = song.score.meters.last().map_or(4, |meter| u32::from(meter.beats));
        let bar_ticks = beats * TICKS_PER_QUARTER;
        let mut start = song.effective.pickup_beats * TICKS_PER_QUARTER;
        let mut bars = Vec::new();
        for section in &song.sections {
            for index in 0..section.bars {
                bars.push(BarFacts { start, kind: section.kind, index, is_last_of_section: index + 1 == section.bars });
                start += bar_ticks;
            }
        }
        Self { song, style: song.effective.style, beats, bar_ticks, bars, end: start }
    }

    pub fn line(&self, role: Role) -> &'a [LineNote] {
        &self.song.lines[role.index()]
    }

    pub fn drums(&self) -> &'a [LineNote] {
        self.line(Role::Drums)
    }

    /// 1 if somebody plays a program, else 0.
    pub fn plays(&self, program: u8) -> f64 {
        f64::from(u8::from(self.song.score.parts.iter().any(|part| !part.drums && part.program == program)))
    }

    /// Bars with the whole groove: neither intro nor break.
    pub fn groove(&self) -> impl Iterator<Item = &BarFacts> {
        self.bars.iter().filter(|bar| !matches!(bar.kind, SectionKind::Intro | SectionKind::Break))
    }

    /// Notes of a role that begin in a bar, with their place in it.
    pub fn inside(&self, role: Role, bar: &BarFacts) -> impl Iterator<Item = (u32, &'a LineNote)> + use<'a> {
        let (line, start, end) = (self.line(role), bar.start, bar.start + self.bar_ticks);
        let from = line.partition_point(|note| note.onset < start);
        line[from..].iter().take_while(move |note| note.onset < end).map(move |note| (note.onset - start, note))
    }

    /// The chord under a tick.
    pub fn chord_at(&self, tick: u32) -> Option<Chord> {
        let seconds = f64::from(tick) / f64::from(TICKS_PER_QUARTER) * 60.0 / self.song.effective.tempo_bpm + 1e-6;
        self.song
            .chords
            .iter()
            .find(|span| span.start_seconds <= seconds && seconds < span.end_seconds)
            .map(|span| span.chord)
    }

    /// Share of the bars with the whole groove of which something holds; `None` without such bars.
    pub fn share(&self, holds: impl Fn(&BarFacts) -> bool) -> Option<f64> {
        let bars: Vec<bool> = self.groove().map(holds).collect();
        share(bars.into_iter())
    }
}

/// Share of what holds; `None` of nothing.
pub fn share(all: impl Iterator<Item = bool>) -> Option<f64> {
    let (held, count) = all.fold((0u32, 0u32), |(held, count), holds| (held + u32::from(holds), count + 1));
    (count > 0).then(|| f64::from(held) / f64::from(count))
}

pub fn mean(all: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = all.fold((0.0, 0u32), |(sum, count), one| (sum + one, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
