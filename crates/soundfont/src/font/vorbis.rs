//! Ogg Vorbis, as the samples of SF3 fonts are, from bytes that nobody vouches for.
//!
//! The decoder allocates whatever headers say. So it never sees the comments, which say nothing of the sound; a stream that
//! begins anew within another is not followed; and the code books are gone through before it reads them (*Vorbis I
//! specification*, 3.2.1), with bounds far above what encoders write.

use std::io::Cursor;

use lewton::{
    VorbisError,
    audio::{PreviousWindowRight, read_audio_packet},
    header::{read_header_ident, read_header_setup},
};
use ogg::{Packet, PacketReader};

/// Samples of fonts have one channel, or two of which the first is taken.
const MOST_CHANNELS: u8 = 2;
/// Entries of one code book; encoders write some thousands.
const MOST_ENTRIES: u32 = 1 << 16;
/// Values of all code books together, or entries of those without values; encoders write some hundred thousands.
const MOST_VALUES: u64 = 1 << 21;
/// Begins the packet of the code books.
const SETUP: &[u8] = b"\x05vorbis";
/// Begins each of them.
const BOOK: u32 = 0x56_4342;

/// The first channel of a stream; `None` when it is longer than `most` frames.
///
/// # Errors
/// Why it cannot be decoded.
pub(super) fn decode(bytes: Vec<u8>, most: usize) -> Result<Option<Vec<i16>>, String> {
    let mut packets = Packets { reader: PacketReader::new(Cursor::new(bytes)), stream: None };
    let head = read_header_ident(&packets.header()?.data).map_err(said)?;
    if head.audio_channels > MOST_CHANNELS {
        return Err(format!("it has {} channels", head.audio_channels));
    }
    let _comments = packets.header()?;
    let setup = packets.header()?;
    check_books(&setup.data)?;
    let sizes = (head.blocksize_0, head.blocksize_1);
    let setup = read_header_setup(&setup.data, head.audio_channels, sizes).map_err(said)?;
    packets.reader.delete_unread_packets();
    let mut before = PreviousWindowRight::new();
    let (mut frames, mut place) = (Vec::new(), None);
    while let Some(packet) = packets.next()? {
        let decoded = read_audio_packet(&head, &setup, &packet.data, &mut before).map_err(said)?;
        let mut decoded = decoded.into_iter().next().unwrap_or_default();
        // The last packet says where the sound ends within it.
        if let (Some(place), true) = (place, packet.last_in_stream()) {
            decoded.truncate(usize::try_from(packet.absgp_page().saturating_sub(place)).unwrap_or(usize::MAX));
        }
        place = if packet.last_in_page() {
            Some(packet.absgp_page())
        } else {
            place.map(|place: u64| place.saturating_add(decoded.len() as u64))
        };
        frames.extend(decoded);
        if frames.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(frames))
}

fn said(error: impl Into<VorbisError>) -> String {
    error.into().to_string()
}

/// The packets of the first stream.
struct Packets {
    reader: PacketReader<Cursor<Vec<u8>>>,
    stream: Option<u32>,
}

impl Packets {
    fn next(&mut self) -> Result<Option<Packet>, String> {
        while let Some(packet) = self.reader.read_packet().map_err(said)? {
            if *self.stream.get_or_insert(packet.stream_serial()) == packet.stream_serial() {
                return Ok(Some(packet));
            }
        }
        Ok(None)
    }

    fn header(&mut self) -> Result<Packet, String> {
        self.next()?.ok_or_else(|| "it ends within its headers".to_owned())
    }
}

/// Holds the sizes of all code books against the bounds; what else may be wrong with them the decoder says itself.
fn check_books(packet: &[u8]) -> Result<(), String> {
    let books = packet.strip_prefix(SETUP).ok_or("its code books are not where they should be")?;
    walk_books(&mut Bits { bytes: books, at: 0 }).ok_or("its code books are cut off")?.map_err(str::to_owned)
}

