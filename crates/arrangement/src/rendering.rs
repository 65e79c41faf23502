//! A score becomes sound.

use std::ops::ControlFlow;

use domain::{Failure, FailureClass, FailureCode};
use media::{MediaError, Multitrack};
use music::{Score, analysis};
use providers::{ComposedSong, LoudnessTarget};
use soundfont::{Instruments, RenderError, RenderReport, RenderSettings, RustySynth, Song, StemMix, StemSpec};
use telemetry::error_chain;

/// Loudness of every rendered song: what streaming services play at.
pub const LOUDNESS: LoudnessTarget = LoudnessTarget { lufs: -14.0, max_dbtp: -1.0 };

/// How a song is rendered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rendering {
    /// Whether stems are kept beside the mix.
    pub keep_stems: bool,
    pub threads: usize,
}

/// What is heard together: names, and how each is mixed; the order of [`stem_of`]'s answers.
const STEMS: [(&str, StemMix); 7] = [
    ("melody", StemMix::MELODY),
    ("counter-melody", StemMix::COUNTER_MELODY),
    ("chords", StemMix::CHORDS),
    ("bass", StemMix::BASS),
    ("drums", StemMix::DRUMS),
    ("pad", StemMix::PAD),
    ("effects", StemMix::PLAIN),
];

/// One stem for each role that has notes. Without roles, those that an analysis finds.
pub fn stems_of(score: &Score, roles: Option<&[blend::Role]>) -> Vec<StemSpec> {
    let places: Vec<Option<usize>> = match roles {
        Some(roles) => roles.iter().map(|role| Some(role.index())).collect(),
        None => analysis::analyse(score).parts.iter().map(|part| stem_of(part.role)).collect(),
    };
    stems_at(score, &places)
}

/// The same for a score whose parts have their places among [`STEMS`]; parts without one are not heard.
fn stems_at(score: &Score, places: &[Option<usize>]) -> Vec<StemSpec> {
    let stems = STEMS.iter().enumerate().map(|(stem, &(name, mix))| {
        let has_notes = |part: &usize| score.parts.get(*part).is_some_and(|part| !part.notes.is_empty());
        let parts = (0..places.len()).filter(|&part| places[part] == Some(stem)).filter(has_notes).collect();
        StemSpec { name: name.to_owned(), parts, mix }
    });
    stems.filter(|stem| !stem.parts.is_empty()).collect()
}

/// One stem for each role that plays in a composed song. Of one that is sung the melody is left to the voice.
pub fn composed_stems(song: &ComposedSong, is_sung: bool) -> Vec<StemSpec> {
    let place = |role: &compose::Role| match role {
        compose::Role::Melody if is_sung => None,
        compose::Role::Melody => Some(0),
        compose::Role::Comping => Some(2),
        compose::Role::Bass => Some(3),
        compose::Role::Drums => Some(4),
        compose::Role::Pad => Some(5),
    };
    stems_at(&song.score, &song.part_roles.iter().map(place).collect::<Vec<_>>())
}

/// What the voice is called among the stems, of which it is the first.
pub const VOICE: &str = "voice";
/// How far the voice stands above the band, in LU: the words stay clear, the band is a band.
const VOICE_OVER_BAND_LU: f64 = 5.0;

/// A rendered band with a voice over it. Blocking.
///
/// # Errors
/// `Transient` when there is no room for temporary files.
pub fn with_voice(band: &Song, voice: &[f32]) -> Result<Song, Failure> {
    let master = media::lay_over(&band.master, voice, VOICE_OVER_BAND_LU, (LOUDNESS.lufs, LOUDNESS.max_dbtp))
        .map_err(|error| render_failure(&RenderError::Media(error)))?;
    let report = RenderReport { loudness: master.loudness, ..band.report.clone() };
    Ok(Song { master, report })
}

const fn stem_of(role: analysis::Role) -> Option<usize> {
    match role {
        analysis::Role::Melody => Some(0),
        analysis::Role::CounterMelody => Some(1),
        analysis::Role::Chords => Some(2),
        analysis::Role::Bass => Some(3),
        analysis::Role::Drums => Some(4),
        analysis::Role::Pad => Some(5),
        analysis::Role::Effects => Some(6),
        analysis::Role::Silent => None,
    }
}

