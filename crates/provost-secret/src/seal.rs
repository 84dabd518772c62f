//! Sealing and opening.

use std::io::{self, Read as _, Write as _};
use std::ops::Range;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::{DecryptError, Decryptor, Encryptor};
use secrecy::zeroize::Zeroizing;

use crate::{Key, Recipient, SecretValue};

/// The longest value, in bytes: sealed, it fits into a manifest with room to spare.
pub const VALUE_BYTES_MAX: usize = 64 << 10;

const HEAD: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const FOOT: &str = "-----END AGE ENCRYPTED FILE-----";

/// Why a value is not sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Nobody could ever open it.
    #[error("there is nobody to seal it for")]
    NoRecipient,
    /// It is too long.
    #[error("the value has {0} bytes; at most {VALUE_BYTES_MAX} can be a secret")]
    TooLong(usize),
    /// It is empty.
    #[error("the value is empty")]
    Empty,
    /// The cipher failed.
    #[error("the value cannot be sealed: {0}")]
    Failed(String),
}

/// Why a sealed value does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is sealed for others.
    #[error("it is not sealed for the key {0}")]
    OtherKey(Recipient),
    /// It is sealed with a passphrase, which a server has nobody to ask for.
    #[error("it is sealed with a passphrase")]
    Passphrase,
    /// It is no age file, or was changed or cut.
    #[error("it is damaged ({0})")]
    Damaged(String),
    /// Its value is too long.
    #[error("its value has more than {VALUE_BYTES_MAX} bytes")]
    TooLong,
}

/// Seals `value` so that each of `recipients` can open it, and returns the armour. Twice the same value is sealed
/// differently.
pub fn seal(value: &SecretValue, recipients: &[Recipient]) -> Result<String, SealError> {
    let bytes = value.expose();
    match bytes.len() {
        0 => return Err(SealError::Empty),
        length if length > VALUE_BYTES_MAX => return Err(SealError::TooLong(length)),
        _ if recipients.is_empty() => return Err(SealError::NoRecipient),
        _ => {}
    }
    let failed = |error: &dyn std::fmt::Display| SealError::Failed(error.to_string());
    let recipients = recipients.iter().map(|recipient| &recipient.0 as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).map_err(|error| failed(&error))?;
    let write = || -> io::Result<Vec<u8>> {
        let armour = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armour)?;
        writer.write_all(bytes)?;
        writer.finish()?.finish()
    };
    let armour = write().map_err(|error| failed(&error))?;
    String::from_utf8(armour).map_err(|error| failed(&error))
}

/// Opens `armour` with `key`.
pub fn open(armour: &str, key: &Key) -> Result<SecretValue, OpenError> {
    let refused = |error: DecryptError| match error {
        DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed => OpenError::OtherKey(key.recipient()),
        error => OpenError::Damaged(error.to_string()),
    };
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(armour.trim().as_bytes())).map_err(refused)?;
    if decryptor.is_scrypt() {
        return Err(OpenError::Passphrase);
    }
    let mut reader = decryptor.decrypt(key.identities().map(|key| key as &dyn age::Identity)).map_err(refused)?;
    // All of its room at once: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(VALUE_BYTES_MAX + 1));
    let most = u64::try_from(VALUE_BYTES_MAX + 1).unwrap_or(u64::MAX);
    let read = reader.by_ref().take(most).read_to_end(&mut bytes);
    read.map_err(|error| OpenError::Damaged(error.to_string()))?;
    if bytes.len() > VALUE_BYTES_MAX {
        return Err(OpenError::TooLong);
    }
    Ok(SecretValue::new(bytes.to_vec()))
}

/// An armour in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armour {
    /// Where it is: from the head's first dash to the foot's last one.
    pub range: Range<usize>,
    /// Its lines, not indented any more.
    pub text: String,
}

