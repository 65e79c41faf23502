//! Writes MIDI files byte by byte, broken ones too.

/// A file's header.
pub fn header(format: u16, tracks: u16, division: u16) -> Vec<u8> {
    let mut bytes = b"MThd\0\0\0\x06".to_vec();
    for word in [format, tracks, division] {
        bytes.extend(word.to_be_bytes());
    }
    bytes
}

/// A track with a true length around events, its end among them or not.
pub fn track(events: &[u8]) -> Vec<u8> {
    track_saying(events.len() as u32, events)
}

/// A track that says any length.
pub fn track_saying(length: u32, events: &[u8]) -> Vec<u8> {
    let mut bytes = b"MTrk".to_vec();
    bytes.extend(length.to_be_bytes());
    bytes.extend(events);
    bytes
}

/// Tracks' events, each with the end added, in a file of 96 ticks to the quarter.
pub fn file(format: u16, tracks: &[&[u8]]) -> Vec<u8> {
    file_with(format, 96, tracks)
}

pub fn file_with(format: u16, division: u16, tracks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = header(format, tracks.len() as u16, division);
    for events in tracks {
        bytes.extend(track(&[events, END].concat()));
    }
    bytes
}

pub const END: &[u8] = &[0, 0xff, 0x2f, 0];

/// A note of a quarter on channel 1, right after what came before.
pub fn quarter(key: u8) -> Vec<u8> {
    vec![0, 0x90, key, 100, 96, 0x80, key, 64]
}

/// A chunk of a RIFF file, padded or not.
pub fn riff_chunk(id: &[u8; 4], data: &[u8], padded: bool) -> Vec<u8> {
    let mut bytes = id.to_vec();
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    if padded && data.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

pub fn riff(kind: &[u8; 4], chunks: &[Vec<u8>]) -> Vec<u8> {
    riff_chunk(b"RIFF", &[kind.as_slice(), &chunks.concat()].concat(), true)
}
