//! HTTP: auth, limits, uploads, submit, read, events, downloads
