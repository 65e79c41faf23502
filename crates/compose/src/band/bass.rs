//! The bass: patterns of degrees, or a line that walks from chord to chord.

use super::{chosen, may_play, slot, vary::varied, velocity};
use crate::{
    brief::Brief,
    chord::Chord,
    dice::{Dice, Matter},
    plan::{Bar, Plan},
    role::{LineNote, Role, TICKS_PER_QUARTER},
    spec::{Line, Slot, Stroke},
};

/// Velocity of a plain note.
const VELOCITY: f64 = 84.0;

struct Bass<'a> {
    brief: &'a Brief<'a>,
    plan: &'a Plan,
    notes: Vec<LineNote>,
    low: u8,
    high: u8,
}

pub fn play(brief: &Brief<'_>, plan: &Plan) -> Vec<LineNote> {
    let (low, high) = brief.register(Role::Bass);
    let mut bass = Bass { brief, plan, notes: Vec::new(), low, high };
    let mut dice = brief.dice(Matter::Bass, 0x7fff);
    for (number, bar) in plan.bars.iter().enumerate() {
        let slot = slot(brief, plan, bar);
        let Some(pattern) = chosen(brief, &brief.spec.bass, slot, plan.section(bar).letter, Matter::Bass) else {
            continue;
        };
        if pattern.0.is_empty() {
            bass.walk(number, bar, &mut dice);
        } else {
            let pattern = varied(brief, pattern, slot, plan.section(bar).letter, Matter::Bass);
            bass.pattern(number, bar, &pattern, slot, &mut dice);
        }
    }
    bass.notes
}

