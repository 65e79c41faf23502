//! Objects as files below one folder: a key is its file's path. Beside them, hidden (no key starts with a dot):
//! `.types/` holds each object's media type under the same path, `.incoming/` what is still being written.
//!
//! An object is written to `.incoming`, synced, and renamed into place, so it appears whole or not at all, also after
//! a power cut.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::io::ReaderStream;
use url::Url;
use uuid::Uuid;

use crate::{
    BlobError, BlobStore, ByteRange, ByteSpan, ByteStream, Head, KeyPrefix, Listed, Object, ObjectKey, Stored,
    body::{CHUNK_BYTES, Intake},
    spool::blocking,
};

const TYPES: &str = ".types";
const INCOMING: &str = ".incoming";
/// What an object without a readable type counts as.
const UNKNOWN_TYPE: &str = "application/octet-stream";
/// Longest media type that is read back.
const MAX_TYPE_BYTES: u64 = 255;
/// How often a rename is tried when a concurrent delete removes the empty folder that it needs.
const PUBLISH_ATTEMPTS: u32 = 16;

pub(crate) struct FolderStore {
    root: Arc<Path>,
}

impl FolderStore {
    pub(crate) fn open(root: PathBuf) -> Result<Self, BlobError> {
        let prepare = || -> io::Result<PathBuf> {
            fs::create_dir_all(root.join(INCOMING))?;
            fs::create_dir_all(root.join(TYPES))?;
            root.canonicalize()
        };
        let root = prepare()
            .map_err(|source| BlobError::Settings(format!("the folder {} is unusable: {source}", root.display())))?;
        Ok(Self { root: root.into() })
    }

    fn path(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    /// Opens the object's file, which stays readable even when the object is replaced or deleted meanwhile.
    async fn open_object(&self, operation: &'static str, key: &ObjectKey) -> Result<(File, Opened), BlobError> {
        let (path, type_path) = (self.path(key), type_path(&self.root, key));
        blocking(move || {
            let file = File::open(path)?;
            let opened = describe(&file.metadata()?, &type_path)?;
            Ok((file, opened))
        })
        .await
        .map_err(|source| BlobError::from_io(operation, Some(key), source))
    }
}

/// What the file system says about an object.
struct Opened {
    size_bytes: u64,
    media_type: String,
    etag: String,
    modified_at: SystemTime,
}

fn describe(metadata: &Metadata, type_path: &Path) -> io::Result<Opened> {
    if !metadata.is_file() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let modified_at = metadata.modified()?;
    let since_epoch = modified_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(Opened {
        size_bytes: metadata.len(),
        media_type: read_type(type_path),
        etag: format!("{:x}-{:x}", since_epoch.as_nanos(), metadata.len()),
        modified_at,
    })
}

fn type_path(root: &Path, key: &ObjectKey) -> PathBuf {
    root.join(TYPES).join(key.as_str())
}

fn read_type(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_TYPE_BYTES).read_to_string(&mut text));
    if read.is_err() || text.is_empty() { UNKNOWN_TYPE.to_owned() } else { text }
}

/// A file on its way in; removed on drop unless it was published.
struct Incoming {
    path: PathBuf,
    published: bool,
}

impl Incoming {
    fn new(root: &Path) -> Self {
        Self { path: root.join(INCOMING).join(Uuid::new_v4().simple().to_string()), published: false }
    }

    /// Renames the file to `target`, creating the folders it needs, and syncs the folder so that the name survives too.
    fn publish(mut self, target: &Path) -> io::Result<()> {
        let parent = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mut attempt = 1;
        loop {
            match fs::create_dir_all(parent).and_then(|()| fs::rename(&self.path, target)) {
                Ok(()) => break,
                Err(e) if was_pruned(&e) && attempt < PUBLISH_ATTEMPTS => attempt += 1,
                Err(e) => return Err(e),
            }
        }
        self.published = true;
        match sync_folder(parent) {
            // Whoever deleted the object right after it was there took its folder along.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            synced => synced,
        }
    }
}

