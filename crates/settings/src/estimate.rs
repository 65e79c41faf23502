//! What a job will cost, before it is asked for.

use domain::{Cost, Usage};

use crate::{
    Settings,
    vendors::{Vendor, VendorKind},
};

/// Of a vendor's meter for each step of learning, as the authors of MusicGen's fine-tuner tell of three times a hundred in a
/// quarter of an hour.
pub const SECONDS_PER_UPDATE: f64 = 3.0;
/// Steps of a training for which nobody says how many.
const USUAL_UPDATES: f64 = 300.0;

/// What one part of a job is expected to cost with the provider that is asked first for it, of those that can do it.
#[derive(Clone, PartialEq, Debug)]
pub struct Expected {
    /// As in the table `capabilities`.
    pub capability: &'static str,
    pub provider: String,
    /// `None` where nothing is charged for.
    pub cost: Option<Cost>,
    /// The day of the prices, as the operator wrote it.
    pub prices_as_of: String,
}

/// Whether a vendor of this kind can do a thing.
pub fn does(kind: VendorKind, capability: &str) -> bool {
    match kind {
        VendorKind::Anthropic | VendorKind::OpenAi => capability == "lyrics",
        VendorKind::ElevenLabs => capability == "compositions",
        VendorKind::Replicate => ["vocals", "compositions", "training"].contains(&capability),
        VendorKind::Speech => capability == "vocals",
        VendorKind::Expert => ["melody", "lyrics", "vocals", "compositions"].contains(&capability),
        VendorKind::MlModel => capability == "blends",
    }
}

/// What `seconds` of music usually take of a vendor. Rules of thumb, rounded up: a line of a song is some four seconds and
/// twelve tokens, asked for twice; Bark takes a machine about as long as it speaks, which is half of the song, MusicGen
/// twice as long as it plays; the trainer takes as long as what is set aside for it.
pub fn usual(kind: VendorKind, capability: &str, seconds: f64) -> Usage {
    let nothing = Usage::default();
    match (kind, capability) {
        (VendorKind::Anthropic | VendorKind::OpenAi, _) => Usage {
            input_tokens: (1_200.0 + 20.0 * seconds) as u64,
            output_tokens: (150.0 + 6.0 * seconds) as u64,
            ..nothing
        },
        (VendorKind::Replicate, "training") => Usage { compute_seconds: USUAL_UPDATES * SECONDS_PER_UPDATE, ..nothing },
        (VendorKind::Replicate, "vocals") => Usage { compute_seconds: 0.5 * seconds, ..nothing },
        (VendorKind::Replicate, _) => Usage { compute_seconds: 2.0 * seconds, ..nothing },
        (VendorKind::Speech, _) => Usage { audio_seconds: 0.5 * seconds, ..nothing },
        // Words, melodies and blends are no sound: they have a price for each call, if any.
        (VendorKind::Expert, "melody" | "lyrics") | (VendorKind::MlModel, _) => nothing,
        (VendorKind::ElevenLabs | VendorKind::Expert, _) => Usage { audio_seconds: seconds, ..nothing },
    }
}

/// Whether music of that length is asked of a vendor; of other capabilities the length is nothing of its own.
fn lasts(vendor: &Vendor, capability: &str, seconds: f64) -> bool {
    let (shortest, longest) = vendor.music_seconds();
    capability != "compositions" || (shortest..=longest).contains(&seconds)
}

impl Settings {
    /// Names of vendors that do something, in the order in which they are asked; what else there is (services of our own, the
    /// engine) costs nothing.
    pub fn asked_for(&self, capability: &str) -> Vec<&str> {
        match self.capabilities.of(capability) {
            Some(names) => names.iter().map(String::as_str).collect(),
            None => {
                // An expert makes songs only where a list names it.
                let is_asked =
                    |kind| does(kind, capability) && (kind != VendorKind::Expert || capability != "compositions");
                let does_it = self.vendors.iter().filter(|vendor| is_asked(vendor.kind));
                let mut names: Vec<_> = does_it.collect();
                // Those for money first.
                names.sort_by_key(|vendor| vendor.api_key.is_none());
                names.into_iter().map(|vendor| vendor.name.as_str()).collect()
            }
        }
    }

