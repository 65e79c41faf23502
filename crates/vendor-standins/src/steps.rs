//! What can go wrong, in words that a script is written in. Each is a step: what the next call meets.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::routes::{Route, Vendor};

/// What one call meets. Over HTTP in JSON: `"proper"`, `{"fail": {"fault": "rate_limited"}}`, `{"hang": {}}`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Nothing goes wrong.
    #[default]
    Proper,
    /// An error of the vendor, in its own shape.
    Fail {
        fault: Fault,
        #[serde(default)]
        retry: Retry,
        /// The work was done and is charged, and the error answered instead of it.
        #[serde(default)]
        after_work: bool,
    },
    /// The connection is reset (RST) before any byte of an answer.
    Reset {
        #[serde(default)]
        after_work: bool,
    },
    /// The connection is closed (FIN) before any byte of an answer.
    Close {
        #[serde(default)]
        after_work: bool,
    },
    /// No answer, and the connection stays open.
    Hang {
        #[serde(default)]
        after_work: bool,
    },
    /// A proper answer, late.
    Delay { ms: u64 },
    /// A proper answer, one byte at a time with a pause behind each.
    SlowBody { ms: u64 },
    /// A proper answer of which half of the body comes before the connection is closed.
    CutBody,
    /// A proper answer whose `Content-Type` says something else.
    ContentType(String),
    /// A proper answer with these headers, in place of its own of the same names.
    Headers(Vec<(String, String)>),
    /// A proper answer followed by so many spaces (JSON) or zeros, in bytes.
    Oversized { bytes: u64 },
    /// A redirect (302) to this address.
    Redirect { to: String },
    /// An answer that stands here in full. Charged as a proper one when the status is a success.
    Verbatim { status: u16, content_type: String, body: String },
    /// The words of a chat model come amiss.
    Text(Words),
    /// A chat model stops for another reason than having finished.
    Stop(Stop),
    /// The sound comes amiss.
    Audio(Sound),
    /// How a prediction or a training goes that is created by the call.
    Run(Run),
}

/// An error that a vendor answers. What a vendor has no word for comes with the usual status in the vendor's shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 429: slower.
    RateLimited,
    /// 429 of OpenAI: the rate grew too fast, within its limits.
    SlowDown,
    /// 429 of ElevenLabs: too many at once.
    TooManyConcurrent,
    /// 429 of ElevenLabs: its own fault.
    SystemBusy,
    /// 408.
    RequestTimeout,
    /// 409.
    Conflict,
    /// 500.
    ServerError,
    /// 502, in the words of a proxy.
    BadGateway,
    /// 503; OpenAI calls it `server_is_overloaded`.
    Unavailable,
    /// 504.
    GatewayTimeout,
    /// 529 of Anthropic, 503 elsewhere.
    Overloaded,
    /// 520 of a proxy in front of the vendor, as a page: it did not understand what came from behind.
    EdgeUnknown,
    /// 524 of the same: nothing came from behind in time.
    EdgeTimeout,
    /// Credits are used up: 401 of ElevenLabs, 402 of Anthropic and Replicate, 429 of OpenAI.
    QuotaExceeded,
    /// 429 of OpenAI `credit_balance_exhausted`; elsewhere as `quota_exceeded`.
    CreditExhausted,
    /// 429 of Anthropic with `enforced_spend_limit_reached`, never with a time to wait; elsewhere as `quota_exceeded`.
    SpendLimit,
    /// 401.
    BadKey,
    /// 403.
    Forbidden,
    /// 403 of ElevenLabs `only_for_creator+`; elsewhere as `forbidden`.
    PlanTooSmall,
    /// 404.
    NotFound,
    /// 400.
    BadRequest,
    /// 413.
    TooLarge,
    /// 422.
    Unprocessable,
    /// 400 of OpenAI `invalid_prompt`; of ElevenLabs `bad_prompt` with a suggestion; elsewhere as `bad_request`.
    BadPrompt,
    /// 400 of ElevenLabs `bad_prompt` without a suggestion, as for harmful words; elsewhere as `bad_prompt`.
    HarmfulPrompt,
    /// 400 of ElevenLabs `bad_composition_plan` with a suggestion; elsewhere as `bad_prompt`.
    BadCompositionPlan,
}

