//! Work that may block, off the threads that answer.

use crate::refusal::Refusal;

/// # Errors
/// 500 where it panicked, which is logged.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    providers::blocking(work).await.map_err(|_| Refusal::internal())
}
