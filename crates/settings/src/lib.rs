//! Layered settings, all problems reported at once, secrets masked
