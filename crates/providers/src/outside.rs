//! The way to services elsewhere.

use std::sync::OnceLock;

use outbound::{Outbound, OutboundError, SetupError, Trouble};
use settings::OutboundSettings;

/// Sends requests, and is made when the first client wants it: most settings name nobody outside, and then a machine
/// without certificates is as good as any.
#[derive(Default)]
pub struct Outside {
    settings: OutboundSettings,
    made: OnceLock<Outbound>,
}

impl Outside {
    /// Reads nothing yet.
    pub fn new(settings: &OutboundSettings) -> Self {
        Self { settings: settings.clone(), made: OnceLock::new() }
    }

    /// The same one for every client, so that they share their connections. Blocking; meant for the start of a service.
    ///
    /// # Errors
    /// When requests cannot be made as the settings want it.
    pub fn outbound(&self) -> Result<Outbound, SetupError> {
        if let Some(made) = self.made.get() {
            return Ok(made.clone());
        }
        let made = Outbound::new(&self.settings)?;
        Ok(self.made.get_or_init(|| made).clone())
    }
}

/// What a service did, to be said behind its name.
pub fn misdeed(error: &OutboundError) -> &'static str {
    match error {
        OutboundError::NotSent { .. } => "cannot be reached",
        OutboundError::Unanswered { why: Trouble::TimedOut, .. }
        | OutboundError::Broken { why: Trouble::TimedOut, .. } => "did not answer in time",
        OutboundError::Unanswered { .. } => "did not answer",
        OutboundError::Broken { .. } => "broke off its answer",
        OutboundError::Redirected { .. } => "named an address on another host",
        OutboundError::TooLarge { .. } => "sent more than it may",
        OutboundError::TooSlow { .. } => "answers too slowly",
        OutboundError::NotJson { .. } | OutboundError::OtherShape { .. } => {
            "sent an answer that is not what it promises"
        }
        OutboundError::Write { .. } => "sent an answer that cannot be written down",
    }
}
