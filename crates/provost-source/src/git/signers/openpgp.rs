//! Signatures that GnuPG and other OpenPGP programs make of commits.

use jiff::Timestamp;
use pgp::composed::{Deserializable as _, DetachedSignature};
use pgp::packet::{Signature, SignatureType, SignatureVersion, Subpacket, SubpacketData};

use super::certificate::{Certificate, Part, is_strong};
use super::{SIGN, unlisted};

/// Returns which of `certificates` made the armoured signature of `signed`; or why none did, and the mend.
///
/// `committed` is when the commit says that it was made. The key must have been good both then and when the signature
/// says that it was made. Whoever signs chooses both times: a key that was stolen has to be taken out of the list, its
/// expiry is no defence.
pub(super) fn verify(
    certificates: &[Certificate],
    signature: &str,
    signed: &[u8],
    committed: Option<Timestamp>,
) -> Result<String, String> {
    let signature = read(signature)?;
    let issuer = issuer(&signature).ok_or_else(|| format!("its signature does not say whose it is; {SIGN}"))?;
    let parts =
        certificates.iter().flat_map(|certificate| certificate.parts.iter().map(move |part| (certificate, part)));
    let listed = parts.filter(|(_, part)| part.made(&signature)).min_by_key(|(_, part)| part.cannot_sign.is_some());
    let (certificate, part) = listed.ok_or_else(|| unlisted("OpenPGP", &issuer, certificates.is_empty()))?;

    let Certificate { name, .. } = certificate;
    part.verify(&signature, signed)
        .map_err(|_| format!("its signature does not fit: it was changed after {name} signed it; {SIGN}"))?;
    if let Some(why) = &part.cannot_sign {
        return Err(format!("it was signed with the key {issuer} of {name}, {why}; {SIGN}"));
    }
    lived(part, &signature, committed).map_err(|why| format!("the key {issuer} of {name} {why}; {SIGN}"))?;
    Ok(name.clone())
}

/// Reads exactly one signature, of a kind that vouches for a commit.
fn read(armoured: &str) -> Result<Signature, String> {
    let unreadable = |why: String| format!("its signature cannot be read ({why}); {SIGN}");
    let (mut found, _) =
        DetachedSignature::from_string_many(armoured).map_err(|error| unreadable(error.to_string()))?;
    let first = found.next().ok_or_else(|| unreadable("there is none in it".to_owned()))?;
    let signature = first.map_err(|error| unreadable(error.to_string()))?.signature;
    if found.next().is_some() {
        return Err(unreadable("there is more than one in it".to_owned()));
    }
    match objection(&signature) {
        Some(why) => Err(format!("its signature {why}; {SIGN}")),
        None => Ok(signature),
    }
}

/// Why a signature vouches for no commit, whoever made it.
fn objection(signature: &Signature) -> Option<String> {
    if !matches!(signature.version(), SignatureVersion::V4 | SignatureVersion::V6) {
        return Some("is of a version that is not verified".to_owned());
    }
    if signature.typ() != Some(SignatureType::Binary) {
        return Some("is not one of a file as it is".to_owned());
    }
    if !signature.hash_alg().is_some_and(is_strong) {
        let hash = signature.hash_alg().map(|hash| hash.to_string()).unwrap_or_default();
        return Some(format!("rests on {hash}, which can be forged; use SHA-256 or better (`digest-algo SHA512`)"));
    }
    if signature.created().is_none() {
        return Some("does not say when it was made".to_owned());
    }
    if signature.signature_expiration_time().is_some_and(|length| length.as_secs() > 0) {
        return Some("runs out, and what is in force must not (`default-sig-expire 0`)".to_owned());
    }
    let mut parts = signature.config()?.hashed_subpackets();
    parts.any(is_unknown_condition).then(|| "has a condition that is not understood".to_owned())
}

/// Whether a part of a signature says that it must not be ignored, and means nothing to us.
fn is_unknown_condition(part: &Subpacket) -> bool {
    use SubpacketData::{Experimental, Notation, Other};
    part.is_critical && matches!(part.data, Experimental(..) | Other(..) | Notation(..))
}

/// Who made it, as it says itself: a fingerprint, or the last digits of one.
fn issuer(signature: &Signature) -> Option<String> {
    let print = signature.issuer_fingerprint().first().map(|print| format!("{print:X}"));
    print.or_else(|| signature.issuer_key_id().first().map(hex::encode_upper))
}

/// Whether the key was good when the signature and the commit say that they were made.
fn lived(part: &Part, signature: &Signature, committed: Option<Timestamp>) -> Result<(), String> {
    let signed = signature.created().map(|at| i64::from(at.as_secs())).unwrap_or_default();
    if signed < part.from {
        return Err(format!("was made after what it signed ({})", shown(signed)));
    }
    let latest = committed.map_or(signed, |at| signed.max(at.as_second()));
    match part.until {
        Some(until) if latest >= until => {
            Err(format!("had expired ({}) when it was signed ({})", shown(until), shown(latest)))
        }
        _ => Ok(()),
    }
}

