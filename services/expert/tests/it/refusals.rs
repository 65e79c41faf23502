//! What the service does not take, and that each refusal has its status, its code and a sentence.

use std::time::Duration;

use lyrics::LyricsRequest;
use providers::{DirectCalls, ExpertClient, LyricsWriter, MelodyExtractor, ProviderCall, no_progress};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Expert, MAX_SIZE_BYTES, assert_refused, hum, silence};

const PROMPT: (&str, &str) = ("prompt", "A romantic ballad about summer nights");

#[tokio::test]
async fn recordings_and_requests_that_make_no_song() {
    let expert = Expert::start();
    let detail = assert_refused("silence", expert.convert(silence(), &[PROMPT]).await, 422, "invalid_audio").await;
    assert!(detail.contains("silent"), "{detail}");
    let text = b"no sound at all, whatever my name says ".repeat(100);
    assert_refused("text", expert.convert(text, &[PROMPT]).await, 422, "invalid_audio").await;
    let long = vec![0; MAX_SIZE_BYTES as usize + 1];
    assert_refused("too large", expert.convert(long, &[PROMPT]).await, 413, "invalid_audio").await;

    let short = expert.convert(hum(), &[("prompt", "a song")]).await;
    let detail = assert_refused("short prompt", short, 400, "provider_rejected").await;
    assert!(detail.contains("at least 10"), "{detail}");
    for seed in ["seven", "9007199254740992"] {
        let answer = expert.convert(hum(), &[PROMPT, ("seed", seed)]).await;
        let detail = assert_refused(seed, answer, 400, "provider_rejected").await;
        assert_eq!(detail, "seed: expected a whole number from 0 to 9007199254740991");
    }
    let genre = expert.convert(hum(), &[PROMPT, ("genre", &"x".repeat(51))]).await;
    assert_refused("genre", genre, 400, "provider_rejected").await;
    let form = reqwest::multipart::Form::new().text(PROMPT.0, PROMPT.1);
    let alone = expert.http.post(expert.url("melody-to-vocals")).multipart(form).send().await.unwrap();
    assert_refused("no recording", alone, 400, "provider_rejected").await;
    let no_form = expert.http.post(expert.url("melody-to-vocals")).body("a=1").send().await.unwrap();
    assert_refused("no form", no_form, 400, "provider_rejected").await;

    for id in ["7e57d004-2b97-4e7a-b45f-5387367791cd", "no-id", "..%2f..%2fetc%2fpasswd"] {
        assert_refused(id, expert.get(&format!("files/{id}")).await, 404, "storage").await;
    }
    let silent = expert.http.post(expert.url("v1/melody")).body(silence()).send().await.unwrap();
    assert_refused("no melody", silent, 422, "no_melody").await;
}

#[tokio::test]
async fn songs_that_are_not_good_enough_and_voices_that_are_not_there() {
    let strict = [("DESCANT_QUALITY__MAX_VOWEL_ONSET_MS", "0"), ("DESCANT_QUALITY__TAKES", "2")];
    let expert = Expert::start_with(&strict);
    let detail = assert_refused("gate", expert.convert(hum(), &[PROMPT]).await, 422, "quality_gate").await;
    assert!(detail.contains("2 takes") && detail.contains("vowels begin"), "{detail}");

    let expert = Expert::start_with(&[("DESCANT_ENGINE__SPEECH", "off")]);
    let missing = expert.convert(hum(), &[PROMPT, ("voice", "rms")]).await;
    let detail = assert_refused("voice", missing, 422, "provider_config").await;
    assert!(detail.contains("install flite"), "{detail}");
    let unknown = expert.convert(hum(), &[PROMPT, ("voice", "bob")]).await;
    assert_refused("unknown voice", unknown, 400, "provider_rejected").await;
}

