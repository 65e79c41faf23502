//! What happens when a part of the deployment dies or is away. Distributed only: the embedded one dies as a whole, and
//! its restart is the last test here.

use std::time::Duration;

use domain::JobId;
use persistence::{Stage, StageState};
use reqwest::Client;
use serde_json::Value;
use testbed::eventually;

use crate::{
    harness::{Deployment, Flavour, PATIENCE, Part, Submission, User, hum, long_hum, own},
    refusals::nothing_remains,
    song::events_tell_the_whole_story,
};

/// Long enough that it is still sung when the test gets to it.
const LONG_SECONDS: f64 = 60.0;

async fn stages(deployment: &Deployment, job: &str) -> Vec<Stage> {
    let id: JobId = job.parse().expect("a job's id");
    let database = deployment.database().await;
    let stages = database.stages().list(id).await.expect("stages can be read");
    database.close().await.expect("the database closes");
    stages
}

/// Submits a long hum and waits until its lyrics are written and its singing has begun.
async fn in_the_middle(user: &User) -> String {
    in_the_middle_of(user, &Submission::of("long.wav", long_hum(LONG_SECONDS).wav())).await
}

async fn in_the_middle_of(user: &User, submission: &Submission) -> String {
    let job = User::accepted(&user.submit(submission).await);
    let mut events = user.events(&job, 0).await;
    events.until("its singing", |event| event.kind == "stage_started" && event.stage() == Some("vocals")).await;
    job
}

/// The checkpoints that were there before are there after, as they were: nothing was done twice.
fn kept(before: &[Stage], after: &[Stage]) {
    let done: Vec<&Stage> = before.iter().filter(|stage| stage.state == StageState::Done).collect();
    let names: Vec<&str> = done.iter().map(|stage| stage.name.as_str()).collect();
    for name in ["initialization", "validation", "pitch", "lyrics"] {
        assert!(names.contains(&name), "{name} was done before: {names:?}");
    }
    for stage in done {
        let same = after.iter().find(|other| other.name == stage.name).expect("stages do not vanish");
        assert_eq!(same, stage, "a finished stage is not run again");
    }
    assert!(after.iter().all(|stage| stage.state == StageState::Done), "{after:?}");
}

#[tokio::test]
async fn a_killed_orchestrator_loses_no_work() {
    let deployment = own(Flavour::Distributed, &[]).await;
    let user = deployment.user();
    let job = in_the_middle(&user).await;
    deployment.kill(Part::Orchestrator);
    let before = stages(&deployment, &job).await;
    assert_eq!(user.status(&job).await["status"], "processing", "nobody has noticed yet");

    deployment.launch(Part::Orchestrator).await;
    let status = user.completed(&job).await;
    assert!(status["result"]["quality"]["pitchAccuracy"].as_f64() >= Some(0.85), "{status}");
    kept(&before, &stages(&deployment, &job).await);

    let events = user.events(&job, 0).await.rest().await;
    let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids, (1..=events.len() as u64).collect::<Vec<_>>());
    assert!(events.iter().map(|event| event.progress()).is_sorted(), "progress never goes back");
    let starts =
        |stage| events.iter().filter(|event| event.kind == "stage_started" && event.stage() == Some(stage)).count();
    assert_eq!((starts("pitch"), starts("lyrics"), starts("vocals")), (1, 1, 2), "{events:#?}");
    assert_eq!(user.quota().await["dailyUsed"], 1);
}

#[tokio::test]
async fn another_orchestrator_takes_over_from_a_dead_one() {
    let deployment = own(Flavour::Distributed, &[]).await;
    let user = deployment.user();
    // With a band there is a stage more, whose melody the others sing.
    let with_band = Submission::of("long.wav", long_hum(LONG_SECONDS).wav()).with("backing", "band");
    let job = in_the_middle_of(&user, &with_band).await;
    deployment.launch(Part::SecondOrchestrator).await;
    deployment.kill(Part::Orchestrator);
    let before = stages(&deployment, &job).await;
    assert!(before.iter().any(|stage| stage.name.as_str() == "arrangement" && stage.state == StageState::Done));
    let status = user.completed(&job).await;
    assert!(status["result"]["backingInfo"]["band"]["seconds"].as_f64() > Some(LONG_SECONDS), "{status}");
    kept(&before, &stages(&deployment, &job).await);
    let events = user.events(&job, 0).await.rest().await;
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    let of = |kind| kinds.iter().filter(|other| **other == kind).count();
    assert_eq!((of("started"), of("resumed")), (1, 1), "followers are told of the takeover: {kinds:?}");
}

