//! Ways to disturb a broker's clients: through its management API, with a client that keeps no rules, and with a network
//! that fails.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, options::BasicPublishOptions};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// One request to the management API, with its answer's body.
pub async fn manage(method: &str, path: &str, body: &str) -> Value {
    let base = testbed::servers().rabbitmq_management;
    let pair = format!("{}:{}", base.username(), base.password().unwrap_or_default());
    let authority = format!("{}:{}", base.host_str().unwrap(), base.port_or_known_default().unwrap());
    let mut stream = TcpStream::connect(&authority).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.0\r\nhost: {authority}\r\nauthorization: Basic {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        base64(pair.as_bytes()),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap_or_default();
    assert!(status.starts_with('2') || status == "404", "{method} {path}: {head}");
    serde_json::from_str(body).unwrap_or(Value::Null)
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|group| {
        let word = (0..3).fold(0_u32, |word, place| word << 8 | u32::from(*group.get(place).unwrap_or(&0)));
        (0..4).map(move |place| match place <= group.len() {
            true => char::from(LETTERS[(word >> (18 - 6 * place)) as usize & 63]),
            false => '=',
        })
    });
    groups.flatten().collect()
}

/// The names of a virtual host's connections, as far as the broker's statistics know them already.
pub async fn connections(vhost: &str) -> Vec<String> {
    let answer = manage("GET", &format!("/api/vhosts/{vhost}/connections"), "").await;
    let names = answer.as_array().into_iter().flatten().filter_map(|connection| connection["name"].as_str());
    names.map(str::to_owned).collect()
}

/// Has the broker close a connection.
pub async fn close_connection(name: &str) {
    let name = name.replace(' ', "%20").replace('>', "%3E").replace(':', "%3A");
    manage("DELETE", &format!("/api/connections/{name}"), "").await;
}

/// A client without any of our rules.
pub async fn raw_client(url: &str) -> (Connection, Channel) {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

/// Puts bytes into a queue, past all checks.
pub async fn inject(channel: &Channel, queue: &str, bytes: &[u8]) {
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), queue.into(), options, bytes, BasicProperties::default()).await.unwrap();
}

/// How the network between a client and its broker behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Network {
    Good,
    /// Connections open, and then nothing arrives.
    Silent,
}

/// A network that can fail.
pub struct Proxy {
    address: SocketAddr,
    /// With a counter: a change ends all connections.
    network: watch::Sender<(Network, usize)>,
    /// Connections that the client has opened so far.
    pub accepted: Arc<AtomicUsize>,
    /// Those of them that are over.
    pub ended: Arc<AtomicUsize>,
    /// Those that it has closed while the network was silent.
    pub left: Arc<AtomicUsize>,
}

impl Proxy {
    pub async fn start(broker: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (network, state) = watch::channel((Network::Good, 0));
        let (accepted, ended, left) = <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let counters = (Arc::clone(&accepted), Arc::clone(&ended), Arc::clone(&left));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counters.0.fetch_add(1, Ordering::SeqCst);
                let (state, ended, left) = (state.clone(), Arc::clone(&counters.1), Arc::clone(&counters.2));
                tokio::spawn(async move {
                    carry(client, broker, state, &left).await;
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, network, accepted, ended, left }
    }

    /// The address with this proxy in front.
    pub fn url(&self, broker: &str) -> String {
        let mut url = url::Url::parse(broker).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        url.into()
    }

    /// Cuts all connections; from now on the network is like this.
    pub fn cut(&self, network: Network) {
        self.network.send_modify(|(current, cuts)| (*current, *cuts) = (network, *cuts + 1));
    }

    /// Stops carrying anything, without cutting connections.
    pub fn freeze(&self) {
        self.network.send_modify(|(current, _)| *current = Network::Silent);
    }
}

async fn carry(
    mut client: TcpStream,
    broker: SocketAddr,
    mut state: watch::Receiver<(Network, usize)>,
    left: &AtomicUsize,
) {
    let (network, cuts) = *state.borrow_and_update();
    if network == Network::Silent {
        silence(client, state, cuts, left).await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(broker).await else { return };
    let frozen = tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => false,
        changed = state.wait_for(|(network, now)| *now != cuts || *network == Network::Silent) => {
            changed.is_ok_and(|now| now.1 == cuts)
        }
    };
    if frozen {
        silence(client, state, cuts, left).await;
    }
}

/// Until the client leaves, or is cut off.
async fn silence(mut client: TcpStream, mut state: watch::Receiver<(Network, usize)>, cuts: usize, left: &AtomicUsize) {
    let mut buffer = [0; 1024];
    let leaving = async { while client.read(&mut buffer).await.is_ok_and(|count| count > 0) {} };
    tokio::select! {
        () = leaving => drop(left.fetch_add(1, Ordering::SeqCst)),
        _ = state.wait_for(|(_, now)| *now != cuts) => {}
    }
}

/// Where the broker listens.
pub async fn broker_address() -> SocketAddr {
    let url = testbed::servers().rabbitmq;
    let port = url.port().unwrap_or(5672);
    tokio::net::lookup_host((url.host_str().unwrap(), port)).await.unwrap().next().unwrap()
}

/// Short bounds, for tests in which the network fails.
pub fn impatient(url: &str) -> messaging::RabbitConfig {
    messaging::RabbitConfig {
        connect_timeout: Duration::from_millis(1500),
        confirm_timeout: Duration::from_secs(1),
        heartbeat: Duration::from_secs(1),
        ..super::rabbit_config(url)
    }
}