/// The armours in `text` that stand in lines of their own, however far these are indented.
pub fn armours(text: &str) -> Vec<Armour> {
    let mut found = Vec::new();
    let mut start = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        match (line.trim(), start) {
            (HEAD, _) => start = Some(at + indent),
            (FOOT, Some(begun)) => {
                let range = begun..at + indent + FOOT.len();
                let text = text[range.clone()].lines().map(|line| line.trim().to_owned() + "\n").collect();
                found.push(Armour { range, text });
                start = None;
            }
            _ => {}
        }
        at += line.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> SecretValue {
        SecretValue::new(text.as_bytes().to_vec())
    }

    #[test]
    fn a35_each_recipient_opens_it_and_nobody_else() {
        let (server, person, other) = (Key::make(), Key::make(), Key::make());
        let armour = seal(&value("hunter2"), &[server.recipient(), person.recipient()]).unwrap();
        assert!(armour.starts_with(HEAD) && armour.trim_end().ends_with(FOOT) && !armour.contains("hunter2"));
        for key in [&server, &person] {
            assert_eq!(open(&armour, key).unwrap().expose(), b"hunter2");
        }
        assert_eq!(open(&armour, &other).unwrap_err(), OpenError::OtherKey(other.recipient()));
        assert_ne!(seal(&value("hunter2"), &[server.recipient()]), seal(&value("hunter2"), &[server.recipient()]));
    }

    #[test]
    fn a_key_of_several_opens_what_any_of_them_can() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let second = Key::open_or_make(&a).unwrap();
        Key::open_or_make(&b).unwrap();
        let both = [std::fs::read_to_string(&b).unwrap(), std::fs::read_to_string(&a).unwrap()].concat();
        std::fs::write(&b, both).unwrap();
        let armour = seal(&value("x"), &[second.recipient()]).unwrap();
        assert_eq!(open(&armour, &Key::read(&b).unwrap()).unwrap().expose(), b"x");
    }

    #[test]
    fn what_was_changed_or_cut_does_not_open() {
        let key = Key::make();
        let armour = seal(&value(&"x".repeat(1_000)), &[key.recipient()]).unwrap();
        let lines: Vec<&str> = armour.lines().collect();
        let cut = [&lines[..lines.len() - 3], &lines[lines.len() - 1..]].concat().join("\n");
        let (head, tail) = armour.split_at(armour.len() / 2);
        let swapped = format!("{head}{}{}", if tail.starts_with('A') { "B" } else { "A" }, &tail[1..]);
        for broken in [cut.as_str(), &swapped, "", "not age", HEAD] {
            assert!(matches!(open(broken, &key), Err(OpenError::Damaged(_))), "{broken}: {:?}", open(broken, &key));
        }
    }

    #[test]
    fn a_passphrase_is_asked_of_nobody() {
        // Made with `age --passphrase --armor`, work factor 2.
        let mut encryptor = age::scrypt::Recipient::new("word".to_owned().into());
        encryptor.set_work_factor(2);
        let armour = age::encrypt_and_armor(&encryptor, b"x").unwrap();
        assert_eq!(open(&armour, &Key::make()).unwrap_err(), OpenError::Passphrase);
    }

    #[test]
    fn nothing_too_much_and_for_nobody_is_not_sealed() {
        let to = [Key::make().recipient()];
        assert_eq!(seal(&value(""), &to), Err(SealError::Empty));
        assert_eq!(seal(&value("x"), &[]), Err(SealError::NoRecipient));
        let longest = seal(&value(&"x".repeat(VALUE_BYTES_MAX)), &to).unwrap();
        assert!(longest.len() < 128 << 10, "{}", longest.len());
        assert_eq!(seal(&value(&"x".repeat(VALUE_BYTES_MAX + 1)), &to), Err(SealError::TooLong(VALUE_BYTES_MAX + 1)));
    }

    #[test]
    fn armours_are_found_in_manifests() {
        let armour = seal(&value("x"), &[Key::make().recipient()]).unwrap();
        let indented: String = armour.lines().map(|line| format!("    {line}\n")).collect();
        let text = format!("# two\nspec:\n  age: |\n{indented}---\nspec:\n  age: |\n{indented}");
        let found = armours(&text);
        assert_eq!(found.len(), 2);
        for there in found {
            assert_eq!(there.text, armour);
            assert!(text[there.range.clone()].starts_with(HEAD) && text[there.range].ends_with(FOOT));
        }
        assert_eq!(armours("age: \"-----BEGIN AGE ENCRYPTED FILE-----\\n\""), Vec::new());
    }
}
