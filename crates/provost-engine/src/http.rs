//! A service is asked by HTTP, whether it does its work and for what it provides: the same with every engine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;

use futures_util::{FutureExt as _, future};
use http_body_util::{BodyExt as _, Empty, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use provost_model::CallError;
use tokio::net::TcpStream;

use crate::program::{ANSWER_MAX, CallAnswer, Verdict, plain, result};

/// What is said of a container that has none.
const NO_ADDRESS: &str = "the container has no address";

/// Asks at all places at once, since some may not be reachable from here: one good answer is enough.
pub async fn health(places: &[SocketAddr], path: &str) -> Verdict {
    if places.is_empty() {
        return Err(NO_ADDRESS.to_owned());
    }
    let asked = places.iter().map(|place| get(*place, path).boxed());
    future::select_ok(asked).await.map(drop)
}

async fn get(place: SocketAddr, path: &str) -> Verdict {
    let said = |error: &dyn std::fmt::Display| format!("http://{place}{path}: {error}");
    let stream = TcpStream::connect(place).await.map_err(|error| said(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| said(&error))?;
    let request = hyper::Request::get(path).header("host", place.to_string()).header("user-agent", "provost");
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| said(&error))?;
    let mut answer = pin!(sender.send_request(request));
    // The connection ends with the question: nothing of it outlives this call. It may end as soon as it has the answer.
    let answer = tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = connection => answer.await,
    };
    match answer.map_err(|error| said(&error))?.status().as_u16() {
        200..=399 => Ok(()),
        status => Err(said(&format!("status {status}"))),
    }
}

/// Asks at the first place that can be reached: a call is made once.
pub async fn call(places: &[SocketAddr], path: &str, data: String) -> CallAnswer {
    let mut why = NO_ADDRESS.to_owned();
    for place in places {
        match TcpStream::connect(place).await {
            Ok(stream) => return post(stream, *place, path, data).await,
            Err(error) => why = format!("http://{place}{path}: {error}"),
        }
    }
    Err(CallError::new("Unavailable", why))
}

async fn post(stream: TcpStream, place: SocketAddr, path: &str, data: String) -> CallAnswer {
    let failed =
        |error: &dyn std::fmt::Display| CallError::new("Unavailable", format!("http://{place}{path}: {error}"));
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    let request = hyper::Request::post(path)
        .header("host", place.to_string())
        .header("user-agent", "provost")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(data)))
        .map_err(|error| failed(&error))?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await.map_err(|error| failed(&error))?;
        Ok::<_, CallError>((status, body.to_bytes()))
    };
    let mut exchange = pin!(exchange);
    // The connection ends with the call: nothing of it outlives this. It may end as soon as it has the answer.
    let (status, body) = tokio::select! {
        biased;
        answer = &mut exchange => answer?,
        _ = connection => exchange.await?,
    };
    if status.is_success() {
        return result(&body);
    }
    let told = serde_json::from_slice::<CallError>(&body).ok();
    Err(told.unwrap_or_else(|| {
        CallError::new("Failed", format!("status {}: {}", status.as_u16(), plain(&String::from_utf8_lossy(&body))))
    }))
}

/// Where something is that listens on all addresses.
pub fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers one question with `status`.
    async fn server(status: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1024];
            let length = stream.read(&mut asked).await.unwrap();
            assert!(asked[..length].starts_with(b"GET /healthz HTTP/1.1\r\n"));
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        place
    }

    #[tokio::test]
    async fn d1_a_service_is_asked_by_http() {
        for (status, is_good) in [("200 OK", true), ("302 Found", true), ("404 Not Found", false), ("500 Oh", false)] {
            let place = server(status).await;
            let answer = health(&[place], "/healthz").await;
            assert_eq!(answer.is_ok(), is_good, "{status}: {answer:?}");
        }
        let nobody = "127.0.0.1:1".parse().unwrap();
        let place = server("204 No Content").await;
        assert_eq!(health(&[nobody, place], "/healthz").await, Ok(()));
        let answer = health(&[nobody], "/healthz").await.unwrap_err();
        assert!(answer.starts_with("http://127.0.0.1:1/healthz: "), "{answer}");
        assert!(health(&[], "/").await.is_err());
    }

    /// A service that answers one call.
    async fn service(status: &'static str, body: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(br#"{"of":"EUR"}"#) {
                let mut piece = [0; 1024];
                let length = stream.read(&mut piece).await.unwrap();
                asked.extend_from_slice(&piece[..length]);
            }
            assert!(asked.starts_with(b"POST /rate HTTP/1.1\r\n"));
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        place
    }

    async fn called(status: &'static str, body: &'static str) -> CallAnswer {
        let nobody = "127.0.0.1:1".parse().unwrap();
        let place = service(status, body).await;
        call(&[nobody, place], "/rate", json!({"of": "EUR"}).to_string()).await
    }

    #[tokio::test]
    async fn d18_a_service_is_called_by_http() {
        assert_eq!(called("200 OK", r#"{"rate": 1.08}"#).await, Ok(json!({"rate": 1.08})));
        assert_eq!(called("204 No Content", "").await, Ok(Value::Null));
        let error = |answer: CallAnswer| answer.unwrap_err();
        let own = called("404 Not Found", r#"{"kind": "UnknownCurrency", "message": "XYZ"}"#).await;
        assert_eq!(error(own), CallError::new("UnknownCurrency", "XYZ"));
        assert_eq!(error(called("500 Oh", "no\n").await), CallError::new("Failed", "status 500: no "));
        assert_eq!(error(called("200 OK", "<html>").await).kind, "BadResult");
        assert_eq!(error(call(&["127.0.0.1:1".parse().unwrap()], "/rate", String::new()).await).kind, "Unavailable");
        assert_eq!(error(call(&[], "/", String::new()).await).message, "the container has no address");
    }
}
