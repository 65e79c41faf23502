//! The port: accepts connections, reads requests whole, and hands answers over.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use url::form_urlencoded;

use crate::{
    app::{App, Outcome},
    control,
    http::{Answer, Call},
    transport::{Manner, Outgoing, Socket},
};

/// Most that is read of a request: the largest file that Replicate takes, and a form around it.
const MAX_BODY_BYTES: usize = 101 << 20;
/// The pause after a connection that could not be accepted.
const ACCEPTS_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is ended without an answer")]
struct Dropped;

/// Serves for as long as it is polled; connections end with it.
pub async fn serve(listener: TcpListener, app: Arc<App>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => _ = connections.spawn(connection(stream, Arc::clone(&app))),
            // Out of file descriptors, or the client left already: neither ends the server.
            Err(_) => tokio::time::sleep(ACCEPTS_AGAIN_AFTER).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, app: Arc<App>) {
    // Small answers would otherwise wait for the client's delayed acknowledgement, 40 ms each.
    let _ = stream.set_nodelay(true);
    let Ok(address) = stream.local_addr() else { return };
    let reset = Arc::new(AtomicBool::new(false));
    let socket = TokioIo::new(Socket::new(stream, Arc::clone(&reset)));
    let service = service_fn(move |request| answer(Arc::clone(&app), Arc::clone(&reset), address, request));
    // Ends with an error whenever a script ends it, or a client: that is what it is for.
    let _ = http1::Builder::new().serve_connection(socket, service).await;
}

async fn answer(
    app: Arc<App>,
    reset: Arc<AtomicBool>,
    address: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Outgoing>, Dropped> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            let error = format!("the body broke off, or is larger than {MAX_BODY_BYTES} bytes");
            return Ok(response(Answer::json(413, &json!({ "error": error })), Manner::Whole, None));
        }
    };
    let call = call(&parts, body, address);
    if call.path.starts_with(control::PREFIX) {
        return Ok(response(control::answer(&app, &call), Manner::Whole, None));
    }
    match app.happen(&call).await {
        Outcome::Answered { answer, manner, charge } => {
            let charge = charge.map(|number| (Arc::clone(&app.ledger), number));
            Ok(response(answer, manner, charge))
        }
        Outcome::Dropped { reset: resets } => {
            reset.store(resets, Ordering::Relaxed);
            Err(Dropped)
        }
        Outcome::Hangs => std::future::pending().await,
    }
}

fn call(parts: &hyper::http::request::Parts, body: Bytes, address: SocketAddr) -> Call {
    let host = parts.headers.get("host").and_then(|host| host.to_str().ok()).map(str::to_owned);
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    Call {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query).into_owned().collect(),
        headers: parts.headers.clone(),
        body,
        base: format!("http://{}", host.unwrap_or_else(|| address.to_string())),
    }
}

fn response(answer: Answer, manner: Manner, charge: Option<(Arc<crate::ledger::Ledger>, usize)>) -> Response<Outgoing> {
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        // A script may have written what is no header: it is left out.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            headers.append(name, value);
        }
    }
    let mut response = Response::new(Outgoing::new(answer.body, manner, charge));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}
