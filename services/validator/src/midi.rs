//! The verdict on a song in a MIDI file.

use std::{
    fs::File,
    io::{self, Read as _},
};

use domain::{
    audio::{Finding, FindingCode, Verdict},
    midi::{MAX_BYTES, MAX_SECONDS, MidiFacts},
};
use music::{
    Score,
    smf::{self, Limits, SmfError, Warning},
};

/// Warnings that are passed on of one file.
const MOST_WARNINGS: usize = 10;

/// Reads the file as jobs will.
pub(crate) fn judge(file: File) -> io::Result<Verdict> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    let limits = Limits { bytes: MAX_BYTES as usize, seconds: MAX_SECONDS, ..Limits::default() };
    Ok(match smf::read(&bytes, &limits) {
        Ok(read) => Verdict {
            song: Some(facts(&read.score, bytes.len())),
            findings: read.warnings.iter().take(MOST_WARNINGS).map(mended).collect(),
            ..Verdict::default()
        },
        Err(error) => Verdict { findings: vec![refused(&error)], ..Verdict::default() },
    })
}

fn facts(score: &Score, bytes: usize) -> MidiFacts {
    MidiFacts {
        size_bytes: bytes as u64,
        duration_seconds: score.seconds(),
        notes: score.note_count() as u64,
        parts: u32::try_from(score.parts.len()).unwrap_or(u32::MAX),
    }
}

fn mended(warning: &Warning) -> Finding {
    let place = warning.track.map(|track| format!("track {}, ", track + 1)).unwrap_or_default();
    let message = format!("{} ({place}byte {})", warning.what, warning.byte_offset);
    Finding::warning(FindingCode::MidiMended, message)
}

fn refused(error: &SmfError) -> Finding {
    let (code, advice) = match error {
        SmfError::Empty => (FindingCode::FileEmpty, "send the song once more"),
        SmfError::TooLarge { .. } => (FindingCode::FileTooLarge, "songs have a hundredth of that: send the song alone"),
        SmfError::NotMidi(_) => (FindingCode::NotMidi, "send a Standard MIDI File (.mid)"),
        SmfError::HeaderCutOff => (FindingCode::TruncatedFile, "export it again and send the new one"),
        SmfError::NoTimeBase => (FindingCode::CorruptFile, "export it again and send the new one"),
        SmfError::NoTracks | SmfError::NoNotes => (FindingCode::NoNotes, "send another song, or another file of it"),
    };
    let mut said = error.to_string();
    if let Some(first) = said.get(..1).map(str::to_uppercase) {
        said.replace_range(..1, &first);
    }
    Finding::error(code, format!("{said}; {advice}."))
}
