//! Recordings in every format that they come in: our own hum as our own encoder writes it, and those of real people where
//! the machine has the shared test data.

use media::{Encoding, Tags};
use serde_json::Value;
use testbed::shared_data;

use crate::harness::{Answer, Flavour, Submission, User, hum, shared, wav};

over_both!(singers_become_songs, files_of_every_sort_are_taken_or_refused);

/// Submits a file of the shared test data; `None` when this machine has none.
async fn submit(user: &User, path: &str) -> Option<Answer> {
    let file = shared_data(path)?;
    let bytes = std::fs::read(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
    Some(user.submit(&Submission::of(&name, bytes)).await)
}

fn is_a_good_song(what: &str, status: &Value) {
    let result = &status["result"];
    let quality = &result["quality"];
    assert!(quality["pitchAccuracy"].as_f64() >= Some(0.85), "{what}: {quality}");
    assert!(quality["loudnessLufs"].as_f64().is_some_and(|lufs| (lufs + 16.0).abs() <= 1.0), "{what}: {quality}");
    assert!(result["lyrics"].as_str().is_some_and(|lyrics| lyrics.lines().count() >= 2), "{what}: {result}");
}

async fn singers_become_songs(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    // Everywhere the same, whatever else the machine has.
    let mut jobs = vec![("a hum", User::accepted(&user.submit(&Submission::of("hum.wav", hum().wav())).await))];
    for path in ["audio/vocadito_10.wav", "audio/singing_female.wav", "audio/vocadito_1.flac"] {
        if let Some(answer) = submit(&user, path).await {
            jobs.push((path, User::accepted(&answer)));
        }
    }
    for (what, job) in jobs {
        is_a_good_song(what, &user.completed(&job).await);
    }
}

/// What becomes of a file.
#[derive(Clone, Copy)]
enum Fate {
    Song,
    Refused { status: u16, code: &'static str, finding: &'static str },
}

const REFUSED: &str = "audio_refused";
const UNSUPPORTED: &str = "unsupported_audio";

#[rustfmt::skip]
const VARIANTS: [(&str, Fate); 15] = [
    ("vocadito_10_6s.flac", Fate::Song),
    ("vocadito_10_6s.m4a", Fate::Song),
    ("vocadito_10_6s.ogg", Fate::Song),
    ("vocadito_10_6s_16k_f32.wav", Fate::Song),
    ("vocadito_10_6s_192k_stereo.mp3", Fate::Song),
    ("vocadito_10_6s_48k_24bit_stereo.wav", Fate::Song),
    ("vocadito_10_6s_64k.mp3", Fate::Song),
    ("vocadito_10_6s_8k_ulaw.wav", Fate::Refused { status: 400, code: REFUSED, finding: "sample_rate_too_low" }),
    ("truncated_body.wav", Fate::Refused { status: 400, code: REFUSED, finding: "truncated_file" }),
    ("truncated_header.wav", Fate::Refused { status: 400, code: REFUSED, finding: "corrupt_file" }),
    ("empty.wav", Fate::Refused { status: 400, code: REFUSED, finding: "file_empty" }),
    ("silence_2s.wav", Fate::Refused { status: 400, code: REFUSED, finding: "silent_audio" }),
    ("not_audio.mp3", Fate::Refused { status: 415, code: UNSUPPORTED, finding: "not_audio" }),
    ("vocadito_10_6s.aiff", Fate::Song),
    ("vocadito_10_6s_opus.webm", Fate::Song),
];

/// The hum in every format that our encoder writes, at several rates and numbers of channels, and what is left of it when
/// a file is broken.
fn own_variants() -> Vec<(&'static str, Vec<u8>, Fate)> {
    let hum = hum();
    let whole = hum.wav();
    let stereo: Vec<f32> = hum.samples.iter().flat_map(|sample| [*sample; 2]).collect();
    let in_stereo = media::encode(&stereo, hum.sample_rate_hz, 2, Encoding::Wav16, &Tags::default());
    // Every fifth sample: a hum has nothing above what is left.
    let slow: Vec<f32> = hum.samples.iter().step_by(5).copied().collect();
    let refused = |status, code, finding| Fate::Refused { status, code, finding };
    vec![
        ("hum.wav", whole.clone(), Fate::Song),
        ("hum_stereo.wav", in_stereo.expect("a hum can be encoded"), Fate::Song),
        ("hum.flac", hum.encoded(Encoding::Flac), Fate::Song),
        ("hum_64k.mp3", hum.encoded(Encoding::Mp3 { kbps: 64 }), Fate::Song),
        ("hum_192k.mp3", hum.encoded(Encoding::Mp3 { kbps: 192 }), Fate::Song),
        ("hum.m4a", hum.encoded(Encoding::M4a { kbps: 128 }), Fate::Song),
        ("hum.ogg", hum.encoded(Encoding::Ogg { quality: 5.0 }), Fate::Song),
        ("slow.wav", wav(&slow, hum.sample_rate_hz / 5), refused(400, REFUSED, "sample_rate_too_low")),
        ("cut.wav", whole[..whole.len() * 2 / 3].to_vec(), refused(400, REFUSED, "truncated_file")),
        ("beginning.wav", whole[..30].to_vec(), refused(400, REFUSED, "corrupt_file")),
        ("empty.wav", Vec::new(), refused(400, REFUSED, "file_empty")),
        ("silence.wav", wav(&vec![0.0; 2 * 44_100], 44_100), refused(400, REFUSED, "silent_audio")),
        ("words.mp3", b"la la la, as words and not as sound\n".repeat(60), refused(415, UNSUPPORTED, "not_audio")),
    ]
}

/// Two seconds of white noise, always the same (xorshift32: G. Marsaglia, "Xorshift RNGs", 2003).
fn white_noise() -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let samples: Vec<f32> = (0..2 * 44_100)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (f64::from(state) / f64::from(u32::MAX) - 0.5) as f32
        })
        .collect();
    wav(&samples, 44_100)
}

