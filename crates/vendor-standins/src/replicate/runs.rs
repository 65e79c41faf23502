//! Runs go on, are looked at, and end.

use std::{
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::{
    Replicate, WEIGHTS,
    follow::follow,
    invalid,
    models::{self, Makes},
    not_found,
    run::{Kind, Run},
    store::{Output, Store},
};
use crate::{
    http::{Answer, Call},
    steps::{End, Pace},
    work::Reply,
};

impl Replicate {
    /// Moves a run on by one state: from `starting` to `processing`, from there to its end. `false` when there is none such, or
    /// it is over.
    pub fn advance(&self, id: &str) -> bool {
        let mut store = self.store();
        let moved = advance(&mut store, id);
        drop(store);
        self.changed.notify_waiters();
        moved
    }

    /// The vendor deletes inputs and outputs of a run, as it does an hour after its end.
    pub fn expire(&self, id: &str) -> bool {
        let mut store = self.store();
        store.outputs.retain(|_, output| output.run != id);
        store.run(id).map(Run::expire).is_some()
    }

    /// Moves a run on behind each of the pauses, for as long as the vendor is there.
    pub(super) fn drive(self: &Arc<Self>, id: String, pauses: Vec<Duration>) {
        let vendor = Arc::downgrade(self);
        tokio::spawn(async move {
            for pause in pauses {
                tokio::time::sleep(pause).await;
                let Some(vendor) = Weak::upgrade(&vendor) else { return };
                vendor.advance(&id);
            }
        });
    }

    /// Ends a run at its deadline: `aborted` before it has started, `canceled` after.
    pub(super) fn stop_after(self: &Arc<Self>, id: String, deadline: Duration) {
        let vendor = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(deadline).await;
            let Some(vendor) = Weak::upgrade(&vendor) else { return };
            let aborted = {
                let mut store = vendor.store();
                let Some(run) = store.run(&id).filter(|run| !run.is_over()) else { return };
                let aborted = run.started_at.is_none().then_some(run.charge);
                run.stop(Utc::now(), if aborted.is_some() { "aborted" } else { "canceled" });
                tell(&mut store, &id, "completed");
                aborted
            };
            if let Some(charge) = aborted {
                vendor.ledger.settle(charge, 0);
            }
            vendor.changed.notify_waiters();
        });
    }

    /// Until a run is over, at most so long.
    pub(super) async fn wait_for(&self, id: &str, longest: Duration) {
        let over = async {
            loop {
                let mut changed = pin!(self.changed.notified());
                changed.as_mut().enable();
                if self.store().run(id).is_none_or(|run| run.is_over()) {
                    return;
                }
                changed.await;
            }
        };
        // What is not over then is answered as it is.
        let _ = tokio::time::timeout(longest, over).await;
    }

    pub(super) fn get(&self, id: &str, training: bool) -> Reply {
        let mut store = self.store();
        let Some(run) = store.run(id).filter(|run| is(run, training)) else { return not_found() };
        if let Pace::Polls { starting, processing } = run.pace {
            run.polls += 1;
            let (polls, over) = (run.polls, run.is_over());
            let due = u8::from(polls > starting) + u8::from(polls > starting.saturating_add(processing));
            let done = u8::from(run.started_at.is_some()) + u8::from(over);
            for _ in done..if over { 0 } else { due } {
                advance(&mut store, id);
            }
        }
        store.run(id).map_or_else(not_found, |run| Answer::json(200, &run.shown()).into())
    }

    pub(super) fn cancel(&self, id: &str, training: bool) -> Reply {
        let mut store = self.store();
        let Some(run) = store.run(id).filter(|run| is(run, training)) else { return not_found() };
        if !run.is_over() {
            run.stop(Utc::now(), "canceled");
            tell(&mut store, id, "completed");
            self.changed.notify_waiters();
        }
        store.run(id).map_or_else(not_found, |run| Answer::json(200, &run.shown()).into())
    }

    /// Newest first, a page at a time.
    pub(super) fn list(&self, call: &Call, training: bool) -> Reply {
        let moment = |name: &str| match call.query(name) {
            None => Ok(None),
            Some(text) => DateTime::parse_from_rfc3339(text)
                .map(|moment| Some(moment.with_timezone(&Utc)))
                .map_err(|_| invalid(name, "must be a moment in RFC 3339")),
        };
        let (after, before) = match (moment("created_after"), moment("created_before")) {
            (Ok(after), Ok(before)) => (after, before),
            (Err(refused), _) | (_, Err(refused)) => return refused,
        };
        let store = self.store();
        let mut runs = store.runs.iter().rev().filter(|run| is(run, training)).filter(|run| {
            after.is_none_or(|after| run.created_at >= after) && before.is_none_or(|before| run.created_at < before)
        });
        if let Some(cursor) = call.query("cursor") {
            let last = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|last| String::from_utf8(last).ok());
            if last.is_none_or(|last| !runs.any(|run| run.id == last)) {
                return invalid("cursor", "is not one of this list");
            }
        }
        let mut page: Vec<&Run> = runs.take(self.page + 1).collect();
        let more = page.len() > self.page;
        page.truncate(self.page);
        let next = page.last().filter(|_| more).map(|last| next_page(call, &last.id));
        let results: Vec<Value> = page.into_iter().map(Run::shown).collect();
        Answer::json(200, &json!({"previous": null, "next": next, "results": results})).into()
    }
}

