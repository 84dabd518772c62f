//! OpenPGP public keys of those who may sign.

use pgp::composed::{Deserializable as _, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PublicKey, PublicSubkey, Signature, SignatureType, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails as _, PublicParams, SignedUser, Tag};

use super::Wrong;
use crate::git::address::wrong;

/// How the text of a public key begins.
pub(super) const PUBLIC: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
/// How the text of a private key begins.
const PRIVATE: &str = "-----BEGIN PGP PRIVATE KEY BLOCK-----";

/// The length of the smallest RSA key that is trusted, in bytes: 2,048 bits, with the exponent and both lengths.
const RSA_LENGTH_MIN: usize = 2 + 256 + 2 + 1;

/// A person's public key: a primary key and its subkeys, each with what its own signatures say about it.
///
/// Only what the primary key itself vouches for with a hash that cannot be forged is believed. A key that carries a
/// revocation signs nothing, whenever it is dated: nobody can tell since when it is in other hands.
pub(super) struct Certificate {
    /// The main user id, or the fingerprint where there is none.
    pub(super) name: String,
    /// The primary key and the subkeys.
    pub(super) parts: Vec<Part>,
}

/// One key that may have made a signature.
pub(super) struct Part {
    key: Key,
    /// When it was made, in seconds since 1970.
    pub(super) from: i64,
    /// When it stops being good, in seconds since 1970: its own expiry or the primary key's, whichever is first.
    pub(super) until: Option<i64>,
    /// Why it may not sign: "which …".
    pub(super) cannot_sign: Option<&'static str>,
}

enum Key {
    Primary(PublicKey),
    Sub(PublicSubkey),
}

impl Part {
    /// Whether `signature` says that this key made it.
    pub(super) fn made(&self, signature: &Signature) -> bool {
        let (print, id) = match &self.key {
            Key::Primary(key) => (key.fingerprint(), key.legacy_key_id()),
            Key::Sub(key) => (key.fingerprint(), key.legacy_key_id()),
        };
        let prints = signature.issuer_fingerprint();
        if prints.is_empty() { signature.issuer_key_id().contains(&&id) } else { prints.contains(&&print) }
    }

    /// Whether it made `signature`, of exactly these bytes.
    pub(super) fn verify(&self, signature: &Signature, signed: &[u8]) -> Result<(), pgp::errors::Error> {
        match &self.key {
            Key::Primary(key) => signature.verify(key, signed),
            Key::Sub(key) => signature.verify(key, signed),
        }
    }
}

/// Whether nobody can make two texts with one such hash.
pub(super) fn is_strong(hash: HashAlgorithm) -> bool {
    use HashAlgorithm::{Sha3_256, Sha3_512, Sha256, Sha384, Sha512};
    matches!(hash, Sha256 | Sha384 | Sha512 | Sha3_256 | Sha3_512)
}

/// Whether `text` is meant as an OpenPGP key.
pub(super) fn is_meant(text: &str) -> bool {
    text.starts_with("-----BEGIN PGP")
}

impl Certificate {
    /// Reads what `gpg --armor --export KEY` says: one key, with its subkeys.
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        const EXPORT: &str = "write what `gpg --armor --export --export-options export-minimal KEY` says";
        if text.starts_with(PRIVATE) {
            return wrong("it is a private key, which does not belong on a server", EXPORT);
        }
        if !text.starts_with(PUBLIC) {
            return wrong("it is something of OpenPGP, but not a public key", EXPORT);
        }
        let unreadable = |error: pgp::errors::Error| Wrong {
            what: format!("it is not an OpenPGP public key ({error})"),
            mend: EXPORT.to_owned(),
        };
        let (keys, _) = SignedPublicKey::from_string_many(text).map_err(unreadable)?;
        let keys = keys.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        match <[SignedPublicKey; 1]>::try_from(keys) {
            Ok([key]) => Self::of(&key),
            Err(keys) => {
                wrong(format!("it has {} OpenPGP keys in it", keys.len()), "give each key an entry of its own")
            }
        }
    }

    fn of(key: &SignedPublicKey) -> Result<Self, Wrong> {
        let primary = &key.primary_key;
        let print = format!("{:X}", primary.fingerprint());
        if !key.details.revocation_signatures.is_empty() {
            return wrong(format!("the OpenPGP key {print} is revoked"), "remove it, or list the key that replaces it");
        }
        let Some(statement) = newest(statements(key)) else {
            return wrong(
                format!("the OpenPGP key {print} does not vouch for itself with SHA-256 or better"),
                format!("renew it (`gpg --quick-set-expire {print} 2y`) and export it again"),
            );
        };
        let from = i64::from(primary.created_at().as_secs());
        let until = expiry(from, statement);
        let cannot_sign = if !is_sound(primary.public_params()) {
            Some(WEAK)
        } else {
            (has_flags(statement) && !statement.key_flags().sign()).then_some(NOT_FOR_SIGNING)
        };
        let first = Part { key: Key::Primary(primary.clone()), from, until, cannot_sign };
        let subkeys = key.public_subkeys.iter().map(|subkey| subkey_part(primary, subkey, until));
        let parts: Vec<Part> = std::iter::once(first).chain(subkeys).collect();
        if let Some(why) = parts.iter().map(|part| part.cannot_sign).collect::<Option<Vec<_>>>() {
            let weak = why.contains(&WEAK);
            let what = if weak { "has no key to sign with that is sound" } else { "cannot sign" };
            let mend = "use a key that can (`gpg --quick-add-key KEY ed25519 sign`), and export it again";
            return wrong(format!("the OpenPGP key {print} {what}"), mend);
        }
        Ok(Self { name: name(key).unwrap_or(print), parts })
    }
}

