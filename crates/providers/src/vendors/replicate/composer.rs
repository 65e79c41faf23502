//! MusicGen: a sentence, and perhaps a melody, into some seconds of music in which nobody sings.

use std::sync::Arc;

use async_trait::async_trait;
use compose::Options;
use domain::{Cost, Failure, FailureClass, FailureCode};
use serde_json::{Value, json};
use settings::usage;

use super::{
    audio_in::WithAudio,
    model_ref::ModelRef,
    predictions::{PredictionRequest, PredictionService},
};
use crate::{
    abilities::Abilities,
    calls::{Call, ProviderCall},
    composing::{Composed, SongComposer, SongRequest},
    input::{AudioInput, no_progress},
    outside_service::OutsideService,
    stop::Stop,
};

/// Longest description that is sent, in characters. The model reads the first hundred words or so.
const MOST_PROMPT_CHARS: usize = 1000;
/// The input that takes a melody, as newer versions call it.
const MELODY: &str = "input_audio";

/// Composes with MusicGen, or with what was trained from it.
pub struct MusicGen {
    predictions: Arc<PredictionService>,
    model: ModelRef,
    /// Which of its sizes; its own choice, which follows melodies, where it is `None`.
    size: Option<String>,
    /// `wav` or `mp3`.
    format: &'static str,
    shortest_seconds: f64,
    longest_seconds: f64,
}

/// What of a vendor's settings is MusicGen's.
pub(super) struct MusicGenSettings {
    pub model: ModelRef,
    pub size: Option<String>,
    /// `wav` or `mp3`.
    pub format: &'static str,
    /// Shortest and longest.
    pub seconds: (f64, f64),
}

impl MusicGen {
    pub(super) fn new(predictions: Arc<PredictionService>, settings: MusicGenSettings) -> Self {
        let MusicGenSettings { model, size, format, seconds: (shortest_seconds, longest_seconds) } = settings;
        Self { predictions, model, size, format, shortest_seconds, longest_seconds }
    }

    pub fn abilities(&self) -> Abilities {
        Abilities {
            shortest_seconds: Some(self.shortest_seconds),
            longest_seconds: Some(self.longest_seconds),
            never_sings: true,
            ..Abilities::default()
        }
    }

    /// Which version makes what: equal ones make the like of the same, though not the same.
    pub fn version(&self) -> String {
        self.model.to_string()
    }

    /// What so many seconds of music cost, about.
    pub fn estimate(&self, seconds: f64) -> Option<Cost> {
        self.predictions.client().prices.cost(&usage::musicgen(seconds))
    }

    /// Music to a description, so long, that follows a melody where there is one: its tune in other instruments, not sung.
    ///
    /// # Errors
    /// What the vendor answers, or that it works on it.
    pub async fn play(
        &self,
        description: &str,
        seconds: f64,
        melody: Option<&AudioInput>,
        purpose: &str,
        call: &ProviderCall<'_>,
    ) -> Result<AudioInput, Stop> {
        let input = self.input(description, seconds, melody.is_some());
        let request = PredictionRequest::new(&self.model(call)?, input).to_json();
        let with_melody = melody.map(|melody| WithAudio::new(&self.predictions, MELODY, melody));
        let service: &dyn OutsideService = match &with_melody {
            Some(with_melody) => with_melody,
            None => &*self.predictions,
        };
        let asked = Call {
            provider: &call.provider,
            credential: service.credential(),
            purpose,
            estimate: self.estimate(seconds),
            may_repeat: false,
        };
        let patience = call.patience(self.predictions.client().work_timeout);
        let answer = call.calls.ask(asked, patience, service, &request, &no_progress()).await?;
        first(answer.files, service.provider())
    }

    fn model(&self, call: &ProviderCall<'_>) -> Result<ModelRef, Failure> {
        let Some(choice) = &call.model else { return Ok(self.model.clone()) };
        ModelRef::parse(&choice.version, &self.model).ok_or_else(|| {
            Failure::new(
                FailureClass::Config,
                FailureCode::ProviderConfig,
                format!("{} is had as {}, which is not the version of a model", choice.name, choice.version),
            )
        })
    }

    /// All that may be asked; a version takes of it what it knows. The seed is a place for the mark of the call.
    fn input(&self, description: &str, seconds: f64, has_melody: bool) -> Value {
        // Not every size follows a melody; its own choice does.
        let size = self.size.as_ref().filter(|size| !has_melody || size.contains("melody"));
        json!({
            "prompt": description,
            "duration": (seconds.clamp(self.shortest_seconds, self.longest_seconds)).round() as u64,
            "model_version": size,
            "output_format": self.format,
            "normalization_strategy": "loudness",
            "seed": 0,
        })
    }
}

/// The first file of an answer.
pub(super) fn first(files: Vec<AudioInput>, provider: &str) -> Result<AudioInput, Stop> {
    files.into_iter().next().ok_or_else(|| {
        let message = format!("{provider} answered without a file");
        Stop::GivenUp(Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, message))
    })
}

/// A description in the model's words: what the sentence says, and the options, which stand above it.
fn description(sentence: &str, options: &Options) -> String {
    let mut words = vec![sentence.split_whitespace().collect::<Vec<_>>().join(" ")];
    let style = options.genre.as_ref().map(ToString::to_string);
    words.extend(style.or_else(|| options.style.as_ref().map(ToString::to_string)));
    words.extend(options.mood.as_ref().map(ToString::to_string));
    words.extend(options.era.as_ref().map(ToString::to_string));
    words.extend(options.tempo_bpm.map(|bpm| format!("{bpm:.0} bpm")));
    words.extend(options.key.as_ref().map(|key| format!("in {key}")));
    words.extend(options.instruments.iter().map(ToString::to_string));
    words.extend(options.without_instruments.iter().map(|instrument| format!("no {instrument}")));
    words.extend(options.energy.map(|energy| if energy < 0.4 { "calm" } else { "energetic" }.to_owned()));
    described(words)
}

/// The same of words that are there already.
pub(super) fn described(mut words: Vec<String>) -> String {
    words.push("instrumental, no vocals".to_owned());
    words.retain(|word| !word.is_empty());
    words.join(", ").chars().take(MOST_PROMPT_CHARS).collect()
}

#[async_trait]
impl SongComposer for MusicGen {
    async fn compose(&self, request: &SongRequest<'_>, call: &ProviderCall<'_>) -> Result<Composed, Stop> {
        let SongRequest { sentence, options, .. } = *request;
        let seconds = options.seconds.or_else(|| compose::understand(sentence).seconds);
        let seconds = seconds.unwrap_or(self.longest_seconds).clamp(self.shortest_seconds, self.longest_seconds);
        self.play(&description(sentence, options), seconds, None, "compose", call).await.map(Composed::Sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_says_what_the_options_say() {
        let options =
            Options { mood: Some(compose::Mood::Calm), tempo_bpm: Some(92.0), energy: Some(0.2), ..Options::default() };
        let words = description("a  walk\nby the sea", &options);
        for word in ["a walk by the sea, ", "calm", "92 bpm", "no vocals"] {
            assert!(words.contains(word), "{words}");
        }
        let long = description(&"sea ".repeat(2000), &options);
        assert_eq!(long.chars().count(), MOST_PROMPT_CHARS);
    }
}
