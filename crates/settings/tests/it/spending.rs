//! What is limited has a price.

use crate::load::{env, keys, problems, with_env};

const HOUSE: (&str, &str) = ("DESCANT_SPENDING__MONTHLY_LIMIT", "50");
const USER: (&str, &str) = ("DESCANT_SPENDING__USER_MONTHLY_LIMIT", "5");
const ANTHROPIC: (&str, &str) = ("ANTHROPIC_API_KEY", "k");
const REPLICATE: (&str, &str) = ("REPLICATE_API_TOKEN", "k");
const ELEVENLABS: (&str, &str) = ("ELEVENLABS_API_KEY", "k");
const MODEL: [(&str, &str); 2] = [("ML_MODEL_URL", "http://localhost:8000"), ("ML_MODEL_API_KEY", "k")];

fn table(kind: &'static str) -> [(&'static str, &'static str); 2] {
    [("DESCANT_PROVIDERS__OURS__KIND", kind), ("DESCANT_PROVIDERS__OURS__BASE_URL", "http://localhost:1/v1")]
}

#[test]
fn a_limit_on_what_has_no_price_is_refused_with_the_keys_to_set() {
    let check = |variables: &[(&str, &str)], limit: &str, key: &str| {
        let found = problems(&env(variables));
        assert_eq!(keys(&found), [key], "{variables:?}");
        let told = found[0].to_string();
        assert!(told.contains(limit) && told.contains("price_per_call = 0"), "{told}");
    };
    let own = ("DESCANT_PROVIDERS__ANTHROPIC__MONTHLY_LIMIT", "5");
    let tokens = "providers.anthropic.price_per_million_output_tokens";
    check(&[ANTHROPIC, own], "providers.anthropic.monthly_limit is set", tokens);
    check(&[ANTHROPIC, HOUSE], "spending.monthly_limit is set", tokens);
    check(&[ANTHROPIC, USER], "spending.user_monthly_limit is set", tokens);
    check(&[REPLICATE, HOUSE], "spending.", "providers.replicate.price_per_compute_second");
    check(&[ELEVENLABS, HOUSE], "spending.", "providers.elevenlabs.price_per_audio_second");
    let of_machines = ("DESCANT_PROVIDERS__ANTHROPIC__PRICE_PER_COMPUTE_SECOND", "0.1");
    check(&[ANTHROPIC, HOUSE, of_machines], "spending.", tokens);
    for (kind, price) in [("speech", "price_per_audio_second"), ("expert", "price_per_call")] {
        let key = ("DESCANT_PROVIDERS__OURS__API_KEY", "k");
        check(&[&table(kind)[..], &[key, HOUSE]].concat(), "spending.", &format!("providers.ours.{price}"));
    }
    let own = ("DESCANT_PROVIDERS__ML_MODEL__MONTHLY_LIMIT", "5");
    check(&[&MODEL[..], &[own]].concat(), "providers.ml_model.monthly_limit", "providers.ml_model.price_per_call");
    let both = problems(&env(&[ANTHROPIC, ELEVENLABS, HOUSE]));
    assert_eq!(both.len(), 2, "all come at once: {both:?}");
    let account = ("DESCANT_PROVIDERS__REPLICATE__OWNER", "ours");
    let second = "providers.replicate.price_per_compute_second";
    check(&[&NO_SONGS[..], &[REPLICATE, HOUSE, account]].concat(), "spending.", second);
    check(&[&NO_SONGS[..], &[REPLICATE, HOUSE, BAND]].concat(), "spending.", second);
}

/// Nobody outside makes songs or sings.
const NO_SONGS: [(&str, &str); 2] =
    [("DESCANT_CAPABILITIES__COMPOSITIONS", "offline"), ("DESCANT_CAPABILITIES__VOCALS", "offline")];
const BAND: (&str, &str) = ("DESCANT_CAPABILITIES__ACCOMPANIMENT", "replicate,offline");

#[test]
fn who_is_asked_for_nothing_needs_no_price() {
    let own_words = ("DESCANT_CAPABILITIES__LYRICS", "offline");
    let own_blends = ("DESCANT_CAPABILITIES__BLENDS", "offline");
    let limit = ("DESCANT_PROVIDERS__ML_MODEL__MONTHLY_LIMIT", "5");
    for fine in [
        vec![ANTHROPIC, HOUSE, own_words],
        [&NO_SONGS[..], &[ELEVENLABS, HOUSE]].concat(),
        // Without an account it trains nothing, and it accompanies nobody unless it is told to.
        [&NO_SONGS[..], &[REPLICATE, USER]].concat(),
        [&MODEL[..], &[limit, own_blends]].concat(),
    ] {
        assert_eq!(with_env(&fine).vendors.len(), 1, "{fine:?}");
    }
}

#[test]
fn what_has_a_price_or_says_that_it_has_none_or_is_the_houses_own_is_limited_as_told() {
    let priced = |variable: &'static str, price: &'static str| [(variable, price), HOUSE, USER];
    let output = "DESCANT_PROVIDERS__ANTHROPIC__PRICE_PER_MILLION_OUTPUT_TOKENS";
    let free = ("DESCANT_PROVIDERS__REPLICATE__PRICE_PER_CALL", "0");
    for fine in [
        [&[ANTHROPIC][..], &priced(output, "5")].concat(),
        [&[ANTHROPIC][..], &priced(output, "0")].concat(),
        [&[ANTHROPIC][..], &priced("DESCANT_PROVIDERS__ANTHROPIC__PRICE_PER_CALL", "0.0")].concat(),
        vec![REPLICATE, free, HOUSE, ("DESCANT_PROVIDERS__REPLICATE__MONTHLY_LIMIT", "5")],
        vec![ELEVENLABS],
        [&table("speech")[..], &[HOUSE]].concat(),
        [&table("openai")[..], &[HOUSE, ("DESCANT_PROVIDERS__OURS__MONTHLY_LIMIT", "5")]].concat(),
        [&MODEL[..], &[HOUSE]].concat(),
    ] {
        assert_eq!(with_env(&fine).vendors.len(), 1, "{fine:?}");
    }
}
