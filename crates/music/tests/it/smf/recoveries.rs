//! What goes with the known failures: formats, ports, programs, drums, lyrics, bounds.

use music::{
    score::ControlChange,
    smf::{self, Limits},
};

use super::{
    build::{END, file, header, quarter, track},
    notes, read, warned,
};

fn text(kind: u8, text: &[u8]) -> Vec<u8> {
    [&[0, 0xff, kind, text.len() as u8], text].concat()
}

#[test]
fn tracks_of_format_2_follow_each_other_each_at_its_own_tempo() {
    let slow = [&[0, 0xff, 0x51, 3, 0x0f, 0x42, 0x40][..], &quarter(60)].concat();
    let song = read(&file(2, &[&slow, &quarter(62)]));
    assert_eq!(notes(&song.score), [(0, 96, 60), (96, 96, 62)]);
    assert_eq!(song.score.seconds(), 1.5);
}

#[test]
fn a_part_is_a_channel_of_a_track_and_has_the_program_of_most_of_its_notes() {
    let first =
        [&[0, 0xc0, 5][..], &quarter(60), &[0, 0xc0, 7], &quarter(61), &quarter(62), &[0, 0x91, 40, 9, 96, 40, 0]];
    let song = read(&file(1, &[&first.concat(), &quarter(70)]));
    let parts: Vec<_> = song.score.parts.iter().map(|p| (p.track, p.channel, p.program, p.notes.len())).collect();
    // The channel is shared: the second track's note is at the start, under program 5.
    assert_eq!(parts, [(0, 0, 7, 3), (0, 1, 0, 1), (1, 0, 5, 1)]);
    let programs = song.score.parts[0].controls.iter().map(|control| (control.at, control.change));
    assert_eq!(programs.collect::<Vec<_>>(), [(0, ControlChange::Program(5)), (96, ControlChange::Program(7))]);
    assert_eq!(read(&smf::write(&song.score)).score, song.score);
}

#[test]
fn a_program_that_another_track_sets_once_is_the_parts_own() {
    let song = read(&file(1, &[&[0, 0xc0, 33], &quarter(60)]));
    let part = &song.score.parts[0];
    assert_eq!((song.score.parts.len(), part.program, part.controls.len()), (1, 33, 0));
    // Written after the note at the same tick it is meant for that note.
    assert_eq!(read(&file(0, &[&[0, 0x90, 60, 9, 0, 0xc0, 33, 96, 0x80, 60, 0]])).score.parts[0].program, 33);
}

#[test]
fn rhythm_channels_are_recognised() {
    let drums = |head: &[u8], channel: u8| {
        let events = [head, &[0, 0x90 | channel, 36, 100, 96, 36, 0]].concat();
        let song = read(&file(0, &[&events])).score;
        assert_eq!(read(&smf::write(&song)).score, song);
        song.parts[0].drums
    };
    let gs = |block, map| [0, 0xf0, 10, 0x41, 0x10, 0x42, 0x12, 0x40, block, 0x15, map, 0, 0xf7];
    assert!(drums(&[], 9) && !drums(&[], 8));
    assert!(drums(&gs(0x11, 1), 0) && drums(&gs(0x19, 2), 8) && drums(&gs(0x1a, 1), 10));
    assert!(!drums(&gs(0x10, 0), 9) && !drums(&gs(0x12, 1), 0));
    assert!(drums(&[0, 0xf0, 8, 0x43, 0x10, 0x4c, 8, 3, 7, 2, 0xf7], 3));
    let bank = |bank: u8, channel: u8| [0, 0xb0 | channel, 0, bank, 0, 0xc0 | channel, 0];
    assert!(drums(&bank(120, 2), 2) && drums(&bank(127, 2), 2) && !drums(&bank(8, 2), 2));
    assert!(!drums(&bank(121, 9), 9));
    // On a GS synthesizer bank 127 is an MT-32.
    let reset = [0, 0xf0, 10, 0x41, 0x10, 0x42, 0x12, 0x40, 0, 0x7f, 0, 0x41, 0xf7];
    assert!(!drums(&[&reset[..], &bank(127, 2)].concat(), 2));
}

#[test]
fn channels_of_different_outputs_are_different() {
    let second = [&[0, 0xff, 0x21, 1, 1, 0, 0xc0, 40][..], &quarter(62)].concat();
    let song = read(&file(1, &[&[&[0, 0xc0, 5][..], &quarter(60)].concat(), &second]));
    let parts: Vec<_> = song.score.parts.iter().map(|part| (part.port, part.program)).collect();
    assert_eq!(parts, [(0, 5), (1, 40)]);
    assert_eq!(read(&smf::write(&song.score)).score, song.score);
}

#[test]
fn all_notes_off_ends_what_sounds_on_its_channel() {
    let song = read(&file(0, &[&[0, 0x90, 60, 9, 0, 64, 9, 0, 0x91, 50, 9, 48, 0xb0, 123, 0, 48, 0x81, 50, 0]]));
    assert_eq!(notes(&song.score), [(0, 48, 60), (0, 48, 64), (0, 96, 50)]);
    assert!(song.score.parts.iter().all(|part| part.controls.is_empty()));
}

#[test]
fn lyrics_are_kept_as_they_are_sung() {
    let sung = [text(5, b"Shi"), text(5, b"ning "), text(5, b"\rstar"), quarter(60), text(6, b" Chorus ")].concat();
    let song = read(&file(0, &[&sung]));
    let lyrics: Vec<_> = song.score.lyrics.iter().map(|text| text.text.as_str()).collect();
    assert_eq!(lyrics, ["Shi", "ning ", "\nstar"]);
    assert_eq!((song.score.markers[0].at, song.score.markers[0].text.as_str()), (96, "Chorus"));
}

