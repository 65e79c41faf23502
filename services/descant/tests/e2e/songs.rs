//! The catalogue of songs over HTTP and from the command line.

use std::process::Output;

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::harness::{Answer, Claims, Flavour, User, binary, own};

over_both!(
    operators_keep_the_catalogue_and_everybody_finds_songs,
    what_is_no_song_is_refused_and_leaves_nothing,
    the_command_line_keeps_the_catalogue_of_a_server,
    the_command_line_says_what_it_does_not_send,
    an_import_that_may_not_be_ends_with_one_sentence,
);

const SONGS: &str = "/api/v1/songs";

/// A MIDI file of four bars that differs by `seed`.
fn midi(seed: u8) -> Vec<u8> {
    let mut track = Vec::new();
    for beat in 0..16_u8 {
        let key = 48 + (seed.wrapping_mul(7).wrapping_add(beat * 5)) % 36;
        track.extend([0, 0x90, key, 80, 0x60, 0x80, key, 0]);
    }
    track.extend([0, 0xff, 0x01, 1, seed, 0, 0xff, 0x2f, 0]);
    let mut file = b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk".to_vec();
    file.extend((track.len() as u32).to_be_bytes());
    file.extend(track);
    file
}

pub fn form(files: &[(&str, Vec<u8>)]) -> Form {
    files.iter().fold(Form::new(), |form, (name, bytes)| {
        form.part("file", Part::bytes(bytes.clone()).file_name((*name).to_owned()))
    })
}

pub fn operator_of(user: &User) -> User {
    User::new(user.base.clone(), Claims::fresh().with("roles", json!(["admin"])))
}

pub async fn import(user: &User, form: Form) -> Answer {
    Answer::of(user.posting(SONGS).multipart(form)).await
}

async fn patch(user: &User, id: &str, body: Value) -> Answer {
    let request = user.http.patch(format!("{}{SONGS}/{id}", user.base)).json(&body);
    Answer::of(request.bearer_auth(user.token().unwrap())).await
}

pub async fn remove(user: &User, id: &str) -> Answer {
    let request = user.http.delete(format!("{}{SONGS}/{id}", user.base));
    Answer::of(request.bearer_auth(user.token().unwrap())).await
}

fn titles(list: &Value) -> Vec<&str> {
    list["songs"].as_array().unwrap().iter().map(|song| song["title"].as_str().unwrap()).collect()
}

