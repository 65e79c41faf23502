//! A composer added from outside that delivers finished sound, as vendors do: through the whole house, with every stage that
//! composed songs have.

use std::{
    collections::BTreeSet,
    io::{Cursor, Seek as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use domain::{Failure, FailureClass, FailureCode};
use media::{Bounds, Encoding, Tags};
use providers::{AudioInput, Composed, ProviderCall, SongComposer, SongRequest, Stop, SungSound, SungWord};
use serde_json::{Value, json};

use super::house::House;

/// A vendor with one song: 11.3 s of two tones at 48 kHz as MP3, whatever is asked for.
#[derive(Default)]
struct Vendor {
    asked: AtomicU32,
    is_away: AtomicBool,
    tells_words: AtomicBool,
}

#[async_trait]
impl SongComposer for Vendor {
    async fn compose(&self, _: &SongRequest<'_>, _: &ProviderCall<'_>) -> Result<Composed, Stop> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_away.load(Ordering::SeqCst) {
            return Err(
                Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "the vendor is away").into()
            );
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&song()).unwrap();
        file.rewind().unwrap();
        let sound = AudioInput::new(file).unwrap();
        if !self.tells_words.load(Ordering::SeqCst) {
            return Ok(Composed::Sound(sound));
        }
        let word = |text: &str, start_seconds: f64| SungWord {
            text: text.to_owned(),
            start_seconds,
            end_seconds: start_seconds + 0.5,
        };
        let lines = vec![vec![word("A", 1.0), word("river", 1.5)], vec![word("runs", 4.25)]];
        Ok(Composed::SoundWithWords(Box::new(SungSound { sound, title: Some("Unheard".to_owned()), lines })))
    }
}

pub fn song() -> Vec<u8> {
    const RATE: u32 = 48_000;
    let tone = |frame: u32, hz: f32| 0.1 * (std::f32::consts::TAU * hz * frame as f32 / RATE as f32).sin();
    let samples: Vec<f32> = (0..RATE * 113 / 10).flat_map(|frame| [tone(frame, 220.0), tone(frame, 330.0)]).collect();
    media::encode(&samples, RATE, 2, Encoding::Mp3 { kbps: 128 }, &Tags::default()).unwrap()
}

fn roles(job: &Value) -> BTreeSet<&str> {
    job["artifacts"].as_array().unwrap().iter().map(|file| file["role"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_composer_that_delivers_sound_goes_through_the_whole_house() {
    let vendor = Arc::new(Vendor::default());
    let house = House::open(vendor.clone()).await;

    let mut body = json!({
        "prompt": "a slow folk song about rivers", "name": "Tide", "lengthMs": 10234, "seed": 3, "instrumental": false,
        "stems": true, "formats": ["flac"],
    });
    let job = house.completed(&body).await;
    let result = &job["result"];
    assert_eq!((&result["provider"], &result["title"]), (&json!("vendor"), &json!("Tide")), "{result}");
    assert!(result["effective"].is_null() && result["font"].is_null() && result["vocals"].is_null(), "{result}");
    assert_eq!(result["warnings"], json!(["There are no stems: the song was delivered as one sound."]), "{result}");
    let lufs = result["loudnessLufs"].as_f64().unwrap();
    assert!((lufs + 14.0).abs() <= 1.0, "as loud as every song: {lufs} LUFS");
    let expected = ["audio_flac", "audio_mp3", "audio_wav", "cover", "report", "waveform"];
    assert_eq!(roles(&job), BTreeSet::from(expected), "no notes, no words and no stems");
    let wav = media::decode(Cursor::new(house.file(&job, "audio_wav").await), &Bounds::default()).unwrap();
    assert_eq!((wav.samples.len() / 2, wav.sample_rate_hz), ((10.234f64 * 44_100.0).round() as usize, 44_100));
    assert!(house.file(&job, "audio_flac").await.starts_with(b"fLaC"));
    assert!(house.file(&job, "audio_mp3").await.starts_with(b"ID3"));
    let report: Value = serde_json::from_slice(&house.file(&job, "report").await).unwrap();
    assert_eq!((&report["provider"], &report["effective"]), (&json!("vendor"), &Value::Null), "{report}");
    let id = job["jobId"].as_str().unwrap();
    let events = house.get(&format!("/api/v1/jobs/{id}/events")).await.text().await.unwrap();
    assert!(
        events.contains("\"rendering\"") && !events.contains("\"singing\"") && !events.contains("\"words\""),
        "{events}"
    );

    // What was paid for is not asked for again, in whatever format it is wanted next.
    body["formats"] = json!(["ogg"]);
    body["stems"] = json!(false);
    let again = house.completed(&body).await;
    assert_eq!(roles(&again), BTreeSet::from(["audio_mp3", "audio_ogg", "audio_wav", "cover", "report", "waveform"]));
    assert_eq!((vendor.asked.load(Ordering::SeqCst), &again["result"]["warnings"]), (1, &json!([])));

    // What it tells of the words is delivered with their times, to a later job too.
    vendor.tells_words.store(true, Ordering::SeqCst);
    body["seed"] = json!(4);
    for formats in [json!(["ogg"]), json!([])] {
        body["formats"] = formats;
        let told = house.completed(&body).await;
        assert_eq!(house.file(&told, "lyrics").await, b"A river\nruns\n");
        assert_eq!(house.file(&told, "lyrics_lrc").await, b"[00:01.00]A river\n[00:04.25]runs\n");
        let report: Value = serde_json::from_slice(&house.file(&told, "report").await).unwrap();
        assert_eq!((&report["title"], &report["lyrics"][0]["words"][1]["startSeconds"]), (&json!("Tide"), &json!(1.5)));
    }
    assert_eq!(vendor.asked.load(Ordering::SeqCst), 2);

    // While the vendor is away, songs are composed here.
    vendor.is_away.store(true, Ordering::SeqCst);
    body["instrumental"] = json!(true);
    let ours = house.completed(&body).await;
    assert_eq!(
        (&ours["result"]["provider"], &ours["result"]["effective"]["style"]),
        (&json!("offline"), &json!("folk"))
    );
    assert!(roles(&ours).contains("song_midi") && vendor.asked.load(Ordering::SeqCst) > 1);

    house.close().await;
}
