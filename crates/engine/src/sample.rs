//! A hummed tune made here, with exactly known F0, for tests and for trying things out.
