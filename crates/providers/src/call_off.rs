//! Work outside that nobody waits for any more: it is called off, whatever has ended the wait. For those who keep no rows by which
//! it could be called off later.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use domain::Failure;
use tokio::{runtime::Handle, sync::watch};

use crate::outside_service::OutsideService;

/// When it is looked for and called off: at once, and so long after each time that this came to nothing. What was asked for a
/// moment ago may not be known there yet.
const PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(30)];

/// How many works are being called off in this process.
static UNDER_WAY: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// Work from before it is asked for until it is over. Dropped before that, it has the work called off, in a task of its own.
pub struct CalledOffOnDrop {
    /// `None` once it is over.
    service: Option<Arc<dyn OutsideService>>,
    correlation: String,
    outside_id: Option<String>,
}

impl CalledOffOnDrop {
    pub fn new(service: &dyn OutsideService, correlation: &str) -> Self {
        Self { service: service.lasting(), correlation: correlation.to_owned(), outside_id: None }
    }

    /// It was answered with an id.
    pub fn is_known_as(&mut self, outside_id: &str) {
        self.outside_id = Some(outside_id.to_owned());
    }

    /// It has ended, was called off, or has never begun.
    pub fn is_over(&mut self) {
        self.service = None;
    }
}

impl Drop for CalledOffOnDrop {
    fn drop(&mut self) {
        let Some(service) = self.service.take() else { return };
        let (correlation, outside_id) = (std::mem::take(&mut self.correlation), self.outside_id.take());
        let Ok(runtime) = Handle::try_current() else {
            tracing::warn!(
                provider = service.provider(),
                "work goes on that nobody waits for: nothing runs here any more"
            );
            return;
        };
        let counted = Counted::new();
        runtime.spawn(async move {
            call_off(&*service, &correlation, outside_id).await;
            drop(counted);
        });
    }
}

/// One of those under way.
struct Counted;

impl Counted {
    fn new() -> Self {
        UNDER_WAY.send_modify(|count| *count += 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        UNDER_WAY.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Waits until all that is being called off in this process is, and no longer than `longest`: for a process that is about to end.
pub async fn all_called_off(longest: Duration) {
    let mut under_way = UNDER_WAY.subscribe();
    if tokio::time::timeout(longest, under_way.wait_for(|count| *count == 0)).await.is_err() {
        tracing::warn!("work may go on that nobody waits for: it was not called off in time");
    }
}

async fn call_off(service: &dyn OutsideService, correlation: &str, outside_id: Option<String>) {
    let provider = service.provider();
    let mut last = Ok(false);
    for pause in PAUSES {
        tokio::time::sleep(pause).await;
        last = called_off(service, correlation, outside_id.as_deref()).await;
        if last == Ok(true) {
            tracing::info!(provider, "work that nobody waits for was called off");
            return;
        }
    }
    match last {
        Ok(_) => tracing::debug!(provider, "a request that nobody waits for never arrived"),
        Err(failure) => {
            tracing::warn!(provider, code = %failure.code, "work may go on that nobody waits for: it was not called off");
        }
    }
}

/// Whether it is there and was called off; `false` where nobody there knows of it.
async fn called_off(
    service: &dyn OutsideService,
    correlation: &str,
    outside_id: Option<&str>,
) -> Result<bool, Failure> {
    let outside_id = match outside_id {
        Some(known) => known.to_owned(),
        None => match service.find(correlation).await? {
            Some(found) => found,
            None => return Ok(false),
        },
    };
    service.cancel(&outside_id).await.map(|()| true)
}
