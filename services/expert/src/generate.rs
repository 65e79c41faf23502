//! `POST /generate`: a sentence becomes music, in one call, as older clients know it. The same steps as a job.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use actix_web::{HttpRequest, HttpResponse, web};
use arrangement::{
    Composers, Made, Rendering, SoundSong, check_voice, compose_with, composed_stems, lines_as_text, render_exactly,
    sung_words, timed_lines, vocals_request, with_voice,
};
use compose::asked;
use domain::{
    Failure, InvalidField, StageName,
    kinds::composition::{self as stage, CompositionRequest},
};
use media::{Master, Tags};
use providers::{
    AudioInput, CallLog as _, CallScope, ComposedSong, DirectCalls, ModelChoice, ProviderName, Stop, SungWord,
    expert::{GenerateCall, GeneratedSong},
    font_failure, no_progress,
};
use serde::Serialize;
use song::{StepSummary, WordsElsewhere};

use crate::{
    AppState,
    delivery::{Delivery, SoundFile, SoundFormat, addresses, encoded, in_parts},
    known_models::known_to,
    music_call::{Asked, asked_of},
    refusal::Refusal,
    work::blocking,
};

/// Sample rate of what is rendered, in Hz.
const RATE_HZ: f64 = 44_100.0;

/// The older clients' JSON, and what is known beside it.
#[derive(Serialize)]
struct MusicAnswer {
    #[serde(flatten)]
    song: GeneratedSong,
    title: String,
    seed: u64,
    /// Who composed.
    provider: String,
    /// Of a song that is sung.
    #[serde(skip_serializing_if = "Option::is_none")]
    lyrics: Option<String>,
    /// Its words line by line, with their times.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lyrics_lines: Vec<Vec<SungWord>>,
    /// Who did what, and who was asked before.
    processing_steps: Vec<StepSummary>,
    processing_time_seconds: f64,
    warnings: Vec<String>,
}

/// A song as sound.
struct Played {
    master: Master,
    title: String,
    lyrics: Option<String>,
    lines: Vec<Vec<SungWord>>,
    /// Of the voice.
    steps: Vec<StepSummary>,
    warnings: Vec<String>,
}

