//! Three tunes to try a blend on, written for this project and given to the public domain: melody, chords, bass and drums,
//! each in a key, tempo and style of its own.

use music::{
    Score,
    score::{Control, ControlChange, KeySignature, MeterChange, Part, ScoreNote, TempoChange, Text, Tick},
    smf,
};

const TICKS: Tick = 480;
const EIGHTH: Tick = TICKS / 2;
const BAR: Tick = 8 * EIGHTH;
/// Bars before the melody begins, and of the held end.
const INTRO: u64 = 4;
const END: u64 = 2;
/// Bars of a section; the tunes are A A B A.
const SECTION: u64 = 8;
const DRUM_CHANNEL: u8 = 9;

/// A tune as a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    pub title: &'static str,
    /// A good file name for it.
    pub file_name: &'static str,
    pub midi: Vec<u8>,
}

/// The three tunes, always the same.
pub fn sample_songs() -> [Sample; 3] {
    TUNES.each_ref().map(|tune| Sample {
        title: tune.title,
        file_name: tune.file_name,
        midi: smf::write(&tune.score()),
    })
}

/// A tune: melodies note by note (`e5:3` is E5 for three eighths, `r` a rest), chords bar by bar (two where a bar has two).
struct Tune {
    title: &'static str,
    file_name: &'static str,
    bpm: f64,
    sharps: i8,
    minor: bool,
    melody: [&'static str; 2],
    chords: [&'static str; 2],
    /// Melody, chords, bass.
    programs: [u8; 3],
    style: Style,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Piano in eighths, a bass that leads on, drums of a slow rock song.
    Ballad,
    /// Guitar on the off-beats, a bass in fifths, brushes in eighths.
    Reel,
    /// Held electric piano with pushed chords, a syncopated bass, half the tempo in the drums.
    Groove,
}

static TUNES: [Tune; 3] = [
    Tune {
        title: "Harbour Morning",
        file_name: "harbour-morning.mid",
        bpm: 104.0,
        sharps: 0,
        minor: false,
        melody: [
            "e5:3 g5:1 e5:2 d5:2 c5:3 d5:1 e5:4 f5:3 e5:1 d5:2 c5:2 d5:6 r:2 \
             e5:3 g5:1 c6:2 b5:2 a5:3 g5:1 e5:4 f5:2 e5:2 d5:2 b4:2 c5:6 r:2",
            "a5:2 a5:1 g5:1 f5:2 a5:2 g5:3 f5:1 e5:2 d5:2 g5:2 e5:2 b4:4 c5:2 d5:2 e5:4 \
             a5:2 a5:1 g5:1 f5:2 a5:2 b5:3 a5:1 g5:2 f5:2 f5:2 e5:2 d5:2 a4:2 b4:2 d5:2 g5:2 r:2",
        ],
        chords: ["C Am F G C Am Dm/G C", "F G Em Am F G Dm G"],
        programs: [73, 0, 33],
        style: Style::Ballad,
    },
    Tune {
        title: "Tin Roof Reel",
        file_name: "tin-roof-reel.mid",
        bpm: 126.0,
        sharps: 0,
        minor: true,
        melody: [
            "a4:1 c5:1 e5:1 a5:1 g5:1 e5:1 c5:1 e5:1 d5:1 b4:1 g4:1 b4:1 d5:2 b4:2 \
             a4:1 c5:1 e5:1 a5:1 b5:1 a5:1 g5:1 e5:1 f5:1 e5:1 d5:1 c5:1 d5:4 \
             a4:1 c5:1 e5:1 a5:1 g5:1 e5:1 c5:1 e5:1 d5:1 b4:1 g4:1 b4:1 d5:1 e5:1 d5:1 b4:1 \
             c5:1 a4:1 f4:1 a4:1 g#4:1 b4:1 e5:1 d5:1 c5:1 b4:1 a4:4 r:2",
            "e5:2 g5:1 e5:1 c5:2 e5:2 d5:2 g5:1 d5:1 b4:2 d5:2 c5:2 e5:1 c5:1 a4:2 c5:2 d5:2 f5:2 a5:2 f5:2 \
             a5:2 c6:1 a5:1 f5:2 a5:2 g5:2 e5:1 g5:1 c5:2 e5:2 d5:1 b4:1 g#4:1 b4:1 e5:2 d5:2 c5:1 b4:1 a4:4 r:2",
        ],
        chords: ["Am G Am Dm Am G F/E Am", "C G Am Dm F C E Am"],
        programs: [40, 25, 32],
        style: Style::Reel,
    },
    Tune {
        title: "Lantern Walk",
        file_name: "lantern-walk.mid",
        bpm: 88.0,
        sharps: -3,
        minor: false,
        melody: [
            "g4:4 bb4:2 c5:2 c5:2 ab4:2 eb5:4 d5:3 c5:1 bb4:2 f4:2 eb5:6 r:2 \
             bb4:4 g4:2 eb5:2 c5:3 bb4:1 ab4:4 ab4:2 c5:2 bb4:2 d5:2 eb5:6 r:2",
            "c5:2 eb5:2 ab5:4 f5:2 d5:2 bb4:4 bb4:2 eb5:2 g5:4 eb5:2 d5:1 eb5:1 c5:4 \
             ab5:2 g5:1 ab5:1 f5:2 c5:2 eb5:2 c5:2 ab4:4 bb4:2 c5:2 d5:2 f5:2 d5:2 bb4:4 r:2",
        ],
        chords: ["Eb Ab Bb Cm Eb Ab Fm/Bb Eb", "Ab Bb Eb Cm Fm Ab Bb Bb"],
        programs: [66, 4, 33],
        style: Style::Groove,
    },
];

/// What is played: when, how long, which key, how hard.
type Played = (Tick, Tick, u8, u8);

#[derive(Clone, Copy)]
struct Chord {
    /// Pitch class.
    root: u8,
    minor: bool,
}

impl Chord {
    /// Three tones around middle C, the nearest inversion to it.
    fn voiced(self) -> [u8; 3] {
        let third = if self.minor { 3 } else { 4 };
        let mut tones = [0, third, 7].map(|step| 48 + (self.root + step) % 12 + 7);
        tones.sort_unstable();
        tones
    }

    /// Root and fifth in the range of a bass.
    fn bass(self) -> (u8, u8) {
        let root = 28 + (self.root + 8) % 12;
        (root, if root >= 36 { root - 5 } else { root + 7 })
    }
}

impl Tune {
    fn score(&self) -> Score {
        let bars = INTRO + 4 * SECTION + END;
        let chords = self.progression();
        let mut parts: [Vec<Played>; 4] = Default::default();
        for (section, kind) in [0, 0, 1, 0].into_iter().enumerate() {
            let start = (INTRO + section as u64 * SECTION) * BAR;
            parts[0].extend(
                melody(self.melody[kind]).map(|(at, length, pitch, accent)| (start + at, length, pitch, accent)),
            );
        }
        for (bar, halves) in chords.iter().enumerate() {
            let (bar, at) = (bar as u64, bar as u64 * BAR);
            let is_last_of_section = bar >= INTRO && (bar - INTRO) % SECTION == SECTION - 1;
            self.comp(&mut parts[1], at, *halves);
            self.bass(&mut parts[2], at, *halves);
            self.drums(&mut parts[3], at, is_last_of_section);
        }
        let (hold, tonic) = ((bars - END) * BAR, chords[0][0]);
        let last = melody(self.melody[0]).last().map_or(60, |(_, _, pitch, _)| pitch);
        parts[0].push((hold, END * BAR - EIGHTH, last, 84));
        parts[1].extend(tonic.voiced().map(|tone| (hold, END * BAR - EIGHTH, tone, 70)));
        parts[2].push((hold, END * BAR - EIGHTH, tonic.bass().0, 90));
        parts[3].extend([36, 49].map(|drum| (hold, TICKS, drum, 96)));
        self.written(parts, bars * BAR)
    }

    /// Two chords a bar: the intro is the first bars of A.
    fn progression(&self) -> Vec<[Chord; 2]> {
        let [a, b] = self.chords.map(|line| line.split_whitespace().map(bar).collect::<Vec<_>>());
        let intro = a.iter().take(INTRO as usize).copied();
        intro.chain([&a, &a, &b, &a].into_iter().flatten().copied()).collect()
    }

    fn comp(&self, out: &mut Vec<Played>, at: Tick, halves: [Chord; 2]) {
        let mut strike = |eighth: u64, length: u64, velocity: u8| {
            let tones = halves[usize::from(eighth >= 4)].voiced();
            out.extend(tones.map(|tone| (at + eighth * EIGHTH, length * EIGHTH - 30, tone, velocity)));
        };
        match self.style {
            Style::Ballad => (0..8).for_each(|eighth| strike(eighth, 1, if eighth % 4 == 0 { 68 } else { 54 })),
            Style::Reel => [2, 3, 6, 7].into_iter().for_each(|eighth| strike(eighth, 1, 62 - 8 * (eighth % 2) as u8)),
            Style::Groove => [(0, 3, 64), (3, 1, 58), (4, 3, 60), (7, 1, 66)]
                .into_iter()
                .for_each(|(eighth, length, velocity)| strike(eighth, length, velocity)),
        }
    }

    fn bass(&self, out: &mut Vec<Played>, at: Tick, halves: [Chord; 2]) {
        let notes: &[(u64, u64, bool)] = match self.style {
            Style::Ballad => &[(0, 3, false), (3, 1, false), (4, 3, false), (7, 1, true)],
            Style::Reel => &[(0, 2, false), (2, 2, true), (4, 2, false), (6, 2, true)],
            Style::Groove => &[(0, 2, false), (3, 2, false), (5, 1, true), (6, 2, false)],
        };
        for &(eighth, length, is_fifth) in notes {
            let (root, fifth) = halves[usize::from(eighth >= 4)].bass();
            let velocity = if eighth == 0 { 98 } else { 86 };
            out.push((at + eighth * EIGHTH, length * EIGHTH - 40, if is_fifth { fifth } else { root }, velocity));
        }
    }

    /// Keys of General MIDI: 36 bass drum, 38 snare, 42 closed and 46 open hi-hat, 41–45 toms, 49 crash, 70 maracas.
    fn drums(&self, out: &mut Vec<Played>, at: Tick, has_fill: bool) {
        let (kicks, snares, tops): (&[u64], &[u64], u8) = match self.style {
            Style::Ballad => (&[0, 4, 5], &[2, 6], 42),
            Style::Reel => (&[0, 4], &[2, 6], 70),
            Style::Groove => (&[0, 3, 6], &[4], 42),
        };
        let until = if has_fill { 6 } else { 8 };
        let mut hit =
            |eighth: u64, drum: u8, velocity: u8| out.push((at + eighth * EIGHTH, EIGHTH / 2, drum, velocity));
        for eighth in 0..until {
            hit(eighth, tops, if eighth % 2 == 0 { 72 } else { 56 });
            if kicks.contains(&eighth) {
                hit(eighth, 36, 104);
            }
            if snares.contains(&eighth) {
                hit(eighth, 38, 94);
            }
        }
        if has_fill {
            for (eighth, drums) in [(6, [45, 45]), (7, [43, 41])] {
                for (half, drum) in drums.into_iter().enumerate() {
                    out.push((at + eighth * EIGHTH + half as u64 * EIGHTH / 2, EIGHTH / 2, drum, 92));
                }
            }
        }
    }

    fn written(&self, parts: [Vec<Played>; 4], end: Tick) -> Score {
        const NAMES: [&str; 4] = ["Melody", "Chords", "Bass", "Drums"];
        const VOLUMES: [u8; 4] = [110, 82, 98, 90];
        let part = |(place, mut played): (usize, Vec<Played>)| {
            played.sort_unstable_by_key(|&(at, _, pitch, _)| (at, pitch));
            let note = |(onset, duration, pitch, velocity)| ScoreNote { onset, duration, pitch, velocity };
            let drums = place == 3;
            Part {
                track: place as u16 + 1,
                port: 0,
                channel: if drums { DRUM_CHANNEL } else { place as u8 },
                name: NAMES[place].to_owned(),
                program: self.programs.get(place).copied().unwrap_or(0),
                drums,
                notes: played.into_iter().map(note).collect(),
                controls: vec![Control { at: 0, change: ControlChange::Controller(7, VOLUMES[place]) }],
            }
        };
        let marker = |(section, letter): (u64, &str)| {
            let at = if section == 0 { 0 } else { (INTRO + (section - 1) * SECTION) * BAR };
            Text { at, text: letter.to_owned() }
        };
        Score {
            ticks_per_quarter: TICKS as u32,
            title: self.title.to_owned(),
            tempos: vec![TempoChange { at: 0, micros_per_quarter: (60e6 / self.bpm).round() as u32 }],
            meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
            meter_is_given: true,
            key_signatures: vec![KeySignature { at: 0, sharps: self.sharps, minor: self.minor }],
            parts: parts.into_iter().enumerate().map(part).collect(),
            lyrics: Vec::new(),
            markers: (0..).zip(["Intro", "A", "A", "B", "A", "End"]).map(marker).collect(),
            end,
        }
    }
}

/// A bar's two halves out of `Am` or `Dm/G`.
fn bar(word: &str) -> [Chord; 2] {
    let mut halves = word.split('/').map(|name| {
        let minor = name.ends_with('m');
        Chord { root: class(name.trim_end_matches('m')).unwrap_or(0), minor }
    });
    let first = halves.next().unwrap_or(Chord { root: 0, minor: false });
    [first, halves.next().unwrap_or(first)]
}

/// Notes of a melody, the first of a bar and long ones louder.
fn melody(line: &'static str) -> impl Iterator<Item = Played> {
    let mut at = 0;
    line.split_whitespace().filter_map(move |word| {
        let (name, eighths) = word.split_once(':')?;
        let (onset, length) = (at, eighths.parse::<Tick>().ok()? * EIGHTH);
        at += length;
        let split = name.find(|c: char| c.is_ascii_digit())?;
        let octave: u8 = name[split..].parse().ok()?;
        let pitch = 12 * (octave + 1) + class(&name[..split])?;
        let velocity = if onset % BAR == 0 { 100 } else { 84 + if length > 2 * EIGHTH { 8 } else { 0 } };
        Some((onset, length - 20, pitch, velocity))
    })
}

/// Pitch class of `c`, `g#`, `Bb`.
fn class(name: &str) -> Option<u8> {
    let mut letters = name.chars();
    let natural = match letters.next()?.to_ascii_lowercase() {
        'c' => 0,
        'd' => 2,
        'e' => 4,
        'f' => 5,
        'g' => 7,
        'a' => 9,
        'b' => 11,
        _ => return None,
    };
    match letters.as_str() {
        "" => Some(natural),
        "#" => Some((natural + 1) % 12),
        "b" => Some((natural + 11) % 12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use music::analysis::{self, Role};

    use super::*;

    #[test]
    fn the_tunes_are_whole_songs_that_differ() {
        let (mut keys, mut tempos) = (BTreeSet::new(), BTreeSet::new());
        for tune in &TUNES {
            for line in tune.melody {
                let eighths: u64 =
                    line.split_whitespace().map(|w| w.split_once(':').unwrap().1.parse::<u64>().unwrap()).sum();
                assert_eq!(eighths, 8 * SECTION, "{}: {line}", tune.title);
                let rests = line.split_whitespace().filter(|word| word.starts_with('r')).count();
                assert_eq!(melody(line).count(), line.split_whitespace().count() - rests, "{line}");
            }
            for line in tune.chords {
                assert_eq!(line.split_whitespace().count() as u64, SECTION, "{}", tune.title);
            }
            let score = tune.score();
            assert_eq!(score.broken_rule(), None, "{}", tune.title);
            let read = smf::read(&smf::write(&score), &smf::Limits::default()).unwrap();
            assert_eq!((read.warnings, &read.score), (Vec::new(), &score), "{}", tune.title);
            let found = analysis::analyse(&score);
            let roles: Vec<Role> = found.parts.iter().map(|part| part.role).collect();
            assert_eq!(roles, [Role::Melody, Role::Chords, Role::Bass, Role::Drums], "{}", tune.title);
            assert!(found.bars.len() >= 32);
            assert!((found.tempo.median_bpm - tune.bpm).abs() < 0.1);
            let key = found.key.unwrap();
            assert_eq!(
                (key.sharps(), key.mode == music::Mode::Minor),
                (tune.sharps, tune.minor),
                "{}: {key}",
                tune.title
            );
            keys.insert(key.to_string());
            tempos.insert(tune.bpm as u32);
        }
        assert_eq!((keys.len(), tempos.len()), (3, 3));
    }
}