/// Whether a concurrent delete may have pruned a folder between two steps: between its making and the rename, or between
/// the two looks that `create_dir_all` takes at a folder that somebody else has made (it then says that it exists).
fn was_pruned(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists)
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.published {
            // Nothing to do about a failure here; the sweep of unfinished files finds what stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) => folder.sync_all(),
        // Deleted meanwhile, with the object in it: nothing left to keep.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a complete, synced file the object `key`. The type goes first: an object is never without one.
fn publish(root: &Path, key: &ObjectKey, incoming: Incoming, media_type: &str) -> io::Result<()> {
    let types = Incoming::new(root);
    let mut file = File::create_new(&types.path)?;
    file.write_all(media_type.as_bytes())?;
    file.sync_all()?;
    types.publish(&type_path(root, key))?;
    incoming.publish(&root.join(key.as_str()))
}

fn remove(root: &Path, key: &ObjectKey) -> io::Result<bool> {
    let object = root.join(key.as_str());
    let removed = match fs::remove_file(&object) {
        Ok(()) => true,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => false,
        // A folder of other objects: there is no object by that name.
        Err(_) if object.is_dir() => return Ok(false),
        Err(e) => return Err(e),
    };
    let types = type_path(root, key);
    match fs::remove_file(&types) {
        Ok(()) => {}
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
        Err(_) if types.is_dir() => {}
        Err(e) => return Err(e),
    }
    prune(&object, root);
    prune(&types, &root.join(TYPES));
    Ok(removed)
}

/// Removes the folders above `path` that are empty now, up to `root`.
fn prune(path: &Path, root: &Path) {
    let above = path.ancestors().skip(1).take_while(|folder| *folder != root && folder.starts_with(root));
    for folder in above {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
}

/// All objects below `prefix`, in the order of their keys. Files that are no keys (somebody's notes) are left out.
fn walk(root: &Path, prefix: &KeyPrefix) -> io::Result<Vec<Listed>> {
    let mut found = Vec::new();
    let mut open = vec![prefix.as_str().to_owned()];
    while let Some(folder) = open.pop() {
        let entries = match fs::read_dir(root.join(&folder)) {
            Ok(entries) => entries,
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => continue,
            Err(e) => return Err(e),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let Some(Ok(key)) = name.to_str().map(|name| format!("{folder}{name}").parse::<ObjectKey>()) else {
                continue;
            };
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // Deleted while we looked.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            if metadata.is_dir() {
                open.push(format!("{key}/"));
            } else if metadata.is_file() {
                found.push(Listed { key, size_bytes: metadata.len(), modified_at: metadata.modified()?.into() });
            }
        }
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(found)
}

#[async_trait]
impl BlobStore for FolderStore {
    async fn put(
        &self,
        key: &ObjectKey,
        mut body: ByteStream,
        media_type: &str,
        limit_bytes: u64,
    ) -> Result<Stored, BlobError> {
        let failed = |source| match BlobError::from_io("write", Some(key), source) {
            // A missing path here is a broken folder, not a missing object.
            BlobError::NotFound { key } => BlobError::Failed {
                operation: "write",
                subject: key.to_string(),
                source: "the name is taken by a folder of other objects, or the store's folder is gone".into(),
            },
            other => other,
        };
        let mut intake = Intake::new(key, limit_bytes);
        let incoming = Incoming::new(&self.root);
        // The file is made where its guard is: dropped in between, this call leaves no file behind.
        let begin = move || File::create_new(&incoming.path).map(|file| (file, incoming));
        let (file, incoming) = blocking(begin).await.map_err(failed)?;
        let mut file = tokio::fs::File::from_std(file);
        while let Some(chunk) = intake.next(&mut body).await? {
            file.write_all(&chunk).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        file.sync_all().await.map_err(failed)?;
        drop(file);
        let (root, owned_key, media_type) = (self.root.clone(), key.clone(), media_type.to_owned());
        blocking(move || publish(&root, &owned_key, incoming, &media_type)).await.map_err(failed)?;
        Ok(intake.finish())
    }

    async fn get(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Object, BlobError> {
        let (mut file, opened) = self.open_object("read", key).await?;
        let span = match range {
            None => ByteSpan::whole(opened.size_bytes),
            Some(range) => {
                range.resolve(opened.size_bytes).ok_or_else(|| BlobError::InvalidRange { key: key.clone() })?
            }
        };
        if span.offset > 0 {
            file.seek(SeekFrom::Start(span.offset)).map_err(|e| BlobError::from_io("read", Some(key), e))?;
        }
        let part = tokio::fs::File::from_std(file).take(span.length);
        Ok(Object {
            size_bytes: opened.size_bytes,
            span,
            media_type: opened.media_type,
            etag: opened.etag,
            body: Box::pin(ReaderStream::with_capacity(part, CHUNK_BYTES)),
        })
    }

    async fn head(&self, key: &ObjectKey) -> Result<Head, BlobError> {
        let (path, type_path) = (self.path(key), type_path(&self.root, key));
        let Opened { size_bytes, media_type, etag, modified_at } =
            blocking(move || describe(&fs::metadata(path)?, &type_path))
                .await
                .map_err(|source| BlobError::from_io("look at", Some(key), source))?;
        Ok(Head { size_bytes, media_type, etag, modified_at: modified_at.into() })
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), BlobError> {
        let (root, owned_key) = (self.root.clone(), key.clone());
        blocking(move || remove(&root, &owned_key))
            .await
            .map_err(|source| BlobError::from_io("delete", Some(key), source))?;
        Ok(())
    }

    async fn delete_prefix(&self, prefix: &KeyPrefix) -> Result<u64, BlobError> {
        let (root, prefix) = (self.root.clone(), prefix.clone());
        blocking(move || {
            let mut removed = 0;
            for listed in walk(&root, &prefix)? {
                removed += u64::from(remove(&root, &listed.key)?);
            }
            Ok(removed)
        })
        .await
        .map_err(|source| BlobError::from_io("delete", None, source))
    }

    async fn list(
        &self,
        prefix: &KeyPrefix,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<Listed>, BlobError> {
        let (root, prefix) = (self.root.clone(), prefix.clone());
        let mut found =
            blocking(move || walk(&root, &prefix)).await.map_err(|source| BlobError::from_io("list", None, source))?;
        if let Some(after) = after {
            found.retain(|listed| listed.key > *after);
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn presign_get(&self, _: &ObjectKey, _: Duration, _: &str, _: &str) -> Result<Option<Url>, BlobError> {
        Ok(None)
    }

    async fn fetch_to_file(&self, key: &ObjectKey, limit_bytes: u64) -> Result<File, BlobError> {
        // Objects are replaced by renaming and never written to, so their own file serves.
        let (file, opened) = self.open_object("read", key).await?;
        if opened.size_bytes > limit_bytes {
            return Err(BlobError::LimitExceeded { key: key.clone(), limit_bytes });
        }
        Ok(file)
    }

    async fn delete_unfinished(&self, before: DateTime<Utc>) -> Result<u64, BlobError> {
        let incoming = self.root.join(INCOMING);
        blocking(move || {
            let mut removed = 0;
            for entry in fs::read_dir(incoming)? {
                let entry = entry?;
                let old =
                    entry.metadata().and_then(|m| m.modified()).is_ok_and(|at| DateTime::<Utc>::from(at) < before);
                removed += u64::from(old && fs::remove_file(entry.path()).is_ok());
            }
            Ok(removed)
        })
        .await
        .map_err(|source| BlobError::from_io("clean", None, source))
    }

    async fn health(&self) -> Result<(), BlobError> {
        let probe = Incoming::new(&self.root);
        blocking(move || File::create_new(&probe.path)?.write_all(b"health"))
            .await
            .map_err(|source| BlobError::from_io("write to", None, source))
    }
}
