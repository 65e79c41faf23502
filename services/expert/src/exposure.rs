//! Whether strangers can spend money here.

use settings::Settings;

/// What an operator has to see to where whoever reaches this address has vendors work for money: it asks nobody for a key, and holds
/// no limits, which are kept where jobs are. `settings` are those of the service's own chains.
pub fn warning(settings: &Settings) -> Option<String> {
    let own = &settings.expert;
    if own.api_key.is_some() || own.host.is_loopback() {
        return None;
    }
    let paid = settings.vendors.iter().filter(|vendor| vendor.api_key.is_some() || !vendor.prices.is_free());
    let paid: Vec<&str> = paid.map(|vendor| vendor.name.as_str()).collect();
    let (host, paid) = (own.host, paid.join(", "));
    (!paid.is_empty()).then(|| {
        format!(
            "whoever reaches {host} has {paid} work for money: set expert.api_key (EXPERT_API_KEY), or expert.host to a loopback \
             address"
        )
    })
}

#[cfg(test)]
mod tests {
    use settings::LoadOptions;

    use super::*;

    #[test]
    fn vendors_for_money_behind_an_open_door_are_told_of() {
        const OPEN: (&str, &str) = ("DESCANT_EXPERT__HOST", "0.0.0.0");
        const VENDOR: (&str, &str) = ("ANTHROPIC_API_KEY", "k");
        const KEY: (&str, &str) = ("EXPERT_API_KEY", "0123456789abcdef");
        const OURS: [(&str, &str); 2] = [
            ("DESCANT_PROVIDERS__KOKORO__KIND", "speech"),
            ("DESCANT_PROVIDERS__KOKORO__BASE_URL", "http://localhost:8880/v1"),
        ];
        const PRICE: (&str, &str) = ("DESCANT_PROVIDERS__KOKORO__PRICE_PER_CALL", "0.1");
        let check = |variables: &[(&str, &str)], named: Option<&str>| {
            // Who listens for others has users; the expert has none all the same.
            let users = [("DESCANT_AUTH__SECRET", "0123456789abcdef0123456789abcdef")];
            let env = users.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            let settings = Settings::load(&LoadOptions { env: env.collect(), ..LoadOptions::default() }).unwrap();
            let told = warning(&settings);
            assert_eq!(told.is_some(), named.is_some(), "{variables:?}: {told:?}");
            assert!(told.is_none_or(|told| named.is_some_and(|name| told.contains(name))), "{variables:?}");
        };
        check(&[OPEN, VENDOR], Some("anthropic"));
        check(&[OPEN, OURS[0], OURS[1], PRICE], Some("kokoro"));
        check(&[OPEN, OURS[0], OURS[1]], None);
        check(&[OPEN], None);
        check(&[OPEN, VENDOR, KEY], None);
        check(&[VENDOR], None);
        check(&[("DESCANT_EXPERT__HOST", "::1"), VENDOR], None);
        check(&[("DESCANT_EXPERT__HOST", "::"), VENDOR], Some("anthropic"));
    }
}
