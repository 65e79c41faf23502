//! Keys of requests to the outside.

use super::{Key, Section};

pub const OUTBOUND: Section = Section {
    name: "outbound",
    about: "Requests to the outside: services, vendors, files that they link to, webhooks.",
    keys: &[
        Key::unset(
            "outbound.proxy",
            "none, or an http or https address, with user and password where the proxy wants them",
            "\"http://proxy.example.com:3128\"",
            "The proxy that requests go through. Not set or none: they go directly. The variables HTTP_PROXY, HTTPS_PROXY and ALL_PROXY are never read. A proxy resolves names itself, so that it has to keep requests out of private networks.",
        )
        .secret(),
        Key::new(
            "outbound.no_proxy",
            "[\"localhost\", \"127.0.0.0/8\", \"::1\"]",
            "a list of host names (each with all names under it), IP addresses and networks",
            "[\"localhost\", \"10.0.0.0/8\", \"internal.example.com\"]",
            "Hosts that are reached without the proxy.",
        ),
        Key::unset(
            "outbound.ca_file",
            "the path of a file of certificates in PEM",
            "\"/etc/descant/ca.pem\"",
            "Authorities that are trusted besides those of the system.",
        ),
        Key::new(
            "outbound.allow_hosts",
            "[]",
            "a list of host names, *.suffix, IP addresses or networks such as 10.0.0.0/8; all but networks may have a :port",
            "[\"hooks.internal:8443\", \"*.cluster.local\", \"10.20.0.0/16\"]",
            "Hosts that addresses given by users and by answers may name though they are private or without TLS. Addresses in these settings need no entry.",
        ),
        Key::new(
            "outbound.connect_timeout_ms",
            "5000",
            "a whole number of milliseconds from 1 to 600000",
            "3000",
            "Longest time to wait for a connection, its encryption included.",
        ),
    ],
};
