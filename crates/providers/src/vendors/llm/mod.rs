//! Lyrics by language models: Anthropic's Messages, and chat completions in OpenAI's form, as Ollama, vLLM and llama.cpp
//! speak them too.
//!
//! A model is told the melody as syllables and beats, line by line. What it answers is not believed: each line is counted
//! and held against its notes by the engine, those that do not fit are asked for again, and what then still does not fit the
//! engine mends or writes: to the figures that its own words are held to. Where that would be more than half of a song, it is no
//! song of the model's, and the next provider is asked.

mod answer;
mod anthropic;
mod asking;
mod dialect;
mod draft;
mod fault;
mod openai;
mod prompt;
mod said;
mod set_up;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{Failure, FailureClass};
use lyrics::{Lyrics, LyricsRequest, MissedGoal};
use music::Melody;
use resilience::Bulkhead;
use settings::{Vendor, VendorKind, usage};

use crate::{
    Abilities, SetupError,
    calls::ProviderCall,
    capability::{LyricsWriter, blocking, lyrics_failure},
    setup_check::SetupCheck,
    stop::Stop,
    vendors::VendorAccess,
};
use asking::Asking;
use draft::{Draft, Outcome};
use prompt::PROMPT_VERSION;

/// Calls for one text: the first, and one or two for the lines that did not fit.
const MOST_ROUNDS: u32 = usage::MOST_WORD_CALLS;
/// Longest that a vendor who takes no calls is waited for once words of its are paid for. Before that the chain waits.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Writes lyrics with the language model of one vendor. Deadlines are the chain's and the vendor's.
pub struct LlmWriter {
    asking: Arc<Asking>,
    abilities: Abilities,
    version: String,
}

impl LlmWriter {
    /// With the model, the key and the limits that the settings have for the vendor.
    ///
    /// # Errors
    /// When its address cannot be used.
    pub fn new(access: impl Into<VendorAccess>, vendor: &Vendor) -> Result<Self, SetupError> {
        let version = format!("{}/{}/{}/prompt {PROMPT_VERSION}", vendor.kind.as_str(), vendor.base_url, vendor.model);
        let abilities = Abilities { languages: vendor.languages.clone(), ..Abilities::default() };
        Ok(Self { asking: Arc::new(Asking::new(&access.into(), vendor)?), abilities, version })
    }

    /// Names what its words follow from beside the request: how it is spoken to and where, the model, and what it is told.
    pub fn version(&self) -> String {
        self.version.clone()
    }

    /// Calls at once; shared by all clones.
    pub fn slots(&self) -> &Bulkhead {
        self.asking.slots()
    }

    pub fn abilities(&self) -> Abilities {
        self.abilities.clone()
    }

    /// Whether its calls cost something, so that it is not asked for another take.
    pub fn is_paid(&self) -> bool {
        !self.asking.is_free()
    }

    /// Asks until all lines fit, or no call is left.
    async fn drafted(&self, draft: &mut Draft, request: &LyricsRequest, call: &ProviderCall<'_>) -> Result<(), Stop> {
        for round in 1..=MOST_ROUNDS {
            let open = draft.open();
            if open.is_empty() {
                break;
            }
            let prompt = prompt::written(draft, &open, request, round == 1);
            // Another seed is another take, whose calls are others.
            let purpose = format!("lyrics/{}/{round}", request.seed);
            let longest_rest = if round == 1 { Duration::ZERO } else { LONGEST_REST };
            let said = match self.asking.ask(call, &purpose, &prompt, longest_rest).await {
                Ok(said) => said,
                Err(stop) if round == 1 => return Err(stop),
                // The first words are there and paid for; whether they are enough is seen in the end.
                Err(stop) => return Err(after_the_first(stop)),
            };
            draft.take(&open, answer::read(&said));
            tracing::debug!(provider = &*call.provider, round, open = draft.open().len(), "lyrics were drafted");
        }
        Ok(())
    }
}

/// A call for some of the lines that failed is not made again: the chain would begin with the first one.
fn after_the_first(stop: Stop) -> Stop {
    match stop {
        Stop::Failed(failure) if failure.class.is_retryable() => Stop::GivenUp(failure),
        stop => stop,
    }
}

#[async_trait]
impl LyricsWriter for LlmWriter {
    async fn write(&self, melody: &Melody, request: &LyricsRequest, call: &ProviderCall<'_>) -> Result<Lyrics, Stop> {
        let mut draft = Draft::new(melody, request).map_err(|error| lyrics_failure(&error))?;
        let drafted = self.drafted(&mut draft, request, call).await;
        if !draft.has_lines() {
            drafted?;
            return Err(self.unfit(&draft.faults(), &[]));
        }
        let (melody, request) = (melody.clone(), request.clone());
        let faults = draft.faults();
        let fitted =
            blocking(move || draft.fitted(&melody, &request)).await?.map_err(|error| lyrics_failure(&error))?;
        match (fitted, drafted) {
            (Outcome::Fits(fitted), _) => {
                let (kept, mended, written) = (fitted.kept, fitted.mended, fitted.rewritten);
                tracing::info!(provider = &*call.provider, kept, mended, written, "lyrics were fitted to their melody");
                Ok(fitted.lyrics)
            }
            (Outcome::Unfit(_), Err(stop)) => Err(stop),
            (Outcome::Unfit(missed), Ok(())) => Err(self.unfit(&faults, &missed)),
        }
    }
}

impl LlmWriter {
    fn unfit(&self, faults: &str, missed: &[MissedGoal]) -> Stop {
        let missed: String = missed.iter().map(|missed| format!("; {missed}")).collect();
        let what = format!("wrote words that do not fit the melody: {faults}{missed}");
        Stop::GivenUp(self.asking.http().misbehaved(&what))
    }
}

#[async_trait]
impl SetupCheck for LlmWriter {
    fn provider(&self) -> &str {
        &self.asking.http().name
    }

    async fn check(&self) -> Result<(), Failure> {
        match self.asking.http().kind {
            VendorKind::Anthropic => set_up::anthropic(&self.asking).await,
            _ => set_up::openai(&self.asking).await,
        }
    }
}

/// What a stop of one call means for the writer. A refusal of the words ends the chain, however it was told. A request that
/// is refused as such is of our own making: nobody's options are wrong, and another writer may take it.
fn sorted(stop: Stop) -> Stop {
    match stop {
        Stop::GivenUp(failure) if failure.class == FailureClass::Content => Stop::Failed(failure),
        Stop::Failed(failure) if failure.class == FailureClass::Caller => Stop::GivenUp(failure),
        stop => stop,
    }
}
