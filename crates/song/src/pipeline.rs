//! All steps in turn, in this process.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use domain::{
    Failure, StageName,
    audio::{AudioLimits, Verdict},
    kinds::melody_vocals as stage,
    kinds::melody_vocals::MelodyToVocalsRequest,
    options,
    quality::QualityGate,
};
use lyrics::Lyrics;
use music::Melody;
use providers::{
    AccompanimentPlayer, AudioInput, CallLog as _, CallScope, Capabilities, DirectCalls, ProgressSink, ProviderName,
    Stop, blocking, no_progress,
};

use crate::{
    Backing, Documents, Heard, Mastered, Report, Song, StepSummary, documents,
    steps::{self, Mixed},
    takes,
};

/// What songs are made with. Cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    pub capabilities: Capabilities,
    pub gate: QualityGate,
    /// What a recording may be.
    pub limits: AudioLimits,
    pub step_timeouts: StepTimeouts,
}

/// Longest that the steps may work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StepTimeouts {
    /// Of the melody.
    pub pitch: Duration,
    pub lyrics: Duration,
    pub vocals: Duration,
    /// Of each of the others.
    pub other: Duration,
}

impl StepTimeouts {
    /// The same for each.
    pub const fn each(timeout: Duration) -> Self {
        Self { pitch: timeout, lyrics: timeout, vocals: timeout, other: timeout }
    }

    fn of(&self, step: StageName) -> Duration {
        match step {
            stage::PITCH => self.pitch,
            stage::LYRICS => self.lyrics,
            stage::VOCALS => self.vocals,
            _ => self.other,
        }
    }
}

/// A recording as it came.
#[derive(Clone, Copy)]
pub struct Recording<'a> {
    pub audio: &'a AudioInput,
    /// Only to report an ending that lies.
    pub file_name: Option<&'a str>,
}

/// Told how a pipeline gets on: of every step its beginning, how far it is, and its end.
pub trait Observer: Send {
    /// What it returns is told how much of the step is done, 0–1.
    fn begun(&mut self, step: StageName) -> ProgressSink;
    fn ended(&mut self, step: StageName, succeeded: bool);
}

/// For callers that show nothing.
pub struct Unobserved;

impl Observer for Unobserved {
    fn begun(&mut self, _: StageName) -> ProgressSink {
        no_progress()
    }

    fn ended(&mut self, _: StageName, _: bool) {}
}

/// Why there is no song, and which step found that.
#[derive(Clone, PartialEq, Debug)]
pub struct StepFailure {
    pub step: StageName,
    pub failure: Failure,
}

impl From<StepFailure> for Failure {
    fn from(refused: StepFailure) -> Self {
        refused.failure
    }
}

/// A sung song with everything that it was made from. Whether it is good enough is for [`Report::refusal`] to say.
pub struct FinishedSong {
    pub verdict: Verdict,
    pub melody: Melody,
    pub lyrics: Lyrics,
    /// The voice alone.
    pub vocal: Mastered,
    pub backing: Option<Backing>,
    pub report: Report,
    request: MelodyToVocalsRequest,
}

impl FinishedSong {
    fn song(&self) -> Song<'_> {
        Song {
            melody: &self.melody,
            lyrics: &self.lyrics,
            heard: Heard::of(&self.vocal),
            backing: self.backing.as_ref(),
            takes: self.report.voice.takes,
            request: &self.request,
        }
    }

    /// The words, scores and picture that go with it. Blocking, as [`documents`].
    pub fn documents(&self) -> Documents {
        documents(&self.song())
    }

    /// The voice over its backing, where it has one; what is heard of a band is noted in the report. Blocking.
    ///
    /// # Errors
    /// As [`steps::mix`].
    pub fn mix(&mut self, player: &AccompanimentPlayer, threads: usize) -> Result<Option<Mixed>, Failure> {
        let mixed = steps::mix(&self.song(), player, threads, &mut |_| ControlFlow::Continue(()))?;
        if let Some(Mixed::Band(sound)) = &mixed {
            self.report.heard_band(sound);
        }
        Ok(mixed)
    }
}

