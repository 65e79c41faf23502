//! The registry: every kind of job that this version knows, a module each.

pub mod blend;
pub mod composition;
pub mod melody_vocals;
pub mod training;

use std::sync::Arc;

use crate::kind::KindSpec;

/// One line a kind.
static BUILT_IN: &[&KindSpec] = &[&melody_vocals::SPEC, &blend::SPEC, &composition::SPEC, &training::SPEC];

/// The kinds that a process knows.
#[derive(Clone, Debug)]
pub struct Kinds(Arc<[&'static KindSpec]>);

impl Kinds {
    /// Those of this version.
    pub fn built_in() -> Self {
        Self(BUILT_IN.into())
    }

    /// These and one more, for a build with kinds of its own.
    #[must_use]
    pub fn with(&self, kind: &'static KindSpec) -> Self {
        Self(self.iter().chain([kind]).collect())
    }

    /// `None` for a kind that only another version knows.
    pub fn get(&self, name: &str) -> Option<&'static KindSpec> {
        self.iter().find(|kind| kind.name.as_str() == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &'static KindSpec> {
        self.0.iter().copied()
    }
}
