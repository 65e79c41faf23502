//! A call from its arrival to what becomes of it: the script, the vendor, the script again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use serde_json::json;

use crate::{
    anthropic, elevenlabs,
    http::{Answer, Call},
    ledger::Ledger,
    ml, openai,
    replicate::{self, Replicate},
    routes::{self, Miss, Target, Vendor},
    scripts::Scripts,
    steps::{Fault, Retry, Step},
    transport::Manner,
    work::{Reply, Work},
};

/// What becomes of a call.
pub enum Outcome {
    Answered {
        answer: Answer,
        manner: Manner,
        charge: Option<usize>,
    },
    /// The connection ends without an answer, by RST or by FIN.
    Dropped {
        reset: bool,
    },
    /// Nothing, for as long as the client waits.
    Hangs,
}

/// All vendors.
pub struct App {
    pub scripts: Scripts,
    pub ledger: Arc<Ledger>,
    pub replicate: Arc<Replicate>,
    pub seed: u64,
    /// Requests that ElevenLabs takes at once.
    pub concurrent: usize,
    in_flight: AtomicUsize,
}

/// Counted for as long as it is kept.
struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An error in the vendor's own shape.
fn fault(vendor: Vendor, kind: Fault, retry: Retry) -> Answer {
    let answer = match vendor {
        Vendor::Anthropic => anthropic::fault(kind, retry),
        Vendor::OpenAi => openai::fault(kind, retry),
        Vendor::Replicate => replicate::fault(kind, retry),
        Vendor::ElevenLabs => elevenlabs::fault(kind, retry),
        Vendor::Ml => ml::fault(kind, retry),
    };
    // A cap on spending is documented to come without a time to wait.
    match retry {
        _ if kind == Fault::SpendLimit && vendor == Vendor::Anthropic => answer,
        Retry::Absent | Retry::Text(_) => answer,
        Retry::Seconds(seconds) => answer.with("retry-after", seconds),
        Retry::Millis(ms) => answer.with("retry-after-ms", ms),
        Retry::Date(seconds) => {
            let moment = Utc::now() + TimeDelta::seconds(seconds.into());
            answer.with("retry-after", moment.format("%a, %d %b %Y %H:%M:%S GMT"))
        }
    }
}

impl App {
    pub fn new(ledger: Arc<Ledger>, replicate: Arc<Replicate>, seed: u64, concurrent: usize) -> Self {
        Self { scripts: Scripts::default(), ledger, replicate, seed, concurrent, in_flight: AtomicUsize::new(0) }
    }

    /// Forgets scripts, charges and everything that was made.
    pub fn reset(&self) {
        self.scripts.clear();
        self.replicate.reset();
        self.ledger.clear();
    }

    /// Lets a call happen.
    pub async fn happen(&self, call: &Call) -> Outcome {
        let target = match routes::resolve(&call.method, &call.path) {
            Ok(target) => target,
            Err(Miss::Unknown(vendor)) => return plain(fault(vendor, Fault::NotFound, Retry::Absent)),
            Err(Miss::Nobody) => {
                let names: Vec<&str> = Vendor::ALL.iter().map(|vendor| vendor.prefix()).collect();
                let error = format!("nobody answers here: paths begin with one of {}", names.join(", "));
                return plain(Answer::json(404, &json!({ "error": error })));
            }
        };
        let step = self.scripts.next(target.vendor, target.route);
        let counted = (target.vendor == Vendor::ElevenLabs).then(|| {
            let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
            (InFlight(&self.in_flight), now)
        });
        let mut outcome = match counted {
            Some((_, now)) if now > self.concurrent => {
                plain(fault(Vendor::ElevenLabs, Fault::TooManyConcurrent, Retry::Absent))
            }
            _ => self.meet(call, &target, &step).await,
        };
        if let (Some((_, now)), Outcome::Answered { answer, .. }) = (&counted, &mut outcome) {
            *answer = std::mem::replace(answer, Answer::empty(200))
                .with("current-concurrent-requests", now)
                .with("maximum-concurrent-requests", self.concurrent);
        }
        if let (Some(_), Outcome::Hangs) = (&counted, &outcome) {
            // It takes a place for as long as it hangs.
            std::future::pending::<()>().await;
        }
        outcome
    }

    async fn meet(&self, call: &Call, target: &Target, step: &Step) -> Outcome {
        if step.comes_before_work() {
            return mishap(target.vendor, step).unwrap_or(Outcome::Hangs);
        }
        if let Step::Verbatim { status, content_type, body } = step {
            let answer = Answer::bytes(*status, content_type, Bytes::copy_from_slice(body.as_bytes()));
            // Whatever stands there is answered instead of work that was done.
            let charge = if (200..300).contains(status) { self.work(call, target, step).await.charge } else { None };
            return Outcome::Answered { answer, manner: Manner::Whole, charge };
        }
        let Reply { mut answer, charge } = self.work(call, target, step).await;
        if let Some(outcome) = mishap(target.vendor, step) {
            return outcome;
        }
        let mut manner = Manner::Whole;
        match step {
            Step::Delay { ms } => tokio::time::sleep(Duration::from_millis(*ms)).await,
            Step::SlowBody { ms } => manner = Manner::Slow(Duration::from_millis(*ms)),
            Step::CutBody => manner = Manner::Cut,
            Step::ContentType(content_type) => answer = answer.with("content-type", content_type),
            Step::Headers(headers) => {
                answer = headers.iter().fold(answer, |answer, (name, value)| answer.with(name, value));
            }
            Step::Oversized { bytes } => {
                let json = answer.headers.iter().any(|(_, value)| value == "application/json");
                manner = Manner::Padded { bytes: *bytes, value: if json { b' ' } else { 0 } };
            }
            _ => {}
        }
        let chunked = answer.headers.iter().position(|(name, _)| name == "transfer-encoding");
        if let Some(at) = chunked {
            answer.headers.remove(at);
            manner = if manner == Manner::Whole { Manner::Chunked } else { manner };
        }
        Outcome::Answered { answer, manner, charge }
    }

    async fn work(&self, call: &Call, target: &Target, step: &Step) -> Reply {
        let work = Work { call, target, step, ledger: &self.ledger, seed: self.seed };
        match target.vendor {
            Vendor::Anthropic => anthropic::answer(&work),
            Vendor::OpenAi => openai::answer(&work),
            Vendor::Replicate => self.replicate.answer(&work).await,
            Vendor::ElevenLabs => elevenlabs::answer(&work),
            Vendor::Ml => ml::answer(&work),
        }
    }
}

fn plain(answer: Answer) -> Outcome {
    Outcome::Answered { answer, manner: Manner::Whole, charge: None }
}

/// What happens in the place of an answer.
fn mishap(vendor: Vendor, step: &Step) -> Option<Outcome> {
    Some(match step {
        Step::Fail { fault: kind, retry, .. } => plain(fault(vendor, *kind, *retry)),
        Step::Reset { .. } => Outcome::Dropped { reset: true },
        Step::Close { .. } => Outcome::Dropped { reset: false },
        Step::Hang { .. } => Outcome::Hangs,
        Step::Redirect { to } => plain(Answer::empty(302).with("location", to)),
        _ => return None,
    })
}