#[tokio::test]
async fn two_orchestrators_do_every_job_once() {
    let deployment = own(Flavour::Distributed, &[]).await;
    deployment.launch(Part::SecondOrchestrator).await;
    let user = deployment.user();
    let submission = Submission::of("hum.wav", hum().wav());
    let mut jobs = Vec::new();
    for _ in 0..8 {
        jobs.push(User::accepted(&user.submit(&submission).await));
    }
    for job in &jobs {
        user.completed(job).await;
        events_tell_the_whole_story(job, &user.events(job, 0).await.rest().await);
        assert!(stages(&deployment, job).await.iter().all(|stage| stage.attempt == 1), "{job}");
    }
    assert_eq!(user.quota().await["dailyUsed"], 8);
}

#[tokio::test]
async fn an_orchestrator_that_is_asked_to_stop_hands_its_job_back() {
    // A lease that this test does not want to wait for.
    let deployment = own(Flavour::Distributed, &[("DESCANT_JOBS__LEASE_MS", "600000")]).await;
    let user = deployment.user();
    let job = in_the_middle(&user).await;
    assert_eq!(deployment.stop(Part::Orchestrator), 0);
    assert_eq!(user.status(&job).await["state"], "queued", "it is nobody's now");
    let before = stages(&deployment, &job).await;
    deployment.launch(Part::Orchestrator).await;
    user.completed(&job).await;
    kept(&before, &stages(&deployment, &job).await);
}

#[tokio::test]
async fn a_waiting_job_needs_no_living_orchestrator() {
    let deployment = own(Flavour::Distributed, &[]).await;
    let user = deployment.user();
    deployment.kill(Part::Orchestrator);
    let job = User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await);
    assert_eq!(user.status(&job).await["status"], "pending");
    deployment.launch(Part::Orchestrator).await;
    user.completed(&job).await;
}

#[tokio::test]
async fn without_a_validator_nothing_is_accepted_and_nothing_is_left() {
    let deployment = own(Flavour::Distributed, &[]).await;
    let user = deployment.user();
    deployment.kill(Part::Validator);
    let answer = user.submit(&Submission::of("hum.wav", hum().wav())).await;
    answer.problem(503, "unavailable");
    assert!(answer.header("retry-after").is_some_and(|wait| wait.parse::<u64>().is_ok()), "{:?}", answer.headers);
    assert_eq!(user.quota().await["totalUsed"], 0);
    assert_eq!(user.history("").await["pagination"]["total"], 0);
    nothing_remains(&deployment).await;

    deployment.launch(Part::Validator).await;
    let job = User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await);
    user.completed(&job).await;
}

#[tokio::test]
async fn a_killed_storage_delays_the_end_and_loses_nothing() {
    let deployment = own(Flavour::Distributed, &[]).await;
    let user = deployment.user();
    let job = in_the_middle(&user).await;
    deployment.kill(Part::Storage);
    let mut events = user.events(&job, 0).await;
    events.until("its storing", |event| event.kind == "stage_started" && event.stage() == Some("finalization")).await;
    deployment.launch(Part::Storage).await;
    user.completed(&job).await;
}

#[tokio::test]
async fn a_killed_gateway_forgets_nothing() {
    let deployment = own(Flavour::Distributed, &[]).await;
    let mut user = deployment.user();
    let job = in_the_middle(&user).await;
    deployment.kill(Part::Gateway);
    deployment.launch(Part::Gateway).await;
    user.base = deployment.front_url();
    events_tell_the_whole_story(&job, &user.events(&job, 0).await.rest().await);
}

/// The broker's management API, as its operator uses it.
struct Broker {
    http: Client,
    base: String,
    user: String,
    password: String,
}

impl Broker {
    fn new() -> Self {
        let url = testbed::servers().rabbitmq_management;
        let base = format!("{}://{}:{}", url.scheme(), url.host_str().unwrap_or_default(), url.port().unwrap_or(80));
        let (user, password) = (url.username().to_owned(), url.password().unwrap_or_default().to_owned());
        Self { http: Client::new(), base, user, password }
    }

    async fn connections(&self, vhost: &str) -> Vec<String> {
        let url = format!("{}/api/vhosts/{vhost}/connections", self.base);
        let request = self.http.get(url).basic_auth(&self.user, Some(&self.password));
        let all: Value = request.send().await.expect("the broker answers").json().await.unwrap_or_default();
        all.as_array().into_iter().flatten().filter_map(|one| Some(one["name"].as_str()?.to_owned())).collect()
    }

