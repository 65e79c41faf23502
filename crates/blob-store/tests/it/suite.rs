//! One suite over both backends: what a caller may rely on, whichever store the settings name.

use std::time::Duration;

use blob_store::{BlobError, ByteRange, ByteSpan, KeyPrefix};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use futures_util::future::join_all;
use testbed::eventually;

use crate::support::{Backend, MIB, broken_after, content, key, read_all, sha256, stalled_after, streamed};

/// Runs each test on a folder and on S3.
macro_rules! on_both {
    ($s3:ident: $($test:ident)+) => {
        mod folder {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::$test(super::Backend::folder()).await })+
        }
        mod $s3 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() { super::$test(super::Backend::$s3().await).await })+
        }
    };
}

mod shared {
    use super::*;
    on_both!(s3:
        every_size_comes_back_as_it_went_in
        an_object_is_replaced_as_a_whole
        bytes_in_memory_are_stored_too
        ranges_are_the_bytes_they_name
        heads_tell_size_and_type
        what_is_not_there_is_not_found
        deleting_is_idempotent
        listings_are_ordered_and_paged
        a_prefix_goes_and_its_neighbours_stay
        objects_become_local_files
        a_store_that_works_is_healthy
        many_writers_of_one_key_leave_one_whole_object
        writers_and_deleters_of_neighbours_do_not_disturb_each_other
        foreign_files_are_not_listed
    );
}

mod looked_at {
    use super::*;
    on_both!(s3_with_files:
        one_byte_over_the_limit_leaves_nothing
        a_broken_stream_leaves_nothing
        a_dropped_put_leaves_nothing
        a_failed_replacement_keeps_the_old_object
    );
}

async fn every_size_comes_back_as_it_went_in(backend: Backend) {
    let sizes = [0, 1, 70_000, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB];
    for (seed, size) in sizes.into_iter().enumerate() {
        let (key, content) = (key(&format!("uploads/{size}")), content(size, seed as u64));
        // The limit is exactly the size: the last byte allowed is still taken.
        let stored = backend.store.put(&key, streamed(&content), "audio/wav", size as u64).await.unwrap();
        assert_eq!((stored.size_bytes, stored.sha256), (size as u64, sha256(&content)), "{size} bytes");
        let object = backend.store.get(&key, None).await.unwrap();
        assert_eq!((object.size_bytes, object.span), (size as u64, ByteSpan::whole(size as u64)));
        assert_eq!(object.media_type, "audio/wav");
        let read = blob_store::collect(object.body, 64 * MIB).await.unwrap();
        assert!(read == content, "{size} bytes came back changed");
    }
}

async fn an_object_is_replaced_as_a_whole(backend: Backend) {
    let key = key("jobs/j/work/melody.json");
    backend.store.put(&key, streamed(&content(300_000, 1)), "audio/wav", u64::MAX).await.unwrap();
    let before = backend.store.head(&key).await.unwrap();
    let open = backend.store.get(&key, None).await.unwrap();
    backend.store.put(&key, streamed(&content(10, 2)), "application/json", u64::MAX).await.unwrap();
    let after = backend.store.head(&key).await.unwrap();
    assert_eq!((after.size_bytes, after.media_type.as_str()), (10, "application/json"));
    assert_ne!(before.etag, after.etag, "the etag changes with the content");
    assert_eq!(read_all(&*backend.store, &key).await, content(10, 2));
    assert_eq!(
        blob_store::collect(open.body, MIB).await.unwrap(),
        content(300_000, 1),
        "who reads the old one goes on"
    );
}

async fn bytes_in_memory_are_stored_too(backend: Backend) {
    for size in [0, 5_000, 9 * MIB] {
        let (key, content) = (key("jobs/j/work/x"), content(size, 3));
        let stored = backend.store.put_bytes(&key, content.clone(), "application/json").await.unwrap();
        assert_eq!((stored.size_bytes, stored.sha256), (size as u64, sha256(&content)));
        assert!(read_all(&*backend.store, &key).await == content);
    }
}

