//! What only S3 has: links, part sizes, retries, and services that misbehave.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use blob_store::{BlobError, ByteRange, S3Config};
use bytes::Bytes;
use chrono::Utc;
use futures_util::{future::join_all, stream};
use testbed::eventually;

use crate::support::{
    Backend, MIB, config_of, content, key, read_all,
    scripted::{Answer, Asked, ScriptedS3},
    streamed,
};

#[tokio::test]
async fn a_link_downloads_under_its_name_until_it_expires() {
    let backend = Backend::s3().await;
    let (key, content) = (key("jobs/j/result/audio_mp3.mp3"), content(100_000, 1));
    backend.store.put(&key, streamed(&content), "audio/mpeg", u64::MAX).await.unwrap();
    let link = |life| backend.store.presign_get(&key, life, "Grüße an dich.mp3", "audio/mpeg");

    let good = link(Duration::from_secs(60)).await.unwrap().expect("S3 has links");
    let answer = reqwest::get(good.clone()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "audio/mpeg");
    assert_eq!(
        answer.headers()["content-disposition"],
        "attachment; filename=\"Gr__e an dich.mp3\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20an%20dich.mp3"
    );
    assert!(answer.bytes().await.unwrap() == content);

    let forged = good.as_str().replace("audio_mp3", "audio_wav");
    assert_eq!(reqwest::get(forged).await.unwrap().status(), 403, "a link is good for its object only");

    let short = link(Duration::from_secs(1)).await.unwrap().expect("S3 has links");
    eventually("the link to expire", Duration::from_secs(15), || async {
        let status = reqwest::get(short.clone()).await.unwrap().status();
        if status == 403 { Ok(()) } else { Err(status) }
    })
    .await;
    assert_eq!(reqwest::get(good).await.unwrap().status(), 200, "the longer one still works");
}

#[tokio::test]
async fn links_name_the_address_that_clients_use() {
    let bucket = testbed::s3_bucket().await;
    let mut config = config_of(&bucket);
    config.public_endpoint = Some("https://music.example.org".parse().unwrap());
    let store = blob_store::s3(config).unwrap();
    let link = store.presign_get(&key("a/b"), Duration::from_secs(9), "b", "text/plain").await.unwrap().unwrap();
    assert_eq!((link.scheme(), link.host_str()), ("https", Some("music.example.org")));
    assert!(link.path().ends_with("/a/b"), "{}", link.path());
}

#[tokio::test]
async fn default_checksums_work_too() {
    let bucket = testbed::s3_bucket().await;
    let mut config = config_of(&bucket);
    config.checksums_only_when_required = false;
    let store = blob_store::s3(config).unwrap();
    for size in [0, 100_000, 9 * MIB] {
        // A key for each: the test server keeps the checksum of a replaced object.
        let (key, content) = (key(&format!("uploads/{size}")), content(size, 2));
        store.put(&key, streamed(&content), "audio/wav", u64::MAX).await.unwrap();
        assert!(read_all(&*store, &key).await == content, "{size} bytes");
    }
}

