//! Copies what a request names into uploads of the caller's own.

use blob_store::{BlobError, ObjectKey};
use domain::{UploadId, UserId};
use resilience::ids::random10;
use service_runtime::error_chain;

use crate::{
    app_state::AppState,
    named_inputs::{Place, StoredInput},
    problem::ApiError,
    upload::{ReceivedFile, too_many},
};

/// Puts the inputs in order, copies made. `uploads` names whatever has begun to be stored, also when this fails.
pub async fn gather(
    state: &AppState,
    owner: &UserId,
    places: Vec<Place>,
    files: Vec<ReceivedFile>,
    uploads: &mut Vec<UploadId>,
) -> Result<Vec<ReceivedFile>, ApiError> {
    let mut files = files.into_iter();
    let mut gathered = Vec::new();
    for place in places {
        gathered.push(match place {
            Place::File => files.next().ok_or(ApiError::Internal)?,
            Place::Stored(stored) => copy(state, owner, stored, uploads).await?,
        });
    }
    // A file without a place would be left out in silence.
    match files.next() {
        Some(file) => Err(too_many(file.role, u32::try_from(gathered.len()).unwrap_or(u32::MAX))),
        None => Ok(gathered),
    }
}

/// The row comes first, as for every upload: whatever happens from here on, the object can be found.
async fn copy(
    state: &AppState,
    owner: &UserId,
    stored: StoredInput,
    uploads: &mut Vec<UploadId>,
) -> Result<ReceivedFile, ApiError> {
    let StoredInput { role, object_key, size_bytes, sha256, media_type, file_name, what } = stored;
    let from: ObjectKey = object_key.parse().map_err(|_| ApiError::Internal)?;
    let away = |error: &BlobError| {
        tracing::warn!(error = %error_chain(error), "input not copied");
        match error {
            BlobError::NotFound { .. } => ApiError::Unavailable { what },
            _ => ApiError::Unavailable { what: "The object store" },
        }
    };
    let now = state.clock.now();
    let upload = UploadId::new(now, random10());
    uploads.push(upload);
    let key = ObjectKey::upload(upload);
    state.database.uploads().create(upload, owner, key.as_str(), now).await?;
    let object = state.blobs.get(&from, None).await.map_err(|error| away(&error))?;
    let copied = state.blobs.put(&key, object.body, media_type, size_bytes).await.map_err(|error| away(&error))?;
    if copied.sha256 != sha256 {
        tracing::error!(key = %from, "a stored input is not what its row says");
        return Err(ApiError::Unavailable { what });
    }
    state.database.uploads().complete(upload, copied.size_bytes, &copied.sha256).await?;
    Ok(ReceivedFile { role, upload, key, stored: copied, file_name: Some(file_name) })
}
