//! Drums: grooves, fills before each change, builds before the fuller sections, a crash to open them.

use super::{chosen, may_play, velocity};
use crate::{
    brief::Brief,
    composition::SectionKind,
    dice::{Dice, Matter},
    plan::{self, Bar, Plan},
    role::{LineNote, Role, TICKS_PER_QUARTER},
    spec::{Hit, Lanes, Slot, patterns},
};

const SNARE: u8 = 38;
const KICK: u8 = 36;
const CRASH: u8 = 49;
const LOW_TOM: u8 = 45;

/// Hats, cymbals, shakers and their like, which keep time through a fill.
const fn is_time_keeper(key: u8) -> bool {
    matches!(key, 42 | 44 | 46 | 51 | 53 | 54 | 56 | 69 | 70 | 73 | 75 | 82)
}

/// A groove as this section plays it.
type Groove = Vec<(u8, Vec<Hit>)>;

pub fn play(brief: &Brief<'_>, plan: &Plan) -> Vec<LineNote> {
    let spec = brief.players.drums;
    let mut notes = Vec::new();
    // Drums of another style are only played if they divide the bar alike.
    if spec.steps_per_bar() != brief.spec.steps_per_bar() {
        return notes;
    }
    let mut dice = brief.dice(Matter::Drums, 0x7fff);
    for (number, bar) in plan.bars.iter().enumerate() {
        let section = plan.section(bar);
        let slot = plan::slot(section.kind, section.letter, brief.energy);
        let mut slots = vec![slot];
        if brief.players.drums_throughout && slot != Slot::Break {
            slots.extend([Slot::A, Slot::Full]);
        }
        let found = slots.iter().find_map(|slot| {
            let lanes = chosen(brief, &spec.drums, *slot, section.letter, Matter::Drums)?;
            Some((*slot, lanes))
        });
        let mut groove: Groove =
            found.map_or_else(Vec::new, |(slot, lanes)| bar_of(brief, lanes, slot, section.letter, bar.index));
        let is_last_bar = number + 1 == plan.bars.len();
        let leads_on = plan.is_last_of_section(bar) && section.bars >= 2 || is_last_bar;
        let next = plan.sections.get(bar.section + 1).map(|next| plan::slot(next.kind, next.letter, brief.energy));
        // Somebody plays now or right after.
        let plays_next = next.is_none_or(|next| !patterns(&spec.drums, next).is_empty());
        if leads_on
            && plays_next
            && plan.bars.len() > 1
            && (!groove.is_empty() || next.is_some_and(|next| next != Slot::Break))
        {
            let fills = patterns(&spec.drums, Slot::Fill);
            // One that says something new over this groove.
            let news: Vec<&Lanes> = fills.iter().filter(|fill| news(&groove, fill) >= 2).collect();
            match (dice.pick(&news), dice.pick(fills)) {
                (Some(fill), _) => overlay(&mut groove, fill),
                (None, Some(fill)) => overlay(&mut groove, &on_toms(fill)),
                (None, None) => {}
            }
        }
        let swell = plan.swell(brief, bar, Role::Drums);
        sound(brief, bar, &groove, swell, &mut dice, &mut notes);
        build(brief, plan, bar, &mut notes);
        let opens = bar.index == 0 && number > 0 && brief.spec.crash > 0 && !groove.is_empty();
        if opens && matches!(section.kind, SectionKind::FullA | SectionKind::B | SectionKind::Solo | SectionKind::Tag) {
            let velocity = velocity(f64::from(brief.spec.crash), swell / 2.0);
            notes.retain(|note: &LineNote| !(note.pitch == CRASH && note.onset == bar.start));
            notes.push(LineNote { onset: bar.start, duration: TICKS_PER_QUARTER, pitch: CRASH, velocity });
        }
    }
    notes.sort_by_key(|note| (note.onset, note.pitch));
    notes.dedup_by_key(|note| (note.onset, note.pitch));
    notes
}

/// One bar of lanes, with what only this seed plays.
fn bar_of(brief: &Brief<'_>, lanes: &Lanes, slot: Slot, letter: char, index: u32) -> Groove {
    let steps = brief.spec.steps_per_bar() as usize;
    let lanes = lanes.0.iter().enumerate().map(|(lane, (key, hits))| {
        let from = index as usize * steps % hits.len().max(1);
        let own = hits[from..(from + steps).min(hits.len())].iter().enumerate().map(|(step, hit)| match hit {
            Hit::Maybe if may_play(brief, Matter::Drums, slot, letter, step + 5 * lane) => Hit::Normal,
            Hit::Maybe => Hit::Rest,
            other => *other,
        });
        (*key, own.collect())
    });
    lanes.collect()
}

