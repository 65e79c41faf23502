//! The objects that stages hand on to each other. Each holder of a job's lease writes under its own generation, so one
//! that lost the job cannot write over what its successor made; and what is read is held against the hash that its
//! checkpoint says.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    sync::PoisonError,
};

use blob_store::{BlobError, ByteStream, ObjectKey, Stored};
use bytes::Bytes;
use domain::{Failure, FailureClass, FailureCode, JobId, OutsideCallId};
use persistence::{Input, WorkObject};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    bounded_json::json_within,
    stage::{StageRun, StageTools, unreadable},
};

/// Five minutes of 44.1 kHz 16-bit mono are 26 MB.
const MAX_WORK_OBJECT_BYTES: usize = 64 * 1024 * 1024;
/// Largest file that a stage hands on: an hour of stereo as WAV, as storage takes it, stays below.
const MAX_FILE_BYTES: u64 = 1024 * 1024 * 1024;
/// Largest input of a version that did not say how large it was.
const MAX_INPUT_BYTES: u64 = MAX_FILE_BYTES;

impl StageRun<'_> {
    /// Writes a document for the stages after this one.
    pub async fn put_json<T: Serialize + Sync>(&self, name: &str, value: &T) -> Result<(), Failure> {
        let too_large = || {
            let message = format!("{name} would be larger than a working object may be");
            Failure::new(FailureClass::Config, FailureCode::Internal, message)
        };
        self.put_json_within(name, value, MAX_WORK_OBJECT_BYTES, too_large).await
    }

    /// The same with a limit of its own, which holds while it is written: no more of it than that is ever in memory.
    pub async fn put_json_within<T: Serialize + Sync>(
        &self,
        name: &str,
        value: &T,
        most_bytes: usize,
        too_large: impl FnOnce() -> Failure + Send,
    ) -> Result<(), Failure> {
        let Some(bytes) = json_within(value, most_bytes).map_err(|error| unreadable(name, &error))? else {
            return Err(too_large());
        };
        self.put_bytes(name, bytes, "application/json").await
    }

    pub async fn put_bytes(&self, name: &str, bytes: Vec<u8>, media_type: &str) -> Result<(), Failure> {
        let key = self.key(name)?;
        let stored = self.tools.blobs.put_bytes(&key, bytes.into(), media_type).await.map_err(|e| of_blob(&e))?;
        self.note(name, &key, stored);
        Ok(())
    }

    /// Writes what a file holds from where it stands.
    pub async fn put_file(&self, name: &str, file: File, media_type: &str) -> Result<(), Failure> {
        let key = self.key(name)?;
        let body = blob_store::file_body(file);
        let stored = self.tools.blobs.put(&key, body, media_type, MAX_FILE_BYTES).await.map_err(|e| of_blob(&e))?;
        self.note(name, &key, stored);
        Ok(())
    }

    /// Writes what somebody outside made, as [`put_outside`].
    pub async fn put_outside(&self, call: OutsideCallId, index: usize, file: File) -> Result<WorkObject, Failure> {
        put_outside(self.tools, (self.job.id, self.job.generation), call, index, file).await
    }

    pub async fn get_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        let bytes = self.get_bytes(name).await?;
        serde_json::from_slice(&bytes).map_err(|error| unreadable(name, &error))
    }

    /// Reads a whole working object; they are bounded by the limits on what a job may be made of.
    pub async fn get_bytes(&self, name: &str) -> Result<Bytes, Failure> {
        let object = self.object(name).await?;
        match self.read_whole(name, &object).await {
            Ok(bytes) => Ok(bytes),
            Err(failure) => Err(self.reopen_damaged().await.unwrap_or(failure)),
        }
    }

    /// A working object in an unlinked file at its start, however large it is.
    pub async fn get_file(&self, name: &str) -> Result<File, Failure> {
        let object = self.object(name).await?;
        match self.fetch(name, &object).await {
            Ok(file) => Ok(file),
            Err(failure) => Err(self.reopen_damaged().await.unwrap_or(failure)),
        }
    }

    pub(crate) async fn fetch(&self, name: &str, object: &WorkObject) -> Result<File, Failure> {
        let storage = |message: String| Failure::new(FailureClass::Transient, FailureCode::Storage, message);
        let fetched = self.tools.blobs.fetch_to_file(&parse(&object.key)?, object.size_bytes).await;
        let file = fetched.map_err(|error| of_blob(&error))?;
        let (file, sha256) = providers::blocking(move || hashed(file))
            .await?
            .map_err(|error| storage(format!("{name} cannot be read: {error}")))?;
        if sha256 == object.sha256 {
            return Ok(file);
        }
        Err(storage(format!("{name} is not what was written; the object store has changed it")))
    }

    async fn read_whole(&self, name: &str, object: &WorkObject) -> Result<Bytes, Failure> {
        if object.size_bytes > MAX_WORK_OBJECT_BYTES as u64 {
            let message = format!("{name} has {} bytes; at most {MAX_WORK_OBJECT_BYTES} are read", object.size_bytes);
            return Err(Failure::new(FailureClass::Config, FailureCode::Internal, message));
        }
        let body = self.open(&object.key).await?;
        let bytes = blob_store::collect(body, MAX_WORK_OBJECT_BYTES).await.map_err(|error| {
            Failure::new(FailureClass::Transient, FailureCode::Storage, format!("{name} cannot be read: {error}"))
        })?;
        if hex::encode(Sha256::digest(&bytes)) != object.sha256 {
            let message = format!("{name} is not what was written; the object store has changed it");
            return Err(Failure::new(FailureClass::Transient, FailureCode::Storage, message));
        }
        Ok(bytes)
    }

    /// Where a working object lies and what it holds: written by this run or by a finished stage.
    pub async fn object(&self, name: &str) -> Result<WorkObject, Failure> {
        match self.known(name) {
            Some(object) => Ok(object),
            None => self.object_before(name).await,
        }
    }

    /// The same without looking into the object store; `None` also for objects of checkpoints without a list.
    fn known(&self, name: &str) -> Option<WorkObject> {
        if let Some(object) = self.written().remove(name) {
            return Some(object);
        }
        let of = |stage: &str| self.done.get(stage)?.objects.as_ref()?.get(name).cloned();
        self.job.spec.stages.iter().rev().find_map(|stage| of(stage.name.as_str()))
    }

    /// The hash of a working object that a finished stage wrote, for a key of reuse.
    pub fn object_sha256(&self, name: &str) -> Option<String> {
        self.known(name).map(|object| object.sha256)
    }

    /// An object of a version that wrote under fixed keys and kept no list.
    async fn object_before(&self, name: &str) -> Result<WorkObject, Failure> {
        let key = ObjectKey::job_stage_before(self.job.id, name).map_err(|error| of_blob(&error.into()))?;
        let stored = blob_store::digest(self.open(key.as_str()).await?).await.map_err(|error| {
            Failure::new(FailureClass::Transient, FailureCode::Storage, format!("{name} cannot be read: {error}"))
        })?;
        Ok(WorkObject { key: key.to_string(), sha256: stored.sha256, size_bytes: stored.size_bytes })
    }

    /// An input of the job in an unlinked file at its start, held against the hash that it was accepted with.
    pub async fn fetch_input(&self, input: &Input) -> Result<File, Failure> {
        let key: ObjectKey = parse(&input.object_key)?;
        let limit = input.size_bytes.unwrap_or(MAX_INPUT_BYTES);
        let file = self.tools.blobs.fetch_to_file(&key, limit).await.map_err(|e| of_blob(&e))?;
        if input.sha256.is_empty() {
            return Ok(file);
        }
        let (file, sha256) = providers::blocking(move || hashed(file)).await?.map_err(|error| {
            Failure::new(FailureClass::Transient, FailureCode::Storage, format!("an input cannot be read: {error}"))
        })?;
        if sha256 != input.sha256 {
            let message = "what the job was to be made from changed after it was accepted; send it again";
            return Err(Failure::new(FailureClass::Caller, FailureCode::InvalidAudio, message));
        }
        Ok(file)
    }

    async fn open(&self, key: &str) -> Result<ByteStream, Failure> {
        let object = self.tools.blobs.get(&parse(key)?, None).await;
        Ok(object.map_err(|error| of_blob(&error))?.body)
    }

    fn key(&self, name: &str) -> Result<ObjectKey, Failure> {
        key((self.job.id, self.job.generation), name)
    }

    fn note(&self, name: &str, key: &ObjectKey, Stored { size_bytes, sha256 }: Stored) {
        let object = WorkObject { key: key.to_string(), sha256, size_bytes };
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), object);
    }
}

