//! The main road: a hum goes in, a song comes out, and everything that is promised about it is true.

use std::io::Cursor;

use domain::{ArtifactRole, ArtifactSpec, kinds::melody_vocals};
use media::{Audio, Bounds};
use music::{PitchTrack, cents_between};
use pitch::f0;
use serde_json::Value;

use crate::harness::{Answer, Flavour, Hum, ReceivedEvent, Submission, User, hum, shared};

over_both!(a_hum_becomes_a_song, every_accepted_format_becomes_a_song, the_same_seed_makes_the_same_song);

async fn a_hum_becomes_a_song(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let hum = hum();
    let answer = user
        .submit(&Submission::of("hum.wav", hum.wav()).with("genre", "pop").with("mood", "romantic").with("seed", "7"))
        .await;
    let job = accepted_as_promised(&user, &answer);

    let events = user.events(&job, 0).await.rest().await;
    events_tell_the_whole_story(&job, &events);

    let status = user.completed(&job).await;
    result_is_complete(&status, &hum);
    let all = melody_vocals::SPEC.artifacts.iter();
    // The voice alone and the stems are of songs with a backing.
    let is_of_backing = |role: &ArtifactRole| *role == ArtifactRole::VOCALS_WAV || role.as_str().starts_with("stem_");
    let files: Vec<_> = all.filter(|spec| !is_of_backing(&spec.role)).cloned().collect();
    files_are_as_described(&user, &status, &files).await;
    sound_is_a_song(&user, &status, &hum).await;
    downloads_follow_the_rules_of_http(&user, &status).await;
    house_remembers(&user, &job).await;
    feedback_is_taken(&user, &job).await;
}

/// Everything that clients of the melody-to-vocals API look at in the answer to a submission.
fn accepted_as_promised(user: &User, answer: &Answer) -> String {
    let body = answer.expect(202);
    assert_eq!(body["success"], true, "{body}");
    assert_eq!(body["message"], "Conversion job submitted successfully");
    assert!(body["estimatedTime"].as_str().is_some_and(|text| text.ends_with("minutes")), "{body}");
    assert_eq!(body["status"], "pending");
    assert_eq!(body["quota"]["dailyUsed"], 1, "{body}");
    assert_eq!(body["quota"]["dailyLimit"], 10);
    assert_eq!(body["quota"]["monthlyUsed"], 1);
    assert_eq!(body["quota"]["monthlyLimit"], 100);
    assert_eq!(body["parameters"]["genre"], "pop");
    assert_eq!(body["parameters"]["mood"], "romantic");
    assert_eq!(body["parameters"]["seed"], 7);
    assert_eq!(
        body["findings"].as_array().map(Vec::len),
        Some(0),
        "nothing is wrong with a hum into a microphone: {body}"
    );
    assert_eq!(body["warnings"].as_array().map(Vec::len), body["findings"].as_array().map(Vec::len), "{body}");
    let job = body["jobId"].as_str().expect("a job has an id").to_owned();
    assert_eq!(answer.header("location"), body["links"]["status"].as_str());
    for link in ["status", "events", "ws", "result", "cancel", "feedback"] {
        assert!(
            body["links"][link].as_str().is_some_and(|url| url.starts_with(&user.base) && url.contains(&job)),
            "{link}: {body}"
        );
    }
    job
}

/// No number missing, progress only forward, stages in their order, the end at its end.
pub fn events_tell_the_whole_story(job: &str, events: &[ReceivedEvent]) {
    let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids, (1..=events.len() as u64).collect::<Vec<_>>(), "no gap, no repeat");
    assert_eq!(events[0].kind, "accepted");
    assert!(events.iter().all(|event| event.body["jobId"] == job));
    let progress: Vec<u64> = events.iter().map(ReceivedEvent::progress).collect();
    assert!(progress.is_sorted(), "progress never goes back: {progress:?}");
    let last = events.last().expect("there are events");
    assert_eq!((last.kind.as_str(), last.progress()), ("completed", 100), "{last:?}");
    assert_eq!(last.body["data"]["status"], "completed");
    assert!(events[..events.len() - 1].iter().all(|event| !event.is_last()), "one end only");
    for kind in ["stage_started", "stage_finished"] {
        let stages: Vec<&str> =
            events.iter().filter(|event| event.kind == kind).filter_map(ReceivedEvent::stage).collect();
        let expected = ["initialization", "validation", "pitch", "lyrics", "vocals", "quality", "finalization"];
        assert_eq!(stages, expected, "{kind}");
    }
    let times: Vec<&str> = events.iter().filter_map(|event| event.body["at"].as_str()).collect();
    assert!(times.len() == events.len() && times.is_sorted(), "events are in the order of their times: {times:?}");
}