/// Renders a score. Blocking; `progress` hears the share that is done, 0–1, and may stop the work.
///
/// # Errors
/// `Config` when the sound font cannot be used, `Caller` when the song is too much for one rendering, `Transient` when
/// there is no room for temporary files or the work was stopped.
pub fn render(
    instruments: &Instruments,
    score: &Score,
    stems: &[StemSpec],
    rendering: Rendering,
    progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Song, Failure> {
    let settings = RenderSettings {
        keep_stems: rendering.keep_stems,
        threads: rendering.threads.max(1),
        target_lufs: LOUDNESS.lufs,
        max_dbtp: LOUDNESS.max_dbtp,
        ..RenderSettings::default()
    };
    soundfont::render(&RustySynth::new(instruments.clone()), score, stems, &settings, progress)
        .map_err(|error| render_failure(&error))
}

/// The same, exactly `seconds` long: what still sounds then is faded out, what has ended before is followed by silence.
///
/// # Errors
/// As [`render`].
pub fn render_exactly(
    instruments: &Instruments,
    score: &Score,
    stems: &[StemSpec],
    rendering: Rendering,
    seconds: f64,
    progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Song, Failure> {
    let song = render(instruments, score, stems, rendering, progress)?;
    fitted(song, seconds).map_err(|error| render_failure(&RenderError::Media(error)))
}

/// Over this much a sound is faded that goes on where it has to end.
const FADE_SECONDS: f64 = 0.03;

/// A song cut or filled up to a length, to the frame.
fn fitted(song: Song, seconds: f64) -> Result<Song, MediaError> {
    let Song { master, report } = song;
    let rate = f64::from(master.sample_rate_hz);
    let frames = (seconds * rate).round() as usize;
    let fade = (FADE_SECONDS * rate) as usize;
    let is_cut = master.frames() > frames as u64;
    let gain = |frame: usize| {
        let left = frames.saturating_sub(frame);
        if is_cut && left < fade { left as f32 / fade as f32 } else { 1.0 }
    };
    let mut tracks = Multitrack::new(master.sample_rate_hz, master.stems())?;
    let mut done = 0;
    master.each_together(|mix, stems| {
        let wanted = (frames - done).min(mix.len() / 2);
        let part = |sound: &[f32]| -> Vec<f32> {
            let pairs = sound.chunks_exact(2).take(wanted).enumerate();
            pairs.flat_map(|(at, pair)| [0, 1].map(|side| pair[side] * gain(done + at))).collect()
        };
        let stems: Vec<Vec<f32>> = stems.iter().map(|stem| part(stem)).collect();
        tracks.push(&part(mix), &stems)?;
        done += wanted;
        Ok::<_, MediaError>(())
    })?;
    while done < frames {
        let silence = vec![0.0; 2 * (frames - done).min(SILENT_FRAMES)];
        tracks.push(&silence, &vec![silence.clone(); master.stems()])?;
        done += silence.len() / 2;
    }
    let master = tracks.master(LOUDNESS.lufs, LOUDNESS.max_dbtp)?;
    let report = RenderReport { seconds: master.frames() as f64 / rate, loudness: master.loudness, ..report };
    Ok(Song { master, report })
}

/// Silence is written in such pieces.
const SILENT_FRAMES: usize = 4_096;

fn render_failure(error: &RenderError) -> Failure {
    let (class, code) = match error {
        RenderError::Font(soundfont::FontError::Rendering { .. }) | RenderError::TooManyParts { .. } => {
            (FailureClass::Caller, FailureCode::ImpossibleOptions)
        }
        RenderError::Font(_) => (FailureClass::Config, FailureCode::ProviderConfig),
        RenderError::NoSuchPart { .. } => (FailureClass::Config, FailureCode::Internal),
        RenderError::Media(error) if error.is_retryable() => (FailureClass::Transient, FailureCode::AudioProcessing),
        RenderError::Media(_) => (FailureClass::Config, FailureCode::AudioProcessing),
        RenderError::Stopped => (FailureClass::Transient, FailureCode::StageTimeout),
    };
    Failure::new(class, code, error_chain(error))
}
