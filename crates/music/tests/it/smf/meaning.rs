//! Files as they fail in the wild, second: values, tempo, notes, words, and what is no MIDI file.

use music::{
    score::{ControlChange, MeterChange, Part, Score, ScoreNote, TempoChange},
    smf::{self, Limits, SmfError},
};

use super::{
    build::{END, file, header, quarter, riff, riff_chunk, track},
    error, notes, read, warned,
};

#[test]
fn data_bytes_above_127_are_clipped_or_cost_their_event() {
    let events = [0, 0x90, 60, 0xc8, 96, 0x80, 60, 0, 0, 0x90, 0xc8, 64, 0, 0xb0, 7, 0xff, 0, 0xc0, 0xf0];
    let song = read(&file(0, &[&[&events[..], &quarter(62)].concat()]));
    assert_eq!(notes(&song.score), [(0, 96, 60), (96, 96, 62)]);
    assert_eq!(song.score.parts[0].notes[0].velocity, 127);
    assert_eq!(song.score.parts[0].controls[0].change, ControlChange::Controller(7, 127));
    warned(&song, "taken as 127");
    warned(&song, "the event is ignored");
}

#[test]
fn a_song_without_notes_is_none() {
    let tracks = [&[][..]; 16];
    assert_eq!(error(&file(1, &tracks)), SmfError::NoNotes);
    assert_eq!(error(&file(0, &[&[0, 0x90, 60, 0]])), SmfError::NoNotes);
    assert_eq!(error(&[]), SmfError::Empty);
    assert_eq!(error(b"MThd\0\0\0\x06\0\x01"), SmfError::HeaderCutOff);
}

#[test]
fn a_meta_event_without_data_at_the_end_is_ignored() {
    let song = read(&file(0, &[&[&quarter(60), &[0, 0xff, 0, 0][..]].concat()]));
    assert_eq!((notes(&song.score), song.warnings.len()), (vec![(0, 96, 60)], 0));
    let cut = [&header(0, 1, 96), &track(&[&quarter(60), &[0, 0xff][..]].concat())[..]].concat();
    assert_eq!(notes(&read(&cut).score), [(0, 96, 60)]);
}

#[test]
fn tempo_is_120_until_the_file_says_otherwise() {
    let at = |score: &Score| score.tempos.iter().map(|t| (t.at, t.micros_per_quarter)).collect::<Vec<_>>();
    assert_eq!(at(&read(&file(0, &[&quarter(60)])).score), [(0, 500_000)]);
    let late = [96, 0xff, 0x51, 3, 0x0f, 0x42, 0x40];
    // On a track of its own, and in the last one.
    let song = read(&file(1, &[&quarter(60), &[&late[..], &quarter(62)].concat()]));
    assert_eq!(at(&song.score), [(0, 500_000), (96, 1_000_000)]);
    assert_eq!(song.score.seconds(), 1.5);
    for event in [&[0, 0xff, 0x51, 3, 0, 0, 0][..], &[0, 0xff, 0x51, 2, 7, 7]] {
        let song = read(&file(0, &[&[event, &quarter(60)].concat()]));
        assert_eq!(at(&song.score), [(0, 500_000)]);
        warned(&song, "tempo");
    }
}

#[test]
fn starts_and_ends_at_one_tick_make_no_long_notes() {
    let on = |delta| [delta, 0x90, 60, 100];
    let off = |delta| [delta, 0x80, 60, 0];
    let played = |events: &[[u8; 4]]| notes(&read(&file(0, &[&events.concat()])).score);
    // An end first, an end last.
    let repeated = [(0, 10, 60), (10, 10, 60)];
    assert_eq!(played(&[on(0), off(10), on(0), off(10)]), repeated);
    assert_eq!(played(&[on(0), on(10), off(0), off(10)]), repeated);
    // A note without length, written both ways, is as short as can be.
    let short = [(5, 1, 60), (20, 10, 60)];
    assert_eq!(played(&[on(5), off(0), on(15), off(10)]), short);
    assert_eq!(played(&[off(5), on(0), on(15), off(10)]), short);
    // Struck twice, ended twice or once.
    assert_eq!(played(&[on(0), on(10), off(10), off(10)]), [(0, 10, 60), (10, 20, 60)]);
    assert_eq!(played(&[on(0), on(10), off(10), on(10), off(10)]), [(0, 10, 60), (10, 10, 60), (30, 10, 60)]);
    assert_eq!(played(&[on(0), on(0), off(10), off(0)]), [(0, 10, 60)]);
}

#[test]
fn words_in_any_encoding_are_valid_text() {
    let title = |bytes: &[u8]| {
        let event = [&[0, 0xff, 3, bytes.len() as u8], bytes, &quarter(60)].concat();
        let score = read(&file(0, &[&event])).score;
        serde_json::to_string(&score).expect("JSON");
        score.title
    };
    assert_eq!(title("Für Elise".as_bytes()), "Für Elise");
    assert_eq!(title(b"F\xfcr Elise"), "Für Elise");
    assert_eq!(title(b"\x83\x5c"), "ソ");
    assert_eq!(title(b"\xff\xfeF\0\xfc\0r\0"), "Für");
    assert_eq!(title(b"\x81\x8d\xff\0"), "\u{81}\u{8d}ÿ".replace(char::is_control, ""));
}

