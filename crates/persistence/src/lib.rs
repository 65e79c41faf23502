//! The only user of sea-orm: repositories, outbox, inbox, leases