async fn ranges_are_the_bytes_they_name(backend: Backend) {
    let (key, content) = (key("jobs/j/result/audio_mp3.mp3"), content(9 * MIB, 4));
    backend.store.put(&key, streamed(&content), "audio/mpeg", u64::MAX).await.unwrap();
    let size = content.len();
    for (range, expected) in [
        (ByteRange::FromTo { first: 0, last: 0 }, 0..1),
        (ByteRange::FromTo { first: 8 * MIB as u64 - 3, last: 8 * MIB as u64 + 4 }, 8 * MIB - 3..8 * MIB + 5),
        (ByteRange::FromTo { first: size as u64 - 2, last: u64::from(u32::MAX) }, size - 2..size),
        (ByteRange::From { first: size as u64 - 1 }, size - 1..size),
        (ByteRange::Last { count: 100 }, size - 100..size),
        (ByteRange::From { first: 0 }, 0..size),
    ] {
        let object = backend.store.get(&key, Some(range)).await.unwrap();
        assert_eq!((object.size_bytes, object.span.offset), (size as u64, expected.start as u64), "{range:?}");
        assert_eq!(object.span.length, expected.len() as u64, "{range:?}");
        let read = blob_store::collect(object.body, 64 * MIB).await.unwrap();
        assert!(read == content.slice(expected), "{range:?}");
    }
    for range in [
        ByteRange::From { first: size as u64 },
        ByteRange::FromTo { first: size as u64 + 5, last: size as u64 + 9 },
        ByteRange::FromTo { first: 9, last: 3 },
        ByteRange::Last { count: 0 },
    ] {
        let error = backend.store.get(&key, Some(range)).await.unwrap_err();
        assert!(matches!(error, BlobError::InvalidRange { .. }), "{range:?}: {error:?}");
    }
}

async fn heads_tell_size_and_type(backend: Backend) {
    let key = key("uploads/a");
    let before = Utc::now() - TimeDelta::seconds(5);
    backend.store.put(&key, streamed(&content(1234, 5)), "audio/flac", u64::MAX).await.unwrap();
    let head = backend.store.head(&key).await.unwrap();
    assert_eq!((head.size_bytes, head.media_type.as_str()), (1234, "audio/flac"));
    assert!(!head.etag.is_empty() && !head.etag.contains('"'), "{}", head.etag);
    assert!(head.modified_at > before && head.modified_at < Utc::now() + TimeDelta::seconds(5), "{}", head.modified_at);
    assert_eq!(head.etag, backend.store.get(&key, None).await.unwrap().etag);
}

async fn what_is_not_there_is_not_found(backend: Backend) {
    backend.store.put(&key("a/b"), streamed(&content(1, 0)), "text/plain", 9).await.unwrap();
    for missing in ["uploads/nothing", "a/c", "a/b/c"] {
        let missing = key(missing);
        let answers = [
            backend.store.get(&missing, None).await.err(),
            backend.store.get(&missing, Some(ByteRange::From { first: 3 })).await.err(),
            backend.store.head(&missing).await.err(),
            backend.store.fetch_to_file(&missing, 10).await.err(),
        ];
        for answer in answers {
            let answer = answer.expect("an error");
            assert!(matches!(&answer, BlobError::NotFound { key } if *key == missing), "{missing}: {answer:?}");
            assert!(!answer.is_retryable());
        }
    }
}

async fn deleting_is_idempotent(backend: Backend) {
    let key = key("jobs/j/work/a");
    backend.store.put(&key, streamed(&content(10, 0)), "text/plain", 10).await.unwrap();
    backend.store.delete(&key).await.unwrap();
    assert!(matches!(backend.store.head(&key).await, Err(BlobError::NotFound { .. })));
    backend.store.delete(&key).await.unwrap();
    backend.store.put(&key, streamed(&content(10, 0)), "text/plain", 10).await.unwrap();
    assert_eq!(backend.store.head(&key).await.unwrap().size_bytes, 10);
}

