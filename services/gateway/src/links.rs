//! Addresses of a job, so that no client puts one together. They start with the public address from the settings; without one,
//! with the address that was asked (see [`crate::origin`]), and are relative to it where that cannot be told.

use domain::{ArtifactRole, JobId};
use serde::Serialize;
use serde_json::Value;
use url::Url;
use utoipa::ToSchema;

/// Where the parts of a job are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Links {
    /// The job as every kind has it.
    pub job: String,
    /// The same, or where the kind's older API tells of it.
    pub status: String,
    /// Server-Sent Events; the same over WebSocket at `ws`.
    pub events: String,
    pub ws: String,
    pub result: String,
    pub cancel: String,
    pub retry: String,
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

    /// The same for the answer to a request that reached us under `origin`.
    pub fn asked_at(&self, origin: Option<String>) -> Self {
        if self.base.is_empty() { Self { base: origin.unwrap_or_default() } } else { self.clone() }
    }

    /// Completes the links of a body that was made to be stored: its member `links`, where they are paths.
    pub fn complete(&self, body: &mut Value) {
        let links = body.get_mut("links").and_then(Value::as_object_mut);
        for link in links.into_iter().flat_map(|links| links.values_mut()) {
            if let Value::String(address) = link
                && address.starts_with('/')
            {
                address.insert_str(0, &self.base);
            }
        }
    }

    /// Those that every job has.
    pub fn job(&self, id: JobId) -> Links {
        let job = format!("{}/api/v1/jobs/{id}", self.base);
        Links {
            status: job.clone(),
            events: format!("{job}/events"),
            ws: format!("{job}/ws"),
            result: format!("{job}/result"),
            cancel: format!("{job}/cancel"),
            retry: format!("{job}/retry"),
            feedback: format!("{job}/feedback"),
            job,
        }
    }

    /// The same in the words of an older API, whose clients know its own routes: `family` is their common part.
    pub fn of_family(&self, family: &str, id: JobId) -> Links {
        let own = |route: &str| format!("{}/api/v1/{family}/{route}/{id}", self.base);
        Links { status: own("status"), cancel: own("cancel"), feedback: own("feedback"), ..self.job(id) }
    }

    /// The same for whoever has the link.
    pub fn signed_artifact(&self, id: JobId, role: &ArtifactRole, token: &str) -> String {
        format!("{}&token={token}", self.artifact(id, role))
    }

    /// A route of an older API that has no version in its path.
    pub fn of_older(&self, route: &str, id: JobId) -> String {
        format!("{}/api/{route}/{id}", self.base)
    }

    pub fn artifact(&self, id: JobId, role: &ArtifactRole) -> String {
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
        let job = "https://music.example/api-base/api/v1/jobs/018f6b1e-7c2a-7000-8000-000000000000";
        assert_eq!(behind_proxy.job(id).events, format!("{job}/events"));
        assert_eq!(behind_proxy.of_family("melody-vocals", id).job, job);
        assert_eq!(
            LinkMaker::new(None).of_family("melody-vocals", id).status,
            format!("/api/v1/melody-vocals/status/{id}")
        );
        assert!(LinkMaker::new(None).artifact(id, &ArtifactRole::AUDIO_WAV).ends_with("/result?role=audio_wav"));
    }

    #[test]
    fn without_a_public_address_they_begin_with_the_one_that_was_asked() {
        let id: JobId = "018f6b1e-7c2a-7000-8000-000000000000".parse().unwrap();
        let asked = || Some("http://127.0.0.1:3000".to_owned());
        let public = LinkMaker::new(Some(&Url::parse("https://music.example/").unwrap()));
        let job = format!("/api/v1/jobs/{id}");
        assert_eq!(public.asked_at(asked()).job(id).job, format!("https://music.example{job}"));
        assert_eq!(LinkMaker::new(None).asked_at(asked()).job(id).job, format!("http://127.0.0.1:3000{job}"));
        assert_eq!(LinkMaker::new(None).asked_at(None).job(id).job, job);

        let stored = LinkMaker::new(None).job(id);
        let mut body = serde_json::json!({ "links": stored, "name": "/api", "more": { "links": [1] } });
        LinkMaker::new(None).asked_at(asked()).complete(&mut body);
        assert_eq!(body["links"]["events"], format!("http://127.0.0.1:3000{job}/events"));
        assert_eq!((&body["name"], &body["more"]), (&"/api".into(), &serde_json::json!({ "links": [1] })));
        let whole = body.clone();
        public.complete(&mut body);
        assert_eq!(body, whole, "what is whole stays");
        for mut none in [Value::Null, serde_json::json!([]), serde_json::json!({ "links": null })] {
            public.complete(&mut none);
        }
    }
}
