//! What is told of providers: who has done what of a job and what it cost, and whom an operator has to see to.

use domain::{Cost, Failure, FailureClass, FailureCode, OutsideCallId, StageName, Tried, Usage, kinds::melody_vocals};
use persistence::{Begun, BreakerRow, Checkpoint, KeptAnswer, NewCall, OutsideCallState, StageStart};
use resilience::ids::random10;
use serde_json::{Value, json};

use crate::harness::Harness;

const WRITING: StageName = melody_vocals::LYRICS;
const SINGING: StageName = melody_vocals::VOCALS;

#[tokio::test]
async fn a_job_tells_who_did_each_stage_who_was_asked_before_and_what_it_cost() {
    let harness = Harness::open().await;
    let id = harness.running_job().await;
    let (database, now) = (harness.deps.database().unwrap(), harness.deps.clock.now());
    let generation = database.jobs().get(id).await.unwrap().unwrap().generation;
    let (stages, calls) = (database.stages(), database.outside_calls());
    for (at, stage) in [WRITING, SINGING].into_iter().enumerate() {
        let at = now + chrono::TimeDelta::seconds(at as i64);
        assert_eq!(stages.start(id, generation, stage, 1, at).await.unwrap(), StageStart::Started);
    }
    let away = Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "kitchen did not answer");
    let tried = [Tried::passed_over("school", "it speaks no English".to_owned()), Tried::failed("kitchen", &away)];
    assert!(stages.note_tried(id, generation, WRITING, &tried).await.unwrap());
    let paid = async |stage: StageName, provider: &str, usage: Usage, micros: i64, currency: &str| {
        let call = OutsideCallId::new(now, random10());
        let new = NewCall::new(call, (id, generation), (stage, provider), (provider, "default"));
        assert!(matches!(calls.begin(&new, now).await.unwrap(), Begun::Fresh(_)));
        let cost = Cost { micros, currency: currency.to_owned() };
        let answer = KeptAnswer { value: json!("a secret text"), files: Vec::new() };
        let done = OutsideCallState::Succeeded;
        assert!(calls.answered(call, done, (&usage, Some(&cost)), Some(&answer), now).await.unwrap());
    };
    let read = |input_tokens, output_tokens| Usage { input_tokens, output_tokens, ..Usage::default() };
    paid(WRITING, "anthropic", read(900, 200), 1_900, "USD").await;
    paid(WRITING, "anthropic-again", read(100, 50), 600, "USD").await;
    paid(SINGING, "replicate", Usage { compute_seconds: 12.5, ..Usage::default() }, 12_500, "USD").await;
    paid(SINGING, "studio", Usage { audio_seconds: 30.0, ..Usage::default() }, 300_000, "EUR").await;
    let checkpoint = Checkpoint { provider: Some("anthropic".to_owned()), ..Checkpoint::default() };
    let end = now + chrono::TimeDelta::milliseconds(2_500);
    assert!(stages.finish(id, generation, WRITING, &checkpoint, end).await.unwrap());

    let job = harness.ask("GET", &format!("/api/v1/jobs/{id}"), &[]).await.expect(200);
    let writing = json!({
        "name": "lyrics", "state": "done", "provider": "anthropic", "seconds": 2.5,
        "tried": [
            { "provider": "school", "asked": false, "why": "it speaks no English" },
            { "provider": "kitchen", "asked": true, "errorCode": "provider_unavailable", "why": "kitchen did not answer" },
        ],
        "usage": { "inputTokens": 1000, "outputTokens": 250 },
        "cost": [{ "amount": 0.0025, "currency": "USD" }],
    });
    let singing = json!({
        "name": "vocals", "state": "running",
        "usage": { "computeSeconds": 12.5, "audioSeconds": 30.0 },
        "cost": [{ "amount": 0.3, "currency": "EUR" }, { "amount": 0.0125, "currency": "USD" }],
    });
    assert_eq!(job["stages"], json!([writing, singing]));
    let total = json!([{ "amount": 0.3, "currency": "EUR" }, { "amount": 0.015, "currency": "USD" }]);
    assert_eq!(job["cost"], total);
    assert!(!job.to_string().contains("secret"), "{job}");

    let waiting = harness.waiting_job(melody_vocals::NAME).await;
    let job = harness.ask("GET", &format!("/api/v1/jobs/{waiting}"), &[]).await.expect(200);
    let is_empty = |field: &str| job[field].as_array().is_none_or(Vec::is_empty);
    assert!(is_empty("stages") && is_empty("cost"), "nobody has done anything for it: {job}");
}

#[tokio::test]
async fn whom_an_operator_has_to_see_to_is_told_and_work_goes_on() {
    let harness = Harness::open().await;
    let ready = harness.ask("GET", "/api/health/ready", &[]).await.expect(200);
    assert_eq!(ready, json!({ "status": "ready" }));
    let row = |instance: &str, provider: &str, state: &str, problem: Option<&str>| BreakerRow {
        instance: instance.to_owned(),
        provider: provider.to_owned(),
        state: state.to_owned(),
        failures: 0,
        open_until: None,
        problem: problem.map(str::to_owned),
        held_since: None,
        updated_at: chrono::Utc::now(),
    };
    let why = "elevenlabs refused the key, the address or the model (401 invalid_api_key)";
    let rows = [
        row("one", "anthropic/lyrics", "CLOSED", None),
        row("one", "elevenlabs/compositions", "CLOSED", None),
        row("two", "elevenlabs/compositions", "OPEN", Some(why)),
    ];
    harness.deps.database().unwrap().breakers().report(&rows).await.unwrap();
    let held = json!({ "name": "elevenlabs/compositions", "breaker": "OPEN", "failures": 0, "problem": why });
    let ready = harness.ask("GET", "/api/health/ready", &[]).await.expect(200);
    assert_eq!(ready, json!({ "status": "ready", "problems": [held] }));
    let detailed = harness.ask("GET", "/api/health/detailed", &[]).await.expect(200);
    let well = json!({ "name": "anthropic/lyrics", "breaker": "CLOSED", "failures": 0 });
    assert_eq!((&detailed["healthy"], &detailed["providers"]), (&Value::Bool(true), &json!([well, held])));
}
