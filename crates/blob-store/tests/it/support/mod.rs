//! What the suites share: backends under test, contents, streams that misbehave, and an S3 that does.

pub mod scripted;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use blob_store::{BlobStore, ByteStream, ObjectKey, S3Config, collect};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use rand::{RngCore, SeedableRng, rngs::StdRng};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub const MIB: usize = 1024 * 1024;

/// A store under test, and where its server keeps its files.
pub struct Backend {
    pub store: Arc<dyn BlobStore>,
    root: PathBuf,
    is_folder: bool,
    // Dropped last: the server's and the bucket's files.
    _bucket: Option<testbed::TestBucket>,
    _files: Option<TempDir>,
    _stop: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Backend {
    pub fn folder() -> Self {
        let files = TempDir::new().unwrap();
        let root = files.path().join("objects");
        let store = blob_store::folder(&root).unwrap();
        Self { store, root, is_folder: true, _bucket: None, _files: Some(files), _stop: None }
    }

    /// A fresh bucket on the S3 server that tests share.
    pub async fn s3() -> Self {
        let bucket = testbed::s3_bucket().await;
        let store = blob_store::s3(config_of(&bucket)).unwrap();
        let root = PathBuf::new();
        Self { store, root, is_folder: false, _bucket: Some(bucket), _files: None, _stop: None }
    }

    /// A bucket on an S3 server of its own, whose files can be looked at.
    pub async fn s3_with_files() -> Self {
        let files = TempDir::new().unwrap();
        let root = files.path().to_path_buf();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server =
            testbed::s3::S3Server { root: root.clone(), access_key: "key".into(), secret_key: "secret".into() };
        tokio::spawn(server.serve(listener, async move { drop(stopped.await) }));
        let config = S3Config::new("bucket", "key", "secret").at(endpoint);
        blob_store::ensure_bucket(&config).await.unwrap();
        let store = blob_store::s3(config).unwrap();
        Self { store, root, is_folder: false, _bucket: None, _files: Some(files), _stop: Some(stop) }
    }

    /// Files of unfinished work: temporary files, parts of multipart uploads.
    pub fn leftovers(&self) -> Vec<String> {
        assert!(!self.root.as_os_str().is_empty(), "this backend's files cannot be seen");
        let unfinished = |name: &str| {
            if self.is_folder {
                name.contains(".incoming/")
            } else {
                name.starts_with(".upload") || name.contains(".tmp.")
            }
        };
        files_below(&self.root).into_iter().filter(|name| unfinished(name)).collect()
    }

    pub async fn is_empty(&self) -> bool {
        self.store.list(&blob_store::KeyPrefix::all(), None, 10).await.unwrap().is_empty()
    }
}

pub fn config_of(bucket: &testbed::S3Location) -> S3Config {
    let mut config =
        S3Config::new(&bucket.bucket, &bucket.access_key, &bucket.secret_key).at(bucket.endpoint.parse().unwrap());
    config.region.clone_from(&bucket.region);
    config
}

fn files_below(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

pub fn key(text: &str) -> ObjectKey {
    text.parse().unwrap()
}

/// The same bytes for the same length and seed: a random stretch again and again, of a length that no part size is a
/// multiple of, so that parts in a wrong order show.
pub fn content(length: usize, seed: u64) -> Bytes {
    let mut stretch = vec![0; 65_521];
    StdRng::seed_from_u64(seed).fill_bytes(&mut stretch);
    let mut bytes = stretch.repeat(length.div_ceil(stretch.len()));
    bytes.truncate(length);
    bytes.into()
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// `content` in chunks of odd sizes, so that they never fall together with parts.
pub fn chunks(content: &Bytes) -> Vec<io::Result<Bytes>> {
    let mut rest = content.clone();
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let length = rest.len().min(65_537);
        chunks.push(Ok(rest.split_to(length)));
    }
    chunks
}

pub fn streamed(content: &Bytes) -> ByteStream {
    Box::pin(stream::iter(chunks(content)))
}

/// `content`, and then an error.
pub fn broken_after(content: &Bytes) -> ByteStream {
    let broken = Err(io::Error::new(io::ErrorKind::ConnectionReset, "the client left"));
    Box::pin(stream::iter(chunks(content).into_iter().chain([broken])))
}

/// `content`, and then nothing, for ever.
pub fn stalled_after(content: &Bytes) -> ByteStream {
    Box::pin(stream::iter(chunks(content)).chain(stream::pending()))
}

pub async fn read_all(store: &dyn BlobStore, key: &ObjectKey) -> Bytes {
    let object = store.get(key, None).await.unwrap();
    collect(object.body, 128 * MIB).await.unwrap()
}
