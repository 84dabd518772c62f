//! Starting, killing and asking a server; a few lines of shell and the test program itself play the binary.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use std::{
    env, fs,
    io::{Read as _, Write as _},
    os::unix::{net::UnixListener, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::Command,
};

use provost_testkit::{Cli, Docker, EngineView, ServerOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Writes a program that serves like `stand_in` and answers other commands with exit code 3.
fn binary(folder: &TempDir, serve: &str) -> PathBuf {
    let path = folder.path().join("binary");
    let script =
        format!("#!/bin/sh\ncase $1 in serve) {serve} ;; esac\necho \"$*\"; echo $PROVOST_SOCKET >&2; exit 3\n");
    // Written by another process: a program that is open for writing here cannot be run, and a test that starts a
    // process at this moment holds it open.
    let write = "printf %s \"$2\" >\"$1\" && chmod +x \"$1\"";
    let written = Command::new("sh").args(["-c", write, "sh"]).arg(&path).arg(script).status().unwrap();
    assert!(written.success());
    path
}

fn options(folder: &TempDir, serve: &str) -> ServerOptions {
    let engine = EngineView::Docker(Docker::at("unix:///nonexistent.sock"));
    ServerOptions::new(binary(folder, serve), engine).folder(Path::new("/shop"))
}

fn serving() -> String {
    let program = env::current_exe().unwrap();
    format!("CONFIG=$3 exec {} --exact stand_in --ignored --nocapture", program.display())
}

/// Listens at the configured socket and answers each request with the configuration.
#[test]
#[ignore = "is the server of the other tests"]
fn stand_in() {
    let config = fs::read_to_string(env::var("CONFIG").unwrap()).unwrap();
    let value: Value = serde_json::from_str(&config).unwrap();
    let socket = value["socket"].as_str().unwrap();
    fs::remove_file(socket).ok();
    for stream in UnixListener::bind(socket).unwrap().incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = write!(stream, "HTTP/1.0 200 OK\r\n\r\n{config}");
    }
}

#[test]
fn a_server_is_started_killed_and_started_again() {
    let folder = TempDir::new().unwrap();
    let mut server = options(&folder, &serving()).set("signers", json!(["a"])).start();
    let config = server.http().get("/").unwrap().json();
    assert_eq!(config["source"], json!({"folder": {"path": "/shop"}}));
    assert_eq!(config["engine"], json!({"docker": {"host": "unix:///nonexistent.sock"}}));
    assert_eq!(config["instance"], server.instance());
    assert_eq!(config["signers"], json!(["a"]));
    assert!(config["state"].as_str().unwrap().ends_with("/state"));

    server.restart();
    assert!(server.is_running() && server.http().get("/").is_ok());
    server.kill9();
    assert!(!server.is_running() && server.http().get("/").is_err());
    server.start();
    assert_eq!(server.terminate().signal(), Some(15));
    assert!(server.log().matches("running 1 test").count() == 3, "the log is kept over starts: {}", server.log());
}

#[test]
fn commands_find_the_server() {
    let folder = TempDir::new().unwrap();
    let server = options(&folder, &serving()).git("git://127.0.0.1:1/").start();
    let socket = format!("{}\n", server.socket().display());
    assert_eq!(server.cli(["get", "runs"]), Cli { code: 3, stdout: "get runs\n".to_owned(), stderr: socket });
}

#[test]
#[should_panic(expected = "no such shop")]
fn a_server_that_does_not_start_says_why() {
    let folder = TempDir::new().unwrap();
    let _ = options(&folder, "echo no such shop; exit 1").start();
}

#[test]
fn a_dropped_server_is_gone() {
    let folder = TempDir::new().unwrap();
    let server = options(&folder, &serving()).start();
    let (socket, http) = (server.socket(), server.http());
    drop(server);
    assert!(http.get("/").is_err() && !socket.exists());
}
