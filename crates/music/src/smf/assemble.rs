//! From tracks of events to a score: where it ends, which notes are kept, what parts there are and what they are called.

use std::collections::BTreeMap;

use super::{
    Limits, SmfError,
    channels::{self, Channels},
    chunks::File,
    conductor::{self, Conductor},
    events::{Event, LAST_TICK, Track},
    notes::{self, Played},
    warnings::Warnings,
    words,
};
use crate::score::{Control, ControlChange, Part, Score, ScoreNote, Tick};

/// Where notes may be, in ticks.
struct Frame {
    /// Nothing is kept from here on.
    limit: Tick,
    /// The song's end as its tracks say it.
    said_end: Tick,
}

/// Puts the score together.
pub(super) fn assemble(
    file: &File<'_>,
    tracks: &[Track<'_>],
    limits: &Limits,
    warnings: &mut Warnings,
) -> Result<Score, SmfError> {
    if tracks.is_empty() {
        return Err(SmfError::NoTracks);
    }
    let starts = starts(file, tracks);
    let conductor = conductor::conduct(file, tracks, &starts, warnings);
    let (notes, last) = kept_notes(tracks, &starts, &conductor, limits, warnings);
    if notes.iter().all(Vec::is_empty) {
        return Err(SmfError::NoNotes);
    }
    let said_end = tracks.iter().zip(&starts).map(|(track, start)| track.end.saturating_add(*start)).max().unwrap_or(0);
    let frame = Frame { limit: conductor.after(0, limits.seconds), said_end };
    let ports: Vec<u8> = tracks.iter().map(port).collect();
    let words = words::collect(file.format, tracks, &starts, limits, warnings);
    let mut ended = Vec::with_capacity(notes.len());
    let longest = Longest { conductor: &conductor, frame: &frame, tail_seconds: limits.tail_seconds, last };
    for (track, notes) in tracks.iter().zip(notes) {
        ended.push(longest.end(track.number, notes, warnings));
    }
    let end = end(&ended, &frame, &conductor, limits, warnings);
    let channels = channels::follow(tracks, &starts, &ports, end);
    let mut parts = Vec::new();
    for (index, (track, notes)) in tracks.iter().zip(ended).enumerate() {
        let (start, port) = (starts[index], ports[index]);
        let name = words.names.get(index).cloned().unwrap_or_default();
        parts.extend(parts_of(track, notes, start, end, |channel| Part {
            track: track.number,
            port,
            channel,
            name: name.clone(),
            program: 0,
            drums: false,
            notes: Vec::new(),
            controls: Vec::new(),
        }));
    }
    dress(&mut parts, &channels);
    let Conductor { ticks_per_quarter, mut tempos, mut meters, meter_is_given, keys: mut key_signatures, .. } =
        conductor;
    let (mut lyrics, mut markers) = (words.lyrics, words.markers);
    tempos.retain(|change| change.at <= end);
    meters.retain(|change| change.at <= end);
    key_signatures.retain(|change| change.at <= end);
    lyrics.retain(|text| text.at <= end);
    markers.retain(|text| text.at <= end);
    let title = words.title;
    Ok(Score { ticks_per_quarter, title, tempos, meters, meter_is_given, key_signatures, parts, lyrics, markers, end })
}

/// Where each track begins: all at once, but those of format 2 one after another.
fn starts(file: &File<'_>, tracks: &[Track<'_>]) -> Vec<Tick> {
    let mut next: Tick = 0;
    let start = |track: &Track<'_>| {
        let start = next;
        if file.format == 2 {
            next = next.saturating_add(track.end).min(LAST_TICK);
        }
        start
    };
    tracks.iter().map(start).collect()
}

/// The output that a track says it is for (FF 21), which a whole track has in common.
fn port(track: &Track<'_>) -> u8 {
    let said = track.events.iter().find_map(|timed| match timed.event {
        Event::Meta { kind: 0x21, data: [port @ 0..=127, ..] } => Some(*port),
        _ => None,
    });
    said.unwrap_or(0)
}

/// The notes of each track that begin within the limits, and the last moment that is known without guessing: an onset
/// or an end.
fn kept_notes(
    tracks: &[Track<'_>],
    starts: &[Tick],
    conductor: &Conductor,
    limits: &Limits,
    warnings: &mut Warnings,
) -> (Vec<Vec<Played>>, Tick) {
    let limit = conductor.after(0, limits.seconds);
    let mut notes: Vec<Vec<Played>> = tracks.iter().map(notes::pair).collect();
    for ((notes, start), track) in notes.iter_mut().zip(starts).zip(tracks) {
        for note in notes.iter_mut() {
            note.onset = note.onset.saturating_add(*start).min(LAST_TICK);
            note.end = note.end.map(|end| end.saturating_add(*start).min(LAST_TICK));
        }
        if let Some(first) = notes.iter().filter(|note| note.onset >= limit).map(|note| note.offset).min() {
            let what = format!("Notes later than {} seconds are left out", limits.seconds);
            warnings.add(Some(track.number), first, &what);
            notes.retain(|note| note.onset < limit);
        }
    }
    let mut onsets: Vec<Tick> = notes.iter().flatten().map(|note| note.onset).collect();
    if onsets.len() > limits.notes {
        let (_, from, _) = onsets.select_nth_unstable(limits.notes);
        let from = *from;
        notes.iter_mut().for_each(|notes| notes.retain(|note| note.onset < from));
        warnings.add(None, 0, &format!("The song has more than {} notes; it is cut off after them", limits.notes));
    }
    let last = notes.iter().flatten().map(|note| note.end.unwrap_or(note.onset).max(note.onset)).max();
    (notes, last.unwrap_or(0))
}

/// How long notes may sound.
struct Longest<'a> {
    conductor: &'a Conductor,
    frame: &'a Frame,
    tail_seconds: f64,
    last: Tick,
}

