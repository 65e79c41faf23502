//! Scores written note by note.

use music::score::{MeterChange, Part, Score, ScoreNote, TempoChange};

pub const TICKS_PER_QUARTER: u32 = 480;

pub struct Maker {
    pub score: Score,
}

impl Maker {
    /// At 120 bpm; no meter given.
    pub fn new() -> Self {
        let score = Score {
            ticks_per_quarter: TICKS_PER_QUARTER,
            title: String::new(),
            tempos: vec![TempoChange { at: 0, micros_per_quarter: 500_000 }],
            meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
            meter_is_given: false,
            key_signatures: Vec::new(),
            parts: Vec::new(),
            lyrics: Vec::new(),
            markers: Vec::new(),
            end: 0,
        };
        Self { score }
    }

    pub fn meter(mut self, beats: u8, unit: u8) -> Self {
        self.score.meters = vec![MeterChange { at: 0, beats, unit }];
        self.score.meter_is_given = true;
        self
    }

    /// A new part, by index.
    pub fn part(&mut self, name: &str, program: u8) -> usize {
        let index = self.score.parts.len();
        let part = Part {
            track: index as u16,
            port: 0,
            channel: (index % 9) as u8,
            name: name.to_owned(),
            program,
            drums: false,
            notes: Vec::new(),
            controls: Vec::new(),
        };
        self.score.parts.push(part);
        index
    }

    pub fn drums(&mut self) -> usize {
        let index = self.part("Drums", 0);
        self.score.parts[index].channel = 9;
        self.score.parts[index].drums = true;
        index
    }

    pub fn note(&mut self, part: usize, onset: f64, quarters: f64, pitch: u8) {
        self.loud(part, onset, quarters, pitch, 80);
    }

    pub fn loud(&mut self, part: usize, onset: f64, quarters: f64, pitch: u8, velocity: u8) {
        let ticks = |quarters: f64| (quarters * f64::from(TICKS_PER_QUARTER)).round() as u64;
        let note = ScoreNote { onset: ticks(onset), duration: ticks(quarters).max(1), pitch, velocity };
        self.score.end = self.score.end.max(note.end());
        self.score.parts[part].notes.push(note);
    }

    pub fn chord(&mut self, part: usize, onset: f64, quarters: f64, pitches: &[u8]) {
        pitches.iter().for_each(|&pitch| self.note(part, onset, quarters, pitch));
    }

    /// In order, and no two notes of one pitch of a part at once.
    pub fn finish(mut self) -> Score {
        for part in &mut self.score.parts {
            part.notes.sort_by_key(|note| (note.pitch, note.onset));
            for index in 1..part.notes.len() {
                let next = part.notes[index];
                let note = &mut part.notes[index - 1];
                if note.pitch == next.pitch {
                    note.duration = note.duration.min(next.onset - note.onset);
                }
            }
            part.notes.retain(|note| note.duration > 0);
            part.notes.sort_by_key(|note| (note.onset, note.pitch));
        }
        self.score
    }
}
