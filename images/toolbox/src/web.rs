//! HTTP as far as services of tests need it: something that answers, and something that asks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::{Outcome, args::Args, failure::Failure, output};

/// How long either side may say nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// `serve PORT [TEXT…]`: answers every request with the text, until it is ended.
pub fn serve(mut args: Args) -> Outcome {
    let port: u16 = args.number("the port")?;
    let text = args.rest().join(" ");
    let failed = |error: &std::io::Error| Failure::work(format!("cannot listen on port {port}: {error}"));
    let listener = TcpListener::bind(("0.0.0.0", port)).map_err(|error| failed(&error))?;
    output::line(&format!("listening on port {port}"))?;
    loop {
        // One that breaks off is no matter of the others'.
        let _ = listener.accept().and_then(|(stream, _)| answer(stream, &text));
    }
}

fn answer(mut stream: TcpStream, text: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut from = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = number.trim().parse().unwrap_or(0);
        }
    }
    // Of a request that is not read, the answer might get lost.
    from.take(length).read_to_end(&mut Vec::new())?;
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", text.len());
    stream.write_all(format!("{head}{text}").as_bytes())
}

/// `get HOST:PORT [PATH]`: prints what is answered; exit 1 unless that is good.
pub fn get(mut args: Args) -> Outcome {
    let place = args.text("the place")?;
    let path = args.next().unwrap_or_else(|| "/".to_owned());
    args.end()?;
    let failed = |error: std::io::Error| Failure::work(format!("cannot ask {place}: {error}"));
    let answer = ask(&place, &path).map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).unwrap_or_default();
    output::line(body)?;
    Ok(if (200..400).contains(&status) { 0 } else { 1 })
}

fn ask(place: &str, path: &str) -> std::io::Result<String> {
    use std::net::ToSocketAddrs as _;
    let mut last = std::io::Error::other("there is no such name");
    for address in place.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(mut stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.write_all(
                    format!("GET {path} HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\r\n").as_bytes(),
                )?;
                let mut answer = String::new();
                stream.read_to_string(&mut answer)?;
                return Ok(answer);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
