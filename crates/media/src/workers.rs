//! Measures one stream with several decoders at once, where the codec allows it.
//!
//! An MP3 packet leans on a bounded number of bytes before it, a FLAC packet on none. So the stream is cut into runs of
//! packets, each run is decoded after a warm-up on the packets that its first one leans on, and the sums are added up in
//! the stream's order: the same answer as one decoder gives, on as many processors as the bounds allow.

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use ffmpeg_next::{Packet, codec::Id};

use crate::{
    Bounds, MediaError,
    clipping::Rule,
    decode::{Budget, Faults, FrameReader, Lengths, measure},
    levels::Levels,
    source::Source,
};

/// Packets in one run: half a minute of MP3. Long enough that the warm-up does not count.
const RUN_PACKETS: usize = 1024;
/// Runs that wait for each worker.
const WAITING_RUNS: usize = 1;
/// An MP3 frame's data may start this many bytes before it (ISO 11172-3, 2.4.2.7: `main_data_begin` has 9 bits).
const MP3_RESERVOIR_BYTES: usize = 511;
/// Header, checksum and side information of an MP3 frame, which are not part of the reservoir, at most.
const MP3_OVERHEAD_BYTES: usize = 38;
/// The overlap of the transform and the memory of the filter bank reach over this many frames.
const MP3_OVERLAP_PACKETS: usize = 3;

/// What was measured of a stream, or of a run of its packets.
pub(crate) struct Measured {
    pub(crate) lengths: Lengths,
    pub(crate) errors: u32,
    pub(crate) levels: Levels,
}

struct Run {
    index: usize,
    warm_up: Vec<Packet>,
    packets: Vec<Packet>,
    last: bool,
}

/// Decodes the whole stream once and measures it.
pub(crate) fn measure_stream(source: &mut Source, bounds: &Bounds) -> Result<Measured, MediaError> {
    let lean = match source.parameters.id() {
        Id::MP3 => lean_of_mp3,
        Id::FLAC => lean_of_nothing,
        _ => return measure_alone(source, bounds),
    };
    if bounds.max_threads < 2 {
        return measure_alone(source, bounds);
    }
    let budget = Budget::new(source, bounds);
    let mut cutter = Cutter { faults: Faults::default(), lean, tail: Vec::new(), index: 0 };
    let first = cutter.next(source, &budget)?;
    let mut measured = match first {
        Some(run) if run.last => {
            vec![(0, measure_run(&mut FrameReader::new(source.decoder()?), &run, source.clipping_rule(), &budget)?)]
        }
        Some(run) => measure_together(source, run, &mut cutter, &budget)?,
        None => Vec::new(),
    };
    measured.sort_by_key(|(index, _)| *index);
    let mut whole = add_up(measured.into_iter().map(|(_, part)| part), Levels::new(source.clipping_rule()));
    whole.errors = whole.errors.saturating_add(cutter.faults.total);
    Ok(whole)
}

fn measure_alone(source: &mut Source, bounds: &Bounds) -> Result<Measured, MediaError> {
    let mut levels = Levels::new(source.clipping_rule());
    let reader = crate::decode::decode_all(source, bounds, |frame, shape| {
        measure(frame, shape, &mut levels);
        Ok(())
    })?;
    Ok(Measured { lengths: reader.lengths, errors: reader.errors, levels })
}

