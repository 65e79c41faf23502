//! A composed song drawn: its sections over a piano roll in the colours of its roles, with chord names and the drums below; one
//! self-contained SVG. Colour is never alone: the legend names roles, and everything says what it is when it is pointed at or
//! read out. Text from outside is escaped; the picture has no script and loads nothing.

use std::fmt::Write as _;

use compose::Role;
use music::xml::escaped;
use providers::ComposedSong;

const GUTTER: f64 = 64.0;
const EDGE: f64 = 16.0;
const SECTIONS_TOP: f64 = 78.0;
const SECTION: f64 = 22.0;
const CHORDS: f64 = 16.0;
const ROLL_TOP: f64 = SECTIONS_TOP + SECTION + CHORDS + 10.0;
const SEMITONE: f64 = 5.5;
const DRUM_ROW: f64 = 5.0;
const DRUM_ROWS: usize = 7;
/// Of a second; a picture is not wider than that of the longest song.
const LEAST_SECOND: f64 = 6.0;
const MOST_SECOND: f64 = 60.0;
const WISHED_WIDTH: f64 = 1_240.0;
/// A chord name takes this much.
const CHORD_WIDTH: f64 = 34.0;

/// Colours that differ for every kind of colour vision (M. Okabe and K. Ito, 2008).
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#22262e;font-size:11px}\
.page{fill:#fff}\
.title{font-size:18px;font-weight:600}\
.about{font-size:12px;fill:#565d69}\
.name{font-size:12px;font-weight:700}\
.chord{font-size:9.5px;fill:#7a3d00}\
.pitch{font-size:9.5px;fill:#6a7280;text-anchor:end}\
.band{fill:#e8ecf2}.other{fill:#d6deea}\
.bar{stroke:#e3e7ec}.edge{stroke:#8a93a1}.octave{stroke:#eef0f3}\
.melody{fill:#c44e00}.comping{fill:#0072b2}.pad{fill:#b0c4de}.bass{fill:#00795a}.drums{fill:#6b7280}\
@media(prefers-color-scheme:dark){\
text{fill:#e6e9ee}.page{fill:#14171c}.about{fill:#a5adba}.chord{fill:#ffbf80}.pitch{fill:#959eac}\
.band{fill:#262c36}.other{fill:#343d4b}\
.bar{stroke:#2a303a}.edge{stroke:#77808e}.octave{stroke:#20252d}\
.melody{fill:#ff9b57}.comping{fill:#56b4e9}.pad{fill:#4a5a70}.bass{fill:#3fd0a4}.drums{fill:#9aa3b0}}";

/// Draws a song. The same song, the same picture.
pub fn roll(song: &ComposedSong) -> String {
    let mut picture = Picture::new(song);
    picture.heading();
    picture.grid();
    picture.sections();
    picture.chords();
    picture.notes();
    picture.out + "</svg>\n"
}

struct Picture<'a> {
    song: &'a ComposedSong,
    second: f64,
    lowest: u8,
    highest: u8,
    out: String,
}

impl<'a> Picture<'a> {
    fn new(song: &'a ComposedSong) -> Self {
        let pitches = || {
            let pitched = song.score.parts.iter().filter(|part| !part.drums);
            pitched.flat_map(|part| &part.notes).map(|note| note.pitch)
        };
        let second = ((WISHED_WIDTH - GUTTER - EDGE) / song.seconds.max(1.0)).clamp(LEAST_SECOND, MOST_SECOND);
        let (lowest, highest) = (pitches().min().unwrap_or(48), pitches().max().unwrap_or(72));
        let mut picture = Self { song, second, lowest, highest, out: String::new() };
        let (width, height) = (picture.x(song.seconds) + EDGE, picture.bottom() + EDGE);
        let width = width.max(700.0);
        let _ = write!(
            picture.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} \
             {height:.0}\" role=\"img\" aria-labelledby=\"title about\">\n<style>{STYLE}</style>\n<rect class=\"page\" \
             width=\"{width:.0}\" height=\"{height:.0}\"/>\n"
        );
        picture
    }

    fn x(&self, seconds: f64) -> f64 {
        GUTTER + seconds * self.second
    }

    fn y(&self, pitch: u8) -> f64 {
        ROLL_TOP + f64::from(self.highest.saturating_sub(pitch)) * SEMITONE
    }

    fn drums_top(&self) -> f64 {
        self.y(self.lowest) + SEMITONE + 12.0
    }

    fn bottom(&self) -> f64 {
        self.drums_top() + DRUM_ROWS as f64 * DRUM_ROW
    }

    fn heading(&mut self) {
        let effective = &self.song.effective;
        let (beats, unit) = effective.meter.signature();
        let title = escaped(&self.song.score.title);
        let about = format!(
            "{}, {}, {:.0} bpm, {beats}/{unit}, {:.1} s: {}",
            effective.style, effective.key, effective.tempo_bpm, self.song.seconds, effective.form
        );
        let about = escaped(&about);
        let _ = write!(
            self.out,
            "<title id=\"title\">{title}</title>\n<desc id=\"about\">{about}</desc>\n<text class=\"title\" x=\"{EDGE}\" \
             y=\"28\">{title}</text>\n<text class=\"about\" x=\"{EDGE}\" y=\"46\">{about}</text>\n"
        );
        let mut x = EDGE;
        for role in Role::ALL {
            let player = effective.instruments.iter().find(|player| player.role == role);
            let player = player.map(|player| player.instrument.as_str());
            let is_sung = role == Role::Melody && !effective.instrumental && self.song.part_roles.contains(&role);
            let label = match (player, is_sung) {
                (Some(soloist), true) => format!("{}: voice, solos {soloist}", role.name()),
                (None, true) => format!("{}: voice", role.name()),
                (Some(player), false) => format!("{}: {player}", role.name()),
                (None, false) => continue,
            };
            let _ = write!(
                self.out,
                "<rect class=\"{}\" x=\"{x:.1}\" y=\"55\" width=\"12\" height=\"9\"/>\n<text class=\"about\" x=\"{:.1}\" \
                 y=\"64\">{}</text>\n",
                role.name(),
                x + 17.0,
                escaped(&label)
            );
            x += 34.0 + 6.4 * label.chars().count() as f64;
        }
    }

    fn grid(&mut self) {
        let (right, bottom) = (self.x(self.song.seconds), self.bottom());
        for pitch in (self.lowest..=self.highest).filter(|pitch| pitch % 12 == 0) {
            let y = self.y(pitch) + SEMITONE / 2.0;
            let _ = write!(
                self.out,
                "<path class=\"octave\" d=\"M{GUTTER} {y:.1}H{right:.1}\"/>\n<text class=\"pitch\" x=\"{:.1}\" \
                 y=\"{:.1}\">C{}</text>\n",
                GUTTER - 6.0,
                y + 3.0,
                i32::from(pitch) / 12 - 1
            );
        }
        let y = self.drums_top() + 20.0;
        let _ = writeln!(self.out, "<text class=\"pitch\" x=\"{:.1}\" y=\"{y:.1}\">drums</text>", GUTTER - 6.0);
        let starts: Vec<f64> = self.song.sections.iter().map(|section| section.start_seconds).collect();
        for start in starts.into_iter().chain([self.song.seconds]) {
            let x = self.x(start);
            let _ = writeln!(self.out, "<path class=\"edge\" d=\"M{x:.1} {SECTIONS_TOP}V{bottom:.1}\"/>");
        }
    }

    fn sections(&mut self) {
        let mut is_other = false;
        for section in &self.song.sections {
            let (x, width) = (self.x(section.start_seconds), section.seconds * self.second);
            let about = format!("{}: {:.1} s from {:.1} s on", section.name, section.seconds, section.start_seconds);
            let class = if is_other { "other" } else { "band" };
            is_other = !is_other;
            let _ = writeln!(
                self.out,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{SECTIONS_TOP}\" width=\"{width:.1}\" \
                 height=\"{SECTION}\"><title>{}</title></rect>",
                escaped(&about)
            );
            // A name that has no room is in what the box says.
            if width >= 8.0 * section.name.chars().count() as f64 {
                let _ = writeln!(
                    self.out,
                    "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                    x + 4.0,
                    SECTIONS_TOP + 15.0,
                    escaped(&section.name)
                );
            }
        }
    }

    /// Names where chords change and where they have room.
    fn chords(&mut self) {
        let (mut free_from, mut before) = (0.0, "");
        for chord in &self.song.chords {
            let x = self.x(chord.start_seconds);
            if chord.name == before || x < free_from {
                continue;
            }
            let _ = writeln!(
                self.out,
                "<text class=\"chord\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x + 2.0,
                SECTIONS_TOP + SECTION + 12.0,
                escaped(&chord.name)
            );
            (free_from, before) = (x + CHORD_WIDTH, chord.name.as_str());
        }
    }

    /// The melody lies on top of what accompanies it.
    fn notes(&mut self) {
        for role in [Role::Pad, Role::Comping, Role::Bass, Role::Drums, Role::Melody] {
            for (part, _) in self.song.score.parts.iter().zip(&self.song.part_roles).filter(|(_, own)| **own == role) {
                let mut path = String::new();
                for note in &part.notes {
                    let (start, end) = (self.song.score.seconds_at(note.onset), self.song.score.seconds_at(note.end()));
                    let (x, width) = (self.x(start), ((end - start) * self.second).max(1.0));
                    let (y, height, width) = if part.drums {
                        (self.drums_top() + drum_row(note.pitch) as f64 * DRUM_ROW, DRUM_ROW - 1.0, 1.6)
                    } else {
                        (self.y(note.pitch), SEMITONE - 1.0, width)
                    };
                    let _ = write!(path, "M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}z");
                }
                let _ = writeln!(self.out, "<path class=\"{0}\" d=\"{path}\"><title>{0}</title></path>", role.name());
            }
        }
    }
}

/// Cymbals at the top, the bass drum at the bottom; keys of General MIDI.
const fn drum_row(pitch: u8) -> usize {
    match pitch {
        49 | 52 | 55 | 57 => 0,
        51 | 53 | 59 => 1,
        42 | 44 | 46 | 69 | 70 | 82 => 2,
        41 | 43 | 45 | 47 | 48 | 50 => 3,
        37..=40 => 5,
        35 | 36 => 6,
        _ => 4,
    }
}
