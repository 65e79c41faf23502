//! Declares what `contracts::topology` describes.

use contracts::topology::{Argument, ArgumentValue, ExchangeKind, exchanges, queues};
use lapin::{
    Channel,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

use crate::{error::MessagingError, rules::DeliveryRules};

/// Declares everything that outlives a connection. Declaring what exists already changes nothing.
pub(super) async fn declare(channel: &Channel, rules: &DeliveryRules) -> Result<(), MessagingError> {
    for exchange in exchanges(&rules.retry_delays) {
        let kind = match exchange.kind {
            ExchangeKind::Direct => lapin::ExchangeKind::Direct,
            ExchangeKind::Topic => lapin::ExchangeKind::Topic,
            ExchangeKind::Fanout => lapin::ExchangeKind::Fanout,
        };
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        channel
            .exchange_declare(exchange.name.as_str().into(), kind, durable, FieldTable::default())
            .await
            .map_err(|source| refused(&exchange.name, source))?;
    }
    for queue in queues(&rules.retry_delays) {
        channel
            .queue_declare(queue.name.as_str().into(), QueueDeclareOptions::durable(), table(&queue.arguments))
            .await
            .map_err(|source| refused(&queue.name, source))?;
        channel
            .queue_bind(
                queue.name.as_str().into(),
                queue.exchange.as_str().into(),
                queue.routing_key.as_str().into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .map_err(|source| refused(&queue.name, source))?;
    }
    Ok(())
}

/// A channel-level error means that the broker does not want this queue; anything else is the connection's fault.
fn refused(name: &str, source: lapin::Error) -> MessagingError {
    if source.is_amqp_soft_error() {
        MessagingError::Topology { name: name.to_owned(), source: source.into() }
    } else {
        MessagingError::Unreachable { waited: std::time::Duration::ZERO, source: Some(source.into()) }
    }
}

pub(super) fn table(arguments: &[Argument]) -> FieldTable {
    let mut table = FieldTable::default();
    for Argument { name, value, reason: _ } in arguments {
        let value = match value {
            ArgumentValue::Text(text) => AMQPValue::LongString((*text).into()),
            ArgumentValue::Number(number) => AMQPValue::LongLongInt(*number),
        };
        table.insert((*name).into(), value);
    }
    table
}
