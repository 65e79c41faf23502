//! Scores out: a melody with its words and chords as MusicXML 4.0 (score-partwise; W3C Community Group, 2021), which
//! score programs open.
//!
//! Rhythm is written as it reads best, on sixteenths and triplets of the singer's own beats; MIDI keeps the exact times.
//! Each bar's durations add up to the bar. Never reads files.

mod notation;

use std::fmt::Write as _;

use crate::{
    harmony::{ChordSpan, Quality},
    key::{Key, Mode},
    melody::Melody,
    pitch::MidiPitch,
    rhythm::BeatGrid,
    xml::escaped,
};
use notation::{Bar, DIVISIONS, Piece};

/// Where in its word a syllable stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syllabic {
    Single,
    Begin,
    Middle,
    End,
}

impl Syllabic {
    /// From whether the word goes on from the syllable before, and into the one after.
    pub const fn new(continues: bool, goes_on: bool) -> Self {
        match (continues, goes_on) {
            (false, false) => Self::Single,
            (false, true) => Self::Begin,
            (true, true) => Self::Middle,
            (true, false) => Self::End,
        }
    }

    const fn ends_word(self) -> bool {
        matches!(self, Self::Single | Self::End)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Begin => "begin",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// A syllable under a note. Notes of a phrase that have none hold the vowel before them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScoreSyllable<'a> {
    /// Index into the notes of the melody.
    pub note: usize,
    /// Without hyphens.
    pub text: &'a str,
    pub syllabic: Syllabic,
}

/// What is written.
#[derive(Clone, Copy, Debug)]
pub struct Score<'a> {
    pub title: &'a str,
    pub melody: &'a Melody,
    /// In order on each note: several on one are sung together, joined by elisions.
    pub syllables: &'a [ScoreSyllable<'a>],
    /// Written as chord symbols; may be empty.
    pub chords: &'a [ChordSpan],
}

/// Writes a score as a MusicXML document.
pub fn write(score: &Score<'_>) -> String {
    let grid = BeatGrid::of(score.melody);
    let bars = notation::bars(score.melody, &grid);
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE score-partwise PUBLIC \"-//Recordare//DTD MusicXML 4.0 Partwise//EN\" \
         \"http://www.musicxml.org/dtds/partwise.dtd\">\n\
         <score-partwise version=\"4.0\">\n",
    );
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<work><work-title>{}</work-title></work>\n\
         <identification><encoding><software>Descant</software></encoding></identification>\n\
         <part-list><score-part id=\"P1\"><part-name>Voice</part-name></score-part></part-list>\n<part id=\"P1\">\n",
        escaped(score.title)
    );
    let words = Words::of(score);
    let mut chords = chord_units(score.chords, &grid);
    for (index, bar) in bars.iter().enumerate() {
        let is_pickup = index == 0 && bar.length < grid.meter.quarters_per_bar() * DIVISIONS;
        let number = index + usize::from(grid.pickup_quarters == 0);
        let implicit = if is_pickup { " implicit=\"yes\"" } else { "" };
        let _ = writeln!(out, "<measure number=\"{number}\"{implicit}>");
        if index == 0 {
            out += &attributes(score.melody, &grid);
            out += &tempo(score.melody.tempo_bpm);
        }
        for piece in &bar.pieces {
            let end = bar.start + piece.start + piece.length;
            while let Some(&(unit, span)) = chords.first().filter(|(unit, _)| *unit < end) {
                out += &harmony(span, unit.saturating_sub(bar.start + piece.start), &score.melody.key);
                chords.remove(0);
            }
            out += &note(score.melody, piece, bar, &words);
        }
        out += if index + 1 == bars.len() {
            "<barline location=\"right\"><bar-style>light-heavy</bar-style></barline>\n</measure>\n"
        } else {
            "</measure>\n"
        };
    }
    out += "</part>\n</score-partwise>\n";
    out
}

