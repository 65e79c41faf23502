//! A model elsewhere that blends songs, and behaves as such services do. What each of its faults is to the provider is tried
//! beside the provider; here it is what becomes of a job.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use media::{Encoding, Tags};
use music::{score::ScoreNote, smf};
use serde_json::{Value, json};
use testbed::{Manner, StandIn, eventually};

use super::{accepted, begun, completed, file, reworked, roles, sample_songs};
use crate::harness::{Claims, Deployment, Flavour, PATIENCE, Part, User, own};

over_both!(
    whatever_the_model_does_the_job_completes,
    a_model_that_has_answered_is_not_asked_again,
    a_model_with_a_price_is_paid_for_a_blend_and_not_beyond_its_limit,
    what_the_model_plays_is_the_song_and_what_it_plays_badly_is_played_here
);

const KEY: &str = "a key that only the model is told";
/// Short: who made it is what matters.
const SHORT: [(&str, &str); 2] = [("bars", "8"), ("seed", "1")];

/// What the model answers when it is well: a song of so many times the length of one of ours.
fn song(times: u64) -> Manner {
    let (_, midi) = sample_songs().remove(0);
    let midi = reworked(&midi, |score| {
        let length = score.end;
        for part in &mut score.parts {
            let notes = part.notes.clone();
            let later = |n| notes.iter().map(move |note| ScoreNote { onset: note.onset + n * length, ..*note });
            part.notes.extend((1..times).flat_map(later));
        }
        score.end = length * times;
    });
    Manner::Answers(200, json!({ "midi_data": STANDARD.encode(&midi) }).to_string().into_bytes())
}

/// A sound as long as that song, so loud, as an MP3 in base64.
fn sound(level: f32) -> Manner {
    const RATE_HZ: u32 = 44_100;
    let (_, midi) = sample_songs().remove(0);
    let score = smf::read(&midi, &smf::Limits::default()).expect("one of our own songs").score;
    let frames = (score.seconds() * f64::from(RATE_HZ)) as usize;
    let sample =
        |frame: usize| level * (440.0 * std::f64::consts::TAU * frame as f64 / f64::from(RATE_HZ)).sin() as f32;
    let samples: Vec<f32> = (0..frames).flat_map(|frame| [sample(frame); 2]).collect();
    let mp3 = media::encode(&samples, RATE_HZ, 2, Encoding::Mp3 { kbps: 96 }, &Tags::default()).expect("an MP3");
    Manner::Answers(200, json!({ "mp3_data": STANDARD.encode(mp3) }).to_string().into_bytes())
}

async fn with_model(flavour: Flavour, model: &StandIn) -> impl std::ops::Deref<Target = Deployment> {
    with_model_and(flavour, model, &[]).await
}

async fn with_model_and(
    flavour: Flavour,
    model: &StandIn,
    more: &[(&str, &str)],
) -> impl std::ops::Deref<Target = Deployment> {
    // Its set-up is asked after beside the songs.
    model.answer_health();
    let settings = [
        ("ML_MODEL_URL", model.url()),
        ("ML_MODEL_API_KEY", KEY),
        // Each of its faults is to be seen by the model, and not kept from it.
        ("CIRCUIT_BREAKER_THRESHOLD", "100"),
        // Long enough for the engine on a busy machine, which it holds for as well.
        ("DESCANT_PROVIDERS__CALL_TIMEOUT_MS", "15000"),
        ("LOG_LEVEL", "debug"),
    ];
    own(flavour, &[&settings[..], more].concat()).await
}

/// Who made a job's song, as its result and its report agree; there is a provenance where it is known.
async fn made_by(user: &User, job: &str) -> String {
    let done = completed(user, job).await;
    let report = file(user, job, "report").await.expect(200);
    let provider = report["provider"].as_str().expect("the report says who").to_owned();
    assert_eq!(done["result"]["provider"], provider.as_str(), "{done}");
    let has_provenance = roles(&done).contains(&"provenance");
    assert_eq!(has_provenance, provider == "offline", "{done}");
    assert!(!done.to_string().contains(KEY) && !report.to_string().contains(KEY));
    provider
}

async fn whatever_the_model_does_the_job_completes(flavour: Flavour) {
    let out_of_order = Manner::Answers(500, b"out of order".to_vec());
    let model = StandIn::start([out_of_order.clone(), out_of_order, song(1)]).await;
    let deployment = with_model(flavour, &model).await;
    let user = deployment.user();
    let job = accepted(&user, &SHORT).await;
    assert_eq!(made_by(&user, &job).await, "ml_model", "it is asked again");
    assert_eq!(model.asked(), 3);

    let midi_that_is_none = json!({ "midi_data": "UklGRgAAAABXQVZF" }).to_string().into_bytes();
    for (what, manner, asked) in [
        ("a drip", Manner::Drips, 1),
        ("no base64", Manner::Answers(200, b"{\"midi_data\":\"!!!\"}".to_vec()), 3),
        ("no MIDI", Manner::Answers(200, midi_that_is_none), 3),
        ("too often", Manner::Later(3600), 1),
        ("no access", Manner::Answers(401, Vec::new()), 1),
        // A wrong key is an operator's to mend: until then nobody asks.
        ("no access still", Manner::Answers(401, Vec::new()), 0),
    ] {
        let before = model.asked();
        model.behave([manner]);
        let job = accepted(&user, &SHORT).await;
        assert_eq!(made_by(&user, &job).await, "offline", "{what}");
        assert_eq!(model.asked() - before, asked, "{what}");
    }
    // Once it is well again, so are the jobs.
    model.behave([song(1)]);
    let operator = User::new(user.base.clone(), Claims::fresh().with("roles", json!(["user", "admin"])));
    operator.post_json("/api/v1/operator/breakers/reset", &json!({ "provider": "ml_model" })).await.expect(202);
    eventually("the model to be asked again", PATIENCE, || async {
        let health = user.get("/api/health/detailed").await.expect(200);
        let is_closed = |provider: &Value| provider["name"] == "ml_model/blends" && provider["breaker"] == "CLOSED";
        if health["providers"].as_array().is_some_and(|all| all.iter().any(is_closed)) { Ok(()) } else { Err(health) }
    })
    .await;
    let job = accepted(&user, &SHORT).await;
    assert_eq!(made_by(&user, &job).await, "ml_model");

    for heard in model.heard() {
        assert!(heard.head.starts_with("POST /generate "), "{}", heard.head);
        let bearer = format!("authorization: Bearer {KEY}");
        assert!(heard.head.lines().any(|line| line == bearer), "{}", heard.head);
        let asked: Value = serde_json::from_slice(&heard.body).expect("it is sent JSON");
        assert_eq!(asked["midi_files"].as_array().map(Vec::len), Some(3));
    }
    nowhere_logged(&deployment);
    // Whoever asks the house how it is hears of the model too.
    eventually("the model to be told of", PATIENCE, || async {
        let health = user.get("/api/health/detailed").await.expect(200);
        let providers = health["providers"].as_array().cloned().unwrap_or_default();
        if providers.iter().any(|provider| provider["name"] == "ml_model/blends") { Ok(()) } else { Err(health) }
    })
    .await;
}

