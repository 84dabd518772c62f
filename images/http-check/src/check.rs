//! One request, and what is expected of the answer.

use std::time::Duration;

/// The most of an answer that is looked through, in bytes.
const BODY_MAX: u64 = 1024 * 1024;

/// What to ask, and what a good answer is.
#[derive(Debug)]
pub struct Check {
    /// Where.
    pub url: String,
    /// The status that it must have; absent: any from 200 to 299.
    pub expect: Option<u16>,
    /// A text that the answer must hold in its first MiB.
    pub contains: Option<String>,
    /// The longest that it may take, redirects included.
    pub timeout: Duration,
}

impl Check {
    /// Asks once. `Ok` and `Err` both hold a sentence for people.
    pub fn run(&self) -> Result<String, String> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .max_redirects(5)
            .http_status_as_error(false)
            .user_agent(concat!("provost-http-check/", env!("CARGO_PKG_VERSION")))
            .build();
        let mut answer = ureq::Agent::new_with_config(config)
            .get(&self.url)
            .call()
            .map_err(|error| format!("{} cannot be asked: {error}", self.url))?;
        let status = answer.status().as_u16();
        self.judge_status(status)?;
        if let Some(text) = &self.contains {
            let body = answer.body_mut().with_config().limit(BODY_MAX).read_to_vec();
            let body = body.map_err(|error| format!("the answer of {} cannot be read: {error}", self.url))?;
            if !String::from_utf8_lossy(&body).contains(text.as_str()) {
                return Err(format!("the answer of {} does not contain `{text}`", self.url));
            }
        }
        Ok(format!("{} answers {status}", self.url))
    }

    fn judge_status(&self, status: u16) -> Result<(), String> {
        let (is_good, expected) = match self.expect {
            Some(expected) => (status == expected, expected.to_string()),
            None => ((200..300).contains(&status), "200 to 299".to_owned()),
        };
        if is_good { Ok(()) } else { Err(format!("{} answers {status}, expected {expected}", self.url)) }
    }
}

#[cfg(test)]
pub mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::{
        io::{BufRead as _, BufReader, Write as _},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// A server that answers so many requests with this status and body, and is then gone.
    pub fn server(status: u16, body: &'static str, requests: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            for _ in 0..requests {
                let (mut stream, _) = listener.accept().unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                lines.map(Result::unwrap).take_while(|line| !line.is_empty()).for_each(drop);
                let length = body.len();
                write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
                    .unwrap();
            }
        });
        url
    }

    fn check(url: &str, expect: Option<u16>, contains: Option<&str>) -> Result<String, String> {
        let contains = contains.map(str::to_owned);
        Check { url: url.to_owned(), expect, contains, timeout: Duration::from_secs(10) }.run()
    }

    #[test]
    fn the_status_decides() {
        let url = server(204, "", 3);
        assert_eq!(check(&url, None, None), Ok(format!("{url} answers 204")));
        assert!(check(&url, Some(204), None).is_ok());
        assert_eq!(check(&url, Some(200), None), Err(format!("{url} answers 204, expected 200")));
    }

    #[test]
    fn the_text_must_be_there() {
        let url = server(200, "{\"status\": \"ok\"}", 2);
        assert!(check(&url, None, Some("\"ok\"")).is_ok());
        assert_eq!(check(&url, None, Some("failing")), Err(format!("the answer of {url} does not contain `failing`")));
    }

    #[test]
    fn who_is_not_there_is_not_well() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(check(&format!("http://{port}/"), None, None).unwrap_err().contains("cannot be asked"));
    }
}
