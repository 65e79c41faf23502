//! Chains as the settings want them: who is set up, and in which order each capability asks them.

use std::{sync::Arc, time::Duration};

use domain::retry::RetryPolicy;
use resilience::{BreakerRegistry, Bulkhead};
use settings::{Settings, Vendor, VendorKind};
use telemetry::Metrics;
use tokio::sync::Semaphore;

use crate::{
    ENGINE_VERSION, SetupError,
    abilities::Abilities,
    accompanying::{Accompanist, OfflineAccompanist},
    blending::{OfflineBlender, SongBlender},
    capability::{LyricsWriter, MelodyExtractor, VocalSynthesizer},
    chain::{CallLimits, Chain, Guard, Terms, Version},
    composing::{OfflineComposer, SongComposer},
    expert::ExpertProvider,
    ml_model::MlModelClient,
    model_catalogue::ModelCatalogue,
    offline::{self, OfflineEngine},
    outside::Outside,
    outside_service::OutsideService,
    playing::{OwnInstruments, SongPlayer},
    recital::Reciter,
    setup_check::SetupCheck,
    spoken_singer::SpokenSinger,
    training::Trainer,
    vendors::{
        Accounts, VendorAccess,
        elevenlabs::ElevenLabs,
        llm::LlmWriter,
        replicate::{Replicate, ReplicateTrainer},
        speech::SpeechServer,
    },
};

/// A text may be asked for three times.
const MOST_ANSWERS: u32 = 4;
/// Parts of a long recital, and the singing of it.
const MOST_PARTS: u32 = 20;

/// What a model that blends has sent is read and written down behind the time that it has.
const BEHIND_THE_ANSWER: Duration = Duration::from_secs(10);

/// A call hands over up to a gigabyte. What was trained and came to nothing is paid for, and bought once more at most: the calls'
/// log sees to that. Handing over, and what was refused, cost nothing, and nobody else can be asked.
const TRAINING_LIMITS: CallLimits =
    CallLimits { call_timeout: Duration::from_secs(30 * 60), retry: RetryPolicy::PROVIDER_CALL };

/// Somebody who does one thing.
struct Offer<P: ?Sized> {
    name: String,
    terms: Terms,
    provider: Arc<P>,
}

/// All who do each thing, as they are asked where the settings name no order.
#[derive(Default)]
struct Offers {
    melody: Vec<Offer<dyn MelodyExtractor>>,
    lyrics: Vec<Offer<dyn LyricsWriter>>,
    vocals: Vec<Offer<dyn VocalSynthesizer>>,
    compositions: Vec<Offer<dyn SongComposer>>,
    accompaniment: Vec<Offer<dyn Accompanist>>,
    blends: Vec<Offer<dyn SongBlender>>,
    playing: Vec<Offer<dyn SongPlayer>>,
    trainers: Vec<Offer<dyn Trainer>>,
    outside: Vec<Arc<dyn OutsideService>>,
    checks: Vec<Arc<dyn SetupCheck>>,
    catalogues: Vec<Arc<dyn ModelCatalogue>>,
}

/// Makes the chains of one process.
pub struct Assembly<'a> {
    settings: &'a Settings,
    breakers: &'a BreakerRegistry,
    metrics: &'a Metrics,
    /// Of the tables of the settings.
    accounts: Accounts,
    offers: Offers,
}

impl<'a> Assembly<'a> {
    /// Nobody but the engine in this process, which every chain gets in its turn.
    pub fn alone(settings: &'a Settings, breakers: &'a BreakerRegistry, metrics: &'a Metrics) -> Self {
        Self { settings, breakers, metrics, accounts: Accounts::default(), offers: Offers::default() }
    }

    /// All who are set up.
    ///
    /// # Errors
    /// When a client cannot be made.
    pub fn of(
        settings: &'a Settings,
        outside: &Outside,
        breakers: &'a BreakerRegistry,
        metrics: &'a Metrics,
    ) -> Result<Self, SetupError> {
        let accounts = Accounts::of(&settings.vendors);
        let mut assembly = Self { accounts: accounts.clone(), ..Self::alone(settings, breakers, metrics) };
        // Those with a key first: they are there to be used. Sorting keeps the order of the settings otherwise.
        let mut vendors: Vec<&Vendor> = settings.vendors.iter().collect();
        vendors.sort_by_key(|vendor| vendor.api_key.is_none());
        for vendor in vendors {
            assembly.add_vendor(vendor, &VendorAccess { outbound: outside.outbound()?, accounts: accounts.clone() })?;
        }
        if let Some(url) = &settings.providers.expert_url {
            let key = settings.expert.api_key.clone();
            assembly.add_expert(&ExpertProvider::at(&outside.outbound()?, url.clone(), key)?);
        }
        Ok(assembly)
    }

