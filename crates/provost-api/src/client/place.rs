//! Where a server is, and how to reach it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::ClientError;
use crate::certificate::{authorities, fingerprint, provider, read_identity};

/// The port of servers where an address names none.
const PORT: u16 = 2719;

/// Where systems keep the authorities that they trust.
const SYSTEM: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// A connection, of either sort.
pub(super) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Where a server is.
#[derive(Clone)]
pub(super) enum Place {
    /// On this machine.
    Local { socket: PathBuf },
    /// Anywhere.
    Remote { host: String, port: u16, name: ServerName<'static>, token: Option<String>, tls: TlsConnector },
}

/// What there is to know about a server on another machine.
#[derive(Clone, Debug, Default)]
pub struct Remote {
    /// `https://ber-1:2719`; the port may be left out.
    pub address: String,
    /// The text of the token that is shown.
    pub token: Option<String>,
    /// The fingerprint of its certificate, `sha256:…`, where nobody vouches for that.
    pub fingerprint: Option<String>,
    /// A file with the authorities that vouch for it; absent: those of the system.
    pub ca: Option<PathBuf>,
    /// The files with the certificate and the key that are shown to a server which wants to see one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Remote {
    /// Whether `address` is one.
    #[must_use]
    pub fn has_address(&self) -> bool {
        host_and_port(&self.address).is_some()
    }
}

impl Place {
    /// The place that `remote` tells of.
    ///
    /// Errors: what is wrong with it, and the mend.
    pub(super) fn remote(remote: Remote) -> Result<Self, ClientError> {
        let Remote { address, token, fingerprint, ca, identity } = remote;
        let unproven =
            |why: String, hint: &str| ClientError::Unproven { server: address.clone(), why, hint: hint.to_owned() };
        let (host, port) = host_and_port(&address)
            .ok_or_else(|| unproven("it is no address".to_owned(), "write it like https://ber-1:2719"))?;
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| unproven(error.to_string(), "write it like https://ber-1:2719"))?;
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| unproven(error.to_string(), "install a newer Provost"))?;
        let builder = match fingerprint {
            Some(expected) => {
                let expected = plain(&expected);
                let pinned = Arc::new(Pinned { expected, provider: provider() });
                builder.dangerous().with_custom_certificate_verifier(pinned)
            }
            None => {
                let hint = "name the authority of its certificate (PROVOST_CA), or the fingerprint that provost status \
                    shows on the server (PROVOST_FINGERPRINT)";
                let roots = roots(ca.as_deref()).map_err(|why| unproven(why, hint))?;
                builder.with_root_certificates(roots)
            }
        };
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let (chain, key) = read_identity(&certificate, &key)
                    .map_err(|error| unproven(error.to_string(), "PROVOST_CERT and PROVOST_CERT_KEY name the files"))?;
                let config = builder.with_client_auth_cert(chain, key);
                config.map_err(|error| unproven(error.to_string(), "the key has to be that of the certificate"))?
            }
        };
        Ok(Self::Remote { host, port, name, token, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// What people call it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Local { socket } => socket.display().to_string(),
            Self::Remote { host, port, .. } => format!("https://{host}:{port}"),
        }
    }

    /// What the `Host` header of a request says.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Local { .. } => "provost".to_owned(),
            Self::Remote { host, port, .. } => format!("{host}:{port}"),
        }
    }

    /// The token that is shown.
    pub(super) fn token(&self) -> Option<&str> {
        match self {
            Self::Local { .. } => None,
            Self::Remote { token, .. } => token.as_deref(),
        }
    }

    pub(super) async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        match self {
            Self::Local { socket } => Ok(Box::new(UnixStream::connect(socket).await?)),
            Self::Remote { host, port, name, tls, .. } => {
                let stream = TcpStream::connect((host.trim_matches(['[', ']']), *port)).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(tls.connect(name.clone(), stream).await?))
            }
        }
    }
}

/// `https://ber-1:2719`, `https://ber-1`, `https://[::1]:2719/`.
fn host_and_port(address: &str) -> Option<(String, u16)> {
    let rest = address.strip_prefix("https://")?.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (rest, PORT),
    };
    let is_host = !host.is_empty() && !host.contains(['/', '@', '?', '#']);
    is_host.then(|| (host.to_owned(), port))
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let system = || SYSTEM.iter().map(Path::new).find(|path| path.exists());
    match ca.or_else(system) {
        Some(path) => authorities(path).map_err(|error| error.to_string()),
        None => Err("nothing on this machine says whose certificates are to be trusted".to_owned()),
    }
}

/// A fingerprint without its decoration: `SHA256:AB:CD…` as `abcd…`.
fn plain(fingerprint: &str) -> String {
    let text = fingerprint.trim().to_lowercase();
    text.trim_start_matches("sha256:").chars().filter(char::is_ascii_hexdigit).collect()
}

/// Accepts one certificate, whoever vouches for it and however it is called.
#[derive(Debug)]
struct Pinned {
    expected: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if plain(&fingerprint(certificate)) == self.expected {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_https_with_a_port_or_without() {
        let check =
            |text: &str, host: &str, port| assert_eq!(host_and_port(text), Some((host.to_owned(), port)), "{text}");
        check("https://ber-1", "ber-1", 2719);
        check("https://ber-1:1234/", "ber-1", 1234);
        check("https://[::1]", "[::1]", 2719);
        check("https://[::1]:1", "[::1]", 1);
        for wrong in ["http://ber-1", "ber-1", "https://", "https://a/b", "https://me@a", "https://a:b"] {
            assert!(!Remote { address: wrong.to_owned(), ..Remote::default() }.has_address(), "{wrong}");
        }
    }

    #[test]
    fn fingerprints_are_read_as_tools_print_them() {
        for text in ["sha256:0aff", "SHA256:0A:FF", "0aff", " sha256:0AFF\n"] {
            assert_eq!(plain(text), "0aff", "{text}");
        }
    }
}
