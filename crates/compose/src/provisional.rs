//! Block chords at the right length.

use music::{
    Key, Melody, Meter, Mode, Note, Phrase, Score,
    score::{MeterChange, Part, ScoreNote, TempoChange},
};

use crate::{
    chord::{Chord, Quality},
    composition::{ChordSpan, Composition, Effective, Player, Section, SectionKind},
    error::ComposeError,
    length::{self, Wanted},
    options::{Options, check_seconds},
    role::{LineNote, Role, TICKS_PER_QUARTER},
    style::Style,
    understand::Understanding,
};

pub fn compose(understanding: &Understanding, options: &Options) -> Result<Composition, ComposeError> {
    options.check()?;
    let seconds = options.seconds.or(understanding.seconds).unwrap_or(60.0);
    check_seconds(seconds)?;
    let style = options.style.or(understanding.style).unwrap_or(Style::Pop);
    let meter = if style == Style::Waltz { Meter::ThreeFour } else { Meter::FourFour };
    let given = options.tempo_bpm.or(understanding.tempo_bpm);
    let wanted = Wanted {
        seconds,
        beats_per_bar: meter.quarters_per_bar(),
        bpm: given.unwrap_or(110.0),
        is_locked: given.is_some(),
        range_bpm: (90.0, 130.0),
        hold_seconds: (1.5, 3.0),
    };
    let length = length::plan(&wanted, |_| 0.0);
    let key =
        options.key.unwrap_or(Key { tonic: understanding.tonic.unwrap_or(0), mode: Mode::Major, confidence: 1.0 });
    let beat = 60.0 / length.bpm;
    let bar = wanted.beats_per_bar;
    let mut lines: [Vec<LineNote>; Role::COUNT] = Default::default();
    let mut chords = Vec::new();
    for index in 0..=length.bars(bar) {
        let root = [0u8, 9, 5, 7][index as usize % 4];
        let chord = Chord::new(key.tonic + root, if root == 9 { Quality::Minor } else { Quality::Major });
        let onset = (length.pickup_beats(bar) + index * bar) * TICKS_PER_QUARTER;
        let duration = if index == length.bars(bar) { length.hold_seconds / beat - 0.5 } else { f64::from(bar) };
        let duration = ((duration * f64::from(TICKS_PER_QUARTER)) as u32).max(1);
        for class in chord.classes() {
            lines[Role::Comping.index()].push(LineNote { onset, duration, pitch: 60 + class, velocity: 70 });
        }
        lines[Role::Comping.index()].sort_by_key(|note| (note.onset, note.pitch));
        lines[Role::Bass.index()].push(LineNote { onset, duration, pitch: 36 + chord.root, velocity: 80 });
        lines[Role::Melody.index()].push(LineNote { onset, duration, pitch: 72 + chord.root, velocity: 80 });
        let start_seconds = f64::from(onset) / f64::from(TICKS_PER_QUARTER) * beat;
        let end_seconds = start_seconds + f64::from(duration) / f64::from(TICKS_PER_QUARTER) * beat;
        chords.push(ChordSpan { bar: Some(index), start_seconds, end_seconds, name: chord.name_in(&key), chord });
    }
    let mut parts = Vec::new();
    let mut part_roles = Vec::new();
    for role in [Role::Melody, Role::Comping, Role::Bass] {
        let notes = lines[role.index()].iter().map(|note| ScoreNote {
            onset: note.onset.into(),
            duration: note.duration.into(),
            pitch: note.pitch,
            velocity: note.velocity,
        });
        parts.push(Part {
            track: parts.len() as u16 + 1,
            port: 0,
            channel: parts.len() as u8,
            name: role.name().to_owned(),
            program: if role == Role::Bass { 32 } else { 0 },
            drums: false,
            notes: notes.collect(),
            controls: Vec::new(),
        });
        part_roles.push(role);
    }
    let end = parts.iter().flat_map(|part| &part.notes).map(|note| note.end()).max().unwrap_or(0);
    let second = |tick: u32| f64::from(tick) / f64::from(TICKS_PER_QUARTER) * beat;
    let notes: Vec<Note> = lines[0]
        .iter()
        .map(|note| Note {
            onset_seconds: second(note.onset),
            duration_seconds: second(note.duration),
            pitch: music::MidiPitch::new(note.pitch),
            cents: 0.0,
            velocity: note.velocity,
        })
        .collect();
    let melody = Melody {
        duration_seconds: seconds,
        phrases: vec![Phrase { start: 0, end: notes.len() }],
        notes,
        key,
        tempo_bpm: length.bpm,
        ..Melody::default()
    };
    let score = Score {
        ticks_per_quarter: TICKS_PER_QUARTER,
        title: String::new(),
        tempos: vec![TempoChange { at: 0, micros_per_quarter: (beat * 1e6).round() as u32 }],
        meters: vec![MeterChange { at: 0, beats: bar as u8, unit: 4 }],
        meter_is_given: true,
        key_signatures: Vec::new(),
        parts,
        lyrics: Vec::new(),
        markers: Vec::new(),
        end,
    };
    let effective = Effective {
        style,
        mood: options.mood.or(understanding.mood),
        tempo_bpm: length.bpm,
        tempo_is_given: given.is_some(),
        key,
        meter,
        swing: 1.0,
        form: "A".to_owned(),
        seed: options.seed,
        energy: 0.5,
        era: None,
        seconds,
        bars: length.bars(bar),
        pickup_beats: length.pickup_beats(bar),
        instruments: vec![Player { role: Role::Melody, instrument: "piano".to_owned(), program: 0 }],
        instrumental: true,
        has_chart: false,
        warnings: Vec::new(),
    };
    let sections = vec![Section {
        kind: SectionKind::A,
        name: "A".to_owned(),
        first_bar: 0,
        bars: length.bars(bar),
        start_seconds: 0.0,
        seconds,
        transposed: 0,
    }];
    Ok(Composition { score, part_roles, seconds, effective, sections, chords, melody, lines })
}
