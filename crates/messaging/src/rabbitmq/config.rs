//! How to reach the broker, and how patient to be with it.

use std::time::Duration;

use lapin::uri::AMQPUri;

use crate::{error::MessagingError, rules::DeliveryRules};

/// Settings of the RabbitMQ transport. Every wait has a bound here.
#[derive(Clone)]
pub struct RabbitConfig {
    /// `amqp://user:password@host:5672/vhost` (`%2f` is the default virtual host), or `amqps://…`.
    pub url: String,
    /// Shown in the broker's list of connections, and as the messages' `app_id`.
    pub service_name: String,
    /// From the TCP connection to the last declared queue.
    pub connect_timeout: Duration,
    /// For a message to be confirmed, with all attempts, and for a consumer to start.
    pub send_timeout: Duration,
    /// For one attempt to be confirmed.
    pub confirm_timeout: Duration,
    /// For other operations: a round trip, a queue's depth.
    pub operation_timeout: Duration,
    /// Silence of twice this long ends a connection.
    pub heartbeat: Duration,
    /// Pauses between attempts to reconnect grow from the first to the second, with jitter, for ever.
    pub reconnect_pause: (Duration, Duration),
    /// Messages that wait for their confirmation at a time; each uses a channel of its own.
    pub publish_window: usize,
    pub rules: DeliveryRules,
}

impl RabbitConfig {
    /// The default patience.
    pub fn new(url: impl Into<String>, service_name: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            service_name: service_name.into(),
            connect_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(15),
            confirm_timeout: Duration::from_secs(5),
            operation_timeout: Duration::from_secs(5),
            heartbeat: Duration::from_secs(10),
            reconnect_pause: (Duration::from_millis(100), Duration::from_secs(2)),
            publish_window: 32,
            rules: DeliveryRules::default(),
        }
    }
}

/// Without the password.
impl std::fmt::Debug for RabbitConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitConfig")
            .field("url", &"***")
            .field("service_name", &self.service_name)
            .finish_non_exhaustive()
    }
}

/// The parsed address.
#[derive(Clone)]
pub(super) struct Address(AMQPUri);

impl Address {
    pub(super) fn parse(config: &RabbitConfig) -> Result<Self, MessagingError> {
        // The parser's words are about the address's form; they never hold the password.
        let mut uri: AMQPUri = config.url.parse().map_err(|why: String| MessagingError::InvalidAddress(why.into()))?;
        let heartbeat = config.heartbeat.as_secs().clamp(1, 600);
        uri.query.heartbeat = Some(u16::try_from(heartbeat).unwrap_or(600));
        Ok(Self(uri))
    }

    pub(super) fn uri(&self) -> AMQPUri {
        self.0.clone()
    }
}
