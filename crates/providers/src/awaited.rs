//! Whether somebody still waits for a call that is about to be sent. What goes on although nobody waits for it is there to have
//! the answer of what was sent; what was not sent yet would be bought for nobody.

use std::{future::Future, sync::Arc};

use domain::{Failure, FailureClass, FailureCode};

use crate::outside_service::CallError;

/// Asked right before a request goes out.
pub type IsAwaited = Arc<dyn Fn() -> bool + Send + Sync>;

tokio::task_local! {
    static IS_AWAITED: IsAwaited;
}

/// Makes a call whose requests are sent only while somebody waits for it.
pub async fn while_awaited<T>(is_awaited: IsAwaited, making: impl Future<Output = T>) -> T {
    IS_AWAITED.scope(is_awaited, making).await
}

/// Whether a request may go out.
///
/// # Errors
/// `Refused` where nobody waits for the call that is being made: nothing was asked.
pub fn check(provider: &str) -> Result<(), CallError> {
    // Where nobody says, somebody waits.
    if IS_AWAITED.try_with(|is_awaited| is_awaited()).unwrap_or(true) {
        return Ok(());
    }
    let message = format!("{provider} was not asked: nobody waits for the answer any more");
    Err(CallError::Refused(Failure::new(FailureClass::Transient, FailureCode::StageTimeout, message)))
}
