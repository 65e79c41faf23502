//! The routes.

use std::{fs::File, sync::Arc, time::Instant};

use actix_multipart::Multipart;
use actix_web::{HttpRequest, HttpResponse, error::JsonPayloadError, web};
use domain::{
    ArtifactRole, SongOptions,
    audio::{Verdict, judge},
    prompt::Prompt,
    request::{Label, MelodyToVocalsRequest},
};
use engine::lyrics::Lyrics;
use media::{Bounds, Encoding, Tags};
use music::Melody;
use providers::{
    AudioInput, Vocal,
    expert::{LyricsCall, VocalsAnswer, VocalsCall},
    no_progress,
    song::{self, Heard, Mastered, Report, Song, StepSummary, Taken},
};
use serde_json::json;
use service_runtime::error_chain;
use tempfile::NamedTempFile;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use crate::{
    Studio,
    answer::{Refusal, SongAnswer},
    bounds,
    files::SongFiles,
    upload,
};

/// Largest JSON body: the melody of five minutes is about 3 MB.
const MAX_JSON_BYTES: usize = 32 * 1024 * 1024;
/// The version of the API that older clients look for.
const API_VERSION: &str = "1.0.0";

pub fn configure(app: &mut web::ServiceConfig) {
    app.app_data(web::JsonConfig::default().limit(MAX_JSON_BYTES).error_handler(|error, _| match error {
        JsonPayloadError::Overflow { limit } | JsonPayloadError::OverflowKnownLength { limit, .. } => {
            Refusal::body_too_large(limit).into()
        }
        error => Refusal::invalid(format!("the body cannot be read: {error}")).into(),
    }))
    .route("/", web::get().to(about))
    .route("/health", web::get().to(health))
    .route("/models", web::get().to(models))
    .route("/metrics", web::get().to(metrics))
    .route("/melody-to-vocals", web::post().to(melody_to_vocals))
    .route("/v1/melody", web::post().to(melody))
    .route("/v1/lyrics", web::post().to(lyrics))
    .route("/v1/vocals", web::post().to(vocals))
    .route("/files/{id}", web::get().to(file));
}

async fn about() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "service": "Expert Music AI", "version": API_VERSION, "status": "running" }))
}

async fn health(studio: web::Data<Studio>) -> HttpResponse {
    let providers: Vec<_> = studio.chains.melody.names().collect();
    HttpResponse::Ok().json(json!({
        "status": "healthy",
        "service": "Expert Music AI",
        "version": API_VERSION,
        "dependencies": { "engine": "ok" },
        "providers": { "melody": providers, "lyrics": providers, "vocals": providers },
    }))
}

async fn models() -> HttpResponse {
    HttpResponse::Ok().json(json!({
        "base": {
            "offline-f0": { "capability": "melody", "provider": "offline", "version": env!("CARGO_PKG_VERSION") },
            "offline-lyrics-en": { "capability": "lyrics", "provider": "offline", "version": env!("CARGO_PKG_VERSION") },
            "offline-lyrics-es": { "capability": "lyrics", "provider": "offline", "version": env!("CARGO_PKG_VERSION") },
            "offline-formant": { "capability": "vocals", "provider": "offline", "version": env!("CARGO_PKG_VERSION") },
        },
        "fine_tuned": {},
    }))
}

async fn metrics(studio: web::Data<Studio>) -> HttpResponse {
    HttpResponse::Ok().content_type(telemetry::metrics::CONTENT_TYPE).body(studio.metrics.render())
}

async fn melody(payload: web::Payload, studio: web::Data<Studio>) -> Result<HttpResponse, Refusal> {
    let audio = upload::body(payload, studio.limits.max_size_bytes).await?;
    let audio = &audio;
    let call =
        |tracker: Arc<dyn providers::MelodyExtractor>| async move { tracker.extract(audio, no_progress()).await };
    Ok(HttpResponse::Ok().json(studio.chains.melody.call(studio.call_timeout, call).await?.value))
}

async fn lyrics(call: web::Json<LyricsCall>, studio: web::Data<Studio>) -> Result<HttpResponse, Refusal> {
    let LyricsCall { melody, request } = &*call;
    bounds::check(melody, studio.limits.max_duration_seconds)?;
    let write = |writer: Arc<dyn providers::LyricsWriter>| async move { writer.write(melody, request).await };
    Ok(HttpResponse::Ok().json(studio.chains.lyrics.call(studio.call_timeout, write).await?.value))
}

