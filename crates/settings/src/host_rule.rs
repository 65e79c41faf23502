//! Which hosts an operator or a client means: a name, all names under a suffix, an address or a network, each with a port
//! or without.

use std::{fmt, net::IpAddr, str::FromStr};

use url::Host;

/// One entry of a list of hosts. Its text is `files.example.com`, `*.example.com`, `10.0.0.0/8`, `192.168.1.4`, or any of
/// them but a network with a port behind it, as `localhost:9000` or `[::1]:9000`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostRule {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Hosts {
    /// In lower case, ASCII, without a dot at its end.
    Name(String),
    /// Every name that ends in this, which begins with a dot.
    Under(String),
    /// The first `prefix` bits are those of `network`.
    Network { network: IpAddr, prefix: u8 },
}

/// A text that names no host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a host name, *.suffix, IP address or network such as 10.0.0.0/8")]
pub struct HostRuleError;

impl HostRule {
    /// Whether the rule is about a host by its name, or about an address written in its place.
    pub fn names(&self, host: &Host<&str>, port: u16) -> bool {
        if self.port.is_some_and(|own| own != port) {
            return false;
        }
        match host {
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
                match &self.hosts {
                    Hosts::Name(own) => *own == name,
                    Hosts::Under(suffix) => name.len() > suffix.len() && name.ends_with(suffix.as_str()),
                    Hosts::Network { .. } => false,
                }
            }
            Host::Ipv4(address) => self.holds(IpAddr::V4(*address)),
            Host::Ipv6(address) => self.holds(IpAddr::V6(*address)),
        }
    }

    /// Whether the rule is a network, for any port, that holds an address which a name was resolved to.
    pub fn opens(&self, address: IpAddr) -> bool {
        self.port.is_none() && self.holds(address)
    }

    fn holds(&self, address: IpAddr) -> bool {
        let Hosts::Network { network, prefix } = &self.hosts else { return false };
        let same = |own: u128, other: u128, bits: u32| {
            let shift = bits.saturating_sub(u32::from(*prefix));
            own.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
        };
        match (network, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

impl FromStr for HostRule {
    type Err = HostRuleError;

    fn from_str(text: &str) -> Result<Self, HostRuleError> {
        if let Some((network, prefix)) = text.split_once('/') {
            let network: IpAddr = network.parse().map_err(|_| HostRuleError)?;
            let prefix: u8 = prefix.parse().map_err(|_| HostRuleError)?;
            let bits = if network.is_ipv4() { 32 } else { 128 };
            return (prefix <= bits)
                .then_some(Self { hosts: Hosts::Network { network, prefix }, port: None })
                .ok_or(HostRuleError);
        }
        // An IPv6 address without brackets has colons of its own.
        if let Ok(address) = text.parse() {
            return Ok(Self { hosts: one(address), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                (host, Some(port.parse().ok().filter(|port| *port > 0).ok_or(HostRuleError)?))
            }
            _ => (text, None),
        };
        let (is_suffix, host) = match host.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, host),
        };
        let hosts = match Host::parse(host).map_err(|_| HostRuleError)? {
            Host::Domain(name) if is_name(&name) => {
                let name = name.strip_suffix('.').unwrap_or(&name).to_owned();
                if is_suffix { Hosts::Under(format!(".{name}")) } else { Hosts::Name(name) }
            }
            Host::Ipv4(address) if !is_suffix => one(address.into()),
            Host::Ipv6(address) if !is_suffix => one(address.into()),
            _ => return Err(HostRuleError),
        };
        Ok(Self { hosts, port })
    }
}

fn one(address: IpAddr) -> Hosts {
    Hosts::Network { network: address, prefix: if address.is_ipv4() { 32 } else { 128 } }
}

fn is_name(name: &str) -> bool {
    name.strip_suffix('.')
        .unwrap_or(name)
        .split('.')
        .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.hosts, self.port) {
            (Hosts::Name(name), _) => f.write_str(name)?,
            (Hosts::Under(suffix), _) => write!(f, "*{suffix}")?,
            (Hosts::Network { network: IpAddr::V6(address), prefix: 128 }, Some(_)) => write!(f, "[{address}]")?,
            (Hosts::Network { network: IpAddr::V4(address), prefix: 32 }, _) => write!(f, "{address}")?,
            (Hosts::Network { network, prefix }, _) => write!(f, "{network}/{prefix}")?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rule: &str, host: &str, port: u16) -> bool {
        let url = url::Url::parse(&format!("http://{host}/")).unwrap();
        rule.parse::<HostRule>().unwrap().names(&url.host().unwrap(), port)
    }

    #[test]
    fn a_rule_names_its_hosts_and_no_others() {
        assert!(names("Files.Example.com", "files.example.com.", 443));
        assert!(!names("example.com", "files.example.com", 443));
        assert!(names("*.example.com", "a.b.example.com", 443));
        assert!(!names("*.example.com", "example.com", 443));
        assert!(!names("*.example.com", "badexample.com", 443));
        assert!(names("localhost:9000", "localhost", 9000) && !names("localhost:9000", "localhost", 9001));
        assert!(names("[::1]:9000", "[::1]", 9000) && !names("[::1]:9000", "[::1]", 80));
        assert!(names("10.0.0.0/8", "10.255.0.1", 80) && !names("10.0.0.0/8", "11.0.0.1", 80));
        assert!(names("0.0.0.0/0", "8.8.8.8", 80) && !names("0.0.0.0/0", "[::1]", 80));
        assert!(names("fd00::/8", "[fd12::1]", 80) && !names("fd00::/8", "[fe80::1]", 80));
        assert!(names("::1", "[::1]", 80) && names("2130706433", "127.0.0.1", 80));
    }

    #[test]
    fn only_networks_without_a_port_open_addresses() {
        let opens = |rule: &str| rule.parse::<HostRule>().unwrap().opens("127.0.0.1".parse().unwrap());
        assert!(opens("127.0.0.0/8") && opens("127.0.0.1"));
        assert!(!opens("127.0.0.1:80") && !opens("localhost") && !opens("10.0.0.0/8"));
    }

    #[test]
    fn texts_come_back_and_nonsense_is_refused() {
        for text in ["a.example", "*.a.example", "a.example:81", "10.0.0.0/8", "1.2.3.4", "1.2.3.4:5", "[::1]:5"] {
            assert_eq!(text.parse::<HostRule>().unwrap().to_string(), text);
        }
        for text in
            ["", "*", "*.", "*.1.2.3.4", "a b", "http://a", "a/b", "10.0.0.0/33", "a:0", "a:b", "a..b", "u@a", "[::1"]
        {
            assert_eq!(text.parse::<HostRule>(), Err(HostRuleError), "{text:?}");
        }
    }
}