/// Writes what somebody outside made for the holder of a job's lease, who may have gone since. It belongs to the call's row, not to
/// what the stage leaves.
pub async fn put_outside(
    tools: &StageTools,
    holder: (JobId, u64),
    call: OutsideCallId,
    index: usize,
    mut file: File,
) -> Result<WorkObject, Failure> {
    let key = key(holder, &format!("outside-{call}-{index}"))?;
    file.rewind().map_err(|error| {
        let message = format!("what a provider made cannot be read: {error}");
        Failure::new(FailureClass::Transient, FailureCode::Storage, message)
    })?;
    let (body, media_type) = (blob_store::file_body(file), "application/octet-stream");
    let stored = tools.blobs.put(&key, body, media_type, MAX_FILE_BYTES).await.map_err(|e| of_blob(&e))?;
    let Stored { size_bytes, sha256 } = stored;
    Ok(WorkObject { key: key.to_string(), sha256, size_bytes })
}

fn key((job, generation): (JobId, u64), name: &str) -> Result<ObjectKey, Failure> {
    ObjectKey::job_stage(job, generation, name).map_err(|error| of_blob(&error.into()))
}

fn parse(key: &str) -> Result<ObjectKey, Failure> {
    key.parse().map_err(|error: blob_store::InvalidKey| of_blob(&error.into()))
}

fn hashed(mut file: File) -> std::io::Result<(File, String)> {
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 128 * 1024];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => digest.update(&chunk[..read]),
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok((file, hex::encode(digest.finalize())))
}

/// What an error of the object store means for a job.
pub fn of_blob(error: &BlobError) -> Failure {
    let class = if error.is_retryable() { FailureClass::Transient } else { FailureClass::Config };
    Failure::new(class, FailureCode::Storage, error.to_string())
}
