//! The routes.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    sync::Arc,
    time::Instant,
};

use actix_multipart::Multipart;
use actix_web::{HttpRequest, HttpResponse, error::JsonPayloadError, web};
use domain::{ArtifactSpec, artifact, kinds::melody_vocals::MelodyToVocalsRequest};
use media::{Encoding, Tags};
use providers::{
    CallScope, DirectCalls, MelodyExtractor, Need, ProviderName, Vocal,
    expert::{LyricsCall, ModelsAnswer, ServedModel, VocalsAnswer, VocalsCall},
    no_progress,
};
use serde_json::json;
use service_runtime::error_chain;
use song::{FinishedSong, Mastered, Recording, Unobserved};
use tempfile::NamedTempFile;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use crate::{
    AppState,
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

async fn health(state: web::Data<AppState>) -> HttpResponse {
    let providers: Vec<_> = state.pipeline.capabilities.melody.names().collect();
    HttpResponse::Ok().json(json!({
        "status": "healthy",
        "service": "Expert Music AI",
        "version": API_VERSION,
        "dependencies": { "engine": "ok" },
        "providers": { "melody": providers, "lyrics": providers, "vocals": providers },
    }))
}

/// What each capability is done with, and by which version of it: callers reuse what equal versions made.
async fn models(state: web::Data<AppState>) -> HttpResponse {
    let capabilities = &state.pipeline.capabilities;
    let (melody, lyrics, vocals) = (
        capabilities.melody.preferred(&Need::default()).await,
        capabilities.lyrics.preferred(&Need::default()).await,
        capabilities.vocals.preferred(&Need::default()).await,
    );
    let served = [
        ("offline-f0", "melody", &melody),
        ("offline-lyrics-en", "lyrics", &lyrics),
        ("offline-lyrics-es", "lyrics", &lyrics),
        ("offline-formant", "vocals", &vocals),
    ];
    let model = |(name, capability, preferred): (&str, &str, &Option<(ProviderName, String)>)| {
        let (provider, version) = preferred.clone()?;
        let model = ServedModel { capability: capability.to_owned(), provider: provider.to_string(), version };
        Some((name.to_owned(), model))
    };
    let base = served.into_iter().filter_map(model).collect();
    HttpResponse::Ok().json(ModelsAnswer { base, fine_tuned: BTreeMap::new() })
}

async fn metrics(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().content_type(telemetry::metrics::CONTENT_TYPE).body(state.metrics.render())
}

async fn melody(payload: web::Payload, state: web::Data<AppState>) -> Result<HttpResponse, Refusal> {
    let audio = upload::body(payload, state.pipeline.limits.max_size_bytes).await?;
    let audio = &audio;
    let call = |tracker: Arc<dyn MelodyExtractor>, _| async move { tracker.extract(audio, no_progress()).await };
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, state.pipeline.step_timeout);
    let extracted = state.pipeline.capabilities.melody.call(scope, &Need::default(), call).await?;
    Ok(HttpResponse::Ok().json(extracted.value))
}

async fn lyrics(call: web::Json<LyricsCall>, state: web::Data<AppState>) -> Result<HttpResponse, Refusal> {
    let LyricsCall { melody, request } = &*call;
    bounds::check(melody, bounds::longest_sung_seconds(state.pipeline.limits.max_duration_seconds))?;
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, state.pipeline.step_timeout);
    let need = Need { language: request.language.parse().ok(), ..Need::default() };
    let lyrics = &state.pipeline.capabilities.lyrics;
    let written =
        lyrics.call(scope, &need, |writer, call| async move { writer.write(melody, request, &call).await }).await?;
    Ok(HttpResponse::Ok().json(written.value))
}

async fn vocals(call: web::Json<VocalsCall>, state: web::Data<AppState>) -> Result<HttpResponse, Refusal> {
    let VocalsCall { melody, lyrics, voice } = &*call;
    bounds::check(melody, bounds::longest_sung_seconds(state.pipeline.limits.max_duration_seconds))?;
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, state.pipeline.step_timeout);
    let need = Need { language: lyrics.language.parse().ok(), ..Need::default() };
    let singers = &state.pipeline.capabilities.vocals;
    let sung = singers
        .call(
            scope,
            &need,
            |singer, call| async move { singer.sing(melody, lyrics, voice, no_progress(), &call).await },
        )
        .await?;
    let Vocal { samples, sample_rate_hz: rate, performance } = sung.value;
    let own = state.clone();
    let encode = move || {
        encoded(&own.files, |file| media::encode_to(file, &samples, rate, 1, Encoding::Wav16, &Tags::default()))
    };
    let wav = blocking(encode).await??;
    let id = keep(&state, wav, &artifact::AUDIO_WAV).await?;
    Ok(HttpResponse::Ok().json(VocalsAnswer { audio_path: format!("files/{id}"), performance }))
}