fn result_is_complete(status: &Value, hum: &Hum) {
    assert_eq!(status["success"], true);
    assert_eq!(status["progress"], 100);
    assert!(status["error"].is_null(), "{status}");
    let result = &status["result"];
    let lyrics = result["lyrics"].as_str().expect("a song has words");
    assert!(lyrics.lines().count() >= 2 && lyrics.chars().count() >= 10, "{lyrics}");
    assert!(result["title"].as_str().is_some_and(|title| !title.trim().is_empty()), "{result}");
    assert!(result["melodyInfo"]["notes"].as_u64().is_some_and(|notes| notes >= 10), "{result}");
    assert!(result["melodyInfo"]["key"].as_str().is_some_and(|key| key.contains("major") || key.contains("minor")));
    assert!(result["melodyInfo"]["tempoBpm"].as_f64().is_some_and(|tempo| (30.0..300.0).contains(&tempo)), "{result}");
    assert!(result["lyricsInfo"].is_object(), "{result}");
    let steps: Vec<&str> =
        result["processingSteps"].as_array().into_iter().flatten().filter_map(|step| step["stage"].as_str()).collect();
    for stage in ["pitch", "lyrics", "vocals"] {
        assert!(steps.contains(&stage), "{steps:?}");
    }
    let quality = &result["quality"];
    assert!(quality["pitchAccuracy"].as_f64().is_some_and(|share| (0.85..=1.0).contains(&share)), "{quality}");
    assert!(quality["lyricsQuality"].as_f64().is_some_and(|share| (0.9..=1.0).contains(&share)), "{quality}");
    assert!(quality["loudnessLufs"].as_f64().is_some_and(|lufs| (lufs + 16.0).abs() <= 1.0), "{quality}");
    assert!(quality["figures"]["true_peak_dbtp"].as_f64().is_some_and(|peak| peak <= -0.5), "{quality}");
    assert!(result["processingTimeMs"].as_i64().is_some_and(|ms| ms > 0), "{result}");
    let seconds = result["durationSeconds"].as_f64().expect("a song has a length");
    assert!((seconds / hum.seconds() - 1.0).abs() < 0.25, "{seconds} s of song for {} s of hum", hum.seconds());
    assert!(result["expiresAt"].as_str() > status["completedAt"].as_str(), "{status}");
}

fn artifact<'a>(status: &'a Value, role: &str) -> &'a Value {
    let artifacts = status["result"]["artifacts"].as_array().expect("a result has files");
    artifacts.iter().find(|file| file["role"] == role).unwrap_or_else(|| panic!("no {role} in {artifacts:?}"))
}

pub async fn fetch(user: &User, status: &Value, role: &str) -> Answer {
    user.get(artifact(status, role)["url"].as_str().expect("a file has an address")).await
}

pub async fn files_are_as_described(user: &User, status: &Value, expected: &[ArtifactSpec]) {
    let roles: Vec<&str> = status["result"]["artifacts"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|file| file["role"].as_str())
        .collect();
    assert_eq!(roles.len(), expected.len(), "{roles:?}");
    for spec in expected {
        let role = &spec.role;
        let described = artifact(status, role.as_str());
        let file = fetch(user, status, role.as_str()).await;
        assert_eq!(file.status, 200, "{role}: {}", file.text());
        assert_eq!(file.bytes.len() as u64, described["sizeBytes"].as_u64().unwrap_or_default(), "{role}");
        let hash = {
            use sha2::{Digest, Sha256};
            hex::encode(Sha256::digest(&file.bytes))
        };
        assert_eq!(described["sha256"], hash.as_str(), "{role}");
        assert_eq!(file.header("content-type"), Some(spec.media_type), "{role}");
        assert_eq!(described["mediaType"], spec.media_type);
        let name = described["fileName"].as_str().expect("a file has a name");
        assert!(name.ends_with(&format!(".{}", spec.extension)), "{role}: {name}");
        let disposition = file.header("content-disposition").expect("a download has a name");
        assert!(disposition.starts_with("attachment; filename="), "{role}: {disposition}");
        assert!(disposition.contains(&format!(".{}\"", spec.extension)), "{role}: {disposition}");
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"), "{role}");
    }
    let lyrics = fetch(user, status, "lyrics").await.text();
    let said = status["result"]["lyrics"].as_str().unwrap_or_default();
    assert!(said.lines().all(|line| lyrics.contains(line)), "the file holds the lyrics of the answer: {lyrics}");
    assert!(fetch(user, status, "melody_midi").await.bytes.starts_with(b"MThd"));
    assert!(fetch(user, status, "melody_svg").await.text().contains("<svg"));
    assert!(fetch(user, status, "melody_musicxml").await.text().contains("<score-partwise"));
    assert!(fetch(user, status, "report").await.json().is_object());
    let by_default = user.get(status["links"]["result"].as_str().unwrap_or_default()).await;
    assert_eq!(by_default.header("content-type"), Some("audio/mpeg"), "the song is what a client gets by default");
    let audio_url = status["result"]["audioUrl"].as_str().expect("older clients look for this");
    assert_eq!(user.get(audio_url).await.bytes, by_default.bytes);
    let unknown = user.get(&format!("{}?role=score", status["links"]["result"].as_str().unwrap_or_default())).await;
    assert_eq!(unknown.problem(400, "invalid_field")["field"], "role");
}