/// How an error says when to come again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// It does not.
    #[default]
    Absent,
    /// `Retry-After` in seconds.
    Seconds(u32),
    /// `Retry-After` as a date, this many seconds from now.
    Date(u32),
    /// `retry-after-ms`.
    Millis(u32),
    /// Only in the text: "resets in ~30s".
    Text(u32),
}

/// What is amiss with the words of a chat model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Words {
    /// A NUL in the first string.
    Nul,
    /// Arrays where strings should be.
    Arrays,
    /// Half of a surrogate pair, escaped, in the JSON of the model's text.
    LoneSurrogate,
    /// The same in the JSON of the vendor's body.
    LoneSurrogateInBody,
    /// The JSON breaks off, though the model says that it has finished.
    Truncated,
    /// Polite prose before and after the JSON.
    Prose,
    /// The JSON stands in a code fence.
    CodeFence,
    /// Nothing.
    Empty,
    /// One line too few.
    LineMissing,
    /// Lines of twice as many syllables.
    TooLong,
    /// This text.
    Literal(String),
}

/// Why a chat model stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Anthropic `refusal`; OpenAI a `refusal` in place of the content.
    Refusal,
    /// Anthropic `max_tokens`, OpenAI `length`; half of the text.
    Length,
    /// OpenAI `content_filter`; Anthropic `refusal`.
    ContentFilter,
    /// Anthropic `pause_turn`; OpenAI `length`.
    PauseTurn,
    /// Anthropic `model_context_window_exceeded`; OpenAI `length`.
    ContextWindow,
    /// A word that nobody has documented.
    Unknown,
}

/// What is amiss with sound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// A page in HTML, as audio.
    NotAudio,
    /// No byte at all.
    Empty,
    /// Digital silence.
    Silent,
    /// A tenth of the length.
    Short,
    /// A semitone too high.
    OutOfTune,
    /// Three times the length.
    Long,
}

/// How a prediction or a training goes.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default, deny_unknown_fields)]
pub struct Run {
    pub end: End,
    /// As the server's when not told.
    pub pace: Option<Pace>,
    pub webhooks: Vec<Webhook>,
}

/// How it ends.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    #[default]
    Succeeds,
    /// `failed`, with this error.
    Fails(String),
    /// `canceled`, by the vendor.
    Canceled,
    /// `aborted`: the deadline passed before it had started. Not charged, and no webhook tells of it.
    Aborted,
    /// A status that is not documented, with `completed_at` set.
    UnknownStatus,
    /// `succeeded`, with the output deleted: `data_removed`.
    Removed,
    /// `succeeded`, with this as the output.
    Output(Value),
    /// `succeeded`, with sound amiss at the address of the output.
    Audio(Sound),
}

/// What moves a run from `starting` over `processing` to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// The clock, in milliseconds for each of the two states.
    Millis { starting: u64, processing: u64 },
    /// How often it is asked for in each of the two states. `Prefer: wait` does not wait for it.
    Polls { starting: u32, processing: u32 },
    /// Only `Vendors::advance`, or `POST /_control/advance`.
    Manual,
}

/// What is amiss with the webhooks of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Webhook {
    /// All of them are sent before the call that created the run is answered.
    BeforeAnswer,
    /// Each is sent twice, with the same id.
    Duplicate,
    /// `completed` is sent before `start`.
    OutOfOrder,
    /// Signed with another secret.
    BadSignature,
    /// Signed an hour ago.
    OldTimestamp,
    /// None is sent.
    Missing,
}

impl Step {
    /// Whether the step can happen on this route.
    pub fn fits(&self, vendor: Vendor, route: Route) -> bool {
        let chat = matches!(route, Route::Messages | Route::Chat);
        let sound =
            matches!(route, Route::Speech | Route::Music | Route::MusicStream | Route::MusicDetailed | Route::Delivery)
                || (vendor == Vendor::Ml && route == Route::ConvertToMp3);
        match self {
            Self::Text(_) | Self::Stop(_) => chat,
            Self::Audio(_) => sound,
            Self::Run(_) => matches!(route, Route::CreatePrediction | Route::CreateTraining),
            _ => true,
        }
    }

    /// Whether the call meets the step before the vendor has looked at it.
    pub fn comes_before_work(&self) -> bool {
        match self {
            Self::Fail { after_work, .. }
            | Self::Reset { after_work }
            | Self::Close { after_work }
            | Self::Hang { after_work } => !after_work,
            Self::Redirect { .. } => true,
            _ => false,
        }
    }
}
