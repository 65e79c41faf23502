//! Every music capability as a chain of providers; the only HTTP to AI services