fn attributes(melody: &Melody, grid: &BeatGrid) -> String {
    let (upper, lower) = grid.meter.signature();
    let mode = if melody.key.mode == Mode::Minor { "minor" } else { "major" };
    let mut pitches: Vec<u8> = melody.notes.iter().map(|note| note.pitch.number()).collect();
    pitches.sort_unstable();
    // Low voices read the bass clef, those around middle C the treble clef an octave down.
    let clef = match pitches.get(pitches.len() / 2) {
        Some(..=49) => "<sign>F</sign><line>4</line>",
        Some(50..=59) => "<sign>G</sign><line>2</line><clef-octave-change>-1</clef-octave-change>",
        _ => "<sign>G</sign><line>2</line>",
    };
    format!(
        "<attributes><divisions>{DIVISIONS}</divisions><key><fifths>{}</fifths><mode>{mode}</mode></key>\
         <time><beats>{upper}</beats><beat-type>{lower}</beat-type></time><clef>{clef}</clef></attributes>\n",
        melody.key.sharps()
    )
}

fn tempo(bpm: f64) -> String {
    let bpm = if bpm.is_finite() { bpm.round().clamp(10.0, 999.0) } else { 120.0 };
    format!(
        "<direction placement=\"above\"><direction-type><metronome><beat-unit>quarter</beat-unit>\
         <per-minute>{bpm}</per-minute></metronome></direction-type><sound tempo=\"{bpm}\"/></direction>\n"
    )
}

/// Chords with the unit at which each begins, on whole quarters; one that comes again at once is not written twice.
fn chord_units<'a>(chords: &'a [ChordSpan], grid: &BeatGrid) -> Vec<(u32, &'a ChordSpan)> {
    let mut found: Vec<(u32, &ChordSpan)> = Vec::new();
    for span in chords {
        let quarter = grid.quarters_at(span.start_seconds).round();
        let unit = if quarter.is_finite() { quarter.clamp(0.0, 1e6) as u32 * DIVISIONS } else { 0 };
        if found.last().is_none_or(|(_, before)| before.chord != span.chord) {
            found.push((unit, span));
        }
    }
    found
}

fn harmony(span: &ChordSpan, offset: u32, key: &Key) -> String {
    let kind = match span.chord.quality {
        Quality::Major => "major",
        Quality::Minor => "minor",
        Quality::Diminished => "diminished",
        Quality::DominantSeventh => "dominant",
    };
    let (step, alter, _) = spelled(MidiPitch::new(60 + span.chord.root % 12), key);
    let alter = if alter == 0 { String::new() } else { format!("<root-alter>{alter}</root-alter>") };
    let offset = if offset == 0 { String::new() } else { format!("<offset>{offset}</offset>") };
    format!("<harmony><root><root-step>{step}</root-step>{alter}</root><kind>{kind}</kind>{offset}</harmony>\n")
}

/// Letter, sharps (1) or flats (−1), and octave.
fn spelled(pitch: MidiPitch, key: &Key) -> (char, i8, i8) {
    let name = pitch.name_in(key);
    let mut letters = name.chars();
    let step = letters.next().unwrap_or('C');
    let alter = match letters.next() {
        Some('#') => 1,
        Some('b') => -1,
        _ => 0,
    };
    (step, alter, pitch.octave())
}

fn note(melody: &Melody, piece: &Piece, bar: &Bar, words: &Words) -> String {
    let Some(index) = piece.note else {
        if piece.length == bar.length {
            return format!("<note><rest measure=\"yes\"/><duration>{}</duration></note>\n", piece.length);
        }
        let notations = notations(piece);
        return format!("<note><rest/><duration>{}</duration>{}{notations}</note>\n", piece.length, value(piece));
    };
    let (step, alter, octave) = spelled(melody.notes[index].pitch, &melody.key);
    let alter = if alter == 0 { String::new() } else { format!("<alter>{alter}</alter>") };
    let notations = notations(piece);
    let lyric = if piece.tied_from { "" } else { words.under(index) };
    format!(
        "<note><pitch><step>{step}</step>{alter}<octave>{octave}</octave></pitch><duration>{}</duration>{}{}\
         {notations}{lyric}</note>\n",
        piece.length,
        ties(piece, "tie"),
        value(piece)
    )
}

