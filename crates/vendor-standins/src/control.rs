//! Scripts and the ledger over HTTP, for tests in other languages and for trying things out by hand.

use hyper::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    app::App,
    http::{Answer, Call},
    routes::{Route, Vendor},
    steps::Step,
};

/// The first segment of every path here.
pub const PREFIX: &str = "/_control/";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptRequest {
    vendor: Vendor,
    route: Route,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RandomRequest {
    vendor: Vendor,
    share: f64,
    #[serde(default)]
    seed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RandomRunsRequest {
    share: f64,
    #[serde(default)]
    seed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunRequest {
    id: String,
}

/// Answers a call to a path behind [`PREFIX`].
pub fn answer(app: &App, call: &Call) -> Answer {
    let done = match (call.path.strip_prefix(PREFIX).unwrap_or_default(), &call.method) {
        ("script", &Method::POST) => read(call).and_then(|request: ScriptRequest| {
            app.scripts.add(request.vendor, request.route, request.steps).map_err(|why| why.to_string())
        }),
        ("random", &Method::POST) => read(call).and_then(|request: RandomRequest| {
            app.scripts.random(request.vendor, request.share, request.seed).map_err(|why| why.to_string())
        }),
        ("random_runs", &Method::POST) => read(call).and_then(|request: RandomRunsRequest| {
            app.scripts.random_runs(request.share, request.seed).map_err(|why| why.to_string())
        }),
        ("advance", &Method::POST) => {
            read(call).and_then(|request: RunRequest| known(app.replicate.advance(&request.id)))
        }
        ("expire", &Method::POST) => {
            read(call).and_then(|request: RunRequest| known(app.replicate.expire(&request.id)))
        }
        ("reset", &Method::POST) => {
            app.reset();
            Ok(())
        }
        ("ledger", &Method::GET) => return Answer::json(200, &ledger(app)),
        ("webhooks", &Method::GET) => return Answer::json(200, &json!({"webhooks": app.replicate.webhooks()})),
        _ => {
            let error =
                "there are POST script, random, random_runs, advance, expire and reset, and GET ledger and webhooks";
            return Answer::json(404, &json!({ "error": error }));
        }
    };
    match done {
        Ok(()) => Answer::empty(204),
        Err(error) => Answer::json(400, &json!({ "error": error })),
    }
}

fn read<T: DeserializeOwned>(call: &Call) -> Result<T, String> {
    serde_json::from_slice(&call.body).map_err(|why| format!("the body is not as documented: {why}"))
}

fn known(found: bool) -> Result<(), String> {
    if found { Ok(()) } else { Err("there is no such prediction or training that could be moved".to_owned()) }
}

fn ledger(app: &App) -> Value {
    let charges = app.ledger.all();
    let total: u64 = charges.iter().map(|charge| charge.amount_micros).sum();
    let asked: Vec<Value> = app
        .scripts
        .asked()
        .into_iter()
        .map(|((vendor, route), times)| json!({"vendor": vendor, "route": route, "times": times}))
        .collect();
    json!({"charges": charges, "total_micros": total, "paid_twice": app.ledger.paid_twice(), "asked": asked})
}
