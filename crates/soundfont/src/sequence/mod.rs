//! A song as messages to its synthesizers, block by block: our own event stream, never bytes of a file.
//!
//! What a synthesizer does not do by itself, or does in a way that could be abused, is done here: pedals, bend ranges,
//! tuning, pressure, balance, the choice of presets, and the end of every note.

mod line;
mod pitch;
mod tempo;

use std::collections::{BTreeMap, BTreeSet};

use music::{
    Score, harmony,
    score::{Control, ControlChange, Part},
};

use self::{line::Line, tempo::TempoMap};
use crate::{
    FontError, MOST_SECONDS, RenderError,
    font::Font,
    render::{BLOCK_FRAMES, Event, StemEvents},
    stems::StemSpec,
};

/// Parts that can be played at once, in all stems together.
pub const MOST_PARTS: usize = 512;

/// Songs whose loudest note is softer than this are played louder as a whole: the synthesizer leaves out notes that are
/// 60 dB down.
const SOFT_VELOCITY: u8 = 32;
const RAISED_VELOCITY: u32 = 64;
/// Controls of a channel that are obeyed: a thousand in a second for the longest song.
const MOST_CONTROLS: usize = 1_800_000;
/// Warnings that are kept.
const MOST_WARNINGS: usize = 20;
const DRUM_CHANNEL: u8 = 9;

/// What every stem plays.
pub(crate) struct Sequence {
    pub(crate) stems: Vec<Stem>,
    /// In which the last key is let go.
    pub(crate) end_block: u64,
    /// What is played otherwise than the song asks.
    pub(crate) warnings: Vec<String>,
}

/// Events in order of time.
#[derive(Default)]
pub(crate) struct Stem {
    pub(crate) events: Vec<Event>,
    /// Whether each line plays drums.
    pub(crate) lines: Vec<bool>,
}

impl Stem {
    pub(crate) fn events(&self) -> StemEvents<'_> {
        StemEvents { events: &self.events, lines: &self.lines }
    }
}

/// A part in blocks.
struct Plan {
    is_drums: bool,
    program: u8,
    notes: Vec<PlannedNote>,
    controls: Vec<(u64, ControlChange)>,
}

#[derive(Clone, Copy)]
struct PlannedNote {
    start: u64,
    /// After `start`.
    end: u64,
    key: u8,
    velocity: u8,
}

impl Sequence {
    /// The parts of a score, gathered into stems. Parts that no stem names are not heard.
    pub(crate) fn of_score(
        score: &Score,
        stems: &[StemSpec],
        font: &Font,
        sample_rate_hz: u32,
    ) -> Result<Self, RenderError> {
        let count: usize = stems.iter().map(|stem| stem.parts.len()).sum();
        if count > MOST_PARTS {
            return Err(RenderError::TooManyParts { parts: count, most: MOST_PARTS });
        }
        let parts = score.parts.len();
        for stem in stems {
            if let Some(part) = stem.parts.iter().copied().find(|part| *part >= parts) {
                return Err(RenderError::NoSuchPart { stem: stem.name.clone(), part, parts });
            }
        }
        let tempo = TempoMap::new(score);
        let last = score.parts.iter().flat_map(|part| &part.notes).map(|note| note.end()).max().unwrap_or(0);
        check_length(tempo.seconds(last), sample_rate_hz)?;
        let block = |tick| block(tempo.seconds(tick), sample_rate_hz);
        let channels = Channels::new(score);
        let plans = stems.iter().map(|stem| {
            // Parts of one channel and program are one line: what moves the channel moves all of them.
            let mut lines: BTreeMap<_, Plan> = BTreeMap::new();
            for index in &stem.parts {
                let part = &score.parts[*index];
                let notes = part.notes.iter().filter(|note| note.velocity > 0 && note.pitch < 128);
                let notes = notes.map(|note| {
                    let start = block(note.onset);
                    let end = block(note.end()).max(start + 1);
                    PlannedNote { start, end, key: note.pitch, velocity: note.velocity.min(127) }
                });
                let line = lines.entry((part.port, part.channel, part.program, part.drums)).or_insert_with(|| {
                    let controls = channels.controls(part).filter(|control| control.at <= last);
                    let controls = controls.map(|control| (block(control.at), control.change)).collect();
                    Plan { is_drums: part.drums, program: part.program.min(127), notes: Vec::new(), controls }
                });
                line.notes.extend(notes);
            }
            lines.into_values().collect()
        });
        Ok(Self::of_plans(plans.collect(), font))
    }

