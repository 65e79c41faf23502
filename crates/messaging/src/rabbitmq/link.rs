//! One supervised connection to the broker.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use lapin::{Channel, Connection, Event, options::ExchangeDeclareOptions, types::FieldTable};
use telemetry::error_chain;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use contracts::topology::COMMAND_EXCHANGE;

use super::{
    config::{Address, RabbitConfig},
    socket::{self, Socket},
    topology,
};
use crate::{
    error::MessagingError,
    observer::{LinkRole, MessagingObserver},
};

/// A handle to the connection that is up, or to the one that will be.
#[derive(Clone)]
pub(super) struct Link {
    state: watch::Receiver<State>,
}

#[derive(Clone)]
enum State {
    Up(Arc<Live>),
    Down,
    Closed,
}

/// A connection that is up, or was until a moment ago.
pub(super) struct Live {
    pub connection: Connection,
    socket: Socket,
}

impl Link {
    /// Connects, declares the topology, and keeps a connection up until `stop`.
    pub(super) async fn open(
        role: LinkRole,
        address: &Address,
        config: &Arc<RabbitConfig>,
        observer: &Arc<dyn MessagingObserver>,
        stop: &CancellationToken,
    ) -> Result<Self, MessagingError> {
        let first = Arc::new(establish(role, address, config).await?);
        let (publish, state) = watch::channel(State::Up(Arc::clone(&first)));
        observer.link(role, true);
        let supervisor = Supervisor {
            role,
            address: address.clone(),
            config: Arc::clone(config),
            observer: Arc::clone(observer),
            stop: stop.clone(),
            state: publish,
        };
        tokio::spawn(supervisor.run(first));
        Ok(Self { state })
    }

    /// The connection, as soon as there is one.
    pub(super) async fn live(&self, deadline: Instant) -> Result<Arc<Live>, MessagingError> {
        let started = Instant::now();
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| match state {
            State::Up(live) => live.connection.status().connected(),
            State::Down => false,
            State::Closed => true,
        });
        match tokio::time::timeout_at(deadline.into(), settled).await {
            Ok(Ok(state)) => match &*state {
                State::Up(live) => Ok(Arc::clone(live)),
                State::Down | State::Closed => Err(MessagingError::Closed),
            },
            Ok(Err(_)) => Err(MessagingError::Closed),
            Err(_) => Err(MessagingError::Unreachable { waited: started.elapsed(), source: None }),
        }
    }

    /// A new channel, as soon as there is a connection.
    pub(super) async fn channel(&self, deadline: Instant) -> Result<Channel, MessagingError> {
        let live = self.live(deadline).await?;
        within(deadline, live.connection.create_channel()).await
    }

    /// Asks the broker for something and waits for the answer.
    pub(super) async fn round_trip(&self, deadline: Instant) -> Result<(), MessagingError> {
        let channel = self.channel(deadline).await?;
        let passive = ExchangeDeclareOptions { passive: true, ..Default::default() };
        let kind = lapin::ExchangeKind::Direct;
        within(deadline, channel.exchange_declare(COMMAND_EXCHANGE.into(), kind, passive, FieldTable::default())).await
    }

    /// Waits until the connection was closed after `stop`, at most `patience`.
    pub(super) async fn ended(&self, patience: Duration) {
        let mut state = self.state.clone();
        let closed = state.wait_for(|state| matches!(state, State::Closed));
        if tokio::time::timeout(patience, closed).await.is_err() {
            tracing::warn!("the connection to the broker did not close in time");
        }
    }
}

/// Bounds an operation on the broker, which may otherwise wait for ever.
pub(super) async fn within<T>(
    deadline: Instant,
    operation: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, MessagingError> {
    let started = Instant::now();
    match tokio::time::timeout_at(deadline.into(), operation).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(source)) => Err(MessagingError::Unreachable { waited: started.elapsed(), source: Some(source.into()) }),
        Err(_) => Err(MessagingError::Unreachable { waited: started.elapsed(), source: None }),
    }
}

/// One attempt: connection, handshake, topology.
async fn establish(role: LinkRole, address: &Address, config: &RabbitConfig) -> Result<Live, MessagingError> {
    let deadline = Instant::now() + config.connect_timeout;
    let name = format!("{} ({})", config.service_name, role.as_str());
    let (connection, socket) = within(deadline, socket::connect(address, config, name)).await?;
    let live = Live { connection, socket };
    let declaring = async {
        let channel = within(deadline, live.connection.create_channel()).await?;
        topology::declare(&channel, &config.rules).await
    };
    let declared = tokio::time::timeout_at(deadline.into(), declaring)
        .await
        .unwrap_or_else(|_| Err(MessagingError::Unreachable { waited: config.connect_timeout, source: None }));
    if let Err(error) = declared {
        live.socket.shut();
        return Err(error);
    }
    Ok(live)
}

struct Supervisor {
    role: LinkRole,
    address: Address,
    config: Arc<RabbitConfig>,
    observer: Arc<dyn MessagingObserver>,
    stop: CancellationToken,
    state: watch::Sender<State>,
}

impl Supervisor {
    async fn run(self, first: Arc<Live>) {
        let mut live = first;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break self.say_goodbye(&live).await,
                () = live.lost() => {}
            }
            self.state.send_replace(State::Down);
            self.observer.link(self.role, false);
            live.socket.shut();
            tracing::warn!(link = self.role.as_str(), "lost the connection to the broker");
            let Some(next) = self.reconnect().await else { break };
            tracing::info!(link = self.role.as_str(), "connected to the broker again");
            live = Arc::new(next);
            self.observer.link(self.role, true);
            self.state.send_replace(State::Up(Arc::clone(&live)));
        }
        self.state.send_replace(State::Closed);
    }

    /// Tries for ever, with growing pauses; `None` when told to stop.
    async fn reconnect(&self) -> Option<Live> {
        let (mut pause, longest) = self.config.reconnect_pause;
        loop {
            let attempt = async {
                tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..=1.0))).await;
                establish(self.role, &self.address, &self.config).await
            };
            let result = tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                result = attempt => result,
            };
            match result {
                Ok(live) => return Some(live),
                Err(error) => {
                    tracing::warn!(
                        link = self.role.as_str(),
                        error = error_chain(&error),
                        "cannot connect to the broker"
                    );
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }

    async fn say_goodbye(&self, live: &Live) {
        let goodbye = live.connection.close(200, "goodbye".into());
        if !matches!(tokio::time::timeout(self.config.operation_timeout, goodbye).await, Ok(Ok(()))) {
            live.socket.shut();
        }
        self.observer.link(self.role, false);
    }
}

impl Live {
    /// Waits until the connection is no longer usable.
    async fn lost(&self) {
        let mut events = std::pin::pin!(self.connection.events_listener());
        // The state is also looked at now and then: an event from before the listener started is not repeated.
        let mut look = tokio::time::interval(Duration::from_millis(200));
        while self.connection.status().connected() {
            tokio::select! {
                event = events.next() => match event {
                    Some(Event::Error(error)) => {
                        tracing::debug!(%error, "the connection to the broker failed");
                        // A soft error belongs to one channel; the state below tells.
                    }
                    Some(Event::ConnectionBlocked(reason)) => {
                        tracing::warn!(reason, "the broker takes no messages for now");
                    }
                    Some(Event::ConnectionUnblocked) => tracing::info!("the broker takes messages again"),
                    Some(_) => {}
                    None => return,
                },
                _ = look.tick() => {}
            }
        }
    }
}
