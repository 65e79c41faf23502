//! Predictions and trainings are begun.

use std::{sync::Arc, time::Duration};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use url::{Host, Url};

use super::{
    Replicate, USER, invalid,
    models::{self, MODELS, Makes},
    not_found, problem,
    run::{Kind, Run},
};
use crate::{
    http::{Answer, Call},
    prices, sound,
    steps::{self, End, Pace, Step, Webhook},
    work::{Reply, Work},
};

const EVENTS: [&str; 4] = ["start", "output", "logs", "completed"];
/// Longest that a call may wait for its prediction.
const LONGEST_WAIT_SECONDS: u64 = 60;
/// How long a training takes by the vendor's meter.
const TRAINING_SECONDS: f64 = 900.0;

/// What a request asks to be run.
struct Asked {
    owner: String,
    name: String,
    version: String,
    makes: Makes,
    kind: Kind,
}

impl Replicate {
    pub(super) async fn create_prediction(self: &Arc<Self>, work: &Work<'_>) -> Reply {
        let Some(body) = work.call.object() else { return problem(400, "Bad request", "The body is not JSON").into() };
        let found = if work.target.ids.is_empty() {
            self.by_version(&body)
        } else {
            let official =
                MODELS.iter().find(|model| (model.owner, model.name) == (work.id(0), work.id(1)) && model.official);
            official
                .map(|model| (model.owner.to_owned(), model.name.to_owned(), model.version.to_owned(), model.makes))
                .ok_or_else(not_found)
        };
        let (owner, name, version, makes) = match found {
            Ok(found) => found,
            Err(refused) => return refused,
        };
        self.create(work, &body, Asked { owner, name, version, makes, kind: Kind::Prediction }).await
    }

    /// By `owner/name` of an official model, `owner/name:hash` or the hash alone.
    fn by_version(&self, body: &Value) -> Result<(String, String, String, Makes), Reply> {
        let Some(version) = body["version"].as_str() else { return Err(invalid("version", "is required")) };
        if let Some((owner, name)) = version.split_once('/')
            && !name.contains(':')
        {
            let official = MODELS.iter().find(|model| (model.owner, model.name) == (owner, name) && model.official);
            let model = official.ok_or_else(no_version)?;
            return Ok((owner.to_owned(), name.to_owned(), model.version.to_owned(), model.makes));
        }
        let hash = version.rsplit(':').next().unwrap_or_default();
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return Err(no_version());
        }
        let store = self.store();
        let (owner, name) = store.owner_of(hash).ok_or_else(no_version)?;
        if version.split_once(':').is_some_and(|(model, _)| model != format!("{owner}/{name}")) {
            return Err(no_version());
        }
        let makes =
            store.version(&owner, &name, hash).filter(|makes| *makes != Makes::Training).ok_or_else(no_version)?;
        Ok((owner, name, hash.to_owned(), makes))
    }

    pub(super) async fn create_training(self: &Arc<Self>, work: &Work<'_>) -> Reply {
        let Some(body) = work.call.object() else { return problem(400, "Bad request", "The body is not JSON").into() };
        let (owner, name, version) = (work.id(0), work.id(1), work.id(2));
        let destination = body["destination"].as_str().unwrap_or_default().to_owned();
        {
            let store = self.store();
            if store.version(owner, name, version) != Some(Makes::Training) {
                return not_found();
            }
            let exists = store.models.iter().any(|model| format!("{}/{}", model.owner, model.name) == destination);
            if !exists {
                let detail = format!(
                    "The destination model {destination} does not exist. Create it, as {USER}, before training it."
                );
                return problem(404, "Destination not found", &detail).into();
            }
        }
        let (owner, name, version) = (owner.to_owned(), name.to_owned(), version.to_owned());
        let asked = Asked { owner, name, version, makes: Makes::Training, kind: Kind::Training { destination } };
        self.create(work, &body, asked).await
    }

    async fn create(self: &Arc<Self>, work: &Work<'_>, body: &Value, asked: Asked) -> Reply {
        if let Err(refused) = check(body, asked.makes) {
            return refused;
        }
        let plan = match work.step {
            Step::Run(run) => run.clone(),
            _ => steps::Run::default(),
        };
        let before_answer = plan.webhooks.contains(&Webhook::BeforeAnswer);
        let pace = if before_answer { Pace::Manual } else { plan.pace.unwrap_or(self.pace) };
        let deadline = work.call.header("cancel-after").and_then(duration);
        let (id, charge, delivery) = self.begin(work, body, asked, plan, pace, deadline);
        if before_answer {
            self.advance(&id);
            self.advance(&id);
            if let Some(delivery) = delivery {
                // A task that sends webhooks ends by itself: each has a time limit, and there are no more.
                let _ = delivery.await;
            }
        }
        if let Pace::Millis { starting, processing } = pace {
            self.drive(id.clone(), vec![Duration::from_millis(starting), Duration::from_millis(processing)]);
        }
        if let Some(deadline) = deadline {
            self.stop_after(id.clone(), deadline);
        }
        if let Some(wait) = wait(work.call)
            && !matches!(pace, Pace::Polls { .. })
        {
            self.wait_for(&id, wait).await;
        }
        let shown = self.store().run(&id).map(|run| run.shown());
        let answer =
            shown.map_or_else(|| problem(500, "Internal server error", "Reset"), |run| Answer::json(201, &run));
        Reply { answer, charge: Some(charge) }
    }

    /// Writes the run down: its id, its charge, and the task that sends its webhooks.
    fn begin(
        &self,
        work: &Work<'_>,
        body: &Value,
        asked: Asked,
        plan: steps::Run,
        pace: Pace,
        deadline: Option<Duration>,
    ) -> (String, usize, Option<tokio::task::JoinHandle<()>>) {
        let mut store = self.store();
        let id = store.new_id();
        let (work_seconds, price) = match asked.kind {
            Kind::Training { .. } => (TRAINING_SECONDS, prices::TRAINING_SECOND_MICROS),
            Kind::Prediction => {
                let recipe = models::recipe(asked.makes, &body["input"], 1);
                (sound::seconds(&recipe.tones), prices::PREDICTION_SECOND_MICROS)
            }
        };
        let free = plan.end == End::Aborted;
        let amount = if free { 0 } else { (work_seconds * price as f64).round() as u64 };
        let charge = work.charge(amount, Some(&id));
        let webhook = body["webhook"].as_str().map(str::to_owned);
        let delivery = webhook.as_ref().map(|url| {
            let (sender, receiver) = unbounded_channel();
            store.notices.insert(id.clone(), sender);
            tokio::spawn(Arc::clone(&self.courier).deliver(url.clone(), plan.webhooks.clone(), receiver))
        });
        let now = Utc::now();
        let events = body["webhook_events_filter"].as_array();
        let events = events.map(|events| events.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        store.add_run(Run {
            id: id.clone(),
            kind: asked.kind,
            model: format!("{}/{}", asked.owner, asked.name),
            version: asked.version,
            makes: asked.makes,
            input: body["input"].clone(),
            webhook,
            events,
            plan,
            pace,
            polls: 0,
            status: "starting",
            output: Value::Null,
            error: Value::Null,
            created_at: now,
            started_at: None,
            completed_at: None,
            deadline: deadline
                .and_then(|deadline| TimeDelta::from_std(deadline).ok())
                .and_then(|delta| now.checked_add_signed(delta)),
            removed: false,
            charge,
            work_seconds,
            base: work.call.base.clone(),
        });
        (id, charge, delivery)
    }
}

