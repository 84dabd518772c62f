//! Asking the server through the socket that Provost mounts into containers that may, and answering calls of skills.

use std::env;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};

use crate::{Outcome, args::Args, failure::Failure, output};

const EVENT: &str = "/provost/event.json";
const RESULT: &str = "/provost/out/result.json";
const ERROR: &str = "/provost/out/error.json";

/// `ask [--result] METHOD PATH [BODY]`
pub fn ask(mut args: Args) -> Outcome {
    let mut method = args.text("the method")?;
    let is_result = method == "--result";
    if is_result {
        method = args.text("the method")?;
    }
    let (path, body) = (args.text("the path")?, args.rest().join(" "));
    let socket = env::var("PROVOST_SOCKET")
        .map_err(|_| Failure::work("PROVOST_SOCKET is not set: this container may ask the server for nothing"))?;
    let (status, answer) = exchange(Path::new(&socket), &method, &path, &body)?;
    output::line(&answer)?;
    let is_good = (200..300).contains(&status);
    if is_result && is_good {
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        write(RESULT, &answer["result"])?;
    }
    Ok(if is_good { 0 } else { 1 })
}

/// Sends one request. The connection ends with the answer, so that this is all there is to HTTP.
fn exchange(socket: &Path, method: &str, path: &str, body: &str) -> Result<(u16, String), Failure> {
    let kind = if method == "PATCH" { "application/json-patch+json" } else { "application/json" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: provost\r\nConnection: close\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let failed = |error: &std::io::Error| Failure::at("ask", socket, error);
    let mut stream = UnixStream::connect(socket).map_err(|error| failed(&error))?;
    stream.write_all(request.as_bytes()).map_err(|error| failed(&error))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| failed(&error))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok((status, body.to_owned()))
}

/// `answer [--error KIND MESSAGE]`: a call's data are its result.
pub fn answer(mut args: Args) -> Outcome {
    match args.next().as_deref() {
        Some("--error") => {
            let (kind, message) = (args.text("the kind")?, args.rest().join(" "));
            error(&kind, &message)?;
            Ok(1)
        }
        Some(other) => Err(args.wrong(&format!("there is no option `{other}`"))),
        None => {
            let data = data()?;
            output::line(&format!("asked for {data}"))?;
            result(&data)
        }
    }
}

/// What the call hands in.
pub fn data() -> Result<Value, Failure> {
    let text = fs::read_to_string(EVENT).map_err(|error| Failure::at("read", EVENT, &error))?;
    let mut event: Value = serde_json::from_str(&text).unwrap_or_default();
    Ok(event["data"].take())
}

/// Answers the call.
pub fn result(value: &Value) -> Outcome {
    write(RESULT, value)?;
    Ok(0)
}

/// Answers the call with an error. Returns the message.
pub fn error(kind: &str, message: &str) -> Result<String, Failure> {
    write(ERROR, &json!({"kind": kind, "message": message}))?;
    Ok(message.to_owned())
}

fn write(path: &str, value: &Value) -> Result<(), Failure> {
    fs::write(path, value.to_string()).map_err(|error| Failure::at("write", path, &error))
}
