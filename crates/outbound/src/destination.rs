//! Where a request may go.

use settings::HostRule;
use url::{Host, Url};

use crate::{address::is_public, error::Refusal, setup::SetupError};

/// Longer addresses are no addresses.
const MAX_URL_BYTES: usize = 8 * 1024;
/// Names that mean this machine or its neighbourhood wherever they are resolved (RFC 6761, RFC 6762, RFC 8375, RFC 9476,
/// and the name that ICANN reserved for private use).
const LOCAL_SUFFIXES: &[&str] = &[".localhost", ".local", ".internal", ".home.arpa", ".alt", ".localdomain"];

/// Whose word an address is.
#[derive(Clone, Debug)]
pub struct Destination(Trust);

#[derive(Clone, Debug)]
enum Trust {
    Configured { base: Url, traced: bool },
    Untrusted { within: Option<Vec<HostRule>> },
}

/// Which pool of connections a request uses, by what its resolver lets through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {
    /// Any address.
    Configured,
    /// Private addresses too, never a metadata service.
    Listed,
    /// Public addresses, and those in networks that the operator listed.
    Guarded,
}

/// What the settings have to say about addresses.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub allow_hosts: Vec<HostRule>,
    /// A request for the proxy itself would not go through the proxy.
    pub proxy_host: Option<String>,
}

impl Destination {
    /// An address from the settings, such as `http://localhost:8003`. Requests name paths below it; it may be private.
    ///
    /// # Errors
    /// When it is not http or https, or has a user, a password, a query or a fragment.
    pub fn configured(mut base: Url) -> Result<Self, SetupError> {
        let plain = base.username().is_empty() && base.password().is_none();
        let bare = base.query().is_none() && base.fragment().is_none() && base.has_host();
        if !plain || !bare || !matches!(base.scheme(), "http" | "https") {
            return Err(SetupError::Base);
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self(Trust::Configured { base, traced: false }))
    }

    /// Addresses from answers or from users: https and public, unless `outbound.allow_hosts` names them.
    pub const fn untrusted() -> Self {
        Self(Trust::Untrusted { within: None })
    }

    /// The same, and only hosts of the list, such as `replicate.delivery` and `*.replicate.delivery`.
    ///
    /// # Errors
    /// When an entry names no host.
    pub fn untrusted_within(hosts: &[&str]) -> Result<Self, SetupError> {
        let rule =
            |text: &&str| text.parse().map_err(|source| SetupError::HostRule { rule: (*text).to_owned(), source });
        let within = hosts.iter().map(rule).collect::<Result<Vec<HostRule>, SetupError>>()?;
        Ok(Self(Trust::Untrusted { within: Some(within) }))
    }

    /// Takes the current trace along (`traceparent`), for services of our own. An untrusted destination never learns it.
    #[must_use]
    pub fn traced(mut self) -> Self {
        if let Trust::Configured { traced, .. } = &mut self.0 {
            *traced = true;
        }
        self
    }

    pub(crate) const fn is_traced(&self) -> bool {
        matches!(self.0, Trust::Configured { traced: true, .. })
    }

    /// The address of a request: a path below the base, or a whole address.
    pub(crate) fn target(&self, text: &str, policy: &Policy) -> Result<(Url, Route), Refusal> {
        // The parser drops or turns these, which only somebody who wants to confuse another parser needs.
        if text.len() > MAX_URL_BYTES || text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(Refusal::Malformed);
        }
        let url = match &self.0 {
            Trust::Configured { base, .. } => base.join(text.trim_start_matches('/')),
            Trust::Untrusted { .. } => Url::parse(text),
        };
        self.admit(url.map_err(|_| Refusal::Malformed)?, policy)
    }

    /// Where a redirect leads from `current`.
    pub(crate) fn hop(&self, current: &Url, location: &str, policy: &Policy) -> Result<(Url, Route), Refusal> {
        if location.len() > MAX_URL_BYTES {
            return Err(Refusal::Malformed);
        }
        self.admit(current.join(location).map_err(|_| Refusal::Malformed)?, policy)
    }

    fn admit(&self, mut url: Url, policy: &Policy) -> Result<(Url, Route), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Malformed);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        url.set_fragment(None);
        match &self.0 {
            Trust::Configured { base, .. } if url.origin() == base.origin() => Ok((url, Route::Configured)),
            Trust::Configured { .. } => Err(Refusal::OtherOrigin),
            Trust::Untrusted { within } => {
                without_final_dot(&mut url)?;
                let route = guard(&url, within.as_deref(), policy)?;
                Ok((url, route))
            }
        }
    }
}

