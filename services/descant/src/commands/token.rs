//! `descant token`: a bearer token for trying things out.

use anyhow::{Context, Result};
use chrono::{TimeDelta, Utc};
use domain::{Tier, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use settings::{AuthMode, LoadOptions, Settings};

use crate::{exit::Exit, output};

pub fn run(user: &str, tier: &str, operator: bool, hours: u32) -> Result<()> {
    let settings = Settings::load(&LoadOptions::from_process(None))?;
    let AuthMode::Hs256 { secret } = &settings.auth.mode else {
        return Err(Exit::refused("these settings have no shared secret; a token from here would not be accepted"));
    };
    let user = UserId::new(user).map_err(|error| Exit::refused(error.to_string()))?;
    let tier: Tier = tier.parse().map_err(|error: domain::tier::UnknownTier| Exit::refused(error.to_string()))?;
    let now = Utc::now();
    let mut claims = json!({
        "sub": user.as_str(),
        "iat": now.timestamp(),
        "exp": (now + TimeDelta::hours(i64::from(hours))).timestamp(),
    });
    claims[&settings.auth.tier_claim] = json!(tier.as_str());
    if operator {
        claims[&settings.auth.role_claim] = json!(settings.auth.admin_role);
    }
    if let Some(issuer) = &settings.auth.issuer {
        claims["iss"] = json!(issuer);
    }
    if let Some(audience) = &settings.auth.audience {
        claims["aud"] = json!(audience);
    }
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).context("no token was made")?;
    Ok(output::line(token)?)
}
