//! A song as messages to its synthesizers, block by block: our own event stream, never bytes of a file.
//!
//! What a synthesizer does not do by itself, or does in a way that could be abused, is done here: pedals, bend ranges,
//! tuning, pressure, balance, the choice of presets, and the end of every note.

mod channels;
mod controller;
mod line;
mod pitch;
mod tempo;

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use music::{
    Score, harmony,
    score::{Part, ScoreNote, Tick},
};

use self::{
    channels::{Channels, Timed},
    line::Line,
    tempo::TempoMap,
};
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
    /// The same for all lines of a channel.
    controls: Rc<[Timed]>,
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
        let last = last_note_end(score);
        check_song_length(tempo.seconds(last))?;
        check_length(0.0, sample_rate_hz)?;
        let block = |tick| block(tempo.seconds(tick), sample_rate_hz);
        let named = stems.iter().map(|stem| stem.parts.iter().map(|index| &score.parts[*index]));
        // Parts of one channel and program are one line: what moves the channel moves all of them.
        let ids = named.clone().enumerate().flat_map(|(stem, parts)| parts.map(move |part| (stem, line(part))));
        let mut lines: BTreeMap<(u8, u8), usize> = BTreeMap::new();
        for (_, (port, channel, ..)) in ids.collect::<BTreeSet<_>>() {
            *lines.entry((port, channel)).or_default() += 1;
        }
        let channels = Channels::new(score, last, &lines, block);
        let plans = named.map(|parts| {
            let mut lines: BTreeMap<_, Plan> = BTreeMap::new();
            for part in parts {
                let notes = part.notes.iter().filter(|note| note.velocity > 0 && note.pitch < 128);
                let notes = notes.map(|note| {
                    let start = block(note.onset);
                    let end = block(note.end()).max(start + 1);
                    PlannedNote { start, end, key: note.pitch, velocity: note.velocity.min(127) }
                });
                let line = lines.entry(line(part)).or_insert_with(|| Plan {
                    is_drums: part.drums,
                    program: part.program.min(127),
                    notes: Vec::new(),
                    controls: channels.controls(part),
                });
                line.notes.extend(notes);
            }
            lines.into_values().collect()
        });
        Ok(Self::of_plans(plans.collect(), channels.warnings(sample_rate_hz), font))
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
            Plan {
                is_drums: part.channel == DRUM_CHANNEL,
                program: part.program.min(127),
                notes,
                controls: Rc::default(),
            }
        });
        Self::of_plans(vec![plans.collect()], Vec::new(), font)
    }

    /// `said` is what was already found to be played otherwise.
    fn of_plans(mut stems: Vec<Vec<Plan>>, said: Vec<String>, font: &Font) -> Self {
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
        Self { stems, end_block, warnings: said.into_iter().chain(warnings).take(MOST_WARNINGS).collect() }
    }
}

/// Whether a score can be rendered as far as that shows before it is: not for longer than [`MOST_SECONDS`].
///
/// # Errors
/// [`RenderError::TooLong`].
pub fn check(score: &Score) -> Result<(), RenderError> {
    check_song_length(TempoMap::new(score).seconds(last_note_end(score)))
}

fn check_song_length(seconds: f64) -> Result<(), RenderError> {
    if seconds <= MOST_SECONDS { Ok(()) } else { Err(RenderError::TooLong { seconds, most_seconds: MOST_SECONDS }) }
}

fn last_note_end(score: &Score) -> Tick {
    score.parts.iter().flat_map(|part| &part.notes).map(ScoreNote::end).max().unwrap_or(0)
}

/// What parts of one line have in common: port, channel, program, and whether they are drums.
const fn line(part: &Part) -> (u8, u8, u8, bool) {
    (part.port, part.channel, part.program, part.drums)
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

#[cfg(test)]
mod tests {
    use music::smf;

    use super::{channels::MOST_CONTROL_EVENTS, *};
    use crate::{Instruments, StemMix};

    /// Nearly three megabytes: 900,000 bends, one each tick, and all 128 programs on channel 1, under each of which another
    /// track has its note.
    fn bent() -> Vec<u8> {
        const BENDS: u32 = 7_032;
        let mut bytes = b"MThd\0\0\0\x06\0\x01\0\x81\x03\xc0".to_vec();
        let mut add = |events: &[u8]| {
            bytes.extend(b"MTrk");
            bytes.extend((events.len() as u32 + 4).to_be_bytes());
            bytes.extend([events, &[0, 0xff, 0x2f, 0]].concat());
        };
        let mut conductor = Vec::new();
        for program in 0..128 {
            conductor.extend([0, 0xc0, program, 1, 0xe0, 0, program]);
            (1..BENDS).for_each(|bend| conductor.extend([1, (bend & 127) as u8, (bend >> 7) as u8]));
        }
        add(&conductor);
        for track in 0..128_u32 {
            let onset = track * BENDS + 8;
            let delta = [(onset >> 14) as u8 | 0x80, (onset >> 7) as u8 | 0x80, onset as u8 & 127];
            add(&[&delta[..], &[0x90, 60, 100, 32, 0x80, 60, 0]].concat());
        }
        bytes
    }

    #[test]
    fn controls_of_many_lines_are_bounded_in_memory() {
        let bytes = bent();
        let score = smf::read(&bytes, &smf::Limits::default()).unwrap().score;
        let stems = [StemSpec { name: "all".into(), parts: (0..score.parts.len()).collect(), mix: StemMix::PLAIN }];
        let font = Instruments::built_in().unwrap();
        let sequence = Sequence::of_score(&score, &stems, font.font(), 44_100).unwrap();
        assert!(bytes.len() < 3_000_000 && score.parts.iter().map(|part| part.controls.len()).sum::<usize>() > 900_000);
        assert_eq!(sequence.stems[0].lines.len(), 128);
        let notes = 2 * score.note_count();
        let events = sequence.stems[0].events.len();
        assert!(events <= MOST_CONTROL_EVENTS + notes + 2 * 128, "{events} events");
        assert!(sequence.warnings.iter().any(|warning| warning.contains("more controllers")));
    }
}
