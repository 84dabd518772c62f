//! Webhooks: one HTTP POST a notification.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use provost_controller::DeliveryError;
use provost_model::Reply;
use sha2::Sha256;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::address::is_public;

/// The most of an answer that is read, in bytes.
const ANSWER_MAX: u64 = 64 * 1024;

/// The header with the HMAC-SHA256 of the body.
const SIGNATURE: &str = "X-Provost-Signature";

/// One webhook.
pub struct Webhook<'a> {
    /// Where to.
    pub url: &'a str,
    /// The key of the signature, if there is to be one.
    pub key: Option<Vec<u8>>,
    /// How long it may take altogether.
    pub timeout: Duration,
    /// Whether it may go to this machine and to private networks.
    pub allow_private: bool,
}

impl Webhook<'_> {
    /// Posts `body` and returns the receiver's answer, if it is one: `{"allow": true, "reason": "…"}`.
    ///
    /// The host's name is resolved once; the address that was checked is the one that is connected to. No redirect is
    /// followed and no proxy is used, so nothing can lead elsewhere.
    pub fn post(&self, body: &serde_json::Value) -> Result<Option<Reply>, DeliveryError> {
        self.post_by(DefaultResolver::default(), body)
    }

    fn post_by(&self, resolver: impl Resolver, body: &serde_json::Value) -> Result<Option<Reply>, DeliveryError> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .user_agent(concat!("provost/", env!("CARGO_PKG_VERSION")))
            .build();
        let guard = Guard { allow_private: self.allow_private, resolver };
        let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), guard);
        let body = body.to_string();
        let mut request = agent.post(self.url).header("Content-Type", "application/json");
        if let Some(key) = &self.key {
            request = request.header(SIGNATURE, format!("sha256={}", signature(key, body.as_bytes())));
        }
        let mut response = request.send(&body).map_err(|error| self.failed(&error.to_string()))?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.failed(&format!("it answers {status}")));
        }
        let answer = response.body_mut().with_config().limit(ANSWER_MAX).read_to_vec();
        let answer = answer.map_err(|error| self.failed(&format!("its answer cannot be read: {error}")))?;
        Ok(serde_json::from_slice(&answer).ok())
    }

    /// Connects as [`Webhook::post`] would, to see whether somebody takes connections there. Nothing is sent.
    pub fn reach(&self) -> Result<(), DeliveryError> {
        let uri: Uri = self.url.parse().map_err(|_| self.failed("it is not the address of one"))?;
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let found = (host, port).to_socket_addrs().map_err(|error| self.failed(&error.to_string()))?;
        let allowed = found.filter(|address| self.allow_private || is_public(address.ip()));
        let mut why = Private.to_string();
        for address in allowed {
            match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(_) => return Ok(()),
                Err(error) => why = format!("nobody takes connections at {address}: {error}"),
            }
        }
        Err(self.failed(&why))
    }

    /// The failure without the address's query and credentials, which may be secret.
    fn failed(&self, why: &str) -> DeliveryError {
        let place = self.url.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        DeliveryError(format!("webhook to {}: {why}", place.as_deref().unwrap_or("an address that is not one")))
    }
}

/// The HMAC-SHA256 of `body`, in hexadecimal.
fn signature(key: &[u8], body: &[u8]) -> String {
    // A key of any length is a key of HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// Resolves names and lets only allowed addresses through.
#[derive(Debug)]
struct Guard<R> {
    allow_private: bool,
    resolver: R,
}

impl<R: Resolver> Resolver for Guard<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.resolver.resolve(uri, config, timeout)?;
        let mut allowed = self.empty();
        for address in found.iter().filter(|address| self.allow_private || is_public(address.ip())) {
            allowed.push(*address);
        }
        if allowed.is_empty() { Err(ureq::Error::Other(Box::new(Private))) } else { Ok(allowed) }
    }
}

