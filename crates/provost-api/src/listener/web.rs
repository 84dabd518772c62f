//! The same objects as bodies of HTTP requests: `POST /fire_hook/`, `/task_check/`, `/task_delete/`, `/ping/`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::TcpStream;

use super::task::{Ask, Desk, Said};
use super::{OBJECT_MAX, PATIENCE};

/// How long one connection may go on, however busy it is.
const CONNECTION_MAX: Duration = Duration::from_secs(3600);

/// Answers the requests of one connection.
pub(super) async fn talk(stream: TcpStream, peer: SocketAddr, desk: Arc<Desk>) -> io::Result<()> {
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(response(answer(request, peer, &desk).await)) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    // A client may close its side of the connection as soon as it has asked.
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE).half_close(true);
    let connection = server.serve_connection(TokioIo::new(stream), service);
    tokio::time::timeout(CONNECTION_MAX, connection).await.map_err(io::Error::from)?.map_err(io::Error::other)
}

async fn answer(request: Request<Incoming>, peer: SocketAddr, desk: &Desk) -> Said {
    // A page that a browser was led to must not fire events behind its user's back.
    if request.headers().contains_key(header::ORIGIN) {
        return Said::no(StatusCode::FORBIDDEN, "this server answers no pages: the request has an Origin");
    }
    let ask = match request.uri().path().trim_end_matches('/') {
        "/fire_hook" => Ask::Fire,
        "/task_check" => Ask::Check,
        "/task_delete" => Ask::Delete,
        "/ping" => Ask::Ping,
        other => return Said::no(StatusCode::NOT_FOUND, format!("there is nothing at {other}")),
    };
    if request.method() != Method::POST && ask != Ask::Ping {
        return Said::no(StatusCode::METHOD_NOT_ALLOWED, "send it with POST");
    }
    let body = Limited::new(request.into_body(), OBJECT_MAX).collect();
    match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(body)) => desk.answer_as(ask, &body.to_bytes(), peer).await,
        Ok(Err(error)) => Said::bad_request(format!("the body could not be read: {error}")),
        Err(_) => Said::bad_request(format!("the body did not come within {} s", PATIENCE.as_secs())),
    }
}

fn response(said: Said) -> Response<Full<Bytes>> {
    let body = Full::new(Bytes::from(format!("{}\n", said.body)));
    let mut response = Response::new(body);
    *response.status_mut() = said.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    if said.status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, header::HeaderValue::from_static("POST"));
    }
    response
}

impl Said {
    /// No, and why.
    fn no(status: StatusCode, why: impl Into<String>) -> Self {
        let words = status.canonical_reason().unwrap_or_default().to_uppercase();
        Self { status, body: json!({ "message": words, "error": why.into() }) }
    }
}
