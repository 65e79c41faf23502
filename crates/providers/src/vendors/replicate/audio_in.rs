//! Predictions that are given a recording: inside the request where it is small, else as a file that is uploaded before.

use std::{fs::File, io::Read, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{Failure, FailureClass, FailureCode};
use serde_json::Value;
use url::Url;

use super::predictions::PredictionService;
use crate::{
    input::AudioInput,
    outside_service::{CallError, OutsideProgress, OutsideService},
};

/// What a format is told by.
const HEAD_BYTES: usize = 12;

/// [`PredictionService`] with a recording for each prediction that it creates. It is read when one is created only: whoever
/// looks at work that was asked for before reads and uploads nothing.
pub struct WithAudio<'a> {
    service: &'a PredictionService,
    /// The input that takes it.
    input: &'a str,
    audio: &'a AudioInput,
}

impl<'a> WithAudio<'a> {
    pub const fn new(service: &'a PredictionService, input: &'a str, audio: &'a AudioInput) -> Self {
        Self { service, input, audio }
    }

    /// An address from which the model reads the recording.
    async fn address(&self) -> Result<String, Failure> {
        let mut file = self.audio.reopen()?;
        let most = self.service.client().limits.inline_bytes;
        if self.audio.size_bytes <= most {
            let mut bytes = Vec::new();
            file.take(most).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
            return Ok(format!("data:{};base64,{}", format(&bytes).0, STANDARD.encode(&bytes)));
        }
        let mut head = [0; HEAD_BYTES];
        file.read_exact(&mut head).map_err(|error| unreadable(&error))?;
        let (media_type, name) = format(&head);
        let client = self.service.client();
        client.upload(self.audio.reopen()?, self.audio.size_bytes, media_type, name).await.map(Into::into)
    }
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::new(FailureClass::Transient, FailureCode::Storage, format!("the recording cannot be read: {error}"))
}

/// The media type of a recording, and a name of which models read the format.
fn format(head: &[u8]) -> (&'static str, &'static str) {
    match head {
        [b'R', b'I', b'F', b'F', ..] => ("audio/wav", "melody.wav"),
        [b'I', b'D', b'3', ..] | [0xff, 0xe0..=0xff, ..] => ("audio/mpeg", "melody.mp3"),
        [b'f', b'L', b'a', b'C', ..] => ("audio/flac", "melody.flac"),
        [b'O', b'g', b'g', b'S', ..] => ("audio/ogg", "melody.ogg"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => ("audio/mp4", "melody.m4a"),
        _ => ("application/octet-stream", "melody"),
    }
}

#[async_trait]
impl OutsideService for WithAudio<'_> {
    fn provider(&self) -> &str {
        self.service.provider()
    }

    fn answers_within(&self) -> Duration {
        self.service.answers_within()
    }

    async fn create(&self, correlation: &str, request: &Value) -> Result<String, CallError> {
        let mut request = request.clone();
        // An upload costs nothing, and one whose answer was lost is made again.
        request["input"][self.input] = self.address().await.map_err(CallError::Refused)?.into();
        self.service.create(correlation, &request).await
    }

    async fn find(&self, correlation: &str) -> Result<Option<String>, Failure> {
        self.service.find(correlation).await
    }

    fn certain_after(&self) -> Duration {
        self.service.certain_after()
    }

    async fn look(&self, outside_id: &str) -> Result<OutsideProgress, Failure> {
        self.service.look(outside_id).await
    }

    async fn look_at(&self, outside_id: &str, age: Duration) -> Result<OutsideProgress, Failure> {
        self.service.look_at(outside_id, age).await
    }

    async fn cancel(&self, outside_id: &str) -> Result<(), Failure> {
        self.service.cancel(outside_id).await
    }

    /// What is there already needs no recording.
    fn lasting(&self) -> Option<Arc<dyn OutsideService>> {
        self.service.lasting()
    }

    async fn download(&self, from: &Url, into: &mut File) -> Result<(), Failure> {
        self.service.download(from, into).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_how_they_begin() {
        let check = |head: &[u8], media_type: &str| assert_eq!(format(head).0, media_type);
        check(b"RIFF\0\0\0\0WAVE", "audio/wav");
        check(b"ID3\x04", "audio/mpeg");
        check(&[0xff, 0xfb, 0x90], "audio/mpeg");
        check(b"fLaC", "audio/flac");
        check(b"OggS", "audio/ogg");
        check(b"\0\0\0\x20ftypM4A ", "audio/mp4");
        check(b"", "application/octet-stream");
    }
}
