//! What calls of providers take and tell, whatever they are for.

use std::{
    fs::File,
    io::{self, Seek},
    sync::Arc,
};

use domain::{Failure, FailureClass, FailureCode};

/// Told how much of a call is done, 0–1.
pub type ProgressSink = Arc<dyn Fn(f64) + Send + Sync>;

/// For callers that do not show progress.
pub fn no_progress() -> ProgressSink {
    Arc::new(|_| {})
}

/// A recording in a file that has no name any more; it goes away with the last handle.
#[derive(Debug)]
pub struct AudioInput {
    file: File,
    pub size_bytes: u64,
}

impl AudioInput {
    pub fn new(file: File) -> io::Result<Self> {
        let size_bytes = file.metadata()?.len();
        Ok(Self { file, size_bytes })
    }

    /// A handle at the start of the recording. Handles share their position: use one at a time.
    ///
    /// # Errors
    /// `Transient`: the recording was there.
    pub fn reopen(&self) -> Result<File, Failure> {
        let rewound = self.file.try_clone().and_then(|mut file| file.rewind().map(|()| file));
        rewound.map_err(|error| {
            Failure::new(
                FailureClass::Transient,
                FailureCode::Storage,
                format!("the recording cannot be read: {error}"),
            )
        })
    }
}
