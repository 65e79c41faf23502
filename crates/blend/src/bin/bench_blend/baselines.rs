//! Two cheap ways to put three songs together, for the gates to tell blends from.

use blend::{
    Arrangement, Cell, GateName, LineNote, Material, Options, Report, Role, Target,
    measure::{self, Judge},
};
use music::{
    Key, Score,
    analysis::ChordSymbol,
    score::{MeterChange, Part, ScoreNote, TempoChange},
};

/// What a baseline plays.
pub struct Baseline {
    lines: [Vec<LineNote>; Role::COUNT],
    cells: [Vec<Option<Cell>>; Role::COUNT],
    chords: Vec<ChordSymbol>,
}

/// A third of each song, one after another.
pub fn pasted(materials: &[Material; 3], target: &Target, bars: usize) -> Baseline {
    let third = bars.div_ceil(3);
    let pick = |bar: usize| {
        let song = (bar / third).min(2);
        let material = &materials[song];
        let first = material.bars.iter().position(|bar| Role::ALL.iter().any(|&role| bar.plays(role))).unwrap_or(0);
        (song, (first + bar % third).min(material.bars.len() - 1))
    };
    copied(materials, target, &(0..bars).map(pick).collect::<Vec<_>>(), false)
}

/// Every bar any bar of any song.
pub fn shuffled(
    materials: &[Material; 3],
    target: &Target,
    bars: usize,
    below: &mut dyn FnMut(usize) -> usize,
) -> Baseline {
    let mut pick = |_| {
        let song = below(3);
        (song, below(materials[song].bars.len()))
    };
    let picked: Vec<(usize, usize)> = (0..bars).map(&mut pick).collect();
    copied(materials, target, &picked, true)
}

fn copied(materials: &[Material; 3], target: &Target, picked: &[(usize, usize)], cut: bool) -> Baseline {
    let mut lines: [Vec<LineNote>; Role::COUNT] = Default::default();
    let mut cells: [Vec<Option<Cell>>; Role::COUNT] = Default::default();
    let mut chords = Vec::new();
    for (index, &(song, at)) in picked.iter().enumerate() {
        let bar = &materials[song].bars[at];
        let start = index as f64 * target.bar();
        for role in Role::ALL {
            let notes = bar.line(role);
            cells[role.index()].push((!notes.is_empty()).then(|| Cell::of(materials, song, at, 0)));
            lines[role.index()].extend(notes.iter().map(|note| {
                let room = if cut { target.bar() - note.onset } else { 8.0 };
                LineNote { onset: start + note.onset, length: note.length.min(room), ..*note }
            }));
        }
        let tonic = ChordSymbol { root: target.key.tonic, kind: music::analysis::ChordKind::Major };
        chords.extend(bar.chords.iter().map(|chord| chord.map_or(tonic, |(chord, _)| chord)));
    }
    lines.iter_mut().for_each(separate);
    Baseline { lines, cells, chords }
}

/// No two notes of one pitch at once: a baseline shall not fail for that.
fn separate(line: &mut Vec<LineNote>) {
    line.sort_by(|a, b| a.onset.total_cmp(&b.onset).then(a.pitch.cmp(&b.pitch)));
    for index in 0..line.len() {
        let note = line[index];
        let again =
            line[index + 1..].iter().take_while(|next| next.onset < note.end()).find(|next| next.pitch == note.pitch);
        if let Some(next) = again.map(|next| next.onset) {
            line[index].length = (next - note.onset).max(0.01);
        }
    }
    line.dedup_by(|b, a| b.pitch == a.pitch && b.onset - a.onset < 0.02);
}

impl Baseline {
    /// Its report, in the key of the three songs that suits it best.
    pub fn judged(&self, judge: &Judge, target: &Target, keys: &[Key], options: &Options) -> Option<Report> {
        let length = measure::length(&self.score(target), options, target);
        let report = |key: &Key| {
            let target = Target { key: *key, ..target.clone() };
            let mut report = judge.judge(&Arrangement {
                target: &target,
                lines: &self.lines,
                cells: &self.cells,
                chords: &self.chords,
                sections: &[],
                seams: &[],
            });
            report.gates.push(length.clone());
            report
        };
        keys.iter().map(report).min_by_key(|report| report.failing().count())
    }

    /// As a score, for the second opinion.
    pub fn score(&self, target: &Target) -> Score {
        let ticks = |quarters: f64| (quarters.max(0.0) * 480.0).round() as u64;
        let part = |role: Role| {
            let note = |note: &LineNote| ScoreNote {
                onset: ticks(note.onset),
                duration: ticks(note.end()).saturating_sub(ticks(note.onset)).max(1),
                pitch: note.pitch.clamp(0, 127) as u8,
                velocity: note.velocity,
            };
            Part {
                track: role.index() as u16,
                port: 0,
                channel: if role == Role::Drums { 9 } else { role.index() as u8 },
                name: role.name().to_owned(),
                program: 0,
                drums: role == Role::Drums,
                notes: self.lines[role.index()].iter().map(note).collect(),
                controls: Vec::new(),
            }
        };
        let parts: Vec<Part> = Role::ALL.map(part).into_iter().filter(|part| !part.notes.is_empty()).collect();
        let last = parts.iter().flat_map(|part| &part.notes).map(ScoreNote::end).max().unwrap_or(0);
        let end = last.max(ticks(self.cells[0].len() as f64 * target.bar()));
        Score {
            ticks_per_quarter: 480,
            title: String::new(),
            tempos: vec![TempoChange { at: 0, micros_per_quarter: (60e6 / target.bpm) as u32 }],
            meters: vec![MeterChange { at: 0, beats: target.beats, unit: 4 }],
            meter_is_given: true,
            key_signatures: Vec::new(),
            parts,
            lyrics: Vec::new(),
            markers: Vec::new(),
            end,
        }
    }

    pub fn melody(&self) -> &[LineNote] {
        &self.lines[Role::Melody.index()]
    }
}

/// Whether a report passes a gate, or it does not apply.
pub fn passes(report: &Report, name: GateName) -> bool {
    report.failing().all(|failing| failing != name)
}
