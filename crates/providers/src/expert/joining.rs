//! An expert among the providers of a chain.

use std::sync::Arc;

use outbound::{Outbound, SetupError};
use resilience::{BreakerRegistry, Bulkhead};
use settings::{Secret, Vendor};
use url::Url;

use super::{NAME, client::ExpertClient};
use crate::{
    abilities::Abilities,
    chain::{CallLimits, Guard, Terms, Version},
    vendors::VendorAccess,
};

/// A client with the terms on which each capability of it is called.
pub struct ExpertProvider {
    pub name: String,
    pub client: Arc<ExpertClient>,
    abilities: Abilities,
    limits: Option<CallLimits>,
    slots: Option<Bulkhead>,
    /// The tables of the settings with the same key, where it is one of those.
    tables: Vec<String>,
    is_paid: bool,
}

impl ExpertProvider {
    /// The one that `providers.expert_url` names.
    ///
    /// # Errors
    /// When its address cannot be used.
    pub fn at(outbound: &Outbound, url: Url, key: Option<Secret<String>>) -> Result<Self, SetupError> {
        let client = Arc::new(ExpertClient::new(outbound, NAME, url, key)?);
        let abilities = Abilities::default();
        let name = NAME.to_owned();
        Ok(Self { tables: vec![name.clone()], name, client, abilities, limits: None, slots: None, is_paid: false })
    }

    /// One of the vendors.
    ///
    /// # Errors
    /// As [`Self::at`].
    pub fn of_vendor(access: &VendorAccess, vendor: &Vendor) -> Result<Self, SetupError> {
        let abilities = Abilities {
            shortest_seconds: vendor.shortest_seconds,
            longest_seconds: vendor.longest_seconds,
            languages: vendor.languages.clone(),
            ..Abilities::default()
        };
        Ok(Self {
            name: vendor.name.clone(),
            client: Arc::new(ExpertClient::of_vendor(&access.outbound, vendor)?),
            abilities,
            limits: Some(CallLimits { call_timeout: vendor.timeout, ..CallLimits::default() }),
            slots: Some(access.accounts.slots(vendor)),
            tables: access.accounts.tables(vendor),
            // Also without prices: its answers may tell what they have cost.
            is_paid: true,
        })
    }

    /// On which it is called for a capability.
    pub fn terms(&self, capability: &str, breakers: &BreakerRegistry) -> Terms {
        let guard = Guard::new(&self.name, capability, breakers).of_account(&self.tables);
        let guard = match &self.slots {
            Some(slots) => guard.sharing(slots.clone()),
            None => guard,
        };
        Terms {
            abilities: self.abilities.clone(),
            limits: self.limits,
            is_paid: self.is_paid,
            ..Terms::elsewhere(Version::Asked(self.client.clone()), guard)
        }
    }
}