/// Deals runs to workers in turn while this thread goes on reading.
fn measure_together(
    source: &mut Source,
    first: Run,
    cutter: &mut Cutter,
    budget: &Budget<'_>,
) -> Result<Vec<(usize, Measured)>, MediaError> {
    let rule = source.clipping_rule();
    thread::scope(|scope| {
        let mut senders: Vec<SyncSender<Run>> = Vec::new();
        let mut workers = Vec::new();
        for _ in 0..budget.bounds.max_threads {
            let reader = FrameReader::new(source.decoder()?);
            let (sender, receiver) = sync_channel(WAITING_RUNS);
            senders.push(sender);
            workers.push(scope.spawn(move || work(reader, &receiver, rule, budget)));
        }
        let mut next = Some(first);
        let mut read_error = None;
        while let Some(run) = next.take() {
            let worker = run.index % senders.len();
            // A worker that is gone has its reason, which joining it tells.
            if senders[worker].send(run).is_err() {
                break;
            }
            match cutter.next(source, budget) {
                Ok(run) => next = run,
                Err(error) => read_error = Some(error),
            }
        }
        drop(senders);
        let mut measured = Vec::new();
        let mut failure = read_error;
        for worker in workers {
            match worker.join() {
                Ok(Ok(parts)) => measured.extend(parts),
                Ok(Err(error)) => failure = failure.or(Some(error)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        failure.map_or(Ok(measured), Err)
    })
}

fn work(
    mut reader: FrameReader,
    runs: &Receiver<Run>,
    rule: Rule,
    budget: &Budget<'_>,
) -> Result<Vec<(usize, Measured)>, MediaError> {
    let mut measured = Vec::new();
    for run in runs {
        measured.push((run.index, measure_run(&mut reader, &run, rule, budget)?));
    }
    Ok(measured)
}

fn measure_run(reader: &mut FrameReader, run: &Run, rule: Rule, budget: &Budget<'_>) -> Result<Measured, MediaError> {
    if run.index > 0 {
        reader.warm_up(&run.warm_up);
    }
    (reader.lengths, reader.errors) = (Lengths::default(), 0);
    let mut levels = Levels::new(rule);
    for packet in &run.packets {
        budget.expired()?;
        reader.decode(Some(packet), budget, |frame, shape| {
            measure(frame, shape, &mut levels);
            Ok(())
        })?;
    }
    if run.last {
        reader.decode(None, budget, |frame, shape| {
            measure(frame, shape, &mut levels);
            Ok(())
        })?;
    }
    Ok(Measured { lengths: std::mem::take(&mut reader.lengths), errors: reader.errors, levels })
}

fn add_up(parts: impl Iterator<Item = Measured>, levels: Levels) -> Measured {
    let mut whole = Measured { lengths: Lengths::default(), errors: 0, levels };
    for part in parts {
        whole.lengths.merge(&part.lengths);
        whole.errors = whole.errors.saturating_add(part.errors);
        whole.levels.merge(&part.levels);
    }
    whole
}

/// Cuts the stream into runs and keeps the end of each for the next one's warm-up.
struct Cutter {
    faults: Faults,
    lean: fn(&[Packet]) -> usize,
    tail: Vec<Packet>,
    index: usize,
}

impl Cutter {
    fn next(&mut self, source: &mut Source, budget: &Budget<'_>) -> Result<Option<Run>, MediaError> {
        let mut packets = Vec::with_capacity(RUN_PACKETS);
        let mut last = false;
        while packets.len() < RUN_PACKETS && !last {
            match self.faults.next(source, budget)? {
                Some(packet) => packets.push(packet),
                None => last = true,
            }
        }
        if packets.is_empty() && self.index > 0 {
            return Ok(None);
        }
        let warm_up = std::mem::take(&mut self.tail);
        self.tail = packets[packets.len() - (self.lean)(&packets)..].to_vec();
        let index = self.index;
        self.index += 1;
        Ok(Some(Run { index, warm_up, packets, last }))
    }
}

/// How many packets at the end of `packets` the next MP3 packet may lean on.
fn lean_of_mp3(packets: &[Packet]) -> usize {
    let mut reservoir = 0;
    let held = packets.iter().rev().position(|packet| {
        reservoir += packet.size().saturating_sub(MP3_OVERHEAD_BYTES);
        reservoir >= MP3_RESERVOIR_BYTES
    });
    held.map_or(packets.len(), |position| (position + 1 + MP3_OVERLAP_PACKETS).min(packets.len()))
}

fn lean_of_nothing(_: &[Packet]) -> usize {
    0
}
