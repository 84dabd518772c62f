//! Where other machines ask.

use provost_api::wire::ListenItem;
use provost_api::{Certificate, CertificateError, TlsListener};

use crate::config::{Listen, host_name};
use crate::exit::Failure;

/// Listens where `listen` says, if it says where.
pub async fn listen(listen: Option<&Listen>) -> Result<Option<(TlsListener, ListenItem)>, Failure> {
    let Some(listen) = listen else { return Ok(None) };
    if listen.is_own {
        listen.files.make(names(listen)).map_err(refused)?;
    }
    let (config, certificate) = listen.files.load().map_err(refused)?;
    let listener = TlsListener::bind(listen.address, config).await.map_err(|error| {
        Failure::no(format!("{} cannot be listened on: {error}", listen.address))
            .help("see who has it (ss -ltnp), or name another address: listen, in the server configuration")
    })?;
    let Certificate { fingerprint, until, .. } = certificate;
    tracing::info!(address = %listener.address(), %fingerprint, "answering other machines");
    let item = ListenItem { address: listener.address().to_string(), fingerprint, certificate_until: until };
    Ok(Some((listener, item)))
}

/// Looks at the files that are named, without making any.
pub fn check(listen: Option<&Listen>) -> Result<(), Failure> {
    match listen {
        Some(listen) if !listen.is_own => listen.files.load().map(drop).map_err(refused),
        _ => Ok(()),
    }
}

/// What clients may call this machine. A made certificate is told by its fingerprint; names help those tools that look
/// at them all the same.
fn names(listen: &Listen) -> Vec<String> {
    let mut names = vec![host_name(), "localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !listen.address.ip().is_unspecified() {
        names.push(listen.address.ip().to_string());
    }
    names.sort();
    names.dedup();
    names
}

fn refused(error: CertificateError) -> Failure {
    Failure::no(format!("the certificate of listen: {error}"))
        .help("listen, in the server configuration, names PEM files that the server's user may read; without certificate and key it makes its own")
}
