//! Addresses of a job, so that no client puts one together. Behind a proxy they start with the public address from the
//! settings; without one they are relative to the host that was asked.

use domain::{ArtifactRole, JobId};
use serde::Serialize;
use url::Url;
use utoipa::ToSchema;

/// Where the parts of a job are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Links {
    pub status: String,
    /// Server-Sent Events; the same over WebSocket at `ws`.
    pub events: String,
    pub ws: String,
    pub result: String,
    pub cancel: String,
    pub feedback: String,
}

/// Makes addresses.
#[derive(Clone, Debug)]
pub struct LinkMaker {
    base: String,
}

impl LinkMaker {
    pub fn new(public_url: Option<&Url>) -> Self {
        Self { base: public_url.map(|url| url.as_str().trim_end_matches('/').to_owned()).unwrap_or_default() }
    }

    pub fn job(&self, id: JobId) -> Links {
        let base = &self.base;
        Links {
            status: format!("{base}/api/v1/melody-vocals/status/{id}"),
            events: format!("{base}/api/v1/jobs/{id}/events"),
            ws: format!("{base}/api/v1/jobs/{id}/ws"),
            result: format!("{base}/api/v1/jobs/{id}/result"),
            cancel: format!("{base}/api/v1/melody-vocals/cancel/{id}"),
            feedback: format!("{base}/api/v1/melody-vocals/feedback/{id}"),
        }
    }

    pub fn artifact(&self, id: JobId, role: ArtifactRole) -> String {
        format!("{}/api/v1/jobs/{id}/result?role={role}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_public_address() {
        let id: JobId = "018f6b1e-7c2a-7000-8000-000000000000".parse().unwrap();
        let behind_proxy = LinkMaker::new(Some(&Url::parse("https://music.example/api-base/").unwrap()));
        assert_eq!(
            behind_proxy.job(id).events,
            "https://music.example/api-base/api/v1/jobs/018f6b1e-7c2a-7000-8000-000000000000/events"
        );
        assert!(LinkMaker::new(None).artifact(id, ArtifactRole::AudioWav).ends_with("/result?role=audio_wav"));
    }
}
