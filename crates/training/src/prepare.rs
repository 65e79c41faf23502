//! From files to the archive and the report.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::{ControlFlow, Range},
};

use sha2::{Digest, Sha256};

use crate::{
    cuts::{self, PIECE},
    error::TrainingError,
    levels::{FRAME, FRAMES_PER_SECOND},
    limits::Limits,
    pack::Packer,
    piece::{self, Known, LOUDNESS_LUFS},
    recording::Recording,
    report::{FileReport, Report, Verdict},
    sound::Sound,
    trim::Kept,
    uploads::{NamedFile, Upload, Uploads},
};

/// Between short recordings that are joined, in frames.
const JOIN_GAP: usize = 30;
/// A short recording is turned up at most by so much before it is joined, in dB.
const MOST_GAIN_DB: f64 = 20.0;

/// What whoever sends recordings says about them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Options {
    /// How all of them sound; begins every caption that has no description of its own.
    pub description: Option<String>,
    pub limits: Limits,
}

/// What a model can be trained on.
#[derive(Debug)]
pub struct Prepared {
    /// A zip archive, at its beginning.
    pub archive: File,
    pub size_bytes: u64,
    /// Of the archive, in hexadecimal digits: the same for the same files and options.
    pub sha256: String,
    pub pieces: usize,
    /// Of all pieces together.
    pub seconds: f64,
    pub report: Report,
}

/// Prepares recordings for a training: files, archives of them, or both. Blocks: some 1 s for each minute of sound. `progress`
/// hears the share that is done, 0–1 and never falling, and may stop the work. The order in which files come makes no
/// difference.
///
/// # Errors
/// [`TrainingError::TooLittle`] when the files that are good give too little; what is wrong with single files is only told in the
/// report. The rest are faults of this machine.
pub fn prepare(
    inputs: Vec<NamedFile>,
    options: &Options,
    progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Prepared, TrainingError> {
    let mut uploads = Uploads::read(inputs, &options.limits)?;
    let files = std::mem::take(&mut uploads.files);
    let told = std::mem::take(&mut uploads.told);
    let total = files.len();
    let mut work =
        Work { options, uploads, packer: Packer::new()?, told, fingerprints: HashMap::new(), progress, share: 0.0 };
    let mut medley: Option<Medley> = None;
    for (index, upload) in files.into_iter().enumerate() {
        work.share = index as f64 / total as f64;
        work.go_on()?;
        if medley.as_ref().is_some_and(|medley| medley.folder != upload.folder()) {
            work.end(medley.take())?;
        }
        if let Some(short) = work.take(upload)? {
            let joined = match &mut medley {
                Some(medley) => medley,
                none => none.insert(Medley::new(short.upload.folder()).map_err(TrainingError::Spool)?),
            };
            joined.add(short).map_err(TrainingError::Spool)?;
        }
    }
    work.end(medley)?;
    work.finish()
}

/// What is done, and what is known.
struct Work<'a> {
    options: &'a Options,
    uploads: Uploads,
    packer: Packer,
    told: Vec<FileReport>,
    /// Paths of recordings by what they sound like, sample by sample.
    fingerprints: HashMap<String, String>,
    progress: &'a mut dyn FnMut(f64) -> ControlFlow<()>,
    share: f64,
}