async fn vocals(call: web::Json<VocalsCall>, studio: web::Data<Studio>) -> Result<HttpResponse, Refusal> {
    let VocalsCall { melody, lyrics, voice } = &*call;
    bounds::check(melody, studio.limits.max_duration_seconds)?;
    let sing = |singer: Arc<dyn providers::VocalSynthesizer>| async move {
        singer.sing(melody, lyrics, voice, no_progress()).await
    };
    let sung = studio.chains.vocals.call(studio.call_timeout, sing).await?.value;
    let Vocal { samples, sample_rate_hz: rate, performance } = sung;
    let own = studio.clone();
    let encode = move || {
        encoded(&own.files, |file| media::encode_to(file, &samples, rate, 1, Encoding::Wav16, &Tags::default()))
    };
    let wav = blocking(encode).await??;
    let id = keep(&studio, wav, ArtifactRole::AudioWav).await?;
    Ok(HttpResponse::Ok().json(VocalsAnswer { audio_path: format!("files/{id}"), performance }))
}

async fn file(id: web::Path<String>, studio: web::Data<Studio>) -> Result<HttpResponse, Refusal> {
    let id = Uuid::parse_str(&id).map_err(|_| Refusal::not_found())?;
    let (path, media_type) = studio.files.find(id).ok_or_else(Refusal::not_found)?;
    let file = tokio::fs::File::open(&path).await.map_err(|_| Refusal::not_found())?;
    let size_bytes = file.metadata().await.map_err(|_| Refusal::not_found())?.len();
    let body = actix_web::body::SizedStream::new(size_bytes, ReaderStream::with_capacity(file, 64 * 1024));
    Ok(HttpResponse::Ok().content_type(media_type).body(body))
}

/// What `POST /melody-to-vocals` asks for.
fn wish(fields: &std::collections::HashMap<String, String>) -> Result<MelodyToVocalsRequest, Refusal> {
    let options = SongOptions::read(|name| fields.get(name).map(String::as_str));
    let prompt = fields.get("prompt").map(String::as_str).unwrap_or_default();
    let label = |name: &str| {
        let text = fields.get(name).map(String::as_str).filter(|text| !text.trim().is_empty());
        text.map(Label::new).transpose().map_err(|error| Refusal::invalid(format!("{name}: {error}")))
    };
    let seed = match fields.get("seed") {
        Some(seed) => seed.trim().parse().map_err(|_| Refusal::invalid("seed: expected a whole number"))?,
        None => u64::from(Uuid::new_v4().as_fields().0),
    };
    Ok(MelodyToVocalsRequest {
        prompt: Prompt::new(prompt).map_err(|error| Refusal::invalid(error.to_string()))?,
        genre: label("genre")?,
        mood: label("mood")?,
        seed,
        options: options.map_err(|error| Refusal::invalid(error.to_string()))?,
    })
}

/// The whole way in one call.
async fn melody_to_vocals(
    request: HttpRequest,
    form: Multipart,
    studio: web::Data<Studio>,
) -> Result<HttpResponse, Refusal> {
    let started = Instant::now();
    let form = upload::form(form, studio.limits.max_size_bytes).await?;
    let wish = wish(&form.fields)?;
    let verdict = validate(&studio, &form.audio, form.file_name).await?;
    let (song, mp3, wav) = make(&studio, &form.audio, &wish).await?;
    let base = {
        let info = request.connection_info();
        format!("{}://{}", info.scheme(), info.host())
    };
    let mp3 = keep(&studio, mp3, ArtifactRole::AudioMp3).await?;
    let wav = keep(&studio, wav, ArtifactRole::AudioWav).await?;
    Ok(HttpResponse::Ok().json(SongAnswer {
        success: true,
        audio_url: format!("{base}/files/{mp3}"),
        wav_url: format!("{base}/files/{wav}"),
        lyrics: song.lyrics,
        melody_info: song.report.melody,
        lyrics_info: song.report.lyrics,
        voice_info: song.report.voice,
        processing_steps: song.report.steps,
        processing_time_seconds: started.elapsed().as_secs_f64(),
        quality: song.report.quality,
        warnings: verdict.warnings().map(|finding| finding.message.clone()).collect(),
    }))
}

async fn validate(studio: &Studio, audio: &AudioInput, file_name: Option<String>) -> Result<Verdict, Refusal> {
    let limits = studio.limits.clone();
    let file = audio.reopen().map_err(|_| Refusal::internal())?;
    let size_bytes = audio.size_bytes;
    let verdict =
        blocking(move || match media::inspect(file, size_bytes, &Bounds::for_duration(limits.max_duration_seconds)) {
            Ok(facts) => judge(facts, file_name.as_deref(), &limits),
            Err(error) => Verdict { facts: None, findings: vec![media::finding(&error)] },
        })
        .await?;
    if verdict.accepted() {
        return Ok(verdict);
    }
    let reasons: Vec<&str> = verdict.errors().map(|finding| finding.message.as_str()).collect();
    Err(Refusal::audio(reasons.join(" ")))
}

