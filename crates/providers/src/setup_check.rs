//! Whether a provider can be used as it is set up, asked before any job needs it.

use async_trait::async_trait;
use domain::Failure;

/// A provider elsewhere that can be asked whether its key, its address and its models are right, at no cost.
#[async_trait]
pub trait SetupCheck: Send + Sync {
    /// Its name in the settings.
    fn provider(&self) -> &str;

    /// What all that it does hangs on, such as its key.
    ///
    /// # Errors
    /// Of class `Config` or `Money` where an operator has to act; of another where it could not be asked just now.
    async fn check(&self) -> Result<(), Failure>;

    /// What only a part of what it does hangs on; none where all of it stands and falls together. Asked when [`Self::check`]
    /// has found nothing amiss.
    async fn check_parts(&self) -> Vec<PartCheck> {
        Vec::new()
    }
}

/// What was found of one part.
#[derive(Clone, PartialEq, Debug)]
pub struct PartCheck {
    pub part: Part,
    /// Errors as [`SetupCheck::check`]'s.
    pub found: Result<(), Failure>,
}

/// A part of a provider that can be wrong alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Something that it does, by its name in the settings: the provider is not asked for it while this is wrong.
    Capability(&'static str),
    /// Something that work goes on without. It is told.
    Aside(&'static str),
}

impl Part {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capability(name) | Self::Aside(name) => name,
        }
    }
}
