//! What only a folder has: files that people and other programs can see.

use std::fs;

use blob_store::{BlobError, ByteRange, KeyPrefix};
use chrono::{TimeDelta, Utc};

use crate::support::{content, key, streamed};

#[tokio::test]
async fn an_object_is_a_plain_file_under_its_key() {
    let home = tempfile::tempdir().unwrap();
    let store = blob_store::folder(home.path()).unwrap();
    let content = content(1000, 1);
    store.put(&key("jobs/j/result/audio_mp3.mp3"), streamed(&content), "audio/mpeg", 1000).await.unwrap();
    assert_eq!(fs::read(home.path().join("jobs/j/result/audio_mp3.mp3")).unwrap(), content);
    assert!(store.presign_get(&key("a"), std::time::Duration::from_secs(1), "a", "b").await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_put_there_by_hand_is_an_object_without_a_type() {
    let home = tempfile::tempdir().unwrap();
    let store = blob_store::folder(home.path()).unwrap();
    fs::create_dir(home.path().join("uploads")).unwrap();
    fs::write(home.path().join("uploads/by-hand"), b"abc").unwrap();
    fs::write(home.path().join("uploads/not a key"), b"abc").unwrap();
    let head = store.head(&key("uploads/by-hand")).await.unwrap();
    assert_eq!((head.size_bytes, head.media_type.as_str()), (3, "application/octet-stream"));
    assert_eq!(store.list(&KeyPrefix::uploads(), None, 10).await.unwrap().len(), 1);
    assert_eq!(store.delete_prefix(&KeyPrefix::uploads()).await.unwrap(), 1);
    assert!(home.path().join("uploads/not a key").exists(), "somebody's file is left alone");
}

#[tokio::test]
async fn deleting_removes_empty_folders_too() {
    let home = tempfile::tempdir().unwrap();
    let store = blob_store::folder(home.path()).unwrap();
    store.put(&key("jobs/j/work/a"), streamed(&content(1, 0)), "text/plain", 1).await.unwrap();
    store.delete(&key("jobs/j")).await.unwrap();
    assert!(home.path().join("jobs/j/work/a").exists(), "a folder is no object");
    store.delete(&key("jobs/j/work/a")).await.unwrap();
    assert!(!home.path().join("jobs").exists() && !home.path().join(".types/jobs").exists());
    store.health().await.unwrap();
}

#[tokio::test]
async fn a_name_that_is_a_folder_already_cannot_become_an_object() {
    let home = tempfile::tempdir().unwrap();
    let store = blob_store::folder(home.path()).unwrap();
    store.put(&key("jobs/j/work/a"), streamed(&content(1, 0)), "text/plain", 1).await.unwrap();
    for name in ["jobs/j", "jobs/j/work/a/b"] {
        let error = store.put(&key(name), streamed(&content(1, 0)), "text/plain", 1).await.unwrap_err();
        assert!(matches!(error, BlobError::Failed { .. }), "{name}: {error:?}");
    }
    assert!(fs::read_dir(home.path().join(".incoming")).unwrap().next().is_none(), "no temporary file stays");
}

#[tokio::test]
async fn temporary_files_of_crashed_writers_are_removed_when_old() {
    let home = tempfile::tempdir().unwrap();
    let store = blob_store::folder(home.path()).unwrap();
    let left = home.path().join(".incoming/0123");
    fs::write(&left, b"half").unwrap();
    assert_eq!(store.delete_unfinished(Utc::now() - TimeDelta::hours(1)).await.unwrap(), 0);
    assert!(left.exists(), "somebody may still be writing it");
    assert_eq!(store.delete_unfinished(Utc::now() + TimeDelta::seconds(1)).await.unwrap(), 1);
    assert!(!left.exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_refused_and_one_that_went_is_unhealthy() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, b"").unwrap();
    assert!(matches!(blob_store::folder(file.join("below")).err(), Some(BlobError::Settings(_))));
    let folder = home.path().join("objects");
    let store = blob_store::folder(&folder).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    store.health().await.unwrap_err();
    let error = store.put(&key("a"), streamed(&content(1, 0)), "text/plain", 1).await.unwrap_err();
    assert!(matches!(error, BlobError::Failed { .. }), "{error:?}");
}

#[tokio::test]
async fn each_operation_is_reported() {
    use std::sync::{Arc, Mutex};
    let home = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let store = blob_store::observed(
        blob_store::folder(home.path()).unwrap(),
        "folder",
        Arc::new(move |o| log.lock().unwrap().push((o.backend, o.operation, o.outcome, o.bytes_in, o.bytes_out))),
    );
    store.put(&key("a"), streamed(&content(2, 0)), "text/plain", 1).await.unwrap_err();
    store.put_bytes(&key("a"), content(2, 0), "text/plain").await.unwrap();
    store.head(&key("b")).await.unwrap_err();
    store.get(&key("a"), Some(ByteRange::From { first: 1 })).await.unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        [
            ("folder", "put", "limit", 0, 0),
            ("folder", "put", "done", 2, 0),
            ("folder", "head", "not_found", 0, 0),
            ("folder", "get", "done", 0, 1),
        ]
    );
}
