//! Whether somebody still waits for a call that is about to be sent. What goes on although nobody waits for it is there to have
//! the answer of what was sent; what was not sent yet would be bought for nobody.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use domain::{Failure, FailureClass, FailureCode};

use crate::outside_service::CallError;

/// Asked right before a request goes out.
pub type IsAwaited = Arc<dyn Fn() -> bool + Send + Sync>;

tokio::task_local! {
    static IS_AWAITED: IsAwaited;
    static SENDING: Sending;
}

/// How far a call has come: whoever cuts it off learns whether it was still kept back, so that it cannot have been paid for. Where
/// nothing is said, its request may have gone out. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Sending(Arc<AtomicU8>);

impl Sending {
    const UNKNOWN: u8 = 0;
    const KEPT_BACK: u8 = 1;
    const SENT: u8 = 2;

    /// Makes a call, and notes how far it comes.
    pub async fn noted<T>(&self, making: impl Future<Output = T>) -> T {
        SENDING.scope(self.clone(), making).await
    }

    /// Whether it waits for a slot or for the vendor's pace, and nothing was sent before. Of a call whose making was dropped, whether
    /// it did so then.
    pub fn is_kept_back(&self) -> bool {
        self.0.load(Ordering::SeqCst) == Self::KEPT_BACK
    }

    fn turn(&self, from: u8, to: u8) {
        // What was sent stays so.
        let _ = self.0.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// Waits for what keeps a request back. Dropped meanwhile, it leaves word that nothing was sent.
pub async fn kept_back<T>(waiting: impl Future<Output = T>) -> T {
    let sending = SENDING.try_with(Sending::clone).unwrap_or_default();
    sending.turn(Sending::UNKNOWN, Sending::KEPT_BACK);
    let waited = waiting.await;
    sending.turn(Sending::KEPT_BACK, Sending::UNKNOWN);
    waited
}

/// A request goes out: from here on it may be paid for.
pub fn goes_out() {
    // Where nobody asks, nothing is noted.
    let _ = SENDING.try_with(|sending| sending.0.store(Sending::SENT, Ordering::SeqCst));
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

#[cfg(test)]
mod tests {
    use std::{future::pending, pin::Pin, time::Duration};

    use super::*;

    #[tokio::test]
    async fn what_is_cut_off_was_kept_back_or_may_have_been_sent() {
        let check = async |what: &str, making: Pin<Box<dyn Future<Output = ()>>>, expected: bool| {
            let sending = Sending::default();
            let cut = tokio::time::timeout(Duration::from_millis(1), sending.noted(making)).await;
            assert_eq!((cut.is_err(), sending.is_kept_back()), (true, expected), "{what}");
        };
        check("nobody says", Box::pin(pending::<()>()), false).await;
        check("it waits", Box::pin(kept_back(pending::<()>())), true).await;
        let has_waited = async {
            kept_back(async {}).await;
            pending::<()>().await
        };
        check("it has waited", Box::pin(has_waited), false).await;
        let is_sent = async {
            kept_back(async {}).await;
            goes_out();
            pending::<()>().await
        };
        check("it is sent", Box::pin(is_sent), false).await;
        let waits_again = async {
            goes_out();
            kept_back(pending::<()>()).await
        };
        check("its second request waits", Box::pin(waits_again), false).await;
        // Nobody asks.
        goes_out();
        kept_back(async {}).await;
    }
}
