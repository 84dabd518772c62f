//! The certificate that other machines are shown.

use provost_api::Certificate;

use crate::config::Listen;
use crate::doctor::evidence::CertificateFound;

/// Looks at the files that `listen` names. One that the server makes itself is there after its first start.
pub(super) fn look(listen: Option<&Listen>) -> Option<CertificateFound> {
    let listen = listen?;
    let path = listen.files.certificate.clone();
    if listen.is_own && !path.exists() {
        return None;
    }
    // Whether the key fits, and who may be a client, counts as much as the certificate itself.
    let loaded = listen.files.load().and_then(|_| Certificate::read(&path));
    let until = loaded.map(|certificate| certificate.until).map_err(|error| error.to_string());
    Some(CertificateFound { path, until })
}
