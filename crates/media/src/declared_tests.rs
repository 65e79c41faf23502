use std::io::Cursor;

use super::*;

fn wave(data_bytes: u32) -> Vec<u8> {
    let mut file = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0\x01\0".to_vec();
    file.extend(8000u32.to_le_bytes());
    file.extend(16000u32.to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(data_bytes.to_le_bytes());
    file
}

fn bytes_of(file: Vec<u8>, container: Container) -> Option<u64> {
    data_chunk(&mut Cursor::new(file), container).unwrap().map(|chunk| chunk.bytes)
}

#[test]
fn a_wave_header_is_believed_about_its_length_only_where_it_can_know() {
    for (bytes, expected) in [(32000, Some(32000)), (0, None), (u32::MAX, None), (0x7fff_ffff, None)] {
        assert_eq!(bytes_of(wave(bytes), Container::Wave), expected, "{bytes}");
    }
    assert_eq!(bytes_of(wave(32000)[..30].to_vec(), Container::Wave), None);
}

#[test]
fn what_is_missing_of_a_data_chunk_is_counted() {
    let mut file = wave(1000);
    file.extend([0; 400]);
    let chunk = data_chunk(&mut Cursor::new(file.clone()), Container::Wave).unwrap().unwrap();
    assert_eq!(chunk, DataChunk { bytes: 1000, present: 400 });
    assert!(chunk.is_cut());
    assert_eq!(chunk.seconds(16, 1, 500), Some(1.0));
    assert_eq!(chunk.seconds(0, 1, 500), None);
    file.extend([0; 2000]);
    let chunk = data_chunk(&mut Cursor::new(file), Container::Wave).unwrap().unwrap();
    assert_eq!(chunk, DataChunk { bytes: 1000, present: 1000 });
    assert!(!chunk.is_cut());
}

#[test]
fn apple_containers_say_their_size() {
    let aiff = |size: u32| [&b"FORM\0\0\0\0AIFFNAME\0\0\0\x03abc\0SSND"[..], &size.to_be_bytes(), &[0; 8]].concat();
    for (size, expected) in [(1008, Some(1000)), (0, None), (8, None), (u32::MAX, None)] {
        assert_eq!(bytes_of(aiff(size), Container::Aiff), expected, "{size}");
    }
    let caf = |size: i64| [&b"caff\0\x01\0\0free\0\0\0\0\0\0\0\x01xdata"[..], &size.to_be_bytes(), &[0; 4]].concat();
    for (size, expected) in [(1004, Some(1000)), (4, None), (-1, None), (i64::MIN, None)] {
        assert_eq!(bytes_of(caf(size), Container::Caf), expected, "{size}");
    }
}

#[test]
fn an_endless_chain_of_chunks_ends() {
    let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
    for _ in 0..MAX_CHUNKS * 2 {
        file.extend(b"junk\0\0\0\0");
    }
    file.extend(wave(32000).split_off(12));
    assert_eq!(bytes_of(file, Container::Wave), None);
    for (head, chunk, container) in [
        (&b"FORM\0\0\0\0AIFF"[..], &b"junk\0\0\0\0"[..], Container::Aiff),
        (b"caff\0\x01\0\0", b"free\0\0\0\0\0\0\0\0", Container::Caf),
    ] {
        assert_eq!(bytes_of([head, &chunk.repeat(MAX_CHUNKS * 2)].concat(), container), None);
        // A size that leads back to where it stands, or past all ends.
        assert_eq!(bytes_of([head, b"junk", &[0xff; 8]].concat(), container), None);
    }
}

#[test]
fn an_mp3_counts_its_bytes_in_its_first_frame() {
    // MPEG-1 layer III, stereo and mono, and MPEG-2 mono: the tag stands behind the side information.
    for (header, side) in
        [([0xff, 0xfb, 0x90, 0x00], 32), ([0xff, 0xfb, 0x90, 0xc0], 17), ([0xff, 0xf3, 0x90, 0xc0], 9)]
    {
        let frame = |tag: &[u8]| {
            let mut frame = [&header[..], &vec![0; side], tag].concat();
            frame.resize(400, 0);
            frame
        };
        let read = |file: Vec<u8>| mp3_bytes(&mut Cursor::new(file)).unwrap();
        assert_eq!(read(frame(b"Info\0\0\0\x03\0\0\x01\0\0\0\x20\0")), Some(0x2000));
        assert_eq!(read(frame(b"Xing\0\0\0\x02\0\0\x20\0")), Some(0x2000), "bytes without frames");
        assert_eq!(read(frame(b"Xing\0\0\0\x01\0\0\x01\0\0\0\x20\0")), None, "frames without bytes");
        assert_eq!(read(frame(b"Info\0\0\0\x03\0\0\x01\0\0\0\0\0")), None, "no bytes");
        assert_eq!(read(frame(b"")), None, "without a tag");
        let tagged = [&b"ID3\x04\0\0\0\0\x01\x02"[..], &[0; 130], &frame(b"Info\0\0\0\x02\0\0\x20\0")].concat();
        assert_eq!(read(tagged), Some(0x2000), "behind an ID3 tag");
    }
    let vbri = [&[0xff, 0xfb, 0x90, 0x00][..], &[0; 32], b"VBRI\0\x01\0\0\0\0\0\0\x20\0", &[0; 100]].concat();
    assert_eq!(mp3_bytes(&mut Cursor::new(vbri)).unwrap(), Some(0x2000));
    assert_eq!(mp3_bytes(&mut Cursor::new(b"ID3\x04\0\0\0\0\0\0".repeat(100))).unwrap(), None);
    assert!(mp3_is_whole(100_000, 98_000) && !mp3_is_whole(100_000, 90_000));
}

#[test]
fn ogg_pages_must_be_whole() {
    let mut page = b"OggS\0\x04".to_vec();
    page.extend([0; 20]);
    page.extend([2, 255, 10]);
    page.extend([0; 265]);
    assert!(!ogg_is_cut(&mut Cursor::new(page.clone())).unwrap());
    for length in [page.len() - 1, 28, 26, 5] {
        assert!(ogg_is_cut(&mut Cursor::new(&page[..length])).unwrap(), "{length}");
    }
    assert!(!ogg_is_cut(&mut Cursor::new(b"nothing here")).unwrap());
}

#[test]
fn webm_blocks_must_be_whole() {
    // A header, a segment and a cluster of unknown size, and three blocks, as a browser writes them.
    let mut file = b"\x1a\x45\xdf\xa3\x84abcd\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff".to_vec();
    file.extend(b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff\xe7\x81\0");
    let ends: Vec<usize> = (0..3)
        .map(|_| {
            file.extend(b"\xa3\x40\x7f");
            file.extend([7; 0x7f]);
            file.len()
        })
        .collect();
    let is_cut = |file: &[u8]| webm_is_cut(&mut Cursor::new(file)).unwrap();
    for end in ends {
        assert!(!is_cut(&file[..end]), "a recording may stop after any block");
        assert!(is_cut(&file[..end - 1]) && is_cut(&file[..end - 100]) && is_cut(&file[..end - 0x7f - 1]));
    }
    assert!(!is_cut(&[&file[..], &[0; 9]].concat()), "padding is not an element");
    let known = [&file[..9], b"\x18\x53\x80\x67\x90\x1f\x43\xb6\x75\x88\xa3\x83abc"].concat();
    assert!(is_cut(&known), "a cluster of eight bytes with five");
    assert!(!is_cut(&[&known[..], b"\xec\x81\0"].concat()));
    assert!(!is_cut(b""));
}
