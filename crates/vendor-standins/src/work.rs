//! What a vendor is given to work on, and what it gives back.

use crate::{
    http::{Answer, Call},
    ledger::Ledger,
    routes::Target,
    steps::{Step, Stop, Words},
};

/// One call on its way through a vendor.
pub struct Work<'w> {
    pub call: &'w Call,
    pub target: &'w Target,
    /// What the script says of it.
    pub step: &'w Step,
    pub ledger: &'w Ledger,
    pub seed: u64,
}

impl Work<'_> {
    /// Writes down what the call costs.
    pub fn charge(&self, amount_micros: u64, subject: Option<&str>) -> usize {
        self.ledger.charge(self.target.vendor, self.target.route, self.call, amount_micros, subject)
    }

    /// An id of the server's own in a path.
    pub fn id(&self, at: usize) -> &str {
        self.target.ids.get(at).map_or("", String::as_str)
    }

    pub fn words(&self) -> Option<&Words> {
        match self.step {
            Step::Text(words) => Some(words),
            _ => None,
        }
    }

    pub fn stop(&self) -> Option<Stop> {
        match self.step {
            Step::Stop(stop) => Some(*stop),
            _ => None,
        }
    }

    pub fn sound(&self) -> Option<crate::steps::Sound> {
        match self.step {
            Step::Audio(sound) => Some(*sound),
            _ => None,
        }
    }

    /// A number that follows from the seed and the request alone.
    pub fn dice(&self) -> u64 {
        // FNV-1a, 64 bits.
        self.call.body.iter().fold(0xcbf2_9ce4_8422_2325 ^ self.seed, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

/// An answer and the charge that it is for.
#[derive(Debug)]
pub struct Reply {
    pub answer: Answer,
    pub charge: Option<usize>,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self { answer, charge: None }
    }
}

/// A page that some proxy puts in the place of sound.
pub const NOT_AUDIO: &str = "<!doctype html><title>Not here</title><p>This file has moved.</p>";
