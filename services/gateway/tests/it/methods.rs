//! Every path of the document tells its methods.

use domain::{ArtifactRole, JobEvent, Kinds};

use crate::harness::Harness;

#[tokio::test]
async fn a_known_path_takes_head_with_get_and_names_its_methods() {
    let harness = Harness::open().await;
    let job = harness.finished_job().await;
    let paths = gateway::openapi().paths.paths;
    assert!(paths.len() >= 17);
    // An older API's paths are about jobs of its own kind.
    let blend = harness.waiting_job(domain::kinds::blend::NAME).await;
    harness.claim(blend).await;
    for event in [JobEvent::StoringStarted, JobEvent::Completed] {
        harness.happens(blend, event).await;
    }
    harness.add_artifact(blend, ArtifactRole::AUDIO_MP3, "Blend.mp3").await;
    let music = harness.waiting_job(domain::kinds::composition::NAME).await;
    harness.add_model("small").await;
    let of_music = |path: &str| path.starts_with("/api/music-generator/");
    let of_blends = |path: &str| path.starts_with("/api/status/") || path.starts_with("/api/download/");
    // The path of a kind is one of `/api/v1/jobs/{id}`, which takes more.
    let kinds = Kinds::built_in();
    let is_kind = |path: &str| kinds.iter().any(|kind| path == format!("/api/v1/jobs/{}", kind.name));
    let served = paths.iter().filter(|(path, _)| !is_kind(path));
    let served = served.map(|(path, item)| {
        let posted = item.post.is_some() || path == "/api/v1/jobs/{id}";
        let allow = match (item.get.is_some(), posted) {
            _ if item.delete.is_some() => "GET, HEAD, PATCH, DELETE",
            _ if item.patch.is_some() => "GET, HEAD, PATCH",
            (true, true) => "GET, HEAD, POST",
            (true, false) => "GET, HEAD",
            (false, _) => "POST",
        };
        (path.clone(), allow)
    });
    let more = ["/metrics", "/openapi.json"].map(|path| (path.to_owned(), "GET, HEAD"));
    for (path, allow) in served.chain(more) {
        // An id is no kind.
        let is_made = path == "/api/v1/jobs/{id}";
        // A job's id is no song's.
        let is_song = path == "/api/v1/songs/{id}";
        let id = if of_blends(&path) { blend } else { job }.to_string();
        let path = if of_music(&path) { path.replace("{musicId}", &music.to_string()) } else { path };
        let path = path.replace("{jobId}", &id).replace("{id}", &id).replace("{fileId}", &id);
        let path = path.replace("{messageId}", "x").replace("{provider}", "x").replace("{name}", "small");
        let is_read = allow.starts_with("GET");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let answer = harness.ask(method, &path, &[]).await;
            if allow.split(", ").any(|known| known == method) {
                // There is no such dead letter.
                let may_be_absent = is_song || path.ends_with("/requeue") || (is_made && method == "POST");
                let absent = answer.status == 404 && !may_be_absent;
                assert!(!absent && !matches!(answer.status, 405 | 500..), "{method} {path}: {}", answer.status);
            } else {
                assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
                if method != "HEAD" {
                    answer.problem(405, "method_not_allowed");
                }
            }
        }
        if is_read {
            let (got, head) = (harness.ask("GET", &path, &[]).await, harness.ask("HEAD", &path, &[]).await);
            assert_eq!((got.status, head.body.len()), (head.status, 0), "{path}");
            assert_eq!(got.header("content-type"), head.header("content-type"), "{path}");
            let length = |of: &crate::wire::Answer| of.header("content-length").is_some();
            assert_eq!(length(&got), length(&head), "{path}");
        }
    }
    for method in ["GET", "HEAD", "POST", "OPTIONS"] {
        for path in ["/", "/api", "/api/healthy", "/api/health/", "/metrics/x"] {
            assert_eq!(harness.ask(method, path, &[]).await.status, 404, "{method} {path}");
        }
    }
}
