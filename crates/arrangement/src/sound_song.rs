//! Songs that services deliver as finished sound: checked when they come, and brought to length and loudness like every other.

use std::{fs::File, ops::ControlFlow};

use domain::{Failure, FailureClass, FailureCode, audio::AudioFacts, kinds::composition::MOST_MS};
use media::{Bounds, Master};
use providers::AudioInput;
use serde::{Deserialize, Serialize};
use telemetry::error_chain;

use crate::{
    cover::cover_of_levels,
    flaws::Flaws,
    mastering::{RATE_HZ, mastered, of_media},
    report::SoundSummary,
    words::TimedLine,
};

/// A sound that is cut fades out over this much, in seconds: long enough not to click, short enough not to be a fade.
const FADE_SECONDS: f64 = 0.05;
/// Shorter than this share of the length that was asked for, and by more than so many seconds, it is another song than was asked
/// for.
const SHORTEST_SHARE: f64 = 0.8;
const SHORTER_SECONDS: f64 = 1.0;
/// Quieter on average than this, in dBFS, nothing is to be heard: what no gain makes a song of.
const SILENCE_DBFS: f64 = -60.0;
/// Further off than this the length is told of, in seconds: codecs add some thousandths.
const NEAR_SECONDS: f64 = 0.1;
/// Longest song.
const MOST_SECONDS: f64 = MOST_MS as f64 / 1000.0;
/// Columns of the cover.
const COLUMNS: usize = 71;

/// What is known of a song that came as sound.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SoundSong {
    pub title: String,
    /// As it was delivered, measured.
    pub seconds: f64,
    /// Of what its bytes are, whatever was said of them.
    pub media_type: String,
    /// What is sung, with its times; empty where nobody sings, or nobody has told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<TimedLine>,
    /// What is heard of it that should not be.
    #[serde(default, skip_serializing_if = "Flaws::is_none")]
    pub flaws: Flaws,
}

impl SoundSong {
    /// Measures what a service delivered, for `asked_seconds` where a length was asked for. Blocking: decodes all of it.
    ///
    /// # Errors
    /// `Transient`: with [`FailureCode::ProviderUnavailable`] as a fault of whoever sent it (no sound that can be decoded, silence,
    /// damage, far less than was asked for, or more than a song may last), with another for one of ours.
    pub fn check(sound: &AudioInput, title: String, asked_seconds: Option<f64>) -> Result<Self, Failure> {
        let facts = facts(sound, of_service)?;
        let seconds = facts.duration_seconds;
        let is_short = |asked: &f64| seconds < asked * SHORTEST_SHARE && asked - seconds > SHORTER_SECONDS;
        if let Some(asked) = asked_seconds.filter(is_short) {
            return Err(of_service(&format!("that lasts {seconds:.1} s, and {asked:.1} s were asked for")));
        }
        let flaws = Flaws::of(sound, &facts)?;
        Ok(Self { title, seconds, media_type: facts.format.media_type().to_owned(), lines: Vec::new(), flaws })
    }

    /// Why another take is better where one can be had: it is badly clipped, or silent for the most part.
    pub fn poor(&self) -> Option<Failure> {
        self.flaws.grave(self.seconds).map(|what| of_service(&what))
    }

    /// The same with what is sung, which was told beside the sound.
    #[must_use]
    pub fn with_lines(mut self, lines: Vec<TimedLine>) -> Self {
        // What lies behind its end is not heard.
        self.lines = lines.into_iter().filter(|line| line.start_seconds < self.seconds).collect();
        self
    }

