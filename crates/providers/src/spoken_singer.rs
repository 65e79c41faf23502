//! Vocals by somebody who only speaks: the lyrics are recited in parts, and what was spoken is brought onto the melody here.

use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use lyrics::{LyricLine, Lyrics};
use media::Bounds;
use music::Melody;
use tokio::sync::Semaphore;
use voice::{SpokenPart, SungVocal, VoiceError, VoiceOptions};

use crate::{
    calls::ProviderCall,
    capability::{Performance, Vocal, VocalSynthesizer, blocking, voice_failure},
    input::{AudioInput, ProgressSink},
    recital::Reciter,
    stop::{Parking, Stop},
};

/// A part has no more characters, even where the reciter would take them: what was spoken badly is paid for once more.
const MOST_CHARS: usize = 240;
/// A part is not decoded any further.
const MOST_SECONDS: f64 = 180.0;
/// What a syllable takes when it is spoken; between 0.3 and 4 times as long is believed.
const SYLLABLE_SECONDS: f64 = 0.22;
const BELIEVED: Range<f64> = 0.3..4.0;
/// Below this peak nothing was said.
const LEAST_PEAK: f32 = 0.005;
/// Rate that parts are decoded to; what lies above is continued by the singer.
const RATE_HZ: u32 = 16_000;
/// Share of the progress that reciting is.
const RECITING: f64 = 0.7;

/// Sings with the voice of a [`Reciter`].
pub struct SpokenSinger {
    reciter: Arc<dyn Reciter>,
    voice_name: String,
    /// Cores that may be in use at once; a caller that stops waiting frees its slot when the running work has ended.
    slots: Arc<Semaphore>,
}

/// Lines that are recited in one call.
struct Text {
    lines: Range<usize>,
    text: String,
    syllables: usize,
}

/// What came of a recital.
enum Recital {
    Spoken(Vec<f32>),
    /// Nothing that can be sung, for a reason.
    Useless(String),
}

impl SpokenSinger {
    /// `voice_name` is who sang, in results. `slots` are those of the engine's work in this process.
    pub fn new(reciter: Arc<dyn Reciter>, voice_name: String, slots: Arc<Semaphore>) -> Self {
        Self { reciter, voice_name, slots }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let slot =
            self.slots.clone().acquire_owned().await.map_err(|_| {
                Failure::new(FailureClass::Caller, FailureCode::Internal, "the engine is shutting down")
            })?;
        blocking(move || {
            let _slot = slot;
            work()
        })
        .await
    }