fn shown(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| format!("second {second}"), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use crate::git::signers::Signers;

    macro_rules! fixture {
        ($name:literal) => {
            include_str!(concat!("../../../tests/fixtures/", $name))
        };
    }

    const ANN: &str = fixture!("gpg-ann.asc");
    const BOB: &str = fixture!("gpg-bob.asc");
    const BY_ANN: &str = fixture!("gpg-ann.commit");
    const BY_BOB: &str = fixture!("gpg-bob.commit");

    /// Who of `keys` signed `raw`, or why none did.
    fn verify(keys: &[&str], raw: &str) -> Result<String, String> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        Signers::parse(&keys).unwrap().verify(raw.as_bytes(), "gpgsig")
    }

    /// Why `keys` did not sign `raw`.
    fn refusal(keys: &[&str], raw: &str) -> String {
        let why = verify(keys, raw).unwrap_err();
        assert!(why.contains("; sign it (`git commit --amend -S`)"), "it says how to mend it: {why}");
        why
    }

    #[test]
    fn commits_that_git_and_gnupg_signed_are_verified() {
        assert_eq!(verify(&[BOB, ANN], BY_ANN).as_deref(), Ok("Ann Example <ann@example.org>"));
        assert_eq!(verify(&[ANN, BOB], BY_BOB).as_deref(), Ok("Bob <bob@example.org>"));
        assert!(ANN.contains('\n') && verify(&[&format!("\n{ANN}\n\n")], BY_ANN).is_ok(), "blank lines are no matter");
    }

    #[test]
    fn a_foreign_signature_is_not_accepted() {
        let why = refusal(&[BOB], BY_ANN);
        assert!(why.starts_with("the OpenPGP key that signed it ("), "{why}");
        assert!(why.contains(") is not listed under `signers`; "), "{why}");
    }

    #[test]
    fn every_byte_outside_the_signature_is_vouched_for() {
        let signers = Signers::parse(&[ANN.to_owned()]).unwrap();
        let vouched = (0..BY_ANN.find("gpgsig").unwrap()).chain(BY_ANN.find("\n\n").unwrap()..BY_ANN.len());
        for at in vouched {
            let mut tampered = BY_ANN.as_bytes().to_vec();
            tampered[at] ^= 1;
            assert!(signers.verify(&tampered, "gpgsig").is_err(), "byte {at} was changed");
        }
        let why = refusal(&[ANN], &BY_ANN.replace("Change the shop", "Change the Shop"));
        assert!(why.contains("it was changed after Ann Example <ann@example.org> signed it"), "{why}");
        assert!(refusal(&[BOB], &BY_BOB.replace("Change", "change")).contains("it was changed after Bob"));
    }

    #[test]
    fn a_key_is_good_until_it_expires() {
        let carol = fixture!("gpg-carol.asc");
        assert_eq!(
            verify(&[carol], fixture!("gpg-carol-before.commit")).as_deref(),
            Ok("Carol <carol@example.org>"),
            "what was signed in time stays signed"
        );
        let why = refusal(&[carol], fixture!("gpg-carol-after.commit"));
        assert!(why.contains("had expired (2025-01-01T"), "{why}");
        assert!(why.contains("when it was signed (2025-06-01T00:00:00Z)"), "{why}");
    }

    #[test]
    fn a_revoked_subkey_signs_nothing() {
        let why = refusal(&[fixture!("gpg-dora.asc")], fixture!("gpg-dora.commit"));
        assert!(why.contains("of Dora <dora@example.org>, which is revoked"), "{why}");
    }

    #[test]
    fn a_key_that_is_not_for_signing_signs_nothing() {
        let why = refusal(&[ANN], fixture!("gpg-ann-primary.commit"));
        assert!(why.contains("of Ann Example <ann@example.org>, which is not one for signing"), "{why}");
    }

    #[test]
    fn a_subkey_that_does_not_vouch_back_is_not_believed() {
        let thief = fixture!("gpg-bob-took-anns-subkey.asc");
        let why = refusal(&[thief], BY_ANN);
        assert!(why.contains("of Bob <bob@example.org>, which the primary key does not vouch for"), "{why}");
        assert_eq!(verify(&[thief, ANN], BY_ANN).as_deref(), Ok("Ann Example <ann@example.org>"), "it hides nobody");
    }

    #[test]
    fn weak_and_passing_signatures_are_not_accepted() {
        let why = refusal(&[BOB], fixture!("gpg-sha1.commit"));
        assert!(why.contains("rests on SHA1, which can be forged"), "{why}");
        let why = refusal(&[BOB], fixture!("gpg-runs-out.commit"));
        assert!(why.contains("runs out, and what is in force must not"), "{why}");
    }

    #[test]
    fn keys_that_could_never_sign_are_refused_at_once() {
        let refused = |text: &str| Signers::parse(&[text.to_owned()]).err().unwrap();
        for (text, what, mend) in [
            (fixture!("gpg-erik-revoked.asc"), "is revoked", "remove it"),
            (fixture!("gpg-fay-cannot-sign.asc"), "cannot sign", "--quick-add-key"),
            (fixture!("gpg-gus-rsa1024.asc"), "has no key to sign with that is sound", "--quick-add-key"),
            (fixture!("gpg-hal-sha1.asc"), "does not vouch for itself with SHA-256", "--quick-set-expire"),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlFgE\n", "it is a private key", "gpg --armor --export"),
            ("-----BEGIN PGP MESSAGE-----\n\nlFgE\n", "not a public key", "gpg --armor --export"),
            ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nlFgE\n", "it is not an OpenPGP public key", "gpg --armor"),
        ] {
            let problem = refused(text);
            assert_eq!(problem.key, "signers[0]");
            assert!(problem.what.contains(what) && problem.mend.contains(mend), "{problem}");
        }
    }
}
