//! The stages of a song, one by one, for an orchestrator that keeps checkpoints in between.

use actix_web::{HttpRequest, HttpResponse, web};
use media::Tags;
use providers::{
    CallScope, DirectCalls, Need, Vocal,
    expert::{LyricsCall, VocalsAnswer, VocalsCall},
    no_progress,
};

use crate::{
    AppState, bounds,
    delivery::{SoundFormat, accepts_parts, encoded, in_parts, kept},
    refusal::Refusal,
    upload,
    work::blocking,
};

pub async fn melody(payload: web::Payload, state: web::Data<AppState>) -> Result<HttpResponse, Refusal> {
    let audio = upload::body(payload, state.stage_limits.max_size_bytes).await?;
    let audio = &audio;
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, state.stage_timeout);
    let trackers = &state.stages.melody;
    let extracted = trackers
        .call(
            scope,
            &Need::default(),
            |tracker, call| async move { tracker.extract(audio, no_progress(), &call).await },
        )
        .await?;
    Ok(HttpResponse::Ok().json(extracted.value))
}

pub async fn lyrics(call: web::Json<LyricsCall>, state: web::Data<AppState>) -> Result<HttpResponse, Refusal> {
    let LyricsCall { melody, request } = &*call;
    bounds::check(melody, bounds::longest_sung_seconds(state.stage_limits.max_duration_seconds))?;
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, state.stage_timeout);
    let need = Need { language: request.language.parse().ok(), ..Need::default() };
    let lyrics = &state.stages.lyrics;
    let written =
        lyrics.call(scope, &need, |writer, call| async move { writer.write(melody, request, &call).await }).await?;
    Ok(HttpResponse::Ok().json(written.value))
}

/// The sound is a part of the answer for callers that accept parts. Older ones are told where it lies: they have to come
/// back to the same process.
pub async fn vocals(
    request: HttpRequest,
    call: web::Json<VocalsCall>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Refusal> {
    let VocalsCall { melody, lyrics, voice } = &*call;
    bounds::check(melody, bounds::longest_sung_seconds(state.stage_limits.max_duration_seconds))?;
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, state.stage_timeout);
    let need = Need { language: lyrics.language.parse().ok(), ..Need::default() };
    let singers = &state.stages.vocals;
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
        let format = SoundFormat::Wav;
        let write = |file| media::encode_to(file, &samples, rate, 1, format.encoding(), &Tags::default());
        encoded(&own.files, format, write)
    };
    let wav = blocking(encode).await??;
    if accepts_parts(&request) {
        return in_parts(&performance, &wav);
    }
    let id = kept(&state.files, wav).await?;
    Ok(HttpResponse::Ok().json(VocalsAnswer { audio_path: format!("files/{id}"), performance }))
}
