//! Secrets, as everything below the shell knows them: sealed.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Digest, Name};

/// A secret that a container gets, and where. Its value is known to nobody before the container is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretUse {
    /// Which secret.
    pub name: Name,
    /// Its value, as it was in the revision that the container is of.
    pub sealed: Sealed,
    /// The variable that holds it; whoever can look at the container on its engine can read it there.
    pub env: Option<String>,
    /// The path at which the container sees a file with it.
    pub file: Option<String>,
}

impl fmt::Display for SecretUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(file) = &self.file {
            write!(f, " at {file}")?;
        }
        if let Some(env) = &self.env {
            write!(f, " as {env}")?;
        }
        write!(f, " ({})", self.sealed)
    }
}

/// A value that only the holders of certain keys can read: an age file in ASCII armour.
///
/// People see the beginning of its digest, which changes whenever it is sealed anew. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(Arc<str>);

impl Sealed {
    /// Takes `armour` as it is: whether it can be read shows when it is opened.
    pub fn new(armour: impl Into<Arc<str>>) -> Self {
        Self(armour.into())
    }

    /// The armour.
    pub fn armour(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed {}", Digest::of(self.0.as_bytes()).short())
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({})", Digest::of(self.0.as_bytes()).short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_by_its_digest() {
        let sealed = Sealed::new("-----BEGIN AGE ENCRYPTED FILE-----");
        let name = Name::new("db-password").unwrap();
        let (env, file) = (Some("PGPASSWORD".to_owned()), Some("/run/secrets/db-password".to_owned()));
        let text = SecretUse { name, sealed: sealed.clone(), env, file }.to_string();
        assert!(text.starts_with("db-password at /run/secrets/db-password as PGPASSWORD (sealed "), "{text}");
        assert!(!format!("{sealed:?} {text}").contains("BEGIN"));
        assert_ne!(sealed.to_string(), Sealed::new("another").to_string());
    }
}