    fn add_vendor(&mut self, vendor: &Vendor, access: &VendorAccess) -> Result<(), SetupError> {
        match vendor.kind {
            VendorKind::Anthropic | VendorKind::OpenAi => {
                let writer = Arc::new(LlmWriter::new(access, vendor)?);
                let means = (writer.version(), writer.abilities(), writer.slots().clone());
                let terms = Terms { is_paid: writer.is_paid(), ..self.terms(vendor, "lyrics", means) };
                self.offers.lyrics.push(Offer { name: vendor.name.clone(), terms, provider: writer.clone() });
                self.offers.checks.push(writer);
            }
            VendorKind::ElevenLabs => {
                let composer = Arc::new(ElevenLabs::new(access, vendor)?);
                let means = (composer.version(), composer.abilities(), composer.slots());
                let terms = self.terms(vendor, "compositions", means);
                self.offers.compositions.push(Offer { name: vendor.name.clone(), terms, provider: composer.clone() });
                self.offers.checks.push(composer);
            }
            VendorKind::Speech => {
                let server = Arc::new(SpeechServer::new(access, vendor)?);
                let means = (server.version(), server.abilities(), server.slots());
                self.add_reciter(vendor, server.clone(), means);
                self.offers.checks.push(server);
            }
            VendorKind::Replicate => {
                // The engine's band is on the beat, which no model promises: only where a list names it does it play.
                let listed = self.settings.capabilities.of("accompaniment");
                let is_accompanist = listed.is_some_and(|names| names.contains(&vendor.name));
                let public_url = self.settings.http.public_url.as_ref();
                let replicate = Replicate::new(access, vendor, public_url, is_accompanist)?;
                if let Some(composer) = replicate.composer() {
                    let means = (composer.version(), composer.abilities(), replicate.slots());
                    let terms = self.terms(vendor, "compositions", means);
                    self.offers.compositions.push(Offer { name: vendor.name.clone(), terms, provider: composer });
                }
                if is_accompanist && let Some(player) = replicate.composer() {
                    let means = (player.version(), replicate.abilities("accompaniment"), replicate.slots());
                    let terms = self.terms(vendor, "accompaniment", means);
                    self.offers.accompaniment.push(Offer { name: vendor.name.clone(), terms, provider: player });
                }
                if let Some(reciter) = replicate.reciter() {
                    let means = (reciter.version(), replicate.abilities("vocals"), replicate.slots());
                    self.add_reciter(vendor, reciter, means);
                }
                if let Some(trainings) = replicate.trainer() {
                    let guard = self.guard(vendor, "training");
                    let terms = Terms::elsewhere(Version::Known(String::new()), guard);
                    let trainer = Arc::new(ReplicateTrainer(trainings));
                    self.offers.trainers.push(Offer { name: vendor.name.clone(), terms, provider: trainer });
                }
                self.offers.outside.push(replicate.predictions());
                self.offers.outside.extend(replicate.trainings());
                self.offers.checks.push(replicate.check());
                self.offers.catalogues.push(replicate.catalogue());
            }
            VendorKind::Expert => self.add_expert(&ExpertProvider::of_vendor(access, vendor)?),
            VendorKind::MlModel => self.add_ml_model(access, vendor)?,
        }
        Ok(())
    }

    /// One who speaks, as one who sings.
    fn add_reciter(&mut self, vendor: &Vendor, reciter: Arc<dyn Reciter>, means: (String, Abilities, Bulkhead)) {
        let terms = self.terms(vendor, "vocals", means);
        let limits = terms.limits.map(|limits| CallLimits { call_timeout: vendor.timeout * MOST_PARTS, ..limits });
        let terms = Terms { limits, ..terms };
        let voice = vendor.voice.clone().unwrap_or_else(|| vendor.name.clone());
        let slots = Arc::new(Semaphore::new(self.settings.providers.engine_threads.max(1)));
        let singer = Arc::new(SpokenSinger::new(reciter, voice, slots));
        self.offers.vocals.push(Offer { name: vendor.name.clone(), terms, provider: singer });
    }