pub async fn generate(
    request: HttpRequest,
    call: web::Json<GenerateCall>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Refusal> {
    let started = Instant::now();
    let format = SoundFormat::read(call.output_format.as_deref())?;
    let named = known_to(&request, &state).await?;
    let Asked { request: asked, model, warnings } = asked_of(&call, &named, &state.named_models_provider)?;
    let asked = asked::settled(asked)
        .map_err(|InvalidField { field, detail }| Refusal::invalid(format!("{field}: {detail}")))?;
    let timeouts = state.pipeline.step_timeouts;
    state.pipeline.capabilities.content.admit(&asked.texts(), timeouts.other).await?;
    let model_used = model.as_ref().map(|model| model.name.to_string());
    let (made, provider, composing) = composed(&state, &asked, model).await?;
    let mut played = match made {
        Made::Notes(song) => of_notes(&state, &asked, *song).await?,
        Made::Sound(song, sound) => of_sound(&asked, song, sound, timeouts.other).await?,
    };
    played.warnings = warnings.into_iter().chain(played.warnings).collect();
    let seconds = played.master.frames() as f64 / RATE_HZ;
    let delivery = Delivery::to(&request, state.file_links);
    let (own, formats) = (state.clone(), delivery.formats(format));
    let (played, mut sounds) = blocking(move || {
        let sounds = written(&played, &formats, &own)?;
        Ok::<_, Refusal>((played, sounds))
    })
    .await??;
    let mut answer = MusicAnswer {
        song: GeneratedSong {
            success: true,
            audio_url: None,
            prediction_id: None,
            message: format!("Music generated successfully by {provider}"),
            model_used: Some(model_used.unwrap_or_else(|| provider.clone())),
            duration: Some((seconds * 1000.0).round() / 1000.0),
        },
        title: played.title,
        seed: asked.seed,
        provider,
        lyrics: played.lyrics,
        lyrics_lines: played.lines,
        processing_steps: std::iter::once(composing).chain(played.steps).collect(),
        processing_time_seconds: started.elapsed().as_secs_f64(),
        warnings: played.warnings,
    };
    if delivery == Delivery::Parts {
        let sound = sounds.pop().ok_or_else(Refusal::internal)?;
        return in_parts(&answer, &sound);
    }
    answer.song.audio_url = addresses(&delivery, &state.files, sounds).await?.into_iter().next();
    Ok(HttpResponse::Ok().json(answer))
}

async fn composed(
    state: &AppState,
    asked: &CompositionRequest,
    model: Option<ModelChoice>,
) -> Result<(Made, String, StepSummary), Stop> {
    let (calls, started) = (DirectCalls::default(), Instant::now());
    // Somebody who delivers finished sound takes as long as one who sings.
    let scope = CallScope::new(&calls, state.pipeline.step_timeouts.vocals);
    let capabilities = &state.pipeline.capabilities;
    let words = WordsElsewhere::new(capabilities, &state.pipeline.gate, asked);
    let (chain, content) = (&capabilities.compositions, &*capabilities.content);
    let composers = Composers { chain, content, words: Some(&words) };
    let composed = compose_with(&composers, scope, asked, model).await?;
    let step = step_of(stage::COMPOSING, &composed.provider, &calls, started).await?;
    Ok((composed.value, composed.provider.to_string(), step))
}

/// What is told of a step that is done.
async fn step_of(
    step: StageName,
    provider: &ProviderName,
    calls: &DirectCalls,
    started: Instant,
) -> Result<StepSummary, Failure> {
    Ok(StepSummary {
        stage: step.to_string(),
        provider: Some(provider.to_string()),
        tried: calls.tried().await?,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// A voice over a band.
struct Sung {
    lyrics: String,
    lines: Vec<Vec<SungWord>>,
    /// Mono, at the rate of the band.
    samples: Vec<f32>,
    steps: Vec<StepSummary>,
    warnings: Vec<String>,
}

async fn of_notes(state: &AppState, asked: &CompositionRequest, song: ComposedSong) -> Result<Played, Refusal> {
    let sung = if asked.is_sung() { Some(sing(state, asked, &song).await?) } else { None };
    let (player, longest) = (state.pipeline.capabilities.accompaniment.clone(), state.pipeline.step_timeouts.other);
    blocking(move || {
        let stems = composed_stems(&song, sung.is_some());
        let instruments = player.instruments().map_err(|error| font_failure(&error))?;
        // Requests are answered beside each other; each has one core.
        let rendering = Rendering { keep_stems: false, threads: 1 };
        let heard = &mut until(longest);
        let mut band = render_exactly(instruments, &song.score, &stems, rendering, song.seconds, heard)?;
        let mut warnings = [song.understanding.conflicts, song.effective.warnings].concat();
        warnings.append(&mut band.report.warnings);
        let title = song.score.title;
        let Some(Sung { lyrics, lines, samples, steps, warnings: weak }) = sung else {
            let (master, lines, steps) = (band.master, Vec::new(), Vec::new());
            return Ok(Played { master, title, lyrics: None, lines, steps, warnings });
        };
        warnings.extend(weak);
        let master = with_voice(&band, &samples)?.master;
        Ok(Played { master, title, lyrics: Some(lyrics), lines, steps, warnings })
    })
    .await?
}

async fn sing(state: &AppState, asked: &CompositionRequest, song: &ComposedSong) -> Result<Sung, Refusal> {
    let (capabilities, gate) = (&state.pipeline.capabilities, &state.pipeline.gate);
    let timeouts = state.pipeline.step_timeouts;
    let vocals = vocals_request(asked, song)?;
    let (calls, started) = (DirectCalls::default(), Instant::now());
    let scope = CallScope::new(&calls, timeouts.lyrics);
    let written = song::write_lyrics(capabilities, gate, scope, &song.melody, &vocals).await?;
    let writing = step_of(stage::WORDS, &written.provider, &calls, started).await?;
    let (calls, started) = (DirectCalls::default(), Instant::now());
    let scope = CallScope::new(&calls, timeouts.vocals);
    let parts = (&song.melody, &written.value);
    let sung = song::sing(capabilities, gate, scope, parts, &vocals, &no_progress()).await?;
    let singing = step_of(stage::SINGING, &sung.provider, &calls, started).await?;
    check_voice(&sung.value.figures, &sung.shortfalls, sung.takes)?;
    let shortfalls = written.shortfalls.into_iter().chain(sung.shortfalls);
    Ok(Sung {
        lyrics: song::lyrics_text(&written.value),
        lines: sung_words(&timed_lines(&song.melody, &written.value)),
        samples: sung.value.mastered.samples,
        steps: vec![writing, singing],
        warnings: shortfalls.map(|shortfall| format!("words and voice: {}", shortfall.message)).collect(),
    })
}

async fn of_sound(
    asked: &CompositionRequest,
    song: SoundSong,
    sound: AudioInput,
    longest: Duration,
) -> Result<Played, Refusal> {
    let seconds = asked.options.length_ms.map(|length| f64::from(length) / 1000.0);
    blocking(move || {
        let finished = song.finished(sound.reopen()?, seconds, false, &mut until(longest))?;
        let (master, warnings) = (finished.master, finished.warnings);
        let lyrics = (!song.lines.is_empty()).then(|| lines_as_text(&song.lines));
        let lines = sung_words(&song.lines);
        Ok(Played { master, title: song.title, lyrics, lines, steps: Vec::new(), warnings })
    })
    .await?
}

/// Stops work that takes too long.
fn until(longest: Duration) -> impl FnMut(f64) -> ControlFlow<()> {
    let started = Instant::now();
    move |_| if started.elapsed() < longest { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// Blocks.
fn written(played: &Played, formats: &[SoundFormat], state: &AppState) -> Result<Vec<SoundFile>, Refusal> {
    let tags = Tags { title: Some(played.title.clone()), ..Tags::default() };
    let write = |format: SoundFormat| {
        encoded(&state.files, format, |file| played.master.encode_to(file, format.encoding(), &tags))
    };
    formats.iter().copied().map(write).collect()
}