async fn listings_are_ordered_and_paged(backend: Backend) {
    let names = ["a/1", "a/1.x/y", "a/10", "a/2", "ab/1", "b"];
    for name in names {
        backend.store.put(&key(name), streamed(&content(name.len(), 0)), "text/plain", 99).await.unwrap();
    }
    let all = backend.store.list(&KeyPrefix::all(), None, 100).await.unwrap();
    assert_eq!(all.iter().map(|l| l.key.as_str()).collect::<Vec<_>>(), names);
    assert!(all.iter().all(|l| l.size_bytes == l.key.as_str().len() as u64));
    let below: KeyPrefix = "a/".parse().unwrap();
    let mut paged = Vec::new();
    loop {
        let page = backend.store.list(&below, paged.last(), 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        paged.extend(page.into_iter().map(|listed| listed.key));
    }
    assert_eq!(paged.iter().map(|k| k.as_str()).collect::<Vec<_>>(), &names[..4]);
    assert!(backend.store.list(&"none/".parse().unwrap(), None, 9).await.unwrap().is_empty());
}

async fn a_prefix_goes_and_its_neighbours_stay(backend: Backend) {
    for name in ["jobs/1/work/a", "jobs/1/work/b", "jobs/1/result/c", "jobs/10/work/a", "uploads/1"] {
        backend.store.put(&key(name), streamed(&content(3, 0)), "text/plain", 99).await.unwrap();
    }
    assert_eq!(backend.store.delete_prefix(&"jobs/1/work/".parse().unwrap()).await.unwrap(), 2);
    assert_eq!(backend.store.delete_prefix(&"jobs/1/work/".parse().unwrap()).await.unwrap(), 0);
    let left = backend.store.list(&KeyPrefix::all(), None, 100).await.unwrap();
    let left: Vec<_> = left.iter().map(|l| l.key.as_str()).collect();
    assert_eq!(left, ["jobs/1/result/c", "jobs/10/work/a", "uploads/1"]);
}

async fn objects_become_local_files(backend: Backend) {
    use std::io::Read;
    for size in [0, 100, 9 * MIB] {
        let (key, content) = (key("uploads/f"), content(size, 6));
        backend.store.put(&key, streamed(&content), "audio/wav", u64::MAX).await.unwrap();
        let mut file = backend.store.fetch_to_file(&key, size as u64).await.unwrap();
        backend.store.delete(&key).await.unwrap();
        let mut read = Vec::new();
        file.read_to_end(&mut read).unwrap();
        assert!(read == content, "{size} bytes");
    }
    let key = key("uploads/f");
    backend.store.put(&key, streamed(&content(1000, 6)), "audio/wav", u64::MAX).await.unwrap();
    let error = backend.store.fetch_to_file(&key, 999).await.unwrap_err();
    assert!(matches!(error, BlobError::LimitExceeded { limit_bytes: 999, .. }), "{error:?}");
}

async fn a_store_that_works_is_healthy(backend: Backend) {
    backend.store.health().await.unwrap();
    assert!(backend.is_empty().await, "a health check leaves nothing");
}

async fn many_writers_of_one_key_leave_one_whole_object(backend: Backend) {
    let key = key("uploads/contended");
    let contents: Vec<Bytes> = (0..8).map(|seed| content(if seed % 2 == 0 { 9 * MIB } else { 70_000 }, seed)).collect();
    let puts = contents.iter().map(|c| backend.store.put(&key, streamed(c), "audio/wav", u64::MAX));
    for stored in join_all(puts).await {
        stored.unwrap();
    }
    let left = read_all(&*backend.store, &key).await;
    assert!(contents.contains(&left), "what is left is one of those written, whole");
}

async fn writers_and_deleters_of_neighbours_do_not_disturb_each_other(backend: Backend) {
    let store = &backend.store;
    for round in 0..10 {
        let written = join_all((0..8).map(|i| async move {
            let key = key(&format!("jobs/{round}/work/{i}"));
            store.put(&key, streamed(&content(100, i)), "text/plain", 100).await.unwrap();
            if i % 2 == 0 {
                store.delete(&key).await.unwrap();
            }
        }));
        written.await;
        let left = store.list(&format!("jobs/{round}/").parse().unwrap(), None, 100).await.unwrap();
        assert_eq!(left.len(), 4, "round {round}: {left:?}");
    }
}

async fn foreign_files_are_not_listed(backend: Backend) {
    backend.store.put(&key("uploads/ours"), streamed(&content(1, 0)), "text/plain", 1).await.unwrap();
    assert_eq!(backend.store.list(&KeyPrefix::all(), None, 10).await.unwrap().len(), 1, "no types, no temporary files");
    assert_eq!(backend.store.delete_unfinished(Utc::now() + TimeDelta::hours(1)).await.unwrap(), 0);
    assert_eq!(backend.store.list(&KeyPrefix::all(), None, 10).await.unwrap().len(), 1);
}

async fn one_byte_over_the_limit_leaves_nothing(backend: Backend) {
    for size in [1, 300_000, 8 * MIB, 8 * MIB + 1, 20 * MIB] {
        let limit_bytes = size as u64 - 1;
        let key = key("uploads/large");
        let error = backend.store.put(&key, streamed(&content(size, 7)), "audio/wav", limit_bytes).await.unwrap_err();
        assert!(matches!(error, BlobError::LimitExceeded { limit_bytes: l, .. } if l == limit_bytes), "{error:?}");
        assert!(!error.is_retryable());
        assert!(backend.is_empty().await, "{size} bytes left an object");
        assert_eq!(backend.leftovers(), Vec::<String>::new(), "{size} bytes");
    }
}

async fn a_broken_stream_leaves_nothing(backend: Backend) {
    for size in [0, 300_000, 8 * MIB, 20 * MIB] {
        let error = backend
            .store
            .put(&key("uploads/b"), broken_after(&content(size, 8)), "audio/wav", u64::MAX)
            .await
            .unwrap_err();
        assert!(matches!(error, BlobError::Body { .. }), "{error:?}");
        assert!(backend.is_empty().await, "{size} bytes left an object");
        assert_eq!(backend.leftovers(), Vec::<String>::new(), "{size} bytes");
    }
}

async fn a_dropped_put_leaves_nothing(backend: Backend) {
    for size in [300_000, 20 * MIB] {
        let (store, content) = (backend.store.clone(), content(size, 9));
        let put =
            tokio::spawn(
                async move { store.put(&key("uploads/d"), stalled_after(&content), "audio/wav", u64::MAX).await },
            );
        if size > 8 * MIB || !backend.leftovers().is_empty() {
            eventually("unfinished work to show", Duration::from_secs(10), || async {
                if backend.leftovers().is_empty() { Err("nothing yet") } else { Ok(()) }
            })
            .await;
        }
        put.abort();
        assert!(put.await.unwrap_err().is_cancelled());
        eventually("the unfinished work to be removed", Duration::from_secs(10), || async {
            let left = backend.leftovers();
            if left.is_empty() { Ok(()) } else { Err(left) }
        })
        .await;
        assert!(backend.is_empty().await);
    }
}

async fn a_failed_replacement_keeps_the_old_object(backend: Backend) {
    let (key, old) = (key("uploads/old"), content(5000, 10));
    backend.store.put(&key, streamed(&old), "audio/wav", u64::MAX).await.unwrap();
    backend.store.put(&key, broken_after(&content(20 * MIB, 11)), "text/plain", u64::MAX).await.unwrap_err();
    backend.store.put(&key, streamed(&content(20 * MIB, 11)), "text/plain", 1000).await.unwrap_err();
    let head = backend.store.head(&key).await.unwrap();
    assert_eq!((head.size_bytes, head.media_type.as_str()), (5000, "audio/wav"));
    assert_eq!(read_all(&*backend.store, &key).await, old);
}
