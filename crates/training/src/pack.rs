//! The archive that a trainer gets: `piece-0001.wav` with `piece-0001.txt` beside it, and so on, and `manifest.json`.
//!
//! Same pieces, same bytes: a fixed order, fixed times, nothing compressed. Nothing in it says what anybody's files were
//! called; the manifest knows recordings by their hashes.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
};

use serde::Serialize;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::{SAMPLE_RATE_HZ, error::TrainingError, piece::Piece, report::PieceReport};

/// Of the manifest's form.
const VERSION: u32 = 1;

/// An archive that is being written.
pub struct Packer {
    zip: ZipWriter<File>,
    entries: Vec<Entry>,
    pub pieces: Vec<PieceReport>,
    pub seconds: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    version: u32,
    sample_rate_hz: u32,
    channels: u16,
    seconds: f64,
    pieces: &'a [Entry],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    audio: String,
    caption: String,
    seconds: f64,
    loudness_lufs: Option<f64>,
    true_peak_dbtp: Option<f64>,
    /// SHA-256 of the files that it is of.
    sources: Vec<String>,
}

impl Packer {
    /// An empty archive.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub fn new() -> Result<Self, TrainingError> {
        let file = tempfile::tempfile().map_err(TrainingError::Spool)?;
        Ok(Self { zip: ZipWriter::new(file), entries: Vec::new(), pieces: Vec::new(), seconds: 0.0 })
    }

    /// Adds a piece of the files with these hashes; answers with its name.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn add(&mut self, piece: &Piece, sources: Vec<String>) -> Result<String, TrainingError> {
        let stem = format!("piece-{:04}", self.entries.len() + 1);
        let audio = format!("{stem}.wav");
        let caption = piece.caption.clone();
        self.write(&audio, &piece.wave)?;
        self.write(&format!("{stem}.txt"), format!("{caption}\n").as_bytes())?;
        let (seconds, loudness) = (piece.seconds, piece.loudness);
        let (loudness_lufs, true_peak_dbtp) = (loudness.integrated_lufs, loudness.true_peak_dbtp);
        let name = audio.clone();
        self.pieces.push(PieceReport { name, caption: caption.clone(), seconds, loudness_lufs, true_peak_dbtp });
        self.entries.push(Entry { audio: audio.clone(), caption, seconds, loudness_lufs, true_peak_dbtp, sources });
        self.seconds += seconds;
        Ok(audio)
    }

    /// Writes the manifest and closes the archive; it is at its beginning.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn finish(mut self) -> Result<(File, Vec<PieceReport>), TrainingError> {
        let manifest = Manifest {
            version: VERSION,
            sample_rate_hz: SAMPLE_RATE_HZ,
            channels: 1,
            seconds: self.seconds,
            pieces: &self.entries,
        };
        let text = serde_json::to_vec_pretty(&manifest).map_err(TrainingError::Manifest)?;
        self.write("manifest.json", &text)?;
        let mut file = self.zip.finish().map_err(TrainingError::Pack)?;
        file.seek(SeekFrom::Start(0)).map_err(TrainingError::Spool)?;
        Ok((file, self.pieces))
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), TrainingError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        self.zip.start_file(name, options).map_err(TrainingError::Pack)?;
        self.zip.write_all(bytes).map_err(TrainingError::Spool)
    }
}
