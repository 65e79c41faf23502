//! What callers ask an analysis: which bar, which key, which chord, whose notes.

use super::{Analysis, Bar, BarNote, ChordSlot, DrumClass, Groove, Key, KeySpan, Line, PartAnalysis, Section};
use crate::score::Tick;

impl Analysis {
    /// Bar in which a tick lies; the last one for everything behind it.
    pub fn bar_at(&self, tick: Tick) -> usize {
        self.bars.partition_point(|bar| bar.start <= tick).saturating_sub(1)
    }

    /// Key of a bar; `None` without pitched notes.
    pub fn key_at(&self, bar: usize) -> Option<Key> {
        let next = self.keys.partition_point(|span| span.bars.start <= bar);
        self.keys.get(next.saturating_sub(1)).map(|KeySpan { key, .. }| *key)
    }

    /// The slots of a bar, in order.
    pub fn chords_in(&self, bar: usize) -> &[ChordSlot] {
        let start = self.chords.partition_point(|slot| slot.bar < bar);
        let end = self.chords.partition_point(|slot| slot.bar <= bar);
        &self.chords[start..end]
    }

    /// The slot under a place in a bar.
    pub fn chord_at(&self, bar: usize, offset_quarters: f64) -> Option<&ChordSlot> {
        let slots = self.chords_in(bar);
        let next = slots.partition_point(|slot| slot.offset_quarters <= offset_quarters + super::EARLY_QUARTERS);
        slots.get(next.saturating_sub(1))
    }

    /// Section in which a bar lies.
    pub fn section_at(&self, bar: usize) -> Option<&Section> {
        let next = self.form.sections.partition_point(|section| section.bars.start <= bar);
        self.form.sections.get(next.saturating_sub(1))
    }

    /// Onset of a note in ticks from the start of the song.
    pub fn tick_of(&self, note: &BarNote) -> Tick {
        let start = self.bars.get(note.bar).map_or(0, |bar| bar.start);
        let ticks = (note.onset_quarters * f64::from(self.ticks_per_quarter)).round() as i64;
        start.saturating_add_signed(ticks)
    }
}

impl Bar {
    /// Length of what is felt as a beat, in quarters: three eighths in 6/8, 9/8 and 12/8, three sixteenths in 12/16; else a
    /// quarter, also in 2/2.
    pub fn beat_quarters(&self) -> f64 {
        if self.is_compound() { 12.0 / f64::from(self.unit.max(1)) } else { 1.0 }
    }

    /// 6/8, 9/8, 12/8 and their like in sixteenths: beats of three.
    pub fn is_compound(&self) -> bool {
        self.unit >= 8 && self.beats >= 6 && self.beats.is_multiple_of(3)
    }
}

impl PartAnalysis {
    /// Its notes that begin in a bar.
    pub fn notes_in(&self, bar: usize) -> &[BarNote] {
        in_bar(&self.notes, bar)
    }
}

impl Line {
    /// Its notes that begin in a bar.
    pub fn notes_in(&self, bar: usize) -> &[BarNote] {
        in_bar(&self.notes, bar)
    }
}

fn in_bar(notes: &[BarNote], bar: usize) -> &[BarNote] {
    let start = notes.partition_point(|note| note.bar < bar);
    let end = notes.partition_point(|note| note.bar <= bar);
    &notes[start..end]
}

impl Section {
    /// `A`, `B` … `Z`, `A1`, `B1` …
    pub fn letter(&self) -> String {
        let letter = char::from(b'A' + (self.label % 26) as u8);
        match self.label / 26 {
            0 => letter.to_string(),
            round => format!("{letter}{round}"),
        }
    }
}

impl DrumClass {
    pub const ALL: [Self; 7] =
        [Self::Kick, Self::Snare, Self::HiHat, Self::Tom, Self::Crash, Self::Ride, Self::Percussion];

    /// Class of a key of the General MIDI drum map.
    pub const fn of(pitch: u8) -> Self {
        match pitch {
            35 | 36 => Self::Kick,
            37..=40 => Self::Snare,
            42 | 44 | 46 => Self::HiHat,
            41 | 43 | 45 | 47 | 48 | 50 => Self::Tom,
            49 | 52 | 55 | 57 => Self::Crash,
            51 | 53 | 59 => Self::Ride,
            _ => Self::Percussion,
        }
    }
}

impl Groove {
    /// 0–1: F-measure of the onsets of both, each drum class and the pitched parts on their own. Bars of different
    /// lengths are compared step by step from their starts.
    pub fn likeness(&self, other: &Self) -> f64 {
        let (ours, theirs) = (self.onsets(), other.onsets());
        let (mut both, mut all) = (0u32, 0u32);
        for step in 0..ours.len().max(theirs.len()) {
            let a = ours.get(step).copied().unwrap_or_default();
            let b = theirs.get(step).copied().unwrap_or_default();
            both += (a & b).count_ones();
            all += a.count_ones() + b.count_ones();
        }
        if all == 0 { 1.0 } else { 2.0 * f64::from(both) / f64::from(all) }
    }

    /// Per step a bit for pitched notes and one for each drum class.
    fn onsets(&self) -> Vec<u8> {
        (0..self.steps)
            .map(|step| {
                let pitched = self.pitched.get(step).is_some_and(|&velocity| velocity > 0);
                let drums = self.drums.get(step).copied().unwrap_or_default();
                let drums = drums.iter().enumerate().map(|(class, &velocity)| u8::from(velocity > 0) << (class + 1));
                drums.fold(u8::from(pitched), |bits, bit| bits | bit)
            })
            .collect()
    }
}
