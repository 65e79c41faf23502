//! `POST /melody-to-vocals`: the whole way from a recording to a song in one call, as older clients know it.

use std::{collections::HashMap, time::Instant};

use actix_multipart::Multipart;
use actix_web::{HttpRequest, HttpResponse, web};
use domain::{kinds::melody_vocals::MelodyToVocalsRequest, quality::QualityFigures};
use media::Tags;
use serde::Serialize;
use song::{FinishedSong, LyricsSummary, Mastered, MelodySummary, Recording, StepSummary, Unobserved, VoiceSummary};

use crate::{
    AppState,
    delivery::{Delivery, SoundFile, SoundFormat, addresses, encoded, in_parts},
    recordings,
    refusal::Refusal,
    upload,
    work::blocking,
};

/// The older clients' JSON.
#[derive(Debug, Serialize)]
struct SongAnswer {
    success: bool,
    /// Absent where the sound is a part of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_url: Option<String>,
    /// Only where files are linked.
    #[serde(skip_serializing_if = "Option::is_none")]
    wav_url: Option<String>,
    lyrics: String,
    melody_info: MelodySummary,
    lyrics_info: LyricsSummary,
    processing_steps: Vec<StepSummary>,
    processing_time_seconds: f64,
    /// Who sang, in which octave, and how many takes it took.
    voice_info: VoiceSummary,
    quality: QualityFigures,
    warnings: Vec<String>,
}

pub async fn melody_to_vocals(
    request: HttpRequest,
    form: Multipart,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Refusal> {
    let started = Instant::now();
    let mut form = upload::form(form, state.pipeline.limits.max_size_bytes, 1).await?;
    let recording = form.recording()?;
    let asked = song_request(&form.fields)?;
    let format = SoundFormat::read(form.fields.get("output_format").map(String::as_str))?;
    recordings::check(&recording, &state.pipeline.limits).await?;
    let recording = Recording { audio: &recording.audio, file_name: recording.file_name.as_deref() };
    let song = state.pipeline.run(recording, &asked, &mut Unobserved).await?;
    if let Some(refusal) = song.report.refusal() {
        return Err(refusal.into());
    }
    let delivery = Delivery::to(&request, state.file_links);
    let (own, formats) = (state.clone(), delivery.formats(format));
    let (song, mut sounds) = blocking(move || encoded_song(song, &formats, &own)).await??;
    let FinishedSong { lyrics, report, verdict, .. } = song;
    let mut answer = SongAnswer {
        success: true,
        audio_url: None,
        wav_url: None,
        lyrics: song::lyrics_text(&lyrics),
        melody_info: report.melody,
        lyrics_info: report.lyrics,
        voice_info: report.voice,
        // Only what somebody did for the song.
        processing_steps: report.steps.into_iter().filter(|step| step.provider.is_some()).collect(),
        processing_time_seconds: started.elapsed().as_secs_f64(),
        quality: report.quality,
        warnings: verdict.warnings().map(|finding| finding.message.clone()).collect(),
    };
    if delivery == Delivery::Parts {
        let sound = sounds.pop().ok_or_else(Refusal::internal)?;
        return in_parts(&answer, &sound);
    }
    let mut urls = addresses(&delivery, &state.files, sounds).await?.into_iter();
    (answer.audio_url, answer.wav_url) = (urls.next(), urls.next());
    Ok(HttpResponse::Ok().json(answer))
}

/// What the fields of the form ask for.
fn song_request(fields: &HashMap<String, String>) -> Result<MelodyToVocalsRequest, Refusal> {
    let text = |name: &str| fields.get(name).map(String::as_str);
    MelodyToVocalsRequest::read(text, resilience::ids::seed()).map_err(|error| Refusal::invalid(error.to_string()))
}

/// The song with its files. Blocks.
fn encoded_song(
    mut song: FinishedSong,
    formats: &[SoundFormat],
    state: &AppState,
) -> Result<(FinishedSong, Vec<SoundFile>), Refusal> {
    // Requests are answered beside each other; each has one core.
    let mix = song.mix(&state.pipeline.capabilities.accompaniment, 1)?;
    let Mastered { samples, sample_rate_hz, .. } = &song.vocal;
    let tags = Tags { title: Some(song.lyrics.title.clone()), ..Tags::default() };
    let encode = |format: SoundFormat| {
        encoded(&state.files, format, |file| match &mix {
            Some(mix) => mix.encode_to(file, format.encoding(), &tags),
            None => media::encode_to(file, samples, *sample_rate_hz, 1, format.encoding(), &tags),
        })
    };
    let sounds: Result<Vec<SoundFile>, Refusal> = formats.iter().copied().map(encode).collect();
    Ok((song, sounds?))
}
