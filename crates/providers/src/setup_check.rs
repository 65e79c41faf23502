//! Whether a provider can be used as it is set up, asked before any job needs it.

use async_trait::async_trait;
use domain::Failure;

/// A provider elsewhere that can be asked whether its key, its address and its models are right, at no cost.
#[async_trait]
pub trait SetupCheck: Send + Sync {
    /// Its name in the settings.
    fn provider(&self) -> &str;

    /// # Errors
    /// Of class `Config` or `Money` where an operator has to act; of another where it could not be asked just now.
    async fn check(&self) -> Result<(), Failure>;
}
