//! Where the vendor tells that a run has ended.

use serde_json::{Value, json};
use url::{Host, Url};

/// The route of the gateway, below its public address; the provider's name follows.
const ROUTE: &str = "api/v1/hooks/";
/// The query's name for the call that a run was created for.
pub const CORRELATION: &str = "correlation";

/// The address of one provider's webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAddress(Url);

impl WebhookAddress {
    /// Below the address under which this service is known outside. `None` where the vendor would not come: it takes https
    /// alone; plain http only where vendor and service are on one machine, as in development.
    pub fn new(provider: &str, public_url: Option<&Url>, vendor: &Url) -> Option<Self> {
        let mut address = public_url?.clone();
        let is_here = address.scheme() == "http" && is_loopback(&address) && is_loopback(vendor);
        if !(address.scheme() == "https" || is_here) {
            return None;
        }
        address.set_query(None);
        address.set_path(&format!("{}/{ROUTE}{provider}", address.path().trim_end_matches('/')));
        Some(Self(address))
    }

    /// Asks to be told of the end of what is created with `body`. Nothing else is: whoever waits looks when it is due.
    pub fn put(&self, correlation: &str, body: &mut Value) {
        let mut address = self.0.clone();
        address.query_pairs_mut().append_pair(CORRELATION, correlation);
        body["webhook"] = address.as_str().into();
        body["webhook_events_filter"] = json!(["completed"]);
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendor_is_told_an_address_that_it_takes() {
        let check = |public: Option<&str>, vendor: &str, expected: Option<&str>| {
            let public = public.map(|text| Url::parse(text).unwrap());
            let address = WebhookAddress::new("replicate", public.as_ref(), &Url::parse(vendor).unwrap());
            let mut body = json!({});
            if let Some(address) = &address {
                address.put("c1", &mut body);
            }
            assert_eq!(body["webhook"].as_str(), expected, "{public:?}");
        };
        let vendor = "https://api.replicate.com/v1";
        let hook = "https://music.example/api/v1/hooks/replicate?correlation=c1";
        check(Some("https://music.example"), vendor, Some(hook));
        let below = "https://music.example/base/api/v1/hooks/replicate?correlation=c1";
        check(Some("https://music.example/base/"), vendor, Some(below));
        check(Some("http://music.example"), vendor, None);
        check(Some("http://localhost:8080"), vendor, None);
        let here = "http://127.0.0.1:8080/api/v1/hooks/replicate?correlation=c1";
        check(Some("http://127.0.0.1:8080"), "http://127.0.0.1:4010/replicate/v1", Some(here));
        check(None, vendor, None);
    }
}