/// The name stands for private addresses only.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is on this machine or in a private network; set webhooks.allowPrivateAddresses in the server's configuration to allow that"
)]
struct Private;

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};
    use std::thread::JoinHandle;

    use serde_json::json;

    use super::*;

    /// A receiver that takes one request and answers with `response`; returns its address and what it got.
    fn receiver(response: &'static str) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?token=secret", listener.local_addr().unwrap());
        let heard = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            while !String::from_utf8_lossy(&request).contains("\r\n\r\n{") {
                let read = stream.read(&mut piece).unwrap();
                request.extend_from_slice(&piece[..read]);
            }
            stream.write_all(response.as_bytes()).unwrap();
            String::from_utf8_lossy(&request).into_owned()
        });
        (url, heard)
    }

    fn webhook(url: &str) -> Webhook<'_> {
        Webhook { url, key: Some(b"key".to_vec()), timeout: Duration::from_secs(5), allow_private: true }
    }

    #[test]
    fn a_notification_is_posted_signed_and_answered() {
        let (url, heard) =
            receiver("HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{\"allow\": false, \"reason\": \"busy\"}");
        let reply = webhook(&url).post(&json!({"a": 1})).unwrap().unwrap();
        assert_eq!((reply.allow, reply.reason.as_str()), (false, "busy"));
        let request = heard.join().unwrap().to_lowercase();
        assert!(request.starts_with("post /hook?token=secret http/1.1"), "{request}");
        assert!(request.contains("content-type: application/json"), "{request}");
        let expected = format!("x-provost-signature: sha256={}", signature(b"key", br#"{"a":1}"#));
        assert!(request.contains(&expected), "{request}");
    }

    #[test]
    fn the_signature_is_hmac_sha256() {
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature(b"Jefe", b"what do ya want for nothing?"), expected);
    }

    #[test]
    fn an_answer_that_is_none_is_still_a_delivery() {
        let (url, heard) = receiver("HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(webhook(&url).post(&json!({})).unwrap(), None);
        drop(heard.join());
    }

    #[test]
    fn a_redirect_is_not_followed() {
        let (url, heard) = receiver("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
        let error = webhook(&url).post(&json!({})).unwrap_err();
        assert!(error.0.contains("it answers 302"), "{error}");
        assert!(!error.0.contains("secret"), "{error}");
        drop(heard.join());
    }

    #[test]
    fn a_redirect_to_a_private_address_is_not_followed() {
        let secret = TcpListener::bind("127.0.0.1:0").unwrap();
        secret.set_nonblocking(true).unwrap();
        let location = format!("Location: http://{}/\r\nContent-Length: 0\r\n\r\n", secret.local_addr().unwrap());
        for status in ["301 Moved", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
            let (url, heard) = receiver(format!("HTTP/1.1 {status}\r\n{location}").leak());
            let error = webhook(&url).post(&json!({})).unwrap_err();
            assert!(error.0.contains(&format!("it answers {}", &status[..3])), "{error}");
            drop(heard.join());
            assert!(secret.accept().is_err(), "{status} was followed");
        }
    }

    /// Names whose addresses change with each question.
    #[derive(Debug)]
    struct Changing(std::sync::Mutex<Vec<Vec<SocketAddr>>>);

    impl Resolver for &'static Changing {
        fn resolve(
            &self,
            _: &Uri,
            _: &ureq::config::Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut found = self.empty();
            let answers = self.0.lock().unwrap().remove(0);
            answers.into_iter().for_each(|address| found.push(address));
            Ok(found)
        }
    }

    fn changing(answers: &[&[&str]]) -> &'static Changing {
        let answer = |addresses: &&[&str]| addresses.iter().map(|address| address.parse().unwrap()).collect();
        Box::leak(Box::new(Changing(answers.iter().map(answer).collect::<Vec<_>>().into())))
    }

    #[test]
    fn a_name_that_changes_its_answer_is_asked_once_and_believed_once() {
        let (url, heard) = receiver("HTTP/1.1 204 No Content\r\n\r\n");
        let place = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
        let names = changing(&[&[place], &["127.0.0.1:1"]]);
        webhook("http://hooks.example.org/hook").post_by(names, &json!({"a": 1})).unwrap();
        let request = heard.join().unwrap().to_lowercase();
        assert!(request.contains("host: hooks.example.org"), "{request}");
        assert_eq!(names.0.lock().unwrap().len(), 1, "the name was asked for once");
    }

    #[test]
    fn a_name_with_public_and_private_addresses_leads_to_the_public_ones_only() {
        let names = changing(&[&["10.0.0.1:80", "93.184.216.34:80", "127.0.0.1:80", "[::ffff:10.0.0.1]:80"]]);
        let guard = Guard { allow_private: false, resolver: names };
        let config = ureq::Agent::config_builder().build();
        let timeout = NextTimeout {
            after: Duration::from_secs(1).into(),
            reason: ureq::Timeout::Global,
            per_read: None,
            per_write: None,
        };
        let found = guard.resolve(&"http://hooks.example.org/".parse().unwrap(), &config, timeout).unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["93.184.216.34:80"]);

        let names = changing(&[&["10.0.0.1:80"]]);
        let webhook = Webhook { allow_private: false, ..webhook("http://hooks.example.org/") };
        assert!(webhook.post_by(names, &json!({})).unwrap_err().0.contains("allowPrivateAddresses"));
    }

    #[test]
    fn whether_somebody_is_there_is_seen_without_a_word() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?token=secret", listener.local_addr().unwrap());
        webhook(&url).reach().unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).unwrap();
        assert!(said.is_empty(), "nothing is sent");
        drop(listener);
        let error = webhook(&url).reach().unwrap_err();
        assert!(error.0.contains("nobody takes connections") && !error.0.contains("secret"), "{error}");
        let private = Webhook { allow_private: false, ..webhook(&url) };
        assert!(private.reach().unwrap_err().0.contains("allowPrivateAddresses"));
    }

    #[test]
    fn private_addresses_are_refused_unless_allowed() {
        for url in [
            "http://127.0.0.1:9/",
            "http://localhost:9/",
            "http://[::1]:9/",
            "http://2130706433:9/",
            "http://0x7f000001:9/",
            "http://0x7f.1:9/",
            "http://0177.0.0.1:9/",
            "http://127.1:9/",
            "http://0:9/",
            "http://[::]:9/",
            "http://[::ffff:127.0.0.1]:9/",
            "http://[::ffff:7f00:1]:9/",
            "http://[64:ff9b::127.0.0.1]:9/",
            "http://[fd00::1]:9/",
            "http://169.254.169.254/",
        ] {
            let error = Webhook { allow_private: false, ..webhook(url) }.post(&json!({})).unwrap_err();
            assert!(error.0.contains("allowPrivateAddresses"), "{url}: {error}");
        }
        // Of a link of this machine, by its zone: no address in a URL, and so refused before anybody is asked.
        for url in ["http://[fe80::1%25lo]:9/", "http://[fe80::1%lo]:9/"] {
            Webhook { allow_private: false, ..webhook(url) }.post(&json!({})).unwrap_err();
        }
    }
}
