//! What a file is, by how it begins.

use std::ops::Range;

/// A header, and where it says what it is: `ustar`. Archives that are older than that word have only their checksum.
pub const HEADER_BYTES: usize = 512;
const MARK_AT: usize = 257;
const CHECKSUM: Range<usize> = 148..156;

/// Whether a file's beginning, of [`HEADER_BYTES`] or all there is, is that of a tar archive.
pub fn is_tar(head: &[u8]) -> bool {
    head.get(MARK_AT..MARK_AT + 5) == Some(b"ustar") || head.get(..HEADER_BYTES).is_some_and(has_checksum)
}

/// The sum of a header's bytes, those of the sum itself taken as blanks, in octal digits.
fn has_checksum(header: &[u8]) -> bool {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let written = &header[CHECKSUM];
    let digits: String = written.iter().map(|byte| char::from(*byte)).filter(|c| !matches!(c, ' ' | '\0')).collect();
    let blanks = CHECKSUM.len() as u32 * u32::from(b' ');
    header[0] != 0 && u32::from_str_radix(&digits, 8) == Ok(sum(header) - sum(written) + blanks)
}

/// Whether a file that begins so is an archive or a compressed file.
pub fn is_archive(head: &[u8]) -> bool {
    is_zip(head) || is_gzip(head) || is_tar(head)
}

pub fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

pub fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(b"\x1f\x8b")
}
