//! Tags that are written are read again, whatever bytes they are.

use std::io::Cursor;

use media::{Bounds, MediaError, Tags, Told, encode, read_tags, sample};

use crate::support::{ENCODINGS, RATE_HZ, Wave, voice16};

fn read(bytes: Vec<u8>) -> Result<Told, MediaError> {
    read_tags(Cursor::new(bytes), &Bounds::default())
}

#[test]
fn what_is_written_is_read() {
    let tags =
        Tags { title: Some("Hoppípolla".to_owned()), comment: Some("slide guitar".to_owned()), ..Tags::default() };
    let sound = sample::voice(1.0, RATE_HZ, 1);
    for encoding in ENCODINGS {
        let told = read(encode(&sound, RATE_HZ, 1, encoding, &tags).unwrap()).unwrap();
        let expected = Told { title: tags.title.clone(), genre: None, comment: tags.comment.clone() };
        assert_eq!(told, expected, "{encoding:?}");
        assert_eq!(read(encode(&sound, RATE_HZ, 1, encoding, &Tags::default()).unwrap()).unwrap(), Told::default());
    }
    assert!(matches!(read(b"not a sound".to_vec()), Err(MediaError::NotAudio { .. })));
}

#[test]
fn tags_that_are_no_text_are_read_as_far_as_they_are() {
    let info = [&b"INFOIGNR"[..], &6u32.to_le_bytes(), b"ja\xffzz\0"].concat();
    let chunk = [&b"LIST"[..], &(info.len() as u32).to_le_bytes(), &info].concat();
    let wave = Wave { before_data: chunk, ..Wave::pcm16(RATE_HZ, 1, voice16(1.0, RATE_HZ, 1)) };
    assert_eq!(read(wave.bytes()).unwrap().genre.as_deref(), Some("ja\u{fffd}zz"));
}
