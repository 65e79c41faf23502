//! ElevenLabs Music: a song is planned here, part by part, and composed, played and sung there.
//!
//! Music is asked for with a plan and never with a prompt: only a plan takes a seed, and only a plan keeps our form, to the
//! millisecond. The words of a song that is sung are written here, to the melody that our own composer makes for that form, and
//! go into its parts as lines; where nobody has written any, the vendor is asked for a plan of the sentence first, which costs
//! nothing, and its lines go there. A song that is sung comes with the times of its words (`detailed`); one that is
//! not comes as it is made (`stream`). A suggestion in the place of a refused plan is told, never taken.

mod details;
mod form;
mod format;
mod lines;
mod plan;
mod song;

use async_trait::async_trait;
use compose::Options;
use domain::{Failure, FailureClass, FailureCode};
use resilience::Bulkhead;
use serde_json::{Value, json};
use settings::Vendor;

use self::{
    details::Details,
    format::OutputFormat,
    plan::{Draft, PlanVersion},
    song::{Order, usage},
};
use super::{KeyIn, VendorAccess, VendorHttp};
use crate::{
    SetupError,
    abilities::Abilities,
    calls::{Answer, Answered, Call, Make, ProviderCall},
    capability::blocking,
    composing::{Composed, SongComposer, SongRequest, SungSound, compose_failure},
    outside_service::CallError,
    setup_check::SetupCheck,
    stop::Stop,
};

const USUAL_FORMAT: &str = "mp3_44100_128";
/// Changes with what is asked of the vendor for the same sentence.
const PLANS: &str = "plans-2";
/// What the lines of a plan are called in a refusal.
const WORDS: &str = "the words of the song";
/// Most of an answer in JSON: a plan, or what is said of the account.
const MOST_JSON_BYTES: u64 = 1024 * 1024;

/// Composes with ElevenLabs Music.
pub struct ElevenLabs {
    http: VendorHttp,
    vendor: Vendor,
    format: OutputFormat,
}

impl ElevenLabs {
    /// # Errors
    /// When the vendor's address cannot be used, or its `format` is none that music comes as.
    pub fn new(access: impl Into<VendorAccess>, vendor: &Vendor) -> Result<Self, SetupError> {
        let name = vendor.format.as_deref().unwrap_or(USUAL_FORMAT);
        let format = OutputFormat::parse(name).ok_or_else(|| SetupError::Format {
            provider: vendor.name.clone(),
            format: name.to_owned(),
            expected: "auto, or such as mp3_44100_128, opus_48000_128 and pcm_44100",
        })?;
        let http = VendorHttp::new(&access.into(), vendor, KeyIn::Header("xi-api-key"))?;
        Ok(Self { http, vendor: vendor.clone(), format })
    }

    /// Of what it makes: the model, what it comes as, and how it is asked.
    pub fn version(&self) -> String {
        format!("{} {} {PLANS}", self.vendor.model, self.format.name)
    }

    /// Calls at once.
    pub fn slots(&self) -> Bulkhead {
        self.http.slots().clone()
    }

    pub fn abilities(&self) -> Abilities {
        let seconds = self.seconds();
        Abilities {
            shortest_seconds: Some(*seconds.start()),
            longest_seconds: Some(*seconds.end()),
            languages: self.vendor.languages.clone(),
            ..Abilities::default()
        }
    }

    fn seconds(&self) -> std::ops::RangeInclusive<f64> {
        let (shortest, longest) = self.vendor.music_seconds();
        shortest..=longest
    }

    /// What the song is to be.
    async fn draft(&self, sentence: &str, options: &Options) -> Result<Draft, Stop> {
        if options.chords.is_some() {
            return Err(self.not_asked("does not play from a chord chart"));
        }
        let (text, options, seconds) = (sentence.to_owned(), options.clone(), self.seconds());
        let (range, limits) = (seconds.clone(), self.vendor.limits.plans.clone());
        let draft = blocking(move || Draft::of(&text, &options, &range, &limits)).await?;
        let draft = draft.map_err(|error| compose_failure(&error))?;
        if !seconds.contains(&draft.seconds()) {
            let (least, most) = (seconds.start(), seconds.end());
            let asked = draft.seconds();
            return Err(self.not_asked(&format!("makes songs of {least} to {most} s, and {asked} s are asked for")));
        }
        Ok(draft)
    }

