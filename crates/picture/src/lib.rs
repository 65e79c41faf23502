//! The melody drawn for a musician: a piano roll with note names, the pitch as it was sung, syllables, phrases and
//! loudness over time, as one self-contained SVG. Long recordings run on over several rows, like a score.
//!
//! Size is bounded: curves are thinned to what can be seen, and very long recordings get longer rows rather than more
//! of them. Text from outside is escaped; the picture has no script and loads nothing.

mod curve;
mod layout;
mod marks;
mod svg;
mod type_width;
mod words;

use music::{ChordSpan, Key, Melody, PitchTrack, hz_to_midi};

use layout::{Lanes, Layout, Row};
use lyrics::Lyrics;
use svg::Svg;
use words::Mark;

/// Size of the type of note names, as the look has it.
const NAME_SIZE: f64 = 10.0;
/// From a note's box up to its name.
const NAME_RISE: f64 = 3.5;
/// Sizes of the type of the heading, its lines, and phrases.
const TITLE_SIZE: f64 = 18.0;
const KEY_SIZE: f64 = 12.0;
const PHRASE_SIZE: f64 = 10.5;

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct SongPicture<'a> {
    pub melody: &'a Melody,
    /// Syllables under their notes.
    pub lyrics: Option<&'a Lyrics>,
    /// The F0 of a voice that sang the melody afterwards, drawn over the hummed one.
    pub sung: Option<&'a PitchTrack>,
    /// The least and greatest sample of equal parts of the whole recording, for the waveform; empty for none.
    pub envelope: &'a [(f32, f32)],
    /// Names above the notes; empty where nothing accompanies the melody.
    pub chords: &'a [ChordSpan],
}

/// Draws a melody with everything that is known about it, as an SVG document. Bar lines stand where the beat is sure.
pub fn draw_song_svg(picture: &SongPicture<'_>) -> String {
    let SongPicture { melody, lyrics, sung, envelope, chords } = *picture;
    let sung = sung.map(|track| curve::in_octave_of(track, melody));
    let sung = sung.as_ref();
    let syllables = lyrics.map_or_else(Vec::new, |lyrics| lyrics.text_by_note(melody.notes.len()));
    let lanes = Lanes { chords: !chords.is_empty(), words: &syllables, strip: !envelope.is_empty() };
    let layout = Layout::new(melody, sung, lanes);
    let mut svg = Svg::new(layout.width, layout.height);
    header(&mut svg, &layout, picture);
    for row in &layout.rows {
        svg.open(&format!("class=\"row\" transform=\"translate(0 {})\"", svg::number(row.top)));
        keyboard(&mut svg, &layout, row, &melody.key);
        time_axis(&mut svg, &layout, row);
        marks::bars(&mut svg, &layout, row, melody);
        loudness(&mut svg, &layout, row, envelope, melody.duration_seconds);
        phrases(&mut svg, &layout, row, melody);
        marks::chords(&mut svg, &layout, row, chords, &melody.key);
        notes(&mut svg, &layout, row, melody, &syllables);
        contour(&mut svg, &layout, row, &melody.track, "hum");
        if let Some(sung) = sung {
            contour(&mut svg, &layout, row, sung, "sung");
        }
        names(&mut svg, &layout, row, melody);
        words(&mut svg, &layout, row);
        svg.close();
    }
    svg.finish()
}

fn header(svg: &mut Svg, layout: &Layout, picture: &SongPicture<'_>) {
    let SongPicture { melody, lyrics, sung, envelope, .. } = *picture;
    let title = lyrics.map(|lyrics| lyrics.title.trim()).filter(|title| !title.is_empty()).unwrap_or("Melody");
    let count = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let meter = if melody.rhythm.is_steady() { format!("{}, ", melody.rhythm.meter) } else { String::new() };
    let range = melody.range().map_or_else(String::new, |range| {
        format!("{} to {}, ", range.lowest.name_in(&melody.key), range.highest.name_in(&melody.key))
    });
    let about = format!(
        "{}, {meter}{:.0} bpm, {range}{}, {}, {:.1} s",
        melody.key,
        melody.tempo_bpm,
        count(melody.notes.len(), "note"),
        count(melody.phrases.len(), "phrase"),
        melody.duration_seconds
    );
    svg.describe(title, &about);
    let room = layout.width - layout::GUTTER - layout::EDGE;
    let shown = |text: &str, size: f64| type_width::fitted(text, room, |text| type_width::bold_width(text, size));
    svg.text("title", layout::GUTTER, 26.0, &shown(title, TITLE_SIZE));
    svg.text("about", layout::GUTTER, 45.0, &shown(&about, KEY_SIZE));
    let mut x = layout::GUTTER;
    let entries = [
        (true, "note", "note, rows of 100 cents"),
        (melody.uncorrected.is_some(), "was", "uncorrected"),
        (true, "hum", "as hummed"),
        (sung.is_some(), "sung", "as sung"),
        (!envelope.is_empty(), "wave", "waveform"),
    ];
    for (_, class, label) in entries.into_iter().filter(|(shown, ..)| *shown) {
        match class {
            "hum" | "sung" => svg.path(class, &format!("M{} 60h20", svg::number(x))),
            _ => svg.rect(class, x, 55.0, 20.0, 10.0, 2.0),
        }
        svg.text("key", x + 26.0, 64.0, label);
        x += 40.0 + type_width::width(label, KEY_SIZE);
    }
}

