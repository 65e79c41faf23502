//! The one TLS stack of the process.

/// Makes rustls use aws-lc. Called first in every `main`: without it the first TLS connection may panic when two crates
/// ask rustls for two providers. Later calls change nothing.
pub fn install_crypto() {
    // An error says that one is installed already, which is all that is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
