//! Files as they fail in the wild, first the frame and the events' bytes.

use music::smf::{Limits, SmfError};

use super::{
    build::{END, file, file_with, header, quarter, riff, riff_chunk, track, track_saying},
    error, notes, read, warned,
};

#[test]
fn running_status_outlives_a_meta_event_and_a_system_message() {
    let meta = [0, 0x90, 0x3c, 0x40, 0, 0xff, 1, 1, 0x41, 10, 0x3e, 0x40, 10, 0x3c, 0, 0, 0x3e, 0];
    let song = read(&file(0, &[&meta]));
    assert_eq!(notes(&song.score), [(0, 20, 0x3c), (10, 10, 0x3e)]);
    assert_eq!(warned(&song, "takes the last channel status"), (Some(0), 22 + 10));
    let exclusive = [0, 0x90, 0x3c, 0x40, 0, 0xf0, 2, 0x7d, 0xf7, 10, 0x3e, 0x40, 10, 0x3c, 0, 0, 0x3e, 0];
    assert_eq!(notes(&read(&file(0, &[&exclusive])).score), [(0, 20, 0x3c), (10, 10, 0x3e)]);
}

#[test]
fn a_track_that_begins_without_a_status_costs_only_what_cannot_be_known() {
    let lost = [&[0, 0x3c, 0x40, 0x10][..], &quarter(62)[1..]].concat();
    let song = read(&file(1, &[&lost, &quarter(64)]));
    assert_eq!(notes(&song.score), [(0, 96, 62), (0, 96, 64)]);
    assert_eq!(warned(&song, "without a status"), (Some(0), 23));
}

#[test]
fn lengths_that_lie_lose_no_track() {
    for (said, place) in [(4_i64, 0), (-4, 0), (4, 1), (-4, 1), (1 << 30, 0), (100_000, 1)] {
        let mut bytes = header(1, 3, 96);
        for (index, key) in [60, 62, 64].into_iter().enumerate() {
            let events = [&quarter(key), END].concat();
            let length = events.len() as i64 + if index == place { said } else { 0 };
            bytes.extend(track_saying(length as u32, &events));
        }
        let song = read(&bytes);
        assert_eq!(notes(&song.score), [(0, 96, 60), (0, 96, 62), (0, 96, 64)], "{said} at {place}");
        assert_eq!(warned(&song, "length is wrong").0, Some(place as u16));
    }
}

#[test]
fn a_length_that_covers_the_rest_of_the_file_swallows_nothing() {
    let second = track(&[&quarter(62), END].concat());
    let events = [&quarter(60), END].concat();
    let mut bytes = header(1, 2, 96);
    bytes.extend(track_saying((events.len() + second.len()) as u32, &events));
    bytes.extend(second);
    let song = read(&bytes);
    assert_eq!(notes(&song.score), [(0, 96, 60), (0, 96, 62)]);
    warned(&song, "covers another track");
}

#[test]
fn a_track_needs_no_end() {
    let mut bytes = header(1, 2, 96);
    bytes.extend(track(&quarter(60)));
    bytes.extend(track(&quarter(62)));
    let song = read(&bytes);
    assert_eq!(notes(&song.score), [(0, 96, 60), (0, 96, 62)]);
    warned(&song, "no end-of-track");
    // With the length of one that had an end.
    let whole = file(0, &[&quarter(60)]);
    assert_eq!(notes(&read(&whole[..whole.len() - 4]).score), [(0, 96, 60)]);
}

#[test]
fn the_number_of_tracks_is_counted_and_not_believed() {
    let mut bytes = header(1, 5, 96);
    for key in 0..64 {
        bytes.extend(track(&[&quarter(key), END].concat()));
    }
    let song = read(&bytes);
    assert_eq!(song.score.parts.len(), 64);
    warned(&song, "says 5 tracks, and there are 64");
    assert_eq!(error(&header(1, 65_535, 96)), SmfError::NoTracks);
    let mut bytes = header(1, 65_535, 96);
    bytes.extend(track(&[&quarter(60), END].concat()));
    assert_eq!(read(&bytes).score.parts.len(), 1);
}

#[test]
fn stray_bytes_are_looked_past() {
    let stray = b"\x01\xfeMTra";
    let mut bytes = header(1, 2, 96);
    bytes.extend(track(&[&quarter(60), END].concat()));
    bytes.extend(stray);
    bytes.extend(track(&[&quarter(62), END].concat()));
    bytes.extend(stray);
    let song = read(&bytes);
    assert_eq!(notes(&song.score), [(0, 96, 60), (0, 96, 62)]);
    assert_eq!(warned(&song, "stray bytes after the last").1, bytes.len() - stray.len());
    // Within the length of the first track, and an unknown chunk instead.
    let mut bytes = header(1, 2, 96);
    bytes.extend(track(&[&quarter(60), END, stray].concat()));
    bytes.extend(b"XFKM\0\0\0\x03abc");
    bytes.extend(track(&[&quarter(62), END].concat()));
    let song = read(&bytes);
    assert_eq!(notes(&song.score), [(0, 96, 60), (0, 96, 62)]);
    warned(&song, "bytes after the end of the track");
    warned(&song, "a chunk that is no track");
}