#[tokio::test]
async fn words_of_the_operators_own_list_are_written_around() {
    let folder = tempfile::tempdir().unwrap();
    let list = |terms: &str| {
        let path = folder.path().join("words.toml");
        let entry =
            format!("[[entries]]\nlanguage = \"en\"\nseverity = \"block\"\ncategory = \"other\"\nterms = [{terms}]\n");
        std::fs::write(&path, entry).unwrap();
        path.display().to_string()
    };
    // A word that the first take of this seed sings, as long as nobody minds.
    let song = async |expert: &Expert| -> Value {
        expert.convert(hum(), &[PROMPT, ("seed", "7")]).await.json().await.unwrap()
    };
    let before = song(&Expert::start()).await;
    let text = before["lyrics"].as_str().unwrap().to_lowercase();
    let lines = text.lines().skip(2);
    let kept = ["summer", "night", "nights", "romantic", "ballad", "about"];
    let word = lines
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_matches(|c: char| !c.is_alphabetic()))
        .find(|word| word.len() > 3 && word.chars().all(char::is_alphabetic) && !kept.contains(word))
        .expect("a word of our own");
    let path = list(&format!("\"{word}\""));
    let after = song(&Expert::start_with(&[("DESCANT_SAFETY__LISTS", &path), ("DESCANT_QUALITY__TAKES", "10")])).await;
    let sung = after["lyrics"].as_str().unwrap_or_else(|| panic!("no song without {word:?}: {after}")).to_lowercase();
    assert!(!sung.split(|c: char| !c.is_alphabetic()).any(|sung| sung == word), "{word}: {sung}");
}

#[tokio::test]
async fn bodies_that_are_not_what_the_route_takes() {
    let expert = Expert::start();
    for body in [json!({}), json!([]), json!({ "melody": {}, "request": {} })] {
        assert_refused("not a call", expert.post_json("v1/lyrics", &body).await, 400, "provider_rejected").await;
    }
    // Refused by its announced length: nothing of it is read.
    let address = format!("{}:{}", expert.base.host_str().unwrap(), expert.base.port().unwrap());
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /v1/vocals HTTP/1.1\r\nhost: expert\r\nconnection: close\r\n\
                content-type: application/json\r\ncontent-length: 1000000000\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"code\":\"provider_rejected\""), "{answer}");
}

/// What a made-up call has that an honest one has not.
type Change = fn(&mut Value);

/// A made-up melody may not ask for more memory than there is: the service refuses it and goes on.
#[tokio::test]
async fn melodies_that_ask_for_endless_sound() {
    let expert = Expert::start();
    let client =
        ExpertClient::new(&providers::Outside::default().outbound().unwrap(), "expert", expert.base.clone(), None)
            .unwrap();
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &hum()).unwrap();
    let audio = providers::AudioInput::new(file).unwrap();
    let calls = DirectCalls::default();
    let call = ProviderCall::alone(&calls, "expert", Duration::from_secs(600));
    let melody = client.extract(&audio, no_progress(), &call).await.unwrap();
    let request =
        LyricsRequest { prompt: PROMPT.1.to_owned(), genre: None, mood: None, seed: 7, ..LyricsRequest::default() };
    let lyrics = client.write(&melody, &request, &call).await.unwrap();
    let honest = json!({ "melody": melody, "lyrics": lyrics, "voice": {} });

    let changes: [(&str, Change); 4] = [
        ("long recording", |call| call["melody"]["duration_seconds"] = json!(1e9)),
        ("long note", |call| call["melody"]["notes"][3]["duration_seconds"] = json!(1e9)),
        ("long track", |call| call["melody"]["track"]["hop_seconds"] = json!(1e6)),
        ("phrase past the end", |call| call["melody"]["phrases"][0]["end"] = json!(1_000_000)),
    ];
    for (what, change) in changes {
        let mut call = honest.clone();
        change(&mut call);
        assert_refused(what, expert.post_json("v1/vocals", &call).await, 400, "provider_rejected").await;
        let words = json!({ "melody": call["melody"], "request": request });
        assert_refused(what, expert.post_json("v1/lyrics", &words).await, 400, "provider_rejected").await;
    }
    assert_eq!(expert.get_json("health").await["status"], "healthy");
    assert_eq!(expert.post_json("v1/vocals", &honest).await.status(), reqwest::StatusCode::OK);
}
