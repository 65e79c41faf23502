//! Owns every job after submission: leases, stages, retries, cancel, reconciliation