#[test]
fn karaoke_files_have_their_words_in_texts() {
    let head = [text(1, b"@KMIDI KARAOKE FILE"), text(3, b"Soft Karaoke")].concat();
    let words =
        [text(3, b"Words"), text(1, b"@LENGL"), text(1, b"@TShining"), text(1, b"\\Oh"), text(1, b"/star")].concat();
    let song = read(&file(1, &[&head, &words, &quarter(60)]));
    let lyrics: Vec<_> = song.score.lyrics.iter().map(|text| text.text.as_str()).collect();
    assert_eq!((song.score.title.as_str(), lyrics), ("Shining", vec!["\n\nOh", "\nstar"]));
    // A file's remarks are no lyrics.
    assert_eq!(read(&file(0, &[&[text(1, b"By me"), quarter(60)].concat()])).score.lyrics, []);
}

#[test]
fn of_several_voices_and_verses_one_is_kept() {
    let sung = |words: &[&str]| words.iter().flat_map(|word| text(5, word.as_bytes())).collect::<Vec<u8>>();
    let verses =
        [["1. ", "If ", "When "], ["/you ", "/I ", "\\he "], ["go", "come", "stays"], ["ing", "", ""], [".", "!", "?"]];
    let first: Vec<u8> =
        verses.iter().zip(60..).flat_map(|(words, key)| [sung(words), quarter(key)].concat()).collect();
    let echo = [quarter(40), sung(&["ooh "]), quarter(41)].concat();
    let lyrics = |song: smf::Read| song.score.lyrics.into_iter().map(|text| (text.at, text.text)).collect::<Vec<_>>();
    let expected = [(0, "1. If "), (96, "\nyou "), (192, "go"), (288, "ing"), (384, ".")];
    let expected: Vec<(u64, String)> = expected.map(|(at, text)| (at, text.to_owned())).into();
    assert_eq!(lyrics(read(&file(1, &[&echo, &first]))), expected);
}

#[test]
fn titles_and_names_are_told_apart() {
    let named = |format, first: &[u8], second: &[u8]| {
        let score = read(&file(format, &[first, second])).score;
        (score.title, score.parts.into_iter().map(|part| part.name).collect::<Vec<_>>())
    };
    let lead = [text(3, b"Lead"), quarter(60)].concat();
    assert_eq!(named(1, &text(3, b"Song"), &lead), ("Song".into(), vec!["Lead".into()]));
    let played = [text(1, b"Song"), text(3, b"Piano"), quarter(60)].concat();
    assert_eq!(named(1, &played, &lead), ("Song".into(), vec!["Piano".into(), "Lead".into()]));
    assert_eq!(named(0, &[text(3, b"Song"), quarter(60)].concat(), &[]), ("Song".into(), vec![String::new()]));
}

#[test]
fn a_message_whose_length_lies_ends_where_it_says_so() {
    let song = read(&file(0, &[&[&[0, 0xf0, 0x7f, 0x41, 1, 0xf7][..], &quarter(60)].concat()]));
    assert_eq!(notes(&song.score), [(0, 96, 60)]);
    warned(&song, "more bytes than its track has");
    // Messages in pieces, with real-time bytes that no file may have.
    let odd = [&[0, 0xf0, 1, 0x41, 0, 0xf7, 2, 1, 0xf7, 0, 0xf8, 0, 0xf2, 1, 1][..], &quarter(60)].concat();
    let song = read(&file(0, &[&odd]));
    assert_eq!(notes(&song.score), [(0, 96, 60)]);
    warned(&song, "files may not have");
}

#[test]
fn every_bound_holds_at_its_edge() {
    let keys: Vec<u8> = (60..70).flat_map(quarter).collect();
    let bytes = file(1, &[&keys, &keys]);
    let count = |limits: Limits| {
        let song = smf::read(&bytes, &limits).expect("a song");
        assert_eq!(song.score.broken_rule(), None);
        (song.score.note_count(), song.warnings.len())
    };
    let all = Limits::default();
    assert_eq!(count(all), (20, 0));
    assert_eq!(count(Limits { notes: 20, ..all }), (20, 0));
    assert_eq!(count(Limits { notes: 19, ..all }), (18, 1), "whole moments");
    assert_eq!(count(Limits { events: 41, ..all }), (20, 0));
    assert_eq!(count(Limits { tracks: 2, ..all }).0, 20);
    assert_eq!(count(Limits { tracks: 1, ..all }), (10, 1));
    assert_eq!(count(Limits { seconds: 2.0, ..all }).0, 8);
    assert_eq!(smf::read(&bytes, &Limits { seconds: 2.0, ..all }).expect("a song").score.seconds(), 2.0);
    assert!(count(Limits { events: 21, ..all }).0 <= 11);
}

#[test]
fn text_is_bounded() {
    let names: Vec<u8> = (0..100).flat_map(|_| text(5, b"la")).chain(quarter(60)).collect();
    let song = smf::read(&file(0, &[&names]), &Limits { text_bytes: 20, ..Limits::default() }).expect("a song");
    assert_eq!(song.score.lyrics.len(), 10);
    warned(&song, "more than 20 bytes of text");
}

#[test]
fn warnings_are_few_whatever_the_file() {
    let mut bytes = header(1, 0, 96);
    for _ in 0..500 {
        bytes.extend(track(&[&[0, 0xff, 0x59, 0, 0, 0xff, 0x51, 0][..], &quarter(60), END].concat()));
    }
    let song = read(&bytes);
    assert_eq!(song.warnings.len(), Limits::default().warnings + 1);
    assert!(song.warnings.last().expect("one").what.contains("left out"));
}
