//! The circuit breakers of this process, told to others through rows, and reset when an operator says so. What another orchestrator
//! has found out about a vendor's money or key, this one reads there, and does not find out by a call of its own.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use messaging::{Body, Bus, Event};
use persistence::{BreakerRow, Database, PersistenceError};
use resilience::{BreakerRegistry, BreakerState, Clock, ToldHold};
use service_runtime::{CancellationToken, Deps, RuntimeError, error_chain};

/// How often to look for changes, here and elsewhere.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often to repeat what has not changed, so that readers know that this process lives.
const REPEAT_EVERY: u32 = 30;

/// What reporting and resetting need.
#[derive(Clone)]
pub struct BreakerReporter {
    database: Database,
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    registry: BreakerRegistry,
    instance: String,
}

impl BreakerReporter {
    pub fn of(deps: &Deps) -> Result<Self, RuntimeError> {
        Ok(Self {
            database: deps.database()?,
            bus: deps.bus()?,
            clock: deps.clock.clone(),
            registry: deps.breakers.clone(),
            instance: deps.instance.clone(),
        })
    }
}

/// Writes what the breakers say whenever it changes, and now and then all the same; and heeds what others have found out.
pub async fn report(deps: BreakerReporter, shutdown: CancellationToken) {
    let mut reported: Vec<BreakerRow> = Vec::new();
    let mut silent_for = REPEAT_EVERY;
    while !shutdown.is_cancelled() {
        let rows = rows(&deps);
        silent_for += 1;
        if changed(&reported, &rows) || silent_for >= REPEAT_EVERY {
            match deps.database.breakers().report(&rows).await {
                Ok(()) => {
                    reported = rows;
                    silent_for = 0;
                }
                Err(error) => tracing::warn!(error = %error_chain(&error), "breakers not reported"),
            }
            if let Err(error) = deps.database.breakers().prune(deps.clock.now()).await {
                tracing::warn!(error = %error_chain(&error), "old breaker reports not deleted");
            }
        }
        match told(&deps).await {
            Ok(holds) => deps.registry.heed(&holds),
            // What they said before stands.
            Err(error) => tracing::warn!(error = %error_chain(&error), "breakers of others not read"),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

fn rows(deps: &BreakerReporter) -> Vec<BreakerRow> {
    let now = deps.clock.now();
    let row = |breaker: resilience::BreakerSnapshot| BreakerRow {
        instance: deps.instance.clone(),
        provider: breaker.name,
        state: breaker.state.as_str().to_owned(),
        failures: breaker.failures,
        // Others take over what was found out here, and nothing that was taken over from them.
        open_until: match (breaker.held, breaker.state) {
            (Some((_, until)), _) | (None, BreakerState::Open { until }) => Some(until),
            (None, BreakerState::Closed | BreakerState::HalfOpen) => None,
        },
        problem: breaker.problem,
        held_since: breaker.held.map(|(since, _)| since),
        updated_at: now,
    };
    deps.registry.snapshot().into_iter().map(row).collect()
}

fn changed(reported: &[BreakerRow], rows: &[BreakerRow]) -> bool {
    let said =
        |row: &BreakerRow| (row.provider.clone(), row.state.clone(), row.failures, row.problem.clone(), row.held_since);
    reported.iter().map(said).ne(rows.iter().map(said))
}

/// What other orchestrators have found out.
async fn told(deps: &BreakerReporter) -> Result<Vec<ToldHold>, PersistenceError> {
    let rows = deps.database.breakers().current(deps.clock.now()).await?;
    let hold = |row: BreakerRow| {
        let (since, until, why) = (row.held_since?, row.open_until?, row.problem?);
        // Breakers run by the machine's clock.
        (row.instance != deps.instance && until > Utc::now()).then_some(ToldHold {
            name: row.provider,
            since,
            until,
            why,
        })
    };
    Ok(rows.into_iter().filter_map(hold).collect())
}

/// Closes breakers when an operator says so.
pub async fn reset_on_request(deps: BreakerReporter, shutdown: CancellationToken) {
    const BUFFER: usize = 64;
    const PAUSE: Duration = Duration::from_secs(1);
    while !shutdown.is_cancelled() {
        match deps.bus.subscribe_events(BUFFER).await {
            Ok(mut events) => loop {
                let event = tokio::select! {
                    event = events.next() => event,
                    () = shutdown.cancelled() => return,
                };
                match event {
                    Some(Event::Message(envelope)) => {
                        if let Some(Body::ResetBreaker(reset)) = envelope.body {
                            reset_breakers(&deps.registry, &reset.provider);
                        }
                    }
                    Some(Event::Gap) => {}
                    None => break,
                }
            },
            Err(error) => tracing::warn!(error = %error_chain(&error), "operators cannot be heard"),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

fn reset_breakers(registry: &BreakerRegistry, provider: &str) {
    let reset = if provider.is_empty() { registry.reset_all() } else { registry.reset(provider) };
    tracing::info!(breakers = reset, "breakers reset by an operator");
}
