//! How much of a folder, an archive or a file is taken.

/// Bounds of a walk. What lies beyond is refused, and said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// An archive as it comes.
    pub archive_bytes: u64,
    /// Entries of one archive, of all kinds, and files of one folder with all below it.
    pub entries: usize,
    /// One file, unpacked.
    pub file_bytes: u64,
    /// All files of one archive together, unpacked; those that are passed over count too where they have to be unpacked.
    pub unpacked_bytes: u64,
    /// Unpacked to packed, for archives that unpack to more than [`Limits::RATIO_FROM_BYTES`].
    pub ratio: u64,
    /// Folders in each other.
    pub depth: usize,
    /// Whether entries with names that no honest archive has are refused; otherwise the names are mended.
    pub strict_names: bool,
}

impl Limits {
    /// Small files pack to next to nothing without being up to anything.
    pub const RATIO_FROM_BYTES: u64 = 1 << 20;
}