impl Bass<'_> {
    fn last(&self) -> u8 {
        self.notes.last().map_or(self.low + (self.high - self.low) / 3, |note| note.pitch)
    }

    /// The key of a pitch class that is nearest to one, in the register.
    fn near(&self, class: u8, to: u8) -> u8 {
        let keys = (self.low..=self.high).filter(|pitch| pitch % 12 == class % 12);
        keys.min_by_key(|pitch| pitch.abs_diff(to)).unwrap_or(to)
    }

    /// Roots lie in the lower half.
    fn root(&self, class: u8) -> u8 {
        let middle = self.low + (self.high - self.low) / 3;
        let near = i32::from(self.last()).clamp(i32::from(middle) - 5, i32::from(middle) + 6);
        self.near(class, near as u8)
    }

    fn push(&mut self, bar: &Bar, at: u32, length: u32, pitch: u8, base: f64) {
        let swell = self.plan.swell(self.brief, bar, Role::Bass);
        let accent = if at == 0 { 6.0 } else { 0.0 };
        self.notes.push(LineNote {
            onset: bar.start + at,
            duration: length.max(1),
            pitch,
            velocity: velocity(base + accent, swell),
        });
    }

    fn pattern(&mut self, number: usize, bar: &Bar, pattern: &Line, slot: Slot, dice: &mut Dice) {
        let (brief, plan) = (self.brief, self.plan);
        let steps = brief.spec.steps_per_bar() as usize;
        let ticks = TICKS_PER_QUARTER / brief.spec.steps_per_beat;
        let from = bar.index as usize * steps % pattern.0.len();
        let letter = plan.section(bar).letter;
        for step in 0..steps {
            let at = step as u32 * ticks;
            let (chord, _) = plan.chord_at(bar, at);
            let stroke = pattern.0[(from + step) % pattern.0.len()];
            let changes = bar.chords.iter().any(|(start, _)| *start == at);
            let rings = self.notes.last().is_some_and(|last| last.end() == bar.start + at);
            let same = self.notes.last().is_some_and(|last| last.pitch % 12 == chord.bass_class());
            match stroke {
                Stroke::Rest => {}
                Stroke::Hold if rings && (!changes || same) => {
                    if let Some(last) = self.notes.last_mut() {
                        last.duration += ticks;
                    }
                }
                // Held over a change, or from a bar that let go: the new root.
                Stroke::Hold if changes && (rings || step == 0) => {
                    let pitch = self.root(chord.bass_class());
                    self.push(bar, at, ticks, pitch, VELOCITY);
                }
                Stroke::Hold => {}
                Stroke::Maybe if !may_play(brief, Matter::Bass, slot, letter, step) => {}
                stroke => {
                    let pitch = self.pitch(number, at, &chord, stroke, dice);
                    let soft = matches!(stroke, Stroke::Dead | Stroke::Maybe);
                    self.push(bar, at, ticks, pitch, if soft { VELOCITY - 26.0 } else { VELOCITY });
                }
            }
        }
        self.articulate(bar);
    }

    /// Notes let go a little before the next; dead ones at once.
    fn articulate(&mut self, bar: &Bar) {
        let short = TICKS_PER_QUARTER / 24;
        for index in (0..self.notes.len()).rev() {
            if self.notes[index].onset < bar.start {
                break;
            }
            let ends_bar = self.notes[index].end() == bar.start + self.plan.bar_ticks;
            let note = &mut self.notes[index];
            // What reaches the bar line may be held over it.
            if !ends_bar {
                note.duration = note.duration.saturating_sub(short).max(short);
            }
        }
    }

    fn pitch(&self, number: usize, at: u32, chord: &Chord, stroke: Stroke, dice: &mut Dice) -> u8 {
        let root = self.root(chord.bass_class());
        let above = |interval: u8| {
            let class = (chord.root + interval) % 12;
            // Above the root where there is room.
            let up = root + (class + 12 - root % 12) % 12;
            if up <= self.high { up } else { self.near(class, root) }
        };
        match stroke {
            Stroke::Degree(3) => above(chord.quality.third()),
            Stroke::Degree(5) => above(chord.quality.fifth()),
            Stroke::Degree(6) => above(9),
            Stroke::Degree(7) => above(if chord.quality.intervals().contains(&11) { 11 } else { 10 }),
            Stroke::Degree(8) if root + 12 <= self.high + 3 => root + 12,
            Stroke::Degree(8) if root >= self.low + 12 => root - 12,
            Stroke::Next => self.root(self.plan.next_chord(number, at).bass_class()),
            Stroke::Approach => {
                let next = self.plan.next_chord(number, at);
                if next.bass_class() == chord.bass_class() {
                    above(chord.quality.fifth())
                } else {
                    self.approach(&next, dice)
                }
            }
            _ => root,
        }
    }

    /// A semitone or a step from the next root, from the side that is nearer.
    fn approach(&self, next: &Chord, dice: &mut Dice) -> u8 {
        let target = i32::from(self.near(next.bass_class(), self.last()));
        let below = i32::from(self.last()) <= target;
        let size = if dice.chance(0.6) { 1 } else { 2 };
        let pitch = if below { target - size } else { target + size };
        pitch.clamp(i32::from(self.low), i32::from(self.high)) as u8
    }

    /// Quarters that lead from root to root.
    fn walk(&mut self, number: usize, bar: &Bar, dice: &mut Dice) {
        let plan = self.plan;
        let beats = plan.bar_ticks / TICKS_PER_QUARTER;
        let key = plan.key_of(bar.section);
        for beat in 0..beats {
            let at = beat * TICKS_PER_QUARTER;
            let (chord, until) = plan.chord_at(bar, at);
            let starts = bar.chords.iter().any(|(start, _)| *start == at);
            let next = plan.next_chord(number, at);
            let last = self.last();
            let stays =
                bar.index > 0 && plan.bars[number - 1].chords.last().is_some_and(|(_, before)| *before == chord);
            let pitch = if starts {
                // A chord that stays may be entered by its third or fifth.
                match dice.share() {
                    share if stays && share < 0.2 => self.near((chord.root + chord.quality.third()) % 12, last),
                    share if stays && share < 0.35 => self.near((chord.root + chord.quality.fifth()) % 12, last),
                    _ => self.near(
                        chord.bass_class(),
                        (i32::from(last) + if dice.chance(0.5) { 3 } else { -3 }).clamp(0, 127) as u8,
                    ),
                }
            } else if at + TICKS_PER_QUARTER == until {
                self.approach(&next, dice)
            } else {
                self.passing(&chord, &key, &next, last, dice)
            };
            let pitch = if pitch == last && !starts { self.other(pitch, &chord) } else { pitch };
            self.push(
                bar,
                at,
                TICKS_PER_QUARTER - TICKS_PER_QUARTER / 12,
                pitch,
                if beat % 2 == 1 { VELOCITY + 3.0 } else { VELOCITY },
            );
        }
    }

    /// A chord tone or a step of the scale on the way to the next root.
    fn passing(&self, chord: &Chord, key: &music::Key, next: &Chord, last: u8, dice: &mut Dice) -> u8 {
        let target = i32::from(self.near(next.bass_class(), last));
        let scale: &[u8] =
            if key.mode == music::Mode::Major { &[0, 2, 4, 5, 7, 9, 11] } else { &[0, 2, 3, 5, 7, 8, 10] };
        let fits = |pitch: u8| chord.has(pitch % 12) || scale.contains(&((pitch % 12 + 12 - key.tonic % 12) % 12));
        let from = last.saturating_sub(5).max(self.low)..=(last + 5).min(self.high);
        let cost = |pitch: u8, whim: f64| {
            let away = (i32::from(pitch) - target).abs();
            let tone = if chord.has(pitch % 12) { 0.0 } else { 1.0 };
            f64::from((away - 4).abs()) * 0.3
                + f64::from((i32::from(pitch.abs_diff(last)) - 3).abs()) * 0.5
                + tone
                + whim
        };
        let mut best = (f64::MAX, last);
        for pitch in from.filter(|pitch| *pitch != last && fits(*pitch)) {
            let cost = cost(pitch, 2.5 * dice.share());
            if cost < best.0 {
                best = (cost, pitch);
            }
        }
        best.1
    }

    fn other(&self, pitch: u8, chord: &Chord) -> u8 {
        let fifth = self.near((chord.root + chord.quality.fifth()) % 12, pitch);
        let root = self.near(chord.bass_class(), pitch);
        if fifth != pitch { fifth } else { root }
    }
}
