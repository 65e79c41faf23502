//! What a container says about its own length, where ffmpeg corrects a lie in silence: WAVE, RF64 and Wave64 by their
//! data chunk, Ogg by its last page. Reads a bounded number of headers, never the sound.

use std::io::{self, Read, Seek, SeekFrom};

/// Chunks that are looked through for the data chunk; real files have fewer than ten.
const MAX_CHUNKS: usize = 256;
/// Data sizes from here on are what a recorder writes that does not know the size yet (0x7FFF_xxxx, 0xFFFF_FFFF).
const UNKNOWN_SIZE: u64 = 0x7fff_0000;
/// An Ogg page is at most this long: header, 255 lacing values, 255 segments of 255 bytes (RFC 3533, section 6).
const MAX_OGG_PAGE_BYTES: u64 = 27 + 255 + 255 * 255;

/// Seconds of sound that the header of a WAVE, RF64 or Wave64 file promises; `None` when it promises nothing usable.
pub(crate) fn wave_seconds(source: &mut (impl Read + Seek)) -> io::Result<Option<f64>> {
    source.seek(SeekFrom::Start(0))?;
    let mut head = [0u8; 12];
    if !filled(source, &mut head)? {
        return Ok(None);
    }
    let big_endian = head.starts_with(b"RIFX");
    let (mut byte_rate, mut data_64, mut position) = (0u64, None, 12u64);
    for _ in 0..MAX_CHUNKS {
        source.seek(SeekFrom::Start(position))?;
        let mut header = [0u8; 8];
        if !filled(source, &mut header)? {
            return Ok(None);
        }
        let size = [header[4], header[5], header[6], header[7]];
        let size = u64::from(if big_endian { u32::from_be_bytes(size) } else { u32::from_le_bytes(size) });
        match &header[..4] {
            b"fmt " => {
                let mut format = [0u8; 12];
                if !filled(source, &mut format)? {
                    return Ok(None);
                }
                let rate = [format[8], format[9], format[10], format[11]];
                byte_rate = u64::from(if big_endian { u32::from_be_bytes(rate) } else { u32::from_le_bytes(rate) });
            }
            b"ds64" => {
                let mut sizes = [0u8; 16];
                if !filled(source, &mut sizes)? {
                    return Ok(None);
                }
                data_64 = sizes[8..].try_into().ok().map(u64::from_le_bytes);
            }
            b"data" => {
                let known = if size == u64::from(u32::MAX) { data_64 } else { Some(size) };
                let limit = if data_64.is_some() { i64::MAX as u64 } else { UNKNOWN_SIZE };
                return Ok(known
                    .filter(|bytes| (1..limit).contains(bytes) && byte_rate > 0)
                    .map(|bytes| bytes as f64 / byte_rate as f64));
            }
            _ => {}
        }
        // Chunks are padded to even sizes.
        position = position.saturating_add(8 + size + size % 2);
    }
    Ok(None)
}

/// The same for Sony Wave64, whose chunks are named by GUIDs and sized with 64 bits that include their header.
pub(crate) fn wave64_seconds(source: &mut (impl Read + Seek)) -> io::Result<Option<f64>> {
    const HEADER: u64 = 24;
    let (mut byte_rate, mut position) = (0u64, 40u64);
    for _ in 0..MAX_CHUNKS {
        source.seek(SeekFrom::Start(position))?;
        let mut header = [0u8; HEADER as usize];
        if !filled(source, &mut header)? {
            return Ok(None);
        }
        let size = u64::from_le_bytes(header[16..].try_into().unwrap_or_default());
        if header.starts_with(b"fmt ") {
            let mut format = [0u8; 12];
            if !filled(source, &mut format)? {
                return Ok(None);
            }
            byte_rate = u64::from(u32::from_le_bytes([format[8], format[9], format[10], format[11]]));
        } else if header.starts_with(b"data") {
            return Ok(Some(size.saturating_sub(HEADER))
                .filter(|bytes| (1..i64::MAX as u64).contains(bytes) && byte_rate > 0)
                .map(|bytes| bytes as f64 / byte_rate as f64));
        }
        // Chunks are padded to eight bytes.
        position = position.saturating_add(size.max(HEADER).saturating_add(7) & !7);
    }
    Ok(None)
}

/// Whether an Ogg file ends inside a page, which no writer does and every interrupted copy does.
pub(crate) fn ogg_is_cut(source: &mut (impl Read + Seek)) -> io::Result<bool> {
    let end = source.seek(SeekFrom::End(0))?;
    let start = end.saturating_sub(MAX_OGG_PAGE_BYTES);
    source.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    source.take(MAX_OGG_PAGE_BYTES).read_to_end(&mut tail)?;
    let Some(page) = tail.windows(4).rposition(|window| window == b"OggS") else { return Ok(false) };
    let page = &tail[page..];
    let Some(&segments) = page.get(26) else { return Ok(true) };
    let lacing = page.get(27..27 + usize::from(segments));
    let length = lacing.map(|lacing| 27 + lacing.len() + lacing.iter().map(|&size| usize::from(size)).sum::<usize>());
    Ok(length.is_none_or(|length| page.len() < length))
}

/// Fills the buffer, or says that the source ended before.
fn filled(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match source.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_wave_header_is_believed_about_its_length_only_where_it_can_know() {
        for (bytes, expected) in [(32000, Some(2.0)), (0, None), (u32::MAX, None), (0x7fff_ffff, None)] {
            assert_eq!(wave_seconds(&mut Cursor::new(wave(bytes))).unwrap(), expected, "{bytes}");
        }
        assert_eq!(wave_seconds(&mut Cursor::new(&wave(32000)[..30])).unwrap(), None);
    }

    #[test]
    fn an_endless_chain_of_chunks_ends() {
        let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
        for _ in 0..MAX_CHUNKS * 2 {
            file.extend(b"junk\0\0\0\0");
        }
        file.extend(wave(32000).split_off(12));
        assert_eq!(wave_seconds(&mut Cursor::new(file)).unwrap(), None);
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
}
