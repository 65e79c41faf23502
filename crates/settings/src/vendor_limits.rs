//! What vendors allow, as they document it. Vendors change: each limit is a key of their tables, and the defaults here are what
//! holds where a table says nothing. Knows nothing of who the vendors are.

use std::{ops::RangeInclusive, time::Duration};

/// Limits of one vendor. Those of another kind than its own are read and not used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VendorLimits {
    /// Longest text that is spoken at once, in characters.
    pub text_chars: usize,
    pub plans: PlanLimits,
    pub work: WorkLimits,
}

/// Of plans of songs (ElevenLabs).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanLimits {
    /// Length of a part, in milliseconds; the end is at least twice the start, so that what is too long can be cut.
    pub part_ms: RangeInclusive<u64>,
    /// Most parts. Documented for the second version of plans; the first says nothing of it.
    pub parts: usize,
    /// Most lines of a part.
    pub lines: usize,
    /// Longest line, in characters.
    pub line_chars: usize,
    /// Longest name of a part, in characters.
    pub name_chars: usize,
    /// Most styles in one list.
    pub styles: usize,
    /// Largest seed.
    pub seed: u64,
}

impl Default for PlanLimits {
    fn default() -> Self {
        Self {
            part_ms: 3_000..=120_000,
            parts: 30,
            lines: 30,
            line_chars: 200,
            name_chars: 100,
            styles: 50,
            seed: (1 << 31) - 1,
        }
    }
}

/// Of work that is asked for once and looked at (Replicate).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkLimits {
    /// Largest file that goes along inside a request, in bytes.
    pub inline_bytes: u64,
    /// How long what is uploaded is kept, with some time to spare.
    pub upload_kept: Duration,
    /// How long after it was asked for work may be missing from the lists in which it is looked for by its request.
    pub arrival: Duration,
    /// The same where it is looked at by its id.
    pub known_within: Duration,
    /// How soon a prediction is looked at again: at the earliest and at the latest.
    pub looks: (Duration, Duration),
    /// The same of a training.
    pub training_looks: (Duration, Duration),
}

impl Default for WorkLimits {
    fn default() -> Self {
        Self {
            inline_bytes: 256_000,
            upload_kept: Duration::from_secs(23 * 3600),
            arrival: Duration::from_secs(5 * 60),
            known_within: Duration::from_secs(60),
            looks: (Duration::from_secs(1), Duration::from_secs(10)),
            training_looks: (Duration::from_secs(2), Duration::from_secs(60)),
        }
    }
}
