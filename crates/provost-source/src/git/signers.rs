//! Who may sign revisions, and whether one of them did.

use ssh_key::{Algorithm, EcdsaCurve, HashAlg, PublicKey, SshSig};

use crate::config::ConfigProblem;

/// What git signs commits under; a signature for anything else (an e-mail, a login) is not one for a commit.
const NAMESPACE: &str = "git";
const SIGN: &str =
    "sign it (`git commit --amend -S` with `gpg.format` set to `ssh`) with a key that the server lists under `signers`";

/// The keys of those who may sign; empty when revisions need no signature.
#[derive(Default)]
pub(crate) struct Signers(Vec<PublicKey>);

impl Signers {
    /// Reads lines as in `authorized_keys`, without options: `ssh-ed25519 AAAA… ann@example.org`.
    pub(crate) fn parse(lines: &[String]) -> Result<Self, ConfigProblem> {
        lines.iter().enumerate().map(|(at, line)| signer(at, line)).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns who signed the raw commit; or why none of the signers did, and the mend.
    pub(super) fn verify(&self, raw: &[u8], header: &str) -> Result<String, String> {
        let (signature, signed) = split(raw, header)?;
        let signature = read(&signature)?;
        let key = self.0.iter().find(|key| key.key_data() == signature.public_key()).ok_or_else(|| {
            let print = signature.public_key().fingerprint(HashAlg::Sha256);
            format!("the key that signed it ({print}) is not listed under `signers`; {SIGN}, or add this one there")
        })?;
        if signature.namespace() != NAMESPACE {
            return Err(format!("its signature is one for {:?} and not for a commit; {SIGN}", signature.namespace()));
        }
        key.verify(NAMESPACE, &signed, &signature)
            .map_err(|_| format!("its signature does not fit: it was changed after {} signed it; {SIGN}", name(key)))?;
        Ok(name(key))
    }
}

fn signer(at: usize, line: &str) -> Result<PublicKey, ConfigProblem> {
    let problem = |what: String, mend: &str| ConfigProblem::new(format!("signers[{at}]"), what, mend);
    let key = PublicKey::from_openssh(line.trim()).map_err(|error| {
        problem(
            format!("it is not an SSH public key ({error})"),
            "write the line of the `.pub` file: `ssh-ed25519 AAAA… ann@example.org`",
        )
    })?;
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => Ok(key),
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 } => Ok(key),
        other => Err(problem(
            format!("signatures of `{other}` keys are not verified"),
            "use an ed25519 key (`ssh-keygen -t ed25519`), or an ECDSA key over P-256",
        )),
    }
}

/// The comment of a key, or its fingerprint when it has none.
fn name(key: &PublicKey) -> String {
    let comment: String = key.comment().chars().filter(|c| !c.is_control()).collect();
    if comment.trim().is_empty() { key.fingerprint(HashAlg::Sha256).to_string() } else { comment }
}

fn read(signature: &str) -> Result<SshSig, String> {
    if signature.starts_with("-----BEGIN SSH SIGNATURE-----") {
        return SshSig::from_pem(signature).map_err(|error| format!("its signature cannot be read ({error}); {SIGN}"));
    }
    let kind = if signature.starts_with("-----BEGIN PGP") { "GPG" } else { "not SSH" };
    Err(format!("its signature is {kind}, and only SSH signatures are verified as yet; {SIGN}"))
}

