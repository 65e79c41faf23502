//! What the logs tell, and what they must never tell.

use serde_json::Value;

use crate::harness::{Answer, Flavour, SECRET, Submission, User, hum, own};

over_both!(one_trace_leads_through_the_house, logs_keep_secrets);

const CONVERT: &str = "/api/v1/melody-vocals/convert";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn one_trace_leads_through_the_house(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let form = Submission::of("hum.wav", hum().wav()).form();
    let traced = user.posting(CONVERT).header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"));
    let job = User::accepted(&Answer::of(traced.multipart(form)).await);
    user.completed(&job).await;
    let mut of_trace: Vec<String> = Vec::new();
    for (name, text) in deployment.logs() {
        for line in text.lines().filter(|line| line.starts_with('{')) {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{name}: {why}: {line}"));
            if line["trace_id"] == TRACE {
                of_trace.push(line["target"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    for service in ["gateway", "validator", "orchestrator", "storage"] {
        assert!(of_trace.iter().any(|target| target.starts_with(service)), "{service}: {of_trace:?}");
    }
}

async fn logs_keep_secrets(flavour: Flavour) {
    const PROMPT: &str = "Whispered zanzibar lullaby about unmentionable things";
    let deployment = own(flavour, &[("LOG_LEVEL", "trace")]).await;
    let user = deployment.user();
    let submission = Submission::of("private-file-name.wav", hum().wav()).with("prompt", PROMPT);
    let job = User::accepted(&user.submit(&submission).await);
    let status = user.completed(&job).await;
    let mp3 = status["result"]["audioUrl"].as_str().expect("a song has an address");
    assert_eq!(user.get(mp3).await.status, 200);
    user.submit(&submission.clone().with("prompt", "zanzibar")).await.problem(400, "invalid_field");
    let feedback = serde_json::json!({ "rating": 4, "feedback": "my private opinion" });
    user.post_json(&format!("/api/v1/melody-vocals/feedback/{job}"), &feedback).await.expect(200);

    let lyrics = status["result"]["lyrics"].as_str().expect("a song has words");
    let token = user.token().expect("a user has a token");
    let mut secrets = vec![PROMPT, "zanzibar", SECRET, token, "my private opinion", "private-file-name"];
    secrets.extend(lyrics.lines());
    let servers = (flavour == Flavour::Distributed).then(testbed::servers);
    secrets.extend(servers.as_ref().map(|servers| servers.s3_secret_key.as_str()));
    let logs = deployment.logs();
    assert!(logs.values().any(|text| text.contains("\"level\":\"debug\"")), "this test reads detailed logs");
    let mut told = Vec::new();
    for (name, text) in logs {
        for secret in secrets.iter().filter(|secret| text.contains(**secret)) {
            let line = text.lines().find(|line| line.contains(*secret)).unwrap_or_default();
            told.push(format!("{name} tells {secret:?}: {line}"));
        }
    }
    assert!(told.is_empty(), "{told:#?}");
}
