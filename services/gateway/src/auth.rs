//! Who is asking. Embedded: the one local user. Distributed: the subject of a bearer token, verified with a shared
//! secret (HS256) or with a published key set (JWKS).

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{HttpRequest, http::header};
use domain::{Tier, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde::Deserialize;
use settings::{AuthMode, AuthSettings};
use subtle::ConstantTimeEq;
use tokio::sync::RwLock;
use url::Url;

use crate::problem::ApiError;

/// A verified caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: UserId,
    pub tier: Tier,
    /// May use the operator's routes.
    pub operator: bool,
}

/// How callers are verified.
pub enum Authenticator {
    /// Everybody is the local user, who may do everything. Only for the loopback interface.
    Local,
    Token(Box<TokenVerifier>),
}

/// What a token must say, besides being signed and in time.
#[derive(Clone)]
pub struct TokenRules {
    pub issuer: Option<String>,
    pub audience: Option<String>,
    pub leeway: Duration,
    /// The claim that names the tier.
    pub tier_claim: String,
    /// The claim (a word or a list of words) that names the roles.
    pub role_claim: String,
    /// The role that opens the operator's routes.
    pub operator_role: String,
    /// A fixed bearer token for the operator's routes.
    pub operator_token: Option<String>,
}

/// Verifies bearer tokens.
pub struct TokenVerifier {
    keys: Keys,
    rules: TokenRules,
}

enum Keys {
    Shared(Box<DecodingKey>),
    Published(PublishedKeys),
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(flatten)]
    more: HashMap<String, serde_json::Value>,
}

impl TokenVerifier {
    /// `secret` is shared with whoever issues the tokens.
    pub fn shared_secret(secret: &[u8], rules: TokenRules) -> Self {
        Self { keys: Keys::Shared(Box::new(DecodingKey::from_secret(secret))), rules }
    }

    /// Keys are fetched from `url` when a token names one that is not known yet.
    pub fn published_keys(url: Url, rules: TokenRules) -> Result<Self, reqwest::Error> {
        Ok(Self { keys: Keys::Published(PublishedKeys::new(url)?), rules })
    }

    async fn verify(&self, token: &str) -> Result<Caller, ApiError> {
        if let Some(operator) = &self.rules.operator_token
            && bool::from(operator.as_bytes().ct_eq(token.as_bytes()))
        {
            return Ok(Caller { user: UserId::operator(), tier: Tier::Free, operator: true });
        }
        const REFUSED: ApiError =
            ApiError::Unauthenticated { detail: "The bearer token is not valid, or its time is over." };
        let header = jsonwebtoken::decode_header(token).map_err(|_| REFUSED)?;
        let key = match &self.keys {
            Keys::Shared(key) if header.alg == Algorithm::HS256 => Arc::new((**key).clone()),
            // The algorithm is ours to choose, never the token's: a public key used as a shared secret forges tokens.
            Keys::Shared(_) => return Err(REFUSED),
            Keys::Published(keys) => {
                if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA) {
                    return Err(REFUSED);
                }
                let key_id = header.kid.as_deref().ok_or(REFUSED)?;
                keys.find(key_id).await?.ok_or(REFUSED)?
            }
        };
        let mut validation = Validation::new(header.alg);
        validation.leeway = self.rules.leeway.as_secs();
        validation.validate_nbf = true;
        // A claim that is only checked when it is there is no check.
        let mut required = vec!["exp", "sub"];
        match &self.rules.issuer {
            Some(issuer) => {
                validation.set_issuer(&[issuer]);
                required.push("iss");
            }
            None => validation.iss = None,
        }
        match &self.rules.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        validation.set_required_spec_claims(&required);
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|_| REFUSED)?.claims;
        let tier = claims
            .more
            .get(&self.rules.tier_claim)
            .and_then(|value| value.as_str())
            .and_then(|word| word.parse().ok())
            .unwrap_or_default();
        Ok(Caller {
            user: UserId::new(claims.sub).map_err(|_| REFUSED)?,
            tier,
            operator: names_role(claims.more.get(&self.rules.role_claim), &self.rules.operator_role),
        })
    }
}

fn names_role(claim: Option<&serde_json::Value>, role: &str) -> bool {
    match claim {
        Some(serde_json::Value::String(word)) => word == role,
        Some(serde_json::Value::Array(words)) => words.iter().any(|word| word.as_str() == Some(role)),
        _ => false,
    }
}

