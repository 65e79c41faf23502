//! What moves each channel, whichever track says it: a file may set up in one track what another plays. All lines of a
//! channel share one list, which holds no more than can be heard, and all lines together get no more than a bound.

use std::{collections::BTreeMap, rc::Rc};

use music::{
    Score,
    score::{Control, ControlChange, Part, Tick},
};

use super::controller;
use crate::render::BLOCK_FRAMES;

/// Events that the controls of all lines may become together: as many as a MIDI file may have.
pub(super) const MOST_CONTROL_EVENTS: usize = 1_000_000;
/// Events of a controller that sets several others back.
const RESET_EVENTS: usize = 3;
/// What a channel has one value of each: 128 controllers, program, bend and pressure.
const SLOTS: usize = 131;
/// Where channels are thinned as far as this, each keeps some values at most.
const COARSEST_BLOCKS: u64 = 1 << 40;

/// A control and its block.
pub(super) type Timed = (u64, ControlChange);
/// Port and channel.
type Place = (u8, u8);

/// The controls of all channels.
pub(super) struct Channels {
    channels: BTreeMap<Place, Channel>,
}

struct Channel {
    controls: Rc<[Timed]>,
    lines: usize,
    /// Of each controller the last in so many blocks is kept.
    step_blocks: u64,
    /// How many all of its lines get.
    events: usize,
}

impl Channels {
    /// Those up to a tick. `lines` says how many lines there are on each channel.
    pub(super) fn new(score: &Score, until: Tick, lines: &BTreeMap<Place, usize>, block: impl Fn(Tick) -> u64) -> Self {
        Self::within(MOST_CONTROL_EVENTS, score, until, lines, block)
    }

    fn within(
        most: usize,
        score: &Score,
        until: Tick,
        lines: &BTreeMap<Place, usize>,
        block: impl Fn(Tick) -> u64,
    ) -> Self {
        let mut said: BTreeMap<Place, Vec<&Control>> = BTreeMap::new();
        for part in &score.parts {
            if lines.contains_key(&place(part)) {
                let heard = part.controls.iter().filter(|control| control.at <= until && is_obeyed(control.change));
                said.entry(place(part)).or_default().extend(heard);
            }
        }
        let channels = said.into_iter().map(|(place, mut controls)| {
            controls.sort_by_key(|control| control.at);
            let timed: Vec<Timed> = controls.iter().map(|control| (block(control.at), control.change)).collect();
            let lines = lines.get(&place).copied().unwrap_or(0);
            (place, Channel::new(&timed, lines, 1))
        });
        let mut channels = Self { channels: channels.collect() };
        channels.keep_to(most);
        channels
    }

    /// Thins whichever channel asks for most until all of them together keep to the bound.
    fn keep_to(&mut self, most: usize) {
        while self.channels.values().map(|channel| channel.events).sum::<usize>() > most {
            let thinnable = self.channels.values_mut().filter(|channel| channel.step_blocks < COARSEST_BLOCKS);
            let Some(busiest) = thinnable.max_by_key(|channel| channel.events) else { return };
            *busiest = Channel::new(&busiest.controls, busiest.lines, busiest.step_blocks * 2);
        }
    }

    pub(super) fn controls(&self, part: &Part) -> Rc<[Timed]> {
        self.channels.get(&place(part)).map_or_else(Rc::default, |channel| Rc::clone(&channel.controls))
    }

    /// Says which channels were thinned by more than can be heard.
    pub(super) fn warnings(&self, sample_rate_hz: u32) -> Vec<String> {
        let thinned = self.channels.iter().filter(|(_, channel)| channel.step_blocks > 1);
        let warning = |((port, number), channel): (&Place, &Channel)| {
            let seconds = channel.step_blocks as f64 * BLOCK_FRAMES as f64 / f64::from(sample_rate_hz.max(1));
            format!(
                "channel {} of port {} has more controllers than are played: of each the last in {:.3} s",
                number + 1,
                port + 1,
                seconds
            )
        };
        thinned.map(warning).collect()
    }
}

impl Channel {
    fn new(controls: &[Timed], lines: usize, step_blocks: u64) -> Self {
        let controls = thinned(controls, step_blocks);
        let events = |change: ControlChange| match change {
            ControlChange::Controller(controller::RESET, _) => RESET_EVENTS,
            _ => 1,
        };
        let events = lines * controls.iter().map(|(_, change)| events(*change)).sum::<usize>();
        Self { controls, lines, step_blocks, events }
    }
}

