//! How much of a folder, an archive or a file is taken.

/// Bounds of an import. What lies beyond is refused, and said.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ImportLimits {
    /// An archive as it comes.
    pub archive_bytes: u64,
    /// Entries of one archive, of all kinds, and files of one folder with all below it.
    pub entries: usize,
    /// One file, unpacked.
    pub file_bytes: u64,
    /// All files of one archive together, unpacked; those that are passed over count too.
    pub unpacked_bytes: u64,
    /// Unpacked to packed, for archives that unpack to more than [`archive::Limits::RATIO_FROM_BYTES`]. MIDI files pack to
    /// a fifth or a tenth; some that repeat themselves to a hundredth.
    pub ratio: u64,
    /// Folders in each other.
    pub depth: usize,
    /// Lists of names, each as well as all together.
    pub lists_bytes: u64,
    pub lists: usize,
    /// Songs that all lists together name.
    pub listed: usize,
    /// Lines of a report; the rest is counted.
    pub report_lines: usize,
    /// What a song may be.
    pub midi: music::smf::Limits,
}

impl ImportLimits {
    /// Those of reading files, whatever is in them. Names are mended: a song is not refused for what it is called.
    pub(super) const fn files(&self) -> archive::Limits {
        archive::Limits {
            archive_bytes: self.archive_bytes,
            entries: self.entries,
            file_bytes: self.file_bytes,
            unpacked_bytes: self.unpacked_bytes,
            ratio: self.ratio,
            depth: self.depth,
            strict_names: false,
        }
    }
}

impl Default for ImportLimits {
    fn default() -> Self {
        let midi = music::smf::Limits::default();
        Self {
            archive_bytes: domain::song::MAX_IMPORT_BYTES,
            entries: 20_000,
            file_bytes: midi.bytes as u64,
            unpacked_bytes: 1 << 30,
            ratio: 200,
            depth: 32,
            lists_bytes: domain::song::MAX_LISTS_BYTES,
            lists: domain::song::MAX_LISTS,
            listed: 100_000,
            report_lines: 20_000,
            midi,
        }
    }
}
