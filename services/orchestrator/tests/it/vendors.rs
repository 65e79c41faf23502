//! Songs by a vendor that works, fails, loses answers or costs too much: who makes them, what is paid, and what is told.

use chrono::{DateTime, TimeDelta, Utc};
use compose::asked;
use contracts::v1;
use domain::{
    FailureCode, JobId, JobState, Tried,
    kinds::composition::{self, CompositionRequest},
};
use persistence::{Authority, BreakerRow, OutsideCallState, Patch, Reported};
use serde_json::json;
use vendor_standins::{Fault, Pace, Retry, Route, Run, Step, Vendor, Vendors};

use crate::harness::{Harness, School};

const STAND_IN: &str = "elevenlabs";
/// For each second of sound; the song has five.
const PRICE: &str = "0.02";

/// A house in which songs are made by the stand-in, else by the engine.
async fn house(vendors: &Vendors, key: &'static str, more: &[(&'static str, &'static str)]) -> Harness {
    let url: &'static str = vendors.url_of(Vendor::ElevenLabs).leak();
    let mut settings = vec![
        ("providers.elevenlabs.api_key", key),
        ("providers.elevenlabs.base_url", url),
        ("providers.elevenlabs.price_per_audio_second", PRICE),
        ("providers.elevenlabs.prices_as_of", "2026-11-01"),
    ];
    settings.extend(more);
    Harness::with(&settings).await
}

async fn song(harness: &Harness, prompt: &'static str) -> JobId {
    song_until(harness, prompt, None).await
}

async fn song_until(harness: &Harness, prompt: &'static str, deadline_at: Option<DateTime<Utc>>) -> JobId {
    let fields = [("prompt", prompt), ("lengthMs", "5000"), ("instrumental", "true")];
    let field = |name: &str| fields.iter().find(|(field, _)| *field == name).map(|(_, text)| *text);
    let request = asked::settled(CompositionRequest::read(field, 7).unwrap()).unwrap();
    harness.submit_job(composition::NAME, json!(request), deadline_at).await
}

/// Who composed a finished song, and who was tried before.
async fn made_by(harness: &Harness, id: JobId) -> (String, Vec<Tried>) {
    harness.until_state(id, JobState::Completed).await;
    let stages = harness.database.stages().list(id).await.unwrap();
    let composing = stages.into_iter().find(|stage| stage.name == composition::COMPOSING.as_str()).unwrap();
    // The harness has a composer of its own, who makes nothing without being told to.
    let tried = composing.tried.into_iter().filter(|tried| tried.provider != School::NAME).collect();
    (composing.checkpoint.unwrap().provider.unwrap(), tried)
}

/// How far the calls of a job are, in the order of their words: those of one moment have no other.
async fn states(harness: &Harness, id: JobId) -> Vec<OutsideCallState> {
    let mut states = harness.call_states(id).await;
    states.sort_by_key(|state| state.as_str());
    states
}

