//! Whether this process can make songs just now: found out by trying, and believed for a few seconds.

use std::{
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::web;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::{AppState, work::blocking};

/// How long what was found is believed: all well, or not.
const WELL_FOR: Duration = Duration::from_secs(5);
const ILL_FOR: Duration = Duration::from_secs(1);
/// Longest that a look is waited for. A machine on which the engine has all cores in use is slow, and not ill.
const LONGEST_LOOK: Duration = Duration::from_secs(20);

/// Something that does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Such as `engine/soundfont`.
    name: String,
    problem: String,
}

impl Fault {
    fn of(part: &str, problem: impl Into<String>) -> Self {
        Self { name: format!("engine/{part}"), problem: problem.into() }
    }
}

/// What was found, and when.
type LastLook = (Instant, Arc<Vec<Fault>>);

/// The last look.
#[derive(Default)]
pub struct Probe(Arc<Mutex<Option<LastLook>>>);

impl Probe {
    /// What does not work. Those who ask meanwhile wait for the same look, which goes on when they do not.
    pub async fn faults(&self, state: &web::Data<AppState>) -> Arc<Vec<Fault>> {
        let (last, own) = (self.0.clone(), state.clone());
        let look = tokio::spawn(async move { looked(&last, &own).await });
        look.await.unwrap_or_else(|_| Arc::new(vec![Fault::of("all", "it failed while it was looked at")]))
    }
}

async fn looked(last: &Mutex<Option<LastLook>>, state: &web::Data<AppState>) -> Arc<Vec<Fault>> {
    let mut last = last.lock().await;
    let is_fresh = |(at, faults): &&LastLook| at.elapsed() < if faults.is_empty() { WELL_FOR } else { ILL_FOR };
    if let Some((_, faults)) = last.as_ref().filter(is_fresh) {
        return faults.clone();
    }
    let own = state.clone();
    let look = blocking(move || found(&own));
    let faults = match tokio::time::timeout(LONGEST_LOOK, look).await {
        Ok(Ok(faults)) => faults,
        Ok(Err(_)) => vec![Fault::of("all", "it failed while it was looked at")],
        Err(_) => {
            let problem = format!("it has not done a little of its work within {} s", LONGEST_LOOK.as_secs());
            vec![Fault::of("all", problem)]
        }
    };
    let was_well = last.as_ref().is_none_or(|(_, faults)| faults.is_empty());
    if was_well && !faults.is_empty() {
        tracing::error!(?faults, "the engine cannot do its work");
    }
    let faults = Arc::new(faults);
    *last = Some((Instant::now(), faults.clone()));
    faults
}

/// Blocks.
fn found(state: &AppState) -> Vec<Fault> {
    let engine = state.stages.engine.faults().into_iter().map(|(part, problem)| Fault::of(part, problem));
    let font = state.pipeline.capabilities.accompaniment.instruments();
    let font = font.err().map(|error| Fault::of("soundfont", providers::font_failure(&error).message));
    // As songs are written: where there is no room left, a name alone can still be made.
    let written = state.files.begin().and_then(|mut file| {
        file.write_all(&[0; 4096])?;
        file.as_file().sync_data()
    });
    let files = written.err().map(|error| Fault::of("files", format!("no song can be written: {error}")));
    engine.chain(font).chain(files).collect()
}
