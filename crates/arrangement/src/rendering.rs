//! A score becomes sound.

use std::ops::ControlFlow;

use domain::{Failure, FailureClass, FailureCode};
use media::Master;
use music::{Score, analysis, score::Part};
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

/// One stem for each role that plays in a composed song. Of one that is sung the melody is left to the voice, but for solos and
/// breaks.
pub fn composed_stems(song: &ComposedSong, is_sung: bool) -> Vec<StemSpec> {
    let place = |(part, role): (&Part, &compose::Role)| match role {
        compose::Role::Melody if is_sung && part.name != compose::SOLO_PART => None,
        compose::Role::Melody => Some(0),
        compose::Role::Comping => Some(2),
        compose::Role::Bass => Some(3),
        compose::Role::Drums => Some(4),
        compose::Role::Pad => Some(5),
    };
    stems_at(&song.score, &song.score.parts.iter().zip(&song.part_roles).map(place).collect::<Vec<_>>())
}

/// The same for a band under a voice, whose lead answers the voice.
pub fn band_stems(score: &Score, roles: &[compose::Role]) -> Vec<StemSpec> {
    let place = |role: &compose::Role| match role {
        compose::Role::Melody => Some(1),
        compose::Role::Comping => Some(2),
        compose::Role::Bass => Some(3),
        compose::Role::Drums => Some(4),
        compose::Role::Pad => Some(5),
    };
    stems_at(score, &roles.iter().map(place).collect::<Vec<_>>())
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
    let master = under_voice(&band.master, voice)?;
    let report = RenderReport { loudness: master.loudness, ..band.report.clone() };
    Ok(Song { master, report })
}

/// Whatever plays with a voice over it. Blocking.
///
/// # Errors
/// As [`with_voice`].
pub fn under_voice(band: &Master, voice: &[f32]) -> Result<Master, Failure> {
    media::lay_over(band, voice, VOICE_OVER_BAND_LU, (LOUDNESS.lufs, LOUDNESS.max_dbtp))
        .map_err(|error| render_failure(&RenderError::Media(error)))
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

/// Longest song that can be rendered, in seconds; longer ones can be blended and kept in the catalogue.
pub const MOST_SECONDS: f64 = soundfont::MOST_SECONDS;

/// Whether a score can be rendered, as far as that shows before anything is done for it.
///
/// # Errors
/// `Caller` when it is longer than [`MOST_SECONDS`].
pub fn check(score: &Score) -> Result<(), Failure> {
    soundfont::check(score).map_err(|error| render_failure(&error))
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
    play(instruments, score, stems, rendering, None, progress)
}

/// The same, exactly `seconds` long, to the frame.
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
    play(instruments, score, stems, rendering, Some(seconds), progress)
}

fn play(
    instruments: &Instruments,
    score: &Score,
    stems: &[StemSpec],
    rendering: Rendering,
    length_seconds: Option<f64>,
    progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Song, Failure> {
    let settings = RenderSettings {
        keep_stems: rendering.keep_stems,
        threads: rendering.threads.max(1),
        target_lufs: LOUDNESS.lufs,
        max_dbtp: LOUDNESS.max_dbtp,
        length_seconds,
        ..RenderSettings::default()
    };
    soundfont::render(&RustySynth::new(instruments.clone()), score, stems, &settings, progress)
        .map_err(|error| render_failure(&error))
}

fn render_failure(error: &RenderError) -> Failure {
    let (class, code) = match error {
        RenderError::Font(soundfont::FontError::Rendering { .. })
        | RenderError::TooLong { .. }
        | RenderError::TooManyParts { .. } => (FailureClass::Caller, FailureCode::ImpossibleOptions),
        RenderError::Font(_) => (FailureClass::Config, FailureCode::ProviderConfig),
        RenderError::NoSuchPart { .. } => (FailureClass::Config, FailureCode::Internal),
        RenderError::Media(error) if error.is_retryable() => (FailureClass::Transient, FailureCode::AudioProcessing),
        RenderError::Media(_) => (FailureClass::Config, FailureCode::AudioProcessing),
        RenderError::Stopped => (FailureClass::Transient, FailureCode::StageTimeout),
    };
    Failure::new(class, code, error_chain(error))
}
