//! How a sound gets to whoever asked for it. An answer carries its own: as a part of it for callers that accept
//! `multipart/mixed`, and else as a `data:` address, so that any process of the service can have made it. Only where the
//! settings want it is a file named that lies with this one.

use std::{fs::File, io::Read as _};

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::header::{ACCEPT, CONTENT_TYPE},
    web::Bytes,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{ArtifactSpec, artifact};
use futures_util::{StreamExt as _, stream};
use media::{Encoding, MediaError};
use providers::expert::mixed::{self, Frame};
use serde::Serialize;
use service_runtime::error_chain;
use tempfile::NamedTempFile;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use crate::{files::SongFiles, refusal::Refusal, work::blocking};

/// Largest file that is written into an address.
const MAX_DATA_BYTES: u64 = 32 * 1024 * 1024;
const READ_BYTES: usize = 64 * 1024;

/// What a sound is written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SoundFormat {
    Mp3,
    Wav,
}

impl SoundFormat {
    /// # Errors
    /// 400 for another word.
    pub fn read(word: Option<&str>) -> Result<Self, Refusal> {
        match word.map(str::trim).unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "mp3" => Ok(Self::Mp3),
            "wav" => Ok(Self::Wav),
            _ => Err(Refusal::invalid("output_format: expected mp3 or wav")),
        }
    }

    pub const fn encoding(self) -> Encoding {
        match self {
            Self::Mp3 => Encoding::Mp3 { kbps: 192 },
            Self::Wav => Encoding::Wav16,
        }
    }

    const fn spec(self) -> ArtifactSpec {
        match self {
            Self::Mp3 => artifact::AUDIO_MP3,
            Self::Wav => artifact::AUDIO_WAV,
        }
    }
}

/// The way a sound goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Delivery {
    Parts,
    Data,
    /// Below an address of this service.
    Links(String),
}

impl Delivery {
    pub fn to(request: &HttpRequest, file_links: bool) -> Self {
        if accepts_parts(request) {
            return Self::Parts;
        }
        if !file_links {
            return Self::Data;
        }
        let info = request.connection_info();
        Self::Links(format!("{}://{}", info.scheme(), info.host()))
    }

    /// The formats that are written of a song: one, but for links, which cost only room.
    pub fn formats(&self, asked: SoundFormat) -> Vec<SoundFormat> {
        match self {
            Self::Links(_) => vec![SoundFormat::Mp3, SoundFormat::Wav],
            Self::Parts | Self::Data => vec![asked],
        }
    }
}

pub fn accepts_parts(request: &HttpRequest) -> bool {
    let mut accept = request.headers().get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    accept.any(mixed::is_accepted)
}

/// A file with a sound.
pub struct SoundFile {
    pub format: SoundFormat,
    pub file: NamedTempFile,
}

/// A new file with what `encode` writes. Blocks.
///
/// # Errors
/// 500, which is logged.
pub fn encoded(
    files: &SongFiles,
    format: SoundFormat,
    encode: impl FnOnce(File) -> Result<(), MediaError>,
) -> Result<SoundFile, Refusal> {
    let opened = files.begin().and_then(|sound| Ok((sound.reopen()?, sound)));
    let (file, sound) = opened.map_err(|error| {
        tracing::error!(%error, "no file for a song");
        Refusal::internal()
    })?;
    encode(file).map_err(|error| {
        tracing::error!(error = %error_chain(&error), "song not encoded");
        Refusal::internal()
    })?;
    Ok(SoundFile { format, file: sound })
}

/// Keeps a file for an hour; answers with its id.
///
/// # Errors
/// 500, which is logged.
pub async fn kept(files: &SongFiles, sound: SoundFile) -> Result<Uuid, Refusal> {
    files.keep(sound.file, sound.format.spec().media_type).await.map_err(|error| unreadable(&error))
}

/// The addresses of a song's files, in the order of the files.
///
/// # Errors
/// 422 for one that is too large to be carried as an address.
pub async fn addresses(delivery: &Delivery, files: &SongFiles, sounds: Vec<SoundFile>) -> Result<Vec<String>, Refusal> {
    let mut addresses = Vec::new();
    for sound in sounds {
        addresses.push(match delivery {
            Delivery::Links(base) => format!("{base}/files/{}", kept(files, sound).await?),
            Delivery::Parts | Delivery::Data => blocking(move || data_address(&sound)).await??,
        });
    }
    Ok(addresses)
}

fn data_address(sound: &SoundFile) -> Result<String, Refusal> {
    let mut file = sound.file.reopen().map_err(|error| unreadable(&error))?;
    let size_bytes = file.metadata().map_err(|error| unreadable(&error))?.len();
    if size_bytes > MAX_DATA_BYTES {
        return Err(Refusal::unfit(
            "the song is too long to be carried in an address: ask for output_format mp3, or accept multipart/mixed",
        ));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    Ok(format!("data:{};base64,{}", sound.format.spec().media_type, STANDARD.encode(&bytes)))
}

/// An answer of two parts: what is told, and the sound.
///
/// # Errors
/// 500, which is logged.
pub fn in_parts(told: &impl Serialize, sound: &SoundFile) -> Result<HttpResponse, Refusal> {
    let opened = sound.file.reopen().and_then(|file| Ok((file.metadata()?.len(), file)));
    let (size_bytes, file) = opened.map_err(|error| unreadable(&error))?;
    let json = serde_json::to_vec(told).map_err(|error| {
        tracing::error!(%error, "an answer cannot be written");
        Refusal::internal()
    })?;
    let boundary = Uuid::new_v4().simple().to_string();
    let Frame { content_type, before, after } =
        mixed::frame(&boundary, &json, sound.format.spec().media_type, size_bytes);
    let all_bytes = before.len() as u64 + size_bytes + after.len() as u64;
    let sound = ReaderStream::with_capacity(tokio::fs::File::from_std(file), READ_BYTES);
    let whole = |bytes: Vec<u8>| stream::once(std::future::ready(Ok::<_, std::io::Error>(Bytes::from(bytes))));
    let body = SizedStream::new(all_bytes, whole(before).chain(sound).chain(whole(after)));
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, content_type)).body(body))
}

fn unreadable(error: &std::io::Error) -> Refusal {
    tracing::error!(%error, "a song's file cannot be read or kept");
    Refusal::internal()
}
