//! Errors in words, for people.

use domain::audio::Severity;

use super::ApiError;
use crate::wire::SongChoice;

impl ApiError {
    pub(super) const fn title(&self) -> &'static str {
        match self {
            Self::InvalidField { .. } => "A field is missing or wrong",
            Self::InvalidBody { .. } => "The body is not what this route takes",
            Self::ContentRejected { .. } => "These words are not sung here",
            Self::AudioRefused { .. } => "The recording was refused",
            Self::UnsupportedAudio { .. } => "The recording's format is not accepted",
            Self::SongsRefused { .. } | Self::NotMidi { .. } => "No song was found in it",
            Self::UnsupportedMediaType { .. } => "The body's type is not accepted",
            Self::UnsupportedCoding { .. } => "The body's coding is not accepted",
            Self::TooLarge { .. } | Self::SongsTooLarge { .. } | Self::FilesTooLarge { .. } => {
                "The upload is too large"
            }
            Self::NotSetUp { .. } => "Not set up here",
            Self::TooSlow => "The upload stood still",
            Self::Unauthenticated { .. } => "Who are you?",
            Self::Forbidden => "Not allowed",
            Self::HostNotAllowed { .. } => "This name of the server is not allowed",
            Self::OriginNotAllowed { .. } => "This page may not use the server",
            Self::NotFound | Self::RecordNotFound(_) => "Not found",
            Self::UnknownKind { .. } => "No such kind of job",
            Self::MethodNotAllowed { .. } => "This path takes another method",
            Self::SongUnknown { .. } => "No such song",
            Self::SongAmbiguous { .. } => "Several songs have this name",
            Self::ModelUnknown { .. } => "No such model",
            Self::ModelState { .. } => "The model's state does not allow this",
            Self::ModelNameTaken { .. } => "The name is taken",
            Self::RateLimited { .. } => "Too many in a short time",
            Self::Gone => "No longer kept",
            Self::PreconditionFailed => "Another version is here",
            Self::JobState { .. } => "The job's state does not allow this",
            Self::IdempotencyInFlight => "The first request with this key is still running",
            Self::IdempotencyMismatch => "This idempotency key belongs to another request",
            Self::QuotaExceeded { .. } => "Quota exceeded",
            Self::TooManyRequests { .. } => "Too many requests",
            Self::Unavailable { .. } => "Not available right now",
            Self::Internal => "Something went wrong on our side",
        }
    }

    /// What is wrong here and what to do about it.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::InvalidField { field, detail } => format!("{field}: {detail}"),
            Self::InvalidBody { detail }
            | Self::SongsRefused { detail }
            | Self::NotMidi { detail }
            | Self::NotSetUp { detail }
            | Self::UnsupportedMediaType { detail }
            | Self::UnsupportedCoding { detail, .. }
            | Self::HostNotAllowed { detail }
            | Self::OriginNotAllowed { detail }
            | Self::ContentRejected { detail, .. } => detail.clone(),
            Self::AudioRefused { place, findings } | Self::UnsupportedAudio { place, findings } => {
                // Warnings stand in `findings`; here only what has to change.
                let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
                let errors = errors.map(|finding| finding.message.as_str()).collect::<Vec<_>>().join(" ");
                match place {
                    Some(place) => format!("{place}: {errors}"),
                    None => errors,
                }
            }
            Self::TooLarge { limit_bytes } => format!(
                "File size exceeds maximum of {} MB; shorten or compress the recording.",
                limit_bytes / (1024 * 1024)
            ),
            Self::SongsTooLarge { limit_bytes } => {
                format!("The files are larger than {} MB together; send them in parts.", limit_bytes / (1024 * 1024))
            }
            Self::FilesTooLarge { limit_bytes } => format!(
                "The files are larger than {} MB together; send fewer of them, or send them as FLAC or MP3.",
                limit_bytes / (1024 * 1024)
            ),
            Self::TooSlow => "The upload stood still for too long; send it again over a better connection.".to_owned(),
            Self::Unauthenticated { detail } => (*detail).to_owned(),
            Self::Forbidden => "Your token does not allow this.".to_owned(),
            Self::NotFound => "There is nothing here under this id.".to_owned(),
            Self::RecordNotFound(detail) => (*detail).to_owned(),
            Self::UnknownKind { known } => format!("Known here are: {}.", known.join(", ")),
            Self::MethodNotAllowed { allow } => format!("Use {allow}."),
            Self::SongUnknown { number, wanted, nearest } => {
                let names: Vec<&str> = nearest.iter().map(|song| song.name.as_str()).collect();
                let advice = if names.is_empty() {
                    "nothing in the catalogue is like it: send the song as a file".to_owned()
                } else {
                    format!("did you mean {}?", names.join(", or "))
                };
                format!("songs, song {number}: no song is called {wanted}; {advice}")
            }
            Self::SongAmbiguous { number, wanted, choices } => {
                let with_id = |SongChoice { id, name, .. }: &SongChoice| {
                    if name.ends_with(&format!("({id})")) { name.clone() } else { format!("{name} ({id})") }
                };
                let names: Vec<String> = choices.iter().map(with_id).collect();
                format!(
                    "songs, song {number}: several songs are called {wanted}; name one by its id: {}",
                    names.join(", ")
                )
            }
            Self::ModelUnknown { wanted, known } => {
                let there = if known.is_empty() {
                    "there is none".to_owned()
                } else {
                    format!("there are {}", known.join(", "))
                };
                format!("No model is called {wanted}; {there}.")
            }
            Self::ModelState { name, detail } => format!("The model {name}: {detail}."),
            Self::ModelNameTaken { name } => {
                format!("A model is called {name} already: take another name, or change that one.")
            }
            Self::RateLimited { starts } => format!(
                "At most {} of these may be started in {} s; try again in {} s.",
                starts.limit.starts,
                starts.limit.within.as_secs(),
                starts.reset.as_secs_f64().ceil().max(1.0)
            ),
            Self::Gone => "The files of this job have been deleted; its time to be kept is over.".to_owned(),
            Self::PreconditionFailed => {
                "The file is not the version that If-Match names; fetch it without If-Match, and use its ETag."
                    .to_owned()
            }
            Self::JobState { state, detail } => format!("The job is {state}: {detail}."),
            Self::IdempotencyInFlight => "Wait for its answer, or ask again a little later.".to_owned(),
            Self::IdempotencyMismatch => "Use a new Idempotency-Key for a new request.".to_owned(),
            Self::QuotaExceeded { exceeded, .. } => format!(
                "Your {} quota of {} jobs is used up; it starts afresh at {}.",
                exceeded.period,
                exceeded.limit,
                exceeded.resets_at.format("%Y-%m-%dT%H:%M:%SZ")
            ),
            Self::TooManyRequests { retry_after } => format!("Try again in {} s.", retry_after.as_secs().max(1)),
            Self::Unavailable { what } => format!("{what} cannot be reached; try again shortly."),
            Self::Internal => {
                "It has been logged; try again, and tell the operator the trace id if it stays.".to_owned()
            }
        }
    }
}