const NOT_FOR_SIGNING: &str = "which is not one for signing";
const WEAK: &str = "which is of an old or weak kind";
const REVOKED: &str = "which is revoked";
const UNBOUND: &str = "which the primary key does not vouch for";

/// What the primary key says about itself and its users, signatures of others and weak ones left out.
fn statements(key: &SignedPublicKey) -> impl Iterator<Item = &Signature> {
    let primary = &key.primary_key;
    let direct = key.details.direct_signatures.iter().filter(|signature| signature.verify_key(primary).is_ok());
    let users = key.details.users.iter().filter_map(|user| of_user(primary, user));
    direct.chain(users).filter(|signature| signature.hash_alg().is_some_and(is_strong))
}

/// What the primary key says about one of its users, unless it took that back.
fn of_user<'a>(primary: &PublicKey, user: &'a SignedUser) -> Option<&'a Signature> {
    let own = user.signatures.iter().filter(|it| it.verify_certification(primary, Tag::UserId, &user.id).is_ok());
    newest(own).filter(|it| it.typ() != Some(SignatureType::CertRevocation))
}

/// The subkey with what its newest binding says; `until` is when the primary key stops being good.
fn subkey_part(primary: &PublicKey, subkey: &SignedPublicSubKey, until: Option<i64>) -> Part {
    let from = i64::from(subkey.key.created_at().as_secs());
    let bound = subkey.signatures.iter().filter(|binding| {
        binding.typ() == Some(SignatureType::SubkeyBinding)
            && binding.hash_alg().is_some_and(is_strong)
            && binding.verify_subkey_binding(primary, &subkey.key).is_ok()
    });
    let binding = newest(bound);
    let revoked = subkey.signatures.iter().any(|it| it.typ() == Some(SignatureType::SubkeyRevocation));
    let cannot_sign = match binding {
        _ if revoked => Some(REVOKED),
        None => Some(UNBOUND),
        Some(binding) if !binding.key_flags().sign() => Some(NOT_FOR_SIGNING),
        Some(binding) if !vouches_back(primary, subkey, binding) => Some(UNBOUND),
        Some(_) => (!is_sound(subkey.key.public_params())).then_some(WEAK),
    };
    let own = binding.and_then(|binding| expiry(from, binding));
    let until = own.into_iter().chain(until).min();
    Part { key: Key::Sub(subkey.key.clone()), from, until, cannot_sign }
}

/// Whether the subkey agrees to belong to the primary key: else anybody could take another's signing key for a subkey.
fn vouches_back(primary: &PublicKey, subkey: &SignedPublicSubKey, binding: &Signature) -> bool {
    binding.embedded_signature().is_some_and(|back| {
        back.hash_alg().is_some_and(is_strong) && back.verify_primary_key_binding(&subkey.key, primary).is_ok()
    })
}

fn newest<'a>(signatures: impl Iterator<Item = &'a Signature>) -> Option<&'a Signature> {
    signatures.max_by_key(|signature| signature.created())
}

/// When a key made at `from` stops being good; a length of zero is none.
fn expiry(from: i64, statement: &Signature) -> Option<i64> {
    let length = statement.key_expiration_time().map(|length| length.as_secs()).filter(|length| *length > 0);
    length.map(|length| from + i64::from(length))
}

fn has_flags(statement: &Signature) -> bool {
    let mut parts = statement.config().into_iter().flat_map(|config| config.hashed_subpackets());
    parts.any(|part| matches!(part.data, SubpacketData::KeyFlags(_)))
}

/// Whether keys of this kind and size are trusted to sign.
fn is_sound(params: &PublicParams) -> bool {
    match params {
        // The exponent of an RSA key has at most five bytes.
        PublicParams::RSA(rsa) => rsa.write_len() >= RSA_LENGTH_MIN,
        PublicParams::ECDSA(ecdsa) => ecdsa.is_supported(),
        PublicParams::EdDSALegacy(_) | PublicParams::Ed25519(_) | PublicParams::Ed448(_) => true,
        _ => false,
    }
}

/// The user id that is marked as the main one, or else the first.
fn name(key: &SignedPublicKey) -> Option<String> {
    let users = key.details.users.iter().filter_map(|user| Some((user, of_user(&key.primary_key, user)?)));
    let users: Vec<_> = users.collect();
    let (user, _) = users.iter().find(|(_, statement)| statement.is_primary()).or(users.first())?;
    let name: String = user.id.as_str()?.chars().filter(|c| !c.is_control()).take(256).collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