/// Millionths that a house has spent this month, and those that are set aside.
async fn spent(harness: &Harness) -> (i64, i64) {
    let lines = harness.database.spending().of_month(harness.now()).await.unwrap();
    let house = lines.iter().find(|line| line.scope == "house");
    house.map_or((0, 0), |line| (line.spent_micros, line.reserved_micros))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_song_by_a_vendor_is_paid_for_once_and_its_cost_is_known() {
    let vendors = Vendors::start().await;
    let harness = house(&vendors, "a key", &[]).await;
    let running = harness.start();
    let id = song(&harness, "a calm waltz about rain").await;
    assert_eq!(made_by(&harness, id).await, (STAND_IN.to_owned(), vec![]));
    let calls = harness.calls(id).await;
    assert_eq!(calls.iter().map(|call| call.state).collect::<Vec<_>>(), [OutsideCallState::Succeeded]);
    assert_eq!(calls[0].cost.as_ref().map(|cost| cost.micros), Some(100_000));
    assert_eq!(spent(&harness).await, (100_000, 0));
    let charged: Vec<Option<String>> = vendors.ledger().into_iter().map(|charge| charge.request_id).collect();
    assert_eq!(charged, [Some(calls[0].correlation.clone())], "the vendor is told the id of the row");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_have_been_paid_is_not_asked_again_and_the_engine_makes_the_song() {
    let vendors = Vendors::start().await;
    let harness = house(&vendors, "a key", &[]).await;
    vendors.script(Vendor::ElevenLabs, Route::MusicStream, [Step::Reset { after_work: true }]);
    let running = harness.start();
    let id = song(&harness, "a slow song about old maps").await;
    let (by, tried) = made_by(&harness, id).await;
    assert_eq!((by.as_str(), tried.len(), tried[0].provider.as_str()), ("offline", 1, STAND_IN));
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Unanswered]);
    assert!(vendors.paid_twice().is_empty() && vendors.ledger().len() == 1, "{:?}", vendors.ledger());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_go_beyond_a_limit_is_not_asked_for() {
    let vendors = Vendors::start().await;
    let harness = house(&vendors, "a key", &[("providers.elevenlabs.monthly_limit", "0.15")]).await;
    let running = harness.start();
    let first = song(&harness, "a march about bread").await;
    assert_eq!(made_by(&harness, first).await.0, STAND_IN);
    let second = song(&harness, "a march about cheese").await;
    let (by, tried) = made_by(&harness, second).await;
    assert_eq!(by, "offline");
    assert!(tried[0].why.contains("monthly limit"), "{tried:?}");
    assert_eq!((vendors.ledger().len(), spent(&harness).await), (1, (100_000, 0)));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_without_credit_is_left_alone_by_everybody() {
    let vendors = Vendors::start().await;
    let fault = Step::Fail { fault: Fault::QuotaExceeded, retry: Retry::Absent, after_work: false };
    let harness = house(&vendors, "a key", &[]).await;
    vendors.script(Vendor::ElevenLabs, Route::MusicStream, [fault]);
    let running = harness.start();
    let first = song(&harness, "a song about the first snow").await;
    let (by, tried) = made_by(&harness, first).await;
    assert_eq!((by.as_str(), tried[0].class), ("offline", Some(domain::FailureClass::Money)));
    let asked = vendors.asked(Vendor::ElevenLabs, Route::MusicStream);
    let second = song(&harness, "a song about the last snow").await;
    assert_eq!(made_by(&harness, second).await.0, "offline");
    assert_eq!(vendors.asked(Vendor::ElevenLabs, Route::MusicStream), asked, "it is not asked");
    let told = async || {
        let rows = harness.database.breakers().current(harness.now()).await.unwrap();
        rows.into_iter().any(|row| row.provider.starts_with("elevenlabs/") && row.problem.is_some())
    };
    let until = std::time::Instant::now() + crate::harness::PATIENCE;
    while !told().await {
        assert!(std::time::Instant::now() < until, "the operator is not told");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_at_the_start_and_songs_are_made_all_the_same() {
    let vendors = Vendors::start().await;
    let harness = house(&vendors, "an invalid key", &[]).await;
    let running = harness.start();
    let until = std::time::Instant::now() + crate::harness::PATIENCE;
    loop {
        let rows = harness.database.breakers().current(harness.now()).await.unwrap();
        if rows.iter().any(|row| row.provider.starts_with("elevenlabs/") && row.problem.is_some()) {
            break;
        }
        assert!(std::time::Instant::now() < until, "nobody is told: {rows:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let id = song(&harness, "a song about harbours").await;
    assert_eq!(made_by(&harness, id).await.0, "offline");
    assert_eq!(vendors.asked(Vendor::ElevenLabs, Route::MusicStream), 0);
    assert_eq!(harness.now() - harness.job(id).await.created_at, TimeDelta::zero(), "nothing waited for the clock");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_was_refused_twice_is_asked_for_a_third_time_by_a_later_attempt() {
    let vendors = Vendors::start().await;
    let url: &'static str = format!("{}/v1", vendors.url_of(Vendor::Replicate)).leak();
    let settings = [
        ("providers.replicate.api_key", "a key"),
        ("providers.replicate.base_url", url),
        ("providers.replicate.output_hosts", "127.0.0.1"),
        ("outbound.allow_hosts", "127.0.0.1"),
        ("capabilities.compositions", "replicate"),
    ];
    let harness = house(&vendors, "a key", &settings).await;
    let away = Step::Fail { fault: Fault::Unavailable, retry: Retry::Absent, after_work: false };
    vendors.script(Vendor::Replicate, Route::CreatePrediction, [away.clone(), away]);
    let running = harness.start();
    let id = song(&harness, "a calm song about a paper boat").await;
    harness.with_time(id, JobState::Completed).await;
    let (by, tried) = made_by(&harness, id).await;
    assert_eq!(by, "replicate", "{tried:?}");
    let expected = [OutsideCallState::Failed, OutsideCallState::Failed, OutsideCallState::Succeeded];
    assert_eq!(states(&harness, id).await, expected);
    assert_eq!((vendors.asked(Vendor::Replicate, Route::CreatePrediction), vendors.ledger().len()), (3, 1));
    running.stop().await;
}

/// One key under two names: what one of them is told of its money, the other one is not asked for.
#[tokio::test(flavor = "multi_thread")]
async fn the_money_of_a_key_ends_under_all_of_its_names() {
    let vendors = Vendors::start().await;
    let fault = Step::Fail { fault: Fault::QuotaExceeded, retry: Retry::Absent, after_work: false };
    let harness = late_house(&vendors, "elevenlabs,second,offline", &[fault]).await;
    let running = harness.start();
    let id = song(&harness, "a song about an empty purse").await;
    let (by, tried) = made_by(&harness, id).await;
    let expected = [(STAND_IN, Some(FailureCode::ProviderQuota)), ("second", Some(FailureCode::ProviderUnavailable))];
    assert_eq!((by.as_str(), told(&tried)), ("offline", expected.to_vec()));
    assert_eq!(vendors.asked(Vendor::ElevenLabs, Route::MusicStream), 1);
    running.stop().await;
}

/// What the orchestrators say of ElevenLabs, as soon as it is as wanted.
async fn until_said(harness: &Harness, what: &str, is_wanted: impl Fn(&[BreakerRow]) -> bool) -> Vec<BreakerRow> {
    let until = std::time::Instant::now() + crate::harness::PATIENCE;
    loop {
        let mut rows = harness.database.breakers().current(harness.now()).await.unwrap();
        rows.retain(|row| row.provider == "elevenlabs/compositions");
        if is_wanted(&rows) {
            return rows;
        }
        assert!(std::time::Instant::now() < until, "never {what}: {rows:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_orchestrator_finds_out_of_a_vendors_money_holds_for_the_other_one() {
    let vendors = Vendors::start().await;
    let fault = Step::Fail { fault: Fault::QuotaExceeded, retry: Retry::Absent, after_work: false };
    let harness = house(&vendors, "a key", &[]).await;
    vendors.script(Vendor::ElevenLabs, Route::MusicStream, [fault]);
    let one = harness.start();
    let id = song(&harness, "a song about a shared purse").await;
    assert_eq!(made_by(&harness, id).await.0, "offline");
    let two = harness.start();
    let are_held = |rows: &[BreakerRow]| rows.len() == 2 && rows.iter().all(|row| row.state == "OPEN");
    let rows = until_said(&harness, "held by both", are_held).await;
    assert_eq!(rows[0].problem, rows[1].problem);
    assert!(rows[0].problem.is_some());
    assert_eq!(rows.iter().filter(|row| row.held_since.is_some()).count(), 1, "one has found it out: {rows:?}");
    let apart = (rows[0].open_until.unwrap() - rows[1].open_until.unwrap()).abs();
    assert!(apart < TimeDelta::minutes(1), "one is held for longer: {rows:?}");
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_found_out_before_a_reset_holds_no_more() {
    let vendors = Vendors::start().await;
    let harness = house(&vendors, "a key", &[]).await;
    let found = BreakerRow {
        instance: "elsewhere".to_owned(),
        provider: "elevenlabs/compositions".to_owned(),
        state: "OPEN".to_owned(),
        failures: 0,
        open_until: Some(Utc::now() + TimeDelta::minutes(10)),
        problem: Some("there is no credit".to_owned()),
        held_since: Some(Utc::now()),
        updated_at: harness.now(),
    };
    harness.database.breakers().report(&[found]).await.unwrap();
    let running = harness.start();
    let is_here = |row: &&BreakerRow| row.instance != "elsewhere";
    let is_held = |rows: &[BreakerRow]| rows.iter().find(is_here).is_some_and(|row| row.state == "OPEN");
    until_said(&harness, "held", is_held).await;
    let first = song(&harness, "a song about a purse elsewhere").await;
    let (by, tried) = made_by(&harness, first).await;
    assert!(by == "offline" && tried[0].why.contains("an operator has to see to it"), "{by} {tried:?}");
    assert_eq!(vendors.asked(Vendor::ElevenLabs, Route::MusicStream), 0);

    // Any change of a job may carry the operator's message.
    let reset = harness.telling(v1::ResetBreaker { provider: "elevenlabs".to_owned() });
    let carrier = harness.submit("carrier").await;
    let authority = Authority::AsRead { version: harness.until_state(carrier, JobState::Parked).await.version };
    let told = harness.database.jobs().report(carrier, authority, &Patch::default(), &reset, harness.now()).await;
    assert!(matches!(told, Ok(Reported::Written(_))), "{told:?}");
    let is_let_go = |rows: &[BreakerRow]| rows.iter().find(is_here).is_some_and(|row| row.state == "CLOSED");
    until_said(&harness, "let go", is_let_go).await;
    let second = song(&harness, "a song about a full purse").await;
    assert_eq!(made_by(&harness, second).await.0, STAND_IN, "the row of the other one still stands");
    running.stop().await;
}

/// A house in which songs are made by Replicate, else by the engine.
async fn replicate_house(vendors: &Vendors) -> Harness {
    let url: &'static str = format!("{}/v1", vendors.url_of(Vendor::Replicate)).leak();
    let settings = [
        ("providers.replicate.api_key", "a key"),
        ("providers.replicate.base_url", url),
        ("providers.replicate.output_hosts", "127.0.0.1"),
        ("providers.breaker_threshold", "2"),
        ("providers.breaker_open_ms", "3600000"),
        ("outbound.allow_hosts", "127.0.0.1"),
        ("capabilities.compositions", "replicate,offline"),
    ];
    house(vendors, "a key", &settings).await
}

/// As long as one answer may take, and the time to the first look behind it.
const LOST_AFTER: TimeDelta = TimeDelta::seconds(25);

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_requests_costs_a_job_seconds_and_is_left_alone() {
    let vendors = Vendors::start().await;
    let harness = replicate_house(&vendors).await;
    let lost = Step::Fail { fault: Fault::ServerError, retry: Retry::Absent, after_work: false };
    vendors.script(Vendor::Replicate, Route::CreatePrediction, [lost]);
    let running = harness.start();
    let first = song(&harness, "a calm song about a parcel").await;
    harness.until_state(first, JobState::Parked).await;
    harness.clock.advance(LOST_AFTER);
    let (by, tried) = made_by(&harness, first).await;
    assert_eq!((by.as_str(), told(&tried)), ("offline", vec![("replicate", Some(FailureCode::ProviderUnavailable))]));

    // The lost request, and that nothing was found of it, are two failures.
    let second = song(&harness, "a calm song about another parcel").await;
    let (by, tried) = made_by(&harness, second).await;
    assert!(by == "offline" && tried[0].why.contains("has failed repeatedly"), "{by} {tried:?}");
    assert_eq!(vendors.asked(Vendor::Replicate, Route::CreatePrediction), 1);

    // Nobody knew of it for as long as it might have shown up.
    harness.until_calls_are(first, &[OutsideCallState::Cancelling]).await;
    harness.clock.advance(TimeDelta::minutes(6));
    harness.until_calls_are(first, &[OutsideCallState::NeverArrived]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_answer_was_lost_is_found_and_nobody_else_is_asked() {
    let vendors = Vendors::start().await;
    let harness = replicate_house(&vendors).await;
    vendors.script(Vendor::Replicate, Route::CreatePrediction, [Step::Reset { after_work: true }]);
    let running = harness.start();
    let id = song(&harness, "a calm song about a found parcel").await;
    harness.with_time(id, JobState::Completed).await;
    assert_eq!(made_by(&harness, id).await, ("replicate".to_owned(), vec![]));
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Succeeded]);
    assert_eq!((vendors.asked(Vendor::Replicate, Route::CreatePrediction), vendors.ledger().len()), (1, 1));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_shows_up_after_somebody_else_was_asked_is_called_off() {
    let vendors = Vendors::start().await;
    let harness = replicate_house(&vendors).await;
    vendors.script(Vendor::Replicate, Route::CreatePrediction, [Step::Reset { after_work: true }]);
    let running = harness.start();
    let id = song(&harness, "a calm song about a late parcel").await;
    harness.until_state(id, JobState::Parked).await;
    let body = json!({ "previous": null, "next": null, "results": [] }).to_string();
    let hides_it = Step::Verbatim { status: 200, content_type: "application/json".to_owned(), body };
    vendors.script(Vendor::Replicate, Route::ListPredictions, [hides_it]);
    harness.clock.advance(LOST_AFTER);
    assert_eq!(made_by(&harness, id).await.0, "offline");
    harness.until_calls_are(id, &[OutsideCallState::Cancelled]).await;
    assert_eq!(vendors.asked(Vendor::Replicate, Route::CreatePrediction), 1);
    running.stop().await;
}

/// Two vendors, and the engine for nothing: who was given up on may still answer when the other one has failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_is_used_where_everybody_else_has_failed_and_is_paid_for_once() {
    let vendors = Vendors::start().await;
    let url: &'static str = format!("{}/v1", vendors.url_of(Vendor::Replicate)).leak();
    let settings = [
        ("providers.replicate.api_key", "a key"),
        ("providers.replicate.base_url", url),
        ("providers.replicate.output_hosts", "127.0.0.1"),
        ("providers.replicate.work_timeout_ms", "60000"),
        ("providers.replicate.price_per_compute_second", "0.001"),
        ("providers.call_attempts", "1"),
        ("outbound.allow_hosts", "127.0.0.1"),
        ("capabilities.compositions", "replicate,elevenlabs"),
    ];
    let harness = house(&vendors, "a key", &settings).await;
    let by_hand = Step::Run(Run { pace: Some(Pace::Manual), ..Run::default() });
    vendors.script(Vendor::Replicate, Route::CreatePrediction, [by_hand]);
    let away = Step::Fail { fault: Fault::Unavailable, retry: Retry::Absent, after_work: false };
    vendors.script(Vendor::ElevenLabs, Route::MusicStream, [away]);
    let running = harness.start();
    let id = song(&harness, "a calm song about late trains").await;
    harness.until_state(id, JobState::Parked).await;
    let outside_id = harness.calls(id).await[0].outside_id.clone().unwrap();

    // Its time is over: the other one is asked, and fails; the job waits for its next attempt.
    harness.clock.advance(TimeDelta::seconds(61));
    harness.until_state(id, JobState::Queued).await;
    let stages = harness.database.stages().list(id).await.unwrap();
    let tried: Vec<&str> = stages.iter().flat_map(|stage| &stage.tried).map(|tried| tried.provider.as_str()).collect();
    assert_eq!(tried.iter().filter(|name| **name != School::NAME).collect::<Vec<_>>(), [&"replicate", &STAND_IN]);
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Open, OutsideCallState::Failed]);

    while vendors.advance(&outside_id) {}
    harness.with_time(id, JobState::Completed).await;
    assert_eq!(made_by(&harness, id).await.0, "replicate");
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Succeeded, OutsideCallState::Failed]);
    assert_eq!(vendors.asked(Vendor::Replicate, Route::CreatePrediction), 1);
    assert_eq!((vendors.ledger().len(), vendors.paid_twice().len()), (1, 0));
    let costs: Vec<bool> = harness.calls(id).await.iter().map(|call| call.cost.is_some()).collect();
    assert_eq!(costs, [true, false]);
    running.stop().await;
}

/// How long a job may take whose first provider is late, in seconds: half of it is that provider's.
const MOST_SECONDS: i64 = 30;
/// When that provider answers: seconds later than its share, and seconds before the job's time is over.
const LATE: Step = Step::Delay { ms: 21_000 };

/// A house in which songs are made by those whom `names` lists: two of a kind, and the engine. Their calls meet these steps.
async fn late_house(vendors: &Vendors, names: &'static str, steps: &[Step]) -> Harness {
    let url: &'static str = vendors.url_of(Vendor::ElevenLabs).leak();
    let settings = [
        ("providers.second.kind", "elevenlabs"),
        ("providers.second.api_key", "a key"),
        ("providers.second.base_url", url),
        ("providers.call_attempts", "1"),
        ("capabilities.compositions", names),
    ];
    vendors.script(Vendor::ElevenLabs, Route::MusicStream, steps.iter().cloned());
    house(vendors, "a key", &settings).await
}

async fn hasty_song(harness: &Harness, prompt: &'static str) -> JobId {
    song_until(harness, prompt, Some(harness.now() + TimeDelta::seconds(MOST_SECONDS))).await
}

/// Who was tried, and how each of them ended.
fn told(tried: &[Tried]) -> Vec<(&str, Option<FailureCode>)> {
    tried.iter().map(|tried| (tried.provider.as_str(), tried.code)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_over_a_connection_is_used_where_the_others_fail_and_is_paid_for_once() {
    let vendors = Vendors::start().await;
    let away = Step::Fail { fault: Fault::Unavailable, retry: Retry::Absent, after_work: false };
    let harness = late_house(&vendors, "elevenlabs,second", &[LATE, away]).await;
    let running = harness.start();
    let id = hasty_song(&harness, "a calm song about late letters").await;
    let (by, tried) = made_by(&harness, id).await;
    assert_eq!(by, STAND_IN, "{tried:?}");
    let expected = [(STAND_IN, Some(FailureCode::StageTimeout)), ("second", Some(FailureCode::ProviderUnavailable))];
    assert_eq!(told(&tried), expected);
    assert_eq!(states(&harness, id).await, [OutsideCallState::Failed, OutsideCallState::Succeeded]);
    // One request each.
    assert_eq!(vendors.asked(Vendor::ElevenLabs, Route::MusicStream), 2);
    assert_eq!((vendors.ledger().len(), vendors.paid_twice().len()), (1, 0));
    assert_eq!(spent(&harness).await, (100_000, 0));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_after_the_engine_has_made_the_song_is_paid_for_and_changes_nothing() {
    let vendors = Vendors::start().await;
    let harness = late_house(&vendors, "elevenlabs,offline", &[LATE]).await;
    let running = harness.start();
    let id = hasty_song(&harness, "a march about slow mail").await;
    let (by, tried) = made_by(&harness, id).await;
    assert_eq!((by.as_str(), told(&tried)), ("offline", vec![(STAND_IN, Some(FailureCode::StageTimeout))]));
    harness.until_calls_are(id, &[OutsideCallState::Succeeded]).await;
    assert_eq!(harness.calls(id).await[0].cost.as_ref().map(|cost| cost.micros), Some(100_000));
    assert_eq!((vendors.ledger().len(), spent(&harness).await), (1, (100_000, 0)));
    assert_eq!(made_by(&harness, id).await.0, "offline");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_late_when_its_job_is_cancelled_is_cut_off() {
    let vendors = Vendors::start().await;
    let steps = [LATE, Step::Hang { after_work: false }];
    let harness = late_house(&vendors, "elevenlabs,second", &steps).await;
    let running = harness.start();
    // Some seconds after the first one would have answered.
    let answer_is_over = std::time::Instant::now() + std::time::Duration::from_secs(28);
    let id = hasty_song(&harness, "a song about a letter that is never sent").await;
    let is_asked = || vendors.asked(Vendor::ElevenLabs, Route::MusicStream) == 2;
    let until = std::time::Instant::now() + crate::harness::PATIENCE;
    while !is_asked() {
        assert!(std::time::Instant::now() < until, "the second one is not asked: {:?}", harness.calls(id).await);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Asking; 2], "the first one goes on");
    harness.request_cancel(id).await;
    harness.until_state(id, JobState::Cancelled).await;
    harness.until_calls_are(id, &[OutsideCallState::Unanswered; 2]).await;
    // An answer that came would be kept: its call was not cut off.
    tokio::time::sleep_until(answer_is_over.into()).await;
    assert_eq!(harness.call_states(id).await, [OutsideCallState::Unanswered; 2]);
    // Nobody knows what was paid: what was set aside counts, and nothing that came was kept.
    assert_eq!((spent(&harness).await, harness.objects("outside-", "").len()), ((100_000, 0), 0));
    running.stop().await;
}

/// The process that makes a call has lost the job, and goes on with the call as far as anybody can tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_another_process_may_make_is_left_to_it_for_as_long_as_it_may_take() {
    let vendors = Vendors::start().await;
    let harness = late_house(&vendors, "elevenlabs,second", &[Step::Hang { after_work: false }]).await;
    // The lock of another process: who starts here does not think that it is alone.
    let lock = std::fs::File::create(harness.settings.data_dir.join("orchestrator.lock")).unwrap();
    lock.lock().unwrap();
    let first = harness.start();
    let id = song(&harness, "a song about two postmen").await;
    let until = std::time::Instant::now() + crate::harness::PATIENCE;
    while vendors.asked(Vendor::ElevenLabs, Route::MusicStream) == 0 {
        assert!(std::time::Instant::now() < until, "nobody is asked");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    first.kill().await;
    let [call] = <[_; 1]>::try_from(harness.calls(id).await).unwrap();
    harness.clock.advance(TimeDelta::from_std(harness.settings.jobs.lease).unwrap() + TimeDelta::seconds(1));
    let second = harness.start();
    harness.until(id, "taken over", |job| job.crashes == 1 && job.state == JobState::Running).await;
    // Many looks long: neither is its answer thought lost, nor is anybody else asked.
    for _ in 0..60 {
        assert_eq!(harness.call_states(id).await, [OutsideCallState::Asking]);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // Its maker says that nothing was asked: it is asked now, of the same provider.
    let calls = harness.database.outside_calls();
    assert!(calls.ended(call.id, OutsideCallState::Failed, None, harness.now()).await.unwrap());
    assert_eq!(made_by(&harness, id).await, (STAND_IN.to_owned(), vec![]));
    assert_eq!(states(&harness, id).await, [OutsideCallState::Failed, OutsideCallState::Succeeded]);
    assert_eq!(vendors.asked(Vendor::ElevenLabs, Route::MusicStream), 2);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_given_up_is_looked_at_again_and_sells_nothing_new() {
    let vendors = Vendors::start().await;
    let settings = [("providers.call_attempts", "1"), ("capabilities.compositions", "elevenlabs")];
    let harness = house(&vendors, "a key", &settings).await;
    let away = Step::Fail { fault: Fault::Unavailable, retry: Retry::Absent, after_work: false };
    vendors.script(Vendor::ElevenLabs, Route::MusicStream, [away]);
    harness.school.sells_parts.store(true, std::sync::atomic::Ordering::SeqCst);
    let running = harness.start();
    let id = song(&harness, "a song in two parts").await;
    let sold = || harness.school.sold.lock().unwrap().clone();
    // Everybody has failed, and the one who has sold a poor part was looked at again.
    harness.until(id, "tried again later", |job| job.state == JobState::Queued && job.due_at > job.created_at).await;
    assert_eq!(sold(), ["first"]);
    harness.with_time(id, JobState::Completed).await;
    assert_eq!(made_by(&harness, id).await.0, STAND_IN);
    assert_eq!(sold(), ["first"], "a later attempt takes what was sold");
    running.stop().await;
}
