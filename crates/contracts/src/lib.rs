//! What the services say to each other: generated message types, their conversions to the domain, and the topology of
//! exchanges and queues. Knows nothing of lapin, HTTP or rows.

/// Generated from `proto/descant/v1`.
#[allow(clippy::all, missing_docs)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/descant.v1.rs"));
}
