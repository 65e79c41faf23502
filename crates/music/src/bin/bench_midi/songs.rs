//! Songs that the benchmark writes itself: the same with every run.

use music::{
    score::{Control, ControlChange, KeySignature, MeterChange, Part, Score, ScoreNote, TempoChange, Text},
    smf,
};

use crate::Song;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, many: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % many.max(1)
    }
}

/// A song as format 1 with every status, and as format 0 with running status.
pub fn make(seed: u64) -> Vec<Song> {
    let bytes = smf::write(&score(seed));
    let one = Song { name: format!("made {seed}, format 1"), bytes };
    let zero = merged(&one.bytes).map(|bytes| Song { name: format!("made {seed}, format 0"), bytes });
    std::iter::once(one).chain(zero).collect()
}

fn score(seed: u64) -> Score {
    let mut dice = Dice(seed);
    let ticks_per_quarter = [96, 120, 192, 384, 480, 960][dice.below(6) as usize];
    let tick = u64::from(ticks_per_quarter);
    let quarters = 64 + dice.below(128);
    let mut parts = Vec::new();
    for track in 1..=3 + dice.below(6) as u16 {
        let channel = ((track - 1) as u8 + if track > 1 { 0 } else { 9 }) % 16;
        let mut part = Part {
            track,
            port: 0,
            channel,
            name: format!("Part {track}"),
            program: dice.below(128) as u8,
            drums: channel == 9,
            notes: Vec::new(),
            controls: Vec::new(),
        };
        part.controls.push(Control { at: 0, change: ControlChange::Controller(7, 60 + dice.below(60) as u8) });
        for quarter in 0..quarters {
            for eighth in 0..2 {
                if dice.below(3) == 0 {
                    continue;
                }
                let onset = quarter * tick + eighth * tick / 2 + dice.below(tick / 16);
                let (velocity, length) = (1 + dice.below(127) as u8, tick / 4 + dice.below(tick / 4));
                let root = 30 + dice.below(60) as u8;
                let chord = if dice.below(4) == 0 { &[0, 4, 7][..] } else { &[0] };
                let note = |step: &u8| ScoreNote { onset, duration: length, pitch: root + step, velocity };
                part.notes.extend(chord.iter().map(note));
            }
        }
        part.notes.sort_by_key(|note| (note.onset, note.pitch));
        let mut free = [0; 128];
        part.notes.retain(|note| {
            let free = &mut free[usize::from(note.pitch)];
            let fits = note.onset >= *free;
            *free = if fits { note.end() } else { *free };
            fits
        });
        parts.push(part);
    }
    let tempo = |at: u64, micros_per_quarter: u64| TempoChange { at, micros_per_quarter: micros_per_quarter as u32 };
    let tempos = (0..1 + dice.below(4)).map(|index| tempo(index * 16 * tick, 300_000 + dice.below(500_000))).collect();
    Score {
        ticks_per_quarter,
        title: format!("Made {seed}"),
        tempos,
        meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
        meter_is_given: true,
        key_signatures: vec![KeySignature { at: 0, sharps: dice.below(15) as i8 - 7, minor: false }],
        end: parts.iter().flat_map(|part: &Part| &part.notes).map(ScoreNote::end).max().unwrap_or(0),
        parts,
        lyrics: (0..8).map(|index| Text { at: index * tick, text: "la ".to_owned() }).collect(),
        markers: Vec::new(),
    }
}

/// All tracks as one, by midly's writer, which uses running status.
fn merged(bytes: &[u8]) -> Option<Vec<u8>> {
    use midly::{Format, Header, MetaMessage, Smf, TrackEvent, TrackEventKind};
    let smf = Smf::parse(bytes).ok()?;
    let mut events = Vec::new();
    for track in &smf.tracks {
        let mut at = 0_u32;
        for event in track {
            at += event.delta.as_int();
            events.push((at, event.kind));
        }
    }
    events.retain(|(_, kind)| *kind != TrackEventKind::Meta(MetaMessage::EndOfTrack));
    events.sort_by_key(|(at, kind)| (*at, matches!(kind, TrackEventKind::Midi { .. })));
    let end = events.last().map_or(0, |(at, _)| *at);
    events.push((end, TrackEventKind::Meta(MetaMessage::EndOfTrack)));
    let mut now = 0;
    let track = events.into_iter().map(|(at, kind)| {
        let delta = (at - now).into();
        now = at;
        TrackEvent { delta, kind }
    });
    let header = Header::new(Format::SingleTrack, smf.header.timing);
    let mut bytes = Vec::new();
    Smf { header, tracks: vec![track.collect()] }.write_std(&mut bytes).ok()?;
    Some(bytes)
}