    async fn close(&self, connection: &str) {
        let mut url: url::Url = format!("{}/api/connections", self.base).parse().expect("an address");
        url.path_segments_mut().expect("an address with a path").push(connection);
        let request = self.http.delete(url).basic_auth(&self.user, Some(&self.password));
        request.send().await.expect("the broker answers");
    }
}

#[tokio::test]
async fn a_broken_broker_connection_is_mended() {
    let deployment = own(Flavour::Distributed, &[]).await;
    let user = deployment.user();
    let (broker, vhost) = (Broker::new(), deployment.vhost());
    // The broker tells of connections with some delay.
    let connections = eventually("connections of four services", Duration::from_secs(60), || async {
        let connections = broker.connections(vhost).await;
        if connections.len() >= 4 { Ok(connections) } else { Err(connections) }
    })
    .await;
    let running = in_the_middle(&user).await;
    for connection in &connections {
        broker.close(connection).await;
    }
    user.completed(&running).await;
    // What is submitted while the connections are coming back may be told to try again, and nothing else.
    let submission = Submission::of("hum.wav", hum().wav());
    let job = eventually("a submission to be accepted", Duration::from_secs(60), || async {
        let answer = user.submit(&submission).await;
        if answer.status == 202 {
            return Ok(User::accepted(&answer));
        }
        answer.problem(503, "unavailable");
        Err(answer.text())
    })
    .await;
    user.completed(&job).await;
    let now = broker.connections(vhost).await;
    assert!(connections.iter().all(|old| !now.contains(old)), "the old connections are gone: {now:?}");
}

#[tokio::test]
async fn without_the_expert_the_engine_steps_in_and_the_breaker_opens() {
    let deployment = own(
        Flavour::Distributed,
        &[("CIRCUIT_BREAKER_THRESHOLD", "5"), ("CIRCUIT_BREAKER_TIMEOUT", "600000"), ("QUEUE_CONCURRENCY", "1")],
    )
    .await;
    let user = deployment.user();
    let submission = Submission::of("hum.wav", hum().wav());
    let by = |status: &Value| -> Vec<String> {
        let steps = status["result"]["processingSteps"].as_array().cloned().unwrap_or_default();
        steps.iter().filter_map(|step| Some(step["provider"].as_str()?.to_owned())).collect()
    };
    let first = user.completed(&User::accepted(&user.submit(&submission).await)).await;
    assert!(by(&first).iter().all(|provider| provider == "expert"), "{:?}", by(&first));

    deployment.kill(Part::Expert);
    for _ in 0..2 {
        let status = user.completed(&User::accepted(&user.submit(&submission).await)).await;
        assert!(by(&status).iter().all(|provider| provider != "expert"), "{:?}", by(&status));
    }
    let stats = eventually("an open breaker", PATIENCE, || async {
        let stats = user.get("/api/v1/melody-vocals/stats").await.expect(200);
        if stats["circuitBreaker"]["state"] == "OPEN" { Ok(stats) } else { Err(stats) }
    })
    .await;
    assert!(stats["circuitBreaker"]["failures"].as_u64() >= Some(5), "{stats}");
    assert!(stats["circuitBreaker"]["openUntil"].is_string(), "{stats}");
    assert_eq!(stats["health"]["healthy"], false, "{stats}");
    let metrics = Client::new().get(format!("{}/metrics", deployment.url(Part::Orchestrator)));
    let text = metrics.send().await.expect("metrics answer").text().await.expect("metrics are text");
    assert!(text.lines().any(|line| line.starts_with("descant_breaker_state{") && line.ends_with(" 2")), "{text}");

    let operator =
        User::new(deployment.front_url(), crate::harness::Claims::fresh().with("roles", serde_json::json!(["admin"])));
    operator.post("/api/v1/operator/breakers/reset").await.expect(202);
    eventually("closed breakers", Duration::from_secs(20), || async {
        let stats = user.get("/api/v1/melody-vocals/stats").await.expect(200);
        if stats["circuitBreaker"]["state"] == "CLOSED" { Ok(()) } else { Err(stats) }
    })
    .await;
}

#[tokio::test]
async fn an_embedded_house_goes_on_where_it_was_killed() {
    let deployment = own(Flavour::Embedded, &[]).await;
    let mut user = deployment.user();
    let job = in_the_middle(&user).await;
    deployment.kill(Part::Descant);
    let before = stages(&deployment, &job).await;
    deployment.launch(Part::Descant).await;
    user.base = deployment.front_url();
    user.completed(&job).await;
    kept(&before, &stages(&deployment, &job).await);
}
