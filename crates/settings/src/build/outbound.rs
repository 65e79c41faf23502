//! How requests leave.

use std::{net::IpAddr, path::PathBuf};

use url::{Host, Url};

use crate::{reader::Reader, secret::Secret, sections::OutboundSettings};

const LONGEST_CONNECT_MS: u64 = 600_000;

pub fn outbound(reader: &mut Reader) -> OutboundSettings {
    OutboundSettings {
        proxy: reader.parsed("outbound.proxy", proxy).flatten().map(Secret::new),
        no_proxy: reader.list("outbound.no_proxy", no_proxy).unwrap_or_default(),
        ca_file: reader.text("outbound.ca_file").map(PathBuf::from),
        allow_hosts: reader.list("outbound.allow_hosts", |text| text.parse().ok()).unwrap_or_default(),
        connect_timeout: reader.millis("outbound.connect_timeout_ms", 1..=LONGEST_CONNECT_MS),
    }
}

fn proxy(text: &str) -> Option<Option<Url>> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Some(None);
    }
    let url = Url::parse(text.trim()).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    (bare && url.has_host() && matches!(url.scheme(), "http" | "https")).then_some(Some(url))
}

fn no_proxy(text: &str) -> Option<String> {
    let network = || {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        prefix.parse::<u8>().is_ok_and(|prefix| prefix <= bits).then_some(())
    };
    let name = || Host::parse(text.trim_start_matches('.')).ok().map(|_| ());
    (text.parse::<IpAddr>().is_ok() || network().is_some() || name().is_some()).then(|| text.to_owned())
}
