//! Opens a connection in bounded time.
//!
//! lapin waits without end for a server that accepts and says nothing, and goes on doing so on a thread of its own when
//! the waiting future is dropped. So the socket is opened here, a second handle to it is kept, and shutting that one
//! down ends lapin's thread.

use std::{
    io,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    sync::{Arc, Mutex},
    time::Duration,
};

use lapin::{
    Connection, ConnectionProperties,
    tcp::{AMQPUriTcpExt, AsyncTcpStream, TLSConfig},
    uri::{AMQPScheme, AMQPUri},
};

use super::config::{Address, RabbitConfig};
use crate::lock;

/// A second handle to a connection's socket.
#[derive(Clone, Default)]
pub(super) struct Socket(Arc<Mutex<Option<TcpStream>>>);

impl Socket {
    fn keep(&self, stream: impl AsFd) -> io::Result<()> {
        let handle = stream.as_fd().try_clone_to_owned()?;
        *lock(&self.0) = Some(handle.into());
        Ok(())
    }

    /// Ends the connection without a goodbye; whatever waits for it sees an error.
    pub(super) fn shut(&self) {
        if let Some(stream) = lock(&self.0).take() {
            // It fails when the other side was faster.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Shuts the socket unless the connection was handed over.
struct ShutOnDrop(Option<Socket>);

impl Drop for ShutOnDrop {
    fn drop(&mut self) {
        if let Some(socket) = self.0.take() {
            socket.shut();
        }
    }
}

/// Connects and shakes hands. Dropping the future ends the attempt.
pub(super) async fn connect(
    address: &Address,
    config: &RabbitConfig,
    name: String,
) -> Result<(Connection, Socket), lapin::Error> {
    let socket = Socket::default();
    let mut guard = ShutOnDrop(Some(socket.clone()));
    let patience = config.connect_timeout;
    let kept = socket.clone();
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let runtime = lapin::runtime::default_runtime()?;
    let connection = Connection::connector(
        address.uri(),
        runtime,
        async move |uri: AMQPUri, runtime| {
            let plain = AMQPUri { scheme: AMQPScheme::AMQP, ..uri.clone() };
            let connecting = plain.connect_with_config_async(TLSConfig::default(), &runtime);
            let stream = bounded(patience, connecting).await?;
            if let AsyncTcpStream::Plain(stream) = &stream {
                kept.keep(stream.get_ref())?;
            }
            match uri.scheme {
                AMQPScheme::AMQP => Ok(stream),
                AMQPScheme::AMQPS => {
                    Ok(bounded(patience, stream.into_tls(&uri.authority.host, TLSConfig::default())).await?)
                }
            }
        },
        properties,
    )
    .await?;
    guard.0 = None;
    Ok((connection, socket))
}

/// The timeout must be here too: this part runs on lapin's thread, which goes on when the caller has given up.
async fn bounded<T>(patience: Duration, operation: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(patience, operation).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
