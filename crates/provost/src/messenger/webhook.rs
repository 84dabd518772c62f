//! Webhooks: one HTTP POST a notification.

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
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(self.timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .user_agent(concat!("provost/", env!("CARGO_PKG_VERSION")))
            .build();
        let guard = Guard { allow_private: self.allow_private, resolver: DefaultResolver::default() };
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
struct Guard {
    allow_private: bool,
    resolver: DefaultResolver,
}

impl Resolver for Guard {
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
    use std::net::TcpListener;
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
    fn private_addresses_are_refused_unless_allowed() {
        for url in [
            "http://127.0.0.1:9/",
            "http://localhost:9/",
            "http://[::1]:9/",
            "http://2130706433:9/",
            "http://169.254.169.254/",
        ] {
            let error = Webhook { allow_private: false, ..webhook(url) }.post(&json!({})).unwrap_err();
            assert!(error.0.contains("allowPrivateAddresses"), "{url}: {error}");
        }
    }
}
