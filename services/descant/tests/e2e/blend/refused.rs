//! Bad input for a blend: each has its own clear answer, and nothing of it stays.

use serde_json::{Value, json};

use super::{BLEND, NAMES, accepted, cancelled, ended, form, reworked, sample_songs, stocked, submit};
use crate::{
    harness::{Answer, Deployment, Flavour, User, hum, own},
    refusals::no_upload_remains,
    songs,
};

over_both!(what_is_refused_leaves_nothing, what_fails_later_says_why_and_gives_its_place_back);

/// The songs of the catalogue are there and nothing else.
async fn only_the_catalogue_remains(deployment: &Deployment, songs: usize, after: &str) {
    let objects = deployment.objects().await;
    assert_eq!(objects.len(), songs, "after {after}: {objects:?}");
    assert!(objects.iter().all(|key| key.starts_with("songs/")), "after {after}: {objects:?}");
    no_upload_remains(deployment).await;
}

async fn what_is_refused_leaves_nothing(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    stocked(&deployment, NAMES).await;
    let user = deployment.user();
    bad_files(&deployment, &user).await;
    let choice = bad_names(&deployment, &user).await;
    assert_eq!(user.get("/api/jobs").await.expect(200)["total"], 0, "none of them was a job");
    // What was ambiguous is not, by its id.
    let songs = json!({ "songs": ["Harbour Morning", "Tin Roof Reel", choice] });
    let chosen = user.post_json("/api/generate", &songs).await.expect(202);
    let job = chosen["jobId"].as_str().expect("an id");
    user.post(&format!("/api/v1/jobs/{job}/cancel")).await;
    ended(&user, job).await;
}

async fn bad_files(deployment: &Deployment, user: &User) {
    let [first, second, third] = <[_; 3]>::try_from(sample_songs()).expect("three");
    let with = |third: (&'static str, Vec<u8>)| form(&[first.clone(), second.clone(), third], &[]);
    let empty_track = b"MThd\0\0\0\x06\0\x01\0\x01\x01\xe0MTrk\0\0\0\x04\0\xff\x2f\0".to_vec();
    let all = [first.clone(), second.clone(), third.clone()];
    for (what, form, status, code, says) in [
        (
            "a recording",
            with(("hum.mid", hum().wav())),
            415,
            "unsupported_audio",
            "song, file 3: This is not a MIDI file but",
        ),
        ("text", with(("text.mid", b"hello".to_vec())), 415, "unsupported_audio", "not a MIDI file"),
        ("an empty file", with(("empty.mid", Vec::new())), 400, "audio_refused", "empty"),
        ("no notes", with(("rest.mid", empty_track)), 400, "audio_refused", "no notes"),
        ("a cut header", with(("cut.mid", b"MThd\0\0\0\x06\0".to_vec())), 400, "audio_refused", "within its header"),
        ("a large file", with(("large.mid", vec![0; (4 << 20) + 1])), 413, "too_large", "4 MB"),
        ("two files", form(&[first.clone(), second.clone()], &[]), 400, "invalid_field", "3 songs"),
        ("four files", form(&[&all[..], &all[2..]].concat(), &[]), 400, "invalid_field", "song"),
        ("a bad option", form(&all, &[("creativity", "3")]), 400, "invalid_field", "0 to 1"),
        ("a bad seed", form(&all, &[("seed", "seven")]), 400, "invalid_field", "number"),
        (
            "a file beside an unknown title",
            form(&all[..2], &[("songs", r#"["Nobody's Song"]"#)]),
            404,
            "song_unknown",
            "Nobody's Song",
        ),
        (
            "files for titles",
            form(&all, &[("songs", r#"["Lantern Walk", null, null]"#)]),
            400,
            "invalid_field",
            "null stands for a file",
        ),
    ] {
        let answer = Answer::of(user.posting(BLEND).multipart(form)).await;
        let body = answer.problem(status, code);
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains(says)), "{what}: {body}");
        only_the_catalogue_remains(deployment, 3, what).await;
    }
}

/// Gives back the id of one of two songs that are called alike.
async fn bad_names(deployment: &Deployment, user: &User) -> Value {
    let generate = async |songs: Value| user.post_json("/api/generate", &json!({ "songs": songs })).await;
    // The first two are copied before the third turns out to be none.
    let unknown = generate(json!(["Tin Roof Reel", "Lantern Walk", "Harbor Mornin"])).await;
    let body = unknown.problem(404, "song_unknown");
    assert_eq!(body["choices"][0]["title"], "Harbour Morning", "{body}");
    only_the_catalogue_remains(deployment, 3, "an unknown title").await;

    // Another song of the same title.
    let (_, midi) = sample_songs().remove(2);
    let other = reworked(&midi, |score| score.parts[0].notes[0].velocity -= 1);
    let form = songs::form(&[("other.mid", other)]).text("title", "Lantern Walk").text("artist", "Dora");
    songs::import(&songs::operator_of(user), form).await.expect(201);
    let ambiguous = generate(json!(["Harbour Morning", "Tin Roof Reel", "Lantern Walk"])).await;
    let body = ambiguous.problem(409, "song_ambiguous");
    let choices = body["choices"].as_array().expect("choices");
    let mut artists: Vec<&str> = choices.iter().filter_map(|choice| choice["artist"].as_str()).collect();
    artists.sort_unstable();
    assert_eq!(artists, ["Cleo", "Dora"], "{body}");
    only_the_catalogue_remains(deployment, 4, "an ambiguous title").await;

    for (what, body) in [
        ("nothing", json!({})),
        ("two titles", json!({ "songs": ["Harbour Morning", "Tin Roof Reel"] })),
        ("a number", json!({ "songs": ["Harbour Morning", "Tin Roof Reel", 3] })),
        ("creativity", json!({ "songs": ["Harbour Morning", "Tin Roof Reel", choices[0]["id"]], "creativity": 3 })),
    ] {
        for path in ["/api/generate", BLEND] {
            user.post_json(path, &body).await.problem(400, "invalid_field");
        }
        only_the_catalogue_remains(deployment, 4, what).await;
    }
    choices[0]["id"].clone()
}

async fn what_fails_later_says_why_and_gives_its_place_back(flavour: Flavour) {
    let deployment = own(flavour, &[("DESCANT_BLEND__STARTS", "2")]).await;
    let user = deployment.user();
    for (field, length, tempo) in [("seconds", "700", "240"), ("bars", "400", "60")] {
        let refused = submit(&user, &[(field, length), ("tempo", tempo)]).await.problem(400, "invalid_field");
        assert_eq!(refused["field"], field, "{refused}");
    }
    // What depends on the songs is found out later.
    let job = accepted(&user, &[("bars", "400"), ("tempo", "120")]).await;
    let failed = ended(&user, &job).await;
    assert_eq!((&failed["state"], &failed["errorCode"]), (&json!("failed"), &json!("impossible_options")), "{failed}");
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("at 120 bpm in 4/4")), "{failed}");
    let status = user.get(&format!("/api/status/{job}")).await.expect(200);
    assert_eq!((&status["status"], &status["error"]), (&json!("failed"), &failed["error"]), "{status}");
    assert_eq!(user.quota().await["dailyUsed"], 0);

    // The second start is the last for a while.
    let other = accepted(&user, &[("bars", "8")]).await;
    let refused = submit(&user, &[]).await;
    refused.problem(429, "rate_limited");
    assert!(refused.header("retry-after").is_some() && refused.header("ratelimit-reset").is_some());
    no_upload_remains(&deployment).await;
    cancelled(&user, &other).await;
}
