//! How it is told: one HTTP POST, again if the receiver has a bad moment.

use std::{thread, time::Duration};

use provost_hook::{Problem, complain};
use serde_json::Value;
use ureq::http::Uri;

/// A request.
#[derive(Debug)]
pub struct Post {
    /// Where to; may hold a secret, so that it is never printed.
    pub url: String,
    /// Headers to send besides.
    pub headers: Vec<(String, String)>,
    /// The longest that one try may take.
    pub timeout: Duration,
    /// How often it is tried.
    pub tries: u8,
}

/// Why one try failed.
struct Miss {
    why: String,
    /// Whether another try may go better.
    may_pass: bool,
}

impl Post {
    /// Sends `body` as JSON; returns the status that the receiver answered.
    ///
    /// A receiver that cannot be reached, that is too busy (429) or that has a problem of its own (5xx) is tried again
    /// after 1, 2, 4, … seconds. Errors: what the last try met with.
    pub fn send(&self, body: &Value) -> Result<u16, Problem> {
        let mut pause = Duration::from_secs(1);
        for left in (0..self.tries).rev() {
            match self.once(body) {
                Ok(status) => return Ok(status),
                Err(Miss { why, may_pass: true }) if left > 0 => {
                    complain(&format!("{}: {why}; trying again", self.place()))
                }
                Err(Miss { why, .. }) => return Err(Problem::work(format!("{}: {why}", self.place()))),
            }
            thread::sleep(pause);
            pause *= 2;
        }
        Err(Problem::usage("it was to be tried not even once"))
    }

    /// The host, which may be told to everybody.
    pub fn place(&self) -> String {
        let host = self.url.parse::<Uri>().ok().and_then(|url| url.host().map(str::to_owned));
        host.unwrap_or_else(|| "an address that is none".to_owned())
    }

    fn once(&self, body: &Value) -> Result<u16, Miss> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("provost-notify/", env!("CARGO_PKG_VERSION")))
            .build();
        let mut request =
            ureq::Agent::new_with_config(config).post(&self.url).header("Content-Type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = request.send(body.to_string());
        let status =
            answer.map_err(|error| Miss { why: error.to_string(), may_pass: passes(&error) })?.status().as_u16();
        match status {
            200..300 => Ok(status),
            _ => Err(Miss { why: format!("it answers {status}"), may_pass: status == 429 || status >= 500 }),
        }
    }
}

/// Whether an error is about the way there, and not about the request.
fn passes(error: &ureq::Error) -> bool {
    use ureq::Error::{ConnectionFailed, HostNotFound, Io, Timeout};
    matches!(error, ConnectionFailed | HostNotFound | Io(_) | Timeout(_))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread::JoinHandle,
    };

    use serde_json::json;

    use super::*;

    /// A receiver that answers each request with the next of these statuses; it returns what it was sent.
    fn receiver(statuses: &'static [u16]) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?key=secret", listener.local_addr().unwrap());
        let serve = move || statuses.iter().map(|status| answer(&listener, *status)).collect();
        (url, thread::spawn(serve))
    }

    fn answer(listener: &TcpListener, status: u16) -> String {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = String::new();
        let mut bytes = [0; 4096];
        while !request.ends_with('}') {
            let count = stream.read(&mut bytes).unwrap();
            request.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
        }
        write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        request
    }

    fn post(url: String, tries: u8) -> Post {
        Post { url, headers: vec![("X-Key".to_owned(), "k".to_owned())], timeout: Duration::from_secs(10), tries }
    }

    #[test]
    fn a_busy_receiver_is_tried_again() {
        let (url, receiver) = receiver(&[503, 204]);
        assert_eq!(post(url, 3).send(&json!({"text": "x"})).unwrap(), 204);
        for request in receiver.join().unwrap() {
            assert!(request.starts_with("POST /hook?key=secret HTTP/1.1"), "{request}");
            assert!(request.to_lowercase().contains("x-key: k\r\n"), "{request}");
            assert!(request.ends_with("\r\n\r\n{\"text\":\"x\"}"), "{request}");
        }
    }

    #[test]
    fn a_refusal_is_final_and_keeps_the_secret() {
        let (url, receiver) = receiver(&[403]);
        let problem = post(url, 3).send(&json!({})).unwrap_err();
        assert_eq!(problem.message, "127.0.0.1: it answers 403");
        assert_eq!(receiver.join().unwrap().len(), 1);
    }

    #[test]
    fn a_redirect_is_not_followed() {
        let (url, receiver) = receiver(&[302]);
        assert_eq!(post(url, 1).send(&json!({})).unwrap_err().message, "127.0.0.1: it answers 302");
        receiver.join().unwrap();
    }
}
