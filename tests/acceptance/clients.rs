//! Clients of the older event framework, which speak its wire form. C17 to C19, C26, C29, C31.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{PATIENCE, Server, Shop, evidence_volume, hook, options, parsed, seen};
use crate::firing::with;

/// Says its data, and leaves a mark.
fn noting(event: &str, args: &[&str]) -> Value {
    let args: Vec<&str> = ["hook", "--get", "data"].iter().chain(args).copied().collect();
    let file = seen("noted");
    with(hook("note", event, &[&args[..], &["--mark", &file]].concat()), &json!({"volumes": evidence_volume()}))
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A server with these hooks in a plugin, and this in its configuration as `events`.
fn listening(shop: &Shop, hooks: &[Value], events: Value) -> Server {
    shop.plugin("till", json!({"hooks": hooks}));
    let options = options().folder(&shop.path()).set("events", events).set("shutdownGrace", json!("60s"));
    let server = Server::start(options);
    server.until("the plugin", || (!server.list(&["plugins"]).is_empty()).then_some(()));
    server
}

/// A server that listens on this machine, and its port.
fn here(shop: &Shop, hooks: &[Value]) -> (Server, u16) {
    let port = free_port();
    (listening(shop, hooks, json!({"enabled": true, "port": port})), port)
}

/// The client in Python, which exists independently of Provost; returns the answer that it prints.
#[track_caller]
fn client(address: IpAddr, port: u16, form: &str, event: &str, data: &Value, more: &[&str]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/acceptance/clients/event_client.py");
    let mut python = Command::new("python3");
    python.arg(script).arg(address.to_string()).arg(port.to_string()).args([form, event, &data.to_string()]).args(more);
    let output = python.output().unwrap_or_else(|error| panic!("python3 cannot be started: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    parsed(text.trim())
}

/// What the listener answers to these bytes.
#[track_caller]
fn raw(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Posts a body; returns the status and what is answered.
#[track_caller]
fn post(port: u16, path: &str, body: &str) -> (u16, Value) {
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer = raw(port, format!("{head}{body}").as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {answer}"));
    (head[9..12].parse().unwrap(), parsed(body.trim()))
}

/// How a task goes.
#[track_caller]
fn task(port: u16, tid: &str) -> Value {
    post(port, "/task_check/", &json!({"tid": tid, "grab_result": true}).to_string()).1
}

/// Waits until the event is handled; returns what its hook said of its data.
#[track_caller]
fn handled(server: &Server, tid: &str) -> Value {
    server.until(&format!("the end of {tid}"), || {
        server.events("event.handled").into_iter().find(|event| event["event"] == tid)
    });
    crate::firing::said(server, &format!("event/{tid}"), "orders.arrived-till.note", "data")
}

#[test]
fn c17_a_client_that_is_there_already_fires_an_event_that_a_container_handles() {
    let (shop, port) = (Shop::new(), free_port());
    let outside = own_address();
    let events = json!({"enabled": true, "port": port, "address": outside});
    let server = listening(&shop, &[noting("orders.arrived", &["--set-local", "shelf=3"])], events);
    for form in ["tcp", "nul", "stream", "http"] {
        let data = json!({"order": {"id": 17}, "form": form});
        let answer = client(outside, port, form, "orders.arrived", &data, &[]);
        assert_eq!(answer["message"], "OK", "{answer}");
        assert_eq!(handled(&server, answer["tid"].as_str().unwrap()), data);
    }
    let waited = client(outside, port, "http", "orders.arrived", &json!({"order": 1}), &["--wait"]);
    assert_eq!((&waited["status"], &waited["output"]), (&json!(2), &json!({"order": 1, "shelf": 3})), "{waited}");
    assert_eq!(server.evidence("noted").len(), 5, "each by a container of its own");
}

/// An address of this machine that others on its network reach it by; where it has none, a loopback address.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    // Nothing is sent: the system only says from where it would be.
    let routed = socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).and_then(|()| socket.local_addr());
    routed.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}

#[test]
fn c18_one_verb_of_the_command_line_fires_here_and_at_another_server() {
    let shop = Shop::new();
    let (server, port) = here(&shop, &[noting("orders.arrived", &[])]);
    let local = server.json(&["fire", "orders.arrived", "--data", r#"{"from": "here"}"#]);
    let at = format!("127.0.0.1:{port}");
    let away = server.json(&["fire", "orders.arrived", "--data", r#"{"from": "away"}"#, "--at", &at]);
    for (fired, from) in [(local, "here"), (away, "away")] {
        assert_eq!(handled(&server, fired["event"].as_str().unwrap()), json!({"from": from}));
    }
    let refused = server.cli(&["fire", "run.succeeded", "--at", &at]);
    assert!(refused.code == 2 && refused.stderr.contains("Provost's own"), "{refused:?}");
    // A server that is dead is told of, and not waited for: this one lets nobody in.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let since = Instant::now();
    let dead = server.cli(&["fire", "orders.arrived", "--at", &silent.local_addr().unwrap().to_string()]);
    assert!(dead.code == 5 && dead.stderr.contains("2.5 s"), "{dead:?}");
    assert!(since.elapsed() < Duration::from_secs(30));
}

#[test]
fn c19_what_is_no_json_object_is_refused_with_an_answer() {
    let shop = Shop::new();
    let (server, port) = here(&shop, &[noting("orders.arrived", &[])]);
    for bad in ["hello\n", "[1]\0", "\"x\"", "{\"hook_name\": \"a\"\n", "{\"data\": {}}\n", "{\"hook_name\": 5}\n"] {
        let answer = raw(port, bad.as_bytes());
        let answer = parsed(answer.trim_matches(['\0', '\n']));
        assert_eq!(answer["message"], "BAD REQUEST", "{bad:?}: {answer}");
        assert!(!answer["error"].as_str().unwrap().is_empty());
        let (status, answer) = post(port, "/fire_hook/", bad.trim_end_matches(['\0', '\n']));
        assert_eq!((status, &answer["message"]), (400, &json!("BAD REQUEST")), "{bad:?}");
    }
    let own = raw(port, b"{\"hook_name\": \"run.succeeded\", \"data\": {}}\0");
    assert!(own.ends_with('\0') && own.contains("Provost's own"), "{own:?}");
    let huge =
        raw(port, format!("{{\"hook_name\": \"a\", \"data\": {{\"x\": \"{}\"}}}}\n", "x".repeat(2 << 20)).as_bytes());
    assert!(huge.contains("larger than"), "{huge}");
    let page = raw(port, b"POST /fire_hook/ HTTP/1.1\r\nHost: x\r\nOrigin: http://evil\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
    assert!(page.starts_with("HTTP/1.1 403"), "{page}");
    // One after the other on one connection, and after all that it still answers.
    let three =
        raw(port, b"{\"event_name\": \"ping\"}\n{\"hook_name\": \"orders.arrived\"}\0{\"event_name\": \"ping\"}");
    assert_eq!(three.matches("PONG").count(), 2, "{three}");
    assert_eq!(three.matches("\"tid\"").count(), 1, "{three}");
    let tid = parsed(three.split(['\0', '\n']).find(|answer| answer.contains("tid")).unwrap())["tid"].clone();
    handled(&server, tid.as_str().unwrap());
    assert_eq!(server.evidence("noted").len(), 1, "of the others none was taken");
}

#[test]
fn c26_address_port_and_enabled_each_change_what_listens() {
    let open = |address: IpAddr, port: u16| {
        TcpStream::connect_timeout(&SocketAddr::new(address, port), Duration::from_secs(5)).is_ok()
    };
    let (localhost, outside) = (IpAddr::from(Ipv4Addr::LOCALHOST), own_address());
    let (one, other) = (free_port(), free_port());
    let listens = |events: Value| {
        let shop = Shop::new();
        let server = listening(&shop, &[noting("orders.arrived", &[])], events);
        let found = [(localhost, one), (localhost, other), (outside, one)].map(|(address, port)| open(address, port));
        drop(server);
        found
    };
    let reached = !outside.is_loopback();
    assert_eq!(listens(json!({"port": one, "address": "0.0.0.0"})), [false, false, false], "off unless it is said");
    assert_eq!(listens(json!({"enabled": false, "port": one})), [false, false, false]);
    assert_eq!(listens(json!({"enabled": true, "port": one})), [true, false, !reached]);
    assert_eq!(listens(json!({"enabled": true, "port": other})), [false, true, false]);
    assert_eq!(listens(json!({"enabled": true, "port": one, "address": "0.0.0.0"})), [true, false, true]);
}

#[test]
fn c29_a_task_is_queued_then_runs_then_is_finished_and_can_be_deleted() {
    let shop = Shop::new();
    let hooks = [noting("orders.arrived", &["--set-local", "shelf=3", "--sleep", "4"])];
    let (mut server, port) = here(&shop, &hooks);
    let fire = |data: Value| {
        let body = json!({"hook_name": "orders.arrived", "grab_result": true, "data": data});
        let (status, answer) = post(port, "/fire_hook/", &body.to_string());
        assert_eq!(status, 200, "{answer}");
        answer["tid"].as_str().unwrap().to_owned()
    };
    let (first, second) = (fire(json!({"order": 1})), fire(json!({"order": 2})));
    let is = |tid: &str, state: &str| Some(task(port, tid)).filter(|task| task["state"] == state);
    server.until("the first running", || is(&first, "RUNNING"));
    assert_eq!((&task(port, &second)["state"], &task(port, &second)["status"]), (&json!("QUEUED"), &json!(0)));
    let finished = server.until("the first finished", || is(&first, "FINISHED"));
    assert_eq!((&finished["status"], &finished["output"]), (&json!(2), &json!({"order": 1, "shelf": 3})));
    server.until("the second finished", || is(&second, "FINISHED"));
    // What is finished is known after a restart too.
    server.process.restart();
    assert_eq!(task(port, &second)["output"], json!({"order": 2, "shelf": 3}));
    let (status, _) = post(port, "/task_delete/", &json!({"tid": second}).to_string());
    assert_eq!(status, 200);
    let (status, gone) = post(port, "/task_check/", &json!({"tid": second, "grab_result": true}).to_string());
    assert_eq!((status, &gone["message"]), (404, &json!("NOT FOUND")));
    assert_eq!(task(port, &first)["state"], "FINISHED", "the other one is still there");
    assert_eq!(post(port, "/task_check/", r#"{"tid": "../etc"}"#).0, 404);
}

#[test]
fn c31_asked_to_end_it_first_handles_what_it_has_accepted_background_too() {
    let shop = Shop::new();
    let slow = hook("slow", "orders.arrived", &["hook", "--sleep", "3", "--mark", &seen("background")]);
    let slow = with(slow, &json!({"background": true, "volumes": evidence_volume()}));
    let (mut server, port) = here(&shop, &[noting("orders.arrived", &["--sleep", "1"]), slow]);
    let fire = |number: u32| {
        let object = json!({"hook_name": "orders.arrived", "data": {"number": number}});
        parsed(raw(port, format!("{object}\n").as_bytes()).trim())["tid"].as_str().unwrap().to_owned()
    };
    let fired: Vec<String> = (0..3).map(fire).collect();
    let ended = server.process.terminate();
    assert_eq!(ended.code(), Some(0), "{}", server.process.log());
    assert_eq!((server.evidence("noted").len(), server.evidence("background").len()), (3, 3));
    server.process.start();
    for tid in fired {
        assert_eq!(task(port, &tid)["state"], "FINISHED", "handled before it ended");
    }
}