/// Lines and names of the semitones.
fn keyboard(svg: &mut Svg, layout: &Layout, row: &Row, key: &Key) {
    let width = layout.x(row, row.end) - layout::GUTTER;
    for number in layout.lowest..=layout.highest {
        let pitch = music::MidiPitch::new(number);
        let y = layout.y(f64::from(number));
        let is_black = matches!(pitch.class(), 1 | 3 | 6 | 8 | 10);
        if is_black {
            let top = y - layout.semitone / 2.0;
            svg.rect("black", layout::GUTTER, top, width, layout.semitone, 0.0);
        }
        if pitch.class() == 0 || pitch.class() == 5 {
            // Between B and C and between E and F two white keys meet.
            let under = svg::number(y + layout.semitone / 2.0);
            svg.path("seam", &format!("M{} {under}h{}", svg::number(layout::GUTTER), svg::number(width)));
        }
        let named = layout.semitone >= 11.0 || pitch.class() == 0 || (layout.semitone >= 7.0 && !is_black);
        if named {
            let class = if pitch.class() == 0 { "pitch c" } else { "pitch" };
            svg.text(class, layout::GUTTER - 7.0, y + 3.5, &pitch.name_in(key));
        }
    }
    svg.rect("frame", layout::GUTTER, layout.roll_top, width, layout.roll_height(), 0.0);
}

fn time_axis(svg: &mut Svg, layout: &Layout, row: &Row) {
    let y = layout.axis_top;
    let mut marks = String::new();
    let first = (row.start / layout.tick_seconds).ceil() as u64;
    for index in first.. {
        let time = index as f64 * layout.tick_seconds;
        if time > row.end + 1e-6 {
            break;
        }
        let x = layout.x(row, time);
        marks += &format!("M{} {}V{}", svg::number(x), svg::number(layout.roll_top), svg::number(y));
        svg.text("time", x, y + 14.0, &clock(time));
    }
    svg.path("tick", &marks);
}

/// `7 s` below a minute, `1:07` above.
fn clock(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    if whole < 60 { format!("{whole} s") } else { format!("{}:{:02}", whole / 60, whole % 60) }
}

fn loudness(svg: &mut Svg, layout: &Layout, row: &Row, envelope: &[(f32, f32)], duration_seconds: f64) {
    let (Some(strip_top), true) = (layout.strip_top, duration_seconds > 0.0) else { return };
    let peak = envelope.iter().flat_map(|&(low, high)| [low.abs(), high.abs()]).fold(1e-6f32, f32::max);
    let middle = strip_top + layout::STRIP_HEIGHT / 2.0;
    let scale = f64::from(1.0 / peak) * layout::STRIP_HEIGHT / 2.0;
    let (mut over, mut under) = (String::new(), Vec::new());
    let (left, right) = (layout.x(row, row.start), layout.x(row, row.end.min(duration_seconds)));
    let columns = ((right - left) / 2.0).ceil().max(1.0) as usize;
    let bucket = |x: f64| (layout.time(row, x) / duration_seconds * envelope.len() as f64) as usize;
    for column in 0..columns {
        let x = left + column as f64 * 2.0;
        let from = bucket(x).min(envelope.len() - 1);
        let part = &envelope[from..bucket(x + 2.0).clamp(from + 1, envelope.len())];
        let low = part.iter().fold(0.0f32, |least, pair| least.min(pair.0));
        let high = part.iter().fold(0.0f32, |most, pair| most.max(pair.1));
        let point = |value: f32| format!("{} {}", svg::number(x), svg::number(middle - f64::from(value) * scale));
        over += &format!("{}{}", if column == 0 { "M" } else { "L" }, point(high));
        under.push(point(low));
    }
    for point in under.iter().rev() {
        over += &format!("L{point}");
    }
    svg.path("wave", &format!("{over}Z"));
}

