//! Takes: what the quality gate refuses is made again with another seed, a bounded number of times. The best take is
//! kept, so that a song that fails in the end fails with its best figures.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Failure, FailureClass, FailureCode, SongOptions, Tried,
    kinds::melody_vocals::MelodyToVocalsRequest,
    options::Backing,
    quality::{QualityCheck, QualityGate, QualityShortfall, SoundFigures, seed_of_take},
};
use lyrics::{Lyrics, LyricsRequest};
use music::Melody;
use providers::{
    CallScope, Capabilities, LyricsWriter, Need, ProgressSink, Provided, ProviderCall, ProviderName, Stop, Vocal,
    blocking,
};
use voice::VoiceOptions;

use crate::{
    Heard, Mastered, engine_options, lyrics_figures, master,
    on_the_beat::{self, Part},
    sound_figures,
};

/// The take that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct BestTake<T> {
    pub value: T,
    pub provider: ProviderName,
    pub took: Duration,
    /// How many were made.
    pub takes: u32,
    /// What the gate has against the one that was kept: no take was better.
    pub shortfalls: Vec<QualityShortfall>,
}

/// A voice with its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Sung {
    pub mastered: Mastered,
    pub figures: SoundFigures,
}

/// Writes lyrics until neither the gate nor the word lists have anything against them, or the takes or the time are
/// used up; the best of them are admitted or refused.
///
/// # Errors
/// What the chain answers to the first take; a later one that fails leaves the best before it. `ContentRejected` for a
/// text that must not be sung.
pub async fn write_lyrics<'a>(
    capabilities: &Capabilities,
    gate: &QualityGate,
    scope: CallScope<'a>,
    melody: &Melody,
    request: &MelodyToVocalsRequest,
) -> Result<BestTake<Lyrics>, Stop> {
    let wanted = engine_options::lyrics_request(request);
    let mut takes = Takes::new(gate.takes, scope);
    while let Some((take, left)) = takes.next() {
        let wanted = &LyricsRequest { seed: seed_of_take(wanted.seed, take), ..wanted.clone() };
        let write = |writer: Arc<dyn LyricsWriter>, call: ProviderCall<'a>| async move {
            writer.write(melody, wanted, &call).await
        };
        let written = capabilities.lyrics.call(scope.within(left), &lyrics_need(&request.options), write).await;
        takes
            .add(written.map(|written| {
                let mut shortfalls = gate.judge_lyrics(&lyrics_figures(melody, &written.value, wanted));
                // Other words may well be fine: the operator's own lists forbid what our writer has never heard of.
                let screened = capabilities.content.screen(WHAT, &written.value.text());
                let refused = screened.err().map(|failure| failure.message);
                shortfalls
                    .extend(refused.map(|message| QualityShortfall { check: QualityCheck::LyricsContent, message }));
                (written, shortfalls)
            }))
            .await?;
    }
    let left = takes.left();
    let best = takes.best()?;
    capabilities.content.admit(&[(WHAT, &best.value.text())], left).await?;
    Ok(best)
}

/// What is asked of whoever writes the words.
pub fn lyrics_need(options: &SongOptions) -> Need {
    Need { language: Some(options.language), ..Need::default() }
}

/// What is asked of whoever sings them.
pub fn vocals_need(options: &SongOptions) -> Need {
    lyrics_need(options)
}

/// What lyrics are called in a refusal.
const WHAT: &str = "text of the song";