    /// What a job with so many seconds of music is expected to cost that asks for these capabilities, a part each; without those
    /// that no vendor is asked for.
    pub fn estimate(&self, capabilities: &[&'static str], seconds: f64) -> Vec<Expected> {
        capabilities.iter().filter_map(|capability| self.expected(capability, seconds)).collect()
    }

    fn expected(&self, capability: &'static str, seconds: f64) -> Option<Expected> {
        // Who is no vendor does it for nothing; who cannot is passed over, as when it is done.
        let named =
            |name: &str| self.vendors.iter().find(|vendor| vendor.name == name && does(vendor.kind, capability));
        let is_able = |vendor: &Option<&Vendor>| vendor.is_none_or(|vendor| lasts(vendor, capability, seconds));
        let vendor = self.asked_for(capability).into_iter().map(named).find(is_able)??;
        Some(Expected {
            capability,
            provider: vendor.name.clone(),
            cost: vendor.prices.cost(&usual(vendor.kind, capability, seconds)),
            prices_as_of: vendor.prices.as_of.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LoadOptions;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let env = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::load(&LoadOptions { env, ..LoadOptions::default() }).unwrap()
    }

    #[test]
    fn a_job_costs_what_those_who_are_asked_first_charge() {
        assert_eq!(settings(&[]).estimate(&["compositions"], 60.0), [], "the engine charges nothing");
        let keys = [
            ("ANTHROPIC_API_KEY", "k"),
            ("ELEVENLABS_API_KEY", "k"),
            ("DESCANT_PROVIDERS__ELEVENLABS__PRICE_PER_AUDIO_SECOND", "0.01"),
        ];
        let settings = settings(&keys);
        let song = settings.estimate(&["compositions"], 60.0);
        assert_eq!(song.len(), 1);
        assert_eq!(
            (song[0].provider.as_str(), song[0].cost.as_ref().map(|cost| cost.micros)),
            ("elevenlabs", Some(600_000))
        );
        let sung = settings.estimate(&["lyrics", "vocals"], 60.0);
        assert_eq!(
            sung.iter().map(|part| (part.capability, part.cost.clone())).collect::<Vec<_>>(),
            [("lyrics", None)]
        );
    }

    #[test]
    fn whoever_cannot_make_music_so_long_is_passed_over() {
        const LIST: &str = "DESCANT_CAPABILITIES__COMPOSITIONS";
        const LONGEST: &str = "DESCANT_PROVIDERS__REPLICATE__LONGEST_SECONDS";
        let both = [
            ("REPLICATE_API_TOKEN", "k"),
            ("DESCANT_PROVIDERS__REPLICATE__PRICE_PER_COMPUTE_SECOND", "0.001"),
            ("ELEVENLABS_API_KEY", "k"),
            ("DESCANT_PROVIDERS__ELEVENLABS__PRICE_PER_AUDIO_SECOND", "0.01"),
        ];
        let check = |more: &[(&str, &str)], seconds: f64, expected: Option<(&str, i64)>| {
            let song = settings(&[&both[..], more].concat()).estimate(&["compositions"], seconds);
            let told = |part: &Expected| (part.provider.clone(), part.cost.as_ref().map_or(0, |cost| cost.micros));
            let expected: Vec<_> = expected.into_iter().map(|(name, micros)| (name.to_owned(), micros)).collect();
            assert_eq!(song.iter().map(told).collect::<Vec<_>>(), expected, "{more:?} {seconds} s");
        };
        let vendors = [(LIST, "replicate,elevenlabs")];
        check(&vendors, 30.0, Some(("replicate", 60_000)));
        check(&vendors, 60.0, Some(("elevenlabs", 600_000)));
        check(&[vendors[0], (LONGEST, "120")], 60.0, Some(("replicate", 120_000)));
        check(&vendors, 900.0, None);
        let engine = [(LIST, "replicate,offline,elevenlabs")];
        check(&engine, 30.0, Some(("replicate", 60_000)));
        check(&engine, 60.0, None);
    }
}