/// Takes the signature out of a raw commit; what remains is what was signed, byte for byte.
///
/// The signature is a header whose further lines begin with a blank. Other headers stay, those of unknown
/// meaning too: whatever was not signed must not go unnoticed.
fn split(raw: &[u8], header: &str) -> Result<(String, Vec<u8>), String> {
    let mut signature: Option<Vec<u8>> = None;
    let mut signed = Vec::with_capacity(raw.len());
    let mut inside = false;
    let mut rest = raw;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n').filter(|end| *end > 0) {
        let (line, after) = rest.split_at(end + 1);
        let opens = line.strip_prefix(header.as_bytes()).and_then(|line| line.strip_prefix(b" "));
        match (opens, &mut signature) {
            (Some(_), Some(_)) => return Err(format!("it has two signatures; {SIGN}")),
            (Some(first), None) => signature = Some(first.to_vec()),
            (None, Some(signature)) if inside && line[0] == b' ' => signature.extend(&line[1..]),
            _ => signed.extend(line),
        }
        inside = opens.is_some() || (inside && line[0] == b' ');
        rest = after;
    }
    signed.extend(rest);
    let signature = signature.ok_or_else(|| format!("it is not signed; {SIGN}"))?;
    Ok((String::from_utf8_lossy(&signature).into_owned(), signed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Signers, ConfigProblem> {
        Signers::parse(&[line.to_owned()])
    }

    #[test]
    fn the_signature_is_taken_out_and_the_rest_stays() {
        let raw = b"tree 1\ngpgsig one\n two\n \nauthor A\n x\n\ngpgsig three\n four\n";
        let (signature, signed) = split(raw, "gpgsig").unwrap();
        assert_eq!(signature, "one\ntwo\n\n");
        assert_eq!(signed, b"tree 1\nauthor A\n x\n\ngpgsig three\n four\n");
        assert!(split(b"tree 1\n\ngpgsig one\n", "gpgsig").unwrap_err().contains("is not signed"));
        assert!(split(b"gpgsig a\nx y\ngpgsig b\n\n", "gpgsig").unwrap_err().contains("two signatures"));
        let (_, signed) = split(b"gpgsig a\ngpgsig-sha256 b\n c\n\nm", "gpgsig").unwrap();
        assert_eq!(signed, b"gpgsig-sha256 b\n c\n\nm", "a header that nobody signed stays and spoils the signature");
    }

    #[test]
    fn commits_that_git_and_openssh_signed_are_verified() {
        let ed25519 = include_bytes!("../../tests/fixtures/signed-ed25519.commit");
        let ecdsa = include_bytes!("../../tests/fixtures/signed-ecdsa.commit");
        let ann = parse(include_str!("../../tests/fixtures/ed25519.pub")).unwrap();
        let bob = parse(include_str!("../../tests/fixtures/ecdsa.pub")).unwrap();
        assert_eq!(ann.verify(ed25519, "gpgsig").as_deref(), Ok("ann@example.org"));
        assert_eq!(bob.verify(ecdsa, "gpgsig").as_deref(), Ok("bob@example.org"));
        assert!(ann.verify(ecdsa, "gpgsig").unwrap_err().contains("is not listed under `signers`"));

        // Every byte outside the signature itself is vouched for.
        let text = std::str::from_utf8(ed25519).unwrap();
        let vouched = (0..text.find("gpgsig").unwrap()).chain(text.find("\n\n").unwrap()..text.len());
        for at in vouched {
            let mut tampered = ed25519.to_vec();
            tampered[at] ^= 1;
            assert!(ann.verify(&tampered, "gpgsig").is_err(), "byte {at} was changed");
        }
    }

    #[test]
    fn keys_that_are_not_verified_are_refused_at_once() {
        let problem = parse(include_str!("../../tests/fixtures/rsa.pub")).err().unwrap();
        assert_eq!(
            problem.to_string(),
            "signers[0]: signatures of `ssh-rsa` keys are not verified; \
             use an ed25519 key (`ssh-keygen -t ed25519`), or an ECDSA key over P-256"
        );
    }

    #[test]
    fn other_signatures_are_told_apart() {
        let told = |text: &str| read(text).unwrap_err();
        assert!(told("-----BEGIN PGP SIGNATURE-----\n").contains("is GPG, and only SSH"));
        assert!(told("-----BEGIN SIGNED MESSAGE-----\n").contains("is not SSH"));
        assert!(told("-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n").contains("cannot be read"));
    }

    #[test]
    fn lines_that_are_no_keys_are_refused() {
        for line in ["", "ann@example.org", "ssh-ed25519", "ssh-ed25519 !!!", "ann ssh-ed25519 AAAA"] {
            let problem = parse(line).err().unwrap();
            assert_eq!(problem.key, "signers[0]");
            assert!(problem.what.contains("not an SSH public key"), "{line}: {problem}");
        }
    }
}
