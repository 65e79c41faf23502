//! Forms as clients really write them: taken, or refused by name; nothing is dropped in silence.

use std::io::Write;

use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};
use serde_json::Value;

use crate::{
    harness::Harness,
    wire::{self, Answer},
};

const CONVERT: &str = "/api/v1/melody-vocals/convert";
const PROMPT: (&str, &str) = ("name=\"prompt\"", "A quiet song about rivers that find the sea");
const AUDIO: (&str, &str) = ("name=\"audio\"; filename=\"hum.wav\"", "RIFF and so on");

/// A form of parts: what stands behind `form-data; `, further headers behind line ends, and the content.
pub fn form(parts: &[(&str, &str)]) -> Vec<u8> {
    let parts: Vec<_> = parts.iter().map(|(about, content)| (about.as_bytes(), content.as_bytes())).collect();
    form_of_bytes(&parts)
}

fn form_of_bytes(parts: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (about, content) in parts {
        for bytes in [b"--edge\r\nContent-Disposition: form-data; ", *about, b"\r\n\r\n", *content, b"\r\n"] {
            body.extend_from_slice(bytes);
        }
    }
    body.extend_from_slice(b"--edge--\r\n");
    body
}

async fn posted(harness: &Harness, body: &[u8], more: &[(&str, &str)]) -> Answer {
    let headers = [&[("content-type", "multipart/form-data; boundary=edge")], more].concat();
    wire::ask(harness.address, "POST", CONVERT, &headers, body).await
}

async fn accepted(harness: &Harness, parts: &[(&str, &str)]) -> Value {
    let answer = posted(harness, &form(parts), &[]).await;
    assert_eq!(answer.status, 202, "{parts:?}: {}", answer.text());
    answer.json()["parameters"].clone()
}

async fn refused(harness: &Harness, parts: &[(&str, &str)], code: &str, names: &str) {
    let body = posted(harness, &form(parts), &[]).await.problem(400, code);
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(detail.contains(names), "{parts:?} names {names}: {body}");
}

#[tokio::test]
async fn text_may_come_as_a_file_and_other_files_are_refused_by_name() {
    let harness = Harness::open().await;
    let taken = accepted(
        &harness,
        &[
            AUDIO,
            ("name=\"prompt\"; filename=\"blob\"\r\nContent-Type: text/plain", "\u{feff}A song of a blob at sea"),
            ("name=\"genre\"; filename=\"blob\"\r\nContent-Type: application/octet-stream", "jazz"),
            ("name=seed; filename=blob", "7"),
            ("name=\"language\"; filename=\"\"", "es"),
        ],
    )
    .await;
    assert_eq!(taken["prompt"], "A song of a blob at sea");
    assert_eq!((&taken["genre"], &taken["seed"], &taken["language"]), (&"jazz".into(), &7.into(), &"es".into()));

    let long = "x".repeat(4097);
    refused(&harness, &[AUDIO, PROMPT, ("name=\"genre\"; filename=\"blob\"", &long)], "invalid_body", "`genre`").await;
    refused(&harness, &[AUDIO, PROMPT, ("name=\"cover\"; filename=\"a.png\"", "PNG")], "invalid_body", "`cover`").await;
    refused(&harness, &[AUDIO, PROMPT, ("name=\"cover\"; filename=\"a.png\"", "")], "invalid_body", "`cover`").await;
    refused(&harness, &[AUDIO, PROMPT, ("name=\"cover\"; filename=\"\"", "PNG")], "invalid_body", "`cover`").await;
    refused(&harness, &[("name=\"file\"; filename=\"hum.wav\"", "RIFF"), PROMPT], "invalid_body", "`file`").await;
    // A file field in which nothing was chosen, and a field of older clients.
    accepted(&harness, &[AUDIO, PROMPT, ("name=\"cover\"; filename=\"\"", ""), ("name=\"userId\"", "42")]).await;
}

#[tokio::test]
async fn a_part_that_comes_twice_is_refused_by_its_name() {
    let harness = Harness::open().await;
    refused(&harness, &[AUDIO, PROMPT, PROMPT], "invalid_field", "prompt").await;
    refused(&harness, &[AUDIO, PROMPT, AUDIO], "invalid_field", "audio").await;
    let seed = ("name=\"seed\"", "7");
    refused(&harness, &[AUDIO, seed, PROMPT, ("name=\"seed\"; filename=\"blob\"", "8")], "invalid_field", "seed").await;
}

#[tokio::test]
async fn loose_words_are_understood_and_empty_ones_are_not() {
    let harness = Harness::open().await;
    let loose = [AUDIO, PROMPT, ("name=\"snapToKey\"", "on"), ("name=\"language\"", "es-MX")];
    let taken = accepted(&harness, &loose).await;
    assert_eq!((&taken["snapToKey"], &taken["language"]), (&true.into(), &"es".into()), "{taken}");
    let unseen = "\u{200b}\u{200f}\u{2800}\u{3164}".repeat(5);
    refused(&harness, &[AUDIO, ("name=\"prompt\"", &unseen)], "invalid_field", "prompt").await;
    refused(&harness, &[AUDIO, PROMPT, ("name=\"mood\"", &unseen)], "invalid_field", "mood").await;
}