    /// On what terms a vendor is asked: by its version, what it can, and with the slots that all of its capabilities share.
    fn terms(
        &self,
        vendor: &Vendor,
        capability: &str,
        (version, abilities, slots): (String, Abilities, Bulkhead),
    ) -> Terms {
        let retry = self.settings.providers.retry_policy();
        let retry = if vendor.kind == VendorKind::Replicate { Replicate::retries(retry) } else { retry };
        Terms {
            version: Version::Known(version),
            abilities,
            guard: Some(self.guard(vendor, capability).sharing(slots)),
            // One answer of a capability may take several of the vendor's.
            limits: Some(CallLimits { call_timeout: vendor.timeout * MOST_ANSWERS, retry }),
            is_paid: vendor.api_key.is_some() || !vendor.prices.is_free(),
        }
    }

    /// With a breaker of its own for the capability, and with the credit of the vendor's account.
    fn guard(&self, vendor: &Vendor, capability: &str) -> Guard {
        Guard::new(&vendor.name, capability, self.breakers).of_account(&self.accounts.tables(vendor))
    }

    /// Vendors whose work is waited for.
    pub fn outside(&mut self) -> Vec<Arc<dyn OutsideService>> {
        std::mem::take(&mut self.offers.outside)
    }

    /// Vendors that can be asked whether they are set up rightly.
    pub fn checks(&mut self) -> Vec<Arc<dyn SetupCheck>> {
        std::mem::take(&mut self.offers.checks)
    }

    /// Vendors that can be asked for models of the registry.
    pub fn catalogues(&mut self) -> Vec<Arc<dyn ModelCatalogue>> {
        std::mem::take(&mut self.offers.catalogues)
    }

    /// Another Descant. Its songs come without their notes: only where a list names it does it make them.
    fn add_expert(&mut self, expert: &ExpertProvider) {
        let (name, client) = (|| expert.name.clone(), &expert.client);
        let terms = |capability| expert.terms(capability, self.breakers);
        self.offers.melody.push(Offer { name: name(), terms: terms("melody"), provider: client.clone() });
        self.offers.lyrics.push(Offer { name: name(), terms: terms("lyrics"), provider: client.clone() });
        self.offers.vocals.push(Offer { name: name(), terms: terms("vocals"), provider: client.clone() });
        if self.settings.capabilities.of("compositions").is_some() {
            let terms = terms("compositions");
            self.offers.compositions.push(Offer { name: name(), terms, provider: client.clone() });
        }
        self.offers.checks.push(client.clone());
    }

    /// A model that blends songs, and plays them where its table says so.
    fn add_ml_model(&mut self, access: &VendorAccess, vendor: &Vendor) -> Result<(), SetupError> {
        let client = Arc::new(MlModelClient::new(access, vendor)?);
        let (call_timeout, retry) = (vendor.timeout + BEHIND_THE_ANSWER, self.settings.providers.retry_policy());
        let (breakers, tables) = (self.breakers, self.accounts.tables(vendor));
        let guard = |capability| Guard::new(&vendor.name, capability, breakers).of_account(&tables);
        let terms = |capability| Terms {
            limits: Some(CallLimits { call_timeout, retry }),
            is_paid: client.is_paid(),
            ..Terms::elsewhere(Version::Asked(client.clone()), guard(capability).sharing(client.slots()))
        };
        let name = || vendor.name.clone();
        if vendor.plays {
            self.offers.playing.push(Offer { name: name(), terms: terms("playing"), provider: client.clone() });
        }
        self.offers.blends.push(Offer { name: name(), terms: terms("blends"), provider: client.clone() });
        self.offers.checks.push(client.clone());
        Ok(())
    }

    pub fn melody(&mut self, engine: &Arc<OfflineEngine>) -> Chain<dyn MelodyExtractor> {
        let offers = std::mem::take(&mut self.offers.melody);
        self.chain("melody", offers, engine.version(), engine.clone())
    }

    pub fn lyrics(&mut self, engine: &Arc<OfflineEngine>) -> Chain<dyn LyricsWriter> {
        let offers = std::mem::take(&mut self.offers.lyrics);
        self.chain("lyrics", offers, engine.version(), engine.clone())
    }

    pub fn vocals(&mut self, engine: &Arc<OfflineEngine>) -> Chain<dyn VocalSynthesizer> {
        let offers = std::mem::take(&mut self.offers.vocals);
        self.chain("vocals", offers, engine.version(), engine.clone())
    }

