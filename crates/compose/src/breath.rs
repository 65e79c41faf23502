//! Rests in which players of winds, and singers, breathe: the note before one is shortened, at the end of a phrase where that can
//! be.

use crate::{
    brief::Brief,
    composition::SectionKind,
    perform::swung,
    plan::Plan,
    role::{LineNote, Role, TICKS_PER_QUARTER},
    sung, write,
};

/// Longest that is played in one breath. Players hold for longer, but phrases of four to six seconds are what is written for
/// them.
const MOST_SECONDS: f64 = 5.5;
/// Nobody breathes again so soon where there is a choice.
const FEW_SECONDS: f64 = 1.2;
/// What it takes to breathe in, human timing of the notes around it included.
const INHALE_SECONDS: f64 = 0.3;
/// A rest of this is a breath already.
const REST_SECONDS: f64 = 0.24;
/// What has to be left of a note that is shortened: of itself, and in seconds.
const LEAST_SHARE: f64 = 0.4;
const LEAST_SECONDS: f64 = 0.1;
/// What is left of a note after a breath inside it is played once more if it lasts so long.
const AGAIN_SECONDS: f64 = 1.0;

/// Whether a General MIDI program is blown with one breath: brass, reeds and pipes. Not a harmonica, which sounds as the player
/// breathes in too, nor what has bellows or a bag.
pub const fn is_wind(program: u8) -> bool {
    matches!(program, 56..=61 | 64..=79 | 111)
}

/// Puts breaths into the tune wherever who has it needs them.
pub fn take(brief: &Brief<'_>, plan: &Plan, line: &mut Vec<LineNote>) {
    let breather = Breather { brief, plan };
    let (mut start, mut at) = (0, 0);
    while at < line.len() {
        if !breather.needs_breath(line[at].onset) {
            (start, at) = (at + 1, at + 1);
            continue;
        }
        if at > start && breather.seconds(line[at - 1].end(), line[at].onset) >= REST_SECONDS {
            start = at;
        }
        if breather.seconds(line[start].onset, line[at].end()) <= MOST_SECONDS {
            at += 1;
            continue;
        }
        match breather.place(&line[start..=at]) {
            Some((place, end)) => {
                line[start + place].duration = end - line[start + place].onset;
                (start, at) = (start + place + 1, start + place + 1);
            }
            None if at == start => {
                breather.divide(line, at);
                (start, at) = (at + 1, at + 1);
            }
            // Nothing but quick notes: one of them is left out.
            None => {
                line.remove(start + (at - start) / 2);
                at = start;
            }
        }
    }
}

struct Breather<'a> {
    brief: &'a Brief<'a>,
    plan: &'a Plan,
}

impl Breather<'_> {
    /// From one moment to another, as they are played.
    fn seconds(&self, from: u32, to: u32) -> f64 {
        let at = |tick: u32| {
            // Nothing of the last chord swings.
            let played = if tick >= self.plan.end { f64::from(tick) } else { swung(tick, self.brief.spec) };
            write::seconds(self.plan, played)
        };
        at(to) - at(from)
    }

    fn needs_breath(&self, tick: u32) -> bool {
        let section = sung::section_at(self.plan, tick).map(|section| self.plan.sections[section].kind);
        let players = &self.brief.players;
        match section {
            Some(SectionKind::Solo) => is_wind(players.soloist),
            Some(SectionKind::Break) if !self.brief.instrumental => is_wind(players.soloist),
            _ => !self.brief.instrumental || is_wind(players.programs[Role::Melody.index()]),
        }
    }

    /// When a note has to end for a breath before the next; `None` if too little of it would be left.
    fn shortened(&self, note: &LineNote, next: &LineNote) -> Option<u32> {
        const STEP: u32 = TICKS_PER_QUARTER / 16;
        let mut end = note.end().min(next.onset);
        while self.seconds(end, next.onset) < INHALE_SECONDS {
            end = end.checked_sub(STEP).filter(|end| *end > note.onset)?;
        }
        let left = self.seconds(note.onset, end);
        let is_enough = left >= LEAST_SECONDS && left >= LEAST_SHARE * self.seconds(note.onset, note.end());
        is_enough.then_some(end)
    }

    /// After which note to breathe, and when it ends: a long note, the end of a section, of four bars, of two, of one; rather late
    /// than early. The last note is not over yet.
    fn place(&self, notes: &[LineNote]) -> Option<(usize, u32)> {
        let mut best: Option<(f64, usize, u32)> = None;
        for (place, pair) in notes.windows(2).enumerate() {
            let (note, next) = (&pair[0], &pair[1]);
            let Some(end) = self.shortened(note, next) else { continue };
            let breath = self.seconds(notes[0].onset, end);
            if breath > MOST_SECONDS {
                break;
            }
            let early = if breath < FEW_SECONDS { -3.0 } else { breath / MOST_SECONDS };
            let length = self.seconds(note.onset, next.onset).min(2.0);
            let worth = 1.2 * length + early + self.boundary(note.onset, next.onset);
            if best.is_none_or(|(most, ..)| worth > most) {
                best = Some((worth, place, end));
            }
        }
        best.map(|(_, place, end)| (place, end))
    }

    /// What a bar line between two onsets says for a breath there.
    fn boundary(&self, before: u32, next: u32) -> f64 {
        let plan = self.plan;
        if next >= plan.end && before < plan.end {
            return 0.8;
        }
        let bar = |tick: u32| plan.bars.partition_point(|bar| bar.start <= tick);
        let (from, to) = (bar(before), bar(next));
        let Some(entered) = to.checked_sub(1).and_then(|place| plan.bars.get(place)).filter(|_| from != to) else {
            return 0.0;
        };
        match entered.index {
            0 => 1.5,
            index if index % 4 == 0 => 1.0,
            index if index % 2 == 0 => 0.6,
            _ => 0.2,
        }
    }

    /// A note that is longer than a breath: a player ends it in time and, if much is left, plays it once more. A singer holds it:
    /// there is one syllable.
    fn divide(&self, line: &mut Vec<LineNote>, at: usize) {
        if !self.brief.instrumental && !sung::is_played(self.plan, line[at].onset) {
            return;
        }
        let note = line[at];
        let tick_seconds = (self.seconds(note.onset, note.end()) / f64::from(note.duration)).max(1e-6);
        let ticks = |seconds: f64| (seconds / tick_seconds) as u32;
        line[at].duration = ticks(MOST_SECONDS).clamp(1, note.duration);
        let again = line[at].end() + ticks(INHALE_SECONDS);
        let left = note.end().saturating_sub(again);
        if left >= ticks(AGAIN_SECONDS) {
            let velocity = note.velocity.saturating_sub(12).max(1);
            line.insert(at + 1, LineNote { onset: again, duration: left, velocity, ..note });
        }
    }
}
