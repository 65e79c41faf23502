//! What is spent with vendors, before and after.

use serde_json::json;

use crate::harness::Harness;

/// A vendor that is asked for nothing here.
const SONGS: [(&str, &str); 4] = [
    ("providers.elevenlabs.api_key", "a key"),
    ("providers.elevenlabs.base_url", "http://127.0.0.1:9"),
    ("providers.elevenlabs.price_per_audio_second", "0.01"),
    ("providers.elevenlabs.prices_as_of", "2026-11-01"),
];

#[tokio::test]
async fn a_job_has_a_price_before_it_is_asked_for() {
    let harness = Harness::with(&SONGS).await;
    let told = harness.ask("GET", "/api/v1/estimate?kind=composition&seconds=30", &[]).await.expect(200);
    let stage = json!({
        "stage": "composing",
        "capability": "compositions",
        "provider": "elevenlabs",
        "cost": { "amount": 0.3, "currency": "USD" },
        "pricesAsOf": "2026-11-01",
    });
    let total = json!([{ "amount": 0.3, "currency": "USD" }]);
    assert_eq!((&told["stages"], &told["total"]), (&json!([stage]), &total));
    assert_eq!(told["pricesAsOf"], "2026-11-01", "{told}");
    let blend = harness.ask("GET", "/api/v1/estimate?kind=blend", &[]).await.expect(200);
    assert_eq!((&blend["stages"], &blend["total"]), (&json!([]), &json!([])), "nobody is paid for it");
    let refused = async |query: &str, status: u16, code: &str| {
        harness.ask("GET", &format!("/api/v1/estimate?{query}"), &[]).await.problem(status, code);
    };
    refused("kind=opera", 400, "invalid_field").await;
    refused("seconds=30", 400, "invalid_field").await;
    refused("kind=blend&seconds=-1", 400, "invalid_field").await;
    refused("kind=composition&lengthMs=1", 400, "invalid_field").await;
    refused("kind=composition&colour=blue", 400, "invalid_body").await;
    refused("kind=composition&model=nobodys", 404, "model_unknown").await;
}

#[tokio::test]
async fn what_is_asked_for_decides_who_is_paid_for_what() {
    // Prices for each call: words take three, a voice as many as its words have parts.
    let more = [
        ("providers.anthropic.api_key", "a key"),
        ("providers.anthropic.price_per_call", "0.01"),
        ("providers.vendor.kind", "replicate"),
        ("providers.vendor.api_key", "a key"),
        ("providers.vendor.owner", "acme"),
        ("providers.vendor.price_per_call", "0.02"),
        ("capabilities.accompaniment", "vendor,offline"),
    ];
    let harness = Harness::with(&[&SONGS[..], &more].concat()).await;
    harness.add_model("drums").await;
    let check = async |query: &str, expected: &[(&str, &str, f64)], total: f64| {
        let told = harness.ask("GET", &format!("/api/v1/estimate?{query}"), &[]).await.expect(200);
        let stages = expected.iter().map(|(stage, provider, amount)| json!([stage, provider, amount]));
        let found = told["stages"].as_array().expect("stages").iter();
        let found = found.map(|found| json!([found["stage"], found["provider"], found["cost"]["amount"]]));
        assert_eq!(found.collect::<Vec<_>>(), stages.collect::<Vec<_>>(), "{query}");
        assert_eq!(told["total"][0]["amount"], total, "{query}");
    };
    // Sung elsewhere, to words that are written here.
    let elsewhere = [("composing", "elevenlabs", 0.3), ("composing", "anthropic", 0.03)];
    check("kind=composition&lengthMs=30000&instrumental=false", &elsewhere, 0.33).await;
    check("kind=composition&seconds=30&prompt=a+folk+song+with+vocals", &elsewhere, 0.33).await;
    check("kind=composition&lengthMs=30000&instrumental=true", &elsewhere[..1], 0.3).await;
    check("kind=composition&seconds=30&model=drums", &[("composing", "vendor", 0.02)], 0.02).await;
    // Nobody else plays and sings from a chart.
    let voice = [("words", "anthropic", 0.03), ("singing", "vendor", 0.04)];
    check("kind=composition&lengthMs=30000&instrumental=false&chords=%7C+C+%7C+G+%7C", &voice, 0.07).await;
    let sung = [("lyrics", "anthropic", 0.03), ("vocals", "vendor", 0.04)];
    check("kind=melody-to-vocals&seconds=30", &sung, 0.07).await;
    let with_band = [&[("arrangement", "vendor", 0.02)][..], &sung].concat();
    check("kind=melody-to-vocals&seconds=30&backing=band", &with_band, 0.09).await;
    check("kind=training&epochs=6", &[("training", "vendor", 0.02), ("trial", "vendor", 0.02)], 0.04).await;
}

#[tokio::test]
async fn what_was_spent_this_month_is_told() {
    let harness = Harness::with(&SONGS).await;
    let told = harness.ask("GET", "/api/v1/spending", &[]).await.expect(200);
    let month = harness.deps.clock.now().format("%Y-%m").to_string();
    assert_eq!((&told["month"], &told["spending"]), (&json!(month), &json!([])));
    let all = harness.ask("GET", "/api/v1/operator/spending", &[]).await.expect(200);
    assert_eq!(all["spending"], json!([]));
}
