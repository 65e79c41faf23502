//! Bark: words spoken, some thirteen seconds a call.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{Cost, Failure, FailureClass, FailureCode};
use serde_json::{Value, json};
use settings::usage;

use super::{
    composer::first,
    model_ref::ModelRef,
    predictions::{PredictionRequest, PredictionService},
};
use crate::{
    calls::{Call, ProviderCall},
    input::{AudioInput, ProgressSink},
    outside_service::OutsideService,
    recital::Reciter,
    stop::Stop,
};

/// How freely the model chooses, which is its own choice; the last digits carry the mark of the call.
const TEMPERATURE: f64 = 0.7;
/// Languages for which it has voices.
const LANGUAGES: [&str; 13] = ["de", "en", "es", "fr", "hi", "it", "ja", "ko", "pl", "pt", "ru", "tr", "zh"];
/// Its voice of a language that speaks most evenly.
const SPEAKER: &str = "speaker_6";

/// Speaks with Bark.
pub struct BarkReciter {
    predictions: Arc<PredictionService>,
    model: ModelRef,
    /// A preset, such as `en_speaker_1`; one of the text's language where it is `None`.
    voice: Option<String>,
    /// Longest text of one call, in characters.
    most_chars: usize,
}

impl BarkReciter {
    pub(super) const fn new(
        predictions: Arc<PredictionService>,
        model: ModelRef,
        voice: Option<String>,
        most_chars: usize,
    ) -> Self {
        Self { predictions, model, voice, most_chars }
    }

    /// Which version makes what.
    pub fn version(&self) -> String {
        self.model.to_string()
    }

    /// What a text costs, about.
    pub fn estimate(&self, text: &str) -> Option<Cost> {
        self.predictions.client().prices.cost(&usage::bark(text.chars().count() as f64))
    }

    fn input(&self, text: &str, language: &str) -> Value {
        json!({
            "prompt": plain(text),
            "history_prompt": self.preset(language),
            "text_temp": TEMPERATURE,
            "waveform_temp": TEMPERATURE,
            "output_full": false,
        })
    }

    fn preset(&self, language: &str) -> Option<String> {
        if let Some(voice) = &self.voice {
            return Some(voice.clone());
        }
        let tag = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        LANGUAGES.contains(&tag.as_str()).then(|| format!("{tag}_{SPEAKER}"))
    }
}

/// The words as they are spoken: without the signs by which the model laughs, sighs or sings a tune of its own.
fn plain(text: &str) -> String {
    let spoken: String = text.chars().map(|c| if matches!(c, '♪' | '[' | ']' | '…') { ' ' } else { c }).collect();
    spoken.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl Reciter for BarkReciter {
    fn most_chars(&self) -> usize {
        self.most_chars
    }

    /// Each request carries a mark of its own, and is another draw.
    fn varies(&self) -> bool {
        true
    }

    async fn recite(
        &self,
        text: &str,
        language: &str,
        purpose: &str,
        progress: &ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<AudioInput, Stop> {
        let chars = text.chars().count();
        let most = self.most_chars;
        if chars > most {
            let message = format!("Bark speaks {most} characters at once, and {chars} are asked for");
            return Err(Failure::new(FailureClass::Config, FailureCode::Internal, message).into());
        }
        let service = &*self.predictions;
        let request = PredictionRequest::new(&self.model, self.input(text, language)).to_json();
        let asked = Call {
            provider: &call.provider,
            credential: service.credential(),
            purpose,
            estimate: self.estimate(text),
            may_repeat: false,
        };
        let patience = call.patience(service.client().work_timeout);
        // Asking and looking are short, and bounded by themselves: the wait lies before them.
        call.slot.take_again(call.ends_at).await?;
        let answer = call.calls.ask(asked, patience, service, &request, progress).await?;
        first(answer.files, service.provider())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_the_model_acts_on_are_not_spoken() {
        let check = |text: &str, spoken: &str| assert_eq!(plain(text), spoken);
        check("♪ a paper boat ♪", "a paper boat");
        check("well… [laughs] yes\n", "well laughs yes");
        check("", "");
    }
}
