//! Somebody who can speak a text but knows no tune.

use async_trait::async_trait;

use crate::{
    calls::ProviderCall,
    input::{AudioInput, ProgressSink},
    stop::Stop,
};

/// Speaks texts. What it speaks is brought onto a melody by whoever asked.
#[async_trait]
pub trait Reciter: Send + Sync {
    /// Longest text of one call, in characters.
    fn most_chars(&self) -> usize;

    /// Whether the same text may come out otherwise when it is asked for once more: what cannot be sung then is.
    fn varies(&self) -> bool;

    /// The text spoken, in any of the formats of recordings. `purpose` tells the calls of one stage apart: the same
    /// purpose is the same call, made and paid for once. The slot of the call may have been let go: whoever really asks
    /// takes it again.
    async fn recite(
        &self,
        text: &str,
        language: &str,
        purpose: &str,
        progress: &ProgressSink,
        call: &ProviderCall<'_>,
    ) -> Result<AudioInput, Stop>;
}