/// `None` where the packet ends before the last of them.
fn walk_books(bits: &mut Bits<'_>) -> Option<Result<(), &'static str>> {
    const TOO_LARGE: &str = "its code books are larger than any encoder makes them";
    let mut values = 0;
    for _ in 0..=bits.take(8)? {
        if bits.take(24)? != BOOK {
            return Some(Err("its code books are damaged"));
        }
        let (dimensions, entries) = (bits.take(16)?, bits.take(24)?);
        if dimensions == 0 || entries > MOST_ENTRIES {
            return Some(Err(TOO_LARGE));
        }
        bits.pass_lengths(entries)?;
        let lookup = bits.take(4)?;
        values += u64::from(entries) * if lookup == 0 { 1 } else { u64::from(dimensions) };
        if values > MOST_VALUES {
            return Some(Err(TOO_LARGE));
        }
        if lookup != 0 {
            bits.pass(64)?;
            let value_bits = u64::from(bits.take(4)?) + 1;
            bits.pass(1)?;
            let count = if lookup == 1 { root(entries, dimensions) } else { entries * dimensions };
            bits.pass(u64::from(count) * value_bits)?;
        }
    }
    Some(Ok(()))
}

/// The greatest number of which the power of `dimensions` is at most `entries`.
fn root(entries: u32, dimensions: u32) -> u32 {
    let fits = |number: &u32| number.checked_pow(dimensions).is_some_and(|power| power <= entries);
    (1..=entries).take_while(fits).last().unwrap_or(0)
}

/// Reads numbers from the lowest bit of the first byte on.
struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    /// Up to 24 bits.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut number = 0;
        for place in 0..count {
            let byte = self.bytes.get(usize::try_from(self.at / 8).ok()?)?;
            number |= u32::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Some(number)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        (self.at <= self.bytes.len() as u64 * 8).then_some(())
    }

    /// The lengths of the code words of a book.
    fn pass_lengths(&mut self, entries: u32) -> Option<()> {
        let is_ordered = self.take(1)? == 1;
        if !is_ordered {
            let is_sparse = self.take(1)? == 1;
            for _ in 0..entries {
                if !is_sparse || self.take(1)? == 1 {
                    self.pass(5)?;
                }
            }
            return Some(());
        }
        self.pass(5)?;
        let mut named = 0;
        while named < entries {
            let left = entries - named;
            let number = self.take(u32::BITS - left.leading_zeros())?;
            // A length may have no code words, but the packet ends at some time.
            named += number.min(left);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use lewton::inside_ogg::OggStreamReader;
    use media::{Encoding, Tags};
    use ogg::writing::{PacketWriteEndInfo::EndPage, PacketWriter};

    use super::*;

    fn tone(frames: u32) -> Vec<u8> {
        let tone: Vec<f32> = (0..frames).map(|i| (i as f32 * 0.06).sin() * 0.5).collect();
        media::encode(&tone, 44_100, 1, Encoding::Ogg { quality: 8.0 }, &Tags::default()).unwrap()
    }

    #[test]
    fn it_decodes_as_the_decoder_by_itself_does() {
        for frames in [1_000, 20_000, 44_101] {
            let bytes = tone(frames);
            let mut whole = OggStreamReader::new(Cursor::new(bytes.clone())).unwrap();
            let mut theirs = Vec::new();
            while let Some(packet) = whole.read_dec_packet().unwrap() {
                theirs.extend(&packet[0]);
            }
            assert_eq!(decode(bytes.clone(), usize::MAX).unwrap().as_ref(), Some(&theirs));
            assert!(theirs.len() >= frames as usize);
            assert_eq!(decode(bytes, theirs.len() - 1).unwrap(), None);
        }
    }

    /// A stream of these packets, each a page.
    fn stream(packets: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = PacketWriter::new(&mut bytes);
        for packet in packets {
            writer.write_packet(packet.to_vec().into_boxed_slice(), 1, EndPage, 0).unwrap();
        }
        drop(writer);
        let mut whole = Vec::new();
        bytes.set_position(0);
        bytes.read_to_end(&mut whole).unwrap();
        whole
    }

    /// 44.1 kHz, one channel, blocks of 256 and 2048 frames.
    const HEAD: &[u8] = b"\x01vorbis\0\0\0\0\x01\x44\xac\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xb8\x01";

    /// The packet of one code book, with nothing behind its sizes but ones.
    fn books(dimensions: u32, entries: u32) -> Vec<u8> {
        let sizes = u64::from(BOOK) | u64::from(dimensions) << 24 | u64::from(entries) << 40;
        [SETUP, &[0], &sizes.to_le_bytes(), &[0xff; 40]].concat()
    }

    #[test]
    fn headers_that_ask_for_all_memory_are_refused() {
        let refused = |packets: &[&[u8]]| decode(stream(packets), usize::MAX).unwrap_err();
        // Four billion comments; they are not even read.
        let comments = b"\x03vorbis\0\0\0\0\xff\xff\xff\xff\x01";
        let end = books(1, 1);
        assert!(!refused(&[HEAD, comments, &end]).contains("larger"));
        for (dimensions, entries) in [(1, 1 << 17), (60_000, 60_000), (0, 100)] {
            let why = refused(&[HEAD, comments, &books(dimensions, entries)]);
            assert!(why.contains("larger than any"), "{dimensions} × {entries}: {why}");
        }
        assert!(refused(&[HEAD, comments]).contains("ends within its headers"));
        assert!(refused(&[HEAD, comments, b"\x05vorbis\x7f"]).contains("cut off"));
        let mut wide = HEAD.to_vec();
        wide[11] = 200;
        assert!(refused(&[&wide, comments, &end]).contains("200 channels"));
    }

    #[test]
    fn roots_are_those_of_the_specification() {
        assert_eq!(
            [(1_025, 10), (1_023, 10), (3_125, 5), (3_124, 5), (6_561, 8)].map(|(n, d)| root(n, d)),
            [2, 1, 5, 4, 3]
        );
        assert_eq!((root(7, 1), root(1, 40), root(0, 3)), (7, 1, 0));
    }
}
