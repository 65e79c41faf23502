//! A sentence becomes a song through the whole deployment: the example and the commands that older clients were given, all that
//! goes along, a voice, and what is refused.

use std::{process::Stdio, time::Duration};

use chrono::{DateTime, Utc};
use media::Bounds;
use serde_json::{Value, json};
use testbed::eventually;

use crate::harness::{Answer, Deployment, Flavour, PATIENCE, Part, User, own, shared};

over_both!(
    the_example_of_the_contract_gets_its_song,
    the_commands_of_the_contract_run,
    a_song_comes_with_all_that_goes_along_and_is_the_same_again,
    a_voice_sings_when_it_is_asked_for_and_only_then,
    a_song_is_its_owners_and_stops_when_asked,
    what_is_refused_leaves_nothing,
    a_song_survives_a_crash,
    a_long_song_ends_on_the_frame_that_was_asked_for,
);

const GENERATE: &str = "/api/music-generator/generate";
const JOBS: &str = "/api/v1/jobs/composition";

pub async fn submit(user: &User, body: &Value) -> String {
    let accepted = user.post_json(JOBS, body).await.expect(202);
    accepted["jobId"].as_str().expect("an id").to_owned()
}

pub async fn ended(user: &User, job: &str) -> Value {
    eventually(&format!("song {job} to end"), PATIENCE, || async {
        let body = user.get(&format!("/api/v1/jobs/{job}")).await.expect(200);
        let is_over = matches!(body["state"].as_str(), Some("completed" | "failed" | "cancelled" | "expired"));
        if is_over { Ok(body) } else { Err(body) }
    })
    .await
}

async fn file(user: &User, job: &str, role: &str) -> Answer {
    user.get(&format!("/api/v1/jobs/{job}/result?role={role}")).await
}

/// The example of the contract that these clients were written against, word for word.
const EXAMPLE: &str = r#"
// 1. Start music generation
const generateResponse = await fetch('/api/music-generator/generate', {
  method: 'POST',
  headers: {
    Authorization: `Bearer ${clerkToken}`,
    'Content-Type': 'application/json',
  },
  body: JSON.stringify({
    name: 'My Song',
    prompt: 'upbeat electronic music',
    lengthMs: 30000,
  }),
});

const {
  data: { musicId },
} = await generateResponse.json();

// 2. Poll for completion
const pollForCompletion = async (musicId) => {
  while (true) {
    const statusResponse = await fetch(
      `/api/music-generator/status/${musicId}`,
      {
        headers: { Authorization: `Bearer ${clerkToken}` },
      },
    );

    const { data } = await statusResponse.json();

    if (data.status === 'COMPLETED') {
      return data.audioUrl; // Ready to play/download!
    } else if (data.status === 'FAILED') {
      throw new Error('Music generation failed');
    }

    // Wait 3 seconds before polling again
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
};

// 3. Use the music
const audioUrl = await pollForCompletion(musicId);
document.getElementById('audio-player').src = audioUrl;
"#;

/// What a browser gives to that page: its host, who is signed in, and a player that fetches its source without any header of the
/// page's, as players do. The last line that is printed says what was played.
const BROWSER: &str = r#"
const [base, token] = process.argv.slice(2);
const network = globalThis.fetch;
globalThis.fetch = (address, init) => network(new URL(address, base), init);
globalThis.clerkToken = token;
const played = new Promise((resolve) => {
  const player = { set src(address) { resolve(new URL(address)); } };
  globalThis.document = { getElementById: (id) => (id === 'audio-player' ? player : null) };
});
await import('./page.mjs');
const answer = await network(await played);
const bytes = (await answer.arrayBuffer()).byteLength;
console.log(JSON.stringify({ address: String(await played), status: answer.status, type: answer.headers.get('content-type'), bytes }));
"#;

async fn run(program: &str, arguments: &[&str], folder: &std::path::Path) -> String {
    let started = tokio::process::Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(PATIENCE, started).await.expect("it ends");
    let ended = ended.unwrap_or_else(|why| panic!("`{program}` runs what clients do, and does not start: {why}"));
    assert!(ended.status.success(), "{program}: {}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

async fn the_example_of_the_contract_gets_its_song(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("page.mjs"), EXAMPLE).expect("a file");
    std::fs::write(folder.path().join("browser.mjs"), BROWSER).expect("a file");
    let (base, token) = (deployment.front_url(), user.token().expect("a token").to_owned());
    let printed = run("node", &["browser.mjs", &base, &token], folder.path()).await;
    let played: Value = serde_json::from_str(printed.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&played["status"], &played["type"]), (&json!(200), &json!("audio/mpeg")), "{played}");
    // 128 kbit/s for half a minute, and a cover.
    assert!(played["bytes"].as_u64().is_some_and(|bytes| bytes > 450_000), "{played}");
    // Where the object store signs links, the object's own name is in it.
    if flavour == Flavour::Distributed {
        let address = played["address"].as_str().expect("an address");
        assert!(address.contains("/music/") && address.contains("_My_Song.mp3"), "{address}");
    }
}

/// The commands of the contract, word for word but for the host, the token and the id.
const COMMANDS: [&str; 2] = [
    r#"curl -X POST http://localhost:8000/api/music-generator/generate \
  -H "Authorization: Bearer YOUR_CLERK_JWT" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Test Song",
    "prompt": "upbeat electronic music",
    "lengthMs": 30000
  }'"#,
    r#"curl -H "Authorization: Bearer YOUR_CLERK_JWT" \
  http://localhost:8000/api/music-generator/status/MUSIC_ID_FROM_STEP_1"#,
];

