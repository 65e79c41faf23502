//! Which request is whose: every path that the server answers.

use hyper::Method;
use serde::{Deserialize, Serialize};

/// Who is spoken for. Each has its own first segment of the path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    Anthropic,
    OpenAi,
    Replicate,
    ElevenLabs,
    /// A service that blends songs in MIDI, as the older product knows it.
    Ml,
}

impl Vendor {
    pub const ALL: [Self; 5] = [Self::Anthropic, Self::OpenAi, Self::Replicate, Self::ElevenLabs, Self::Ml];

    /// The first segment of its paths, and its name over HTTP.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Replicate => "replicate",
            Self::ElevenLabs => "elevenlabs",
            Self::Ml => "ml",
        }
    }
}

/// One thing that can be asked of a vendor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Whatever is asked of the vendor next.
    Any,
    // Anthropic.
    Messages,
    Model,
    // OpenAI.
    Chat,
    Speech,
    /// The voices, which services that speak OpenAI's form tell at this address (OpenAI itself does not).
    Voices,
    Models,
    Moderations,
    // Replicate.
    CreatePrediction,
    ListPredictions,
    GetPrediction,
    CancelPrediction,
    CreateTraining,
    ListTrainings,
    GetTraining,
    CancelTraining,
    CreateModel,
    GetModel,
    ListVersions,
    GetVersion,
    CreateFile,
    ListFiles,
    GetFile,
    DownloadFile,
    DeleteFile,
    WebhookSecret,
    Account,
    /// Output files, which in truth lie on another host.
    Delivery,
    // ElevenLabs.
    Music,
    MusicStream,
    MusicDetailed,
    MusicPlan,
    /// The account of a key; costs nothing.
    Subscription,
    // The service that blends songs.
    Generate,
    ConvertToMp3,
}

/// What a path asks for, with the ids that stand in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    pub vendor: Vendor,
    pub route: Route,
    pub ids: Vec<String>,
}

/// Why a request has no target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Miss {
    /// No vendor has this first segment.
    Nobody,
    /// The vendor has no such path.
    Unknown(Vendor),
}

/// Finds the target of a request by its method and path.
///
/// # Errors
/// When nobody answers there.
pub fn resolve(method: &Method, path: &str) -> Result<Target, Miss> {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let Some((first, rest)) = segments.split_first() else { return Err(Miss::Nobody) };
    let target = |vendor, (route, ids): (Route, &[&str])| {
        Ok(Target { vendor, route, ids: ids.iter().map(|id| (*id).to_owned()).collect() })
    };
    if *first == "delivery" {
        return target(Vendor::Replicate, (Route::Delivery, rest));
    }
    let vendor = Vendor::ALL.into_iter().find(|vendor| vendor.prefix() == *first).ok_or(Miss::Nobody)?;
    let post = method == Method::POST;
    let found = match (vendor, rest) {
        (Vendor::Anthropic, ["v1", "messages"]) if post => Some((Route::Messages, vec![])),
        (Vendor::Anthropic, ["v1", "models", id]) if method == Method::GET => Some((Route::Model, vec![*id])),
        (Vendor::OpenAi, ["v1", "chat", "completions"]) if post => Some((Route::Chat, vec![])),
        (Vendor::OpenAi, ["v1", "audio", "speech"]) if post => Some((Route::Speech, vec![])),
        (Vendor::OpenAi, ["v1", "audio", "voices"]) if method == Method::GET => Some((Route::Voices, vec![])),
        (Vendor::OpenAi, ["v1", "models"]) if method == Method::GET => Some((Route::Models, vec![])),
        (Vendor::OpenAi, ["v1", "moderations"]) if post => Some((Route::Moderations, vec![])),
        (Vendor::ElevenLabs, ["v1", "music"]) if post => Some((Route::Music, vec![])),
        (Vendor::ElevenLabs, ["v1", "music", "stream"]) if post => Some((Route::MusicStream, vec![])),
        (Vendor::ElevenLabs, ["v1", "music", "detailed"]) if post => Some((Route::MusicDetailed, vec![])),
        (Vendor::ElevenLabs, ["v1", "music", "plan"]) if post => Some((Route::MusicPlan, vec![])),
        (Vendor::ElevenLabs, ["v1", "user", "subscription"]) if method == Method::GET => {
            Some((Route::Subscription, vec![]))
        }
        (Vendor::Ml, ["generate"]) if post => Some((Route::Generate, vec![])),
        (Vendor::Ml, ["convert-to-mp3"]) if post => Some((Route::ConvertToMp3, vec![])),
        (Vendor::Replicate, ["v1", rest @ ..]) => replicate(method, rest),
        _ => None,
    };
    let (route, ids) = found.ok_or(Miss::Unknown(vendor))?;
    target(vendor, (route, &ids))
}

fn replicate<'p>(method: &Method, path: &[&'p str]) -> Option<(Route, Vec<&'p str>)> {
    let (get, post, delete) = (method == Method::GET, method == Method::POST, method == Method::DELETE);
    let found = match path {
        ["predictions"] if post => (Route::CreatePrediction, vec![]),
        ["predictions"] if get => (Route::ListPredictions, vec![]),
        ["predictions", id] if get => (Route::GetPrediction, vec![*id]),
        ["predictions", id, "cancel"] if post => (Route::CancelPrediction, vec![*id]),
        ["trainings"] if get => (Route::ListTrainings, vec![]),
        ["trainings", id] if get => (Route::GetTraining, vec![*id]),
        ["trainings", id, "cancel"] if post => (Route::CancelTraining, vec![*id]),
        ["models"] if post => (Route::CreateModel, vec![]),
        ["models", owner, name] if get => (Route::GetModel, vec![*owner, *name]),
        ["models", owner, name, "predictions"] if post => (Route::CreatePrediction, vec![*owner, *name]),
        ["models", owner, name, "versions"] if get => (Route::ListVersions, vec![*owner, *name]),
        ["models", owner, name, "versions", id] if get => (Route::GetVersion, vec![*owner, *name, *id]),
        ["models", owner, name, "versions", id, "trainings"] if post => {
            (Route::CreateTraining, vec![*owner, *name, *id])
        }
        ["files"] if post => (Route::CreateFile, vec![]),
        ["files"] if get => (Route::ListFiles, vec![]),
        ["files", id] if get => (Route::GetFile, vec![*id]),
        ["files", id] if delete => (Route::DeleteFile, vec![*id]),
        ["files", id, "download"] if get => (Route::DownloadFile, vec![*id]),
        ["webhooks", "default", "secret"] if get => (Route::WebhookSecret, vec![]),
        ["account"] if get => (Route::Account, vec![]),
        _ => return None,
    };
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_vendor() {
        let of = |method: Method, path: &str| resolve(&method, path).map(|target| (target.vendor, target.route));
        assert_eq!(of(Method::POST, "/openai/v1/chat/completions"), Ok((Vendor::OpenAi, Route::Chat)));
        assert_eq!(of(Method::GET, "/openai/v1/chat/completions"), Err(Miss::Unknown(Vendor::OpenAi)));
        assert_eq!(of(Method::GET, "/delivery/x/out.wav"), Ok((Vendor::Replicate, Route::Delivery)));
        assert_eq!(of(Method::GET, "/"), Err(Miss::Nobody));
        let training = resolve(&Method::POST, "/replicate/v1/models/a/b/versions/c/trainings");
        assert_eq!(training.map(|target| target.ids), Ok(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
    }
}