async fn operators_keep_the_catalogue_and_everybody_finds_songs(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let operator = operator_of(&user);
    let files = [
        ("Queen - Bohemian Rhapsody.mid", midi(1)),
        ("ABBA - Dancing Queen.mid", midi(2)),
        ("Halo.mid", midi(3)),
        ("again.mid", midi(1)),
        ("notes.txt", b"hello".to_vec()),
    ];
    import(&user, form(&files)).await.problem(403, "forbidden");
    let report = import(&operator, form(&files)).await.expect(201);
    assert_eq!(
        (&report["imported"], &report["known"], &report["refused"]),
        (&json!(3), &json!(1), &json!(1)),
        "{report}"
    );
    assert_eq!(report["files"][4]["code"], "not_midi");
    assert_eq!(report["files"][3]["id"], report["files"][0]["id"]);
    let titled = form(&[("x.mid", midi(4))]).text("title", "Halo").text("artist", "Beyoncé");
    let halo = import(&operator, titled).await.expect(201);
    let halo = halo["files"][0]["id"].as_str().unwrap().to_owned();
    import(&operator, form(&[("y.mid", midi(4))])).await.expect(200);

    let found = user.get(&format!("{SONGS}?q=bohemian%20rapsody%20queen")).await.expect(200);
    assert_eq!(titles(&found)[0], "Bohemian Rhapsody");
    assert!(found["songs"][0]["score"].as_f64().unwrap() > 0.8, "{found}");
    let song = user.get(&format!("{SONGS}/{halo}")).await.expect(200);
    assert_eq!((&song["song"]["artist"], &song["song"]["meter"]), (&json!("Beyoncé"), &json!("4/4")), "{song}");
    assert!(song["song"]["bars"].as_u64().unwrap() >= 4, "{song}");

    let first = user.get(&format!("{SONGS}?limit=3")).await.expect(200);
    assert_eq!(titles(&first), ["Bohemian Rhapsody", "Dancing Queen", "Halo"]);
    let rest = user.get(&format!("{SONGS}?limit=3&cursor={}", first["next"].as_str().unwrap())).await.expect(200);
    assert_eq!((titles(&rest), &rest["next"]), (vec!["Halo"], &Value::Null));

    patch(&user, &halo, json!({ "title": "x" })).await.problem(403, "forbidden");
    let corrected = patch(&operator, &halo, json!({ "title": "Hallo", "artist": null })).await.expect(200);
    assert_eq!((&corrected["song"]["title"], &corrected["song"]["artist"]), (&json!("Hallo"), &Value::Null));
    assert_eq!(titles(&user.get(&format!("{SONGS}?q=hallo")).await.expect(200))[0], "Hallo");

    remove(&user, &halo).await.problem(403, "forbidden");
    remove(&operator, &halo).await.expect(200);
    remove(&operator, &halo).await.problem(404, "not_found");
    user.get(&format!("{SONGS}/{halo}")).await.problem(404, "not_found");
    patch(&operator, &halo, json!({ "title": "x" })).await.problem(404, "not_found");
    let objects = deployment.objects().await;
    assert_eq!(objects.len(), 3, "three songs and nothing else: {objects:?}");
    assert!(objects.iter().all(|key| key.starts_with("songs/")), "{objects:?}");
}

