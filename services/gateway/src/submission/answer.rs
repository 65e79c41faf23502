//! What a submission answers, and what it tells others.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use domain::feed::{FeedData, FeedKind};
use persistence::{Journal, NewEvent};
use serde_json::Value;

use crate::{
    app_state::AppState,
    jobs::wire::{InputBody, SubmittedBody},
    links::LinkMaker,
    submit_kind::{Accepted, SubmitKind},
};

/// An answer with the job's own address in `Location`. A repeat gets the body of the first request, with links of its own: under
/// which name we were asked is for nobody else.
pub fn answered(status: StatusCode, mut body: Value, links: &LinkMaker, replayed: bool) -> HttpResponse {
    links.complete(&mut body);
    let mut response = HttpResponse::build(status);
    let location = body["links"]["status"].as_str().and_then(|link| HeaderValue::from_str(link).ok());
    if let Some(location) = location {
        response.insert_header((header::LOCATION, location));
    }
    if replayed {
        response.insert_header(("idempotent-replayed", "true"));
    }
    response.json(body)
}

/// What every kind's own address answers.
pub fn common(kind: &dyn SubmitKind, accepted: &Accepted<'_>) -> Value {
    let Accepted { job, inputs, quota, queue_position, links } = accepted;
    let warnings = inputs.iter().flat_map(|input| input.verdict.warnings());
    let body = SubmittedBody {
        success: true,
        job_id: job.id.to_string(),
        kind: job.kind.to_string(),
        status: job.state.seed_status(),
        state: job.state.as_str(),
        queue_position: *queue_position,
        quota: quota.clone(),
        warnings: warnings.map(|finding| finding.message.clone()).collect(),
        inputs: inputs.iter().map(InputBody::of_checked).collect(),
        parameters: kind.parameters(&job.params),
        reuse: job.reuse,
        links: links.clone(),
        more: kind.accepted(accepted),
    };
    serde_json::to_value(body).unwrap_or(Value::Null)
}

/// The first event of a job, the message that wakes an orchestrator, and what others are told.
pub fn accepted_journal(state: &AppState) -> Journal<'_> {
    Journal::silent()
        .events(|job| {
            let data = serde_json::to_value(FeedData::new(job.state, job.progress)).unwrap_or_default();
            vec![NewEvent::new(FeedKind::Accepted.as_str(), data)]
        })
        .messages(|job| state.job_accepted(job))
}
