//! What a channel is set to while its notes sound: its program, and whether its keys are drums. Channels are shared by
//! all tracks of one port.

use std::collections::{BTreeMap, BTreeSet};

use super::events::{Event, Track};
use crate::score::{ControlChange, Tick};

/// The drum channel of General MIDI.
pub(super) const DRUM_CHANNEL: u8 = 9;
/// Controller 0: the upper part of the bank.
pub(super) const BANK: u8 = 0;
/// Controller 32: its lower part.
pub(super) const BANK_LOW: u8 = 32;

/// A port and a channel.
pub(super) type Place = (u8, u8);

/// What a channel is set to from a moment on.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    pub from: Tick,
    pub program: u8,
    pub drums: bool,
}

#[derive(Clone, Copy)]
enum Change {
    Program(u8),
    Bank(u8),
    /// A system message makes it a rhythm channel, or an ordinary one.
    Rhythm(bool),
}

/// Banks that hold drums depend on whose synthesizer a file is for.
#[derive(Clone, Copy, Default)]
struct Maker {
    /// Roland GS was asked for; its bank 127 are the melodic sounds of an MT-32.
    gs: bool,
    xg: bool,
}

/// Settings of every channel that is ever set, in order.
#[derive(Default)]
pub(super) struct Channels {
    settings: BTreeMap<Place, Vec<Setting>>,
    /// Programs that the file sets, with their moments, and whether it chooses banks.
    pub programs: BTreeMap<Place, Vec<(Tick, u8)>>,
    pub banks: BTreeSet<Place>,
}

/// Follows all tracks up to the song's end; each begins at its tick of `starts` and speaks to its port.
pub(super) fn follow(tracks: &[Track<'_>], starts: &[Tick], ports: &[u8], end: Tick) -> Channels {
    let mut changes: BTreeMap<Place, Vec<(Tick, Change)>> = BTreeMap::new();
    let (mut channels, mut maker) = (Channels::default(), Maker::default());
    for ((track, start), port) in tracks.iter().zip(starts).zip(ports) {
        for timed in &track.events {
            let at = start.saturating_add(timed.at);
            if at > end {
                break;
            }
            let (channel, change) = match timed.event {
                Event::Change { channel, change: ControlChange::Program(program) } => {
                    channels.programs.entry((*port, channel)).or_default().push((at, program));
                    (channel, Change::Program(program))
                }
                Event::Change { channel, change: ControlChange::Controller(BANK_LOW, _) } => {
                    channels.banks.insert((*port, channel));
                    continue;
                }
                Event::Change { channel, change: ControlChange::Controller(BANK, bank) } => {
                    channels.banks.insert((*port, channel));
                    (channel, Change::Bank(bank))
                }
                Event::Exclusive(message) => match exclusive(message, &mut maker) {
                    Some((channel, rhythm)) => (channel, Change::Rhythm(rhythm)),
                    None => continue,
                },
                _ => continue,
            };
            changes.entry((*port, channel)).or_default().push((at, change));
        }
    }
    for (place, mut changes) in changes {
        changes.sort_by_key(|(at, _)| *at);
        channels.settings.insert(place, settings(place.1, &changes, maker));
    }
    channels
}

/// A message that makes a channel (0 to 15) a rhythm channel or an ordinary one.
fn exclusive(message: &[u8], maker: &mut Maker) -> Option<(u8, bool)> {
    match message {
        // Roland GS: reset, and "use for rhythm part" of a block, whose first is the drum channel.
        [0x41, _, 0x42, 0x12, 0x40, 0x00, 0x7f, 0x00, ..] => maker.gs = true,
        [0x41, _, 0x42, 0x12, 0x40, block @ 0x10..=0x1f, 0x15, map, ..] => {
            let channel = match block & 15 {
                0 => DRUM_CHANNEL,
                block @ 1..=9 => block - 1,
                block => block,
            };
            return Some((channel, *map > 0));
        }
        // Yamaha XG: system on, and a part's mode, whose others than 0 are kits.
        [0x43, _, 0x4c, 0x00, 0x00, 0x7e, ..] => maker.xg = true,
        [0x43, _, 0x4c, 0x08, part @ 0..=15, 0x07, mode, ..] => return Some((*part, *mode > 0)),
        _ => {}
    }
    None
}

fn settings(channel: u8, changes: &[(Tick, Change)], maker: Maker) -> Vec<Setting> {
    let (mut program, mut bank, mut told) = (0, None, None);
    let mut of_bank = None;
    let mut settings: Vec<Setting> = Vec::new();
    for (at, change) in changes {
        match *change {
            Change::Bank(value) => bank = Some(value),
            Change::Rhythm(rhythm) => told = Some(rhythm),
            // A bank is in force from the next program on.
            Change::Program(value) => {
                program = value;
                of_bank = match bank {
                    Some(120) => Some(true),
                    Some(121) => Some(false),
                    Some(126) if maker.xg => Some(true),
                    Some(127) if maker.xg || !maker.gs => Some(true),
                    _ => None,
                };
            }
        }
        let drums = told.or(of_bank).unwrap_or(channel == DRUM_CHANNEL);
        let setting = Setting { from: *at, program, drums };
        match settings.last_mut() {
            Some(last) if last.from == *at => *last = setting,
            _ => settings.push(setting),
        }
    }
    settings
}

/// Whether a bank may hold drums on some synthesizer.
pub(super) const fn may_hold_drums(bank: u8) -> bool {
    matches!(bank, 120 | 121 | 126 | 127)
}

impl Channels {
    /// What a channel is set to at a tick, with all that happens then.
    pub fn at(&self, place: Place, tick: Tick) -> Setting {
        let unset = Setting { from: 0, program: 0, drums: place.1 == DRUM_CHANNEL };
        let Some(settings) = self.settings.get(&place) else { return unset };
        let next = settings.partition_point(|setting| setting.from <= tick);
        next.checked_sub(1).and_then(|index| settings.get(index)).copied().unwrap_or(unset)
    }

    /// The one program that a channel has through all of its notes, if the file sets it at most before the first of
    /// them: then its changes of program say nothing more.
    pub fn has_one_program(&self, place: Place, first_onset: Tick) -> bool {
        let Some(programs) = self.programs.get(&place) else { return true };
        let mut values = programs.iter().map(|(_, program)| program);
        let first = values.next();
        !self.banks.contains(&place)
            && values.all(|value| Some(value) == first)
            && programs.iter().any(|(at, _)| *at <= first_onset)
    }
}