    /// The parts of an accompaniment as one stem of `seconds` at most.
    pub(crate) fn of_parts(parts: &[harmony::Part], seconds: f64, font: &Font, sample_rate_hz: u32) -> Self {
        // Not-a-number reads as 0.
        let block = |at: f64| block(at.max(0.0).min(seconds), sample_rate_hz);
        let last = block(seconds);
        let parts = parts.iter().filter(|part| part.channel < 16);
        let plans = parts.map(|part| {
            let notes = part.notes.iter().filter(|note| note.velocity > 0).map(|note| {
                let start = block(note.onset_seconds);
                let end = block(note.onset_seconds + note.duration_seconds).max(start + 1);
                PlannedNote { start, end, key: note.pitch.number().min(127), velocity: note.velocity.min(127) }
            });
            let notes = notes.filter(|note| note.start < last).collect();
            Plan { is_drums: part.channel == DRUM_CHANNEL, program: part.program.min(127), notes, controls: Vec::new() }
        });
        Self::of_plans(vec![plans.collect()], font)
    }

    fn of_plans(mut stems: Vec<Vec<Plan>>, font: &Font) -> Self {
        raise_soft_songs(&mut stems);
        let end_block = stems.iter().flatten().flat_map(|plan| &plan.notes).map(|note| note.end).max().unwrap_or(0);
        let mut warnings = BTreeSet::new();
        let stems = stems
            .into_iter()
            .map(|plans| {
                let mut stem = Stem::default();
                for plan in plans.into_iter().filter(|plan| !plan.notes.is_empty()) {
                    let line = u16::try_from(stem.lines.len()).unwrap_or(u16::MAX);
                    stem.lines.push(plan.is_drums);
                    Line::new(line, &plan, font, &mut stem.events, &mut warnings).play(end_block);
                }
                // Stable: what one line does in a block stays in order.
                stem.events.sort_by_key(|event| event.block);
                stem
            })
            .collect();
        Self { stems, end_block, warnings: warnings.into_iter().take(MOST_WARNINGS).collect() }
    }
}

/// What moves each channel, whichever track says it: a file may set up in one track what another plays.
struct Channels<'a> {
    controls: BTreeMap<(u8, u8), Vec<&'a Control>>,
}

impl<'a> Channels<'a> {
    fn new(score: &'a Score) -> Self {
        let mut controls: BTreeMap<(u8, u8), Vec<&Control>> = BTreeMap::new();
        for part in &score.parts {
            controls.entry((part.port, part.channel)).or_default().extend(&part.controls);
        }
        controls.values_mut().for_each(|controls| controls.sort_by_key(|control| control.at));
        Self { controls }
    }

    fn controls(&self, part: &Part) -> impl Iterator<Item = &Control> {
        self.controls.get(&(part.port, part.channel)).into_iter().flatten().take(MOST_CONTROLS).copied()
    }
}

/// # Errors
/// When that long or that rate is not possible.
pub(crate) fn check_length(seconds: f64, sample_rate_hz: u32) -> Result<(), FontError> {
    if (0.0..=MOST_SECONDS).contains(&seconds) && (16_000..=192_000).contains(&sample_rate_hz) {
        Ok(())
    } else {
        Err(FontError::Rendering { seconds, sample_rate_hz })
    }
}

/// The nearest block.
fn block(seconds: f64, sample_rate_hz: u32) -> u64 {
    (seconds * f64::from(sample_rate_hz) / BLOCK_FRAMES as f64).round() as u64
}

fn raise_soft_songs(stems: &mut [Vec<Plan>]) {
    let notes = || stems.iter().flatten().flat_map(|plan| &plan.notes);
    let loudest = notes().map(|note| note.velocity).max().unwrap_or(127);
    if loudest >= SOFT_VELOCITY {
        return;
    }
    for note in stems.iter_mut().flatten().flat_map(|plan| &mut plan.notes) {
        let raised = u32::from(note.velocity) * RAISED_VELOCITY / u32::from(loudest.max(1));
        note.velocity = raised.clamp(1, 127) as u8;
    }
}
