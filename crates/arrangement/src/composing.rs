//! A sentence becomes a song in notes.

use std::sync::Arc;

use compose::asked;
use domain::{
    Failure, FailureClass, FailureCode, InvalidField, SongOptions,
    kinds::composition::{CompositionOptions, CompositionRequest, SongTitle},
    kinds::melody_vocals::{Label, MelodyToVocalsRequest},
    prompt::Prompt,
};
use providers::{
    AudioInput, CallScope, Chain, Composed, ComposedSong, ContentGate, ModelChoice, Need, Provided, ProviderCall,
    SongComposer, SongRequest, SongWords, Stop, SungSound, blocking, compose_failure,
};

use crate::{
    sound_song::SoundSong,
    words::{lines_as_text, told_lines},
};

/// What a song is called that nobody has named, and of whose notes nothing is known.
const UNTITLED: &str = "Untitled";

/// A song that was composed.
#[derive(Debug)]
pub enum Made {
    Notes(Box<ComposedSong>),
    /// What a service delivered as sound, and what is known of that.
    Sound(SoundSong, AudioInput),
}

/// Who composes, and who judges the words that they write.
#[derive(Clone, Copy)]
pub struct Composers<'a> {
    pub chain: &'a Chain<dyn SongComposer>,
    pub content: &'a ContentGate,
    /// Who writes the words of a song that a service sings; the service does where it is `None`.
    pub words: Option<&'a dyn SongWords>,
}

/// Has a song composed by the first provider that can, under its name. What comes as sound is listened to before it counts as
/// made, and its words are read, so that the next provider is asked where there is nothing to be heard, or what must not be.
/// Where the words cannot be judged, nobody else is asked: the song may be paid for, and a later attempt has it again.
///
/// # Errors
/// `Caller` where no song can be made as asked; the moderator's failure; else what the chain answers.
pub async fn compose<'a>(
    composers: &Composers<'a>,
    scope: CallScope<'a>,
    request: &CompositionRequest,
) -> Result<Provided<Made>, Stop> {
    compose_with(composers, scope, request, None).await
}

/// The same with a model that was asked for by name: of whoever has it, and of nobody else.
///
/// # Errors
/// As [`compose`].
pub async fn compose_with<'a>(
    composers: &Composers<'a>,
    scope: CallScope<'a>,
    request: &CompositionRequest,
    model: Option<ModelChoice>,
) -> Result<Provided<Made>, Stop> {
    let options = asked::options(request).map_err(|InvalidField { field, detail }| {
        Failure::new(FailureClass::Caller, FailureCode::ImpossibleOptions, format!("{field}: {detail}"))
    })?;
    options.check().map_err(|error| compose_failure(&error))?;
    let content = composers.content;
    let asked = &SongRequest::new(request.prompt.as_str(), &options).judged_by(content).with_words(composers.words);
    let call = |composer: Arc<dyn SongComposer>, call: ProviderCall<'a>| async move {
        let may_be_poor = call.may_be_poor;
        let sung = match composer.compose(asked, &call).await? {
            Composed::Notes(mut song) => {
                song.score.title = title(request, &song);
                return Ok::<_, Stop>(Ok(Made::Notes(song)));
            }
            Composed::Sound(sound) => SungSound { sound, title: None, lines: Vec::new() },
            Composed::SoundWithWords(sung) => *sung,
        };
        // It was made already, and may have been paid for: whoever made it is not asked again, whatever is wrong with it.
        match admitted(content, &sung, &call).await {
            Ok(()) => {}
            // Of whoever made it this says nothing: for the chain, they have delivered.
            Err(Stop::NotAsked(failure)) => return Ok(Err(failure)),
            Err(stop) => return Err(Stop::GivenUp(stop.into_failure())),
        }
        heard(request, sung, may_be_poor).await.map(Ok)
    };
    let need = Need { model, takes_poor: true, ..composition_need(request) };
    let Provided { value, provider, is_paid, took } = composers.chain.call(scope, &need, call).await?;
    Ok(Provided { value: value?, provider, is_paid, took })
}

/// What a service has written is held against the same lists as what is written here.
async fn admitted(content: &ContentGate, sung: &SungSound, call: &ProviderCall<'_>) -> Result<(), Stop> {
    let text = lines_as_text(&told_lines(&sung.lines));
    let of_title = sung.title.as_deref().map(|title| ("title", title));
    let of_words = (!text.is_empty()).then_some(("text of the song", text.as_str()));
    let texts: Vec<(&str, &str)> = of_title.into_iter().chain(of_words).collect();
    if texts.is_empty() {
        return Ok(());
    }
    content.admit_of(&call.provider, &texts, call.remaining).await
}

