//! From connected dependencies to the end of the process.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::anyhow;
use resilience::{Clock, SystemClock};
use settings::Settings;
use telemetry::{error_chain, join_error};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Service,
    deps::{Deps, Needs},
    error::RuntimeError,
    exit::Exit,
    listener::Listener,
    relay::OutboxRelay,
};

/// For the relay to finish the batch under way while the broker is slow or away.
const RELAY_DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs services in this process until SIGTERM or SIGINT; a second signal ends the process at once.
///
/// `process` names the process in logs and metrics: its only service, or `descant`.
pub async fn run_all(process: &'static str, settings: Settings, services: Vec<Box<dyn Service>>) -> Exit {
    let stop = CancellationToken::new();
    match watch_signals(stop.clone()) {
        Ok(()) => run_until(process, settings, services, stop).await,
        Err(why) => {
            tracing::error!(error = %why, "signals cannot be watched");
            Exit::Crashed
        }
    }
}

/// Like [`run_all`], until `stop` is cancelled, whoever does it.
pub async fn run_until(
    process: &'static str,
    settings: Settings,
    services: Vec<Box<dyn Service>>,
    stop: CancellationToken,
) -> Exit {
    run_until_with(Arc::new(SystemClock), process, settings, services, stop).await
}

/// Like [`run_until`], by another clock.
pub async fn run_until_with(
    clock: Arc<dyn Clock>,
    process: &'static str,
    settings: Settings,
    services: Vec<Box<dyn Service>>,
    stop: CancellationToken,
) -> Exit {
    let needs = services.iter().fold(Needs::NONE, |needs, service| needs.and(service.needs()));
    let mut deps = match Deps::connect(settings, process, needs, &stop).await {
        Ok(deps) => deps,
        Err(why) => return refused(&why),
    };
    deps.clock = clock;
    // Services of one process may know the same kind.
    for kind in services.iter().flat_map(|service| service.kinds()) {
        if deps.kinds.get(kind.name.as_str()).is_none() {
            deps.kinds = deps.kinds.with(kind);
        }
    }
    let listens = services.iter().any(|service| service.has_http());
    let listener = if listens {
        None
    } else {
        match Listener::open(deps.settings.http.health_address(), deps.health.clone(), deps.metrics.clone()) {
            Ok(listener) => Some(listener),
            Err(why) => return refused(&why),
        }
    };
    let exit = match relay(&deps, needs) {
        Ok(relay) => serve(&deps, services, relay, stop).await,
        Err(why) => refused(&why),
    };
    close(&deps, listener).await;
    tracing::info!(code = exit.code(), "process ends");
    exit
}

fn refused(why: &RuntimeError) -> Exit {
    match why.exit() {
        Exit::Stopped => tracing::info!(reason = error_chain(why), "stopped before the start"),
        _ => tracing::error!(error = error_chain(why), "process cannot start"),
    }
    why.exit()
}

struct Relay {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn relay(deps: &Deps, needs: Needs) -> Result<Option<Relay>, RuntimeError> {
    if !needs.relay {
        return Ok(None);
    }
    let relay = OutboxRelay::try_from(deps)?;
    // Its own end: it publishes what the services still write while they drain.
    let stop = CancellationToken::new();
    let task = tokio::spawn(relay.run(stop.clone()));
    Ok(Some(Relay { stop, task }))
}

async fn serve(
    deps: &Deps,
    services: Vec<Box<dyn Service>>,
    mut relay: Option<Relay>,
    stop: CancellationToken,
) -> Exit {
    let mut running = JoinSet::new();
    for service in &services {
        deps.health.expect_service(service.name());
    }
    for service in services {
        let (name, given, stop) = (service.name(), deps.for_service(service.name()), stop.clone());
        running.spawn(async move {
            // A task of its own, so that a panic is an outcome with a name.
            let outcome = tokio::spawn(service.run(given, stop)).await;
            (name, outcome.unwrap_or_else(|why| Err(anyhow!(join_error(&why)))))
        });
    }
    let mut exit = Exit::Stopped;
    // Until the first one ends, or all are asked to.
    let first = tokio::select! {
        () = stop.cancelled() => None,
        ended = running.join_next() => ended,
        () = relay_lost(&mut relay) => {
            exit = Exit::Crashed;
            None
        }
    };
    if let Some(Ok((name, outcome))) = first {
        if stop.is_cancelled() && outcome.is_ok() {
            tracing::info!(stopped = name, "service has stopped");
        } else {
            let error =
                outcome.err().map_or_else(|| "it ended without being asked".to_owned(), |why| format!("{why:#}"));
            tracing::error!(failed = name, error, "service failed");
            exit = Exit::Crashed;
        }
    }
    deps.health.begin_drain();
    stop.cancel();
    let grace = deps.settings.http.drain;
    tracing::info!(grace_ms = grace.as_millis() as u64, services = running.len(), "draining");
    exit = drain(running, grace, exit).await;
    if let Some(relay) = relay {
        relay.stop.cancel();
        match tokio::time::timeout(RELAY_DRAIN_TIMEOUT, relay.task).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => tracing::error!(error = join_error(&why), "outbox relay failed"),
            Err(_) => tracing::warn!("outbox relay cut short; its messages leave with the next process"),
        }
    }
    exit
}

/// Ends only with the relay, which nobody has asked to end: a process whose messages stay behind must not look alive.
async fn relay_lost(relay: &mut Option<Relay>) {
    let Some(running) = relay else { return std::future::pending().await };
    let ended = (&mut running.task).await;
    let error = ended.err().map_or("it ended without being asked", |why| join_error(&why));
    tracing::error!(error, "outbox relay failed");
    *relay = None;
}

async fn drain(mut running: JoinSet<(&'static str, anyhow::Result<()>)>, grace: Duration, mut exit: Exit) -> Exit {
    let all = async {
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok((name, Ok(()))) => tracing::info!(stopped = name, "service has stopped"),
                Ok((name, Err(why))) => {
                    tracing::error!(failed = name, error = format!("{why:#}"), "service failed while stopping");
                    exit = Exit::Crashed;
                }
                Err(why) => tracing::error!(error = join_error(&why), "service was lost"),
            }
        }
    };
    if tokio::time::timeout(grace, all).await.is_err() {
        tracing::warn!(services = running.len(), "stopped with work under way");
        if exit == Exit::Stopped {
            exit = Exit::CutShort;
        }
    }
    exit
}

async fn close(deps: &Deps, listener: Option<Listener>) {
    const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
    deps.closing.store(true, Ordering::Relaxed);
    let closing = async {
        if let Some(bus) = &deps.bus {
            bus.close().await;
        }
        if let Some(database) = &deps.database
            && let Err(why) = database.close().await
        {
            tracing::warn!(error = error_chain(&why), "database not closed");
        }
        if let Some(listener) = listener {
            listener.close().await;
        }
    };
    if tokio::time::timeout(CLOSE_TIMEOUT, closing).await.is_err() {
        tracing::warn!("connections were cut");
    }
}

fn watch_signals(stop: CancellationToken) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        let first = next(&mut terminate, &mut interrupt).await;
        tracing::info!(signal = first, "asked to stop; a second signal ends the process at once");
        stop.cancel();
        let second = next(&mut terminate, &mut interrupt).await;
        tracing::warn!(signal = second, "asked again: ending at once");
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
    Ok(())
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