    /// A rule of the vendor's that the request would break: nothing is sent, and somebody else may do it.
    fn not_asked(&self, what: &str) -> Stop {
        let message = format!("{} {what}", self.http.name);
        Stop::NotAsked(Failure::new(FailureClass::Caller, FailureCode::ImpossibleOptions, message))
    }

    /// Which model composes, and the finetune of an account that was asked for by name.
    fn model<'a>(&'a self, call: &'a ProviderCall<'_>) -> (&'a str, Option<&'a str>) {
        match call.model.as_ref().map(|model| &*model.version) {
            Some(version) if version.starts_with("music_") => (version, None),
            finetune => (&self.vendor.model, finetune),
        }
    }

    /// The words of a song that is sung, part by part, of which none is one that must not be. They may cost something: there are none
    /// for a song that would not be asked for.
    async fn admitted_words(
        &self,
        request: &SongRequest<'_>,
        draft: &Draft,
        of: &Call<'_>,
        call: &ProviderCall<'_>,
    ) -> Result<Vec<Vec<String>>, Stop> {
        self.http.takes_calls()?;
        call.calls.may_cost(of.provider, of.estimate.as_ref()).await?;
        let lines = self.words(request, draft, call).await?;
        if let Some(content) = request.content {
            // Not paid for yet.
            let text = lines.iter().flatten().map(String::as_str).collect::<Vec<_>>().join("\n");
            content.admit_of(&self.http.name, &[(WORDS, &text)], call.remaining).await?;
        }
        Ok(lines)
    }

    /// The words of a song that is sung, part by part: written to the melody of our own song, where somebody is there to write
    /// them; else the vendor's.
    async fn words(
        &self,
        request: &SongRequest<'_>,
        draft: &Draft,
        call: &ProviderCall<'_>,
    ) -> Result<Vec<Vec<String>>, Stop> {
        let Some(words) = request.words else { return self.planned(request.sentence, draft, call).await };
        // Somebody else works now: the slot is taken again when the vendor is asked.
        call.slot.let_go();
        match words.write(&draft.song, call).await {
            Ok(written) => {
                let lines = draft.place(&written);
                if lines.iter().any(|lines| !lines.is_empty()) && draft.broken_rule(&lines).is_none() {
                    return Ok(lines);
                }
                tracing::warn!(provider = self.http.name, "words do not go into a plan, the vendor's are sung");
            }
            Err(Stop::Parked(parking)) => return Err(Stop::Parked(parking)),
            Err(stop) => {
                let code = stop.into_failure().code;
                tracing::warn!(provider = self.http.name, %code, "nobody has written words, the vendor's are sung");
            }
        }
        self.planned(request.sentence, draft, call).await
    }

    /// The words of a song that is sung, part by part: of a plan that the vendor writes about the sentence. Costs nothing.
    async fn planned(&self, sentence: &str, draft: &Draft, call: &ProviderCall<'_>) -> Result<Vec<Vec<String>>, Stop> {
        let (model, _) = self.model(call);
        let body = json!({
            "prompt": sentence,
            "music_length_ms": draft.ms(),
            "model_id": model,
            "source_composition_plan": draft.plan(PlanVersion::of_model(model), &[]),
        });
        let (http, slot, until) = (&self.http, call.slot.clone(), call.ends_at);
        let make: Make<'_> = Box::new(move |_| {
            Box::pin(async move {
                slot.take_again(until).await.map_err(CallError::Refused)?;
                let request = http.post("v1/music/plan", MOST_JSON_BYTES).json(&body);
                let answer = http.paid_to_plan(request, &body["source_composition_plan"]).await?;
                let value: Value = http.json_of_paid(answer, Default::default).await?;
                Ok(Answered { value, ..Answered::default() })
            })
        });
        let of =
            Call { provider: &call.provider, credential: "default", purpose: "plan", estimate: None, may_repeat: true };
        let answer = call.calls.once(of, make).await?;
        let lines = draft.deal(&answer.value);
        if lines.iter().all(Vec::is_empty) {
            // Not paid for yet: without words nobody would sing.
            return Err(Stop::GivenUp(self.http.misbehaved("wrote no words for a song that is to be sung")));
        }
        Ok(lines)
    }

    /// As what the song is asked for.
    fn of_song<'c>(&self, draft: &Draft, call: &'c ProviderCall<'_>) -> Call<'c> {
        Call {
            provider: &call.provider,
            credential: "default",
            purpose: "song",
            estimate: self.vendor.prices.cost(&usage(draft.seconds())),
            may_repeat: false,
        }
    }

    /// The song itself, which is paid for.
    async fn song(
        &self,
        draft: &Draft,
        lines: &[Vec<String>],
        seed: u64,
        of: Call<'_>,
        call: &ProviderCall<'_>,
    ) -> Result<Answer, Stop> {
        if let Some(rule) = draft.broken_rule(lines) {
            return Err(self.not_asked(&format!("would not take the plan: {rule}")));
        }
        let (model, finetune) = self.model(call);
        let version = PlanVersion::of_model(model);
        let mut body = json!({
            "composition_plan": draft.plan(version, lines),
            "model_id": model,
            "seed": seed % self.vendor.limits.plans.seed.saturating_add(1),
        });
        if version == PlanVersion::Sections {
            // Later models always do.
            body["respect_sections_durations"] = json!(true);
        }
        if let Some(finetune) = finetune {
            body["finetune_id"] = json!(finetune);
        }
        if draft.is_sung {
            body["with_timestamps"] = json!(true);
        }
        let order = Order {
            http: self.http.clone(),
            format: self.format.clone(),
            prices: self.vendor.prices.clone(),
            body,
            lines: lines.to_vec(),
            seconds: draft.seconds(),
            is_sung: draft.is_sung,
        };
        call.paid_once(of, Box::new(move |id| Box::pin(order.make(id)))).await
    }
}