fn ties(piece: &Piece, element: &str) -> String {
    let ends = [(piece.tied_from, "stop"), (piece.tied_to, "start")];
    ends.iter().filter(|(is, _)| *is).map(|(_, kind)| format!("<{element} type=\"{kind}\"/>")).collect()
}

fn notations(piece: &Piece) -> String {
    let mut inside = ties(piece, "tied");
    for (is, kind) in [(piece.tuplet_starts, "start"), (piece.tuplet_stops, "stop")] {
        if is {
            inside += &format!("<tuplet type=\"{kind}\"/>");
        }
    }
    if inside.is_empty() { inside } else { format!("<notations>{inside}</notations>") }
}

/// Type, dot and triplet of a value.
fn value(piece: &Piece) -> String {
    let (name, dotted) = match piece.length {
        3 => ("16th", false),
        4 | 6 => ("eighth", false),
        9 => ("eighth", true),
        8 | 12 => ("quarter", false),
        18 => ("quarter", true),
        24 => ("half", false),
        36 => ("half", true),
        _ => ("whole", false),
    };
    let dot = if dotted { "<dot/>" } else { "" };
    let triplet = if piece.is_triplet() {
        "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
    } else {
        ""
    };
    format!("<voice>1</voice><type>{name}</type>{dot}{triplet}")
}

/// The lyric element of each note, empty where nothing is sung to it.
struct Words(Vec<String>);

impl Words {
    fn of(score: &Score<'_>) -> Self {
        let count = score.melody.notes.len();
        let mut by_note: Vec<Vec<&ScoreSyllable<'_>>> = vec![Vec::new(); count];
        for syllable in score.syllables.iter().filter(|syllable| syllable.note < count && !syllable.text.is_empty()) {
            by_note[syllable.note].push(syllable);
        }
        let starts_phrase = |note: usize| score.melody.phrases.iter().any(|phrase| phrase.start == note);
        // A vowel is held into a note that has no syllable, from the note before in the same phrase.
        let mut is_held = vec![false; count + 1];
        for note in 1..count {
            let before_sounds = is_held[note - 1] || !by_note[note - 1].is_empty();
            is_held[note] = by_note[note].is_empty() && before_sounds && !starts_phrase(note);
        }
        // Inside of a word the hyphens to its next syllable show that the vowel is held; a line follows only its end.
        let mut is_drawn = vec![false; count + 1];
        for note in 1..count {
            let ends_word = by_note[note - 1].last().is_some_and(|syllable| syllable.syllabic.ends_word());
            is_drawn[note] = is_held[note] && (ends_word || is_drawn[note - 1]);
        }
        let element = |note: usize| match (by_note[note].as_slice(), is_drawn[note], is_drawn[note + 1]) {
            ([], false, _) => String::new(),
            ([], true, true) => "<lyric number=\"1\"><extend type=\"continue\"/></lyric>".to_owned(),
            ([], true, false) => "<lyric number=\"1\"><extend type=\"stop\"/></lyric>".to_owned(),
            (syllables, _, goes_on) => lyric(syllables, goes_on),
        };
        Self((0..count).map(element).collect())
    }

    fn under(&self, note: usize) -> &str {
        self.0.get(note).map_or("", String::as_str)
    }
}

/// Several syllables on one note are joined by elisions, each with its own place in its own word.
fn lyric(syllables: &[&ScoreSyllable<'_>], goes_on: bool) -> String {
    let joined: Vec<String> = syllables
        .iter()
        .map(|syllable| {
            format!("<syllabic>{}</syllabic><text>{}</text>", syllable.syllabic.name(), escaped(syllable.text))
        })
        .collect();
    let extend = if goes_on { "<extend type=\"start\"/>" } else { "" };
    format!("<lyric number=\"1\">{}{extend}</lyric>", joined.join("<elision>\u{203f}</elision>"))
}
