//! A plain client, and what is asked of each vendor most.

use std::{sync::LazyLock, time::Duration};

use reqwest::{Client, Method, RequestBuilder, redirect};
use serde_json::{Value, json};
use vendor_standins::{Route, Vendor, Vendors};

pub const BARK: &str = "b76242b40d67c76ab6742e987628a2a9ac019e11d56ab96c4e91ce03b79b2787";
pub const MUSICGEN: &str = "671ac645ce5e552cc63a54a2bbff63fcf798043055d2dac5fc9e36a837eedcfb";
pub const TRAINER: &str = "b1ec6490e57013463006e928abc7acd8d623fe3e8321d3092e1231bf006898b1";

/// An answer, read whole.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub bytes: Vec<u8>,
}

impl Got {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// For all tests: to make one takes longer than most of them.
static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    // Every request on a connection of its own: a client must not try again by itself on one that had been kept, and a
    // connection ends with the runtime of its test.
    Client::builder().redirect(redirect::Policy::none()).pool_max_idle_per_host(0).no_proxy().build().unwrap()
});

/// Without a key.
pub fn client() -> Client {
    CLIENT.clone()
}

/// A request with the vendor's key.
pub fn request(vendors: &Vendors, vendor: Vendor, method: Method, path: &str) -> RequestBuilder {
    let request = client().request(method, format!("{}{path}", vendors.url_of(vendor)));
    match vendor {
        Vendor::Anthropic => request.header("x-api-key", "key").header("anthropic-version", "2023-06-01"),
        Vendor::ElevenLabs => request.header("xi-api-key", "key"),
        _ => request.bearer_auth("key"),
    }
}

pub async fn send(request: RequestBuilder) -> Result<Got, reqwest::Error> {
    let response = request.timeout(Duration::from_secs(20)).send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Got { status, headers, bytes: response.bytes().await?.to_vec() })
}

pub async fn post(vendors: &Vendors, vendor: Vendor, path: &str, body: &Value) -> Got {
    send(request(vendors, vendor, Method::POST, path).json(body)).await.unwrap()
}

pub async fn get(vendors: &Vendors, vendor: Vendor, path: &str) -> Got {
    send(request(vendors, vendor, Method::GET, path)).await.unwrap()
}

/// A request that each vendor takes and charges for.
pub fn usual(vendor: Vendor) -> (Route, &'static str, Value) {
    match vendor {
        Vendor::Anthropic => (
            Route::Messages,
            "/v1/messages",
            json!({"model": "claude-sonnet-5", "max_tokens": 1_000, "messages": [{"role": "user", "content": "A song"}]}),
        ),
        Vendor::OpenAi => (
            Route::Chat,
            "/v1/chat/completions",
            json!({"model": "gpt-5.5", "messages": [{"role": "user", "content": "A song"}]}),
        ),
        Vendor::Replicate => {
            (Route::CreatePrediction, "/v1/predictions", json!({"version": BARK, "input": {"prompt": "la la la"}}))
        }
        Vendor::ElevenLabs => (Route::Music, "/v1/music", json!({"prompt": "A song", "music_length_ms": 3_000})),
        Vendor::Ml => {
            (Route::Generate, "/generate", json!({"midi_files": vec![MIDI; 3], "options": {"length_seconds": 4}}))
        }
    }
}

/// A MIDI file of one note, in base64.
pub const MIDI: &str = "TVRoZAAAAAYAAAABAGBNVHJrAAAADACQPEBggDwAAP8vAA==";

pub async fn ask(vendors: &Vendors, vendor: Vendor) -> Result<Got, reqwest::Error> {
    let (_, path, body) = usual(vendor);
    send(request(vendors, vendor, Method::POST, path).json(&body)).await
}

/// The frames a second and the channels of a WAV file, its samples, and whether its header tells the truth.
pub fn wav(bytes: &[u8]) -> (u32, u16, Vec<i16>) {
    assert_eq!((&bytes[..4], &bytes[8..16]), (&b"RIFF"[..], &b"WAVEfmt "[..]));
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(number(40) as usize, bytes.len() - 44);
    let samples = bytes[44..].chunks(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    (number(24), u16::from_le_bytes([bytes[22], bytes[23]]), samples)
}