impl Longest<'_> {
    /// Ends what hangs, and parts what overlaps, by channel and onset.
    fn end(&self, track: u16, notes: Vec<Played>, warnings: &mut Warnings) -> Vec<(u8, ScoreNote)> {
        let mut ended: Vec<(u8, ScoreNote)> = Vec::with_capacity(notes.len());
        for note in notes {
            let end = note.end.unwrap_or_else(|| {
                warnings.add(Some(track), note.offset, "A note is never ended; it ends with the song, or earlier");
                self.of_hanging(note.onset)
            });
            let end = end.min(self.frame.limit).max(note.onset + 1);
            // Notes come by channel, key and onset.
            if let Some((_, before)) = ended.last_mut().filter(|(c, n)| *c == note.channel && n.pitch == note.key) {
                if before.onset == note.onset {
                    warnings.add(Some(track), note.offset, "A note begins twice at one tick; it is taken as one");
                    before.velocity = before.velocity.max(note.velocity);
                    before.duration = before.duration.max(end - note.onset);
                    continue;
                }
                before.duration = before.duration.min(note.onset - before.onset);
            }
            let (onset, duration) = (note.onset, end - note.onset);
            ended.push((note.channel, ScoreNote { onset, duration, pitch: note.key, velocity: note.velocity }));
        }
        ended.sort_by_key(|(channel, note)| (*channel, note.onset, note.pitch));
        ended
    }

    /// With the song, which its tracks may end after the last thing that is heard, but not long after.
    fn of_hanging(&self, onset: Tick) -> Tick {
        let tail = |tick| self.conductor.after(tick, self.tail_seconds);
        let song_end = self.frame.said_end.min(tail(self.last)).max(self.last);
        // One that begins with the end still is a note.
        let least = onset.saturating_add(Tick::from(self.conductor.ticks_per_quarter));
        song_end.max(least).min(tail(onset))
    }
}

/// The end of the last note, or of the longest track if little silence lies between.
fn end(
    notes: &[Vec<(u8, ScoreNote)>],
    frame: &Frame,
    conductor: &Conductor,
    limits: &Limits,
    warnings: &mut Warnings,
) -> Tick {
    let last = notes.iter().flatten().map(|(_, note)| note.end()).max().unwrap_or(0);
    if frame.said_end <= last {
        return last;
    }
    if frame.said_end > conductor.after(last, limits.tail_seconds) || frame.said_end > frame.limit.max(last) {
        warnings.add(None, 0, "Long after the last note tracks still go on; the song ends with that note");
        return last;
    }
    frame.said_end
}

/// A part for each channel of a track that has notes or controls.
fn parts_of(
    track: &Track<'_>,
    notes: Vec<(u8, ScoreNote)>,
    start: Tick,
    end: Tick,
    empty: impl Fn(u8) -> Part,
) -> Vec<Part> {
    let mut parts: BTreeMap<u8, Part> = BTreeMap::new();
    for (channel, note) in notes {
        parts.entry(channel).or_insert_with(|| empty(channel)).notes.push(note);
    }
    for timed in &track.events {
        let Event::Change { channel, change } = timed.event else { continue };
        let at = start.saturating_add(timed.at);
        if at <= end {
            parts.entry(channel).or_insert_with(|| empty(channel)).controls.push(Control { at, change });
        }
    }
    parts.into_values().collect()
}

/// Gives parts their programs and says which are drums. Changes of program that say nothing more are left out, and
/// parts that then are empty.
fn dress(parts: &mut Vec<Part>, channels: &Channels) {
    let mut first_onsets = BTreeMap::new();
    let mut drums: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for part in &mut *parts {
        let place = (part.port, part.channel);
        let mut programs = [0_usize; 128];
        for note in &part.notes {
            let setting = channels.at(place, note.onset);
            programs[usize::from(setting.program & 127)] += 1;
            let (with, all) = drums.entry(place).or_default();
            (*with, *all) = (*with + usize::from(setting.drums), *all + 1);
        }
        if let Some(first) = part.notes.first() {
            let onset = first_onsets.entry(place).or_insert(first.onset);
            *onset = first.onset.min(*onset);
        }
        let most = (0..128).rev().max_by_key(|program| programs[usize::from(*program)]);
        let unplayed = channels.at(place, Tick::MAX).program;
        part.program = most.filter(|_| !part.notes.is_empty()).unwrap_or(unplayed);
    }
    for part in &mut *parts {
        let place = (part.port, part.channel);
        let (with, all) = drums.get(&place).copied().unwrap_or_default();
        part.drums = if all == 0 { channels.at(place, Tick::MAX).drums } else { with * 2 > all };
        if first_onsets.get(&place).is_some_and(|onset| channels.has_one_program(place, *onset)) {
            part.controls.retain(|control| !matches!(control.change, ControlChange::Program(_)));
        }
    }
    parts.retain(|part| !part.notes.is_empty() || !part.controls.is_empty());
}
