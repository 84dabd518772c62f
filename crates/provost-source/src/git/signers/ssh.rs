//! SSH keys that may sign, and the signatures that they make.

use ssh_key::{Algorithm, EcdsaCurve, HashAlg, PublicKey, SshSig};

use super::{SIGN, Wrong, unlisted};
use crate::git::address::wrong;

/// What git signs commits under; a signature for anything else (an e-mail, a login) is not one for a commit.
const NAMESPACE: &str = "git";

/// Reads a line as in `authorized_keys`, without options: `ssh-ed25519 AAAA… ann@example.org`.
pub(super) fn key(line: &str) -> Result<PublicKey, Wrong> {
    let key = PublicKey::from_openssh(line).map_err(|error| Wrong {
        what: format!("it is not an SSH public key ({error}), nor an OpenPGP one"),
        mend: "write the line of the `.pub` file: `ssh-ed25519 AAAA… ann@example.org`; or what `gpg --armor --export` \
               says, as a block (`- |`)"
            .to_owned(),
    })?;
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => Ok(key),
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 } => Ok(key),
        other => wrong(
            format!("signatures of `{other}` keys are not verified"),
            "use an ed25519 key (`ssh-keygen -t ed25519`), or an ECDSA key over P-256",
        ),
    }
}

/// Returns which of `keys` made the armoured signature of `signed`; or why none did, and the mend.
pub(super) fn verify(keys: &[PublicKey], signature: &str, signed: &[u8]) -> Result<String, String> {
    let signature =
        SshSig::from_pem(signature).map_err(|error| format!("its signature cannot be read ({error}); {SIGN}"))?;
    let print = || signature.public_key().fingerprint(HashAlg::Sha256).to_string();
    let listed = keys.iter().find(|key| key.key_data() == signature.public_key());
    let key = listed.ok_or_else(|| unlisted("SSH", &print(), keys.is_empty()))?;
    if signature.namespace() != NAMESPACE {
        return Err(format!("its signature is one for {:?} and not for a commit; {SIGN}", signature.namespace()));
    }
    key.verify(NAMESPACE, signed, &signature)
        .map_err(|_| format!("its signature does not fit: it was changed after {} signed it; {SIGN}", name(key)))?;
    Ok(name(key))
}

/// The comment of a key, or its fingerprint when it has none.
fn name(key: &PublicKey) -> String {
    let comment: String = key.comment().chars().filter(|c| !c.is_control()).collect();
    if comment.trim().is_empty() { key.fingerprint(HashAlg::Sha256).to_string() } else { comment }
}
