//! Which end belongs to which start, when pitches are struck again before they end, ends are missing or come first.

use super::events::{Event, Track};
use crate::score::Tick;

/// A start with its end, if it has one. Two of a pitch may still overlap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Played {
    pub channel: u8,
    pub key: u8,
    pub velocity: u8,
    pub onset: Tick,
    pub end: Option<Tick>,
    pub offset: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    On(u8),
    Off,
    /// Ends every note of the pitch.
    AllOff,
}

#[derive(Clone, Copy)]
struct Stroke {
    at: Tick,
    offset: usize,
    kind: Kind,
}

/// The notes of a track, by channel, key and onset.
pub(super) fn pair(track: &Track<'_>) -> Vec<Played> {
    let mut notes = Vec::new();
    for (channel, key, strokes) in by_key(track) {
        let mut rest = strokes.as_slice();
        while !rest.is_empty() {
            let (used, open) = cluster(rest);
            let (now, later) = rest.split_at(used);
            let (now, later) = if open { (rest, &rest[rest.len()..]) } else { (now, later) };
            let pairs = if open { unbalanced(now) } else { in_turn(now, false) };
            notes.extend(pairs.into_iter().map(|pair| Played { channel, key, ..pair }));
            rest = later;
        }
    }
    notes
}

/// Starts and ends of each channel and key, in the file's order.
fn by_key(track: &Track<'_>) -> Vec<(u8, u8, Vec<Stroke>)> {
    let mut keys: Vec<Vec<Stroke>> = vec![Vec::new(); 16 * 128];
    let mut sounding = [[0_u32; 128]; 16];
    for timed in &track.events {
        let stroke = |kind| Stroke { at: timed.at, offset: timed.offset, kind };
        let place = |channel: u8, key: u8| usize::from(channel & 15) * 128 + usize::from(key & 127);
        match timed.event {
            Event::On { channel, key, velocity } => {
                sounding[usize::from(channel & 15)][usize::from(key & 127)] += 1;
                keys[place(channel, key)].push(stroke(Kind::On(velocity)));
            }
            Event::Off { channel, key } => {
                let count = &mut sounding[usize::from(channel & 15)][usize::from(key & 127)];
                *count = count.saturating_sub(1);
                keys[place(channel, key)].push(stroke(Kind::Off));
            }
            Event::Silence { channel } => {
                for (key, count) in (0..128).zip(&mut sounding[usize::from(channel & 15)]) {
                    if std::mem::take(count) > 0 {
                        keys[place(channel, key)].push(stroke(Kind::AllOff));
                    }
                }
            }
            _ => {}
        }
    }
    let filled = keys.into_iter().enumerate().filter(|(_, strokes)| !strokes.is_empty());
    filled.map(|(place, strokes)| ((place / 128) as u8, (place % 128) as u8, strokes)).collect()
}

/// How many strokes there are until nothing sounds any more, and whether something still does at the end. Ends that
/// have no start come with what follows them.
fn cluster(strokes: &[Stroke]) -> (usize, bool) {
    let mut sounding = 0_u32;
    for (index, stroke) in strokes.iter().enumerate() {
        let before = sounding;
        sounding = match stroke.kind {
            Kind::On(_) => sounding + 1,
            Kind::Off => sounding.saturating_sub(1),
            Kind::AllOff => 0,
        };
        // What is struck again at once may be notes without length whose ends come first: only the whole run tells.
        let goes_on =
            strokes.get(index + 1).is_some_and(|next| next.at == stroke.at && matches!(next.kind, Kind::On(_)));
        if before > 0 && sounding == 0 && !goes_on {
            return (index + 1, false);
        }
    }
    (strokes.len(), sounding > 0)
}

/// Ends in the order of the starts. With `early`, an end without a start ends the start that is written after it at the
/// same tick: some writers put the end of a note without length first.
fn in_turn(strokes: &[Stroke], early: bool) -> Vec<Played> {
    let mut notes: Vec<Played> = Vec::new();
    // The first note that still sounds: they end in order.
    let (mut oldest, mut ended_early) = (0, 0);
    for (index, stroke) in strokes.iter().enumerate() {
        match stroke.kind {
            Kind::On(velocity) => {
                let end = (ended_early > 0).then_some(stroke.at);
                ended_early = 0;
                if end.is_some() {
                    // Nothing sounded when its end came, so that it is the oldest.
                    oldest = notes.len() + 1;
                }
                notes.push(begun(stroke, velocity, end));
            }
            Kind::Off if oldest < notes.len() => {
                notes[oldest].end = Some(stroke.at);
                oldest += 1;
            }
            Kind::Off => {
                let next = strokes.get(index + 1);
                let meant = early && next.is_some_and(|next| next.at == stroke.at && matches!(next.kind, Kind::On(_)));
                ended_early = u32::from(meant);
            }
            Kind::AllOff => {
                notes[oldest..].iter_mut().for_each(|note| note.end = Some(stroke.at));
                oldest = notes.len();
            }
        }
    }
    notes
}

