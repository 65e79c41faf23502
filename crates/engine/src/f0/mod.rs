//! F0 tracking.
