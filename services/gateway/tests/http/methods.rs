//! Every path of the document tells its methods.

use crate::house::House;

#[tokio::test]
async fn a_known_path_takes_head_with_get_and_names_its_methods() {
    let house = House::open().await;
    let job = house.finished_job().await;
    let paths = gateway::openapi().paths.paths;
    assert!(paths.len() >= 17);
    // The path of a kind is one of `/api/v1/jobs/{id}`, which takes more.
    let served = paths.iter().filter(|(path, _)| *path != "/api/v1/jobs/melody-to-vocals");
    let served = served.map(|(path, item)| {
        let posted = item.post.is_some() || path == "/api/v1/jobs/{id}";
        let allow = match (item.get.is_some(), posted) {
            _ if item.delete.is_some() => "GET, HEAD, PATCH, DELETE",
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
        let path = path.replace("{jobId}", &job.to_string()).replace("{id}", &job.to_string());
        let (path, is_read) = (path.replace("{messageId}", "x"), allow.starts_with("GET"));
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let answer = house.ask(method, &path, &[]).await;
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
            let (got, head) = (house.ask("GET", &path, &[]).await, house.ask("HEAD", &path, &[]).await);
            assert_eq!((got.status, head.body.len()), (head.status, 0), "{path}");
            assert_eq!(got.header("content-type"), head.header("content-type"), "{path}");
            let length = |of: &crate::wire::Answer| of.header("content-length").is_some();
            assert_eq!(length(&got), length(&head), "{path}");
        }
    }
    for method in ["GET", "HEAD", "POST", "OPTIONS"] {
        for path in ["/", "/api", "/api/healthy", "/api/health/", "/metrics/x"] {
            assert_eq!(house.ask(method, path, &[]).await.status, 404, "{method} {path}");
        }
    }
}
