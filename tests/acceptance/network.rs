//! The server as other machines reach it: over TLS, with a token, by a client that is not ours. B39, B42, C17, C30.

use std::fs;
use std::net::UdpSocket;
use std::process::Command;
use std::time::{Duration, Instant};

use provost_testkit::Cli;
use serde_json::{Value, json};

use crate::common::{Server, Shop, hook, options};
use crate::firing::till;

/// A server that other machines reach, its certificate, and where.
struct Reached {
    server: Server,
    host: String,
    port: String,
    ip: String,
    _shop: Shop,
}

/// The address of this machine by which others reach it, where it has one.
fn own_address() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: the system only chooses the interface.
    let chosen = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    chosen.map_or_else(|_| "127.0.0.1".to_owned(), |address| address.ip().to_string())
}

fn reached() -> Reached {
    let shop = Shop::new();
    shop.automation("nightly", json!({"args": ["echo", "hello"]}));
    shop.plugin("till", json!({"hooks": [hook("bill", "orders.arrived", &["hook", "--get", "data"])]}));
    let listen = json!({"address": "0.0.0.0:0"});
    let server = Server::start(options().folder(&shop.path()).set("listen", listen));
    server.has("nightly");
    let address = server.json(&["status"])["listen"]["address"].as_str().unwrap().to_owned();
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    Reached { server, host, port, ip: own_address(), _shop: shop }
}

impl Reached {
    fn token(&self, args: &[&str]) -> String {
        let made = self.server.cli(&[&["token", "create"], args].concat());
        assert_eq!(made.code, 0, "{}", made.stderr);
        made.stdout.trim().to_owned()
    }

    /// What curl gets there: the status, and the answer.
    fn curl(&self, scheme: &str, path: &str, token: &str, args: &[&str]) -> (String, String) {
        let mut curl = Command::new("curl");
        let state = self.server.process.state();
        curl.args(["--silent", "--max-time", "20", "--write-out", "\n%{http_code}", "--cacert"]);
        curl.arg(state.join("tls/certificate.pem"));
        curl.args(["--resolve", &format!("{}:{}:{}", self.host, self.port, self.ip)]);
        curl.args(["--header", &format!("Authorization: Bearer {token}")]).args(args);
        curl.arg(format!("{scheme}://{}:{}{path}", self.host, self.port));
        let output = curl.output().expect("curl is there: apt-get install curl");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.to_owned(), body.to_owned())
    }

    /// The command line, as it is used on another machine.
    fn cli_elsewhere(&self, token: &str, fingerprint: &str, args: &[&str]) -> Cli {
        let mut command = self.server.process.command(args);
        command.env_remove("PROVOST_SOCKET").env("PROVOST_SERVER", format!("https://{}:{}", self.ip, self.port));
        let output = command.env("PROVOST_TOKEN", token).env("PROVOST_FINGERPRINT", fingerprint).output().unwrap();
        Cli {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

#[test]
fn c17_curl_from_another_machine_fires_an_event() {
    let reached = reached();
    let token = reached.token(&["till", "--scope", "run", "--automations", "none", "--events", "orders.*"]);
    let body = json!({"name": "orders.arrived", "data": {"order": 17}}).to_string();
    let args = ["--header", "Content-Type: application/json", "--header", "Idempotency-Key: 17", "--data", &body];
    let (status, answer) = reached.curl("https", "/v1/events", &token, &args);
    assert_eq!(status, "200", "{answer}");
    assert_eq!(reached.curl("https", "/v1/events", &token, &args).1, answer, "the same key, the same answer");
    let event = serde_json::from_str::<Value>(&answer).unwrap()["event"].as_str().unwrap().to_owned();
    let server = &reached.server;
    server.until("the hook", || server.events("event.handled").into_iter().find(|it| it["event"] == event.as_str()));
    let accepted = server.events("orders.arrived");
    assert_eq!(accepted.len(), 1, "it was fired once: {accepted:?}");
    assert_eq!(accepted[0]["data"]["by"], "token till");
    let other = json!({"name": "till.opened"}).to_string();
    let args = ["--header", "Content-Type: application/json", "--data", &other];
    assert_eq!(reached.curl("https", "/v1/events", &token, &args).0, "403", "it may fire orders.* only");
}

#[test]
fn b42_plain_http_from_another_machine_is_refused() {
    let reached = reached();
    let token = reached.token(&["eyes", "--scope", "view"]);
    let (status, answer) = reached.curl("http", "/v1/status", &token, &[]);
    assert_eq!(status, "400");
    assert!(answer.contains("https only"), "{answer}");
    assert_eq!(reached.curl("https", "/v1/status", &token, &[]).0, "200");
    assert_eq!(reached.curl("https", "/v1/status", "provost_0", &[]).0, "401");
    let described = reached.curl("https", "/v1/openapi.json", &token, &[]).1;
    assert_eq!(serde_json::from_str::<Value>(&described).unwrap()["openapi"], "3.1.0");
}

#[test]
fn b39_the_command_line_on_another_machine_does_what_its_token_may() {
    let reached = reached();
    let server = &reached.server;
    let fingerprint = server.json(&["status"])["listen"]["fingerprint"].as_str().unwrap().to_owned();
    let told = server.cli(&["status"]).stdout;
    assert!(told.contains(&fingerprint), "{told}");
    let token = reached.token(&["ci", "--scope", "run", "--automations", "night*"]);
    let elsewhere = |args: &[&str]| reached.cli_elsewhere(&token, &fingerprint, args);
    let ran = elsewhere(&["run", "nightly", "--wait"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    for args in [&["apply"][..], &["pause", "nightly"], &["token", "create", "more", "--scope", "admin"]] {
        let refused = elsewhere(args);
        assert_eq!(refused.code, 4, "{args:?}: {}{}", refused.stdout, refused.stderr);
        assert!(refused.stderr.contains("token ci"), "{}", refused.stderr);
    }
    let seen = elsewhere(&["token", "permissions"]).stdout;
    assert!(seen.contains("token ci may run (automations: night*; events: none)"), "{seen}");
    assert!(seen.contains("/v1/automations/{name}/run") && !seen.contains("/v1/apply"), "{seen}");
    let stranger = reached.cli_elsewhere(&token, "sha256:00", &["status"]);
    assert_eq!(stranger.code, 2);
    assert!(stranger.stderr.contains("PROVOST_FINGERPRINT"), "{}", stranger.stderr);
    assert_eq!(server.cli(&["token", "revoke", "ci"]).code, 0);
    let revoked = elsewhere(&["status"]);
    assert_eq!(revoked.code, 4, "{}{}", revoked.stdout, revoked.stderr);
}

#[test]
fn c30_a_frozen_server_is_reported_by_the_command_line() {
    let shop = Shop::new();
    let server = till(&shop, &[]);
    server.process.pause();
    let began = Instant::now();
    let asked = server.cli(&["status"]);
    let took = began.elapsed();
    server.process.resume();
    assert_eq!(asked.code, 5, "{}", asked.stderr);
    assert!(asked.stderr.contains("does not answer"), "{}", asked.stderr);
    assert!(took < Duration::from_secs(5), "it took {took:?}");
}
