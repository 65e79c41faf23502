//! Boot order, readiness, signals, drain and exit codes