#[test]
fn a_riff_wrapper_is_taken_off() {
    let inner = file(0, &[&[&quarter(60), &[0, 0xff, 1, 1, 0x41][..]].concat()]);
    assert_eq!(inner.len() % 2, 1, "the padding is what is tested");
    let dls = |padded| riff_chunk(b"DLS ", b"odd", padded);
    for chunks in [
        vec![riff_chunk(b"data", &inner, true)],
        vec![riff_chunk(b"data", &inner, false)],
        vec![dls(true), riff_chunk(b"data", &inner, true)],
        vec![dls(false), riff_chunk(b"data", &inner, true), dls(true)],
    ] {
        let song = read(&riff(b"RMID", &chunks));
        assert_eq!((notes(&song.score), song.warnings.len()), (vec![(0, 96, 60)], 0), "{:?}", song.warnings);
    }
    let mut lying = riff_chunk(b"DLS ", b"odd", true);
    lying[4] = 99;
    let song = read(&riff(b"RMID", &[lying, riff_chunk(b"data", &inner, true)]));
    assert_eq!(notes(&song.score), [(0, 96, 60)]);
    warned(&song, "searched for");
    assert!(error(&riff(b"RMID", &[dls(true)])).to_string().contains("RMID wrapper without"));
}

#[test]
fn an_impossible_key_signature_costs_nothing_else() {
    for event in [&[2_u8, 0xee, 1][..], &[2, 8, 0], &[2, 0xfe, 255], &[1, 3], &[0]] {
        let events = [&[0, 0xff, 0x59], event, &quarter(60)].concat();
        let song = read(&file(0, &[&events]));
        assert_eq!((notes(&song.score), song.score.key_signatures.len()), (vec![(0, 96, 60)], 0));
        assert_eq!(warned(&song, "key signature").1, 23);
    }
}

#[test]
fn an_impossible_meter_is_taken_as_four_quarters() {
    for event in [&[0x58_u8, 2, 4, 2][..], &[0x58, 4, 4, 255, 24, 8], &[0x58, 4, 0, 2, 24, 8], &[0x58, 0], &[0x54, 0]] {
        let song = read(&file(0, &[&[&[0, 0xff], event, &quarter(60)].concat()]));
        let meter = song.score.meters[0];
        assert_eq!((meter.at, meter.beats, meter.unit), (0, 4, 4));
        assert!(!song.score.meter_is_given);
        assert_eq!((notes(&song.score), song.warnings.len()), (vec![(0, 96, 60)], 1));
    }
}

#[test]
fn time_is_what_the_division_says() {
    assert_eq!(error(&file_with(0, 0, &[&quarter(60)])), SmfError::NoTimeBase);
    assert_eq!(error(&file_with(0, 0xe700, &[&quarter(60)])), SmfError::NoTimeBase);
    // 25 frames of 40 ticks, 29.97 of 4, 24 of 1, and −40 of 144, which nobody meant but which is some time.
    for (division, ticks_per_second) in
        [(0xe728, 1_000.0), (0xe304, 120.0 / 1.001), (0xe801, 24.0), (0xe719, 625.0), (0xd890, 5_760.0)]
    {
        let song = read(&file_with(0, division, &[&[0, 0x90, 60, 100, 96, 0x80, 60, 0]]));
        let seconds = song.score.seconds();
        assert!((seconds - 96.0 / ticks_per_second).abs() < 1e-9, "{division:x}: {seconds}");
    }
    let tempo = [0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40];
    let song = read(&file_with(0, 0xe728, &[&[&tempo[..], &quarter(60)].concat()]));
    assert!((song.score.seconds() - 0.096).abs() < 1e-9);
    warned(&song, "film frames");
}

#[test]
fn a_fine_resolution_is_no_reason_to_refuse() {
    // Eight minutes at 120 to the minute: 960 quarters.
    let mut events = Vec::new();
    for _ in 0..960 {
        events.extend([0, 0x90, 60, 100, 0x81, 0xff, 0x7f, 60, 0]);
    }
    let song = read(&file_with(0, 32_767, &[&events]));
    assert!((song.score.seconds() - 480.0).abs() < 1e-6);
    assert_eq!((song.score.note_count(), song.warnings.len()), (960, 0));
}

#[test]
fn enormous_waits_end_the_song_instead() {
    for wait in [&[0xff_u8, 0xff, 0xff, 0xff, 0x7f][..], &[0xff; 30], &[0xff, 0xff, 0xff, 0x7f]] {
        let song = read(&file(0, &[&[&quarter(60), wait, &[0x90, 62, 100], &quarter(64)].concat()]));
        assert!(song.score.seconds() <= Limits::default().seconds);
        assert!(notes(&song.score).contains(&(0, 96, 60)));
        assert!(!song.warnings.is_empty());
        let before_the_end = [&header(0, 1, 96), &track(&[&quarter(60), wait, &END[1..]].concat())[..]].concat();
        let song = read(&before_the_end);
        assert_eq!((notes(&song.score), song.score.end), (vec![(0, 96, 60)], 96));
    }
}

#[test]
fn no_note_hangs() {
    let song = read(&file(0, &[&[0, 0x90, 60, 100]]));
    assert_eq!(notes(&song.score), [(0, 96, 60)], "a quarter, for want of anything else");
    warned(&song, "never ended");
    let song = read(&file(0, &[&[&[0, 0x90, 60, 100][..], &quarter(64), &quarter(65)].concat()]));
    assert_eq!(notes(&song.score), [(0, 192, 60), (0, 96, 64), (96, 96, 65)]);
    // Its end stands after the track's.
    let late = [&header(0, 1, 96), &track(&[&[0, 0x90, 60, 100][..], END, &[96, 0x80, 60, 0]].concat())[..]].concat();
    let song = read(&late);
    assert_eq!((notes(&song.score), song.score.end), (vec![(0, 96, 60)], 96));
    // In a song of a minute it does not sound through.
    let minute: Vec<u8> = (0..120).flat_map(|_| quarter(64)).collect();
    let song = read(&file(0, &[&[&[0, 0x90, 60, 100][..], &minute].concat()]));
    assert_eq!(notes(&song.score)[0], (0, 20 * 96, 60), "ten seconds");
    assert_eq!(song.score.seconds(), 60.0);
}
