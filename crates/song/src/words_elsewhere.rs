//! Words for a song that a service elsewhere sings: written here, to the melody of our own composer.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use domain::{Cost, Failure, Tried, kinds::composition::CompositionRequest, quality::QualityGate};
use lyrics::Lyrics;
use music::Melody;
use providers::{
    Answer, Call, CallLog, CallScope, Capabilities, ComposedSong, Make, OutsideService, Patience, ProgressSink,
    ProviderCall, SongWords, Stop,
};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::takes::write_lyrics;

/// The words take no more than this share of the time of the call that they are for, and no longer than so much.
const SHARE: u32 = 3;
const LONGEST: Duration = Duration::from_secs(60);

/// Has words written by the chain of writers, with its checks: once, however often the same melody is asked for in its life, since
/// they may be paid for and not every log keeps what was answered.
pub struct WordsElsewhere<'a> {
    capabilities: &'a Capabilities,
    gate: &'a QualityGate,
    request: &'a CompositionRequest,
    /// What was written first, and to what.
    written: OnceCell<(Melody, Lyrics)>,
}

impl<'a> WordsElsewhere<'a> {
    pub fn new(capabilities: &'a Capabilities, gate: &'a QualityGate, request: &'a CompositionRequest) -> Self {
        Self { capabilities, gate, request, written: OnceCell::new() }
    }

    async fn written_anew(&self, song: &ComposedSong, call: &ProviderCall<'_>) -> Result<Lyrics, Stop> {
        let vocals = arrangement::vocals_request(self.request, song)?;
        let calls = WritersCalls { calls: call.calls, tried: Mutex::default() };
        let left = call.ends_at.saturating_duration_since(Instant::now()) / SHARE;
        let scope = CallScope::new(&calls, left.min(LONGEST));
        Ok(write_lyrics(self.capabilities, self.gate, scope, &song.melody, &vocals).await?.value)
    }
}

#[async_trait]
impl SongWords for WordsElsewhere<'_> {
    async fn write(&self, song: &ComposedSong, call: &ProviderCall<'_>) -> Result<Lyrics, Stop> {
        let first = || async move { Ok::<_, Stop>((song.melody.clone(), self.written_anew(song, call).await?)) };
        let (melody, lyrics) = self.written.get_or_try_init(first).await?;
        if *melody == song.melody {
            return Ok(lyrics.clone());
        }
        // Somebody else's limits make it another song.
        self.written_anew(song, call).await
    }
}

/// The calls of the stage, but for who was given up: one who writes no words may still compose. Who is asked again by a later
/// attempt answers what its row says.
struct WritersCalls<'a> {
    calls: &'a dyn CallLog,
    tried: Mutex<Vec<Tried>>,
}

impl WritersCalls<'_> {
    fn list(&self) -> MutexGuard<'_, Vec<Tried>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl CallLog for WritersCalls<'_> {
    async fn tried(&self) -> Result<Vec<Tried>, Failure> {
        Ok(self.list().clone())
    }

    async fn give_up(&self, tried: Tried) -> Result<(), Failure> {
        self.list().push(tried);
        Ok(())
    }

    async fn has_begun(&self, provider: &str) -> Result<bool, Failure> {
        self.calls.has_begun(provider).await
    }

    async fn has_all(&self, provider: &str) -> Result<bool, Failure> {
        self.calls.has_all(provider).await
    }

    async fn once(&self, call: Call<'_>, make: Make<'_>) -> Result<Answer, Stop> {
        self.calls.once(call, make).await
    }

    async fn paid_once(&self, call: Call<'_>, latest: Instant, make: Make<'static>) -> Result<Answer, Stop> {
        self.calls.paid_once(call, latest, make).await
    }

    async fn asked_before(&self, call: &Call<'_>) -> Result<Option<Answer>, Stop> {
        self.calls.asked_before(call).await
    }

    async fn may_cost(&self, provider: &str, estimate: Option<&Cost>) -> Result<(), Stop> {
        self.calls.may_cost(provider, estimate).await
    }

    async fn has_late_answer(&self, provider: &str, until: Instant) -> Result<bool, Failure> {
        self.calls.has_late_answer(provider, until).await
    }

    async fn is_made_elsewhere(&self, provider: &str) -> Result<bool, Failure> {
        self.calls.is_made_elsewhere(provider).await
    }

    async fn ask(
        &self,
        call: Call<'_>,
        patience: Patience,
        service: &dyn OutsideService,
        request: &Value,
        progress: &ProgressSink,
    ) -> Result<Answer, Stop> {
        self.calls.ask(call, patience, service, request, progress).await
    }
}