async fn the_commands_of_the_contract_run(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let folder = tempfile::tempdir().expect("a folder");
    let [generate, status] = COMMANDS.map(|command| {
        let command = command.replace("http://localhost:8000", &deployment.front_url());
        command.replace("YOUR_CLERK_JWT", user.token().expect("a token"))
    });
    let answer: Value = serde_json::from_str(&run("bash", &["-c", &generate], folder.path()).await).expect("JSON");
    let music = answer["data"]["musicId"].as_str().expect("an id").to_owned();
    assert_eq!((&answer["success"], &answer["data"]["status"]), (&json!(true), &json!("GENERATING")), "{answer}");
    ended(&user, &music).await;
    let status = status.replace("MUSIC_ID_FROM_STEP_1", &music);
    let answer: Value = serde_json::from_str(&run("bash", &["-c", &status], folder.path()).await).expect("JSON");
    let data = &answer["data"];
    assert_eq!((&data["status"], &data["name"]), (&json!("COMPLETED"), &json!("Test Song")), "{answer}");
    assert_eq!(data["lengthMs"], 30_000, "as its file measures: {answer}");
    // A player sends no headers.
    let address = data["audioUrl"].as_str().expect("an address");
    let song = Answer::of(user.bearing(None).http.get(address)).await;
    assert!(song.status.is_success() && song.bytes.starts_with(b"ID3"), "{}", song.status);
}

