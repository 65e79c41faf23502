//! The melody-to-vocals API: seven routes whose fields older clients rely on.

pub mod convert;
mod present;
pub mod routes;
pub mod wire;