fn phrases(svg: &mut Svg, layout: &Layout, row: &Row, melody: &Melody) {
    for (index, phrase) in melody.phrases.iter().enumerate() {
        let notes = melody.phrase_notes(phrase);
        let (Some(first), Some(last)) = (notes.first(), notes.last()) else { continue };
        let (start, end) = (first.onset_seconds.max(row.start), last.end_seconds().min(row.end));
        if start >= end {
            continue;
        }
        let (left, right) = (layout.x(row, start), layout.x(row, end));
        let y = layout.bracket_top;
        let begins = first.onset_seconds >= row.start - 1e-6;
        let ends = last.end_seconds() <= row.end + 1e-6;
        let mut path = format!("M{} {}", svg::number(left), svg::number(if begins { y + 7.0 } else { y }));
        path += &format!("V{}H{}", svg::number(y), svg::number(right));
        if ends {
            path += "v7";
        }
        svg.path("bracket", &path);
        // Up to the phrase after, or to the edge.
        let next = melody.phrases.get(index + 1).and_then(|next| melody.phrase_notes(next).first());
        let room = next.map_or(layout.width, |note| layout.x(row, note.onset_seconds)).min(layout.width) - left;
        let number = index + 1;
        let labels = if begins {
            [format!("phrase {number}"), number.to_string()]
        } else {
            [format!("({number})"), String::new()]
        };
        let fits = |label: &&String| type_width::width(label, PHRASE_SIZE) + layout::EDGE <= room;
        if let Some(label) = labels.iter().find(fits) {
            svg.text("phrase", left, y - 4.0, label);
        }
    }
}

fn notes(svg: &mut Svg, layout: &Layout, row: &Row, melody: &Melody, syllables: &[Option<String>]) {
    let height = layout.semitone - 1.0;
    for (index, left, width) in layout.note_spans(row, &melody.notes) {
        let note = &melody.notes[index];
        let y = layout.y(f64::from(note.pitch.number()));
        let mut about = format!(
            "{} {:+.0} cents, {:.2} s at {:.2} s",
            note.pitch.name_in(&melody.key),
            note.cents,
            note.duration_seconds,
            note.onset_seconds
        );
        if let Some(text) = syllables.get(index).and_then(Option::as_deref) {
            about += &format!(": {text}");
        }
        svg.named_rect("note", [left, y - height / 2.0, width, height], 3.0, &about);
    }
    let was = melody.uncorrected.as_deref().unwrap_or_default();
    for (index, left, width) in layout.note_spans(row, was) {
        let y = layout.y(f64::from(was[index].pitch.number()).clamp(layout.lowest.into(), layout.highest.into()));
        svg.rect("was", left, y - height / 2.0, width, height, 3.0);
    }
}

/// Names stand over the note, where no contour runs; a name that finds no room is left to the keyboard at the left.
fn names(svg: &mut Svg, layout: &Layout, row: &Row, melody: &Melody) {
    let spans = layout.note_spans(row, &melody.notes);
    for (at, &(index, left, width)) in spans.iter().enumerate() {
        let note = &melody.notes[index];
        if note.onset_seconds < row.start {
            continue;
        }
        let name = note.pitch.name_in(&melody.key);
        // The note after may end the room: its box or its name would stand in the way.
        let next = spans.get(at + 1).map(|&(next, next_left, _)| (&melody.notes[next], next_left));
        let is_free = next.is_none_or(|(next, _)| {
            let rise = (f64::from(next.pitch.number()) - f64::from(note.pitch.number())) * layout.semitone;
            rise <= -NAME_SIZE || rise >= NAME_SIZE + NAME_RISE + layout.semitone
        });
        let room = if is_free { width * 1.5 } else { next.map_or(width, |(_, next_left)| next_left - left) };
        if type_width::bold_width(&name, NAME_SIZE) <= room {
            let y = layout.y(f64::from(note.pitch.number())) - layout.semitone / 2.0 - NAME_RISE;
            svg.text("name", left + 1.0, y, &name);
        }
    }
}

fn contour(svg: &mut Svg, layout: &Layout, row: &Row, track: &PitchTrack, class: &str) {
    let mut path = String::new();
    let shown = f64::from(layout.lowest) - 0.5..=f64::from(layout.highest) + 0.5;
    let runs = curve::voiced_runs(track, row.start, row.end);
    // A slip of the tracker outside of the rows is left out: at the edge it would look like a note.
    let parts = runs.iter().flat_map(|run| run.split(|&(_, hz)| !shown.contains(&hz_to_midi(hz))));
    for part in parts.filter(|part| part.len() > 1) {
        let points: Vec<(f64, f64)> =
            part.iter().map(|&(time, hz)| (layout.x(row, time), layout.y(hz_to_midi(hz)))).collect();
        for (index, (x, y)) in curve::thinned(&points).into_iter().enumerate() {
            path += &format!("{}{} {}", if index == 0 { "M" } else { "L" }, svg::number(x), svg::number(y));
        }
    }
    if !path.is_empty() {
        svg.path(class, &path);
    }
}

/// Syllables start where their notes do.
fn words(svg: &mut Svg, layout: &Layout, row: &Row) {
    let Some(top) = layout.words_top else { return };
    for mark in &row.words {
        let y = top + mark.line() as f64 * layout::WORD_LINE_HEIGHT;
        match mark {
            Mark::Word { left, text, .. } => svg.text("word", *left, y + 12.0, text),
            Mark::Held { left, right, .. } => {
                let path = format!("M{} {}H{}", svg::number(*left), svg::number(y + 9.0), svg::number(*right));
                svg.path("held", &path);
            }
        }
    }
}