impl Work<'_> {
    fn go_on(&mut self) -> Result<(), TrainingError> {
        if (self.progress)(self.share).is_break() { Err(TrainingError::Stopped) } else { Ok(()) }
    }

    fn is_full(&self) -> bool {
        self.packer.seconds >= self.options.limits.total_seconds
    }

    /// Takes a recording; one that is too short for a piece of its own comes back.
    fn take(&mut self, upload: Upload) -> Result<Option<Short>, TrainingError> {
        if self.is_full() {
            self.told.push(enough(&upload.path, &self.options.limits));
            return Ok(None);
        }
        let recording = match Recording::judge(&upload, &self.options.limits)? {
            Ok(recording) => recording,
            Err(refused) => {
                self.told.push(refused);
                return Ok(None);
            }
        };
        let fingerprint = recording.sound.fingerprint();
        if let Some(of) = self.fingerprints.get(&fingerprint) {
            let of = of.clone();
            self.told.push(FileReport::new(upload.path, Verdict::Duplicate { of }));
            return Ok(None);
        }
        self.fingerprints.insert(fingerprint, upload.path.clone());
        if recording.kept.len() < PIECE {
            return Ok(Some(Short { upload, recording, frames: 0..0 }));
        }
        let Recording { sound, kept, figures, mut notes, words } = recording;
        let own = self.uploads.description(&upload.path).map(str::to_owned);
        let known = Known {
            descriptions: own.as_deref().or(self.options.description.as_deref()).into_iter().collect(),
            words,
            loudness_lufs: figures.loudness_lufs,
        };
        let mut pieces = Vec::new();
        for range in cuts::cut(&kept.levels(&sound)) {
            if self.is_full() {
                let most = self.options.limits.total_seconds;
                notes.push(format!(
                    "The rest of it was left out: there are {most:.0} s already, the most that is taken."
                ));
                break;
            }
            self.go_on()?;
            let samples = kept.read(&sound, range).map_err(TrainingError::Spool)?;
            pieces.push(self.packer.add(&piece::make(samples, &known)?, vec![upload.sha256.clone()])?);
        }
        let used = FileReport::new(upload.path, Verdict::Used { pieces });
        self.told.push(FileReport { notes, figures: Some(figures), ..used });
        Ok(None)
    }

    /// Makes pieces of the short recordings of a folder, where they are enough together.
    fn end(&mut self, medley: Option<Medley>) -> Result<(), TrainingError> {
        let Some(Medley { sound, shorts, .. }) = medley else { return Ok(()) };
        let kept = Kept::whole(&sound);
        let mut pieces: Vec<(Range<usize>, String)> = Vec::new();
        for range in cuts::cut(&kept.levels(&sound)) {
            if self.is_full() {
                break;
            }
            self.go_on()?;
            let within: Vec<&Short> = shorts.iter().filter(|short| overlap(&short.frames, &range)).collect();
            let own: Vec<&str> =
                within.iter().filter_map(|short| self.uploads.description(&short.upload.path)).collect();
            let known = Known {
                descriptions: if own.is_empty() {
                    self.options.description.as_deref().into_iter().collect()
                } else {
                    own
                },
                words: within.iter().flat_map(|short| short.recording.words.iter().copied()).collect(),
                loudness_lufs: None,
            };
            let samples = kept.read(&sound, range.clone()).map_err(TrainingError::Spool)?;
            let sources = within.iter().map(|short| short.upload.sha256.clone()).collect();
            pieces.push((range, self.packer.add(&piece::make(samples, &known)?, sources)?));
        }
        for Short { upload, recording, frames } in shorts {
            let names: Vec<String> =
                pieces.iter().filter(|(range, _)| overlap(&frames, range)).map(|(_, name)| name.clone()).collect();
            let told = if names.is_empty() && self.is_full() {
                enough(&upload.path, &self.options.limits)
            } else if names.is_empty() {
                let why = format!(
                    "There are {:.1} s of sound in it, too few for a piece of {:.1} s, and the other short recordings of its folder \
                     do not fill one with it; record a longer take, or more short ones.",
                    recording.figures.kept_seconds,
                    PIECE as f64 / FRAMES_PER_SECOND
                );
                FileReport::refused(upload.path, "too_short_alone", why)
            } else {
                FileReport::new(upload.path, Verdict::Used { pieces: names })
            };
            let mut notes = recording.notes;
            if matches!(told.verdict, Verdict::Used { .. }) {
                notes.push("It was joined with other short recordings of its folder.".to_owned());
            }
            self.told.push(FileReport { notes, figures: Some(recording.figures), ..told });
        }
        Ok(())
    }

    fn finish(self) -> Result<Prepared, TrainingError> {
        let seconds = self.packer.seconds;
        let needed = self.options.limits.least_seconds;
        let mut files = self.told;
        files.sort_by(|a, b| a.path.rsplit_once('/').cmp(&b.path.rsplit_once('/')).then_with(|| a.path.cmp(&b.path)));
        if seconds < needed {
            let report = Box::new(Report { files, pieces: self.packer.pieces, seconds });
            return Err(TrainingError::TooLittle { seconds, needed, report });
        }
        let (mut archive, pieces) = self.packer.finish()?;
        let (sha256, size_bytes) = hashed(&mut archive).map_err(TrainingError::Spool)?;
        // Whoever stops it now has it all the same.
        let _ = (self.progress)(1.0);
        Ok(Prepared {
            archive,
            size_bytes,
            sha256,
            pieces: pieces.len(),
            seconds,
            report: Report { files, pieces, seconds },
        })
    }
}

fn enough(path: &str, limits: &Limits) -> FileReport {
    let most = limits.total_seconds;
    let why =
        format!("There are {most:.0} s of other recordings already, the most that is taken; send only the best ones.");
    FileReport::refused(path, "enough", why)
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// A recording too short for a piece of its own.
struct Short {
    upload: Upload,
    recording: Recording,
    /// Where it lies in the medley.
    frames: Range<usize>,
}

/// The short recordings of one folder, one behind the other.
struct Medley {
    folder: String,
    sound: Sound,
    shorts: Vec<Short>,
}

impl Medley {
    fn new(folder: &str) -> io::Result<Self> {
        Ok(Self { folder: folder.to_owned(), sound: Sound::new()?, shorts: Vec::new() })
    }

    fn add(&mut self, mut short: Short) -> io::Result<()> {
        if !self.shorts.is_empty() {
            self.sound.push(&vec![0.0; JOIN_GAP * FRAME])?;
        }
        let Recording { sound, kept, figures, .. } = &short.recording;
        let mut samples = kept.read(sound, 0..kept.len())?;
        // Neighbours are equally loud: a limiter levels a piece as a whole only.
        let gain_db = figures.loudness_lufs.map_or(0.0, |loudness| (LOUDNESS_LUFS - loudness).min(MOST_GAIN_DB));
        let gain = 10f64.powf(gain_db / 20.0) as f32;
        samples.iter_mut().for_each(|sample| *sample *= gain);
        let start = self.sound.frames();
        self.sound.push(&samples)?;
        short.frames = start..self.sound.frames();
        // What it was read from is not needed any more, and may be large.
        short.recording.sound = Sound::new()?;
        self.shorts.push(short);
        Ok(())
    }
}

/// SHA-256 and size of a file, which is left at its beginning.
fn hashed(file: &mut File) -> io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut block = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            break;
        }
        hash.update(block.get(..read).unwrap_or_default());
        size += read as u64;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok((hex::encode(hash.finalize()), size))
}
