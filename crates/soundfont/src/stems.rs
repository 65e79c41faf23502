//! Stems in lock-step: synthesizers, mixes and rooms, block by block, on one thread or several.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use crate::{
    FontError,
    effects::{Room, Shelves, StemMix},
    render::{BLOCK_FRAMES, Event, StemPlayer},
};

/// Frames of each stem that are handed on at once; whole blocks.
pub(crate) const CHUNK_FRAMES: usize = 128 * BLOCK_FRAMES;
/// Chunks that may wait for whoever mixes them.
const WAITING: usize = 2;

/// Parts that are heard together as one stem.
#[derive(Clone, PartialEq, Debug)]
pub struct StemSpec {
    pub name: String,
    /// Their places in the score.
    pub parts: Vec<usize>,
    pub mix: StemMix,
}

/// A chunk of each stem of a thread.
type Played = Result<Vec<Vec<f32>>, FontError>;

/// A stem while it is played.
pub(crate) struct Stem {
    player: Box<dyn StemPlayer>,
    events: std::iter::Peekable<std::vec::IntoIter<Event>>,
    shelves: Shelves,
    /// The stem's own room and how much of it that hears, where stems are wanted one by one.
    room: Option<(Room, f32)>,
    block: u64,
    /// Nothing is played in it.
    is_silent: bool,
}

impl Stem {
    pub(crate) fn new(
        player: Box<dyn StemPlayer>,
        events: Vec<Event>,
        mix: &StemMix,
        has_room: bool,
        sample_rate_hz: u32,
    ) -> Self {
        let is_silent = events.is_empty();
        Self {
            player,
            events: events.into_iter().peekable(),
            shelves: Shelves::new(mix, sample_rate_hz),
            room: has_room.then(|| (Room::new(sample_rate_hz), mix.bounded().room)),
            block: 0,
            is_silent,
        }
    }

    /// Plays on by whole blocks, interleaved.
    pub(crate) fn play(&mut self, frames: usize) -> Result<Vec<f32>, FontError> {
        if self.is_silent {
            return Ok(vec![0.0; 2 * frames / BLOCK_FRAMES * BLOCK_FRAMES]);
        }
        let mut sound = Vec::with_capacity(2 * frames);
        let (mut left, mut right) = ([0.0; BLOCK_FRAMES], [0.0; BLOCK_FRAMES]);
        for _ in 0..frames / BLOCK_FRAMES {
            while let Some(event) = self.events.next_if(|event| event.block <= self.block) {
                self.player.send(event.line, event.message)?;
            }
            self.player.play(&mut left, &mut right)?;
            self.block += 1;
            self.shelves.apply(&mut left, &mut right);
            if let Some((room, send)) = &mut self.room {
                room.add_to(*send, &mut left, &mut right);
            }
            sound.extend(left.iter().zip(&right).flat_map(|(left, right)| [*left, *right]));
        }
        Ok(sound)
    }
}

/// Plays all stems together and workers on a chunk of each, in their order, until `mix` has enough and answers `false`. The
/// sound does not depend on the number of threads.
///
/// # Errors
/// Those of `mix`, and [`FontError::Synthesizer`].
pub(crate) fn play<E: From<FontError>>(
    stems: Vec<Stem>,
    threads: usize,
    mut mix: impl FnMut(&mut [Vec<f32>]) -> Result<bool, E>,
) -> Result<(), E> {
    if threads <= 1 || stems.len() <= 1 {
        let mut stems = stems;
        loop {
            let mut chunks = stems.iter_mut().map(|stem| stem.play(CHUNK_FRAMES)).collect::<Result<Vec<_>, _>>()?;
            if !mix(&mut chunks)? {
                return Ok(());
            }
        }
    }
    thread::scope(|scope| {
        let workers = assign(stems, threads);
        // A worker stops when nobody listens any more.
        let heard: Vec<(Vec<usize>, Receiver<Played>)> = workers
            .into_iter()
            .map(|(places, mut stems)| {
                let (sender, receiver) = sync_channel(WAITING);
                scope.spawn(move || {
                    loop {
                        let chunks: Played = stems.iter_mut().map(|stem| stem.play(CHUNK_FRAMES)).collect();
                        let is_over = chunks.is_err();
                        if sender.send(chunks).is_err() || is_over {
                            return;
                        }
                    }
                });
                (places, receiver)
            })
            .collect();
        let count = heard.iter().map(|(places, _)| places.len()).sum();
        loop {
            let mut chunks = vec![Vec::new(); count];
            for (places, receiver) in &heard {
                // A thread that is gone without a word has panicked.
                let played =
                    receiver.recv().unwrap_or_else(|_| Err(FontError::Synthesizer { name: "in use".to_owned() }))?;
                for (place, chunk) in places.iter().zip(played) {
                    chunks[*place] = chunk;
                }
            }
            if !mix(&mut chunks)? {
                return Ok(());
            }
        }
    })
}

/// Stems to threads, those with most to do first, each to the thread with least to do; with their places.
fn assign(stems: Vec<Stem>, threads: usize) -> Vec<(Vec<usize>, Vec<Stem>)> {
    let mut stems: Vec<(usize, Stem)> = stems.into_iter().enumerate().collect();
    stems.sort_by_key(|(place, stem)| (std::cmp::Reverse(stem.events.len()), *place));
    let mut workers: Vec<(usize, Vec<usize>, Vec<Stem>)> =
        (0..threads.min(stems.len())).map(|_| (0, Vec::new(), Vec::new())).collect();
    for (place, stem) in stems {
        if let Some(worker) = workers.iter_mut().min_by_key(|worker| worker.0) {
            // A stem costs something even when it has nothing to play.
            worker.0 += stem.events.len() + 200;
            worker.1.push(place);
            worker.2.push(stem);
        }
    }
    workers.into_iter().map(|(_, places, stems)| (places, stems)).collect()
}