fn decoded(bytes: Vec<u8>) -> Audio {
    media::decode(Cursor::new(bytes), &Bounds::for_duration(300.0)).expect("a result decodes")
}

/// Measured here, with the file that a listener gets, and not taken from the report.
async fn sound_is_a_song(user: &User, status: &Value, hum: &Hum) {
    for role in ["audio_mp3", "audio_wav"] {
        let audio = decoded(fetch(user, status, role).await.bytes);
        let seconds = audio.duration_seconds();
        assert!((seconds / hum.seconds() - 1.0).abs() < 0.25, "{role}: {seconds} s for {} s", hum.seconds());
        let loudness = media::measure_loudness(&audio.samples, audio.sample_rate_hz, audio.channels);
        let lufs = loudness.integrated_lufs.expect("a song is not silent");
        assert!((lufs + 16.0).abs() <= 1.0, "{role}: {lufs} LUFS");
        assert!(loudness.true_peak_dbtp.is_some_and(|peak| peak <= -0.5), "{role}: {loudness:?}");
    }
    let bytes = fetch(user, status, "audio_wav").await.bytes;
    let sung = media::decode_mono(Cursor::new(bytes), 44_100, &Bounds::for_duration(300.0)).expect("a WAV decodes");
    let agreement = pitch_agreement(&f0::track(&sung.samples, 44_100), &hum.truth);
    assert!(agreement >= 0.8, "only {agreement:.3} of the pitched sound is on the hummed melody");
}

/// Share of the moments with pitch in both where they are within a semitone of each other in whatever octave: a voice
/// may sing a low hum an octave higher.
pub fn pitch_agreement(sung: &PitchTrack, hummed: &PitchTrack) -> f64 {
    let mut both = 0;
    let mut close = 0;
    for (i, meant) in hummed.frames.iter().enumerate().filter(|(_, frame)| frame.voiced) {
        let Some(heard) = sung.at(i as f64 * hummed.hop_seconds).filter(|frame| frame.voiced) else { continue };
        both += 1;
        let cents = cents_between(f64::from(meant.hz), f64::from(heard.hz)).rem_euclid(1200.0);
        if cents.min(1200.0 - cents) <= 100.0 {
            close += 1;
        }
    }
    let voiced = hummed.frames.iter().filter(|frame| frame.voiced).count();
    assert!(both * 2 > voiced, "the song is pitched in {both} of {voiced} pitched moments of the hum");
    f64::from(close) / f64::from(both as u32)
}

async fn downloads_follow_the_rules_of_http(user: &User, status: &Value) {
    let path = artifact(status, "audio_mp3")["url"].as_str().expect("a file has an address");
    let whole = user.get(path).await;
    let size = whole.bytes.len();
    let etag = whole.header("etag").expect("a file has a tag").to_owned();
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));

    let with = |name: &'static str, value: String| Answer::of(user.getting(path).header(name, value));
    for (range, expected) in [("bytes=100-299", 100..300), ("bytes=500-", 500..size), ("bytes=-64", size - 64..size)] {
        let part = with("range", range.to_owned()).await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.bytes, whole.bytes[expected.clone()], "{range}");
        let span = format!("bytes {}-{}/{size}", expected.start, expected.end - 1);
        assert_eq!(part.header("content-range"), Some(span.as_str()), "{range}");
    }
    let beyond = with("range", format!("bytes={size}-")).await;
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("content-range"), Some(format!("bytes */{size}").as_str()));

    let known = with("if-none-match", etag.clone()).await;
    assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0));
    assert_eq!(known.header("etag"), Some(etag.as_str()));
    assert_eq!(with("if-none-match", "\"something else\"".to_owned()).await.status, 200);
}

