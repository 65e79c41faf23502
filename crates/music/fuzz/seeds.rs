//! Writes the files that the fuzzer begins with into the folder that is named: a song with everything that a MIDI file
//! may say, in each format and time base, and in a RIFF wrapper.

use std::{fs, io, path::Path};

/// Name, tempo, meter, key, lyrics, then program, controllers, bend, pressure, a sysex and notes in running status.
const CONDUCTOR: &[u8] =
    b"\0\xff\x03\x04song\0\xff\x51\x03\x07\xa1\x20\0\xff\x58\x04\x06\x03\x24\x08\0\xff\x59\x02\xfd\x01\
    \0\xff\x05\x03la \x60\xff\x51\x03\x0f\x42\x40\0\xff\x06\x01A\0\xff\x2f\0";
const PLAYER: &[u8] =
    b"\0\xff\x21\x01\x01\0\xc0\x19\0\xb0\x07\x50\0\x0a\x20\0\x65\0\0\x64\0\0\x06\x0c\0\x40\x7f\0\xe0\0\x50\
    \0\xd0\x30\0\xa0\x3c\x20\0\xf0\x05\x7e\x7f\x09\x01\xf7\0\x90\x3c\x64\x30\x40\x50\x30\x3c\0\0\x40\0\x10\x90\x3c\x64\
    \x82\x40\x80\x3c\x40\0\xff\x2f\0";
const DRUMS: &[u8] = b"\0\x99\x24\x64\x18\x2a\x40\x18\x26\x64\x18\x2a\x40\x18\x24\0\0\x2a\0\0\x26\0\0\xff\x2f\0";

fn file(format: u16, division: u16, tracks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"MThd\0\0\0\x06".to_vec();
    for word in [format, tracks.len() as u16, division] {
        bytes.extend(word.to_be_bytes());
    }
    for track in tracks {
        bytes.extend(b"MTrk");
        bytes.extend((track.len() as u32).to_be_bytes());
        bytes.extend(*track);
    }
    bytes
}

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).ok_or_else(|| io::Error::other("name the folder for them"))?;
    fs::create_dir_all(&folder)?;
    let whole = file(1, 96, &[CONDUCTOR, PLAYER, DRUMS]);
    let mut wrapped = b"RIFF".to_vec();
    wrapped.extend((whole.len() as u32 + 12).to_le_bytes());
    wrapped.extend(b"RMIDdata");
    wrapped.extend((whole.len() as u32).to_le_bytes());
    wrapped.extend(&whole);
    let seeds = [
        ("format-0", file(0, 480, &[PLAYER])),
        ("format-1", whole),
        ("format-2", file(2, 96, &[PLAYER, DRUMS])),
        ("smpte", file(1, 0xe728, &[PLAYER, DRUMS])),
        ("wrapped", wrapped),
    ];
    for (name, bytes) in seeds {
        fs::write(Path::new(&folder).join(name), bytes)?;
    }
    Ok(())
}