#[tokio::test]
async fn a_recording_may_have_any_name() {
    let harness = Harness::open().await;
    for (about, name) in [
        (b"name=\"audio\"; filename=\"\xfcber.wav\"".as_slice(), Some("über.wav")),
        ("name=\"audio\"; filename=\"über.wav\"".as_bytes(), Some("über.wav")),
        (b"name=\"audio\"; filename=\"\x83\x8f\xff.wav\"", Some("ÿ.wav")),
        (b"name=\"audio\"; filename*=UTF-8''%c3%bcber.wav", Some("über.wav")),
        (b"name=\"audio\"; filename=\"a \"b\".wav\"", Some("a \"b\".wav")),
        (b"name=\"audio\"", None),
    ] {
        let body = form_of_bytes(&[(about, b"RIFF"), (PROMPT.0.as_bytes(), PROMPT.1.as_bytes())]);
        let answer = posted(&harness, &body, &[]).await;
        assert_eq!(answer.status, 202, "{}: {}", String::from_utf8_lossy(about), answer.text());
        let judged = harness.judged.lock().expect("no test panicked").last().and_then(|asked| asked.file_name.clone());
        assert_eq!(judged.as_deref(), name);
    }
    for about in ["filename=\"hum.wav\"", "name", ""] {
        let body = posted(&harness, &form(&[(about, "RIFF"), PROMPT]), &[]).await.problem(400, "invalid_body");
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("Content-Disposition")), "{body}");
    }
}

#[tokio::test]
async fn parts_that_are_encoded_are_refused_by_name() {
    let harness = Harness::open().await;
    let encoded = ("name=\"audio\"; filename=\"hum.wav\"\r\nContent-Transfer-Encoding: base64", "UklGRg==");
    refused(&harness, &[encoded, PROMPT], "invalid_body", "`audio`").await;
    accepted(&harness, &[("name=\"audio\"; filename=\"a.wav\"\r\nContent-Transfer-Encoding: Binary", "RIFF"), PROMPT])
        .await;
}

#[tokio::test]
async fn compressed_bodies_are_decoded_or_refused_by_name() {
    let harness = Harness::open().await;
    let plain = form(&[AUDIO, PROMPT, ("name=\"seed\"", "7")]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&plain).expect("memory takes it");
    let gzip = gzip.finish().expect("memory takes it");
    let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(&plain).expect("memory takes it");
    let deflate = deflate.finish().expect("memory takes it");
    for (coding, body) in [("gzip", &gzip), ("Deflate", &deflate), ("identity", &plain)] {
        let answer = posted(&harness, body, &[("content-encoding", coding)]).await;
        assert_eq!((answer.status, &answer.json()["parameters"]["seed"]), (202, &7.into()), "{coding}");
    }
    for coding in ["br", "zstd", "gzip, gzip", "compress"] {
        let answer = posted(&harness, &plain, &[("content-encoding", coding)]).await;
        let body = answer.problem(415, "unsupported_coding");
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains(coding)), "{body}");
        assert_eq!(answer.header("accept-encoding"), Some("gzip, deflate"));
    }
    posted(&harness, &plain, &[("content-encoding", "gzip")]).await.problem(400, "invalid_body");
    posted(&harness, &gzip[..gzip.len() / 2], &[("content-encoding", "gzip")]).await.problem(400, "invalid_body");
    let feedback = "/api/v1/melody-vocals/feedback/x";
    let headers = [("content-type", "application/json"), ("content-encoding", "br")];
    wire::ask(harness.address, "POST", feedback, &headers, b"{}").await.problem(415, "unsupported_coding");
}

/// What a compressed body becomes counts, not what it is.
#[tokio::test]
async fn a_bomb_is_cut_at_the_limit() {
    let harness = Harness::with(&[("audio.max_size_bytes", "1048576")]).await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1024 * 1024];
    let before = b"--edge\r\nContent-Disposition: form-data; name=\"audio\"; filename=\"a.wav\"\r\n\r\n";
    gzip.write_all(before).expect("memory takes it");
    for _ in 0..200 {
        gzip.write_all(&zeros).expect("memory takes it");
    }
    let bomb = gzip.finish().expect("memory takes it");
    assert!(bomb.len() < 1024 * 1024, "it is small");
    posted(&harness, &bomb, &[("content-encoding", "gzip")]).await.problem(413, "too_large");
}

#[tokio::test]
async fn other_bodies_are_no_form() {
    let harness = Harness::open().await;
    for kind in ["application/json", "multipart/mixed; boundary=edge", "audio/wav", ""] {
        let headers = [("content-type", kind)];
        let answer = wire::ask(harness.address, "POST", CONVERT, &headers, &form(&[AUDIO, PROMPT])).await;
        answer.problem(415, "unsupported_media_type");
    }
    let headers = [("content-type", "multipart/form-data")];
    wire::ask(harness.address, "POST", CONVERT, &headers, b"x").await.problem(400, "invalid_body");
    let quoted = [("content-type", "Multipart/Form-Data; charset=utf-8; boundary=\"edge\"")];
    let answer = wire::ask(harness.address, "POST", CONVERT, &quoted, &form(&[AUDIO, PROMPT])).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
}

#[tokio::test]
async fn feedback_with_a_nul_is_refused_whatever_the_database() {
    let harness = Harness::open().await;
    let job = harness.finished_job().await;
    let path = format!("/api/v1/melody-vocals/feedback/{job}");
    let json = [("content-type", "application/json")];
    let nul = br#"{"rating": 5, "feedback": "a\u0000b"}"#;
    let body = wire::ask(harness.address, "POST", &path, &json, nul).await.problem(400, "invalid_field");
    assert_eq!(body["field"], "feedback");
    let fine = br#"{"rating": 5, "feedback": "a\tb\nc"}"#;
    assert_eq!(wire::ask(harness.address, "POST", &path, &json, fine).await.status, 200);
}