#[tokio::test]
async fn a_wrong_key_is_denied_and_a_missing_bucket_is_no_missing_object() {
    let bucket = testbed::s3_bucket().await;
    let mut config = S3Config::new(&bucket.bucket, &bucket.access_key, "not the secret");
    config = config.at(bucket.endpoint.parse().unwrap());
    let store = blob_store::s3(config).unwrap();
    let error = store.put_bytes(&key("a"), content(10, 0), "text/plain").await.unwrap_err();
    assert!(matches!(error, BlobError::Denied { .. }) && !error.is_retryable(), "{error:?}");
    assert!(store.health().await.is_err());

    let mut config = config_of(&bucket);
    config.bucket = "no-such-bucket-here".to_owned();
    blob_store::s3(config.clone()).unwrap().health().await.unwrap_err();
    let error = blob_store::s3(config).unwrap().list(&"a/".parse().unwrap(), None, 1).await.unwrap_err();
    assert!(matches!(error, BlobError::Failed { .. }) && !error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn a_bucket_is_made_once() {
    let bucket = testbed::s3_bucket().await;
    blob_store::ensure_bucket(&config_of(&bucket)).await.unwrap();
    blob_store::ensure_bucket(&config_of(&bucket)).await.unwrap();
}

const BEGUN: &str = "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";

fn quick(endpoint: &url::Url) -> S3Config {
    let mut config = S3Config::new("bucket", "key", "secret").at(endpoint.clone());
    config.part_bytes = 5 * MIB;
    config.connect_timeout = Duration::from_millis(500);
    config
}

#[tokio::test]
async fn an_absent_service_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let store = blob_store::s3(quick(&endpoint)).unwrap();
    let error = store.head(&key("a")).await.unwrap_err();
    assert!(matches!(error, BlobError::Unavailable { .. }) && error.is_retryable(), "{error:?}");
}

#[tokio::test]
async fn an_overloaded_service_is_tried_a_bounded_number_of_times() {
    let service = ScriptedS3::start(|_| async { Answer::xml(503, "<Error><Code>SlowDown</Code></Error>") }).await;
    let store = blob_store::s3(quick(&service.endpoint)).unwrap();
    let error = store.get(&key("a"), None).await.unwrap_err();
    assert!(matches!(error, BlobError::Unavailable { .. }) && error.is_retryable(), "{error:?}");
    assert_eq!(service.asked().len(), 3);
}

#[tokio::test]
async fn a_hiccup_is_not_noticed() {
    let calls = AtomicUsize::new(0);
    let service = ScriptedS3::start(move |_| {
        let first = calls.fetch_add(1, SeqCst) == 0;
        async move { if first { Answer::empty(500) } else { Answer::empty(200) } }
    })
    .await;
    let store = blob_store::s3(quick(&service.endpoint)).unwrap();
    store.put_bytes(&key("a"), content(1000, 0), "text/plain").await.unwrap();
    assert_eq!(service.asked().len(), 2);
}

#[tokio::test]
async fn a_service_that_ignores_ranges_is_found_out() {
    let service = ScriptedS3::start(|_| async {
        Answer { status: 200, headers: vec![("content-type", "text/plain".into())], body: "whole".into() }
    })
    .await;
    let store = blob_store::s3(quick(&service.endpoint)).unwrap();
    let error = store.get(&key("a"), Some(ByteRange::From { first: 3 })).await.unwrap_err();
    assert!(matches!(error, BlobError::Failed { .. }), "{error:?}");
}

/// Bytes that a fake service has taken, and parts it is taking now.
#[derive(Default)]
struct Taken {
    bytes: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

/// A service that accepts multipart uploads slowly and remembers how much was under way.
async fn slow_service(taken: Arc<Taken>) -> ScriptedS3 {
    ScriptedS3::start(move |asked| {
        let taken = taken.clone();
        async move {
            if asked.method == "POST" && asked.target.contains("?uploads") {
                return Answer::xml(200, BEGUN);
            }
            if asked.method == "POST" {
                return Answer::xml(200, "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>");
            }
            let now = taken.at_once.fetch_add(1, SeqCst) + 1;
            taken.most_at_once.fetch_max(now, SeqCst);
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            taken.bytes.fetch_add(asked.body_bytes, SeqCst);
            taken.at_once.fetch_sub(1, SeqCst);
            Answer { status: 200, headers: vec![("etag", "\"e\"".into())], body: String::new() }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_stream_is_read_only_a_few_parts_ahead() {
    const CHUNK: usize = 64 * 1024;
    let taken = Arc::new(Taken::default());
    let service = slow_service(taken.clone()).await;
    let config = quick(&service.endpoint);
    let bound = (config.parts_in_flight + 1) * config.part_bytes + CHUNK;
    let store = blob_store::s3(config).unwrap();

    let most_ahead = Arc::new(AtomicUsize::new(0));
    let (ahead, seen) = (most_ahead.clone(), taken.clone());
    let chunk = Bytes::from(vec![7; CHUNK]);
    let body = stream::iter(0..800).map_ok_chunks(move |index| {
        let pulled = (index + 1) * CHUNK;
        ahead.fetch_max(pulled.saturating_sub(seen.bytes.load(SeqCst)), SeqCst);
        chunk.clone()
    });
    let stored = store.put(&key("uploads/long"), body, "audio/wav", u64::MAX).await.unwrap();
    assert_eq!(stored.size_bytes, 800 * CHUNK as u64);
    assert_eq!(taken.bytes.load(SeqCst), 800 * CHUNK);
    let ahead = most_ahead.load(SeqCst);
    assert!(ahead <= bound, "{ahead} bytes were read ahead of the service; {bound} is the bound");
    let parts = service.asked().iter().filter(|a| a.method == "PUT").count();
    assert_eq!(parts, (800 * CHUNK).div_ceil(5 * MIB));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_in_memory_are_bounded_over_all_uploads() {
    let taken = Arc::new(Taken::default());
    let service = slow_service(taken.clone()).await;
    let mut config = quick(&service.endpoint);
    config.part_buffers = 2;
    let store = blob_store::s3(config).unwrap();
    let content = content(11 * MIB, 5);
    let puts = (0..6).map(|i| {
        let (store, content) = (store.clone(), content.clone());
        tokio::spawn(async move {
            store.put(&key(&format!("uploads/{i}")), streamed(&content), "audio/wav", u64::MAX).await
        })
    });
    for put in join_all(puts).await {
        put.unwrap().unwrap();
    }
    assert_eq!(taken.bytes.load(SeqCst), 6 * 11 * MIB);
    assert_eq!(taken.most_at_once.load(SeqCst), 2, "two buffers: two parts under way, and both are used");
}

#[tokio::test]
async fn a_failed_part_aborts_the_upload() {
    let service = ScriptedS3::start(|asked: Asked| async move {
        match asked.method.as_str() {
            "POST" => Answer::xml(200, BEGUN),
            "PUT" => Answer::xml(403, "<Error><Code>AccessDenied</Code></Error>"),
            _ => Answer::empty(204),
        }
    })
    .await;
    let store = blob_store::s3(quick(&service.endpoint)).unwrap();
    let put = store.put(&key("uploads/x"), streamed(&content(16 * MIB, 1)), "audio/wav", u64::MAX).await;
    assert!(matches!(put, Err(BlobError::Denied { .. })), "{put:?}");
    let last = service.asked().pop().unwrap();
    assert!(last.method == "DELETE" && last.target.contains("uploadId=u1"), "{last:?}");
}

#[tokio::test]
async fn a_completion_whose_answer_was_lost_counts() {
    // The service no longer knows the upload. Whether that is because it was completed, the object tells.
    for (size_there, worked) in [(6 * MIB, true), (0, false)] {
        let service = ScriptedS3::start(move |asked: Asked| async move {
            let with =
                |header, value: String| Answer { status: 200, headers: vec![(header, value)], body: String::new() };
            match asked.method.as_str() {
                "POST" if asked.target.contains("?uploads") => Answer::xml(200, BEGUN),
                "POST" => Answer::xml(404, "<Error><Code>NoSuchUpload</Code></Error>"),
                "HEAD" => with("content-length", size_there.to_string()),
                _ => with("etag", "\"e\"".to_owned()),
            }
        })
        .await;
        let store = blob_store::s3(quick(&service.endpoint)).unwrap();
        let put = store.put(&key("uploads/x"), streamed(&content(6 * MIB, 1)), "audio/wav", u64::MAX).await;
        assert_eq!(put.is_ok(), worked, "{put:?}");
        assert!(worked || matches!(put, Err(BlobError::Failed { .. })), "{put:?}");
    }
}

#[tokio::test]
async fn uploads_of_crashed_writers_are_aborted() {
    let page = Arc::new(Mutex::new(String::new()));
    let script_page = page.clone();
    let service = ScriptedS3::start(move |asked: Asked| {
        let page = script_page.lock().unwrap().clone();
        async move { if asked.method == "GET" { Answer::xml(200, &page) } else { Answer::empty(204) } }
    })
    .await;
    let upload = |key: &str, id: &str, at: &str| {
        format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{at}</Initiated></Upload>")
    };
    *page.lock().unwrap() = format!(
        "<ListMultipartUploadsResult>{}{}{}<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>",
        upload("uploads/old", "u-old", "2020-01-01T00:00:00.000Z"),
        upload("uploads/new", "u-new", "2100-01-01T00:00:00.000Z"),
        upload("somebody else's", "u-foreign", "2020-01-01T00:00:00.000Z"),
    );
    let store = blob_store::s3(quick(&service.endpoint)).unwrap();
    assert_eq!(store.delete_unfinished(Utc::now()).await.unwrap(), 1);
    let deleted: Vec<_> = service.asked().into_iter().filter(|a| a.method == "DELETE").map(|a| a.target).collect();
    assert_eq!(deleted.len(), 1);
    assert!(deleted[0].contains("uploads/old") && deleted[0].contains("uploadId=u-old"), "{deleted:?}");
}

/// Chunks made one by one, as they are asked for.
trait MapOkChunks: stream::Stream + Sized {
    fn map_ok_chunks(self, make: impl FnMut(Self::Item) -> Bytes + Send + 'static) -> blob_store::ByteStream;
}

impl<S: stream::Stream + Send + 'static> MapOkChunks for S {
    fn map_ok_chunks(self, mut make: impl FnMut(S::Item) -> Bytes + Send + 'static) -> blob_store::ByteStream {
        use futures_util::StreamExt;
        Box::pin(self.map(move |item| Ok(make(item))))
    }
}