async fn what_is_no_song_is_refused_and_leaves_nothing(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let operator = operator_of(&user);
    let mp3 = form(&[("song.mid", [&b"ID3\x03"[..], &[0; 100]].concat())]);
    let problem = import(&operator, mp3).await.problem(415, "not_midi");
    assert_eq!(problem["detail"], "song.mid: This is not a MIDI file but an MP3 recording.");
    let silent = [&b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x04"[..], b"\0\xff\x2f\0"].concat();
    import(&operator, form(&[("silent.mid", silent)])).await.problem(400, "songs_refused");
    import(&operator, form(&[]).text("title", "Alone")).await.problem(400, "invalid_field");
    let titled = form(&[("a.mid", midi(1)), ("b.mid", midi(2))]).text("title", "Two");
    import(&operator, titled).await.problem(400, "invalid_field");
    let long = form(&[("a.mid", midi(1))]).text("artist", "x".repeat(201));
    import(&operator, long).await.problem(400, "invalid_field");
    let large = form(&[("a.zip", vec![0; 40 << 20]), ("b.zip", vec![0; 25 << 20])]);
    import(&operator, large).await.problem(413, "too_large");
    user.bearing(None).get(SONGS).await.problem(401, "unauthenticated");
    user.get(&format!("{SONGS}?limit=0")).await.problem(400, "invalid_field");
    user.get(&format!("{SONGS}?cursor=zz")).await.problem(400, "invalid_field");
    user.get(&format!("{SONGS}?q=x&cursor=zz")).await.problem(400, "invalid_field");
    user.get(&format!("{SONGS}?q={}", "x".repeat(201))).await.problem(400, "invalid_field");
    user.get(&format!("{SONGS}/none")).await.problem(404, "not_found");
    let nothing = user.get(&format!("{SONGS}?q=%20-%20")).await.expect(200);
    assert_eq!(nothing["songs"], json!([]));
    assert_eq!(deployment.objects().await, [""; 0]);
}

async fn run(arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(binary("descant"));
    command.args(arguments).env_remove("DESCANT_TOKEN").env_remove("DESCANT_CONFIG").output().await.unwrap()
}

async fn the_command_line_keeps_the_catalogue_of_a_server(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let operator = operator_of(&deployment.user());
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("music");
    std::fs::create_dir_all(folder.join("Queen")).unwrap();
    std::fs::write(folder.join("Queen/Innuendo.mid"), midi(1)).unwrap();
    std::fs::write(folder.join("x.mid"), midi(2)).unwrap();
    std::fs::write(folder.join("names.csv"), "file,title,artist\nx.mid,Listed,Somebody\n").unwrap();
    let place = ["--server", operator.base.as_str(), "--token", operator.token().unwrap()];
    let imported = run(&[&["songs", "import", folder.to_str().unwrap()], &place[..]].concat()).await;
    let text = String::from_utf8_lossy(&imported.stdout).into_owned();
    assert!(imported.status.success(), "{text} {}", String::from_utf8_lossy(&imported.stderr));
    assert!(text.contains("Innuendo - Queen") && text.contains("Listed - Somebody"), "{text}");
    assert!(text.ends_with("2 imported, 0 there already, 0 refused\n"), "{text}");
    let found = run(&[&["--json", "songs", "search", "queen", "inuendo"], &place[..]].concat()).await;
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    let id = found["songs"][0]["id"].as_str().unwrap();
    assert_eq!(titles(&found)[0], "Innuendo");
    let corrected = run(&[&["songs", "correct", id, "--title", "Innuendo!", "--no-artist"], &place[..]].concat()).await;
    assert_eq!(String::from_utf8_lossy(&corrected.stdout), format!("{id}: Innuendo!\n"));
    assert!(run(&[&["songs", "remove", id], &place[..]].concat()).await.status.success());
    let again = run(&[&["songs", "remove", id], &place[..]].concat()).await;
    assert_eq!(again.status.code(), Some(3), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(titles(&operator.get(SONGS).await.expect(200)), ["Listed"]);
}

async fn the_command_line_says_what_it_does_not_send(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let operator = operator_of(&deployment.user());
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("music");
    let deep = (0..32).fold(folder.clone(), |path, _| path.join("d"));
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("too deep.mid"), midi(1)).unwrap();
    std::fs::write(deep.with_file_name("deep.mid"), midi(2)).unwrap();
    std::fs::write(home.path().join("outside.mid"), midi(3)).unwrap();
    std::os::unix::fs::symlink(home.path().join("outside.mid"), folder.join("link.mid")).unwrap();
    let place = ["--server", operator.base.as_str(), "--token", operator.token().unwrap()];
    let imported = run(&[&["songs", "import", folder.to_str().unwrap()], &place[..]].concat()).await;
    let text = String::from_utf8_lossy(&imported.stdout).into_owned();
    assert!(imported.status.success(), "{text} {}", String::from_utf8_lossy(&imported.stderr));
    assert!(text.contains("refused   music/link.mid: This is a link"), "{text}");
    assert!(text.contains("/d/d: The folders lie more than 32 deep in each other."), "{text}");
    assert!(text.contains("imported  music/d/d") && text.contains("/deep.mid: deep"), "{text}");
    assert!(text.ends_with("1 imported, 0 there already, 2 refused\n"), "{text}");
    // Here and there say the same of the same folder.
    let data = home.path().join("data");
    let here =
        run(&["--json", "songs", "import", folder.to_str().unwrap(), "--data-dir", data.to_str().unwrap()]).await;
    let there = run(&[&["--json", "songs", "import", folder.to_str().unwrap()], &place[..]].concat()).await;
    let refused = |output: &Output| -> Vec<Value> {
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["refused"], 2, "{report}");
        let files = report["files"].as_array().unwrap().iter().filter(|line| line["outcome"] == "refused");
        let mut lines: Vec<Value> = files.cloned().collect();
        lines.sort_by_key(|line| line["file"].to_string());
        lines
    };
    assert_eq!(refused(&here), refused(&there));
}