#[test]
fn what_is_no_midi_file_is_called_by_its_name() {
    let mp4 = |brand: &[u8]| [b"\0\0\0\x20ftyp", brand, b"\0\0\0\0"].concat();
    for (bytes, name) in [
        (b"ID3\x04\0\0\0\0\0\0".to_vec(), "an MP3 recording"),
        (b"\xff\xfb\x90\x64\0\0\0\0".to_vec(), "an MP3 recording"),
        (riff(b"WAVE", &[riff_chunk(b"data", b"MThd\0\0\0\x06\0\0\0\x01\0\x60", true)]), "a WAV recording"),
        (b"OggS\0\x02".to_vec(), "an Ogg recording"),
        (b"fLaC\0\0\0\x22".to_vec(), "a FLAC recording"),
        (mp4(b"M4A "), "an M4A recording"),
        (mp4(b"isom"), "an MP4 film"),
        (b"%PDF-1.7".to_vec(), "a PDF document"),
        (b"  <!DOCTYPE html><html>404".to_vec(), "a web page"),
        (b"PK\x03\x04\x14\0".to_vec(), "a zip archive"),
        (b"\x1f\x8b\x08".to_vec(), "a gzip archive"),
        (b"<?xml version='1.0'?><score-partwise>".to_vec(), "a MusicXML score"),
        (b"{\"error\": \"not found\"}".to_vec(), "JSON"),
        (b"Not Found".to_vec(), "plain text"),
        (vec![0; 64], "only zeros"),
        (b"FORM\0\0\0\x20XDIR".to_vec(), "an XMI file"),
        (b"MUS\x1a\0\0".to_vec(), "a MUS file"),
        (vec![0x80, 1, 2, 3], "does not begin with MThd"),
    ] {
        let message = error(&bytes).to_string();
        assert!(message.starts_with("this is not a MIDI file but ") && message.contains(name), "{message}");
    }
    // Text that speaks of it is not one, but one with some bytes before it is.
    assert!(error(b"Files of MIDI begin with MThd and").to_string().contains("plain text"));
    let mac = [&[1_u8; 128][..], &file(0, &[&quarter(60)])].concat();
    assert_eq!(warned(&read(&mac), "128 bytes before the header"), (None, 0));
}

#[test]
fn a_song_that_is_too_large_is_refused_with_both_sizes() {
    let bytes = file(0, &[&quarter(60)]);
    let limits = |bytes| Limits { bytes, ..Limits::default() };
    assert!(smf::read(&bytes, &limits(bytes.len())).is_ok());
    let error = smf::read(&bytes, &limits(bytes.len() - 1)).expect_err("one byte more");
    assert_eq!(error, SmfError::TooLarge { bytes: bytes.len(), limit: bytes.len() - 1 });
}

/// A score with one part on channel 1.
pub fn score(program: u8, onsets: &[u64]) -> Score {
    let note = |onset: &u64| ScoreNote { onset: *onset, duration: 96, pitch: 60, velocity: 90 };
    let part = Part {
        track: 1,
        port: 0,
        channel: 0,
        name: "Lead".into(),
        program,
        drums: false,
        notes: onsets.iter().map(note).collect(),
        controls: Vec::new(),
    };
    Score {
        ticks_per_quarter: 96,
        title: "Song".into(),
        tempos: vec![TempoChange { at: 0, micros_per_quarter: 500_000 }],
        meters: vec![MeterChange { at: 0, beats: 4, unit: 4 }],
        meter_is_given: true,
        key_signatures: Vec::new(),
        end: onsets.last().map_or(0, |onset| onset + 96),
        parts: vec![part],
        lyrics: Vec::new(),
        markers: Vec::new(),
    }
}

#[test]
fn what_is_written_has_the_sound_before_the_notes_and_ends_before_starts() {
    let mut song = score(40, &[0, 96]);
    song.parts[0].controls = vec![music::score::Control { at: 96, change: ControlChange::Controller(64, 127) }];
    let bytes = smf::write(&song);
    let body: &[u8] = &[
        0, 0xff, 3, 4, b'L', b'e', b'a', b'd', 0, 0xc0, 40, 0, 0x90, 60, 90, 96, 0xb0, 64, 127, 0, 0x80, 60, 64, 0,
        0x90, 60, 90, 96, 0x80, 60, 64,
    ];
    let written = track(&[body, END].concat());
    assert!(bytes.ends_with(&written), "{bytes:x?}");
    assert_eq!(read(&bytes).score, song);
    assert_eq!(read(&bytes).warnings, []);
}