#[async_trait]
impl SongComposer for ElevenLabs {
    async fn compose(&self, request: &SongRequest<'_>, call: &ProviderCall<'_>) -> Result<Composed, Stop> {
        let SongRequest { sentence, options, .. } = *request;
        let draft = self.draft(sentence, options).await?;
        let of = self.of_song(&draft, call);
        // A song that was paid for has its words.
        let before = if draft.is_sung { call.calls.asked_before(&of).await? } else { None };
        let Answer { value, files } = if let Some(answer) = before {
            answer
        } else {
            let lines = if draft.is_sung { self.admitted_words(request, &draft, &of, call).await? } else { Vec::new() };
            self.song(&draft, &lines, options.seed, of, call).await?
        };
        let sound = files.into_iter().next().ok_or_else(|| Stop::GivenUp(self.http.misbehaved("sent no sound")))?;
        if !draft.is_sung {
            return Ok(Composed::Sound(sound));
        }
        let Details { title, lines } = serde_json::from_value(value["details"].clone()).unwrap_or_default();
        Ok(Composed::SoundWithWords(Box::new(SungSound { sound, title, lines })))
    }
}

#[async_trait]
impl SetupCheck for ElevenLabs {
    fn provider(&self) -> &str {
        &self.http.name
    }

    /// Asks for the account, which costs nothing: a key that the vendor does not know is seen, credits that are used up, and a
    /// format that the account is not subscribed to. A key that may compose and not look at its account is a good key.
    async fn check(&self) -> Result<(), Failure> {
        let asked = self.http.free(self.http.get("v1/user/subscription", MOST_JSON_BYTES)).await;
        let answer = match asked {
            Err(failure) if failure.message.contains("missing_permissions") => return Ok(()),
            asked => asked?,
        };
        let account: Value = answer.json().await.map_err(|error| self.http.trouble(&error))?;
        let used_up = match (account["character_count"].as_i64(), account["character_limit"].as_i64()) {
            (Some(used), Some(limit)) => used >= limit && account["can_extend_character_limit"] != true,
            _ => false,
        };
        if used_up {
            let message = format!("{} has no credit left for this key", self.http.name);
            return Err(Failure::new(FailureClass::Money, FailureCode::ProviderQuota, message));
        }
        let tier = account["tier"].as_str().unwrap_or_default();
        if let Some(least) = self.format.larger_tier(tier) {
            let message = format!(
                "{} sends {} to subscriptions from {least} on, and the account has {tier}: another format is needed",
                self.http.name, self.format.name
            );
            return Err(Failure::new(FailureClass::Config, FailureCode::ProviderConfig, message));
        }
        Ok(())
    }
}
