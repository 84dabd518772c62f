//! Calls of what a service provides: by HTTP, or by a program in its container.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use provost_controller::EngineError;
use provost_model::{CallError, CallWay, ContainerName, ServiceCall};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::DockerEngine;
use crate::program::{ANSWER_MAX, CallAnswer, Ran, plain, result};

impl DockerEngine {
    pub(super) async fn ask_service(
        &self,
        name: &ContainerName,
        call: &ServiceCall,
    ) -> Result<CallAnswer, EngineError> {
        let seen = self.running(name).await?;
        let data = call.data.to_string();
        let limit = Duration::try_from(call.timeout).unwrap_or(Duration::ZERO);
        let answer = match &call.way {
            CallWay::Http { port, path } => {
                let places = self.places(&seen, *port).await?;
                timeout(limit, post(&places, path, data)).await
            }
            CallWay::Program { command } => {
                let ran = timeout(limit, self.run_inside(&seen, command, Some(data.as_bytes()), ANSWER_MAX)).await;
                ran.map(|ran| ran.map(Ran::answer))
                    .map_or_else(Err, |ran| Ok(ran.unwrap_or_else(|error| unavailable(&error.message))))
            }
        };
        Ok(answer.unwrap_or_else(|_| Err(CallError::new("Timeout", format!("no answer within {} s", limit.as_secs())))))
    }
}

fn unavailable(why: &str) -> CallAnswer {
    Err(CallError::new("Unavailable", why))
}

/// Asks at the first place that can be reached: a call is made once.
async fn post(places: &[SocketAddr], path: &str, data: String) -> CallAnswer {
    let mut why = "the container has no address".to_owned();
    for place in places {
        match TcpStream::connect(place).await {
            Ok(stream) => return ask(stream, *place, path, data).await,
            Err(error) => why = format!("http://{place}{path}: {error}"),
        }
    }
    unavailable(&why)
}

async fn ask(stream: TcpStream, place: SocketAddr, path: &str, data: String) -> CallAnswer {
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

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
        post(&[nobody, place], "/rate", json!({"of": "EUR"}).to_string()).await
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
        assert_eq!(error(post(&["127.0.0.1:1".parse().unwrap()], "/rate", String::new()).await).kind, "Unavailable");
        assert_eq!(error(post(&[], "/", String::new()).await).message, "the container has no address");
    }
}
