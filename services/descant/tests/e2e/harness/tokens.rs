//! Bearer tokens as an issuer would make them, and as one would not.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// Shared with the deployments under test.
pub const SECRET: &str = "a secret that only the tests of this project use";
pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "descant";

/// What a token says.
#[derive(Clone)]
pub struct Claims {
    pub subject: String,
    claims: Value,
    secret: String,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_secs()
}

impl Claims {
    /// Those of a user nobody else has, valid for an hour, free tier.
    pub fn fresh() -> Self {
        let subject = format!("user-{}", uuid::Uuid::new_v4().simple());
        let claims = json!({ "sub": subject, "iss": ISSUER, "aud": AUDIENCE, "iat": now(), "exp": now() + 3600 });
        Self { subject, claims, secret: SECRET.to_owned() }
    }

    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims[claim] = value.into();
        self
    }

    pub fn without(mut self, claim: &str) -> Self {
        self.claims.as_object_mut().expect("claims are an object").remove(claim);
        self
    }

    /// Over since a minute.
    pub fn expired(self) -> Self {
        self.with("exp", now() - 60)
    }

    pub fn signed_by_somebody_else(mut self) -> Self {
        self.secret = "a secret that the deployment has never been told".to_owned();
        self
    }

    pub fn token(&self) -> String {
        self.token_by(Algorithm::HS256)
    }

    pub fn token_by(&self, algorithm: Algorithm) -> String {
        let key = EncodingKey::from_secret(self.secret.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), &self.claims, &key).expect("claims can be signed")
    }
}

/// The same claims under `"alg": "none"`, without a signature.
pub fn unsigned(claims: &Claims) -> String {
    // {"alg":"none","typ":"JWT"}
    const HEADER: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let signed = claims.token();
    let payload = signed.split('.').nth(1).expect("a token has three parts");
    format!("{HEADER}.{payload}.")
}
