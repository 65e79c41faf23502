//! How much is taken of what is sent.

/// Bounds of a preparation. What lies beyond is refused, and said.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    /// Recordings, in all archives and beside them.
    pub files: usize,
    pub file_bytes: u64,
    /// An archive as it comes.
    pub archive_bytes: u64,
    /// All files together, unpacked.
    pub unpacked_bytes: u64,
    /// Longest recording, in seconds.
    pub file_seconds: f64,
    /// Sound that is packed at most, in seconds. A trainer goes through a number of pieces and not through all there are, so
    /// more teaches no more, and takes longer to hand over.
    pub total_seconds: f64,
    /// Less than this in all pieces together is too little, in seconds.
    pub least_seconds: f64,
}

impl Default for Limits {
    /// 500 files of 256 MiB, 1 GiB packed and 2 GiB unpacked, 20 minutes each, an hour in all, at least one minute.
    fn default() -> Self {
        Self {
            files: 500,
            file_bytes: 256 << 20,
            archive_bytes: 1 << 30,
            unpacked_bytes: 2 << 30,
            file_seconds: 1_200.0,
            total_seconds: 3_600.0,
            least_seconds: 60.0,
        }
    }
}

impl Limits {
    /// Folders, covers and notes lie among recordings; so many entries for each.
    const ENTRIES_PER_FILE: usize = 4;
    /// Unpacked to packed. Recordings hardly pack; silence does, to a thousandth.
    const RATIO: u64 = 200;
    const DEPTH: usize = 32;

    pub(crate) const fn files(&self) -> archive::Limits {
        archive::Limits {
            archive_bytes: self.archive_bytes,
            entries: self.files.saturating_mul(Self::ENTRIES_PER_FILE),
            file_bytes: self.file_bytes,
            unpacked_bytes: self.unpacked_bytes,
            ratio: Self::RATIO,
            depth: Self::DEPTH,
            strict_names: true,
        }
    }
}
