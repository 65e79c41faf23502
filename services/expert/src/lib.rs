//! Expert Music AI: the engine as a network service. One call makes a whole song from a recording, and one from a sentence,
//! as its older clients know it; three more make the parts, for an orchestrator that keeps checkpoints in between.
//!
//! Owns no rows and knows no jobs. Its answers carry what it made; only older callers are told of files, which lie in a
//! temporary folder for an hour.

// Both panic when their reader has gone; `service_runtime::console` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod about;
mod admission;
mod bounds;
mod chains;
mod cors;
mod dataset;
mod delivery;
mod equipment;
mod exposure;
mod files;
mod generate;
mod known_models;
mod melody_to_vocals;
mod music_call;
mod probe;
mod recordings;
mod refusal;
mod registry;
mod routes;
mod stages;
mod train;
mod training_jobs;
mod upload;
mod work;

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App, HttpServer, ResponseError as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::{self, Next},
    web,
};
use anyhow::Context;
use async_trait::async_trait;
use domain::{Tier, audio::AudioLimits};
use providers::{Capabilities, EngineStages, watch_setup};
use resilience::BreakerRegistry;
use service_runtime::{CancellationToken, Deps, Needs, Service};
use settings::VendorKind;
use song::{Pipeline, StepTimeouts};
use telemetry::Metrics;

use admission::Admission;
use equipment::Equipment;
use files::SongFiles;
use known_models::Registry;
use probe::Probe;
use registry::{ModelDirectory, RegistryFile};
use training_jobs::Trainings;

/// Longest that vendors are told, after the last request, of work that nobody waits for any more.
const LONGEST_GOODBYE: Duration = Duration::from_secs(5);

/// The service.
pub struct Expert {
    /// Told the address once it is bound; port 0 takes a free one.
    on_bound: Box<dyn FnOnce(SocketAddr) + Send>,
}

impl Default for Expert {
    fn default() -> Self {
        Self { on_bound: Box::new(service_runtime::console::announce) }
    }
}

#[async_trait]
impl Service for Expert {
    fn name(&self) -> &'static str {
        "expert"
    }

    fn needs(&self) -> Needs {
        Needs::NONE
    }

    fn has_http(&self) -> bool {
        true
    }

    /// Serves until shutdown, then lets running requests finish within the settings' drain time.
    async fn run(self: Box<Self>, deps: Deps, shutdown: CancellationToken) -> anyhow::Result<()> {
        let address = deps.settings.expert.address();
        let listener = TcpListener::bind(address).with_context(|| format!("{address} cannot be listened on"))?;
        let bound = listener.local_addr().context("the listener has no address")?;
        let state = web::Data::new(AppState::new(&deps)?);
        let sweeper = {
            let (state, shutdown) = (state.clone(), shutdown.clone());
            tokio::spawn(async move { state.files.sweep_until(shutdown).await })
        };
        let watcher = tokio::spawn(watch_setup(
            state.pipeline.capabilities.checks.clone(),
            deps.breakers.clone(),
            deps.metrics.clone(),
            shutdown.clone().cancelled_owned(),
        ));
        let origins = deps.settings.expert.cors_origins.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .wrap(middleware::from_fn(admit))
                .wrap(cors::cors(&origins))
                .wrap(middleware::from_fn(observe))
                .configure(routes::configure)
        })
        .workers(2)
        // A client that has closed its connection has gone: what is made for it ends, and work outside is called off.
        .h1_allow_half_closed(false)
        .shutdown_timeout(deps.settings.http.drain.as_secs().max(1))
        .disable_signals()
        .listen(listener)
        .context("the expert service cannot listen")?
        .run();
        let handle = server.handle();
        let stopper = tokio::spawn(async move {
            shutdown.cancelled().await;
            handle.stop(true).await;
        });
        tracing::info!(address = %bound, "listening");
        (self.on_bound)(bound);
        deps.ready();
        let served = server.await.context("the expert service's HTTP server failed");
        providers::all_called_off(LONGEST_GOODBYE).await;
        stopper.abort();
        sweeper.abort();
        watcher.abort();
        served
    }
}