const fn place(part: &Part) -> Place {
    (part.port, part.channel)
}

const fn is_obeyed(change: ControlChange) -> bool {
    match change {
        ControlChange::Controller(number, _) => controller::is_obeyed(number),
        // No font in use listens to it.
        ControlChange::KeyPressure(..) => false,
        ControlChange::Program(_) | ControlChange::PitchBend(_) | ControlChange::Pressure(_) => true,
    }
}

/// The last of each control in each `step_blocks`, in its place. In single blocks only what nobody can hear is left out:
/// pedals, parameters and programs are all kept.
fn thinned(controls: &[Timed], step_blocks: u64) -> Rc<[Timed]> {
    // The stretch of which the last one is taken.
    let mut taken = [u64::MAX; SLOTS];
    let mut kept = Vec::new();
    for &(block, change) in controls.iter().rev() {
        let (slot, is_plain_value) = match change {
            ControlChange::Controller(number, _) => (number.into(), controller::is_plain_value(number)),
            ControlChange::Program(_) => (128, false),
            ControlChange::PitchBend(_) => (129, true),
            ControlChange::Pressure(_) | ControlChange::KeyPressure(..) => (130, true),
        };
        let Some(taken) = taken.get_mut::<usize>(slot) else { continue };
        let stretch = block / step_blocks;
        if (step_blocks > 1 || is_plain_value) && *taken == stretch {
            continue;
        }
        *taken = stretch;
        kept.push((block, change));
    }
    kept.reverse();
    kept.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_scores::score;

    const BEND: fn(i16) -> ControlChange = ControlChange::PitchBend;
    const CC: fn(u8, u8) -> ControlChange = ControlChange::Controller;

    fn kept(controls: &[Timed], step_blocks: u64) -> Vec<Timed> {
        thinned(controls, step_blocks).to_vec()
    }

    #[test]
    fn of_values_in_one_block_the_last_is_kept_in_its_place() {
        let all = [(3, BEND(1)), (3, CC(7, 10)), (3, BEND(2)), (3, CC(121, 0)), (3, BEND(5)), (4, BEND(6))];
        assert_eq!(kept(&all, 1), [(3, CC(7, 10)), (3, CC(121, 0)), (3, BEND(5)), (4, BEND(6))]);
    }

    #[test]
    fn what_acts_when_it_comes_is_kept_in_one_block() {
        let pedal = [(1, CC(64, 127)), (9, CC(64, 0)), (9, CC(64, 127))];
        let bank = [(0, CC(0, 8)), (0, ControlChange::Program(5)), (0, CC(0, 0)), (0, ControlChange::Program(5))];
        let parameters = [(0, CC(101, 0)), (0, CC(100, 0)), (0, CC(6, 12)), (0, CC(100, 1)), (0, CC(6, 64))];
        for all in [&pedal[..], &bank, &parameters] {
            assert_eq!(kept(all, 1), all);
        }
        assert_eq!(kept(&pedal, 16), [(9, CC(64, 127))], "but not where there are too many");
    }

    #[test]
    fn the_channel_that_asks_for_most_is_thinned_until_all_keep_to_the_bound() {
        let part = |channel, controls: u64| Part {
            track: 0,
            port: 0,
            channel,
            name: String::new(),
            program: 0,
            drums: false,
            notes: Vec::new(),
            controls: (0..controls).map(|at| Control { at, change: BEND(at as i16) }).collect(),
        };
        let score = score(vec![part(0, 8_000), part(1, 400)]);
        let lines = BTreeMap::from([((0, 0), 50), ((0, 1), 1)]);
        let channels = Channels::within(10_000, &score, 8_000, &lines, |tick| tick);
        let controls = |part: usize| channels.controls(&score.parts[part]);
        assert!((50..=200).contains(&controls(0).len()), "{}", controls(0).len());
        assert_eq!(controls(0).last(), Some(&(7_999, BEND(7_999))));
        assert_eq!(controls(1).len(), 400);
        let warnings = channels.warnings(32_000);
        assert_eq!(warnings.len(), 1);
        assert!(warnings.iter().all(|warning| warning.starts_with("channel 1 of port 1 has more")), "{warnings:?}");
        let wide = Channels::within(1_000_000, &score, 8_000, &lines, |tick| tick);
        assert_eq!((wide.controls(&score.parts[0]).len(), wide.warnings(32_000).len()), (8_000, 0));
    }
}