/// A song's words and figures.
struct Made {
    lyrics: String,
    report: Report,
}

/// Runs the parts in turn; returns the song with its MP3 and its WAV.
async fn make(
    studio: &web::Data<Studio>,
    audio: &AudioInput,
    wish: &MelodyToVocalsRequest,
) -> Result<(Made, NamedTempFile, NamedTempFile), Refusal> {
    let budget = studio.call_timeout;
    let extract =
        |tracker: Arc<dyn providers::MelodyExtractor>| async move { tracker.extract(audio, no_progress()).await };
    studio.chains.content.admit_request(wish, budget).await?;
    let heard = studio.chains.melody.call(budget, extract).await?;
    let melody = song::corrected(heard.value, wish)?;
    let (wanted, voice) = (song::lyrics_request(wish), song::voice_options(wish));
    let lyrics = song::write_lyrics(&studio.chains, &studio.gate, budget, &melody, &wanted).await?;
    let parts = (&melody, &lyrics.value);
    let sung = song::sing(&studio.chains.vocals, &studio.gate, budget, parts, &voice, &no_progress()).await?;

    let step = |stage: &str, provider: &str, took: std::time::Duration| StepSummary {
        stage: stage.to_owned(),
        provider: Some(provider.to_owned()),
        seconds: took.as_secs_f64(),
    };
    let steps = vec![
        step("pitch", heard.provider, heard.took),
        step("lyrics", lyrics.provider, lyrics.took),
        step("vocals", sung.provider, sung.took),
    ];
    let (lyrics, wish, studio) = (lyrics.value, wish.clone(), studio.clone());
    blocking(move || finish(&melody, &lyrics, &sung, steps, &wish, &studio)).await?
}

fn finish(
    melody: &Melody,
    lyrics: &Lyrics,
    sung: &Taken<Mastered>,
    steps: Vec<StepSummary>,
    wish: &MelodyToVocalsRequest,
    studio: &Studio,
) -> Result<(Made, NamedTempFile, NamedTempFile), Refusal> {
    let mastered = &sung.value;
    let (heard, accompaniment) = (Heard::of(mastered), song::accompaniment(melody, wish));
    let accompaniment = accompaniment.as_ref();
    let song = Song { melody, lyrics, heard: &heard, accompaniment, takes: sung.takes, request: wish };
    let report = Report::on(&song, &studio.gate, steps);
    if let Some(refusal) = report.refusal() {
        return Err(refusal.into());
    }
    let Mastered { samples, sample_rate_hz, .. } = mastered;
    let mix = accompaniment.map(|parts| studio.chains.band.play_under(samples, *sample_rate_hz, parts)).transpose()?;
    let tags = Tags { title: Some(lyrics.title.clone()), ..Tags::default() };
    let encode = |encoding| {
        encoded(&studio.files, |file| match &mix {
            Some(mix) => mix.encode_to(file, encoding, &tags),
            None => media::encode_to(file, samples, *sample_rate_hz, 1, encoding, &tags),
        })
    };
    let (mp3, wav) = (encode(Encoding::Mp3 { kbps: 192 })?, encode(Encoding::Wav16)?);
    Ok((Made { lyrics: song::lyrics_text(lyrics), report }, mp3, wav))
}

/// A new file with what `encode` writes. Blocks.
fn encoded(
    files: &SongFiles,
    encode: impl FnOnce(File) -> Result<(), media::MediaError>,
) -> Result<NamedTempFile, Refusal> {
    let opened = files.begin().and_then(|song| Ok((song.reopen()?, song)));
    let (file, song) = opened.map_err(|error| {
        tracing::error!(%error, "no file for a song");
        Refusal::internal()
    })?;
    encode(file).map_err(|error| {
        tracing::error!(error = %error_chain(&error), "song not encoded");
        Refusal::internal()
    })?;
    Ok(song)
}

async fn keep(studio: &Studio, song: NamedTempFile, role: ArtifactRole) -> Result<Uuid, Refusal> {
    studio.files.keep(song, role.media_type()).await.map_err(|error| {
        tracing::error!(%error, "song not kept");
        Refusal::internal()
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "work panicked");
        Refusal::internal()
    })
}