impl Pipeline {
    /// Makes a song: the words are admitted, the recording judged, its melody followed, lyrics written, sung, and
    /// listened back to.
    ///
    /// # Errors
    /// The first step's that fails. A song that the gate has something against is none.
    pub async fn run(
        &self,
        recording: Recording<'_>,
        request: &MelodyToVocalsRequest,
        observer: &mut dyn Observer,
    ) -> Result<FinishedSong, StepFailure> {
        let Self { capabilities, gate, limits, step_timeouts } = self;
        let (timeouts, Recording { audio, file_name }) = (*step_timeouts, recording);
        let admitted = steps::admit(capabilities, timeouts.other, request).await;
        admitted.map_err(|failure| StepFailure { step: stage::INITIALIZATION, failure })?;

        let mut run = Run { observer, timeouts, steps: Vec::new() };
        let verdict = run
            .step(stage::VALIDATION, async |_, _| Ok((steps::validate(audio, file_name, limits).await?, None)))
            .await?;
        let melody = run
            .step(stage::PITCH, async |progress, scope| {
                let found = steps::extract_melody(capabilities, scope, audio, request, &progress).await?;
                Ok((found.value, Some(found.provider)))
            })
            .await?;
        let backing = if request.options.backing == options::Backing::Band {
            run.step(stage::ARRANGEMENT, async |_, _| {
                let (melody, request) = (melody.clone(), request.clone());
                Ok((blocking(move || steps::backing(&melody, &request)).await??, None))
            })
            .await?
        } else {
            steps::backing(&melody, request).map_err(|failure| StepFailure { step: stage::PITCH, failure })?
        };
        let melody = match &backing {
            Some(Backing::Band(arranged)) => arranged.melody.clone(),
            _ => melody,
        };
        let lyrics = run
            .step(stage::LYRICS, async |_, scope| {
                let written = takes::write_lyrics(capabilities, gate, scope, &melody, request).await?;
                Ok((written.value, Some(written.provider)))
            })
            .await?;
        let (vocal, takes) = run
            .step(stage::VOCALS, async |progress, scope| {
                let parts = (&melody, &lyrics);
                let sung = takes::sing(capabilities, gate, scope, parts, request, &progress).await?;
                Ok(((sung.value.mastered, sung.takes), Some(sung.provider)))
            })
            .await?;
        let (gate, request) = (gate.clone(), request.clone());
        let listen = move || {
            let song = Song {
                melody: &melody,
                lyrics: &lyrics,
                heard: Heard::of(&vocal),
                backing: backing.as_ref(),
                takes,
                request: &request,
            };
            let report = Report::on(&song, &gate, Vec::new());
            FinishedSong { verdict, melody, lyrics, vocal, backing, report, request }
        };
        let mut song = run.step(stage::QUALITY, async |_, _| Ok((blocking(listen).await?, None))).await?;
        song.report.steps = run.steps;
        Ok(song)
    }
}

/// One way through the steps.
struct Run<'a> {
    observer: &'a mut dyn Observer,
    timeouts: StepTimeouts,
    steps: Vec<StepSummary>,
}

impl Run<'_> {
    /// Runs one step; notes how long it took and who did it.
    async fn step<T>(
        &mut self,
        step: StageName,
        work: impl AsyncFnOnce(ProgressSink, CallScope<'_>) -> Result<(T, Option<ProviderName>), Stop>,
    ) -> Result<T, StepFailure> {
        let progress = self.observer.begun(step);
        let started = Instant::now();
        let calls = DirectCalls::default();
        let outcome = work(progress, CallScope::new(&calls, self.timeouts.of(step))).await;
        self.observer.ended(step, outcome.is_ok());
        let (value, provider) = outcome.map_err(|stop| StepFailure { step, failure: stop.into_failure() })?;
        let tried = calls.tried().await.map_err(|failure| StepFailure { step, failure })?;
        self.steps.push(StepSummary {
            stage: step.to_string(),
            provider: provider.map(|name| name.to_string()),
            tried,
            seconds: started.elapsed().as_secs_f64(),
        });
        Ok(value)
    }
}