/// The job of a file that was accepted as it should be; `Ok(None)` when it was refused as it should be.
fn judge(name: &str, answer: &Answer, fate: Fate) -> Result<Option<String>, String> {
    match fate {
        Fate::Song if answer.status == 202 => Ok(Some(User::accepted(answer))),
        Fate::Refused { status, code, finding } if answer.status == status => {
            let body = answer.problem(status, code);
            let findings = body["findings"].as_array().cloned().unwrap_or_default();
            if findings.iter().any(|found| found["code"] == finding && found["severity"] == "error") {
                return Ok(None);
            }
            Err(format!("{name}: no {finding} in {body}"))
        }
        _ => Err(format!("{name}: {} {}", answer.status, answer.text())),
    }
}

async fn files_of_every_sort_are_taken_or_refused(flavour: Flavour) {
    let deployment = shared(flavour).await;
    // A user each, so that all of them together stay within a day's quota.
    let (user, with_recordings, with_noise) = (deployment.user(), deployment.user(), deployment.user());
    let mut answers = Vec::new();
    for (name, bytes, fate) in own_variants() {
        answers.push((&user, name, user.submit(&Submission::of(name, bytes)).await, fate));
    }
    for (name, fate) in VARIANTS {
        if let Some(answer) = submit(&with_recordings, &format!("variants/{name}")).await {
            answers.push((&with_recordings, name, answer, fate));
        }
    }
    let (mut jobs, mut wrong) = (Vec::new(), Vec::new());
    for (user, name, answer, fate) in &answers {
        match judge(name, answer, *fate) {
            Ok(job) => jobs.extend(job.map(|job| (*user, *name, job))),
            Err(why) => wrong.push(why),
        }
    }
    for (user, name, job) in jobs {
        let status = user.ended(&job).await;
        if status["status"] == "completed" {
            is_a_good_song(name, &status);
        } else {
            wrong.push(format!("{name}: {status}"));
        }
    }
    // Noise is sound, so it is accepted; that there is no melody in it is found when somebody listens.
    let noise = with_noise.submit(&Submission::of("noise.wav", white_noise())).await;
    let status = with_noise.ended(&User::accepted(&noise)).await;
    assert_eq!(status["status"], "failed", "{status}");
    assert_eq!(status["errorCode"], "no_melody", "{status}");
    assert_eq!(status["errorType"], "AUDIO_PROCESSING_ERROR", "{status}");
    assert!(status["error"].as_str().is_some_and(|text| !text.is_empty()), "{status}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