async fn a_song_comes_with_all_that_goes_along_and_is_the_same_again(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let body = json!({
        "prompt": "a calm bossa nova with flute",
        "name": "../Größe & <Tide>",
        "lengthMs": 7123,
        "outputFormat": "pcm_44100",
        "key": "Dm",
        "tempo": 118,
        "seed": 5,
        "chords": "| Dm7 | G7 Cmaj7 |",
        "stems": true,
        "formats": ["flac", "ogg"],
        "reuse": false
    });
    let job = submit(&user, &body).await;
    let done = ended(&user, &job).await;
    assert_eq!((&done["state"], &done["progress"]), (&json!("completed"), &json!(100)), "{done}");
    let result = &done["result"];
    assert_eq!((&result["effective"]["style"], &result["seed"]), (&json!("bossa"), &json!(5)), "{result}");
    assert_eq!(result["effective"]["tempoBpm"], 118.0, "what was stated is kept: {result}");
    let lufs = result["loudnessLufs"].as_f64().expect("it sounds");
    assert!((lufs + 14.0).abs() <= 1.0, "{lufs} LUFS as it was mastered");
    assert_eq!(done["parameters"]["options"]["instrumental"], true, "nobody was asked to sing");

    let roles: Vec<&str> =
        done["artifacts"].as_array().expect("files").iter().filter_map(|file| file["role"].as_str()).collect();
    for role in [
        "audio_mp3",
        "audio_wav",
        "audio_flac",
        "audio_ogg",
        "song_midi",
        "song_svg",
        "cover",
        "report",
        "waveform",
        "stem_bass",
    ] {
        assert!(roles.contains(&role), "no {role} among {roles:?}");
    }
    assert!(!roles.contains(&"audio_m4a"), "not asked for: {roles:?}");
    assert!(!roles.contains(&"stem_voice") && !roles.contains(&"lyrics"), "nobody sings: {roles:?}");
    // To the frame, and with sound to the end.
    let wav = file(&user, &job, "audio_wav").await;
    let sound = media::decode(std::io::Cursor::new(wav.bytes), &Bounds::default()).expect("a WAV file");
    assert_eq!(sound.samples.len() / 2, (7.123f64 * 44_100.0).round() as usize);
    let midi = file(&user, &job, "song_midi").await;
    assert!(midi.bytes.starts_with(b"MThd"));
    assert!(file(&user, &job, "song_svg").await.text().starts_with("<svg"));
    let report = file(&user, &job, "report").await.expect(200);
    assert_eq!(report["options"]["lengthMs"], 7123, "{report}");

    // The name under which it lies and is downloaded: nothing of it leads anywhere else.
    let status = user.get(&format!("/api/music-generator/status/{job}")).await.expect(200);
    assert_eq!(status["data"]["lengthMs"], 7123, "{status}");
    let kept: DateTime<Utc> = status["data"]["expiresAt"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    assert!(kept > Utc::now(), "{status}");
    for (format, ending) in
        [(None, "wav"), (Some("mp3"), "mp3"), (Some("flac"), "flac"), (Some("mid"), "mid"), (Some("m4a"), "m4a")]
    {
        let query = format.map(|format| format!("?format={format}")).unwrap_or_default();
        let link = user.get(&format!("/api/music-generator/download/{job}{query}")).await.expect(200);
        let name = link["data"]["fileName"].as_str().expect("a name");
        assert!(name.ends_with(&format!(".{ending}")), "{link}");
        if ending != "mid" {
            let stem = name.strip_suffix(&format!(".{ending}")).expect("an ending");
            let (time, title) = stem.split_once("Z_").expect("a time");
            assert_eq!((title, time.len()), ("Gr_e_Tide", "2024-09-01T00-45-30-123".len()), "{link}");
        }
    }
    let objects = deployment.objects().await;
    let of_job: Vec<&String> = objects.iter().filter(|key| key.contains(&job) && key.contains("/music/")).collect();
    assert_eq!(of_job.len(), 5, "the song in each format lies under its name: {of_job:?}");
    user.get(&format!("/api/music-generator/download/{job}?format=opus")).await.problem(400, "invalid_field");

    // Same sentence, same options, same seed: same notes and the same sound.
    let again = submit(&user, &body).await;
    assert_eq!(ended(&user, &again).await["state"], "completed");
    for role in ["song_midi", "audio_flac", "audio_wav", "audio_mp3"] {
        let (one, other) = (file(&user, &job, role).await, file(&user, &again, role).await);
        assert!(one.bytes == other.bytes, "{role}");
    }
}

async fn a_voice_sings_when_it_is_asked_for_and_only_then(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let body = json!({
        "prompt": "a slow folk song about rivers and the sea",
        "lengthMs": 20000,
        "instrumental": false,
        "voice": "formant",
        "stems": true,
        "seed": 3
    });
    let job = submit(&user, &body).await;
    let done = ended(&user, &job).await;
    assert_eq!(done["state"], "completed", "{done}");
    let lines = done["result"]["lyrics"].as_array().expect("words");
    let vocals = &done["result"]["vocals"];
    assert!(!lines.is_empty() && vocals["voice"] == "formant", "{done}");
    assert!(vocals["takes"].as_u64().is_some_and(|takes| (1..=3).contains(&takes)), "{vocals}");
    assert!(vocals["quality"]["pitch_within_50_cents"].as_f64().is_some_and(|share| share > 0.5), "{vocals}");
    assert_eq!(done["result"]["stems"][0], "voice", "{done}");
    let lrc = file(&user, &job, "lyrics_lrc").await.text();
    assert_eq!(lrc.lines().count(), lines.len(), "{lrc}");
    assert!(lrc.lines().all(|line| line.starts_with("[00:")), "{lrc}");
    file(&user, &job, "stem_voice").await;
    let wav = file(&user, &job, "audio_wav").await;
    let sound = media::decode(std::io::Cursor::new(wav.bytes), &Bounds::default()).expect("a WAV file");
    assert_eq!(sound.samples.len() / 2, 20 * 44_100);
    let events = user.events(&job, 0).await.rest().await;
    let begun = |events: &[crate::harness::ReceivedEvent], stage: &str| {
        events.iter().any(|event| event.kind == "stage_started" && event.stage() == Some(stage))
    };
    assert!(begun(&events, "words") && begun(&events, "singing"), "{events:?}");

    let silent = submit(
        &user,
        &json!({ "prompt": "a slow folk song about rivers, sung", "lengthMs": 10000, "instrumental": true }),
    )
    .await;
    let done = ended(&user, &silent).await;
    assert_eq!((&done["state"], &done["result"]["vocals"]), (&json!("completed"), &Value::Null), "{done}");
    assert_eq!(done["result"]["lyrics"], json!([]), "{done}");
    let events = user.events(&silent, 0).await.rest().await;
    assert!(
        !begun(&events, "words") && !begun(&events, "singing"),
        "what it has not is gone past in silence: {events:?}"
    );
}

async fn a_song_is_its_owners_and_stops_when_asked(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let job = submit(&user, &json!({ "prompt": "a long ambient drone", "lengthMs": 600000 })).await;
    let stranger = deployment.user();
    stranger.get(&format!("/api/v1/jobs/{job}")).await.problem(404, "not_found");
    for route in ["status", "download"] {
        let problem = stranger.get(&format!("/api/music-generator/{route}/{job}")).await.problem(404, "not_found");
        assert_eq!(problem["detail"], "Music record not found");
    }
    let mut events = user.events(&job, 0).await;
    events.until("playing", |event| event.kind == "stage_started" && event.stage() == Some("rendering")).await;
    user.get(&format!("/api/music-generator/download/{job}")).await.problem(409, "job_state");
    let stopped = user.post(&format!("/api/v1/jobs/{job}/cancel")).await;
    assert!(matches!(stopped.status.as_u16(), 200 | 202), "{}", stopped.text());
    assert_eq!(ended(&user, &job).await["state"], "cancelled");
    let status = user.get(&format!("/api/music-generator/status/{job}")).await.expect(200);
    assert_eq!(
        (&status["data"]["status"], &status["data"]["error"]),
        (&json!("FAILED"), &json!("cancelled")),
        "{status}"
    );
    nothing_left(&deployment, &[]).await;
    assert_eq!(user.quota().await["dailyUsed"], 0);
}

async fn nothing_left(deployment: &Deployment, before: &[String]) {
    eventually("its objects to go", Duration::from_secs(30), || async {
        let left = deployment.objects().await;
        if left == before { Ok(()) } else { Err(left) }
    })
    .await;
}

async fn what_is_refused_leaves_nothing(flavour: Flavour) {
    let deployment = own(flavour, &[("DESCANT_QUOTA__FREE__DAILY", "2")]).await;
    let user = deployment.user();
    let before = deployment.objects().await;
    let good = json!({ "prompt": "upbeat electronic music", "lengthMs": 3000 });
    for (field, value) in [
        ("prompt", json!("x")),
        ("name", json!("a\u{7}b")),
        ("lengthMs", json!(2999)),
        ("lengthMs", json!(600001)),
        ("outputFormat", json!("ulaw_8000")),
        ("modelId", json!("music_v9")),
        ("tempo", json!(39)),
        ("key", json!("H minor")),
        ("style", json!("zydeco")),
        ("mood", json!("hungry")),
        ("instruments", json!(["kazoo"])),
        ("instrumental", json!("perhaps")),
        ("seed", json!(-1)),
        ("chords", json!("| C | H |")),
        ("form", json!("XYZ")),
        ("stems", json!("some")),
        ("formats", json!(["aiff"])),
        ("voice", json!("bob")),
        ("language", json!("xx")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let problem = user.post_json(GENERATE, &body).await.problem(400, "invalid_field");
        assert_eq!(problem["field"], field, "{problem}");
    }
    user.post_json(GENERATE, &json!({})).await.problem(400, "invalid_field");
    user.post_json(GENERATE, &json!({ "prompt": "a song", "colour": "blue" })).await.problem(400, "invalid_body");
    let vulgar = String::from_utf8(vec![115, 104, 105, 116]).expect("ASCII");
    for (field, text) in [
        ("prompt", format!("a quiet song full of {vulgar}")),
        ("name", vulgar.clone()),
        ("chords", format!("{{title: x}}\n[C]my {vulgar} [G]song")),
    ] {
        let mut body = good.clone();
        body[field] = json!(text);
        let problem = user.post_json(GENERATE, &body).await.problem(400, "content_rejected");
        assert_eq!(problem["field"], field, "{problem}");
    }
    user.bearing(None).post_json(GENERATE, &good).await.problem(401, "unauthenticated");
    nothing_left(&deployment, &before).await;
    assert_eq!(user.quota().await["dailyUsed"], 0);

    // A repeat of a request is the same song; the quota counts it once.
    let keyed = async || {
        let posting = user.posting(GENERATE).header("idempotency-key", "once").json(&good);
        Answer::of(posting).await.expect(202)["data"]["musicId"].clone()
    };
    let first = keyed().await;
    assert_eq!(keyed().await, first);
    submit(&user, &good).await;
    user.post_json(GENERATE, &good).await.problem(429, "quota_exceeded");
    assert_eq!(ended(&user, first.as_str().expect("an id")).await["state"], "completed");
}

async fn a_song_survives_a_crash(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let job =
        submit(&user, &json!({ "prompt": "a long house track", "name": "House", "lengthMs": 400000, "seed": 1 })).await;
    let mut events = user.events(&job, 0).await;
    events.until("playing", |event| event.kind == "stage_started" && event.stage() == Some("rendering")).await;
    let part = match flavour {
        Flavour::Embedded => Part::Descant,
        Flavour::Distributed => Part::Orchestrator,
    };
    deployment.kill(part);
    deployment.launch(part).await;
    // An embedded deployment has a new address.
    let user = User::new(deployment.front_url(), user.claims.clone());
    let done = ended(&user, &job).await;
    assert_eq!(done["state"], "completed", "{done}");
    let events = user.events(&job, 0).await.rest().await;
    let started = |stage: &str| events.iter().filter(|e| e.kind == "stage_started" && e.stage() == Some(stage)).count();
    assert_eq!((started("composing"), started("rendering")), (1, 2), "what was finished is not done again: {events:?}");
    let status = user.get(&format!("/api/music-generator/status/{job}")).await.expect(200);
    assert_eq!((&status["data"]["status"], &status["data"]["lengthMs"]), (&json!("COMPLETED"), &json!(400_000)));
}

async fn a_long_song_ends_on_the_frame_that_was_asked_for(flavour: Flavour) {
    let deployment = shared(flavour).await;
    let user = deployment.user();
    let body = json!({
        "prompt": "a slow ambient piece",
        "name": "A name of which no more is kept than object stores can take",
        "lengthMs": 61_713,
        "seed": 2,
        "formats": ["flac"]
    });
    let job = submit(&user, &body).await;
    assert_eq!(ended(&user, &job).await["state"], "completed");
    for role in ["audio_wav", "audio_flac"] {
        let sound = file(&user, &job, role).await.bytes;
        let sound = media::decode(std::io::Cursor::new(sound), &Bounds::default()).expect("a sound file");
        assert_eq!(sound.samples.len() / 2, (61.713f64 * 44_100.0).round() as usize, "{role}");
    }
    let status = user.get(&format!("/api/music-generator/status/{job}")).await.expect(200);
    assert_eq!(status["data"]["lengthMs"], 61_713, "{status}");
}
