//! Building, sealing and opening envelopes.

use std::str::FromStr;

use chrono::{DateTime, SubsecRound, Utc};
use domain::{JobId, JobState, MessageId, SongId, ids::InvalidId};
use prost::Message as _;

use crate::{
    error::ContractError,
    v1::{self, Envelope, envelope::Body},
};

/// Largest encoded envelope that is sent or read. Messages carry ids and figures; large payloads travel as objects. The
/// largest honest message, a verdict with every finding, stays below 16 KiB.
pub const MAX_ENVELOPE_BYTES: usize = 256 * 1024;

/// A new envelope around `body`, about no job, without a trace.
pub fn envelope(body: impl Into<Body>, id: MessageId, occurred_at: DateTime<Utc>) -> Envelope {
    Envelope {
        message_id: id.to_string(),
        job_id: String::new(),
        generation: 0,
        occurred_at: Some(timestamp(occurred_at)),
        traceparent: String::new(),
        expires_at: None,
        body: Some(body.into()),
    }
}

/// The bytes that travel.
pub fn encode(envelope: &Envelope) -> Vec<u8> {
    envelope.encode_to_vec()
}

/// Reads an envelope. Unknown fields are skipped and an unknown body reads as none, so that old and new versions can run
/// side by side.
pub fn decode(bytes: &[u8]) -> Result<Envelope, ContractError> {
    if bytes.len() > MAX_ENVELOPE_BYTES {
        return Err(ContractError::OutOfRange { field: "envelope" });
    }
    Envelope::decode(bytes).map_err(ContractError::Undecodable)
}

impl Envelope {
    /// Says which job this is about, and the sender's lease generation (0 when it holds none).
    #[must_use]
    pub fn about(mut self, job: JobId, generation: u64) -> Self {
        self.job_id = job.to_string();
        self.generation = generation;
        self
    }

    /// Carries on the sender's trace (a W3C `traceparent`).
    #[must_use]
    pub fn traced(mut self, traceparent: impl Into<String>) -> Self {
        self.traceparent = traceparent.into();
        self
    }

    /// Sets when the requester stops waiting.
    #[must_use]
    pub fn expiring(mut self, at: DateTime<Utc>) -> Self {
        self.expires_at = Some(timestamp(at));
        self
    }

    /// The id by which consumers are idempotent.
    pub fn id(&self) -> Result<MessageId, ContractError> {
        id("message_id", &self.message_id)
    }

    /// The job this is about, when it is about one.
    pub fn job(&self) -> Result<Option<JobId>, ContractError> {
        if self.job_id.is_empty() { Ok(None) } else { id("job_id", &self.job_id).map(Some) }
    }

    /// When the sender made it.
    pub fn occurred(&self) -> Option<DateTime<Utc>> {
        self.occurred_at.as_ref().and_then(moment)
    }

    /// When the requester stops waiting, for requests.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        self.expires_at.as_ref().and_then(moment)
    }

    /// The body's name in `proto/`, or `unknown` for a body that this version does not know.
    pub fn kind(&self) -> &'static str {
        self.body.as_ref().map_or(UNKNOWN_KIND, Body::kind)
    }

    /// The reply's body if it is a [`v1::Fault`].
    pub fn fault(&self) -> Option<&v1::Fault> {
        match &self.body {
            Some(Body::Fault(fault)) => Some(fault),
            _ => None,
        }
    }
}

const UNKNOWN_KIND: &str = "unknown";

/// A message that can be the body of an envelope.
pub trait Payload: Into<Body> + Sized {
    /// Its name among the bodies in `proto/`.
    const KIND: &'static str;

    /// Takes the payload out of an envelope that holds this kind.
    fn open(envelope: Envelope) -> Result<Self, ContractError>;
}

macro_rules! payloads {
    ($($kind:literal => $variant:ident),+ $(,)?) => {
        $(
            impl From<v1::$variant> for Body {
                fn from(payload: v1::$variant) -> Self {
                    Self::$variant(payload)
                }
            }

            impl Payload for v1::$variant {
                const KIND: &'static str = $kind;

                fn open(envelope: Envelope) -> Result<Self, ContractError> {
                    match envelope.body {
                        Some(Body::$variant(payload)) => Ok(payload),
                        Some(other) => Err(ContractError::OtherBody { expected: $kind, found: other.kind() }),
                        None => Err(ContractError::OtherBody { expected: $kind, found: UNKNOWN_KIND }),
                    }
                }
            }
        )+

        impl Body {
            /// Every kind of body that this version knows.
            pub const KINDS: &[&str] = &[$($kind),+];

            /// The body's name in `proto/`.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)+
                }
            }
        }
    };
}

payloads! {
    "job_ready" => JobReady,
    "cancel_job" => CancelJob,
    "validate_audio" => ValidateAudio,
    "ingest_result" => IngestResult,
    "delete_job_objects" => DeleteJobObjects,
    "signal_job" => SignalJob,
    "audio_verdict" => AudioVerdict,
    "result_ingested" => ResultIngested,
    "fault" => Fault,
    "job_changed" => JobChanged,
    "reset_breaker" => ResetBreaker,
    "import_songs" => ImportSongs,
    "correct_song" => CorrectSong,
    "remove_song" => RemoveSong,
    "songs_imported" => SongsImported,
    "song_corrected" => SongCorrected,
    "song_removed" => SongRemoved,
    "announcement" => Announcement,
    "make_rendition" => MakeRendition,
    "rendition_made" => RenditionMade,
}

macro_rules! job_of {
    ($($payload:ident),+) => {
        $(
            impl v1::$payload {
                /// The job that is meant.
                pub fn job(&self) -> Result<JobId, ContractError> {
                    id("job_id", &self.job_id)
                }
            }
        )+
    };
}

job_of!(JobReady, CancelJob, SignalJob, JobChanged, DeleteJobObjects, Announcement, MakeRendition, RenditionMade);

macro_rules! song_of {
    ($($payload:ident),+) => {
        $(
            impl v1::$payload {
                /// The song that is meant.
                pub fn song(&self) -> Result<SongId, ContractError> {
                    id("song_id", &self.song_id)
                }
            }
        )+
    };
}

song_of!(CorrectSong, RemoveSong, SongCorrected, SongRemoved);

impl v1::JobChanged {
    /// The job's state, unless a newer version invented it: then the reader looks the job up.
    pub fn known_state(&self) -> Option<JobState> {
        self.state.parse().ok()
    }
}

/// To the wire, whole microseconds: what both databases keep.
pub fn timestamp(at: DateTime<Utc>) -> prost_types::Timestamp {
    let at = at.trunc_subsecs(6);
    prost_types::Timestamp {
        seconds: at.timestamp(),
        // Below one thousand million, except in a leap second, which chrono counts as more than a second.
        nanos: i32::try_from(at.timestamp_subsec_nanos().min(999_999_000)).unwrap_or(0),
    }
}

/// From the wire; `None` for a moment that no calendar holds.
pub fn moment(at: &prost_types::Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.seconds, u32::try_from(at.nanos).ok()?)
}

pub(crate) fn id<T: FromStr<Err = InvalidId>>(field: &'static str, text: &str) -> Result<T, ContractError> {
    text.parse().map_err(|source| ContractError::InvalidId { field, source })
}
