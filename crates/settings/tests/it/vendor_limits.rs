//! What vendors allow is said by the settings.

use std::time::Duration;

use settings::VendorKind;

use crate::load::{env, keys, problems, with_env};

#[test]
fn limits_of_vendors_are_settings_with_the_vendors_own_as_defaults() {
    const KEY: (&str, &str) = ("REPLICATE_API_TOKEN", "r8_key");
    let limits = |variables: &[(&str, &str)]| with_env(variables).vendors.remove(0).limits;
    assert_eq!(limits(&[KEY]), VendorKind::Replicate.limits());
    let given = limits(&[
        KEY,
        ("DESCANT_PROVIDERS__REPLICATE__MAX_TEXT_CHARS", "90"),
        ("DESCANT_PROVIDERS__REPLICATE__MIN_PART_MS", "5000"),
        ("DESCANT_PROVIDERS__REPLICATE__MAX_LOOK_MS", "1000"),
        ("DESCANT_PROVIDERS__REPLICATE__ARRIVAL_MS", "30000"),
    ]);
    assert_eq!((given.text_chars, given.plans.part_ms), (90, 5_000..=120_000));
    assert_eq!(given.work.looks, (Duration::from_secs(1), Duration::from_secs(1)));
    assert_eq!(given.work.arrival, Duration::from_secs(30));
    let check = |key: &str, value: &str, word: &str| {
        let variable = format!("DESCANT_PROVIDERS__REPLICATE__{}", key.to_ascii_uppercase());
        let found = problems(&env(&[KEY, (variable.as_str(), value)]));
        assert_eq!(keys(&found), [format!("providers.replicate.{key}")], "{value}");
        assert!(found[0].expected.contains(word), "{key}: {}", found[0].expected);
    };
    check("max_text_chars", "39", "from 40");
    check("max_parts", "0", "from 1");
    check("max_part_ms", "5999", "at least 6000");
    check("min_part_ms", "60001", "at least 120002");
    check("max_look_ms", "999", "at least 1000");
    check("min_training_look_ms", "60001", "at least 60001");
    check("arrival_ms", "29999", "from 30000");
}