fn no_version() -> Reply {
    let detail = "The specified version does not exist (or perhaps you don't have permission to use it?)";
    problem(422, "Invalid version or not permitted", detail).into()
}

/// The body's input, webhook and filter.
fn check(body: &Value, makes: Makes) -> Result<(), Reply> {
    if !body["input"].is_object() {
        return Err(invalid("input", "is required"));
    }
    let problems = models::problems(makes, &body["input"]);
    if !problems.is_empty() {
        let detail: String = problems.iter().map(|(field, what)| format!("- input.{field} {what}\n")).collect();
        let fields: Vec<Value> = problems
            .iter()
            .map(|(field, what)| json!({"type": "invalid", "field": format!("input.{field}"), "description": what}))
            .collect();
        let body = json!({"type": "about:blank", "title": "Input validation failed", "status": 422, "detail": detail,
            "invalid_fields": fields});
        return Err(Answer::json(422, &body).into());
    }
    if !body["webhook"].is_null() && !body["webhook"].as_str().is_some_and(may_be_told) {
        return Err(invalid("webhook", "must be an HTTPS URL"));
    }
    if let Some(events) = body["webhook_events_filter"].as_array()
        && !events.iter().all(|event| event.as_str().is_some_and(|event| EVENTS.contains(&event)))
    {
        return Err(invalid("webhook_events_filter", "must be of start, output, logs and completed"));
    }
    Ok(())
}

/// HTTPS as the vendor wants it; plain HTTP to this machine, where development and tests listen.
fn may_be_told(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || url.scheme() == "http" && loopback
}

/// `Prefer: wait` or `wait=n`, in whole seconds from 1 to 60.
fn wait(call: &Call) -> Option<Duration> {
    let preferences = call.header("prefer")?.split(',').map(str::trim);
    let seconds = preferences.into_iter().find_map(|preference| match preference {
        "wait" => Some(LONGEST_WAIT_SECONDS),
        other => other.strip_prefix("wait=")?.parse().ok(),
    })?;
    Some(Duration::from_secs(seconds.clamp(1, LONGEST_WAIT_SECONDS)))
}

/// Such as `30s`, `5m` or `1h`; a bare number is of seconds.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let unit = match text.get(digits.len()..)? {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    Some(Duration::from_secs(number.checked_mul(unit)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_webhooks() {
        assert_eq!(duration("90"), Some(Duration::from_secs(90)));
        assert_eq!(duration("5m"), Some(Duration::from_secs(300)));
        assert_eq!((duration("5d"), duration("m"), duration("")), (None, None, None));
        assert!(
            may_be_told("https://x.test/hook?a=b")
                && may_be_told("http://127.0.0.1:9/x")
                && may_be_told("http://[::1]/")
        );
        assert!(!may_be_told("http://x.test/") && !may_be_told("ftp://localhost/") && !may_be_told("x"));
    }
}
