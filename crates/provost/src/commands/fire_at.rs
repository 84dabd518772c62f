//! Firing an event at another machine's event listener, in the older framework's wire form.

use std::time::Duration;

use provost_api::wire::{EventAccepted, JsonMap};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::exit::{Exit, Failure};

/// How long a server may take to answer: one that is dead is told of, and not waited for.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// Fires `event` at the listener at `address` (`HOST:PORT`).
///
/// Errors: nobody answers there in 2.5 s, or the answer is no.
pub async fn fire_at(address: &str, event: &str, data: &JsonMap) -> Result<EventAccepted, Failure> {
    let object = json!({ "hook_name": event, "data": data });
    let dead = |why: String| {
        Failure::not_found(format!("no server takes the event at {address}: {why}"))
            .help("`events` in that server's configuration says where it listens; provost explain server")
    };
    let line = match tokio::time::timeout(PATIENCE, ask(address, &object)).await {
        Ok(Ok(line)) => line,
        Ok(Err(error)) => return Err(dead(error.to_string())),
        Err(_) => return Err(dead(format!("it did not answer in {} s", PATIENCE.as_secs_f32()))),
    };
    let answer: Value =
        serde_json::from_str(&line).map_err(|_| dead("what answers there is no event listener".to_owned()))?;
    match answer["tid"].as_str() {
        Some(event) => Ok(EventAccepted { event: event.to_owned() }),
        None => Err(Failure::new(Exit::Usage, answer["error"].as_str().unwrap_or("it was refused without a reason"))),
    }
}

async fn ask(address: &str, object: &Value) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("{object}\n").as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    Ok(line)
}
