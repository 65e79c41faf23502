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
    let part = json!({
        "capability": "compositions",
        "provider": "elevenlabs",
        "cost": { "amount": 0.3, "currency": "USD" },
        "pricesAsOf": "2026-11-01",
    });
    assert_eq!((&told["parts"], &told["total"]), (&json!([part]), &json!([{ "amount": 0.3, "currency": "USD" }])));
    let blend = harness.ask("GET", "/api/v1/estimate?kind=blend", &[]).await.expect(200);
    assert_eq!((&blend["parts"], &blend["total"]), (&json!([]), &json!([])), "nobody is paid for it");
    harness.ask("GET", "/api/v1/estimate?kind=opera", &[]).await.problem(400, "invalid_field");
    harness.ask("GET", "/api/v1/estimate?kind=blend&seconds=-1", &[]).await.problem(400, "invalid_field");
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