async fn a_model_that_has_answered_is_not_asked_again(flavour: Flavour) {
    let model = StandIn::start([song(2)]).await;
    let deployment = with_model(flavour, &model).await;
    let user = deployment.user();
    let job = accepted(&user, &SHORT).await;
    begun(&user, &job, "rendering").await;
    let user = after_a_crash(&deployment, flavour, &user).await;
    assert_eq!(made_by(&user, &job).await, "ml_model");
    assert_eq!(model.asked(), 1);
    nowhere_logged(&deployment);
}

async fn a_model_with_a_price_is_paid_for_a_blend_and_not_beyond_its_limit(flavour: Flavour) {
    let model = StandIn::start([song(2)]).await;
    let priced = [
        ("DESCANT_PROVIDERS__ML_MODEL__PRICE_PER_CALL", "0.25"),
        ("DESCANT_PROVIDERS__ML_MODEL__MONTHLY_LIMIT", "0.3"),
    ];
    let deployment = with_model_and(flavour, &model, &priced).await;
    let user = deployment.user();
    let paid = completed(&user, &accepted(&user, &SHORT).await).await;
    assert_eq!(paid["result"]["provider"], "ml_model", "{paid}");
    assert_eq!(paid["cost"], json!([{ "amount": 0.25, "currency": "USD" }]), "{paid}");
    let beyond = completed(&user, &accepted(&user, &SHORT).await).await;
    assert_eq!(beyond["result"]["provider"], "offline", "{beyond}");
    assert!(beyond["stages"].to_string().contains("monthly limit"), "{beyond}");
    assert_eq!(model.asked(), 1);
}

async fn what_the_model_plays_is_the_song_and_what_it_plays_badly_is_played_here(flavour: Flavour) {
    let model = StandIn::start([song(1), sound(0.3)]).await;
    let deployment = with_model_and(flavour, &model, &[("DESCANT_PROVIDERS__ML_MODEL_PLAYS", "true")]).await;
    let user = deployment.user();
    let with_stems = [&SHORT[..], &[("stems", "true")]].concat();
    let has_stems = |done: &Value| roles(done).iter().any(|role| role.starts_with("stem_"));
    let done = completed(&user, &accepted(&user, &with_stems).await).await;
    assert_eq!(done["result"]["renderer"], "ml_model", "{done}");
    assert!(!has_stems(&done), "{done}");
    let lufs = done["result"]["loudnessLufs"].as_f64().expect("it sounds");
    assert!((lufs + 14.0).abs() <= 1.0, "{lufs} LUFS as it was mastered");

    for bad in [sound(0.0), Manner::Answers(200, b"<html>".to_vec())] {
        model.behave([song(1), bad]);
        let done = completed(&user, &accepted(&user, &with_stems).await).await;
        assert_ne!(done["result"]["renderer"], "ml_model", "{done}");
        let told = done["result"]["warnings"].to_string();
        assert!(told.contains("ml_model was to play the song and did not") && has_stems(&done), "{done}");
    }

    // What it has played, or may have, it is not asked to play again after a crash.
    model.behave([song(1), sound(0.3)]);
    let orders = || model.heard().iter().filter(|heard| heard.head.starts_with("POST /convert-to-mp3 ")).count();
    let before = orders();
    let job = accepted(&user, &SHORT).await;
    begun(&user, &job, "rendering").await;
    let user = after_a_crash(&deployment, flavour, &user).await;
    completed(&user, &job).await;
    assert!(orders() - before <= 1, "{} orders", orders() - before);
    nowhere_logged(&deployment);
}

/// Kills what makes songs and starts it again; the same user, where the gateway listens then.
async fn after_a_crash(deployment: &Deployment, flavour: Flavour, user: &User) -> User {
    let part = match flavour {
        Flavour::Embedded => Part::Descant,
        Flavour::Distributed => Part::Orchestrator,
    };
    deployment.kill(part);
    deployment.launch(part).await;
    User::new(deployment.front_url(), user.claims.clone())
}

fn nowhere_logged(deployment: &Deployment) {
    let logs = deployment.logs();
    assert!(!logs.is_empty());
    for (name, log) in logs {
        assert!(!log.contains(KEY), "{name} tells the key");
    }
}