impl Authenticator {
    /// As the settings say. `operator_token` is a second way to the operator's routes, for scripts.
    pub fn from_settings(settings: &AuthSettings) -> anyhow::Result<Self> {
        let rules = TokenRules {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            leeway: settings.leeway,
            tier_claim: settings.tier_claim.clone(),
            role_claim: settings.role_claim.clone(),
            operator_role: settings.admin_role.clone(),
            operator_token: settings.operator_token.as_ref().map(|token| token.expose().clone()),
        };
        Ok(match &settings.mode {
            AuthMode::None => Self::Local,
            AuthMode::Hs256 { secret } => {
                Self::Token(Box::new(TokenVerifier::shared_secret(secret.expose().as_bytes(), rules)))
            }
            AuthMode::Jwks { url } => Self::Token(Box::new(TokenVerifier::published_keys(url.clone(), rules)?)),
        })
    }

    /// The caller of a request, or 401.
    pub async fn caller(&self, request: &HttpRequest) -> Result<Caller, ApiError> {
        match self {
            Self::Local => Ok(Caller { user: UserId::local(), tier: Tier::Enterprise, operator: true }),
            Self::Token(verifier) => verifier.verify(bearer_token(request)?).await,
        }
    }
}

fn bearer_token(request: &HttpRequest) -> Result<&str, ApiError> {
    request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty())
        .map(|(_, token)| token.trim())
        .ok_or(ApiError::Unauthenticated { detail: "Send your token as `Authorization: Bearer …`." })
}

/// A key set that its issuer publishes, cached.
struct PublishedKeys {
    url: Url,
    http: reqwest::Client,
    cache: RwLock<Cache>,
}

#[derive(Default)]
struct Cache {
    by_id: HashMap<String, Arc<DecodingKey>>,
    fetched_at: Option<Instant>,
}

impl PublishedKeys {
    /// Tokens with invented key ids must not become requests to the issuer.
    const MIN_REFETCH_INTERVAL: Duration = Duration::from_secs(30);
    /// A key that was withdrawn stops working within this time.
    const MAX_AGE: Duration = Duration::from_secs(3600);
    const MAX_BYTES: usize = 1024 * 1024;

    fn new(url: Url) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
        Ok(Self { url, http, cache: RwLock::default() })
    }

    async fn find(&self, key_id: &str) -> Result<Option<Arc<DecodingKey>>, ApiError> {
        {
            let cache = self.cache.read().await;
            let age = cache.fetched_at.map(|at| at.elapsed());
            let known = cache.by_id.get(key_id);
            match (known, age) {
                (Some(key), Some(age)) if age < Self::MAX_AGE => return Ok(Some(key.clone())),
                (None, Some(age)) if age < Self::MIN_REFETCH_INTERVAL => return Ok(None),
                _ => {}
            }
        }
        // Whoever gets here first asks the issuer, outside of the lock: those whose keys are known do not wait.
        let ask = {
            let mut cache = self.cache.write().await;
            let ask = cache.fetched_at.is_none_or(|at| at.elapsed() >= Self::MIN_REFETCH_INTERVAL);
            if ask {
                cache.fetched_at = Some(Instant::now());
            }
            ask
        };
        if ask {
            // When the issuer cannot be reached the keys that are known stay good.
            let by_id = self.fetch().await?;
            self.cache.write().await.by_id = by_id;
        }
        Ok(self.cache.read().await.by_id.get(key_id).cloned())
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<DecodingKey>>, ApiError> {
        let away = |error: reqwest::Error| {
            tracing::warn!(error = %error.without_url(), "key set cannot be fetched");
            ApiError::Unavailable { what: "The issuer of your token" }
        };
        let mut response =
            self.http.get(self.url.clone()).send().await.and_then(|r| r.error_for_status()).map_err(away)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(away)? {
            body.extend_from_slice(&chunk);
            if body.len() > Self::MAX_BYTES {
                return Err(ApiError::Unavailable { what: "The issuer of your token" });
            }
        }
        let set: JwkSet = serde_json::from_slice(&body).map_err(|error| {
            tracing::warn!(%error, "key set cannot be read");
            ApiError::Unavailable { what: "The issuer of your token" }
        })?;
        Ok(set
            .keys
            .iter()
            .filter_map(|jwk| Some((jwk.common.key_id.clone()?, Arc::new(DecodingKey::from_jwk(jwk).ok()?))))
            .collect())
    }
}
