//! The melody drawn for a musician: the waveform, F0 on a piano roll, notes with names, syllables under notes.

use std::fmt::Write as _;

use music::{Melody, MidiPitch, PitchTrack, hz_to_midi};

use crate::lyrics::Lyrics;

const LEFT: f64 = 56.0;
const TOP: f64 = 100.0;
const ROW: f64 = 16.0;
const STYLE: &str = "\
svg{background:#fff;font-family:sans-serif;font-size:11px}.g{stroke:#e3e3e8}.b{fill:#f4f4f8}.t{fill:#555}\
.n{fill:#8fb7f5;stroke:#3f75c9}.y{fill:#222;font-size:12px}.f{fill:none;stroke:#d1495b;stroke-width:1.5}\
.s{fill:none;stroke:#2a9d5c;stroke-width:1.2}.w{fill:#c9cdd8}.p{stroke:#999;fill:none}\
@media(prefers-color-scheme:dark){svg{background:#15171c}.g{stroke:#2c3038}.b{fill:#1b1e25}.t{fill:#a5abb8}\
.n{fill:#2f5fa8;stroke:#7fb0ff}.y{fill:#eee}.f{stroke:#ff7d8c}.s{stroke:#5fd394}.w{fill:#3b404b}.p{stroke:#777}}";

/// Draws a melody. `sung` is the F0 of the result, `envelope` the recording's or result's peaks (0–1) in even steps.
/// Grows with the length of the melody up to a bound, and never holds more points than it is wide.
pub fn draw_melody_svg(melody: &Melody, lyrics: &Lyrics, sung: Option<&PitchTrack>, envelope: &[f32]) -> String {
    let seconds = melody.duration_seconds.max(1.0);
    let width = (seconds * 80.0).clamp(600.0, 8000.0);
    let (lowest, highest) = range(melody);
    let height = f64::from(highest - lowest + 1) * ROW;
    let x = |at: f64| LEFT + at / seconds * width;
    let y = |midi: f64| TOP + (f64::from(highest) + 0.5 - midi) * ROW;
    let (total_width, total_height) = (LEFT + width + 16.0, TOP + height + 72.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {total_width:.0} {total_height:.0}\" \
         width=\"{total_width:.0}\" height=\"{total_height:.0}\" role=\"img\"><title>{}</title><style>{STYLE}</style>",
        escape(&lyrics.title)
    );
    let _ = write!(
        svg,
        "<text class=\"y\" x=\"{LEFT}\" y=\"18\">{} — {}, {:.0} bpm</text>",
        escape(&lyrics.title),
        melody.key,
        melody.tempo_bpm
    );
    let _ = write!(
        svg,
        "<path class=\"f\" d=\"M{LEFT} 32h24\"/><text class=\"t\" x=\"{}\" y=\"36\">hummed</text>\
         <path class=\"s\" d=\"M{} 32h24\"/><text class=\"t\" x=\"{}\" y=\"36\">sung</text>",
        LEFT + 30.0,
        LEFT + 100.0,
        LEFT + 130.0
    );
    draw_waveform(&mut svg, envelope, width);
    for midi in lowest..=highest {
        let pitch = MidiPitch::new(midi);
        let line = y(f64::from(midi));
        if matches!(pitch.class(), 1 | 3 | 6 | 8 | 10) {
            let _ = write!(svg, "<rect class=\"b\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{width:.0}\" height=\"{ROW}\"/>", line - ROW / 2.0);
        }
        let _ = write!(
            svg,
            "<path class=\"g\" d=\"M{LEFT} {0:.1}h{width:.0}\"/><text class=\"t\" x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{pitch}</text>",
            line + ROW / 2.0,
            LEFT - 6.0,
            line + 4.0
        );
    }
    let bottom = TOP + height;
    let step = if seconds > 60.0 { 5 } else { 1 };
    for second in (0..=seconds as usize).step_by(step) {
        let at = x(second as f64);
        let _ = write!(
            svg,
            "<path class=\"g\" d=\"M{at:.1} {TOP}V{bottom:.1}\"/><text class=\"t\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{second} s</text>",
            bottom + 60.0
        );
    }
    for note in &melody.notes {
        let _ = write!(
            svg,
            "<rect class=\"n\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"3\"><title>{} {:+.0} cents</title></rect>",
            x(note.onset_seconds),
            y(f64::from(note.pitch.number())) - ROW / 2.0 + 1.0,
            (note.duration_seconds / seconds * width).max(2.0),
            ROW - 2.0,
            note.pitch,
            note.cents
        );
    }
    draw_contour(&mut svg, "f", &melody.track, (lowest, highest), &x, &y);
    if let Some(sung) = sung {
        draw_contour(&mut svg, "s", sung, (lowest, highest), &x, &y);
    }
    for syllable in lyrics.lines.iter().flat_map(|line| &line.syllables) {
        if let Some(note) = melody.notes.get(syllable.note) {
            let _ = write!(
                svg,
                "<text class=\"y\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x(note.onset_seconds),
                bottom + 20.0,
                escape(&syllable.text)
            );
        }
    }
    for phrase in &melody.phrases {
        let notes = melody.phrase_notes(phrase);
        if let (Some(first), Some(last)) = (notes.first(), notes.last()) {
            let _ = write!(
                svg,
                "<path class=\"p\" d=\"M{0:.1} {1:.1}v6H{2:.1}v-6\"/>",
                x(first.onset_seconds),
                bottom + 30.0,
                x(last.end_seconds())
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// A margin of two semitones around the notes; an octave around middle C without notes.
fn range(melody: &Melody) -> (u8, u8) {
    let numbers = || melody.notes.iter().map(|note| note.pitch.number());
    let lowest = numbers().min().unwrap_or(54).saturating_sub(2);
    (lowest, numbers().max().unwrap_or(66).saturating_add(2).min(127))
}

fn draw_waveform(svg: &mut String, envelope: &[f32], width: f64) {
    if envelope.is_empty() {
        return;
    }
    let step = width / envelope.len() as f64;
    svg.push_str("<g class=\"w\">");
    for (index, peak) in envelope.iter().enumerate() {
        let half = f64::from(peak.clamp(0.0, 1.0)) * 22.0;
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.2}\" height=\"{:.1}\"/>",
            LEFT + index as f64 * step,
            68.0 - half,
            step.max(0.5),
            (2.0 * half).max(0.5)
        );
    }
    svg.push_str("</g>");
}

/// One line per voiced stretch, thinned to at most one point a pixel.
fn draw_contour(
    svg: &mut String,
    class: &str,
    track: &PitchTrack,
    (lowest, highest): (u8, u8),
    x: &impl Fn(f64) -> f64,
    y: &impl Fn(f64) -> f64,
) {
    let mut path = String::new();
    let mut drawing = false;
    let mut last_x = f64::NEG_INFINITY;
    for (index, frame) in track.frames.iter().enumerate() {
        let midi = if frame.hz > 0.0 { hz_to_midi(f64::from(frame.hz)) } else { 0.0 };
        if !frame.voiced || midi < f64::from(lowest) - 1.0 || midi > f64::from(highest) + 1.0 {
            drawing = false;
            continue;
        }
        let at = x(index as f64 * track.hop_seconds);
        if drawing && at - last_x < 1.0 {
            continue;
        }
        let _ = write!(path, "{}{at:.1} {:.1}", if drawing { 'L' } else { 'M' }, y(midi));
        drawing = true;
        last_x = at;
    }
    if !path.is_empty() {
        let _ = write!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
