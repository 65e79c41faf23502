//! Who may come in.

use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::harness::{Claims, Flavour, Submission, User, hum, own, shared, unsigned};

over_both!(only_good_tokens_open_the_door, operators_are_their_own_role, tiers_come_from_the_token);

const QUOTA: &str = "/api/v1/melody-vocals/quota";

async fn only_good_tokens_open_the_door(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    user.get(QUOTA).await.expect(200);
    let good = &user.claims;
    let refused = [
        ("none", None),
        ("garbage", Some("not.a.token".to_owned())),
        ("empty", Some(String::new())),
        ("expired", Some(good.clone().expired().token())),
        ("signed by somebody else", Some(good.clone().signed_by_somebody_else().token())),
        ("unsigned", Some(unsigned(good))),
        ("another algorithm", Some(good.token_by(Algorithm::HS512))),
        ("another issuer", Some(good.clone().with("iss", "https://elsewhere.example").token())),
        ("no issuer", Some(good.clone().without("iss").token())),
        ("another audience", Some(good.clone().with("aud", "another service").token())),
        ("no subject", Some(good.clone().without("sub").token())),
        ("no end", Some(good.clone().without("exp").token())),
        ("not yet valid", Some(good.clone().with("nbf", 4_000_000_000_u64).token())),
    ];
    for (what, token) in refused {
        let stranger = user.bearing(token);
        for path in [QUOTA, "/api/v1/melody-vocals/history", "/api/v1/melody-vocals/stats"] {
            let answer = stranger.get(path).await;
            assert_eq!(answer.status, 401, "{what}: {path}: {}", answer.text());
            answer.problem(401, "unauthenticated");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}");
        }
        stranger.submit(&Submission::of("hum.wav", b"RIFF".to_vec())).await.problem(401, "unauthenticated");
    }
    let elsewhere = user.http.get(format!("{}{QUOTA}", user.base)).header("authorization", "Basic dXNlcjpwYXNz");
    crate::harness::Answer::of(elsewhere).await.problem(401, "unauthenticated");
}

async fn operators_are_their_own_role(flavour: Flavour) {
    const RESET: &str = "/api/v1/operator/breakers/reset";
    let deployment = shared(flavour).await;
    let user = deployment.user();
    user.post(RESET).await.problem(403, "forbidden");
    let almost = User::new(user.base.clone(), Claims::fresh().with("roles", json!(["administrator", "user"])));
    almost.post(RESET).await.problem(403, "forbidden");
    let operator = User::new(user.base.clone(), Claims::fresh().with("roles", json!(["user", "admin"])));
    assert_eq!(operator.post(RESET).await.expect(202)["success"], true);
    operator.post_json(RESET, &json!({ "provider": "expert" })).await.expect(202);
    operator.post_json(RESET, &json!({ "name": "expert" })).await.problem(400, "invalid_body");
    user.bearing(None).post(RESET).await.problem(401, "unauthenticated");
}

async fn tiers_come_from_the_token(flavour: Flavour) {
    let deployment = shared(flavour).await;
    for (tier, daily, monthly) in [
        ("free", json!(10), json!(100)),
        ("premium", json!(100), json!(1000)),
        ("enterprise", json!(null), json!(null)),
        // A word that nobody knows opens nothing.
        ("platinum", json!(10), json!(100)),
    ] {
        let user = User::new(deployment.front_url(), Claims::fresh().with("tier", tier));
        let quota = user.quota().await;
        assert_eq!((&quota["dailyLimit"], &quota["monthlyLimit"]), (&daily, &monthly), "{tier}: {quota}");
    }
}

/// The embedded mode as it comes: no tokens, one local user without limits.
#[tokio::test]
async fn without_settings_there_is_one_local_user() {
    let deployment = own(
        Flavour::Embedded,
        &[
            ("DESCANT_AUTH__MODE", ""),
            ("DESCANT_AUTH__SECRET", ""),
            ("DESCANT_AUTH__ISSUER", ""),
            ("DESCANT_AUTH__AUDIENCE", ""),
        ],
    )
    .await;
    let user = deployment.user().bearing(None);
    let quota = user.quota().await;
    assert!(quota["dailyLimit"].is_null() && quota["monthlyLimit"].is_null(), "{quota}");
    let job = User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await);
    user.completed(&job).await;
    user.post("/api/v1/operator/breakers/reset").await.expect(202);
    assert_eq!(user.history("").await["pagination"]["total"], 1);
}
