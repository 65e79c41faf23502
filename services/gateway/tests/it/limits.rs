//! Slow and many uploads.

use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{harness::Harness, wire::read};

/// The head of a submission and the start of its recording; the rest never comes.
async fn begun(harness: &Harness) -> TcpStream {
    let mut stream = TcpStream::connect(harness.address).await.expect("it listens");
    let head = format!(
        "POST /api/v1/melody-vocals/convert HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
         content-type: multipart/form-data; boundary=edge\r\ncontent-length: 100000\r\n\r\n--edge\r\n\
         content-disposition: form-data; name=\"audio\"; filename=\"hum.wav\"\r\n\r\nRIFF",
        harness.address
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    stream
}

/// One upload that stands still holds the only slot: who waits for it is told when to come back, and it is given up
/// itself before long, so that the next one gets in.
#[tokio::test]
async fn an_upload_that_stands_still_is_given_up_and_others_are_told_to_wait() {
    let harness = Harness::with(&[("http.upload_concurrency", "1")]).await;
    let slow = begun(&harness).await;
    testbed::eventually("the slot to be taken", std::time::Duration::from_secs(30), || async {
        let rows = harness.deps.database().expect("rows");
        let far = chrono::Utc::now() + chrono::TimeDelta::days(1);
        match rows.uploads().condemn_orphans(far, 1, far).await {
            Ok(rows) if rows.len() == 1 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let next = begun(&harness).await;
    let (slow, next) = tokio::join!(read(slow), read(next));
    let body = next.problem(429, "too_many_requests");
    assert_eq!(next.header("retry-after"), Some("10"), "{body}");
    assert_eq!(body["retry_after_seconds"], 10, "{body}");
    slow.problem(408, "too_slow");
}
