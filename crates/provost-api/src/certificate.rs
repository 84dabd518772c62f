//! Certificates: read, made, told by their fingerprint.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use provost_model::Digest;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use x509_cert::der::Decode as _;

/// Where a server keeps the certificate that it made itself, below its state folder.
const FOLDER: &str = "tls";

/// The cryptography of both ends: the same as everywhere in Provost.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What is wrong with a certificate or its key, with the file and the mend.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct CertificateError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// A certificate with its chain.
#[derive(Clone, Debug)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    /// `sha256:` and 64 hexadecimal digits: what a client compares that knows no authority.
    pub fingerprint: String,
    /// When it expires.
    pub until: Timestamp,
}

impl Certificate {
    /// Reads the certificate at `path`, and those that vouch for it behind it.
    ///
    /// Errors: it cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, CertificateError> {
        let failed = |why: String| CertificateError { path: path.to_owned(), why };
        let chain = read_all(path)?;
        let first = chain.first().ok_or_else(|| failed("there is no certificate in it, in PEM".to_owned()))?;
        let read =
            x509_cert::Certificate::from_der(first).map_err(|error| failed(format!("no certificate: {error}")))?;
        let until = read.tbs_certificate.validity.not_after.to_unix_duration();
        let until = i64::try_from(until.as_secs()).ok().and_then(|until| Timestamp::from_second(until).ok());
        Ok(Self { fingerprint: fingerprint(first), until: until.unwrap_or(Timestamp::MAX), chain })
    }
}

/// The fingerprint of a certificate: `sha256:…`.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    format!("sha256:{}", Digest::of(certificate))
}

fn read_all(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let failed = |why: String| CertificateError { path: path.to_owned(), why };
    let found = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
    found.collect::<Result<_, _>>().map_err(|error| failed(error.to_string()))
}

/// A chain and a key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificate, with its chain, and the key that are in these files.
pub(crate) fn read_identity(certificate: &Path, key: &Path) -> Result<Identity, CertificateError> {
    let failed =
        |error: rustls::pki_types::pem::Error| CertificateError { path: key.to_owned(), why: error.to_string() };
    Ok((read_all(certificate)?, PrivateKeyDer::from_pem_file(key).map_err(failed)?))
}

/// The authorities in the file at `path`.
///
/// Errors: it cannot be read, or there is none in it.
pub(crate) fn authorities(path: &Path) -> Result<RootCertStore, CertificateError> {
    let failed = |why: String| CertificateError { path: path.to_owned(), why };
    let mut store = RootCertStore::empty();
    for certificate in read_all(path)? {
        store.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if store.is_empty() {
        return Err(failed("there is no certificate in it, in PEM".to_owned()));
    }
    Ok(store)
}

/// The files that a server proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// Its certificate, with the chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose certificates clients have to show; absent: clients show none.
    pub client_ca: Option<PathBuf>,
}

impl CertificateFiles {
    /// Those of a certificate that the server makes itself, below its `state` folder.
    pub fn own(state: &Path) -> Self {
        let folder = state.join(FOLDER);
        Self { certificate: folder.join("certificate.pem"), key: folder.join("key.pem"), client_ca: None }
    }

    /// Makes them for a machine that is called by `names`, unless they are there.
    ///
    /// Nobody vouches for such a certificate: clients are told its fingerprint.
    pub fn make(&self, names: Vec<String>) -> Result<(), CertificateError> {
        if self.certificate.exists() && self.key.exists() {
            return Ok(());
        }
        let failed = |path: &Path, why: String| CertificateError { path: path.to_owned(), why };
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|error| failed(&self.certificate, format!("it cannot be made: {error}")))?;
        if let Some(folder) = self.certificate.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(folder, error.to_string()))?;
        }
        let files = [(&self.key, made.signing_key.serialize_pem()), (&self.certificate, made.cert.pem())];
        for (path, text) in files {
            let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
            let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
            written.map_err(|error| failed(path, error.to_string()))?;
        }
        Ok(())
    }

    /// What a server needs to prove itself, and the certificate.
    ///
    /// Errors: a file that cannot be read, or that does not fit the others.
    pub fn load(&self) -> Result<(Arc<ServerConfig>, Certificate), CertificateError> {
        let certificate = Certificate::read(&self.certificate)?;
        let failed = |path: &Path, why: String| CertificateError { path: path.to_owned(), why };
        let of_key = |why: String| failed(&self.key, why);
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| of_key(error.to_string()))?;
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| of_key(error.to_string()))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(authorities(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| failed(path, error.to_string()))?)
            }
        };
        let mut config = builder
            .with_single_cert(certificate.chain.clone(), key)
            .map_err(|error| of_key(format!("it is not that of {}: {error}", self.certificate.display())))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok((Arc::new(config), certificate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn b42_a_certificate_is_made_once_and_its_key_is_the_servers_alone() {
        let folder = tempfile::tempdir().unwrap();
        let files = CertificateFiles::own(folder.path());
        files.make(vec!["ber-1".to_owned(), "localhost".to_owned()]).unwrap();
        let (_, first) = files.load().unwrap();
        assert_eq!(fs::metadata(&files.key).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(first.until > Timestamp::now(), "it is valid");
        assert_eq!(first.fingerprint.len(), "sha256:".len() + 64);
        files.make(vec!["other".to_owned()]).unwrap();
        assert_eq!(files.load().unwrap().1.fingerprint, first.fingerprint, "it stays");
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let mine = CertificateFiles::own(&folder.path().join("a"));
        let other = CertificateFiles::own(&folder.path().join("b"));
        let why = |files: &CertificateFiles| files.load().unwrap_err().to_string();
        assert!(why(&mine).contains("a/tls/certificate.pem: "), "{}", why(&mine));
        mine.make(vec!["a".to_owned()]).unwrap();
        other.make(vec!["b".to_owned()]).unwrap();
        let mixed = CertificateFiles { key: other.key.clone(), ..mine.clone() };
        assert!(why(&mixed).contains("b/tls/key.pem: it is not that of"), "{}", why(&mixed));
        fs::write(&mine.certificate, "nothing").unwrap();
        assert!(why(&mine).contains("there is no certificate in it"), "{}", why(&mine));
        let clients = CertificateFiles { client_ca: Some(mine.certificate.clone()), ..other };
        assert!(why(&clients).contains("a/tls/certificate.pem"), "{}", why(&clients));
    }
}
