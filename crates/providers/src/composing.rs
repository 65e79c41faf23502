//! A sentence made into a song: the capability, and the composer in this process.

use async_trait::async_trait;
use compose::{ComposeError, Composition, Effective, Options, Role, Section, Understanding};
use domain::{Failure, FailureClass, FailureCode};
use lyrics::Lyrics;
use music::{Melody, Score};
use serde::{Deserialize, Serialize};

use crate::{calls::ProviderCall, capability::blocking, content::ContentGate, input::AudioInput, stop::Stop};

/// A song in notes, with what it was made of.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ComposedSong {
    pub score: Score,
    /// The role of each part of the score.
    pub part_roles: Vec<Role>,
    /// Exact length, the sound of the last chord included.
    pub seconds: f64,
    pub effective: Effective,
    pub sections: Vec<Section>,
    pub chords: Vec<SongChord>,
    /// The melody as a voice sings it.
    pub melody: Melody,
    /// What was read in the sentence, and what was not.
    pub understanding: Understanding,
}

/// A chord of a song by name.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SongChord {
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub name: String,
}

impl ComposedSong {
    pub(crate) fn of(composition: Composition, understanding: Understanding) -> Self {
        let Composition { score, part_roles, seconds, effective, sections, chords, melody, lines: _ } = composition;
        let chords = chords
            .into_iter()
            .map(|chord| SongChord {
                start_seconds: chord.start_seconds,
                end_seconds: chord.end_seconds,
                name: chord.name,
            })
            .collect();
        Self { score, part_roles, seconds, effective, sections, chords, melody, understanding }
    }
}

/// What a composer delivers.
#[derive(Debug)]
pub enum Composed {
    /// Notes, which are played and sung here.
    Notes(Box<ComposedSong>),
    /// Finished sound, the voice in it where somebody was to sing: services compose, play and sing in one. In any of the formats
    /// of recordings; what it is, how long, and whether there is anything to be heard is found out by whoever asked.
    Sound(AudioInput),
    /// The same with what is known of it.
    SoundWithWords(Box<SungSound>),
}

/// Finished sound in which somebody sings.
#[derive(Debug)]
pub struct SungSound {
    pub sound: AudioInput,
    /// What whoever made it calls it.
    pub title: Option<String>,
    /// What is sung, line by line; empty where it is not known.
    pub lines: Vec<Vec<SungWord>>,
}

/// A word of a song, in seconds from its start.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SungWord {
    pub text: String,
    pub start_seconds: f64,
    pub end_seconds: f64,
}

/// What a song is asked for with.
#[derive(Clone, Copy)]
pub struct SongRequest<'a> {
    pub sentence: &'a str,
    /// They stand above what the sentence says, and say whether somebody sings.
    pub options: &'a Options,
    /// Judges words that a provider has written before they are paid for; `None` where nobody is to sing.
    pub content: Option<&'a ContentGate>,
    /// Who writes words for a song that a provider sings itself; the provider does where it is `None`.
    pub words: Option<&'a dyn SongWords>,
}

/// Has words written for a song of which the form and the melody are ours, and the sound somebody else's.
#[async_trait]
pub trait SongWords: Send + Sync {
    /// Words to the melody of a song that may be sung, in a part of the time that the call has; asked for through its log.
    ///
    /// # Errors
    /// Where nobody has written any; the provider may have words of its own.
    async fn write(&self, song: &ComposedSong, call: &ProviderCall<'_>) -> Result<Lyrics, Stop>;
}

impl<'a> SongRequest<'a> {
    pub const fn new(sentence: &'a str, options: &'a Options) -> Self {
        Self { sentence, options, content: None, words: None }
    }

    /// With words that have to be admitted.
    #[must_use]
    pub const fn judged_by(self, content: &'a ContentGate) -> Self {
        Self { content: Some(content), ..self }
    }

    /// With words that are written here.
    #[must_use]
    pub const fn with_words(self, words: Option<&'a dyn SongWords>) -> Self {
        Self { words, ..self }
    }
}

/// Makes a song of a sentence.
#[async_trait]
pub trait SongComposer: Send + Sync {
    async fn compose(&self, request: &SongRequest<'_>, call: &ProviderCall<'_>) -> Result<Composed, Stop>;
}

/// The composer in this process: some 50 ms for ten minutes of music.
pub struct OfflineComposer;

#[async_trait]
impl SongComposer for OfflineComposer {
    async fn compose(&self, request: &SongRequest<'_>, _call: &ProviderCall<'_>) -> Result<Composed, Stop> {
        let (understanding, options) = (compose::understand(request.sentence), request.options.clone());
        let composed = blocking(move || {
            let composition = compose::compose(&understanding, &options).map_err(|error| compose_failure(&error))?;
            Ok::<_, Failure>(Composed::Notes(Box::new(ComposedSong::of(composition, understanding))))
        });
        Ok(composed.await??)
    }
}

/// What it means for a job that no song can be made as asked.
pub fn compose_failure(error: &ComposeError) -> Failure {
    let (class, code) = if error.is_callers() {
        (FailureClass::Caller, FailureCode::ImpossibleOptions)
    } else {
        (FailureClass::Config, FailureCode::Internal)
    };
    Failure::new(class, code, error.to_string())
}