/// Sings and masters until the gate has nothing against the sound, or the takes or the time are used up.
///
/// # Errors
/// As [`write_lyrics`].
pub async fn sing(
    capabilities: &Capabilities,
    gate: &QualityGate,
    scope: CallScope<'_>,
    (melody, lyrics): (&Melody, &Lyrics),
    request: &MelodyToVocalsRequest,
    progress: &ProgressSink,
) -> Result<BestTake<Sung>, Stop> {
    let voice = engine_options::voice_options(request);
    let mut takes = Takes::new(gate.takes, scope);
    while let Some((take, left)) = takes.next() {
        let voice = &VoiceOptions { seed: seed_of_take(voice.seed, take), ..voice.clone() };
        let part = Part { melody, lyrics, voice };
        let sung = match request.options.backing {
            Backing::Band => on_the_beat::sing(capabilities, scope.within(left), part, progress).await,
            Backing::None | Backing::Chords => {
                on_the_beat::once(capabilities, scope.within(left), part, progress).await
            }
        };
        let made = match sung {
            Ok(sung) => mastered_and_judged(sung, (melody, lyrics), gate).await,
            Err(stop) => Err(stop),
        };
        takes.add(made).await?;
    }
    Ok(takes.best()?)
}

async fn mastered_and_judged(
    Provided { value: vocal, provider, is_paid, took }: Provided<Vocal>,
    (melody, lyrics): (&Melody, &Lyrics),
    gate: &QualityGate,
) -> Result<Judged<Sung>, Stop> {
    let (gate, melody, lyrics) = (gate.clone(), melody.clone(), lyrics.clone());
    let (sung, shortfalls) = blocking(move || {
        let mastered = master(vocal);
        let figures = sound_figures(&melody, &lyrics, &Heard::of(&mastered));
        let shortfalls = gate.judge_sound(&figures);
        (Sung { mastered, figures }, shortfalls)
    })
    .await?;
    Ok((Provided { value: sung, provider, is_paid, took }, shortfalls))
}

/// A take with what the gate has against it.
type Judged<T> = (Provided<T>, Vec<QualityShortfall>);

/// The takes of one thing, and the best of them.
struct Takes<'a, T> {
    most: u32,
    made: u32,
    started: Instant,
    scope: CallScope<'a>,
    best: Option<Judged<T>>,
    /// A later take failed: no more of them.
    broken: bool,
}

impl<'a, T> Takes<'a, T> {
    fn new(most: u32, scope: CallScope<'a>) -> Self {
        Self { most: most.max(1), made: 0, started: Instant::now(), scope, best: None, broken: false }
    }

    fn left(&self) -> Duration {
        self.scope.remaining.saturating_sub(self.started.elapsed())
    }

    /// The number of the next take, from 0, and the time that it may use; `None` when there is to be none.
    fn next(&self) -> Option<(u32, Duration)> {
        let left = self.left();
        match &self.best {
            None => Some((self.made, left)),
            Some((_, shortfalls)) if shortfalls.is_empty() || self.broken || self.made >= self.most => None,
            // Another one has to fit, with as much time again for what comes after.
            Some((best, _)) if left < best.took * 2 => None,
            Some(_) => Some((self.made, left)),
        }
    }

    /// Notes a take. The first one's failure is everybody's. Whoever is paid makes one: another take is somebody else's.
    async fn add(&mut self, take: Result<Judged<T>, Stop>) -> Result<(), Stop> {
        if let Ok((Provided { provider, is_paid: true, .. }, shortfalls)) = &take
            && let Some(worst) = shortfalls.first()
        {
            let failure = Failure::new(FailureClass::Transient, FailureCode::QualityGate, worst.message.clone());
            self.scope.calls.give_up(Tried::failed(provider, &failure)).await?;
        }
        match (take, &self.best) {
            (Err(stop), None) => return Err(stop),
            // It goes on where it was.
            (Err(stop @ Stop::Parked(_)), Some(_)) => return Err(stop),
            (Err(stop), Some(_)) => {
                let failure = stop.into_failure();
                tracing::warn!(class = %failure.class, code = %failure.code, "another take failed");
                self.broken = true;
                return Ok(());
            }
            (Ok((_, worse)), Some((_, best))) if worse.len() >= best.len() => {}
            (Ok(better), _) => self.best = Some(better),
        }
        self.made += 1;
        Ok(())
    }

