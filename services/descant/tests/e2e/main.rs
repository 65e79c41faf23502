//! A deployment from outside: real processes, real sockets, and over both ways of running it. Every scenario of the
//! modules below runs twice, as `…::embedded::…` (one `descant serve`) and as `…::distributed::…` (five processes over
//! PostgreSQL, RabbitMQ and S3), because the two must answer alike.
//!
//! Needs the binaries of all services beside `descant` and, for the distributed half, test servers: `cargo xtask test`
//! brings both.

/// Makes two tests of each scenario: an async function that is given the way of running the deployment.
macro_rules! over_both {
    ($($scenario:ident),* $(,)?) => {
        mod embedded {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(crate::harness::Flavour::Embedded).await;
            })*
        }

        mod distributed {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(crate::harness::Flavour::Distributed).await;
            })*
        }
    };
}

mod harness;

mod blend;
mod cancel;
mod cli;
mod composition;
mod crash;
mod entry;
mod faces;
mod following;
mod idempotency;
mod options;
mod queue_rules;
mod quota;
mod recordings;
mod refusals;
mod reuse;
mod set_up;
mod song;
mod songs;
mod traces;