async fn house_remembers(user: &User, job: &str) {
    let history = user.history("").await;
    assert_eq!(history["success"], true);
    assert_eq!(history["pagination"]["total"], 1, "{history}");
    assert_eq!(history["pagination"]["hasMore"], false);
    let first = &history["conversions"][0];
    assert_eq!(first["jobId"], job);
    assert_eq!(first["status"], "completed");
    assert_eq!(first["genre"], "pop");
    assert_eq!(user.history("?status=completed&limit=1").await["conversions"].as_array().map(Vec::len), Some(1));
    assert_eq!(user.history("?status=failed").await["conversions"].as_array().map(Vec::len), Some(0));
    assert_eq!(user.get("/api/v1/melody-vocals/history?limit=0").await.problem(400, "invalid_field")["field"], "limit");
    let strange = user.get("/api/v1/melody-vocals/history?status=odd").await;
    assert_eq!(strange.problem(400, "invalid_field")["field"], "status");

    let quota = user.quota().await;
    assert_eq!(quota["allowed"], true);
    assert_eq!(quota["tier"], "free");
    assert_eq!((&quota["dailyUsed"], &quota["dailyRemaining"]), (&1.into(), &9.into()), "{quota}");
    assert_eq!((&quota["monthlyUsed"], &quota["monthlyRemaining"]), (&1.into(), &99.into()), "{quota}");
    assert_eq!(quota["totalUsed"], 1);

    let stats = user.get("/api/v1/melody-vocals/stats").await.expect(200);
    assert!(stats["queue"]["completed"].as_u64().is_some_and(|count| count >= 1), "{stats}");
    assert!(stats["queue"]["averageProcessingMs"].as_u64().is_some_and(|ms| ms > 0), "{stats}");
    assert!(stats["health"]["healthy"].is_boolean() && stats["health"]["issues"].is_array(), "{stats}");
    assert_eq!(stats["circuitBreaker"]["state"], "CLOSED", "{stats}");
}

async fn feedback_is_taken(user: &User, job: &str) {
    use serde_json::json;
    let path = format!("/api/v1/melody-vocals/feedback/{job}");
    for rating in [0, 6, -1, 1000] {
        let answer = user.post_json(&path, &json!({ "rating": rating })).await;
        assert_eq!(answer.problem(400, "invalid_field")["field"], "rating", "{rating}");
    }
    user.post_json(&path, &json!({ "rating": "five" })).await.problem(400, "invalid_body");
    let long = "a".repeat(2001);
    let answer = user.post_json(&path, &json!({ "rating": 5, "feedback": long })).await;
    assert_eq!(answer.problem(400, "invalid_field")["field"], "feedback");
    for rating in [1, 5] {
        let answer = user.post_json(&path, &json!({ "rating": rating, "feedback": "I would hum along" })).await;
        assert_eq!(answer.expect(200)["success"], true);
    }
}

async fn every_accepted_format_becomes_a_song(flavour: Flavour) {
    use media::Encoding;
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let hum = hum();
    let formats = [
        ("hum.mp3", Encoding::Mp3 { kbps: 192 }),
        ("hum.m4a", Encoding::M4a { kbps: 160 }),
        ("hum.ogg", Encoding::Ogg { quality: 5.0 }),
        ("hum.flac", Encoding::Flac),
    ];
    let mut jobs = Vec::new();
    for (name, encoding) in formats {
        jobs.push((name, User::accepted(&user.submit(&Submission::of(name, hum.encoded(encoding))).await)));
    }
    for (name, job) in jobs {
        let status = user.completed(&job).await;
        assert!(status["result"]["quality"]["pitchAccuracy"].as_f64() >= Some(0.85), "{name}: {status}");
    }
}

async fn the_same_seed_makes_the_same_song(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let submission = Submission::of("hum.wav", hum().wav());
    let mut songs = Vec::new();
    for seed in ["11", "11", "12"] {
        let job = User::accepted(&user.submit(&submission.clone().with("seed", seed)).await);
        let status = user.completed(&job).await;
        // The files differ: each names its job.
        let sound = decoded(fetch(&user, &status, "audio_wav").await.bytes);
        songs.push((status["result"]["lyrics"].clone(), sound));
    }
    assert_eq!(songs[0].0, songs[1].0, "the same seed, the same words");
    assert!(songs[0].1 == songs[1].1, "the same seed, the same sound");
    assert!(songs[0].0 != songs[2].0, "another seed, other words");
}