/// From its first stroke on, a fill takes the place of everything but the time and the accents.
fn overlay(groove: &mut Groove, fill: &Lanes) {
    let strokes = fill.0.iter().filter(|(key, _)| *key != KICK);
    let first = strokes.filter_map(|(_, hits)| hits.iter().position(|hit| *hit != Hit::Rest)).min().unwrap_or(0);
    for (_, hits) in groove.iter_mut().filter(|(key, _)| !is_time_keeper(*key)) {
        hits.iter_mut().skip(first).filter(|hit| **hit != Hit::Accent).for_each(|hit| *hit = Hit::Rest);
    }
    for (key, hits) in &fill.0 {
        match groove.iter_mut().find(|(own, _)| own == key) {
            Some((_, own)) => {
                let both = own.iter_mut().zip(hits).skip(first);
                both.filter(|(_, hit)| **hit != Hit::Rest).for_each(|(own, hit)| {
                    if *own != Hit::Accent {
                        *own = *hit
                    }
                });
            }
            None => {
                let late = |(step, hit): (usize, &Hit)| if step >= first { *hit } else { Hit::Rest };
                groove.push((*key, hits.iter().enumerate().map(late).collect()));
            }
        }
    }
}

/// Strokes of the last half of a fill's bar that a groove does not have.
fn news(groove: &Groove, fill: &Lanes) -> usize {
    let strikes = |key: u8, step: usize| {
        groove.iter().any(|(own, hits)| *own == key && hits.get(step).is_some_and(|hit| *hit != Hit::Rest))
    };
    let late = |(key, hits): &(u8, Vec<Hit>)| {
        let strokes = hits.iter().enumerate().skip(hits.len() / 2).filter(|(_, hit)| **hit != Hit::Rest);
        strokes.filter(|(step, _)| !strikes(*key, *step)).count()
    };
    fill.0.iter().map(late).sum()
}

/// A fill of the snare on the low tom, where the groove is all snare.
fn on_toms(fill: &Lanes) -> Lanes {
    Lanes(fill.0.iter().map(|(key, hits)| (if *key == SNARE { LOW_TOM } else { *key }, hits.clone())).collect())
}

fn sound(brief: &Brief<'_>, bar: &Bar, groove: &Groove, swell: f64, dice: &mut Dice, notes: &mut Vec<LineNote>) {
    let ticks = TICKS_PER_QUARTER / brief.spec.steps_per_beat;
    for (key, hits) in groove {
        for (step, hit) in hits.iter().enumerate() {
            let base = match hit {
                Hit::Rest | Hit::Maybe => continue,
                Hit::Loose if dice.chance(0.5) => 40.0,
                Hit::Loose => continue,
                Hit::Ghost => 44.0,
                Hit::Normal => 78.0,
                Hit::Accent => 102.0,
            };
            // Cymbals and shakers are louder than they are struck.
            let base = if is_time_keeper(*key) { 0.84 * base } else { base };
            let onset = bar.start + step as u32 * ticks;
            notes.push(LineNote { onset, duration: ticks, pitch: *key, velocity: velocity(base, swell) });
        }
    }
}

/// A snare that gets denser and louder over the bars before a fuller section, in styles that build.
fn build(brief: &Brief<'_>, plan: &Plan, bar: &Bar, notes: &mut Vec<LineNote>) {
    let section = plan.section(bar);
    let next = plan.sections.get(bar.section + 1).map(|next| next.kind);
    let is_before_full = matches!(next, Some(SectionKind::FullA | SectionKind::Solo | SectionKind::Tag));
    let length = if section.kind == SectionKind::Break { 4 } else { 2 };
    let left = section.bars - bar.index;
    if !brief.players.drums.builds || !is_before_full || left > length.min(section.bars / 2) {
        return;
    }
    let through = f64::from(length - left) / f64::from(length);
    for step in 0..16u32 {
        let here = through + f64::from(step) / 16.0 / f64::from(length);
        let every = if here < 0.5 {
            4
        } else if here < 0.8 {
            2
        } else {
            1
        };
        if step % every == 0 {
            let onset = bar.start + step * TICKS_PER_QUARTER / 4;
            notes.retain(|note| !(note.pitch == SNARE && note.onset == onset));
            let loud = velocity(40.0 + 56.0 * here, 0.0);
            notes.push(LineNote { onset, duration: TICKS_PER_QUARTER / 4, pitch: SNARE, velocity: loud });
        }
    }
}
