//! Whom this service asks: the settings, as they read from where it stands. They are often those of the whole deployment, and
//! name the expert among the providers, which here would be this process, asking itself without end.

use settings::{CapabilitySettings, Settings, VendorKind};

/// The settings for the service's own chains. Experts are left out, whichever they are: of two that name each other neither
/// would ever answer. Where a list names one, the engine stands in its place, since that is what it is asked for.
pub fn of_this_service(settings: &Settings) -> Settings {
    let is_expert = |name: &String| {
        name == providers::expert::NAME
            || settings.vendors.iter().any(|vendor| vendor.kind == VendorKind::Expert && vendor.name == *name)
    };
    let with_the_engine = |names: &Vec<String>| {
        let mut list: Vec<String> = Vec::new();
        for name in names {
            let name = if is_expert(name) { providers::OFFLINE } else { name.as_str() };
            if !list.iter().any(|known| known == name) {
                list.push(name.to_owned());
            }
        }
        list
    };
    let lists = &settings.capabilities.0;
    let mut own = settings.clone();
    own.capabilities =
        CapabilitySettings(lists.iter().map(|(capability, names)| (*capability, with_the_engine(names))).collect());
    own.vendors.retain(|vendor| vendor.kind != VendorKind::Expert);
    own.providers.expert_url = None;
    // Whether an orchestrator falls back on an engine of its own says nothing about the one that is here.
    own.providers.offline_fallback = true;
    own
}

#[cfg(test)]
mod tests {
    use settings::LoadOptions;

    use super::*;

    #[test]
    fn experts_are_left_out_and_the_engine_stands_in_their_place() {
        let check = |list: &str, expected: &[&str]| {
            let variables = [
                ("EXPERT_MUSIC_AI_URL", "http://localhost:8003"),
                ("DESCANT_PROVIDERS__OFFLINE_FALLBACK", "false"),
                ("DESCANT_PROVIDERS__STUDIO__KIND", "expert"),
                ("DESCANT_PROVIDERS__STUDIO__BASE_URL", "http://localhost:8004"),
                ("DESCANT_PROVIDERS__ANTHROPIC__API_KEY", "a key"),
                ("DESCANT_CAPABILITIES__LYRICS", list),
            ];
            let env = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
            let settings = Settings::load(&LoadOptions { env, ..LoadOptions::default() }).unwrap();
            let own = of_this_service(&settings);
            assert_eq!(own.capabilities.of("lyrics").unwrap(), expected, "{list}");
            let vendors: Vec<&str> = own.vendors.iter().map(|vendor| vendor.name.as_str()).collect();
            assert_eq!((vendors, own.providers.expert_url), (vec!["anthropic"], None));
            assert!(own.providers.offline_fallback);
        };
        check("anthropic,expert", &["anthropic", "offline"]);
        check("studio,anthropic,expert", &["offline", "anthropic"]);
        check("expert", &["offline"]);
        check("anthropic", &["anthropic"]);
    }
}
