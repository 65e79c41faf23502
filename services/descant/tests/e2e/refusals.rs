//! Bad input: each has its own clear answer, and nothing of it stays.

use std::io::Write;

use serde_json::Value;

use crate::harness::{Answer, Deployment, Flavour, Submission, User, hum, long_hum, own, wav};

over_both!(bad_recordings_leave_nothing, bad_forms_leave_nothing, listed_words_are_refused_before_there_is_a_job);

/// What a refusal must say.
enum Says {
    /// Code of a finding that is an error.
    Finding(&'static str),
    Field(&'static str),
    Nothing,
}

struct Case {
    what: &'static str,
    submission: Submission,
    status: u16,
    code: &'static str,
    says: Says,
}

impl Case {
    fn recording(
        what: &'static str,
        file_name: &str,
        bytes: Vec<u8>,
        status: u16,
        code: &'static str,
        finding: &'static str,
    ) -> Self {
        Self { what, submission: Submission::of(file_name, bytes), status, code, says: Says::Finding(finding) }
    }
}

async fn bad_recordings_leave_nothing(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    for case in recordings() {
        let answer = user.submit(&case.submission).await;
        let body = refused(&case, &answer);
        if let Says::Finding(code) = case.says {
            finding_is_told(case.what, &body, code);
        }
        nothing_counts(&user, case.what).await;
    }
    nothing_remains(&deployment).await;
}

fn recordings() -> Vec<Case> {
    const REFUSED: &str = "audio_refused";
    const UNSUPPORTED: &str = "unsupported_audio";
    let hum = hum();
    let rate = hum.sample_rate_hz;
    let good = hum.wav();
    let clipped: Vec<f32> = hum.samples.iter().map(|sample| (sample * 40.0).clamp(-1.0, 1.0)).collect();
    let whisper: Vec<f32> = hum.samples.iter().map(|sample| sample * 0.0005).collect();
    let slow: Vec<f32> = hum.samples.iter().step_by(6).copied().collect();
    let half_second = &hum.samples[rate as usize..rate as usize * 3 / 2];
    let five_minutes_and_one_second: Vec<f32> = long_hum(301.0 * 16.0 / 44.1).samples;
    let text = "This is a letter and no recording, whatever its name says.\n".repeat(50).into_bytes();
    let too_large = {
        let mut bytes = good.clone();
        bytes.resize(51 * 1024 * 1024, 0);
        bytes
    };
    vec![
        Case {
            what: "too large",
            submission: Submission::of("large.wav", too_large),
            status: 413,
            code: "too_large",
            says: Says::Nothing,
        },
        Case::recording("too long", "long.wav", wav(&five_minutes_and_one_second, 16_000), 400, REFUSED, "too_long"),
        Case::recording("too short", "short.wav", wav(half_second, rate), 400, REFUSED, "too_short"),
        Case::recording("silent", "silence.wav", wav(&vec![0.0; 3 * 44_100], rate), 400, REFUSED, "silent_audio"),
        Case::recording("nearly silent", "whisper.wav", wav(&whisper, rate), 400, REFUSED, "silent_audio"),
        Case::recording("badly clipped", "loud.wav", wav(&clipped, rate), 400, REFUSED, "severe_clipping"),
        Case::recording("low sample rate", "slow.wav", wav(&slow, rate / 6), 400, REFUSED, "sample_rate_too_low"),
        Case::recording("truncated", "cut.wav", good[..good.len() * 2 / 3].to_vec(), 400, REFUSED, "truncated_file"),
        Case::recording("empty", "empty.wav", Vec::new(), 400, REFUSED, "file_empty"),
        Case::recording("text called mp3", "song.mp3", text.clone(), 415, UNSUPPORTED, "not_audio"),
        Case::recording("text called wav", "song.wav", text, 415, UNSUPPORTED, "not_audio"),
        Case::recording(
            "a playlist",
            "list.m4a",
            b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n".to_vec(),
            415,
            UNSUPPORTED,
            "not_audio",
        ),
    ]
}

async fn bad_forms_leave_nothing(flavour: Flavour) {
    let deployment = own(flavour, &[]).await;
    let user = deployment.user();
    let good = Submission::of("hum.wav", hum().wav());
    let field = |what, submission, field| Case {
        what,
        submission,
        status: 400,
        code: "invalid_field",
        says: Says::Field(field),
    };
    let cases = [
        field("no recording", good.clone().without_audio(), "audio"),
        field("no prompt", good.clone().without("prompt"), "prompt"),
        field("empty prompt", good.clone().with("prompt", "   "), "prompt"),
        field("prompt too short", good.clone().with("prompt", "nine char"), "prompt"),
        field("prompt too long", good.clone().with("prompt", "ä".repeat(501)), "prompt"),
        field("control characters", good.clone().with("prompt", "a song with a bell \u{7} in it"), "prompt"),
        field("seed is no number", good.clone().with("seed", "seven"), "seed"),
        field("seed below zero", good.clone().with("seed", "-1"), "seed"),
        field("genre too long", good.clone().with("genre", "g".repeat(500)), "genre"),
        field("mood too long", good.clone().with("mood", "m".repeat(500)), "mood"),
        Case {
            what: "a field of 5 kB",
            submission: good.clone().with("prompt", "p".repeat(5000)),
            status: 400,
            code: "invalid_body",
            says: Says::Nothing,
        },
        field("key too long", good.clone().keyed(&"k".repeat(256)), "Idempotency-Key"),
    ];
    for case in cases {
        let body = refused(&case, &user.submit(&case.submission).await);
        if let Says::Field(field) = case.says {
            assert_eq!(body["field"], field, "{}: {body}", case.what);
        }
        nothing_counts(&user, case.what).await;
    }
    other_bodies_are_refused(&user).await;
    nothing_counts(&user, "other bodies").await;
    nothing_remains(&deployment).await;
}

/// By the built-in lists and by the operator's own, in every field that says something in words.
async fn listed_words_are_refused_before_there_is_a_job(flavour: Flavour) {
    let mut lists = tempfile::NamedTempFile::new().expect("a temporary file");
    let own_list = "[[entries]]\nlanguage = \"en\"\nseverity = \"block\"\ncategory = \"other\"\nterms = [\"turnip\"]\n\
                    allowed_in = [\"turnip soup\"]\n";
    lists.write_all(own_list.as_bytes()).expect("a list can be written");
    let path = lists.path().to_str().expect("a path in UTF-8");
    let deployment = own(flavour, &[("DESCANT_SAFETY__LISTS", path)]).await;
    let user = deployment.user();
    let good = Submission::of("hum.wav", hum().wav());
    let vulgar = String::from_utf8(vec![115, 104, 105, 116]).expect("ASCII");
    let marked = format!("a quiet glasshouse full of {vulgar}");
    for (field, text, category) in [
        ("prompt", marked.as_str(), "vulgar"),
        ("prompt", "a glasshouse where every T-u-r-n-i-p is in love", "listed words"),
        ("genre", "glasshouse turnip", "listed words"),
        ("mood", vulgar.as_str(), "vulgar"),
    ] {
        let submission = good.clone().with(field, text).keyed("the same key");
        let answer = user.submit(&submission).await;
        let body = answer.problem(400, "content_rejected");
        assert_eq!(body["field"], field, "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains(category)), "{body}");
        let said = answer.text().to_lowercase();
        assert!(!said.contains("glasshouse") && !said.contains("turnip") && !said.contains(&vulgar), "{said}");
        nothing_counts(&user, field).await;
    }
    nothing_remains(&deployment).await;
    for (name, log) in deployment.logs() {
        assert!(!log.contains("glasshouse"), "{name} repeats what was refused");
    }
    // The key is free again, and what is innocent on the operator's list is a job.
    let soup = good.with("prompt", "a song about turnip soup").keyed("the same key");
    let job = User::accepted(&user.submit(&soup).await);
    user.cancel(&job).await;
    user.ended(&job).await;
}

async fn other_bodies_are_refused(user: &User) {
    const CONVERT: &str = "/api/v1/melody-vocals/convert";
    let json = user.post_json(CONVERT, &serde_json::json!({ "prompt": "a prompt that is long enough" })).await;
    json.problem(415, "unsupported_media_type");
    let plain = user.posting(CONVERT).header("content-type", "audio/wav").body(hum().wav());
    Answer::of(plain).await.problem(415, "unsupported_media_type");
    Answer::of(user.posting(CONVERT)).await.problem(415, "unsupported_media_type");
    let broken = user
        .posting(CONVERT)
        .header("content-type", "multipart/form-data; boundary=edge")
        .body("--edge\r\nContent-Disposition: form-data; name=\"audio\"; filename=\"a.wav\"\r\n\r\nRIFF and no end");
    Answer::of(broken).await.problem(400, "invalid_body");
    let other_method = user.get(CONVERT).await;
    other_method.problem(405, "method_not_allowed");
    assert_eq!(other_method.header("allow"), Some("POST"));
}

fn refused(case: &Case, answer: &Answer) -> Value {
    assert_eq!(answer.status.as_u16(), case.status, "{}: {}", case.what, answer.text());
    answer.problem(case.status, case.code)
}

fn finding_is_told(what: &str, body: &Value, code: &str) {
    let findings = body["findings"].as_array().unwrap_or_else(|| panic!("{what}: no findings in {body}"));
    let found = findings.iter().find(|finding| finding["code"] == code);
    let found = found.unwrap_or_else(|| panic!("{what}: no {code} in {body}"));
    assert_eq!(found["severity"], "error", "{what}: {found}");
    let message = found["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{what}: {found}");
    assert!(body["detail"].as_str().unwrap_or_default().contains(message), "{what}: the sentence says why: {body}");
}

async fn nothing_counts(user: &User, after: &str) {
    let quota = user.quota().await;
    for used in ["dailyUsed", "monthlyUsed", "totalUsed"] {
        assert_eq!(quota[used], 0, "after {after}: {quota}");
    }
    assert_eq!(user.history("").await["pagination"]["total"], 0, "after {after}");
}

/// Only refused things have happened in this deployment: no object, no upload, no message is left.
pub async fn nothing_remains(deployment: &Deployment) {
    assert_eq!(deployment.objects().await, Vec::<String>::new());
    no_upload_remains(deployment).await;
}

/// No upload is left that belongs to no job.
pub async fn no_upload_remains(deployment: &Deployment) {
    let database = deployment.database().await;
    let far_future = chrono::Utc::now() + chrono::TimeDelta::days(1);
    let uploads = database.uploads().condemn_orphans(far_future, 100, far_future).await.expect("uploads can be read");
    assert_eq!(uploads, []);
    database.close().await.expect("the database closes");
}
