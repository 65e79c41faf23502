//! Vendors that are set up wrongly, each in a way of its own: the house says so and is ready, jobs are done by whoever is left,
//! and a vendor is taken up again once it is mended.

use serde_json::{Value, json};
use testbed::eventually;
use vendor_standins::{Fault, Retry, Route, Step, Vendor, Vendors};

use super::composition::{ended, submit};
use crate::harness::{Claims, Flavour, PATIENCE, User, own};

over_both!(what_is_set_up_wrongly_is_told_and_made_up_for_until_it_is_mended);

const READY: &str = "/api/health/ready";
const DETAILED: &str = "/api/health/detailed";
/// Sixty-four digits of a version that nobody has made.
const INVENTED: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
const KEY: &str = "a key that only the vendors are told";

/// What is wrong, with a word of what is told of it.
const WRONG: [(&str, &str); 3] = [
    ("elevenlabs/compositions", "key"),
    ("anthropic/lyrics", "poet-9"),
    ("replicate/vocals", "providers.replicate.vocals_version"),
];

/// What is told of something that a provider does, in a list of them.
fn told<'a>(providers: &'a Value, name: &str) -> Option<&'a Value> {
    providers.as_array()?.iter().find(|provider| provider["name"] == name)
}

/// Fails with the whole answer unless each that is wrong is told in its words.
fn all_told(providers: &Value) -> Result<(), Value> {
    let is_told = |(name, word): &(&str, &str)| {
        told(providers, name).and_then(|told| told["problem"].as_str()).is_some_and(|problem| problem.contains(word))
    };
    if WRONG.iter().all(is_told) { Ok(()) } else { Err(providers.clone()) }
}

fn stage<'a>(job: &'a Value, name: &str) -> &'a Value {
    let stages = job["stages"].as_array().unwrap_or_else(|| panic!("no stages: {job}"));
    stages.iter().find(|stage| stage["name"] == name).unwrap_or_else(|| panic!("no {name}: {job}"))
}

async fn what_is_set_up_wrongly_is_told_and_made_up_for_until_it_is_mended(flavour: Flavour) {
    let vendors = Vendors::start().await;
    // However often it is asked, it does not know the key.
    let refusal = Step::Fail { fault: Fault::BadKey, retry: Retry::Absent, after_work: false };
    vendors.script(Vendor::ElevenLabs, Route::Any, vec![refusal; 1000]);
    let [elevenlabs, anthropic] = [Vendor::ElevenLabs, Vendor::Anthropic].map(|vendor| vendors.url_of(vendor));
    let replicate = format!("{}/v1", vendors.url_of(Vendor::Replicate));
    let settings = [
        ("ELEVENLABS_API_KEY", KEY),
        ("DESCANT_PROVIDERS__ELEVENLABS__BASE_URL", elevenlabs.as_str()),
        ("ANTHROPIC_API_KEY", KEY),
        ("DESCANT_PROVIDERS__ANTHROPIC__BASE_URL", anthropic.as_str()),
        ("DESCANT_PROVIDERS__ANTHROPIC__MODEL", "poet-9"),
        ("REPLICATE_API_TOKEN", KEY),
        ("DESCANT_PROVIDERS__REPLICATE__BASE_URL", replicate.as_str()),
        ("DESCANT_PROVIDERS__REPLICATE__VOCALS_VERSION", INVENTED),
    ];
    // It is ready, or it would not have started.
    let deployment = own(flavour, &settings).await;
    let user = deployment.user();
    let ready = eventually("all that is wrong to be told", PATIENCE, || async {
        let ready = user.get(READY).await.expect(200);
        all_told(&ready["problems"]).map(|()| ready)
    })
    .await;
    assert_eq!(ready["status"], "ready");
    assert!(
        told(&ready["problems"], "replicate/compositions").is_none(),
        "what is right is not complained of: {ready}"
    );
    let detailed = user.get(DETAILED).await.expect(200);
    assert_eq!(all_told(&detailed["providers"]), Ok(()));
    assert!(!ready.to_string().contains(KEY) && !detailed.to_string().contains(KEY));

    // A song with words and a voice needs all three, and is made by who is left. None of them is asked for work.
    let song = json!({
        "prompt": "a slow folk song about rivers and the sea",
        "lengthMs": 20_000,
        "instrumental": false,
        "voice": "formant",
        "seed": 3
    });
    let done = ended(&user, &submit(&user, &song).await).await;
    assert_eq!(done["state"], "completed", "{done}");
    for (name, vendor) in [("composing", "elevenlabs"), ("words", "anthropic"), ("singing", "replicate")] {
        let stage = stage(&done, name);
        let provider = stage["provider"].as_str().unwrap_or_default();
        assert!(matches!(provider, "offline" | "expert"), "{name}: {stage}");
        let tried = stage["tried"].as_array().and_then(|all| all.iter().find(|tried| tried["provider"] == vendor));
        let tried = tried.unwrap_or_else(|| panic!("{name} does not tell of {vendor}: {stage}"));
        assert_eq!(tried["errorCode"], "provider_unavailable", "{stage}");
        let why = tried["why"].as_str().unwrap_or_default();
        assert!(why.contains("an operator has to see to it"), "{stage}");
    }
    let work = [
        (Vendor::ElevenLabs, Route::MusicStream),
        (Vendor::ElevenLabs, Route::MusicDetailed),
        (Vendor::Anthropic, Route::Messages),
        (Vendor::Replicate, Route::CreatePrediction),
    ];
    assert_eq!(work.map(|(vendor, route)| vendors.asked(vendor, route)), [0; 4]);

    // The key becomes good, and the operator says so.
    vendors.reset();
    let operator = User::new(user.base.clone(), Claims::fresh().with("roles", json!(["user", "admin"])));
    operator.post_json("/api/v1/operator/breakers/reset", &json!({ "provider": "elevenlabs" })).await.expect(202);
    eventually("the vendor to be taken up again", PATIENCE, || async {
        let ready = user.get(READY).await.expect(200);
        if told(&ready["problems"], WRONG[0].0).is_none() { Ok(()) } else { Err(ready) }
    })
    .await;
    let detailed = user.get(DETAILED).await.expect(200);
    let composing = told(&detailed["providers"], WRONG[0].0).map(|told| &told["breaker"]);
    assert_eq!(composing, Some(&json!("CLOSED")), "{detailed}");
    assert!(told(&detailed["providers"], WRONG[1].0).is_some_and(|told| told["problem"].is_string()), "{detailed}");

    let song = json!({ "prompt": "a calm waltz about rain", "lengthMs": 5000, "instrumental": true, "seed": 4 });
    let done = ended(&user, &submit(&user, &song).await).await;
    assert_eq!(done["state"], "completed", "{done}");
    let composing = stage(&done, "composing");
    assert_eq!((&composing["provider"], composing.get("tried")), (&json!("elevenlabs"), None), "{composing}");
    assert_eq!(vendors.asked(Vendor::ElevenLabs, Route::MusicStream), 1);
    for (name, log) in deployment.logs() {
        assert!(!log.contains(KEY), "{name} tells the key");
    }
}