    fn best(self) -> Result<BestTake<T>, Failure> {
        let none = || Failure::new(FailureClass::Config, FailureCode::Internal, "nothing was taken");
        let (Provided { value, provider, .. }, shortfalls) = self.best.ok_or_else(none)?;
        Ok(BestTake { value, provider, took: self.started.elapsed(), takes: self.made, shortfalls })
    }
}

#[cfg(test)]
mod tests {
    use providers::{CallLog as _, DirectCalls};

    use super::*;

    fn take(number: u32, checks: usize, took: Duration) -> Judged<u32> {
        let shortfall = QualityShortfall { check: QualityCheck::Pitch, message: "out of tune".to_owned() };
        (Provided { value: number, provider: "test".into(), is_paid: false, took }, vec![shortfall; checks])
    }

    fn failure() -> Failure {
        Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "away")
    }

    fn scope(calls: &DirectCalls) -> CallScope<'_> {
        CallScope::new(calls, Duration::from_secs(60))
    }

    /// Runs takes whose numbers of shortfalls are given; `None` is a take that fails.
    async fn check(most: u32, outcomes: &[Option<usize>], kept: u32, made: u32) {
        let calls = DirectCalls::default();
        let mut takes = Takes::new(most, scope(&calls));
        while let Some((number, _)) = takes.next() {
            let outcome = outcomes[number as usize].ok_or_else(|| failure().into());
            takes.add(outcome.map(|checks| take(number, checks, Duration::ZERO))).await.unwrap();
        }
        let best = takes.best().unwrap();
        assert_eq!((best.value, best.takes), (kept, made), "{outcomes:?}");
        assert_eq!(Some(best.shortfalls.len()), outcomes[kept as usize], "what is left against it: {outcomes:?}");
        assert_eq!(calls.tried().await.unwrap(), [], "who costs nothing may try again");
    }

    #[tokio::test]
    async fn a_good_take_ends_it_and_the_best_one_is_kept() {
        check(3, &[Some(0)], 0, 1).await;
        check(3, &[Some(2), Some(0)], 1, 2).await;
        check(3, &[Some(2), Some(1), Some(2)], 1, 3).await;
        check(3, &[Some(1), Some(1), Some(1)], 0, 3).await;
        check(1, &[Some(1)], 0, 1).await;
        check(3, &[Some(1), None], 0, 1).await;
    }

    #[tokio::test]
    async fn who_is_paid_makes_one_take_and_the_next_is_somebody_elses() {
        let calls = DirectCalls::default();
        let mut takes = Takes::new(3, scope(&calls));
        let (mut bad, shortfalls) = take(0, 2, Duration::ZERO);
        bad.is_paid = true;
        takes.add(Ok((bad.clone(), shortfalls))).await.unwrap();
        let tried = calls.tried().await.unwrap();
        assert_eq!((tried.len(), &*tried[0].provider, tried[0].code), (1, "test", Some(FailureCode::QualityGate)));
        assert!(takes.next().is_some());
        let good = DirectCalls::default();
        let mut takes = Takes::new(3, scope(&good));
        takes.add(Ok((bad, Vec::new()))).await.unwrap();
        assert_eq!((good.tried().await.unwrap(), takes.next()), (Vec::new(), None));
    }

    #[tokio::test]
    async fn the_failure_of_the_first_take_is_the_answer() {
        let calls = DirectCalls::default();
        let mut takes = Takes::<u32>::new(3, scope(&calls));
        assert_eq!(takes.add(Err(failure().into())).await, Err(failure().into()));
        assert_eq!(takes.best().unwrap_err().code, FailureCode::Internal);
    }

    #[tokio::test]
    async fn no_take_begins_that_the_time_is_too_short_for() {
        let calls = DirectCalls::default();
        let mut takes = Takes::new(9, scope(&calls));
        takes.add(Ok(take(0, 1, Duration::from_secs(31)))).await.unwrap();
        assert_eq!(takes.next(), None);
    }
}