/// Middleware: trace, metrics, log line.
async fn observe(
    state: web::Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    service_runtime::observe("expert", &state.metrics, request, next).await
}

/// Middleware: whoever may not call is answered here, so that pages of other origins can read why.
async fn admit(
    state: web::Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match state.admission.check(request.request()) {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(refusal) => Ok(request.into_response(refusal.error_response())),
    }
}

/// What the handlers share.
pub(crate) struct AppState {
    /// With the limits of the older routes, and whomever the settings name.
    pub pipeline: Pipeline,
    /// What orchestrators ask for.
    pub stages: EngineStages,
    /// What orchestrators may send.
    pub stage_limits: AudioLimits,
    pub stage_timeout: Duration,
    /// Models of the file.
    pub models: Arc<dyn ModelDirectory>,
    /// Models of the registry, where a gateway is known.
    pub registry: Registry,
    /// Where models are had of which nobody says where.
    pub named_models_provider: String,
    pub admission: Admission,
    pub equipment: Equipment,
    /// Whether it works.
    pub probe: Probe,
    /// That strangers can spend money here.
    pub exposure: Option<String>,
    pub files: SongFiles,
    /// Whether files are named in place of carried along.
    pub file_links: bool,
    /// Where trainings are jobs.
    pub trainings: Trainings,
    pub breakers: BreakerRegistry,
    pub metrics: Metrics,
}

/// Of a provider that the settings do not name: what its models are called for is refused with this name.
const USUAL_MODELS_PROVIDER: &str = "replicate";

impl AppState {
    fn new(deps: &Deps) -> anyhow::Result<Self> {
        let settings = &deps.settings;
        let own = &settings.expert;
        // Tiers are the gateway's business: what it lets through must not be refused here.
        let stage_limits = settings.audio_limits(Tier::Enterprise).clone();
        let limits = AudioLimits {
            max_size_bytes: own.max_size_bytes,
            allowed_formats: own.allowed_formats.clone(),
            ..stage_limits.clone()
        };
        let step_timeouts = StepTimeouts {
            pitch: own.pitch_timeout,
            lyrics: own.lyrics_timeout,
            vocals: own.vocals_timeout,
            other: own.vocals_timeout,
        };
        // Its stages are the engine's alone: whoever asks for them has the vendors in chains of its own, and a log of what it has
        // paid for. The older routes make whole songs from beginning to end, by whomever the settings name.
        let chains = chains::of_this_service(settings);
        let (capabilities, stages) = Capabilities::with_engine_stages(&chains, &deps.breakers, &deps.metrics)?;
        let exposure = exposure::warning(&chains);
        if let Some(why) = &exposure {
            tracing::warn!(why, "strangers can spend money here");
        }
        let pipeline = Pipeline { capabilities, gate: settings.quality_gate().clone(), limits, step_timeouts };
        let replicate = settings.vendors.iter().find(|vendor| vendor.kind == VendorKind::Replicate);
        Ok(Self {
            pipeline,
            stages,
            stage_limits,
            stage_timeout: settings.providers.call_timeout,
            models: Arc::new(RegistryFile::in_folder(&settings.engine.models_dir)),
            registry: Registry::default(),
            named_models_provider: replicate.map_or(USUAL_MODELS_PROVIDER, |vendor| vendor.name.as_str()).to_owned(),
            admission: Admission::new(own),
            equipment: Equipment::find(&settings.engine),
            probe: Probe::default(),
            exposure,
            files: SongFiles::new()?,
            file_links: own.file_links,
            trainings: Trainings::of(settings)?,
            breakers: deps.breakers.clone(),
            metrics: deps.metrics.clone(),
        })
    }
}
