//! The value of a secret.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

/// The value of a secret: any bytes. It is overwritten when it is dropped, and `Debug` shows its length only.
#[derive(Clone)]
pub struct SecretValue(SecretSlice<u8>);

impl SecretValue {
    /// Takes `bytes`.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// Shows the bytes.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The value as a text; absent if it is none, or has a NUL in it.
    pub fn text(&self) -> Option<SecretString> {
        str::from_utf8(self.expose()).ok().filter(|text| !text.contains('\0')).map(SecretString::from)
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretValue({} bytes)", self.expose().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a35_a_value_is_not_shown() {
        let value = SecretValue::new(b"hunter2".to_vec());
        assert_eq!(format!("{value:?} {:?}", Some(&value)), "SecretValue(7 bytes) Some(SecretValue(7 bytes))");
        assert!(!format!("{:?}", value.text()).contains("hunter2"));
    }

    #[test]
    fn only_text_can_be_a_variable() {
        let text = |bytes: &[u8]| SecretValue::new(bytes.to_vec()).text().map(|text| text.expose_secret().to_owned());
        assert_eq!(text("pässwörd\n".as_bytes()).as_deref(), Some("pässwörd\n"));
        assert_eq!((text(b"a\0b"), text(b"\xff")), (None, None));
    }
}