    /// Brings it to the loudness of every song, and to its length in seconds where it is longer than asked for, or than any may be;
    /// what else was asked for and cannot be is told of, and what is wrong with it. Blocking; `progress` hears the share that is done, 0–1, and may stop the work.
    ///
    /// # Errors
    /// `Transient` when there is no room for temporary files or the work was stopped, `Config` when it no longer decodes.
    pub fn finished(
        &self,
        sound: File,
        asked_seconds: Option<f64>,
        asks_for_stems: bool,
        progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
    ) -> Result<FinishedSound, Failure> {
        let mut trim = Trim::new(self.seconds, asked_seconds.unwrap_or(MOST_SECONDS));
        let mut levels = vec![0.0_f32; COLUMNS];
        let master = mastered(sound, MOST_SECONDS, &mut |block| {
            let start = trim.at;
            let kept = trim.of(block);
            for (frame, pair) in (start..).zip(kept.chunks_exact(2)) {
                let column = (frame * COLUMNS as u64 / trim.expected.max(1)).min(COLUMNS as u64 - 1) as usize;
                levels[column] = levels[column].max(pair[0].abs()).max(pair[1].abs());
            }
            progress(trim.at as f64 / trim.expected.max(1) as f64)?;
            ControlFlow::Continue(kept)
        })?;
        let seconds = master.frames() as f64 / f64::from(RATE_HZ);
        let mut warnings = self.flaws.told(self.seconds);
        if let Some(asked) = asked_seconds.filter(|asked| asked - seconds > NEAR_SECONDS) {
            warnings.push(format!(
                "The song lasts {seconds:.2} s and not {asked:.2} s: the service that made it delivered no more."
            ));
        }
        if master.loudness.integrated_lufs.is_none() {
            warnings.push("Nothing is to be heard in the length that was asked for.".to_owned());
        }
        if asks_for_stems {
            warnings.push("There are no stems: the song was delivered as one sound.".to_owned());
        }
        Ok(FinishedSound { cover: cover_of_levels(&levels), warnings, master })
    }
}

/// A song that came as sound, ready to be written down.
pub struct FinishedSound {
    pub master: Master,
    /// As PNG.
    pub cover: Vec<u8>,
    /// How it is otherwise than asked.
    pub warnings: Vec<String>,
}

impl FinishedSound {
    /// No synthesizer, no font, no stems.
    pub fn summary(&self) -> SoundSummary {
        SoundSummary {
            duration_seconds: self.master.frames() as f64 / f64::from(RATE_HZ),
            loudness_lufs: self.master.loudness.integrated_lufs,
            true_peak_dbtp: self.master.loudness.true_peak_dbtp,
            stems: Vec::new(),
            renderer: None,
            font: None,
        }
    }
}

/// A length in frames.
pub fn frames(seconds: f64) -> u64 {
    (seconds * f64::from(RATE_HZ)).round() as u64
}

/// Cuts a sound at a length.
pub struct Trim {
    /// Frames that have come.
    at: u64,
    /// Frames that are kept.
    expected: u64,
    /// Whether there is more than that.
    cuts: bool,
}

impl Trim {
    fn new(seconds: f64, most_seconds: f64) -> Self {
        let (has, most) = (frames(seconds), frames(most_seconds));
        Self { at: 0, expected: most.min(has.max(1)), cuts: most < has }
    }

    /// Of a sound that ends there, or goes on.
    pub fn at(seconds: f64) -> Self {
        Self { at: 0, expected: frames(seconds), cuts: true }
    }

    /// Frames that were kept.
    pub const fn kept(&self) -> u64 {
        self.at
    }

    /// What is kept of the next piece.
    pub fn of(&mut self, block: &[f32]) -> Vec<f32> {
        // Without a cut a frame more or less of the resampler's is kept as it is.
        let left = if self.cuts { self.expected.saturating_sub(self.at) } else { u64::MAX };
        let frames = (block.len() as u64 / 2).min(left);
        let mut kept = block[..2 * frames as usize].to_vec();
        let fade = (FADE_SECONDS * f64::from(RATE_HZ)) as u64;
        if self.cuts {
            for (frame, pair) in (self.at..).zip(kept.chunks_exact_mut(2)) {
                let gain = (self.expected - frame).min(fade) as f32 / fade as f32;
                pair.iter_mut().for_each(|sample| *sample *= gain);
            }
        }
        self.at += frames;
        kept
    }
}

/// What is to be known of a sound that a service sent. `fault` makes a failure of what is wrong with it ("that is silent").
/// Blocking: decodes all of it.
///
/// # Errors
/// Those of `fault`, and `Transient` for faults of ours.
pub fn facts(sound: &AudioInput, fault: impl Fn(&str) -> Failure) -> Result<AudioFacts, Failure> {
    let bounds = Bounds::for_duration(MOST_SECONDS);
    let facts = media::inspect(sound.reopen()?, sound.size_bytes, &bounds).map_err(|error| match error {
        error if error.is_retryable() => of_media(&error),
        error => fault(&format!("that cannot be played: {}", error_chain(&error))),
    })?;
    if facts.peak_dbfs.is_none() || facts.mean_volume_dbfs.is_none_or(|mean| mean < SILENCE_DBFS) {
        return Err(fault("that is silent"));
    }
    if facts.absurd_samples {
        return Err(fault("that is damaged"));
    }
    Ok(facts)
}

fn of_service(what: &str) -> Failure {
    let message = format!("the service that composes sent a sound {what}");
    Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, message)
}
