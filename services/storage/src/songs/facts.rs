//! What a song is, musically, in a few figures. Pure.

use std::collections::BTreeMap;

use domain::{SongFacts, SongPart};
use music::{analysis::Role, smf};

/// A MIDI file, read and analysed.
#[derive(Clone, PartialEq, Debug)]
pub struct Looked {
    /// As the file calls itself; may be empty.
    pub own_title: String,
    pub facts: SongFacts,
}

/// Reads and analyses a MIDI file. Takes up to a second or so of one processor for the largest.
///
/// # Errors
/// When there is no song in it.
pub fn look(bytes: &[u8], limits: &smf::Limits) -> Result<Looked, smf::SmfError> {
    let smf::Read { score, warnings } = smf::read(bytes, limits)?;
    let analysis = music::analyse(&score);
    let mut meters: BTreeMap<(u8, u8), usize> = BTreeMap::new();
    for bar in &analysis.bars {
        *meters.entry((bar.beats, bar.unit)).or_default() += 1;
    }
    let meter = meters.into_iter().max_by_key(|(_, bars)| *bars).map(|((beats, unit), _)| format!("{beats}/{unit}"));
    let playing = score.parts.iter().zip(&analysis.parts).filter(|(part, _)| !part.notes.is_empty());
    let parts = playing.map(|(part, found)| SongPart {
        name: part.name.chars().filter(|c| !c.is_control()).take(80).collect(),
        role: role(found.role).to_owned(),
        program: part.program,
        notes: count(part.notes.len()),
    });
    let facts = SongFacts {
        bars: count(analysis.bars.len()),
        seconds: score.seconds(),
        key: analysis.key.map(|key| key.to_string()),
        tempo_bpm: analysis.tempo.median_bpm,
        meter: meter.unwrap_or_default(),
        notes: score.note_count() as u64,
        parts: parts.take(SongFacts::MAX_PARTS).collect(),
        has_lyrics: !score.lyrics.is_empty(),
        warnings: count(warnings.len()),
    };
    Ok(Looked { own_title: score.title, facts })
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Melody => "melody",
        Role::CounterMelody => "counter_melody",
        Role::Chords => "chords",
        Role::Bass => "bass",
        Role::Drums => "drums",
        Role::Pad => "pad",
        Role::Effects => "effects",
        Role::Silent => "silent",
    }
}