async fn file(id: web::Path<String>, state: web::Data<AppState>) -> Result<HttpResponse, Refusal> {
    let id = Uuid::parse_str(&id).map_err(|_| Refusal::not_found())?;
    let (path, media_type) = state.files.find(id).ok_or_else(Refusal::not_found)?;
    let file = tokio::fs::File::open(&path).await.map_err(|_| Refusal::not_found())?;
    let size_bytes = file.metadata().await.map_err(|_| Refusal::not_found())?.len();
    let body = actix_web::body::SizedStream::new(size_bytes, ReaderStream::with_capacity(file, 64 * 1024));
    Ok(HttpResponse::Ok().content_type(media_type).body(body))
}

/// What the fields of the form ask for.
fn song_request(fields: &HashMap<String, String>) -> Result<MelodyToVocalsRequest, Refusal> {
    let text = |name: &str| fields.get(name).map(String::as_str);
    MelodyToVocalsRequest::read(text, resilience::ids::seed()).map_err(|error| Refusal::invalid(error.to_string()))
}

/// The whole way in one call.
async fn melody_to_vocals(
    request: HttpRequest,
    form: Multipart,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Refusal> {
    let started = Instant::now();
    let form = upload::form(form, state.pipeline.limits.max_size_bytes).await?;
    let recording = Recording { audio: &form.audio, file_name: form.file_name.as_deref() };
    let song = state.pipeline.run(recording, &song_request(&form.fields)?, &mut Unobserved).await?;
    if let Some(refusal) = song.report.refusal() {
        return Err(refusal.into());
    }
    let own = state.clone();
    let (song, mp3, wav) = blocking(move || encoded_song(song, &own)).await??;
    let mp3 = keep(&state, mp3, &artifact::AUDIO_MP3).await?;
    let wav = keep(&state, wav, &artifact::AUDIO_WAV).await?;
    let base = {
        let info = request.connection_info();
        format!("{}://{}", info.scheme(), info.host())
    };
    let FinishedSong { lyrics, report, verdict, .. } = song;
    // Only what somebody did for the song.
    let processing_steps = report.steps.into_iter().filter(|step| step.provider.is_some()).collect();
    Ok(HttpResponse::Ok().json(SongAnswer {
        success: true,
        audio_url: format!("{base}/files/{mp3}"),
        wav_url: format!("{base}/files/{wav}"),
        lyrics: song::lyrics_text(&lyrics),
        melody_info: report.melody,
        lyrics_info: report.lyrics,
        voice_info: report.voice,
        processing_steps,
        processing_time_seconds: started.elapsed().as_secs_f64(),
        quality: report.quality,
        warnings: verdict.warnings().map(|finding| finding.message.clone()).collect(),
    }))
}

/// The song with its MP3 and its WAV. Blocks.
fn encoded_song(
    mut song: FinishedSong,
    state: &AppState,
) -> Result<(FinishedSong, NamedTempFile, NamedTempFile), Refusal> {
    // Requests are answered beside each other; each has one core.
    let mix = song.mix(&state.pipeline.capabilities.accompaniment, 1)?;
    let Mastered { samples, sample_rate_hz, .. } = &song.vocal;
    let tags = Tags { title: Some(song.lyrics.title.clone()), ..Tags::default() };
    let encode = |encoding| {
        encoded(&state.files, |file| match &mix {
            Some(mix) => mix.encode_to(file, encoding, &tags),
            None => media::encode_to(file, samples, *sample_rate_hz, 1, encoding, &tags),
        })
    };
    let (mp3, wav) = (encode(Encoding::Mp3 { kbps: 192 })?, encode(Encoding::Wav16)?);
    Ok((song, mp3, wav))
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

async fn keep(state: &AppState, song: NamedTempFile, spec: &ArtifactSpec) -> Result<Uuid, Refusal> {
    state.files.keep(song, spec.media_type).await.map_err(|error| {
        tracing::error!(%error, "song not kept");
        Refusal::internal()
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    providers::blocking(work).await.map_err(|_| Refusal::internal())
}
