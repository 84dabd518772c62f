//! The server, as other machines see it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_api::wire::{ListenItem, TokenRequest};
use provost_api::{CertificateFiles, Client, Remote, TlsListener};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Bench;
use super::raw::Answer;

/// A listener on a free port, with a certificate of its own below `folder`.
pub async fn listener(folder: &Path, client_ca: Option<PathBuf>) -> (TlsListener, CertificateFiles, ListenItem) {
    let files = CertificateFiles { client_ca, ..CertificateFiles::own(folder) };
    files.make(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (config, certificate) = files.load().unwrap();
    let listener = TlsListener::bind("127.0.0.1:0".parse().unwrap(), config).await.unwrap();
    let (fingerprint, certificate_until) = (certificate.fingerprint, certificate.until);
    let item = ListenItem { address: listener.address().to_string(), fingerprint, certificate_until };
    (listener, files, item)
}

impl Bench {
    /// Makes a token and returns its text.
    pub async fn token(&self, request: TokenRequest) -> String {
        self.client.make_token(&request).await.unwrap().token
    }

    /// What a client has to know of this server.
    pub fn remote(&self, token: Option<&str>) -> Remote {
        Remote {
            address: format!("https://{}", self.listen.address),
            token: token.map(str::to_owned),
            fingerprint: Some(self.listen.fingerprint.clone()),
            ..Remote::default()
        }
    }

    /// A client that shows `token`.
    pub fn with_token(&self, token: &str) -> Client {
        Client::remote(self.remote(Some(token))).unwrap()
    }

    /// Sends a request as it is written, over TLS, and returns the answer. A stream is read until it pauses.
    pub async fn send_tls(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.files.certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
        let stream = TcpStream::connect(&self.listen.address).await.unwrap();
        let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let token = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: elsewhere:2719\r\nConnection: close\r\n{token}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        Answer::parse(&answer)
    }
}
