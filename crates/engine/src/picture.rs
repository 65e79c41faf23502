//! The melody drawn for a musician: a piano roll with note names, the pitch as it was sung, syllables, phrases and
//! loudness over time, as one self-contained SVG. Long recordings run on over several rows, like a score.
//!
//! Size is bounded: curves are thinned to what can be seen, and very long recordings get longer rows rather than more
//! of them. Text from outside is escaped; the picture has no script and loads nothing.

mod curve;
mod layout;
mod marks;
mod svg;

use music::{ChordSpan, Key, Melody, Note, PitchTrack, hz_to_midi};

use crate::lyrics::Lyrics;
use layout::{Lanes, Layout, Row};
use svg::Svg;

/// Least width of a note box that its name fits into.
const NAMED_WIDTH: f64 = 19.0;
/// Width of a character of the syllables: a little above the average, because renderers choose the font.
const CHARACTER_WIDTH: f64 = 8.2;
/// A syllable that would run into the one before may stand this much late.
const MOST_WORD_SHIFT: f64 = 14.0;

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
    let lanes = Lanes { chords: !chords.is_empty(), words: !syllables.is_empty(), strip: !envelope.is_empty() };
    let layout = Layout::new(melody, sung, lanes);
    let mut svg = Svg::new(layout.width, layout.height);
    header(&mut svg, picture);
    for row in &layout.rows {
        svg.open(&format!("class=\"row\" transform=\"translate(0 {})\"", svg::number(row.top)));
        keyboard(&mut svg, &layout, row, &melody.key);
        time_axis(&mut svg, &layout, row);
        marks::bars(&mut svg, &layout, row, melody);
        loudness(&mut svg, &layout, row, envelope, melody.duration_seconds);
        phrases(&mut svg, &layout, row, melody);
        marks::chords(&mut svg, &layout, row, chords, &melody.key);
        notes(&mut svg, &layout, row, melody);
        contour(&mut svg, &layout, row, &melody.track, "hum");
        if let Some(sung) = sung {
            contour(&mut svg, &layout, row, sung, "sung");
        }
        names(&mut svg, &layout, row, melody);
        words(&mut svg, &layout, row, melody, &syllables);
        svg.close();
    }
    svg.finish()
}

fn header(svg: &mut Svg, picture: &SongPicture<'_>) {
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
    svg.text("title", layout::GUTTER, 26.0, title);
    svg.text("about", layout::GUTTER, 45.0, &about);
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
        x += 40.0 + label.chars().count() as f64 * 7.0;
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
        let label = if begins { format!("phrase {}", index + 1) } else { format!("({})", index + 1) };
        svg.text("phrase", left, y - 4.0, &label);
    }
}

/// Calls `each(index, left, width)` for the part of every note that lies in a row.
fn for_notes(layout: &Layout, row: &Row, notes: &[Note], mut each: impl FnMut(usize, f64, f64)) {
    for (index, note) in notes.iter().enumerate() {
        let (start, end) = (note.onset_seconds.max(row.start), note.end_seconds().min(row.end));
        if start < end {
            let left = layout.x(row, start);
            each(index, left, (layout.x(row, end) - left - 1.0).max(1.0));
        }
    }
}

fn notes(svg: &mut Svg, layout: &Layout, row: &Row, melody: &Melody) {
    let height = layout.semitone - 1.0;
    for_notes(layout, row, &melody.notes, |index, left, width| {
        let note = &melody.notes[index];
        let y = layout.y(f64::from(note.pitch.number()));
        let about = format!(
            "{} {:+.0} cents, {:.2} s at {:.2} s",
            note.pitch.name_in(&melody.key),
            note.cents,
            note.duration_seconds,
            note.onset_seconds
        );
        svg.named_rect("note", [left, y - height / 2.0, width, height], 3.0, &about);
    });
    let was = melody.uncorrected.as_deref().unwrap_or_default();
    for_notes(layout, row, was, |index, left, width| {
        let y = layout.y(f64::from(was[index].pitch.number()).clamp(layout.lowest.into(), layout.highest.into()));
        svg.rect("was", left, y - height / 2.0, width, height, 3.0);
    });
}

/// Names stand over the note, where no contour runs; a name that finds no room is left to the keyboard at the left.
fn names(svg: &mut Svg, layout: &Layout, row: &Row, melody: &Melody) {
    for_notes(layout, row, &melody.notes, |index, left, width| {
        let note = &melody.notes[index];
        if width >= NAMED_WIDTH && note.onset_seconds >= row.start {
            let y = layout.y(f64::from(note.pitch.number())) - layout.semitone / 2.0 - 3.5;
            svg.text("name", left + 1.0, y, &note.pitch.name_in(&melody.key));
        }
    });
}

fn contour(svg: &mut Svg, layout: &Layout, row: &Row, track: &PitchTrack, class: &str) {
    let mut path = String::new();
    for run in curve::voiced_runs(track, row.start, row.end) {
        let points: Vec<(f64, f64)> = run
            .iter()
            .map(|&(time, hz)| {
                let midi = hz_to_midi(hz).clamp(f64::from(layout.lowest) - 0.5, f64::from(layout.highest) + 0.5);
                (layout.x(row, time), layout.y(midi))
            })
            .collect();
        for (index, (x, y)) in curve::thinned(&points).into_iter().enumerate() {
            path += &format!("{}{} {}", if index == 0 { "M" } else { "L" }, svg::number(x), svg::number(y));
        }
    }
    if !path.is_empty() {
        svg.path(class, &path);
    }
}

/// Syllables start where their notes do. One that would run into the one before goes a line lower.
fn words(svg: &mut Svg, layout: &Layout, row: &Row, melody: &Melody, syllables: &[Option<String>]) {
    let Some(top) = layout.words_top else { return };
    let mut taken = [f64::NEG_INFINITY; layout::WORD_LINES];
    for_notes(layout, row, &melody.notes, |index, left, width| {
        if melody.notes[index].onset_seconds < row.start {
            return;
        }
        let Some(text) = syllables.get(index).and_then(Option::as_deref).filter(|text| !text.is_empty()) else {
            // The vowel before is held: a line, as singers read it.
            let y = svg::number(top + 9.0);
            svg.path("held", &format!("M{} {y}h{}", svg::number(left), svg::number(width)));
            taken[0] = taken[0].max(left + width);
            return;
        };
        let line = (0..layout::WORD_LINES)
            .find(|&line| taken[line] <= left)
            .unwrap_or_else(|| usize::from(taken[0] > taken[1]));
        let left = left.max(taken[line].min(left + MOST_WORD_SHIFT));
        taken[line] = left + (text.chars().count() as f64 + 0.4) * CHARACTER_WIDTH;
        svg.text("word", left, top + 12.0 + line as f64 * layout::WORD_LINE_HEIGHT, text);
    });
}
