//! Who may sign revisions, and whether one of them did.

mod certificate;
mod openpgp;
mod ssh;

use ssh_key::PublicKey;

use super::address::Wrong;
use super::commit::Commit;
use crate::config::ConfigProblem;
use certificate::Certificate;

const SIGN: &str = "sign it (`git commit --amend -S`) with a key that the server lists under `signers`";

/// The keys of those who may sign; empty when revisions need no signature.
#[derive(Default)]
pub(crate) struct Signers {
    ssh: Vec<PublicKey>,
    openpgp: Vec<Certificate>,
}

impl Signers {
    /// Reads public keys: lines as in `authorized_keys`, without options, and armoured OpenPGP keys.
    pub(crate) fn parse(entries: &[String]) -> Result<Self, ConfigProblem> {
        let mut signers = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            signers.add(entry.trim()).map_err(|wrong| wrong.at(&format!("signers[{at}]")))?;
        }
        Ok(signers)
    }

    fn add(&mut self, entry: &str) -> Result<(), Wrong> {
        if certificate::is_meant(entry) {
            self.openpgp.push(Certificate::parse(entry)?);
        } else {
            self.ssh.push(ssh::key(entry)?);
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ssh.is_empty() && self.openpgp.is_empty()
    }

    /// Returns who signed the raw commit; or why none of the signers did, and the mend.
    pub(super) fn verify(&self, raw: &[u8], header: &str) -> Result<String, String> {
        let (signature, signed) = split(raw, header)?;
        if signature.starts_with("-----BEGIN SSH SIGNATURE-----") {
            ssh::verify(&self.ssh, &signature, &signed)
        } else if signature.starts_with("-----BEGIN PGP SIGNATURE-----") {
            openpgp::verify(&self.openpgp, &signature, &signed, Commit::parse(raw).at)
        } else {
            Err(format!("its signature is neither of SSH nor of OpenPGP (GPG); {SIGN}"))
        }
    }
}

/// That the key `print`, of this `kind`, is not listed; `none` when no key of its kind is.
fn unlisted(kind: &str, print: &str, none: bool) -> String {
    let only = if none { format!(" (and no {kind} key is)") } else { String::new() };
    format!(
        "the {kind} key that signed it ({print}) is not listed under `signers`{only}; {SIGN}, or add this one there"
    )
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
        let ann = parse(include_str!("../../tests/fixtures/ed25519.pub")).unwrap();
        let told = |text: &str| {
            let raw = format!("tree 1\ngpgsig {}\n\nx", text.replace('\n', "\n "));
            ann.verify(raw.as_bytes(), "gpgsig").unwrap_err()
        };
        assert!(told("-----BEGIN SIGNED MESSAGE-----\n").contains("is neither of SSH nor of OpenPGP (GPG)"));
        for kind in ["SSH", "PGP"] {
            for text in ["AAAA", "", "!", "wsBcBAABCAAQBQJmAAAACRAAAAAAAAAAAAAA"] {
                let text = format!("-----BEGIN {kind} SIGNATURE-----\n\n{text}\n-----END {kind} SIGNATURE-----\n");
                assert!(told(&text).contains("its signature cannot be read"), "{text}: {}", told(&text));
            }
        }
    }

    #[test]
    fn both_kinds_of_keys_may_be_listed_together() {
        let entries =
            [include_str!("../../tests/fixtures/ed25519.pub"), include_str!("../../tests/fixtures/gpg-bob.asc")];
        let both = Signers::parse(&entries.map(str::to_owned)).unwrap();
        let ssh = include_bytes!("../../tests/fixtures/signed-ed25519.commit");
        let gpg = include_bytes!("../../tests/fixtures/gpg-bob.commit");
        assert_eq!(both.verify(ssh, "gpgsig").as_deref(), Ok("ann@example.org"));
        assert_eq!(both.verify(gpg, "gpgsig").as_deref(), Ok("Bob <bob@example.org>"));
    }

    #[test]
    fn a_signature_of_the_kind_that_is_not_listed_says_so() {
        let ssh = parse(include_str!("../../tests/fixtures/ed25519.pub")).unwrap();
        let gpg = parse(include_str!("../../tests/fixtures/gpg-ann.asc")).unwrap();
        let by_ssh = include_bytes!("../../tests/fixtures/signed-ed25519.commit");
        let by_gpg = include_bytes!("../../tests/fixtures/gpg-ann.commit");
        let why = gpg.verify(by_ssh, "gpgsig").unwrap_err();
        assert!(why.starts_with("the SSH key that signed it (SHA256:"), "{why}");
        assert!(why.contains("is not listed under `signers` (and no SSH key is); sign it"), "{why}");
        let why = ssh.verify(by_gpg, "gpgsig").unwrap_err();
        assert!(why.starts_with("the OpenPGP key that signed it ("), "{why}");
        assert!(why.contains("is not listed under `signers` (and no OpenPGP key is); sign it"), "{why}");
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
