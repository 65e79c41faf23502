//! What a job will cost, before it is asked for.

use domain::{Cost, Prices, Usage, options::Language};

use crate::{
    Settings,
    usage::{self, Calls},
    vendors::{Vendor, VendorKind},
};

/// Length of music where nobody says how long it is, in seconds.
pub const USUAL_SECONDS: f64 = 60.0;
/// The engine in this process, as lists name it.
const ENGINE: &str = "offline";
/// Another Descant of the house's own, by its address.
const EXPERT: &str = "expert";
/// Longest text that is recited in one call, whatever the vendor takes.
const RECITAL_MOST_CHARS: usize = 240;

/// Something that is done in a job, as far as it matters for who does it and what that costs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Wanted {
    /// The stage of the job.
    pub stage: &'static str,
    /// As in the table `capabilities`.
    pub capability: &'static str,
    /// Length of the music; of words and voices, of the song that they are for. Not given: as long as whoever makes it likes.
    pub seconds: Option<f64>,
    /// `None` for any.
    pub language: Option<Language>,
    /// Whether somebody has to sing in the music.
    pub is_sung: bool,
    /// Whether the music is played from a chord chart.
    pub has_chart: bool,
    /// Steps of a training.
    pub updates: u32,
    /// The provider of a model that is asked for by name: nobody else will do.
    pub only: Option<String>,
}

/// What one part of a job is expected to cost with the provider that is asked first for it, of those that can do it.
#[derive(Clone, PartialEq, Debug)]
pub struct Expected {
    /// The stage of the job.
    pub stage: &'static str,
    /// As in the table `capabilities`.
    pub capability: &'static str,
    pub provider: String,
    /// `None` where nothing is charged for.
    pub cost: Option<Cost>,
    /// The day of the prices, as the operator wrote it.
    pub prices_as_of: String,
}