    async fn recite(
        &self,
        text: &Text,
        language: &str,
        purpose: &str,
        progress: &ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<Recital, Stop> {
        let audio = self.reciter.recite(&text.text, language, purpose, progress, call).await?;
        // What follows is our own work, and may wait for a core of ours.
        call.slot.let_go();
        let syllables = text.syllables;
        Ok(self.run(move || heard(&audio, syllables)).await??)
    }

    /// A part, and once more where it cannot be sung and may come out otherwise. `first` is what was wrong with it before, if it
    /// was tried.
    async fn part(
        &self,
        number: usize,
        text: &Text,
        first: Option<String>,
        language: &str,
        progress: &ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<(Vec<f32>, bool), Stop> {
        let reason = match first {
            Some(reason) => reason,
            None => match self.recite(text, language, &format!("recital/{number}"), progress, call).await? {
                Recital::Spoken(samples) => return Ok((samples, false)),
                Recital::Useless(reason) => reason,
            },
        };
        if !self.reciter.varies() {
            return Err(useless(call, &reason, None));
        }
        tracing::info!(provider = &*call.provider, part = number, "a part is recited once more");
        match self.recite(text, language, &format!("recital/{number}/again"), progress, call).await? {
            Recital::Spoken(samples) => Ok((samples, true)),
            Recital::Useless(again) => Err(useless(call, &reason, Some(&again))),
        }
    }
}

#[async_trait]
impl VocalSynthesizer for SpokenSinger {
    async fn sing(
        &self,
        melody: &Melody,
        lyrics: &Lyrics,
        voice: &VoiceOptions,
        progress: ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<Vocal, Stop> {
        let texts = texts(lyrics, self.reciter.most_chars().min(MOST_CHARS))?;
        let mut parts = Vec::with_capacity(texts.len());
        let mut repeated = vec![false; texts.len()];
        let mut parked: Option<Parking> = None;
        for (number, text) in texts.iter().enumerate() {
            let share = progress.clone();
            let count = texts.len() as f64;
            let own: ProgressSink =
                Arc::new(move |done: f64| share(RECITING * (number as f64 + done.clamp(0.0, 1.0)) / count));
            match self.part(number, text, None, &lyrics.language, &own, call).await {
                Ok((samples, again)) => {
                    repeated[number] = again;
                    parts.push(SpokenPart { lines: text.lines.clone(), sample_rate_hz: RATE_HZ, samples });
                }
                // Who does not answer is not sent the others as well.
                Err(Stop::Parked(parking)) if parking.is_unanswered => return Err(Stop::Parked(parking)),
                // The others are worked on meanwhile.
                Err(Stop::Parked(parking)) => {
                    parked =
                        Some(parked.map_or(parking.clone(), |first| {
                            if first.until <= parking.until { first } else { parking }
                        }));
                }
                Err(other) => return Err(other),
            }
        }
        if let Some(parking) = parked {
            return Err(Stop::Parked(parking));
        }
        loop {
            let (melody, lyrics, voice, own) = (melody.clone(), lyrics.clone(), voice.clone(), progress.clone());
            let (sung, heard) = self
                .run(move || {
                    let mut share = |done: f64| own(RECITING + (1.0 - RECITING) * done);
                    (voice::sing_spoken(&melody, &lyrics, &parts, &voice, &mut share), (parts, lyrics))
                })
                .await?;
            let (spoken, lyrics) = heard;
            parts = spoken;
            let error = match sung {
                Ok(SungVocal { sample_rate_hz, samples, target, syllables_placed, octave_shift, .. }) => {
                    let voice = self.voice_name.clone();
                    let performance = Performance { target, syllables_placed, octave_shift, voice };
                    return Ok(Vocal { sample_rate_hz, samples, performance });
                }
                Err(error) => error,
            };
            let VoiceError::Unaligned { line, .. } = error else { return Err(voice_failure(&error).into()) };
            let number = texts.iter().position(|text| text.lines.contains(&line)).unwrap_or(0);
            if repeated[number] {
                return Err(Stop::GivenUp(voice_failure(&error)));
            }
            let first = Some(error.to_string());
            let quiet: ProgressSink = Arc::new(|_| {});
            (parts[number].samples, repeated[number]) =
                self.part(number, &texts[number], first, &lyrics.language, &quiet, call).await?;
        }
    }
}

fn useless(call: &ProviderCall<'_>, first: &str, again: Option<&str>) -> Stop {
    let again = again.map(|again| format!("; once more: {again}")).unwrap_or_default();
    let message = format!("{} did not say the words: {first}{again}", call.provider);
    Stop::GivenUp(Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, message))
}

/// The lines in as few texts as there can be of at most so many characters. Lines without syllables are not spoken.
fn texts(lyrics: &Lyrics, most_chars: usize) -> Result<Vec<Text>, Stop> {
    let mut texts: Vec<Text> = Vec::new();
    for (index, line) in lyrics.lines.iter().enumerate().filter(|(_, line)| !line.syllables.is_empty()) {
        let own = spoken(line);
        // One for the stop at the end.
        let chars = own.chars().count() + 1;
        if chars > most_chars {
            return Err(Stop::NotAsked(Failure::new(
                FailureClass::Caller,
                FailureCode::ImpossibleOptions,
                format!("line {} has {chars} characters, and {most_chars} can be spoken at once", index + 1),
            )));
        }
        match texts.last_mut() {
            Some(last) if last.text.chars().count() + chars < most_chars => {
                last.text.push_str(",\n");
                last.text.push_str(&own);
                last.lines.end = index + 1;
                last.syllables += line.syllables.len();
            }
            _ => texts.push(Text { lines: index..index + 1, text: own, syllables: line.syllables.len() }),
        }
    }
    texts.iter_mut().for_each(|text| text.text.push('.'));
    Ok(texts)
}

/// A line without the signs at its end, which tell a reciter where it may breathe.
fn spoken(line: &LyricLine) -> String {
    line.text.trim().trim_end_matches([',', '.', ';', ':']).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Decodes what was recited, and tells whether it can be so many syllables at all.
fn heard(audio: &AudioInput, syllables: usize) -> Result<Recital, Failure> {
    let bounds = Bounds { max_seconds: MOST_SECONDS, ..Bounds::default() };
    let mono = match media::decode_mono(audio.reopen()?, RATE_HZ, &bounds) {
        Ok(mono) => mono,
        Err(error) => return Ok(Recital::Useless(format!("it cannot be decoded: {error}"))),
    };
    let seconds = mono.samples.len() as f64 / f64::from(RATE_HZ);
    let expected = SYLLABLE_SECONDS * syllables as f64;
    if !mono.samples.iter().any(|sample| sample.abs() > LEAST_PEAK) {
        return Ok(Recital::Useless("it is silent".into()));
    }
    // Silence before and after is no reason to refuse a short text.
    if seconds < BELIEVED.start * expected || seconds > BELIEVED.end * expected + 2.0 {
        return Ok(Recital::Useless(format!("it is {seconds:.1} s long for {syllables} syllables")));
    }
    Ok(Recital::Spoken(mono.samples))
}
