//! Servers of this machine that answer what a test wants them to, with and without TLS, and names that mean what it wants.

use std::{
    collections::HashMap,
    io::{self, Write as _},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use outbound::{Limits, Outbound, Resolver};
use settings::OutboundSettings;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

pub const PATIENT: Duration = Duration::from_secs(60);

pub fn limits() -> Limits {
    Limits::new(PATIENT, 1 << 20)
}

/// Settings that list these hosts.
pub fn allowing(hosts: &[&str]) -> OutboundSettings {
    let allow_hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
    OutboundSettings { allow_hosts, ..OutboundSettings::default() }
}

pub fn outbound(settings: &OutboundSettings) -> Outbound {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Outbound::new(settings).unwrap()
}

pub fn outbound_with(settings: &OutboundSettings, names: Arc<Names>) -> Outbound {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Outbound::with_resolver(settings, names).unwrap()
}

/// Each name's answers in turn; the last one stays.
#[derive(Default)]
pub struct Names {
    answers: HashMap<&'static str, Vec<Vec<IpAddr>>>,
    pub asked: AtomicUsize,
}

impl Names {
    pub fn new(names: &[(&'static str, &[&str])]) -> Arc<Self> {
        let one = |address: &&str| address.split(' ').map(|address| address.parse().unwrap()).collect();
        let answers = names.iter().map(|(name, answers)| (*name, answers.iter().map(one).collect())).collect();
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answers = self.answers.get(host).ok_or(io::ErrorKind::NotFound)?;
        Ok(answers[asked.min(answers.len() - 1)].clone())
    }
}

/// Answers each request by a function of its head, and remembers the heads.
pub struct Server {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Server {
    pub async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", None, answer).await
    }

    pub async fn at(
        address: &str,
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let answer = Arc::new(answer);
        let serving = tokio::spawn({
            let (heads, connections) = (heads.clone(), connections.clone());
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    connections.fetch_add(1, Ordering::SeqCst);
                    let (heads, answer, tls) = (heads.clone(), answer.clone(), tls.clone());
                    tokio::spawn(async move {
                        match tls {
                            None => serve(stream, &heads, &*answer).await,
                            Some(tls) => {
                                if let Ok(stream) = tls.accept(stream).await {
                                    serve(stream, &heads, &*answer).await;
                                }
                            }
                        }
                    });
                }
            }
        });
        Self { address, heads, connections, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Request lines and headers so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One request a connection. An empty answer closes without one.
async fn serve<S>(mut stream: S, heads: &Mutex<Vec<String>>, answer: &(dyn Fn(&str) -> Vec<u8> + Send + Sync))
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut raw = Vec::new();
    let mut chunk = [0; 4096];
    while !raw.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => raw.extend_from_slice(&chunk[..read]),
        }
    }
    let head = String::from_utf8_lossy(&raw).into_owned();
    heads.lock().unwrap().push(head.clone());
    let _ = stream.write_all(&answer(&head)).await;
    let _ = stream.shutdown().await;
}

/// A whole answer with further header lines.
pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

pub fn redirect(to: &str) -> Vec<u8> {
    answer(302, &format!("location: {to}\r\n"), b"")
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A server's side of TLS for some hosts, and the certificate that vouches for it, in PEM.
pub fn tls(hosts: &[&str]) -> (TlsAcceptor, String) {
    let names: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}
