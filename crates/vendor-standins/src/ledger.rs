//! What each request would have cost: the proof that nothing is paid for twice.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    http::Call,
    routes::{Route, Vendor},
};

/// A request that the vendor charges for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Charge {
    /// From 1, in the order of the work.
    pub number: usize,
    pub vendor: Vendor,
    pub route: Route,
    /// What the client calls its request by, if it told: see [`correlation`].
    pub correlation: Option<String>,
    /// The client's own id of the request (`X-Client-Request-Id`), which says nothing of what it is for.
    pub request_id: Option<String>,
    /// The vendor's id of what was made.
    pub subject: Option<String>,
    /// In millionths of a US dollar.
    pub amount_micros: u64,
    /// Whether all of the answer was handed to the connection.
    pub delivered: bool,
    /// Of the request's path, query and body: two equal ones are two tries at the same.
    pub request_sha256: String,
}

/// Most charges that are kept: the newest. Far more than a test makes, and a bound for a server that is left running.
const MOST_CHARGES: usize = 200_000;

/// All charges so far.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    charges: VecDeque<Charge>,
    /// How many older ones were forgotten.
    forgotten: usize,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a charge down; its number is for [`Ledger::delivered`] and [`Ledger::settle`].
    pub fn charge(
        &self,
        vendor: Vendor,
        route: Route,
        call: &Call,
        amount_micros: u64,
        subject: Option<&str>,
    ) -> usize {
        let mut entries = self.entries();
        if entries.charges.len() >= MOST_CHARGES {
            entries.charges.pop_front();
            entries.forgotten += 1;
        }
        let number = entries.forgotten + entries.charges.len() + 1;
        entries.charges.push_back(Charge {
            number,
            vendor,
            route,
            correlation: correlation(call),
            request_id: call.header("x-client-request-id").map(str::to_owned),
            subject: subject.map(str::to_owned),
            amount_micros,
            delivered: false,
            request_sha256: fingerprint(call),
        });
        number
    }

    fn change(&self, number: usize, change: impl FnOnce(&mut Charge)) {
        let mut entries = self.entries();
        // One that was forgotten, or reset, is nobody's any more.
        let at = number.checked_sub(entries.forgotten + 1);
        if let Some(charge) = at.and_then(|at| entries.charges.get_mut(at)) {
            change(charge);
        }
    }

    /// All of the answer was handed to the connection.
    pub fn delivered(&self, number: usize) {
        self.change(number, |charge| charge.delivered = true);
    }

    /// The amount turned out to be another.
    pub fn settle(&self, number: usize, amount_micros: u64) {
        self.change(number, |charge| charge.amount_micros = amount_micros);
    }

    pub fn all(&self) -> Vec<Charge> {
        self.entries().charges.iter().cloned().collect()
    }

    pub fn clear(&self) {
        *self.entries() = Entries::default();
    }

    /// What was paid for twice or more: charges with the same vendor, route and correlation (an equal request where there is no
    /// correlation), whole groups of them.
    pub fn paid_twice(&self) -> Vec<Vec<Charge>> {
        let mut groups: BTreeMap<_, Vec<Charge>> = BTreeMap::new();
        for charge in self.all().into_iter().filter(|charge| charge.amount_micros > 0) {
            let name = charge.correlation.clone().unwrap_or_else(|| charge.request_sha256.clone());
            groups.entry((charge.vendor, charge.route, name)).or_default().push(charge);
        }
        groups.into_values().filter(|group| group.len() > 1).collect()
    }
}

fn fingerprint(call: &Call) -> String {
    let mut hash = Sha256::new();
    hash.update(&call.path);
    for (name, value) in &call.query {
        hash.update(format!("\0{name}\0{value}"));
    }
    hash.update([0]);
    hash.update(&call.body);
    hex::encode(hash.finalize())
}

/// What a client calls its request by. Looked for in this order: the header `Idempotency-Key`; in the query of a `webhook`
/// address the value of `correlation`, or of its first parameter; in `metadata` the value of `correlation` or `user_id`; `user`.
pub fn correlation(call: &Call) -> Option<String> {
    if let Some(key) = call.header("idempotency-key") {
        return Some(key.to_owned());
    }
    let body = call.object()?;
    let of_webhook = || {
        let webhook = Url::parse(body.get("webhook")?.as_str()?).ok()?;
        let pairs: Vec<(String, String)> = webhook.query_pairs().into_owned().collect();
        let named = pairs.iter().find(|(name, _)| name == "correlation");
        named.or(pairs.first()).map(|(_, value)| value.clone())
    };
    let of = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    of_webhook().or_else(|| ["/metadata/correlation", "/metadata/user_id", "/user"].into_iter().find_map(of))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::{HeaderMap, Method};

    use super::*;

    fn call(body: &str) -> Call {
        Call {
            method: Method::POST,
            path: String::new(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            base: String::new(),
        }
    }

    #[test]
    fn correlations_are_found_where_clients_put_them() {
        let of = |body: &str| correlation(&call(body));
        assert_eq!(of(r#"{"webhook":"https://x.test/h?a=1&correlation=c7"}"#).as_deref(), Some("c7"));
        assert_eq!(of(r#"{"webhook":"https://x.test/h?job=1"}"#).as_deref(), Some("1"));
        assert_eq!(of(r#"{"metadata":{"user_id":"u"}}"#).as_deref(), Some("u"));
        assert_eq!(of(r#"{"user":"v"}"#).as_deref(), Some("v"));
        assert_eq!(of("[]"), None);
        let mut keyed = call("{}");
        keyed.headers.insert("idempotency-key", "k".parse().unwrap());
        assert_eq!(correlation(&keyed).as_deref(), Some("k"));
    }

    #[test]
    fn the_same_request_twice_is_paid_twice_and_what_costs_nothing_never() {
        let ledger = Ledger::default();
        let charge = |body: &str, amount| ledger.charge(Vendor::OpenAi, Route::Chat, &call(body), amount, None);
        charge(r#"{"user":"a"}"#, 5);
        charge(r#"{"user":"b"}"#, 5);
        assert_eq!(ledger.paid_twice(), Vec::<Vec<Charge>>::new());
        let again = charge(r#"{"user":"a","n":1}"#, 5);
        assert_eq!(ledger.paid_twice().len(), 1);
        ledger.settle(again, 0);
        ledger.delivered(again);
        assert_eq!(ledger.paid_twice().len(), 0);
        assert!(ledger.all()[2].delivered && !ledger.all()[0].delivered);
        let mut known = call("{}");
        known.headers.insert("x-client-request-id", "r1".parse().unwrap());
        ledger.charge(Vendor::ElevenLabs, Route::Music, &known, 5, None);
        assert_eq!(ledger.all()[3].request_id.as_deref(), Some("r1"));
    }

    #[test]
    fn the_oldest_are_forgotten_and_numbers_stay() {
        let ledger = Ledger::default();
        let call = call("{}");
        let charge = || ledger.charge(Vendor::Ml, Route::Generate, &call, 1, None);
        for _ in 0..MOST_CHARGES {
            charge();
        }
        let last = charge();
        assert_eq!(last, MOST_CHARGES + 1);
        ledger.delivered(1);
        ledger.delivered(last);
        let all = ledger.all();
        assert_eq!((all.len(), all[0].number), (MOST_CHARGES, 2));
        assert!(all[MOST_CHARGES - 1].delivered && !all[0].delivered);
    }
}
