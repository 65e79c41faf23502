//! What a job will cost, before it is asked for.

use domain::{Cost, Usage};

use crate::{Settings, vendors::VendorKind};

/// What one part of a job is expected to cost with the provider that is asked first for it.
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
    }
}

/// What `seconds` of music usually take of a vendor. Rules of thumb, rounded up: a line of a song is some four seconds and
/// twelve tokens, asked for twice; Bark takes a machine about as long as it speaks, which is half of the song, MusicGen
/// twice as long as it plays; the trainer needs some twenty minutes.
pub fn usual(kind: VendorKind, capability: &str, seconds: f64) -> Usage {
    let nothing = Usage::default();
    match (kind, capability) {
        (VendorKind::Anthropic | VendorKind::OpenAi, _) => Usage {
            input_tokens: (1_200.0 + 20.0 * seconds) as u64,
            output_tokens: (150.0 + 6.0 * seconds) as u64,
            ..nothing
        },
        (VendorKind::Replicate, "training") => Usage { compute_seconds: 1_200.0, ..nothing },
        (VendorKind::Replicate, "vocals") => Usage { compute_seconds: 0.5 * seconds, ..nothing },
        (VendorKind::Replicate, _) => Usage { compute_seconds: 2.0 * seconds, ..nothing },
        (VendorKind::Speech, _) => Usage { audio_seconds: 0.5 * seconds, ..nothing },
        // Its words and melodies are no sound: they have a price for each call, if any.
        (VendorKind::Expert, "melody" | "lyrics") => nothing,
        (VendorKind::ElevenLabs | VendorKind::Expert, _) => Usage { audio_seconds: seconds, ..nothing },
    }
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
        let first = *self.asked_for(capability).first()?;
        let vendor = self.vendors.iter().find(|vendor| vendor.name == first && does(vendor.kind, capability))?;
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
}
