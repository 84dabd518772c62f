//! What is refused before anything is done, and how it is said.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;

use common::raw::{Answer, get, post, post_as, send};
use common::*;
use provost_api::wire::{Problem, ProblemCode};
use provost_api::{Client, ClientError};

const PAUSE: &str = "/v1/automations/nightly/pause";

fn assert_problem(answer: &Answer, code: ProblemCode) {
    assert_eq!(answer.status, code.status().0, "{answer:?}");
    assert!(answer.head.contains("content-type: application/problem+json"), "{answer:?}");
    let problem: Problem = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((problem.code, problem.status), (code, answer.status));
    assert!(!problem.detail.is_empty());
}

async fn is_paused(bench: &Bench) -> bool {
    bench.client.automation("nightly").await.unwrap().item.pause.is_some()
}

#[tokio::test]
async fn bodies_are_json_and_nothing_else() {
    let bench = Bench::new(&[automation("nightly")]).await;
    for kind in ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"] {
        assert_problem(&post_as(&bench.socket, PAUSE, kind, "{}").await, ProblemCode::NotJson);
    }
    assert!(!is_paused(&bench).await);
    let with_charset = "Content-Type: application/json; charset=utf-8\r\n";
    assert_eq!(post_as(&bench.socket, PAUSE, with_charset, "{}").await.status, 204);
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let bench = Bench::new(&[automation("nightly")]).await;
    for body in ["", "{", "[]", "{\"reson\": \"x\"}", "{\"until\": \"tomorrow\"}", "{} {}"] {
        assert_problem(&post(&bench.socket, PAUSE, body).await, ProblemCode::Invalid);
    }
    assert!(!is_paused(&bench).await);
}

#[tokio::test]
async fn bodies_are_at_most_a_mebibyte() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let body = |size: usize| format!("{{\"reason\": \"{}\"}}", "x".repeat(size - 14));
    assert_problem(&post(&bench.socket, PAUSE, &body((1 << 20) + 1)).await, ProblemCode::TooLarge);
    assert!(!is_paused(&bench).await);
    assert_eq!(post(&bench.socket, PAUSE, &body(1 << 20)).await.status, 204);
}

#[tokio::test]
async fn nothing_changes_on_a_get() {
    let bench = Bench::new(&[automation("nightly")]).await;
    assert_problem(&get(&bench.socket, PAUSE).await, ProblemCode::MethodNotAllowed);
    assert_problem(&post(&bench.socket, "/v1/status", "{}").await, ProblemCode::MethodNotAllowed);
    let delete = "DELETE /v1/automations/nightly HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_problem(&send(&bench.socket, delete).await, ProblemCode::MethodNotAllowed);
    assert!(!is_paused(&bench).await);
}

#[tokio::test]
async fn unknown_paths_and_questions_are_refused() {
    let bench = Bench::new(&[automation("nightly")]).await;
    for path in ["/", "/v1", "/v1/nothing", "/v2/status", "/v1/automations/a/b/c"] {
        assert_problem(&get(&bench.socket, path).await, ProblemCode::NotFound);
    }
    for path in
        ["/v1/runs?limt=5", "/v1/runs?limit=x", "/v1/runs?outcome=Great", "/v1/automations/%ff", "/v1/runs/a%20b"]
    {
        assert_problem(&get(&bench.socket, path).await, ProblemCode::Invalid);
    }
}

#[tokio::test]
async fn pages_and_other_hosts_are_refused() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let json = "Content-Type: application/json\r\n";
    for origin in ["https://evil.example", "http://localhost", "null"] {
        let headers = format!("{json}Origin: {origin}\r\n");
        assert_problem(&post_as(&bench.socket, PAUSE, &headers, "{}").await, ProblemCode::Denied);
    }
    let called = |host: &str| format!("GET /v1/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    for host in ["evil.example", "localhost.evil.example", "127.0.0.1", ""] {
        assert_problem(&send(&bench.socket, &called(host)).await, ProblemCode::Denied);
    }
    for host in ["localhost", "provost", "localhost:8080"] {
        assert_eq!(send(&bench.socket, &called(host)).await.status, 200, "{host}");
    }
    assert!(!is_paused(&bench).await);
}

#[tokio::test]
async fn a_client_says_that_nobody_answers_and_how_to_mend_it() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("api.sock");
    let left_behind = folder.path().join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&left_behind).unwrap());
    for socket in [&nowhere, &left_behind] {
        let error = Client::unix(socket).status().await.unwrap_err();
        assert!(
            matches!(&error, ClientError::NotRunning { server, .. } if *server == socket.display().to_string()),
            "{error:?}"
        );
        assert!(error.hint().unwrap().contains("provost serve"));
    }
}

#[tokio::test]
async fn a_client_says_that_somebody_else_answers() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("other.sock");
    let answers =
        ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nhi"];
    for answer in answers {
        let error = ask_somebody_else(&socket, answer).await;
        assert!(matches!(error, ClientError::Answer { .. }), "{error:?}");
    }
    let cut_off = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhi";
    let error = ask_somebody_else(&socket, cut_off).await;
    assert!(matches!(error, ClientError::Io { .. }), "{error:?}");
}

async fn ask_somebody_else(socket: &Path, answer: &'static str) -> ClientError {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let _ = std::fs::remove_file(socket);
    let listener = tokio::net::UnixListener::bind(socket).unwrap();
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(answer.as_bytes()).await;
    });
    let error = Client::unix(socket).status().await.unwrap_err();
    serving.await.unwrap();
    error
}