fn is(run: &Run, training: bool) -> bool {
    training == matches!(run.kind, Kind::Training { .. })
}

fn next_page(call: &Call, last: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(call.query.iter().filter(|(name, _)| name != "cursor"));
    query.append_pair("cursor", &URL_SAFE_NO_PAD.encode(last));
    format!("{}{}?{}", call.base, call.path, query.finish())
}

/// Puts what the run looks like now before its webhook, if that is to be told of the event; behind `completed` comes nothing.
fn tell(store: &mut Store, id: &str, event: &str) {
    let Some(run) = store.run(id) else { return };
    // Only these ends are documented to be told.
    let told = run.tells(event) && (event != "completed" || ["succeeded", "failed", "canceled"].contains(&run.status));
    let shown = told.then(|| run.shown());
    if let (Some(shown), Some(notices)) = (shown, store.notices.get(id)) {
        // Nobody receives any more when the server goes down.
        let _ = notices.send(shown);
    }
    if event == "completed" {
        store.notices.remove(id);
    }
}

fn advance(store: &mut Store, id: &str) -> bool {
    let Some(run) = store.run(id).filter(|run| !run.is_over()) else { return false };
    if run.started_at.is_none() && run.plan.end != End::Aborted {
        run.start(Utc::now());
        tell(store, id, "start");
        return true;
    }
    let run = run.clone();
    let output = output(store, &run);
    let made = !output.is_null();
    if let Some(run) = store.run(id) {
        run.end(Utc::now(), output);
    }
    if made {
        tell(store, id, "output");
    }
    tell(store, id, "completed");
    true
}

/// Makes what a run that succeeds answers, with the files that it names.
fn output(store: &mut Store, run: &Run) -> Value {
    let amiss = match run.plan.end {
        End::Succeeds => None,
        End::Audio(amiss) => Some(amiss),
        _ => return Value::Null,
    };
    if let Kind::Training { destination } = &run.kind {
        let version = hex::encode(Sha256::digest(&run.id));
        let own = store.models.iter_mut().find(|model| format!("{}/{}", model.owner, model.name) == *destination);
        if let Some(model) = own {
            model.versions.push(version.clone());
        }
        let weights = format!("{}/delivery/{}/{WEIGHTS}", run.base, run.id);
        return json!({"version": format!("{destination}:{version}"), "weights": weights});
    }
    let dice = run.input["seed"].as_u64().unwrap_or(run.created_at.timestamp_subsec_micros().into());
    let recipe = follow(models::recipe(run.makes, &run.input, dice), &run.input, store);
    let extension = if recipe.codec.content_type() == "audio/mpeg" { "mp3" } else { "wav" };
    let path = format!("{}/out.{extension}", run.id);
    let url = format!("{}/delivery/{path}", run.base);
    store.outputs.insert(path, Output { run: run.id.clone(), recipe, amiss });
    match run.makes {
        Makes::Bark => json!({"audio_out": url, "prompt_npz": null}),
        _ => url.into(),
    }
}
