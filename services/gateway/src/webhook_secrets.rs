//! The secrets that vendors sign their webhooks with: the settings', else the vendor's own word for it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use outbound::{Destination, Limits, Outbound};
use serde::Deserialize;
use service_runtime::error_chain;
use settings::{OutboundSettings, Secret, Vendor, VendorKind};
use tokio::sync::{Mutex, OnceCell};

/// A vendor is not asked more often than that, whatever strangers send.
const ASK_EVERY: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BYTES: u64 = 64 * 1024;

/// What a vendor said last, and when.
struct Told {
    secret: Option<Secret<String>>,
    at: Instant,
}

#[derive(Deserialize)]
struct Answer {
    key: String,
}

/// Who may send webhooks, and how they sign.
pub struct WebhookSecrets {
    vendors: Vec<Vendor>,
    settings: OutboundSettings,
    /// Made when the first secret is asked for.
    outbound: OnceCell<Outbound>,
    told: Mutex<HashMap<String, Told>>,
}

impl WebhookSecrets {
    /// Asks nobody yet.
    pub fn new(vendors: &[Vendor], settings: &OutboundSettings) -> Self {
        let vendors = vendors.iter().filter(|vendor| vendor.kind == VendorKind::Replicate).cloned();
        Self {
            vendors: vendors.collect(),
            settings: settings.clone(),
            outbound: OnceCell::new(),
            told: Mutex::default(),
        }
    }

    /// A vendor that sends webhooks, by its name in the settings.
    pub fn vendor(&self, name: &str) -> Option<&Vendor> {
        self.vendors.iter().find(|vendor| vendor.name == name)
    }

    /// What the vendor signs with. `anew` where what is known did not fit: it may have been changed. `None` while it is not
    /// known.
    pub async fn of(&self, vendor: &Vendor, anew: bool) -> Option<Secret<String>> {
        if let Some(secret) = &vendor.webhook_secret {
            return Some(secret.clone());
        }
        // Held while it is asked: whoever comes meanwhile waits for the same answer.
        let mut told = self.told.lock().await;
        if let Some(known) = told.get(&vendor.name) {
            let is_recent = known.at.elapsed() < ASK_EVERY;
            if is_recent || (known.secret.is_some() && !anew) {
                return known.secret.clone();
            }
        }
        let secret = self.ask(vendor).await.map_err(|error| {
            tracing::warn!(provider = vendor.name, error, "the secret of webhooks is not told");
        });
        let before = told.remove(&vendor.name).and_then(|known| known.secret);
        let secret = secret.ok().or(before);
        told.insert(vendor.name.clone(), Told { secret: secret.clone(), at: Instant::now() });
        secret
    }

    async fn ask(&self, vendor: &Vendor) -> Result<Secret<String>, String> {
        let outbound = self.outbound.get_or_try_init(|| async { Outbound::new(&self.settings) }).await;
        let outbound = outbound.map_err(|error| error_chain(&error).to_string())?;
        let at = Destination::configured(vendor.base_url.clone()).map_err(|error| error_chain(&error).to_string())?;
        let request = outbound.get(&at, "webhooks/default/secret").limits(Limits::new(TIMEOUT, MAX_BYTES));
        let request = match &vendor.api_key {
            Some(key) => request.bearer(key),
            None => request,
        };
        let answer = request.send().await.map_err(|error| error.to_string())?;
        if !answer.status().is_success() {
            return Err(format!("status {}", answer.status().as_u16()));
        }
        let Answer { key } = answer.json().await.map_err(|error| error.to_string())?;
        Ok(Secret::new(key))
    }
}