async fn an_import_that_may_not_be_ends_with_one_sentence(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let home = tempfile::tempdir().unwrap();
    let files = [1, 2].map(|n| home.path().join(format!("{n}.mid")));
    files.iter().zip(1..).for_each(|(file, n)| std::fs::write(file, midi(n)).unwrap());
    let files = files.each_ref().map(|file| file.to_str().unwrap());
    for token in ["no.such.token", user.token().unwrap()] {
        let place = ["--server", user.base.as_str(), "--token", token];
        let refused = run(&[&["songs", "import"], &files[..], &place[..]].concat()).await;
        assert_eq!(refused.status.code(), Some(3));
        assert_eq!(String::from_utf8_lossy(&refused.stdout), "", "it is nothing about a file");
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(error.lines().count() == 1 && error.contains("token"), "{error}");
    }
    assert_eq!(deployment.objects().await, [""; 0]);
}

/// Without a server: the same rows and objects as `descant serve` has.
#[tokio::test]
async fn the_command_line_needs_no_server() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let place = ["--data-dir", data.to_str().unwrap()];
    let file = home.path().join("Queen - Innuendo.mid");
    std::fs::write(&file, midi(1)).unwrap();
    let import = [&["songs", "import", file.to_str().unwrap()], &place[..]].concat();
    let imported = run(&import).await;
    let text = String::from_utf8_lossy(&imported.stdout).into_owned();
    let tail = "Queen - Innuendo.mid: Innuendo - Queen\n1 imported, 0 there already, 0 refused\n";
    assert!(text.ends_with(tail), "{text} {}", String::from_utf8_lossy(&imported.stderr));
    assert!(String::from_utf8_lossy(&run(&import).await.stdout).ends_with("0 imported, 1 there already, 0 refused\n"));
    let list = run(&[&["songs", "list"], &place[..]].concat()).await;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.starts_with("TITLE") && list.lines().count() == 2 && list.contains("Innuendo  Queen"), "{list}");
    let none = run(&[&["songs", "import", "/dev/null"], &place[..]].concat()).await;
    assert_eq!(none.status.code(), Some(3), "{}", String::from_utf8_lossy(&none.stderr));
    let missing = run(&[&["songs", "import", "no such file"], &place[..]].concat()).await;
    assert_eq!(missing.status.code(), Some(3));
    // A blend takes it by name, beside files.
    let samples = home.path().join("samples");
    assert!(run(&["sample-songs", samples.to_str().unwrap()]).await.status.success());
    let import = [&["songs", "import", samples.to_str().unwrap()], &place[..]].concat();
    assert!(run(&import).await.status.success());
    let out = home.path().join("blend");
    let reel = samples.join("tin-roof-reel.mid");
    let blend = ["blend", "Harbour Morning", reel.to_str().unwrap(), "lantern-walk", "--bars", "8", "--format", "mid"];
    let blend = [&blend[..], &["--out", out.to_str().unwrap()], &place[..]].concat();
    let blended = run(&blend).await;
    assert!(blended.status.success(), "{}", String::from_utf8_lossy(&blended.stderr));
    assert!(out.join("song.mid").is_file());
    let near = run(&[&["blend", "Harbor Mornin", "x.mid", "y.mid"], &place[..]].concat()).await;
    let near = String::from_utf8_lossy(&near.stderr).into_owned();
    assert!(near.contains("no song of that name") && near.contains("harbour-morning"), "{near}");
    for name in ["harbour", "reel", "lantern"] {
        let found = run(&[&["--json", "songs", "search", name], &place[..]].concat()).await;
        let found: Value = serde_json::from_slice(&found.stdout).unwrap();
        let id = found["songs"][0]["id"].as_str().unwrap().to_owned();
        assert!(run(&[&["songs", "remove", &id], &place[..]].concat()).await.status.success());
    }
    let id = run(&[&["--json", "songs", "search", "inuendo"], &place[..]].concat()).await;
    let id: Value = serde_json::from_slice(&id.stdout).unwrap();
    let id = id["songs"][0]["id"].as_str().unwrap();
    assert!(run(&[&["songs", "remove", id], &place[..]].concat()).await.status.success());
    let left = run(&[&["--json", "songs", "list"], &place[..]].concat()).await;
    assert_eq!(serde_json::from_slice::<Value>(&left.stdout).unwrap()["songs"], json!([]));
}
