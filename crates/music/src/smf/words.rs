//! What a file says in words: its title, names of tracks, lyrics and markers.

use super::{
    Limits,
    events::{Event, LAST_TICK, Track},
    text::{self, Old},
    warnings::Warnings,
};
use crate::score::{Text, Tick};

const TEXT: u8 = 0x01;
const NAME: u8 = 0x03;
const INSTRUMENT: u8 = 0x04;
const LYRIC: u8 = 0x05;
const MARKER: u8 = 0x06;

#[derive(Default)]
pub(super) struct Words {
    pub title: String,
    /// Of each track.
    pub names: Vec<String>,
    pub lyrics: Vec<Text>,
    pub markers: Vec<Text>,
}

struct Said<'a> {
    track: usize,
    at: Tick,
    kind: u8,
    bytes: &'a [u8],
}

/// Decodes all words of a file.
pub(super) fn collect(
    format: u16,
    tracks: &[Track<'_>],
    starts: &[Tick],
    limits: &Limits,
    warnings: &mut Warnings,
) -> Words {
    let said = said(tracks, starts, limits, warnings);
    let old = text::guess(said.iter().map(|said| said.bytes));
    let decoded = |said: &Said<'_>| text::name(&text::decode(said.bytes, old));
    let texts = || said.iter().filter(|said| said.kind == TEXT);
    let mut names = vec![String::new(); tracks.len()];
    let mut instruments = names.clone();
    for said in &said {
        let names = match said.kind {
            NAME => &mut names,
            INSTRUMENT => &mut instruments,
            _ => continue,
        };
        if names[said.track].is_empty() {
            names[said.track] = decoded(said);
        }
    }
    let tagged = texts().find_map(|said| Some(text::name(decoded(said).strip_prefix("@T")?)));
    let first_text = texts().filter(|said| said.track == 0).map(decoded).find(|text| !text.is_empty());
    let first_is_played = tracks.first().is_some_and(|track| {
        track.events.iter().any(|timed| matches!(timed.event, Event::On { .. } | Event::Change { .. }))
    });
    // In format 1 the first track's name is the song's unless somebody plays it.
    let first_name = names.first().cloned().unwrap_or_default();
    let title = tagged.unwrap_or_else(|| match first_text.filter(|text| !text.starts_with('@')) {
        Some(text) if first_name.is_empty() || format == 1 && first_is_played => text,
        _ => first_name,
    });
    if format == 0 {
        // The only name there is is the song's.
        names.iter_mut().for_each(String::clear);
    }
    for (name, instrument) in names.iter_mut().zip(instruments) {
        if name.is_empty() {
            *name = instrument;
        }
    }
    Words { title, lyrics: lyrics(&said, old, &names), markers: of_kind(&said, MARKER, old, text::name), names }
}

/// All words up to the limit, by time.
fn said<'a>(tracks: &[Track<'a>], starts: &[Tick], limits: &Limits, warnings: &mut Warnings) -> Vec<Said<'a>> {
    let (mut said, mut left) = (Vec::new(), limits.text_bytes);
    for (index, (track, start)) in tracks.iter().zip(starts).enumerate() {
        for timed in &track.events {
            let Event::Meta { kind: kind @ (TEXT | NAME | INSTRUMENT | LYRIC | MARKER), data: bytes } = timed.event
            else {
                continue;
            };
            if bytes.len() > left {
                let what = format!("There are more than {} bytes of text; the others are left out", limits.text_bytes);
                warnings.add(Some(track.number), timed.offset, &what);
                continue;
            }
            left -= bytes.len();
            said.push(Said { track: index, at: start.saturating_add(timed.at).min(LAST_TICK), kind, bytes });
        }
    }
    said.sort_by_key(|said| said.at);
    said
}

/// The words of one voice: lyric events, or, where a file has none and is a karaoke file, the texts of the track with its
/// words.
fn lyrics(said: &[Said<'_>], old: Old, names: &[String]) -> Vec<Text> {
    let of_words =
        |index: usize| names.get(index).is_some_and(|name| ["words", "lyrics"].contains(&name.to_lowercase().as_str()));
    let most = |kind: u8, may: &dyn Fn(usize) -> bool| {
        let mut counts = vec![0_usize; names.len()];
        for said in said.iter().filter(|said| said.kind == kind && !said.bytes.starts_with(b"@")) {
            counts[said.track] += 1;
        }
        let candidates = (0..names.len()).filter(|&index| counts[index] > 0 && may(index));
        // Of equals the first.
        candidates.rev().max_by_key(|&index| (of_words(index), counts[index]))
    };
    let of_track = |kind: u8, track: usize| {
        let sung = said.iter().filter(|said| (said.kind, said.track) == (kind, track) && !said.bytes.starts_with(b"@"));
        let syllables = sung.map(|said| Text { at: said.at, text: text::karaoke(&text::decode(said.bytes, old)) });
        first_verse(syllables.filter(|syllable| !syllable.text.is_empty()))
    };
    if let Some(track) = most(LYRIC, &|_| true) {
        return of_track(LYRIC, track);
    }
    let is_karaoke = said.iter().any(|said| said.kind == TEXT && said.bytes.starts_with(b"@K"));
    most(TEXT, &|index| is_karaoke || of_words(index)).map_or_else(Vec::new, |track| of_track(TEXT, track))
}

/// Moments with several syllables at once from which on a track is taken to hold several verses.
const VERSE_MOMENTS: usize = 4;

/// Notation programs write the verses of a song one below the other at each note: the first is kept, with its number.
fn first_verse(syllables: impl Iterator<Item = Text>) -> Vec<Text> {
    let all: Vec<Text> = syllables.collect();
    let moments = || all.chunk_by(|a, b| a.at == b.at);
    if moments().filter(|moment| moment.len() > 1).count() < VERSE_MOMENTS {
        return all;
    }
    let first = |moment: &[Text]| {
        let has_letters = |text: &Text| text.text.chars().any(char::is_alphabetic);
        // Up to the first with letters: what is before it is its number or a new line.
        let until = moment.iter().position(has_letters).map_or(1, |index| index + 1);
        Text { at: moment[0].at, text: moment[..until].iter().map(|text| text.text.as_str()).collect() }
    };
    moments().map(first).collect()
}

fn of_kind(said: &[Said<'_>], kind: u8, old: Old, clean: fn(&str) -> String) -> Vec<Text> {
    let of_kind = said.iter().filter(|said| said.kind == kind);
    let texts = of_kind.map(|said| Text { at: said.at, text: clean(&text::decode(said.bytes, old)) });
    texts.filter(|text| !text.text.is_empty()).collect()
}
