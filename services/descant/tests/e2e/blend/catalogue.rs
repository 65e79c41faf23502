//! Songs that were imported, found as people type, and blended by their names.

use std::io::Write as _;

use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{completed, ended, sample_songs};
use crate::{
    harness::{Flavour, User, own},
    songs,
};

over_both!(imported_songs_are_found_and_blended_by_their_names);

fn zip_of(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).expect("an entry begins");
        zip.write_all(bytes).expect("an entry is written");
    }
    zip.finish().expect("an archive is whole").into_inner()
}

async fn imported_songs_are_found_and_blended_by_their_names(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let operator = songs::operator_of(&user);
    let [harbour, reel, lantern] = sample_songs().try_into().expect("three");
    let archive = zip_of(&[("music/Ada/Harbour Morning.mid", harbour.1), ("Ben - Tin Roof Reel.mid", reel.1)]);
    let report = songs::import(&operator, songs::form(&[("old.zip", archive)])).await.expect(201);
    assert_eq!((&report["imported"], &report["refused"]), (&json!(2), &json!(0)), "{report}");
    let single = songs::form(&[("track 01.mid", lantern.1)]).text("title", "Lantern Walk").text("artist", "Cleo");
    songs::import(&operator, single).await.expect(201);

    for (typed, title) in [
        ("harbor%20mornin", "Harbour Morning"),
        ("ben%20tin%20rof%20reel", "Tin Roof Reel"),
        ("LANTREN%20walk", "Lantern Walk"),
        ("Cleo%20-%20Lantern", "Lantern Walk"),
    ] {
        let found = user.get(&format!("/api/v1/songs?q={typed}")).await.expect(200);
        assert_eq!(found["songs"][0]["title"], title, "{typed}: {found}");
    }
    // However near a name is, a blend is not made of a guess.
    let near = json!({ "songs": ["Harbor Mornin", "Tin Roof Reel", "Lantern Walk"] });
    let body = user.post_json("/api/generate", &near).await.problem(404, "song_unknown");
    assert_eq!(body["choices"][0]["title"], "Harbour Morning", "{body}");

    let id = body["choices"][0]["id"].as_str().expect("an id");
    let names = json!({ "songs": [id, "Ben: Tin Roof Reel", "lantern walk by CLEO"], "bars": 16, "seed": 5 });
    let job = User::accepted(&user.post_json("/api/generate", &names).await);
    let done = completed(&user, &job).await;
    let songs: Vec<&Value> =
        done["result"]["songs"].as_array().expect("three").iter().map(|song| &song["title"]).collect();
    assert_eq!(songs, ["Harbour Morning - Ada", "Tin Roof Reel - Ben", "Lantern Walk - Cleo"]);
    let status = user.get(&format!("/api/status/{job}")).await.expect(200);
    assert_eq!(status["status"], "completed", "{status}");
    let file = user.get(&format!("/api/download/{}", status["outputFileId"].as_str().expect("a file"))).await;
    assert_eq!((file.status.as_u16(), file.header("content-type")), (200, Some("audio/mpeg")));

    // The catalogue is everybody's: another user names the same songs.
    let other = deployment.user();
    let job = User::accepted(&other.post_json("/api/generate", &names).await);
    user.get(&format!("/api/status/{job}")).await.problem(404, "not_found");
    other.post(&format!("/api/v1/jobs/{job}/cancel")).await;
    ended(&other, &job).await;
}
