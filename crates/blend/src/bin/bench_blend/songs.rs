//! Small songs that the benchmark and the tests write themselves: of different keys, tempos, meters, styles and bands, so
//! that both run where no files are. Each is an AABA of phrases over common progressions.

use music::{
    Score,
    score::{MeterChange, Part, ScoreNote, TempoChange},
};

const TICKS: u32 = 480;
const MAJOR: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
const MINOR: [i32; 7] = [0, 2, 3, 5, 7, 8, 10];

/// What a song is like.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub title: &'static str,
    /// MIDI key of the tonic, near 60.
    pub tonic: i32,
    pub minor: bool,
    pub bpm: f64,
    /// Upper and lower number of the meter.
    pub meter: (u8, u8),
    /// First eighth of a beat to the second.
    pub swing: f64,
    pub band: Band,
    /// Notes of the melody per beat, about.
    pub density: f64,
    /// Degrees (0–6) of the chords of A and of B, a bar each.
    pub chords: [&'static [usize]; 2],
    pub programs: [u8; 3],
}

/// Who plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Band {
    pub melody: bool,
    pub comp: Comp,
    pub bass: bool,
    pub drums: Beat,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comp {
    None,
    Held,
    Struck,
    Broken,
    Riff,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beat {
    None,
    Rock,
    Shuffle,
    Waltz,
    Latin,
    Dance,
}

const fn band(melody: bool, comp: Comp, bass: bool, drums: Beat) -> Band {
    Band { melody, comp, bass, drums }
}

const POP: [&[usize]; 2] = [&[0, 4, 5, 3], &[3, 4, 2, 5, 3, 4, 0, 4]];
const FOLK: [&[usize]; 2] = [&[0, 0, 3, 0, 0, 4, 0, 4], &[3, 0, 4, 0]];
const MODAL: [&[usize]; 2] = [&[0, 6, 5, 6], &[3, 0, 3, 4]];
const CIRCLE: [&[usize]; 2] = [&[0, 3, 6, 2, 5, 1, 4, 0], &[5, 1, 4, 0]];
const BLUES: [&[usize]; 2] = [&[0, 0, 0, 0, 3, 3, 0, 4], &[3, 3, 0, 0, 4, 3, 0, 4]];
const DRONE: [&[usize]; 2] = [&[0, 0, 0, 6], &[5, 6, 0, 0]];

/// All of them.
pub const STYLES: [Style; 16] = [
    Style {
        title: "Harbour Lights",
        tonic: 60,
        minor: false,
        bpm: 104.0,
        meter: (4, 4),
        swing: 1.0,
        band: band(true, Comp::Struck, true, Beat::Rock),
        density: 1.4,
        chords: POP,
        programs: [73, 4, 33],
    },
    Style {
        title: "The Miller's Round",
        tonic: 62,
        minor: false,
        bpm: 138.0,
        meter: (3, 4),
        swing: 1.0,
        band: band(true, Comp::Struck, true, Beat::Waltz),
        density: 1.1,
        chords: FOLK,
        programs: [40, 24, 32],
    },
    Style {
        title: "Night Train",
        tonic: 57,
        minor: true,
        bpm: 126.0,
        meter: (4, 4),
        swing: 2.0,
        band: band(true, Comp::Held, true, Beat::Shuffle),
        density: 1.3,
        chords: BLUES,
        programs: [66, 16, 32],
    },
    Style {
        title: "Iron Gate",
        tonic: 64,
        minor: true,
        bpm: 150.0,
        meter: (4, 4),
        swing: 1.0,
        band: band(true, Comp::Riff, true, Beat::Rock),
        density: 1.8,
        chords: MODAL,
        programs: [81, 30, 34],
    },
    Style {
        title: "Slow River",
        tonic: 65,
        minor: false,
        bpm: 58.0,
        meter: (4, 4),
        swing: 1.0,
        band: band(true, Comp::Broken, false, Beat::None),
        density: 1.0,
        chords: CIRCLE,
        programs: [0, 0, 0],
    },
    Style {
        title: "Two Hundred",
        tonic: 55,
        minor: false,
        bpm: 200.0,
        meter: (4, 4),
        swing: 1.0,
        band: band(true, Comp::Struck, true, Beat::Rock),
        density: 0.8,
        chords: POP,
        programs: [56, 27, 33],
    },
    Style {
        title: "Lullaby in Six",
        tonic: 63,
        minor: false,
        bpm: 90.0,
        meter: (6, 8),
        swing: 1.0,
        band: band(true, Comp::Broken, true, Beat::None),
        density: 0.9,
        chords: FOLK,
        programs: [71, 46, 32],
    },
    Style {
        title: "Samba for Three",
        tonic: 58,
        minor: true,
        bpm: 112.0,
        meter: (4, 4),
        swing: 1.0,
        band: band(true, Comp::Struck, true, Beat::Latin),
        density: 1.5,
        chords: CIRCLE,
        programs: [75, 24, 33],
    },
    Style {
        title: "Glass Tower",
        tonic: 61,
        minor: true,
        bpm: 128.0,
        meter: (4, 4),
        swing: 1.0,
        band: band(true, Comp::Held, true, Beat::Dance),
        density: 1.7,
        chords: POP,
        programs: [80, 89, 38],
    },
    Style {
        title: "March of the Snails",
        tonic: 67,
        minor: false,
        bpm: 96.0,
        meter: (2, 4),
        swing: 1.0,
        band: band(true, Comp::Struck, true, Beat::Rock),
        density: 1.2,
        chords: FOLK,
        programs: [72, 61, 58],
    },
    Style {
        title: "Winter Chorale",
        tonic: 59,
        minor: true,
        bpm: 72.0,
        meter: (4, 4),
        swing: 1.0,
        band: band(true, Comp::Held, true, Beat::None),
        density: 0.8,
        chords: CIRCLE,
        programs: [52, 19, 42],
    },
    Style {
        title: "Backyard Stomp",
        tonic: 69,
        minor: false,
        bpm: 116.0,
        meter: (4, 4),
        swing: 2.0,
        band: band(true, Comp::Struck, true, Beat::Shuffle),
        density: 1.6,
        chords: BLUES,
        programs: [22, 25, 32],
    },
    Style {
        title: "Desert Road",
        tonic: 62,
        minor: true,
        bpm: 84.0,
        meter: (4, 4),
        swing: 1.0,
        band: band(true, Comp::Broken, true, Beat::Latin),
        density: 1.3,
        chords: MODAL,
        programs: [68, 25, 35],
    },
    Style {
        title: "Old Waltz",
        tonic: 60,
        minor: true,
        bpm: 160.0,
        meter: (3, 4),
        swing: 1.0,
        band: band(true, Comp::Struck, true, Beat::None),
        density: 0.9,
        chords: CIRCLE,
        programs: [21, 0, 32],
    },
    Style {
        title: "Engine Room",
        tonic: 52,
        minor: true,
        bpm: 140.0,
        meter: (4, 4),
        swing: 1.0,
        band: band(false, Comp::Riff, true, Beat::Dance),
        density: 1.0,
        chords: DRONE,
        programs: [81, 29, 38],
    },
    Style {
        title: "Drum Circle",
        tonic: 60,
        minor: false,
        bpm: 110.0,
        meter: (4, 4),
        swing: 1.0,
        band: band(false, Comp::None, false, Beat::Latin),
        density: 1.0,
        chords: DRONE,
        programs: [0, 0, 0],
    },
];

/// A row of numbers from a seed.
struct Row(u64);

impl Row {
    fn next(&mut self) -> u64 {
        // SplitMix64 (S. Vigna).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

struct Writer<'a> {
    style: &'a Style,
    /// Quarters in a bar, and in a beat.
    bar: f64,
    beat: f64,
    row: Row,
}

/// Writes a song of a style. `bars` of each of its four sections; equal seeds give equal songs.
pub fn write(style: &Style, seed: u64, bars: usize) -> Score {
    let bar = f64::from(style.meter.0) * 4.0 / f64::from(style.meter.1);
    let beat = if style.meter.1 == 8 { 1.5 } else { 1.0 };
    let mut writer = Writer { style, bar, beat, row: Row(seed ^ u64::from(style.title.len() as u32) << 32) };
    let mut parts: [Vec<(f64, f64, i32, u8)>; 4] = Default::default();
    let tunes = [writer.tune(style.chords[0], bars), writer.tune(style.chords[1], bars)];
    for (section, kind) in [0usize, 0, 1, 0].into_iter().enumerate() {
        let start = (section * bars) as f64 * bar;
        let is_last = section == 3;
        if style.band.melody {
            parts[0]
                .extend(tunes[kind].iter().map(|&(at, length, pitch, velocity)| (start + at, length, pitch, velocity)));
        }
        for index in 0..bars {
            let degree = style.chords[kind][index % style.chords[kind].len()];
            let at = start + index as f64 * bar;
            writer.comp(&mut parts[1], at, degree);
            writer.bass(&mut parts[2], at, degree);
            writer.drums(&mut parts[3], at, index + 1 == bars && !is_last);
        }
    }
    score(style, parts)
}

impl Writer<'_> {
    fn pitch(&self, degree: i32) -> i32 {
        let scale = if self.style.minor { MINOR } else { MAJOR };
        self.style.tonic + 12 * degree.div_euclid(7) + scale[degree.rem_euclid(7) as usize]
    }

    /// Phrases of two bars: a, a one step away, b, a closing.
    fn tune(&mut self, chords: &[usize], bars: usize) -> Vec<(f64, f64, i32, u8)> {
        let mut motifs: Vec<Vec<(f64, f64, i32)>> = Vec::new();
        for _ in 0..2 {
            let mut motif = Vec::new();
            let mut at = if self.row.share() < 0.3 { self.beat / 2.0 } else { 0.0 };
            let mut degree = self.row.below(5) as i32;
            while at < 2.0 * self.bar - self.beat {
                let short = self.row.share() < (self.style.density - 0.7).clamp(0.1, 0.9);
                let length = if short {
                    self.beat / 2.0
                } else if self.row.share() < 0.75 {
                    self.beat
                } else {
                    2.0 * self.beat
                };
                motif.push((at, length, degree));
                at += length;
                degree += [-2, -1, -1, 1, 1, 2, 3, 0][self.row.below(8)];
                degree = degree.clamp(-2, 9);
            }
            // The last note is held, and a breath follows.
            if let Some(last) = motif.last_mut() {
                last.1 = (2.0 * self.bar - self.beat * 0.5 - last.0).max(self.beat * 0.5);
            }
            motifs.push(motif);
        }
        let mut tune = Vec::new();
        for (phrase, kind) in (0..bars.div_ceil(2)).zip([0usize, 0, 1, 0].into_iter().cycle()) {
            let start = phrase as f64 * 2.0 * self.bar;
            for &(at, length, degree) in &motifs[kind] {
                let bar = phrase * 2 + usize::from(at >= self.bar);
                if bar >= bars {
                    break;
                }
                let root = chords[bar % chords.len()] as i32;
                let is_strong = (at / self.beat).fract() < 0.01;
                // Strong notes go to the nearest tone of the chord.
                let nearest = [0, 2, 4, 7, 9, -3, -5]
                    .map(|tone| root + tone)
                    .into_iter()
                    .min_by_key(|tone| (tone - degree).abs());
                let degree = if is_strong { nearest.unwrap_or(degree) } else { degree };
                let length = length.min(bars as f64 * self.bar - start - at);
                tune.push((start + at, length * 0.95, self.pitch(degree + 7), 84 + (self.row.below(16) as u8)));
            }
        }
        tune
    }

    fn comp(&mut self, out: &mut Vec<(f64, f64, i32, u8)>, at: f64, degree: usize) {
        let tones = [0, 2, 4].map(|tone| self.pitch(degree as i32 + tone));
        let beats = (self.bar / self.beat).round() as usize;
        match self.style.band.comp {
            Comp::None => {}
            Comp::Held => out.extend(tones.map(|tone| (at, self.bar * 0.98, tone, 62))),
            Comp::Struck => {
                for beat in 0..beats {
                    if beat > 0 || beats == 2 {
                        out.extend(tones.map(|tone| (at + beat as f64 * self.beat, self.beat * 0.7, tone, 66)));
                    }
                }
            }
            Comp::Broken => {
                let half = self.beat / if self.beat > 1.2 { 3.0 } else { 2.0 };
                let steps = (self.bar / half).round() as usize;
                for step in 0..steps {
                    let tone = tones[[0, 2, 1, 2][step % 4]] - 12;
                    out.push((at + step as f64 * half, half, tone, 58));
                }
            }
            Comp::Riff => {
                let (root, fifth) = (tones[0] - 12, tones[2] - 12);
                for step in [0.0, 0.75, 1.5, 2.0, 2.5, 3.5] {
                    if step < self.bar {
                        out.push((at + step, 0.4, root, 88));
                        out.push((at + step, 0.4, fifth, 88));
                    }
                }
            }
        }
    }

    fn bass(&mut self, out: &mut Vec<(f64, f64, i32, u8)>, at: f64, degree: usize) {
        if !self.style.band.bass {
            return;
        }
        let (root, fifth) = (self.pitch(degree as i32) - 24, self.pitch(degree as i32 + 4) - 24);
        let beats = (self.bar / self.beat).round() as usize;
        for beat in 0..beats {
            let swung = self.style.swing > 1.0;
            if swung || beat % 2 == 0 {
                let walk = [root, self.pitch(degree as i32 + 2) - 24, fifth, root + 12];
                let pitch = if swung {
                    walk[beat % 4]
                } else if beat == 0 {
                    root
                } else {
                    fifth
                };
                let length = if swung { self.beat } else { self.beat * 1.6 };
                out.push((at + beat as f64 * self.beat, length.min(self.bar), pitch, 90));
            }
        }
    }

    fn drums(&mut self, out: &mut Vec<(f64, f64, i32, u8)>, at: f64, fill: bool) {
        let mut hit = |place: f64, drum: i32, velocity: u8| {
            if place < self.bar - 1e-6 {
                out.push((at + place, 0.2, drum, velocity));
            }
        };
        match self.style.band.drums {
            Beat::None => return,
            Beat::Rock => {
                (0..8).for_each(|step| hit(f64::from(step) * 0.5, 42, 70));
                [0.0, 2.0, 2.5].into_iter().for_each(|place| hit(place, 36, 100));
                [1.0, 3.0].into_iter().for_each(|place| hit(place, 38, 96));
            }
            Beat::Shuffle => {
                (0..4).for_each(|beat| {
                    hit(f64::from(beat), 51, 80);
                    hit(f64::from(beat) + 0.5, 51, 64);
                });
                [1.0, 3.0].into_iter().for_each(|place| hit(place, 44, 76));
                hit(0.0, 36, 84);
            }
            Beat::Waltz => {
                hit(0.0, 36, 92);
                [1.0, 2.0].into_iter().for_each(|place| hit(place, 38, 60));
            }
            Beat::Latin => {
                (0..16).for_each(|step| hit(f64::from(step) * 0.25, 70, 50 + if step % 4 == 0 { 20 } else { 0 }));
                [0.0, 1.5, 2.0, 3.5].into_iter().for_each(|place| hit(place, 36, 84));
                [0.0, 0.75, 1.5, 2.5, 3.25].into_iter().for_each(|place| hit(place, 76, 80));
            }
            Beat::Dance => {
                (0..4).for_each(|beat| {
                    hit(f64::from(beat), 36, 108);
                    hit(f64::from(beat) + 0.5, 46, 78);
                });
                [1.0, 3.0].into_iter().for_each(|place| hit(place, 39, 90));
            }
        }
        if fill {
            let from = self.bar - 1.0;
            [0.0, 0.25, 0.5, 0.75]
                .into_iter()
                .zip([45, 45, 43, 41])
                .for_each(|(place, drum)| hit(from + place, drum, 94));
        }
    }
}

fn score(style: &Style, parts: [Vec<(f64, f64, i32, u8)>; 4]) -> Score {
    let swung = |quarters: f64| {
        if style.swing <= 1.0 {
            return quarters;
        }
        let second = style.swing / (1.0 + style.swing);
        let (beat, inside) = (quarters.floor(), quarters.fract());
        beat + if inside < 0.5 { inside * 2.0 * second } else { second + (inside - 0.5) * 2.0 * (1.0 - second) }
    };
    let ticks = |quarters: f64| (swung(quarters) * f64::from(TICKS)).round() as u64;
    let names = ["Lead", "Chords", "Bass", "Drums"];
    let mut written = Vec::new();
    for (index, notes) in parts.into_iter().enumerate() {
        if notes.is_empty() {
            continue;
        }
        let mut notes: Vec<ScoreNote> = notes
            .into_iter()
            .map(|(at, length, pitch, velocity)| {
                let onset = ticks(at);
                let duration = ticks(at + length).saturating_sub(onset).max(1);
                ScoreNote { onset, duration, pitch: pitch.clamp(0, 127) as u8, velocity }
            })
            .collect();
        notes.sort_by_key(|note| (note.onset, note.pitch));
        notes.dedup_by_key(|note| (note.onset, note.pitch));
        let mut next = [u64::MAX; 128];
        for note in notes.iter_mut().rev() {
            note.duration = note.duration.min(next[usize::from(note.pitch)].saturating_sub(note.onset)).max(1);
            next[usize::from(note.pitch)] = note.onset;
        }
        let drums = index == 3;
        written.push(Part {
            track: index as u16 + 1,
            port: 0,
            channel: if drums { 9 } else { index as u8 },
            name: names[index].to_owned(),
            program: if drums { 0 } else { style.programs[index] },
            drums,
            notes,
            controls: Vec::new(),
        });
    }
    let end = written.iter().flat_map(|part| &part.notes).map(ScoreNote::end).max().unwrap_or(0);
    Score {
        ticks_per_quarter: TICKS,
        title: style.title.to_owned(),
        tempos: vec![TempoChange {
            at: 0,
            micros_per_quarter: (60e6 / style.bpm * if style.meter.1 == 8 { 2.0 / 3.0 } else { 1.0 }) as u32,
        }],
        meters: vec![MeterChange { at: 0, beats: style.meter.0, unit: style.meter.1 }],
        meter_is_given: true,
        key_signatures: Vec::new(),
        parts: written,
        lyrics: Vec::new(),
        markers: Vec::new(),
        end,
    }
}
