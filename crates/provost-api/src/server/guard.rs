//! What is checked before any route is looked at, and what is said where there is none.

use axum::extract::Request;
use axum::extract::connect_info::ConnectInfo;
use axum::http::{Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use super::peer::Peer;
use super::refused::Refused;
use crate::wire::{Problem, ProblemCode};

/// The names by which the server may be called. A page that a browser was led to calls it by another.
const HOSTS: [&str; 2] = ["provost", "localhost"];

/// Refuses what a browser sends on behalf of a page, and what was meant for somebody else.
pub(super) async fn check_origin(request: Request, next: Next) -> Result<Response, Refused> {
    if request.headers().contains_key(header::ORIGIN) {
        return Err(Refused::new(ProblemCode::Denied, "this server answers no pages: the request has an Origin"));
    }
    if !is_local(&request) {
        return Ok(next.run(request).await);
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _port)| name));
    if !name.is_some_and(|name| HOSTS.contains(&name)) {
        let problem = Problem::new(ProblemCode::Denied, "the request was meant for another host");
        return Err(problem.hint("call it http://localhost/, whatever the socket is").into());
    }
    Ok(next.run(request).await)
}

/// A browser may be led to the socket's stand-in on this machine; what comes from elsewhere carries a token, which no page
/// has.
fn is_local(request: &Request) -> bool {
    matches!(request.extensions().get(), Some(ConnectInfo(Peer::Local { .. } | Peer::Container(_))))
}

pub(super) async fn no_such_path(uri: Uri) -> Refused {
    let problem = Problem::new(ProblemCode::NotFound, format!("there is nothing at {}", uri.path()));
    problem.hint("every path begins with /v1/; is this server older than who asks?").into()
}

pub(super) async fn no_such_method(method: Method, uri: Uri) -> Refused {
    Refused::new(ProblemCode::MethodNotAllowed, format!("{method} means nothing at {}", uri.path()))
}