/// Listens to what came as sound. Whoever sent what is no song, or a poor one while somebody else can make it, is not asked for it
/// again: that was paid for. Where nobody else can, a poor one is better than none.
async fn heard(request: &CompositionRequest, sung: SungSound, may_be_poor: bool) -> Result<Made, Stop> {
    let SungSound { sound, title, lines } = sung;
    let name = request.name.as_ref().map(|name| name.as_str().to_owned());
    let (name, asked) = (name.or(title).unwrap_or_else(|| UNTITLED.to_owned()), asked_seconds(request));
    let (song, sound) = blocking(move || (SoundSong::check(&sound, name, asked), sound)).await?;
    let song = song.map_err(|failure| match failure.code {
        FailureCode::ProviderUnavailable => Stop::GivenUp(failure),
        _ => Stop::Failed(failure),
    })?;
    if let Some(poor) = song.poor().filter(|_| !may_be_poor) {
        // By its code it is looked at again where nobody else makes one.
        return Err(Stop::GivenUp(Failure { code: FailureCode::QualityGate, ..poor }));
    }
    Ok(Made::Sound(song.with_lines(told_lines(&lines)), sound))
}

/// How long the song is to be, in seconds, as is said beside the sentence or in it.
pub fn asked_seconds(request: &CompositionRequest) -> Option<f64> {
    let of_field = request.options.length_ms.map(|length| f64::from(length) / 1000.0);
    of_field.or_else(|| compose::understand(request.prompt.as_str()).seconds)
}

/// What is asked of whoever composes; which model, only the registry knows.
pub fn composition_need(request: &CompositionRequest) -> Need {
    let CompositionOptions { language, .. } = &request.options;
    Need { seconds: asked_seconds(request), language: *language, is_sung: request.is_sung(), ..Need::default() }
}

/// Its name, or what it is.
fn title(request: &CompositionRequest, song: &ComposedSong) -> String {
    let described = || {
        let style = song.effective.style.name();
        let mut letters = style.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        format!("{first}{} in {}", letters.as_str(), song.effective.key)
    };
    request.name.as_ref().map_or_else(described, |name: &SongTitle| name.as_str().to_owned())
}

/// What the words and the voice of a song that is sung are asked for with.
///
/// # Errors
/// `Caller` for a prompt that no words can be written about.
pub fn vocals_request(request: &CompositionRequest, song: &ComposedSong) -> Result<MelodyToVocalsRequest, Failure> {
    let CompositionOptions { language, voice, .. } = &request.options;
    let about = |text: &str| Prompt::new(text).ok();
    let text = request.prompt.as_str();
    let prompt = about(beginning(text)).or_else(|| about(&format!("A song: {text}"))).ok_or_else(|| {
        Failure::new(FailureClass::Caller, FailureCode::ImpossibleOptions, "prompt: no words can be written about it")
    })?;
    let label = |word: &str| Label::new(word).ok();
    let options = SongOptions { language: language.unwrap_or_default(), voice: *voice, ..SongOptions::default() };
    let mood = song.effective.mood.and_then(|mood| label(mood.name()));
    Ok(MelodyToVocalsRequest { prompt, genre: label(song.effective.style.name()), mood, seed: request.seed, options })
}

/// What words are written about of a sentence: lyrics are asked for in 10 to 500 characters, music in 3 to 2000. Ends with a
/// whole word where there is one.
fn beginning(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(Prompt::MAX_CHARS) else { return text };
    let head = &text[..end];
    let is_whole = text[end..].starts_with(char::is_whitespace);
    let last_space = head.rfind(char::is_whitespace).filter(|_| !is_whole);
    head[..last_space.unwrap_or(end)].trim_end()
}

/// Says that the words of a song that is sung are about a part of a long sentence only.
pub(crate) fn words_warning(request: &CompositionRequest) -> Option<String> {
    let text = request.prompt.as_str();
    let kept = beginning(text);
    (request.is_sung() && kept.len() < text.len()).then(|| {
        let (kept, all) = (kept.chars().count(), text.chars().count());
        format!("the words are written about the first {kept} of the sentence's {all} characters; the music follows all of it")
    })
}
