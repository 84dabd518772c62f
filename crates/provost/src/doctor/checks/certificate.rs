//! The certificate that other machines are shown.

use jiff::{SignedDuration, Timestamp};

use crate::doctor::evidence::CertificateFound;
use crate::doctor::finding::Finding;

/// So long before its end a certificate should have been renewed.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Whether it can be read, and for how long it is good.
pub(super) fn certificate(found: Option<&CertificateFound>, now: Timestamp) -> Option<Finding> {
    let found = found?;
    let until = match &found.until {
        Ok(until) => *until,
        Err(why) => {
            let mend = "listen, in the server configuration, names PEM files that the server's user may read";
            return Some(Finding::problem("certificate", why.clone(), mend));
        }
    };
    let path = found.path.display();
    let mend = "renew it, then restart the server: runs go on meanwhile";
    Some(match until.duration_since(now) {
        left if left <= SignedDuration::ZERO => {
            Finding::problem("certificate", format!("{path} has expired at {until}: clients refuse it"), mend)
        }
        left if left < SOON => {
            Finding::warning("certificate", format!("{path} expires in {} h, at {until}", left.as_hours()), mend)
        }
        _ => Finding::ok("certificate", format!("{path} is good until {until}")),
    })
}
