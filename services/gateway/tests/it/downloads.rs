//! Files of a result: ranges, conditions, and what caches are told.

use crate::harness::{Harness, SONG};

#[tokio::test]
async fn ranges_and_conditions_keep_to_the_standard() {
    let harness = Harness::open().await;
    let path = format!("/api/v1/jobs/{}/result", harness.finished_job().await);
    let whole = harness.ask("GET", &path, &[]).await;
    assert_eq!((whole.status, whole.body.as_slice()), (200, SONG));
    let etag = whole.header("etag").expect("a tag").to_owned();
    let weak = format!("W/{etag}");
    let caching = whole.header("cache-control").expect("told").to_owned();

    let range = ("range", "bytes=3-5");
    for (headers, expected) in [
        (vec![range], b"345".as_slice()),
        (vec![range, ("if-range", etag.as_str())], b"345"),
        (vec![range, ("if-range", weak.as_str())], SONG),
        (vec![range, ("if-range", "*")], SONG),
        (vec![range, ("if-range", "Sat, 28 Nov 2026 00:00:00 GMT")], SONG),
        (vec![("range", "bytes=30-999999999999999999999")], b"uvwxyz"),
        (vec![("range", "bytes=+3-5")], SONG),
    ] {
        let answer = harness.ask("GET", &path, &headers).await;
        assert_eq!(answer.body, expected, "{headers:?}");
        assert_eq!(answer.status, if expected == SONG { 200 } else { 206 }, "{headers:?}");
    }
    let beyond = harness.ask("GET", &path, &[("range", "bytes=36-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */36")));

    let head = harness.ask("HEAD", &path, &[range]).await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("36")), "only GET has ranges");
    assert_eq!((head.header("content-range"), head.header("accept-ranges")), (None, Some("bytes")));
    assert_eq!(head.header("etag"), Some(etag.as_str()));

    for tags in [&[etag.as_str()] as &[_], &["\"x\"", etag.as_str()], &[weak.as_str(), "\"x\""], &["*"]] {
        let told: Vec<_> = tags.iter().map(|tag| ("if-none-match", *tag)).collect();
        for method in ["GET", "HEAD"] {
            let known = harness.ask(method, &path, &told).await;
            assert_eq!((known.status, known.header("etag")), (304, Some(etag.as_str())), "{method} {told:?}");
            assert_eq!(known.header("cache-control"), Some(caching.as_str()), "{method} {told:?}");
            assert!(known.body.is_empty());
        }
    }
    harness.ask("GET", &path, &[("if-match", "\"x\"")]).await.problem(412, "precondition_failed");
    assert_eq!(harness.ask("GET", &path, &[("if-match", &etag)]).await.status, 200);
}
