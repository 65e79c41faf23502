//! Takes: what the quality gate refuses is made again with another seed, a bounded number of times. The best take is
//! kept, so that a song that fails in the end fails with its best figures.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    Failure, FailureClass, FailureCode,
    kinds::melody_vocals::MelodyToVocalsRequest,
    options::Backing,
    quality::{QualityCheck, QualityGate, QualityShortfall, SoundFigures, seed_of_take},
};
use lyrics::{Lyrics, LyricsRequest};
use music::Melody;
use providers::{Capabilities, LyricsWriter, ProgressSink, Provided, Vocal, blocking};
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
    pub provider: &'static str,
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
pub async fn write_lyrics(
    capabilities: &Capabilities,
    gate: &QualityGate,
    remaining: Duration,
    melody: &Melody,
    request: &MelodyToVocalsRequest,
) -> Result<BestTake<Lyrics>, Failure> {
    let wanted = engine_options::lyrics_request(request);
    let mut takes = Takes::new(gate.takes, remaining);
    while let Some((take, left)) = takes.next() {
        let wanted = &LyricsRequest { seed: seed_of_take(wanted.seed, take), ..wanted.clone() };
        let write = |writer: Arc<dyn LyricsWriter>| async move { writer.write(melody, wanted).await };
        let written = capabilities.lyrics.call(left, write).await;
        takes.add(written.map(|written| {
            let mut shortfalls = gate.judge_lyrics(&lyrics_figures(melody, &written.value, wanted));
            // Other words may well be fine: the operator's own lists forbid what our writer has never heard of.
            let screened = capabilities.content.screen(WHAT, &written.value.text());
            let refused = screened.err().map(|failure| failure.message);
            shortfalls.extend(refused.map(|message| QualityShortfall { check: QualityCheck::LyricsContent, message }));
            (written, shortfalls)
        }))?;
    }
    let left = takes.left();
    let best = takes.best()?;
    capabilities.content.admit(&[(WHAT, &best.value.text())], left).await?;
    Ok(best)
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
    remaining: Duration,
    (melody, lyrics): (&Melody, &Lyrics),
    request: &MelodyToVocalsRequest,
    progress: &ProgressSink,
) -> Result<BestTake<Sung>, Failure> {
    let voice = engine_options::voice_options(request);
    let mut takes = Takes::new(gate.takes, remaining);
    while let Some((take, left)) = takes.next() {
        let voice = &VoiceOptions { seed: seed_of_take(voice.seed, take), ..voice.clone() };
        let part = Part { melody, lyrics, voice };
        let sung = match request.options.backing {
            Backing::Band => on_the_beat::sing(capabilities, left, part, progress).await,
            Backing::None | Backing::Chords => on_the_beat::once(capabilities, left, part, progress).await,
        };
        let made = match sung {
            Ok(sung) => mastered_and_judged(sung, (melody, lyrics), gate).await,
            Err(failure) => Err(failure),
        };
        takes.add(made)?;
    }
    takes.best()
}

async fn mastered_and_judged(
    Provided { value: vocal, provider, took }: Provided<Vocal>,
    (melody, lyrics): (&Melody, &Lyrics),
    gate: &QualityGate,
) -> Result<Judged<Sung>, Failure> {
    let (gate, melody, lyrics) = (gate.clone(), melody.clone(), lyrics.clone());
    let (sung, shortfalls) = blocking(move || {
        let mastered = master(vocal);
        let figures = sound_figures(&melody, &lyrics, &Heard::of(&mastered));
        let shortfalls = gate.judge_sound(&figures);
        (Sung { mastered, figures }, shortfalls)
    })
    .await?;
    Ok((Provided { value: sung, provider, took }, shortfalls))
}

/// A take with what the gate has against it.
type Judged<T> = (Provided<T>, Vec<QualityShortfall>);

/// The takes of one thing, and the best of them.
struct Takes<T> {
    most: u32,
    made: u32,
    started: Instant,
    remaining: Duration,
    best: Option<Judged<T>>,
    /// A later take failed: no more of them.
    broken: bool,
}

impl<T> Takes<T> {
    fn new(most: u32, remaining: Duration) -> Self {
        Self { most: most.max(1), made: 0, started: Instant::now(), remaining, best: None, broken: false }
    }

    fn left(&self) -> Duration {
        self.remaining.saturating_sub(self.started.elapsed())
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

    /// Notes a take. The first one's failure is everybody's.
    fn add(&mut self, take: Result<Judged<T>, Failure>) -> Result<(), Failure> {
        match (take, &self.best) {
            (Err(failure), None) => return Err(failure),
            (Err(failure), Some(_)) => {
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
    use super::*;

    fn take(number: u32, checks: usize, took: Duration) -> Judged<u32> {
        let shortfall = QualityShortfall { check: QualityCheck::Pitch, message: String::new() };
        (Provided { value: number, provider: "test", took }, vec![shortfall; checks])
    }

    fn failure() -> Failure {
        Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "away")
    }

    /// Runs takes whose numbers of shortfalls are given; `None` is a take that fails.
    fn check(most: u32, outcomes: &[Option<usize>], kept: u32, made: u32) {
        let mut takes = Takes::new(most, Duration::from_secs(60));
        while let Some((number, _)) = takes.next() {
            let outcome = outcomes[number as usize].ok_or_else(failure);
            takes.add(outcome.map(|checks| take(number, checks, Duration::ZERO))).unwrap();
        }
        let best = takes.best().unwrap();
        assert_eq!((best.value, best.takes), (kept, made), "{outcomes:?}");
        assert_eq!(Some(best.shortfalls.len()), outcomes[kept as usize], "what is left against it: {outcomes:?}");
    }

    #[test]
    fn a_good_take_ends_it_and_the_best_one_is_kept() {
        check(3, &[Some(0)], 0, 1);
        check(3, &[Some(2), Some(0)], 1, 2);
        check(3, &[Some(2), Some(1), Some(2)], 1, 3);
        check(3, &[Some(1), Some(1), Some(1)], 0, 3);
        check(1, &[Some(1)], 0, 1);
        check(3, &[Some(1), None], 0, 1);
    }

    #[test]
    fn the_failure_of_the_first_take_is_the_answer() {
        let mut takes = Takes::<u32>::new(3, Duration::from_secs(60));
        assert_eq!(takes.add(Err(failure())), Err(failure()));
        assert_eq!(takes.best().unwrap_err().code, FailureCode::Internal);
    }

    #[test]
    fn no_take_begins_that_the_time_is_too_short_for() {
        let mut takes = Takes::new(9, Duration::from_secs(60));
        takes.add(Ok(take(0, 1, Duration::from_secs(31)))).unwrap();
        assert_eq!(takes.next(), None);
    }
}
