//! Links to files that are good for a while and need no token, where the object store signs none (a folder does not): a player's
//! `src` sends no headers. Whoever has such a link may fetch that one file of that one job, until its time is over.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{ArtifactRole, JobId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use resilience::ids::random10;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Signs such links and knows its own again.
pub struct LinkSigner {
    signs: EncodingKey,
    verifies: DecodingKey,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    job: String,
    role: String,
    /// Seconds since 1970.
    exp: i64,
}

impl LinkSigner {
    /// With a key that follows from the secret of the bearer tokens, so that every gateway knows the links of the others;
    /// without one, with a key of this process: then links end with it.
    pub fn new(secret: Option<&str>) -> Self {
        let mut key = Sha256::new();
        // A link is no bearer token, nor the other way round.
        key.update(b"descant result links\0");
        match secret {
            Some(secret) => key.update(secret),
            None => (0..4).for_each(|_| key.update(random10())),
        }
        let key = key.finalize();
        Self { signs: EncodingKey::from_secret(&key), verifies: DecodingKey::from_secret(&key) }
    }

    /// The token of a link; `None` when nothing can be signed here.
    pub fn sign(&self, job: JobId, role: &ArtifactRole, until: DateTime<Utc>) -> Option<String> {
        let claims = Claims { job: job.to_string(), role: role.to_string(), exp: until.timestamp() };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signs).ok()
    }

    /// Whether a token is ours, for this file, and still good.
    pub fn is_good(&self, token: &str, job: JobId, role: &ArtifactRole, now: DateTime<Utc>) -> bool {
        let mut validation = Validation::new(Algorithm::HS256);
        // By the clock that the rest of the gateway goes by.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verifies, &validation).map(|token| token.claims);
        claims.is_ok_and(|claims| {
            let ends = DateTime::from_timestamp(claims.exp, 0).unwrap_or_default() + TimeDelta::seconds(1);
            claims.job == job.to_string() && claims.role == role.as_str() && now < ends
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_for_one_file_and_for_a_while() {
        service_runtime::install_crypto();
        let (job, other): (JobId, JobId) = (
            "018f6b1e-7c2a-7000-8000-000000000001".parse().unwrap(),
            "018f6b1e-7c2a-7000-8000-000000000002".parse().unwrap(),
        );
        let now: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let (mp3, wav) = (ArtifactRole::AUDIO_MP3, ArtifactRole::AUDIO_WAV);
        let secret = "a secret of at least thirty-two bytes";
        let signer = LinkSigner::new(Some(secret));
        let token = signer.sign(job, &mp3, now + TimeDelta::minutes(15)).unwrap();
        assert!(signer.is_good(&token, job, &mp3, now));
        assert!(LinkSigner::new(Some(secret)).is_good(&token, job, &mp3, now), "another gateway knows it");
        assert!(!signer.is_good(&token, job, &wav, now) && !signer.is_good(&token, other, &mp3, now));
        assert!(!signer.is_good(&token, job, &mp3, now + TimeDelta::minutes(16)));
        assert!(!LinkSigner::new(None).is_good(&token, job, &mp3, now), "signed by somebody else");
        let mut altered = token.clone();
        altered.replace_range(token.len() - 4..token.len() - 3, if token.ends_with('A') { "B" } else { "A" });
        for bad in ["", "x", "a.b.c", &altered] {
            assert!(!signer.is_good(bad, job, &mp3, now) || bad == token, "{bad}");
        }
    }
}