/// Who is asked first for something.
#[derive(Clone, Copy, PartialEq, Debug)]
enum First<'a> {
    Vendor(&'a Vendor),
    /// A service of the house's own, or the engine: it costs nothing.
    Own(&'a str),
}

/// Whether vendors of this kind do a thing.
fn does(kind: VendorKind, capability: &str) -> bool {
    match kind {
        VendorKind::Anthropic | VendorKind::OpenAi => capability == "lyrics",
        VendorKind::ElevenLabs => capability == "compositions",
        VendorKind::Replicate => ["vocals", "accompaniment", "compositions", "training"].contains(&capability),
        VendorKind::Speech => capability == "vocals",
        VendorKind::Expert => ["melody", "lyrics", "vocals", "compositions"].contains(&capability),
        VendorKind::MlModel => ["blends", "playing"].contains(&capability),
    }
}

/// Whether it is done elsewhere only where a list says so: songs of another Descant come without their notes, and nobody's
/// music but the engine's is on the singer's beat.
fn only_where_listed(kind: VendorKind, capability: &str) -> bool {
    capability == "accompaniment" || (kind == VendorKind::Expert && capability == "compositions")
}

/// What it usually takes of a vendor.
fn usual(vendor: &Vendor, wanted: &Wanted) -> Calls {
    let is_music = matches!(wanted.capability, "compositions" | "accompaniment");
    let (shortest, longest) = vendor.music_seconds();
    let seconds = wanted.seconds.unwrap_or(USUAL_SECONDS);
    let seconds = if is_music { seconds.min(longest).max(shortest) } else { seconds };
    let of_sound = Usage { audio_seconds: seconds, ..Usage::default() };
    let most_chars = vendor.limits.text_chars.min(RECITAL_MOST_CHARS);
    match (vendor.kind, wanted.capability) {
        (VendorKind::Anthropic | VendorKind::OpenAi, _) => usage::words(seconds),
        (VendorKind::Replicate, "training") => Calls::one(usage::training(wanted.updates)),
        (VendorKind::Replicate, "vocals") => usage::recital(seconds, most_chars, usage::bark),
        (VendorKind::Replicate, _) => Calls::one(usage::musicgen(seconds)),
        (VendorKind::Speech, _) => usage::recital(seconds, most_chars, usage::speech),
        // Words, melodies and blends are no sound: they have a price for each call, if any.
        (VendorKind::Expert, "melody" | "lyrics") | (VendorKind::MlModel, _) => Calls::one(Usage::default()),
        (VendorKind::ElevenLabs | VendorKind::Expert, _) => Calls::one(of_sound),
    }
}

fn cost(prices: &Prices, calls: Calls) -> Option<Cost> {
    let Cost { micros, currency } = prices.cost(&calls.each)?;
    Some(Cost { micros: micros.saturating_mul(calls.count.into()), currency })
}

/// Whether it is asked of a vendor at all: what it cannot do it is passed over for.
fn can(vendor: &Vendor, wanted: &Wanted) -> bool {
    let kind = vendor.kind;
    let is_music = matches!(wanted.capability, "compositions" | "accompaniment");
    let (shortest, longest) = vendor.music_seconds();
    let lasts = wanted.seconds.is_none_or(|seconds| (shortest..=longest).contains(&seconds));
    // Voices that only speak know one language where nothing is said.
    let spoken: &[Language] = if kind == VendorKind::Speech { &[Language::English] } else { Language::ALL };
    let languages = vendor.languages.as_deref().unwrap_or(spoken);
    does(kind, wanted.capability)
        && (lasts || !is_music)
        && wanted.language.is_none_or(|language| languages.contains(&language))
        && !(wanted.is_sung && kind == VendorKind::Replicate)
        && !(wanted.has_chart && kind == VendorKind::ElevenLabs)
        && (wanted.capability != "training" || vendor.owner.is_some())
}

impl Settings {
    /// Names of those who are asked, in order. Where no list says so, services of our own and the engine come after them.
    fn asked_for(&self, capability: &str) -> Vec<&str> {
        if let Some(names) = self.capabilities.of(capability) {
            return names.iter().map(String::as_str).collect();
        }
        let is_asked = |kind| does(kind, capability) && !only_where_listed(kind, capability);
        let mut vendors: Vec<&Vendor> = self.vendors.iter().filter(|vendor| is_asked(vendor.kind)).collect();
        // Those for money first.
        vendors.sort_by_key(|vendor| vendor.api_key.is_none());
        let own = [EXPERT, ENGINE].into_iter().filter(|name| *name != EXPERT || is_asked(VendorKind::Expert));
        vendors.into_iter().map(|vendor| vendor.name.as_str()).chain(own).collect()
    }

    fn first_for(&self, wanted: &Wanted) -> Option<First<'_>> {
        let names = self.asked_for(wanted.capability).into_iter();
        let may = |name: &&str| wanted.only.as_deref().is_none_or(|only| only == *name);
        names.filter(may).find_map(|name| self.named(name, wanted))
    }

    /// Whoever goes by that name, if they can.
    fn named<'a>(&'a self, name: &'a str, wanted: &Wanted) -> Option<First<'a>> {
        if let Some(vendor) = self.vendors.iter().find(|vendor| vendor.name == name) {
            return can(vendor, wanted).then_some(First::Vendor(vendor));
        }
        // Nobody in this process trains.
        let is_there = match name {
            ENGINE => wanted.capability != "training",
            EXPERT => self.providers.expert_url.is_some() && does(VendorKind::Expert, wanted.capability),
            _ => false,
        };
        is_there.then_some(First::Own(name))
    }

    /// Whether it is done by the engine in this process, because nobody before it can.
    pub fn is_done_here(&self, wanted: &Wanted) -> bool {
        self.first_for(wanted) == Some(First::Own(ENGINE))
    }

    /// Whether a vendor sings it to words that are written here.
    pub fn is_sung_to_own_words(&self, wanted: &Wanted) -> bool {
        let first = self.first_for(wanted).filter(|_| wanted.is_sung);
        matches!(first, Some(First::Vendor(vendor)) if vendor.kind == VendorKind::ElevenLabs)
    }

    /// What parts of a job are expected to cost, each with whoever is asked first for it; without those that no vendor is asked
    /// for.
    pub fn estimate(&self, wanted: &[Wanted]) -> Vec<Expected> {
        wanted.iter().filter_map(|wanted| self.expected(wanted)).collect()
    }

    fn expected(&self, wanted: &Wanted) -> Option<Expected> {
        let First::Vendor(vendor) = self.first_for(wanted)? else { return None };
        Some(Expected {
            stage: wanted.stage,
            capability: wanted.capability,
            provider: vendor.name.clone(),
            cost: cost(&vendor.prices, usual(vendor, wanted)),
            prices_as_of: vendor.prices.as_of.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LoadOptions;

    const ELEVENLABS: [(&str, &str); 2] =
        [("ELEVENLABS_API_KEY", "k"), ("DESCANT_PROVIDERS__ELEVENLABS__PRICE_PER_AUDIO_SECOND", "0.01")];
    const REPLICATE: [(&str, &str); 2] =
        [("REPLICATE_API_TOKEN", "k"), ("DESCANT_PROVIDERS__REPLICATE__PRICE_PER_COMPUTE_SECOND", "0.001")];
    const COMPOSERS: &str = "DESCANT_CAPABILITIES__COMPOSITIONS";

    fn settings(groups: &[&[(&str, &str)]]) -> Settings {
        let pairs = groups.concat();
        let env = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::load(&LoadOptions { env, ..LoadOptions::default() }).unwrap()
    }

    fn part(capability: &'static str, seconds: f64) -> Wanted {
        Wanted { stage: "a stage", capability, seconds: Some(seconds), ..Wanted::default() }
    }

    /// Who is asked, and for how many millionths; none where no vendor is.
    fn check(settings: &Settings, wanted: Wanted, expected: Option<(&str, Option<i64>)>) {
        let told = settings.estimate(std::slice::from_ref(&wanted));
        let told = told.first().map(|part| (part.provider.as_str(), part.cost.as_ref().map(|cost| cost.micros)));
        assert_eq!(told, expected, "{wanted:?}");
    }

    #[test]
    fn a_job_costs_what_those_who_are_asked_first_charge() {
        check(&settings(&[]), part("compositions", 60.0), None);
        let settings = settings(&[&ELEVENLABS, &[("ANTHROPIC_API_KEY", "k")]]);
        check(&settings, part("compositions", 60.0), Some(("elevenlabs", Some(600_000))));
        check(&settings, part("lyrics", 60.0), Some(("anthropic", None)));
        check(&settings, part("vocals", 60.0), None);
        let charted = Wanted { has_chart: true, ..part("compositions", 60.0) };
        assert!(settings.is_done_here(&charted) && !settings.is_done_here(&part("compositions", 60.0)));
        check(&settings, charted, None);
    }

    #[test]
    fn whoever_cannot_make_music_so_long_is_passed_over() {
        const LONGEST: &str = "DESCANT_PROVIDERS__REPLICATE__LONGEST_SECONDS";
        let check = |more: &[(&str, &str)], seconds: Option<f64>, expected: Option<(&str, i64)>| {
            let wanted = Wanted { seconds, ..part("compositions", 0.0) };
            let expected = expected.map(|(name, micros)| (name, Some(micros)));
            check(&settings(&[&ELEVENLABS, &REPLICATE, more]), wanted, expected);
        };
        let vendors = [(COMPOSERS, "replicate,elevenlabs")];
        check(&vendors, Some(30.0), Some(("replicate", 70_000)));
        check(&vendors, Some(60.0), Some(("elevenlabs", 600_000)));
        check(&[vendors[0], (LONGEST, "120")], Some(60.0), Some(("replicate", 130_000)));
        check(&vendors, Some(900.0), None);
        check(&vendors, None, Some(("replicate", 70_000)));
        let engine = [(COMPOSERS, "replicate,offline,elevenlabs")];
        check(&engine, Some(30.0), Some(("replicate", 70_000)));
        check(&engine, Some(60.0), None);
    }

    #[test]
    fn whoever_cannot_sing_it_or_does_not_have_the_model_is_passed_over() {
        let both = settings(&[&ELEVENLABS, &REPLICATE, &[(COMPOSERS, "replicate,elevenlabs,offline")]]);
        let sung = Wanted { is_sung: true, ..part("compositions", 20.0) };
        check(&both, sung.clone(), Some(("elevenlabs", Some(200_000))));
        let of = |only: &str| Wanted { only: Some(only.to_owned()), ..part("compositions", 20.0) };
        check(&both, of("elevenlabs"), Some(("elevenlabs", Some(200_000))));
        check(&both, of("replicate"), Some(("replicate", Some(50_000))));
        assert!(both.is_sung_to_own_words(&sung) && !both.is_sung_to_own_words(&part("compositions", 20.0)));
        check(&both, Wanted { only: Some("replicate".to_owned()), ..sung.clone() }, None);
        assert!(!settings(&[&REPLICATE]).is_sung_to_own_words(&sung), "the engine sings it");
        assert!(!both.is_done_here(&of("nobody")));
    }

    #[test]
    fn words_and_voices_cost_by_the_line() {
        const PRICES: [(&str, &str); 4] = [
            ("ANTHROPIC_API_KEY", "k"),
            ("DESCANT_PROVIDERS__ANTHROPIC__PRICE_PER_MILLION_INPUT_TOKENS", "1"),
            ("DESCANT_PROVIDERS__ANTHROPIC__PRICE_PER_MILLION_OUTPUT_TOKENS", "5"),
            ("DESCANT_PROVIDERS__ANTHROPIC__PRICE_PER_CALL", "0.001"),
        ];
        // Three calls, each for fifteen lines.
        check(&settings(&[&PRICES]), part("lyrics", 60.0), Some(("anthropic", Some(3 * (1_000 + 875 + 5 * 135)))));
        // Three parts of 160 characters, each with what comes on top.
        let each = 5.0 + 2.0 * 160.0 / 14.0;
        let bark = Some(("replicate", Some(3 * (each * 1_000.0f64).ceil() as i64)));
        check(&settings(&[&REPLICATE]), part("vocals", 60.0), bark);
        let spanish = Wanted { language: Some(Language::Spanish), ..part("vocals", 60.0) };
        let speech = [
            ("DESCANT_PROVIDERS__KOKORO__KIND", "speech"),
            ("DESCANT_PROVIDERS__KOKORO__BASE_URL", "http://localhost:8880/v1"),
            ("DESCANT_PROVIDERS__KOKORO__PRICE_PER_AUDIO_SECOND", "0.01"),
        ];
        let speech = settings(&[&speech]);
        // 480 characters.
        check(&speech, part("vocals", 60.0), Some(("kokoro", Some(336_000))));
        check(&speech, spanish, None);
    }

    #[test]
    fn a_band_is_somebody_elses_only_where_a_list_says_so() {
        const LIST: (&str, &str) = ("DESCANT_CAPABILITIES__ACCOMPANIMENT", "replicate,offline");
        check(&settings(&[&REPLICATE]), part("accompaniment", 20.0), None);
        let listed = settings(&[&REPLICATE, &[LIST]]);
        check(&listed, part("accompaniment", 20.0), Some(("replicate", Some(50_000))));
        check(&listed, part("accompaniment", 40.0), None);
    }

    #[test]
    fn a_training_costs_by_its_steps_where_somebody_owns_what_is_trained() {
        let training = || Wanted { updates: 300, ..part("training", 0.0) };
        check(&settings(&[&REPLICATE]), training(), None);
        let owned = settings(&[&REPLICATE, &[("DESCANT_PROVIDERS__REPLICATE__OWNER", "acme")]]);
        check(&owned, training(), Some(("replicate", Some(900_000))));
        check(&owned, Wanted { updates: 600, ..training() }, Some(("replicate", Some(1_800_000))));
    }
}
