//! An S3 server in a folder, for tests and for trying things out on one machine. Not for production: it has no
//! redundancy, no limits and one key pair.
//!
//! Besides S3 it answers unsigned `PUT` and `DELETE` of `/_testbed/buckets/NAME` from this machine only, which create
//! and delete a bucket, so that a test needs no S3 client to get one. `_testbed` cannot be the name of a bucket.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Result, anyhow};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto, graceful::GracefulShutdown},
};
use s3s::{
    Body, HttpError,
    auth::SimpleAuth,
    service::{S3Service, S3ServiceBuilder},
};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;

const CONTROL: &str = "/_testbed/buckets/";
const DRAIN: Duration = Duration::from_secs(2);

/// What the server serves.
#[derive(Clone)]
pub struct S3Server {
    /// Each bucket is a folder in it; created when missing.
    pub root: PathBuf,
    pub access_key: String,
    pub secret_key: String,
}

/// The path that creates and deletes a bucket.
pub(crate) fn control_path(bucket: &str) -> String {
    format!("{CONTROL}{bucket}")
}

impl S3Server {
    /// Serves until `stop` completes, then finishes the requests in flight for at most two seconds.
    ///
    /// # Errors
    /// When the folder cannot be created or opened.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<()> {
        std::fs::create_dir_all(&self.root)?;
        let files = FileSystem::new(&self.root).map_err(|why| anyhow!("open {}: {why:?}", self.root.display()))?;
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(self.access_key, self.secret_key));
        let (s3, root): (S3Service, Arc<Path>) = (builder.build(), self.root.into());
        let http = auto::Builder::new(TokioExecutor::new());
        let open = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let (socket, peer) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    // Out of file descriptors, or the client left already: neither ends the server.
                    Err(_) => { tokio::time::sleep(Duration::from_millis(10)).await; continue }
                },
                () = stop.as_mut() => break,
            };
            // Small answers would otherwise wait for the client's delayed acknowledgement, 40 ms each.
            let _ = socket.set_nodelay(true);
            let (s3, root) = (s3.clone(), Arc::clone(&root));
            let service = service_fn(move |request| answer(s3.clone(), Arc::clone(&root), peer, request));
            let connection = open.watch(http.serve_connection(TokioIo::new(socket), service).into_owned());
            tokio::spawn(connection);
        }
        let _ = tokio::time::timeout(DRAIN, open.shutdown()).await;
        Ok(())
    }
}

async fn answer(
    s3: S3Service,
    root: Arc<Path>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, HttpError> {
    let Some(bucket) = request.uri().path().strip_prefix(CONTROL) else {
        return s3.call(request.map(Body::from)).await;
    };
    let status = control(&root, peer.ip(), request.method(), bucket);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    Ok(response)
}

fn control(root: &Path, peer: IpAddr, method: &Method, bucket: &str) -> StatusCode {
    if !peer.is_loopback() {
        return StatusCode::FORBIDDEN;
    }
    if !s3s::path::check_bucket_name(bucket) {
        return StatusCode::BAD_REQUEST;
    }
    let folder = root.join(bucket);
    let done = match *method {
        Method::PUT => std::fs::create_dir_all(&folder),
        Method::DELETE => match std::fs::remove_dir_all(&folder) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        },
        _ => return StatusCode::METHOD_NOT_ALLOWED,
    };
    if done.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR }
}