    pub fn compositions(&mut self) -> Chain<dyn SongComposer> {
        let offers = std::mem::take(&mut self.offers.compositions);
        self.chain("compositions", offers, ENGINE_VERSION, Arc::new(OfflineComposer))
    }

    pub fn accompaniment(&mut self) -> Chain<dyn Accompanist> {
        let offers = std::mem::take(&mut self.offers.accompaniment);
        self.chain("accompaniment", offers, ENGINE_VERSION, Arc::new(OfflineAccompanist))
    }

    pub fn blends(&mut self) -> Chain<dyn SongBlender> {
        let offers = std::mem::take(&mut self.offers.blends);
        let blender = OfflineBlender::new(self.settings.providers.engine_threads);
        self.chain("blends", offers, ENGINE_VERSION, Arc::new(blender))
    }

    /// The sound font of this process is always there, last.
    pub fn playing(&mut self) -> Chain<dyn SongPlayer> {
        let mut offers = std::mem::take(&mut self.offers.playing);
        let (name, terms) = (offline::NAME.to_owned(), Terms::of_own(ENGINE_VERSION));
        offers.push(Offer { name, terms, provider: Arc::new(OwnInstruments) });
        let providers = &self.settings.providers;
        let limits = CallLimits { call_timeout: providers.call_timeout, retry: providers.retry_policy() };
        self.ordered("playing", offers, limits)
    }

    /// Nobody in this process trains.
    pub fn trainers(&mut self) -> Chain<dyn Trainer> {
        let offers = std::mem::take(&mut self.offers.trainers);
        self.ordered("training", offers, TRAINING_LIMITS)
    }

    /// With the engine last, where it is wanted.
    fn chain<P: ?Sized>(
        &self,
        capability: &'static str,
        mut offers: Vec<Offer<P>>,
        engine_version: &str,
        engine: Arc<P>,
    ) -> Chain<P> {
        let providers = &self.settings.providers;
        let asked = self.settings.capabilities.of(capability);
        if asked.is_some() || offers.is_empty() || providers.offline_fallback {
            let terms = Terms::of_own(engine_version);
            offers.push(Offer { name: offline::NAME.to_owned(), terms, provider: engine });
        }
        let limits = CallLimits { call_timeout: providers.call_timeout, retry: providers.retry_policy() };
        self.ordered(capability, offers, limits)
    }

    /// In the order that the settings name, else as they are.
    fn ordered<P: ?Sized>(&self, capability: &'static str, mut offers: Vec<Offer<P>>, limits: CallLimits) -> Chain<P> {
        if let Some(names) = self.settings.capabilities.of(capability) {
            for idle in names.iter().filter(|name| !offers.iter().any(|offer| offer.name == **name)) {
                tracing::warn!(capability, provider = idle, "the settings name a provider that does not do this");
            }
            offers.retain(|offer| names.contains(&offer.name));
            offers.sort_by_key(|offer| names.iter().position(|name| *name == offer.name));
        }
        let mut chain = Chain::new(capability, limits, self.metrics.clone());
        for Offer { name, terms, provider } in offers {
            chain.push(&name, terms, provider);
        }
        chain
    }
}

/// The composers that the settings ask for, in order.
///
/// # Errors
/// When no client can be made.
pub fn composers(
    settings: &Settings,
    breakers: &BreakerRegistry,
    metrics: &Metrics,
) -> Result<Chain<dyn SongComposer>, SetupError> {
    Ok(Assembly::of(settings, &Outside::new(&settings.outbound), breakers, metrics)?.compositions())
}

/// The blenders that the settings ask for, in order.
///
/// # Errors
/// When no client can be made.
pub fn blenders(
    settings: &Settings,
    breakers: &BreakerRegistry,
    metrics: &Metrics,
) -> Result<Chain<dyn SongBlender>, SetupError> {
    Ok(Assembly::of(settings, &Outside::new(&settings.outbound), breakers, metrics)?.blends())
}

/// Those who play the notes of a blend, in order; the last is always this process.
///
/// # Errors
/// When no client can be made.
pub fn players(
    settings: &Settings,
    breakers: &BreakerRegistry,
    metrics: &Metrics,
) -> Result<Chain<dyn SongPlayer>, SetupError> {
    Ok(Assembly::of(settings, &Outside::new(&settings.outbound), breakers, metrics)?.playing())
}
