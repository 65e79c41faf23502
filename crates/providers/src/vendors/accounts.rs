//! Accounts with vendors: a vendor counts calls and money by key, whatever names the settings have for it.

use std::{collections::BTreeMap, sync::Arc};

use outbound::Outbound;
use resilience::Bulkhead;
use settings::{Vendor, VendorKind};
use sha2::{Digest as _, Sha256};

use super::pace::Pace;

/// Which account a table of the settings is of. Keeps no key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct AccountId {
    kind: VendorKind,
    base_url: String,
    /// SHA-256 of the key; `None` without one.
    key: Option<[u8; 32]>,
}

impl AccountId {
    fn of(vendor: &Vendor) -> Self {
        let fingerprint = |key: &String| -> [u8; 32] { Sha256::digest(key.as_bytes()).into() };
        Self {
            kind: vendor.kind,
            base_url: vendor.base_url.as_str().trim_end_matches('/').to_owned(),
            key: vendor.api_key.as_ref().map(|key| fingerprint(key.expose())),
        }
    }
}

/// What all tables of an account share. Clones share it.
#[derive(Clone)]
pub struct Account {
    /// Calls at once.
    pub slots: Bulkhead,
    pub pace: Pace,
    /// As many calls at once as the settings say; the fewest where its tables say different numbers.
    pub concurrency: usize,
    /// The names of its tables.
    tables: Vec<String>,
}

impl Account {
    fn opened(vendor: &Vendor) -> Self {
        let concurrency = vendor.concurrency.max(1);
        Self {
            slots: Bulkhead::new(&vendor.name, concurrency),
            pace: Pace::default(),
            concurrency,
            tables: vec![vendor.name.clone()],
        }
    }

    fn share(&mut self, vendor: &Vendor) {
        self.tables.push(vendor.name.clone());
        self.concurrency = self.concurrency.min(vendor.concurrency.max(1));
        self.slots.resize(self.concurrency);
    }
}

/// The accounts of all tables of the settings. Cheap to clone.
#[derive(Clone, Default)]
pub struct Accounts(Arc<BTreeMap<AccountId, Account>>);

impl Accounts {
    pub fn of(vendors: &[Vendor]) -> Self {
        let mut known: BTreeMap<AccountId, Account> = BTreeMap::new();
        for vendor in vendors {
            known
                .entry(AccountId::of(vendor))
                .and_modify(|account| account.share(vendor))
                .or_insert_with(|| Account::opened(vendor));
        }
        Self(Arc::new(known))
    }

    /// That of one table; one of its own where nobody knows of it.
    pub(super) fn account(&self, vendor: &Vendor) -> Account {
        self.0.get(&AccountId::of(vendor)).cloned().unwrap_or_else(|| Account::opened(vendor))
    }

    /// Calls at once of the account of one table.
    pub fn slots(&self, vendor: &Vendor) -> Bulkhead {
        self.account(vendor).slots
    }

    /// The names of all tables of the account that this one is of, its own among them.
    pub fn tables(&self, vendor: &Vendor) -> Vec<String> {
        self.account(vendor).tables
    }
}

/// The way to vendors: how requests are sent, and which accounts they are of. A way of sending alone knows of no accounts: then
/// each client has one of its own.
#[derive(Clone)]
pub struct VendorAccess {
    pub outbound: Outbound,
    pub accounts: Accounts,
}

impl From<&Outbound> for VendorAccess {
    fn from(outbound: &Outbound) -> Self {
        Self { outbound: outbound.clone(), accounts: Accounts::default() }
    }
}

impl From<&VendorAccess> for VendorAccess {
    fn from(known: &VendorAccess) -> Self {
        known.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use settings::{LoadOptions, Settings};

    use super::*;

    /// Whether two tables are of one account, and how many calls that takes at once.
    fn check(second: &[(&'static str, &'static str)], is_shared: bool, slots: usize) {
        let options = [
            ("providers.one.kind", "elevenlabs"),
            ("providers.one.api_key", "a key"),
            ("providers.one.base_url", "https://songs.example"),
            ("providers.one.concurrency", "3"),
            ("providers.two.kind", "elevenlabs"),
            ("providers.two.api_key", "a key"),
            ("providers.two.base_url", "https://songs.example/"),
        ];
        let options =
            options.iter().chain(second).fold(LoadOptions::default(), |all, (key, value)| all.with(key, *value));
        let settings = Settings::load(&options).unwrap();
        let accounts = Accounts::of(&settings.vendors);
        let named = |name: &str| settings.vendors.iter().find(|vendor| vendor.name == name).unwrap();
        let (one, two) = (accounts.account(named("one")), accounts.account(named("two")));
        one.pace.leave_alone(Duration::from_secs(60));
        let _taken = one.slots.try_acquire();
        assert_eq!(two.pace.left().is_some(), is_shared, "{second:?}");
        assert_eq!((two.slots.in_use(), two.slots.slots()), (usize::from(is_shared), slots), "{second:?}");
        let expected: &[&str] = if is_shared { &["one", "two"] } else { &["two"] };
        assert_eq!(two.tables, expected, "{second:?}");
    }

    #[test]
    fn tables_with_the_same_kind_address_and_key_are_of_one_account() {
        check(&[], true, 3);
        check(&[("providers.two.concurrency", "2")], true, 2);
        check(&[("providers.two.concurrency", "5")], true, 3);
        check(&[("providers.two.api_key", "another key")], false, 4);
        check(&[("providers.two.base_url", "https://elsewhere.example")], false, 4);
    }
}