/// Pairs for strokes with more starts than ends: perhaps ends stand before the starts of notes without length; if that
/// does not explain it, ends were lost, and the next one ends everything that sounds.
fn unbalanced(strokes: &[Stroke]) -> Vec<Played> {
    let explained = in_turn(strokes, true);
    if explained.iter().all(|note| note.end.is_some()) {
        return explained;
    }
    let mut notes: Vec<Played> = Vec::new();
    let mut oldest = 0;
    for stroke in strokes {
        match stroke.kind {
            Kind::On(velocity) => notes.push(begun(stroke, velocity, None)),
            Kind::Off | Kind::AllOff => {
                let sounding = &mut notes[oldest..];
                let older = sounding.iter().filter(|note| note.onset < stroke.at).count();
                // A note that begins with the end of another at one tick goes on.
                let ending = if older == 0 || stroke.kind == Kind::AllOff { sounding.len() } else { older };
                sounding.iter_mut().take(ending).for_each(|note| note.end = Some(stroke.at));
                oldest += ending;
            }
        }
    }
    notes
}

const fn begun(stroke: &Stroke, velocity: u8, end: Option<Tick>) -> Played {
    Played { channel: 0, key: 0, velocity, onset: stroke.at, end, offset: stroke.offset }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smf::events::Timed;

    /// Onsets and ends for strokes: a tick each, positive for a start and negative for an end; 0 starts are `+0`.
    fn pairs(strokes: &[(Tick, bool)]) -> Vec<(Tick, Option<Tick>)> {
        let event = |on: bool| match on {
            true => Event::On { channel: 0, key: 60, velocity: 64 },
            false => Event::Off { channel: 0, key: 60 },
        };
        let events = strokes.iter().map(|(at, on)| Timed { at: *at, offset: 0, event: event(*on) }).collect();
        let notes = pair(&Track { number: 0, events, end: 100, end_offset: 0 });
        notes.into_iter().map(|note| (note.onset, note.end)).collect()
    }

    const ON: bool = true;
    const OFF: bool = false;

    #[test]
    fn equal_counts_pair_in_turn() {
        assert_eq!(pairs(&[(0, ON), (10, ON), (20, OFF), (30, OFF)]), [(0, Some(20)), (10, Some(30))]);
        assert_eq!(pairs(&[(0, ON), (10, OFF), (10, ON), (20, OFF)]), [(0, Some(10)), (10, Some(20))]);
        assert_eq!(pairs(&[(0, ON), (10, ON), (10, OFF), (20, OFF)]), [(0, Some(10)), (10, Some(20))]);
    }

    #[test]
    fn notes_without_length_do_not_take_the_next_end() {
        assert_eq!(pairs(&[(10, ON), (10, OFF), (20, ON), (30, OFF)]), [(10, Some(10)), (20, Some(30))]);
        assert_eq!(pairs(&[(10, OFF), (10, ON), (20, ON), (30, OFF)]), [(10, Some(10)), (20, Some(30))]);
        let ends_first = [(10, OFF), (10, ON), (20, OFF), (20, ON), (30, OFF), (30, ON)];
        assert_eq!(pairs(&ends_first), [(10, Some(10)), (20, Some(20)), (30, Some(30))]);
    }

    #[test]
    fn a_superfluous_end_changes_nothing() {
        assert_eq!(pairs(&[(10, OFF), (10, ON), (20, OFF)]), [(10, Some(20))]);
        assert_eq!(pairs(&[(5, OFF), (10, ON), (20, OFF), (25, OFF)]), [(10, Some(20))]);
    }

    #[test]
    fn a_lost_end_costs_one_note_its_length_and_no_other() {
        let lost = [(0, ON), (10, ON), (20, OFF), (30, ON), (40, OFF)];
        assert_eq!(pairs(&lost), [(0, Some(20)), (10, Some(20)), (30, Some(40))]);
        assert_eq!(pairs(&[(0, ON), (5, OFF), (10, ON)]), [(0, Some(5)), (10, None)]);
    }
}