/// `example.com.` is the same host, but another one to certificates and lists.
fn without_final_dot(url: &mut Url) -> Result<(), Refusal> {
    let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
    let Some(bare) = name.strip_suffix('.').map(str::to_owned) else { return Ok(()) };
    if bare.is_empty() || bare.ends_with('.') {
        return Err(Refusal::Malformed);
    }
    url.set_host(Some(&bare)).map_err(|_| Refusal::Malformed)
}

/// The parser has already turned decimal, octal, hexadecimal and short forms of IPv4 into plain ones, and refused zone ids.
fn guard(url: &Url, within: Option<&[HostRule]>, policy: &Policy) -> Result<Route, Refusal> {
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else { return Err(Refusal::Malformed) };
    let named_by = |rules: &[HostRule]| rules.iter().any(|rule| rule.names(&host, port));
    if within.is_some_and(|rules| !named_by(rules)) {
        return Err(Refusal::NotListed);
    }
    let is_listed = named_by(&policy.allow_hosts);
    if is_listed {
        return Ok(Route::Listed);
    }
    if url.scheme() != "https" {
        return Err(Refusal::Scheme);
    }
    let is_public = match host {
        Host::Domain(name) => name.contains('.') && !LOCAL_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)),
        Host::Ipv4(address) => is_public(address.into()),
        Host::Ipv6(address) => is_public(address.into()),
    };
    let is_proxy = policy.proxy_host.as_deref().is_some_and(|proxy| url.host_str() == Some(proxy));
    if is_public && !is_proxy { Ok(Route::Guarded) } else { Err(Refusal::Private) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str]) -> Policy {
        let allow_hosts = allow.iter().map(|rule| rule.parse().unwrap()).collect();
        Policy { allow_hosts, proxy_host: Some("proxy.example.com".to_owned()) }
    }

    fn untrusted(text: &str, allow: &[&str]) -> Result<String, Refusal> {
        Destination::untrusted().target(text, &policy(allow)).map(|(url, _)| url.to_string())
    }

    #[test]
    fn public_https_goes_through() {
        for (given, sent) in [
            ("https://files.example.com/a?b=c#d", "https://files.example.com/a?b=c"),
            ("https://files.example.com./a", "https://files.example.com/a"),
            ("https://8.8.8.8:8443/", "https://8.8.8.8:8443/"),
            ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/"),
            ("HTTPS://FILES.example.COM/", "https://files.example.com/"),
        ] {
            assert_eq!(untrusted(given, &[]), Ok(sent.to_owned()));
        }
    }

    #[test]
    fn this_machine_and_its_networks_are_refused_in_every_spelling() {
        let hosts = [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "017700000001",
            "0x7f.1",
            "127.0.0.1.",
            "0",
            "0.0.0.0",
            "①②⑦.⓪.⓪.①",
            "127。0。0。1",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "intranet",
            "printer.local",
            "metadata.google.internal",
            "metadata",
            "router.home.arpa",
            "169.254.169.254",
            "0xA9FEA9FE",
            "2852039166",
            "0251.0376.0251.0376",
            "100.100.100.200",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001:db8::1]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "10.0.0.1",
            "172.20.1.1",
            "192.168.0.1",
            "100.64.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "proxy.example.com",
        ];
        for host in hosts {
            assert_eq!(untrusted(&format!("https://{host}/"), &[]), Err(Refusal::Private), "{host}");
        }
    }

    #[test]
    fn what_confuses_parsers_is_refused() {
        for text in [
            "",
            "//example.com/",
            "/a",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "https://",
            "https://exa mple.com/",
            "https://example.com\\@127.0.0.1/",
            "https:\\\\example.com/",
            "\thttps://example.com/",
            "https://example.com/\r\nHost: x",
            "https://[fe80::1%25eth0]/",
            "https://[::1/",
            "https://example.com:99999/",
            "https://256.256.256.256/",
            "https://1.2.3.4.5/",
            "https://example.com../",
            "data:text/plain,x",
        ] {
            assert_eq!(untrusted(text, &[]), Err(Refusal::Malformed), "{text:?}");
        }
        for text in ["https://a@example.com/", "https://:b@example.com/", "https://example.com:443@127.0.0.1/"] {
            assert_eq!(untrusted(text, &[]), Err(Refusal::UserInfo), "{text:?}");
        }
        assert_eq!(untrusted("http://example.com/", &[]), Err(Refusal::Scheme));
        assert_eq!(
            untrusted(&format!("https://example.com/{}", "a".repeat(MAX_URL_BYTES)), &[]),
            Err(Refusal::Malformed)
        );
    }

    #[test]
    fn what_the_operator_lists_is_open_and_nothing_else() {
        let allow = ["hooks.internal:8443", "*.cluster.local", "10.20.0.0/16"];
        for text in ["http://hooks.internal:8443/", "http://a.cluster.local/", "http://10.20.1.1:80/"] {
            assert_eq!(untrusted(text, &allow), Ok(text.replace(":80/", "/")));
        }
        for text in ["https://hooks.internal/", "https://cluster.local/", "https://10.21.1.1/"] {
            assert_eq!(untrusted(text, &allow), Err(Refusal::Private));
        }
        assert_eq!(untrusted("http://user@hooks.internal:8443/", &allow), Err(Refusal::UserInfo));
    }

    #[test]
    fn a_caller_may_narrow_the_hosts_and_never_widen_them() {
        let within =
            Destination::untrusted_within(&["replicate.delivery", "*.replicate.delivery", "127.0.0.1"]).unwrap();
        let check = |text: &str| within.target(text, &policy(&[])).map(|_| ());
        assert_eq!(check("https://pbxt.replicate.delivery/a.mp3"), Ok(()));
        assert_eq!(check("https://replicate.delivery.example.com/"), Err(Refusal::NotListed));
        assert_eq!(check("https://notreplicate.delivery/"), Err(Refusal::NotListed));
        assert_eq!(check("https://127.0.0.1/"), Err(Refusal::Private));
        assert!(Destination::untrusted_within(&["https://x"]).is_err());
    }

    #[test]
    fn a_configured_service_cannot_send_its_client_elsewhere() {
        let base = Url::parse("http://localhost:8003/music").unwrap();
        let service = Destination::configured(base.clone()).unwrap();
        let check = |text: &str| service.target(text, &policy(&[])).map(|(url, _)| url.to_string());
        assert_eq!(check("/files/1").unwrap(), "http://localhost:8003/music/files/1");
        assert_eq!(check("").unwrap(), "http://localhost:8003/music/");
        assert_eq!(
            check("//elsewhere.example.com/files").unwrap(),
            "http://localhost:8003/music/elsewhere.example.com/files"
        );
        assert_eq!(check("http://localhost:8003/other").unwrap(), "http://localhost:8003/other");
        for text in ["http://elsewhere.example.com/", "https://localhost:8003/", "http://localhost:8004/"] {
            assert_eq!(check(text), Err(Refusal::OtherOrigin), "{text}");
        }
        let hop = |location: &str| service.hop(&base, location, &policy(&[])).map(|_| ());
        assert_eq!(hop("/x"), Ok(()));
        assert_eq!(hop("//elsewhere.example.com/"), Err(Refusal::OtherOrigin));
        for base in ["ftp://a/", "http://u@a/", "http://a/?q", "http://a/#f"] {
            assert!(Destination::configured(Url::parse(base).unwrap()).is_err(), "{base}");
        }
    }
}
