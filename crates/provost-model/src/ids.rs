//! Names and ids, checked where they are made, so that everything behind can paste them into paths and URLs.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The longest name of a manifest, in characters: the container names made of it stay below 128.
pub const NAME_LENGTH_MAX: usize = 52;

/// The name of a manifest: a DNS label of at most 52 characters (`[a-z0-9]`, and `-` between them).
///
/// Names and ids are copied into every fact, record and container: their text is shared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "Arc<str>")]
pub struct Name(Arc<str>);

/// Why a text is not a [`Name`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or only white space.
    #[error("a name must not be empty")]
    Empty,
    /// More than [`NAME_LENGTH_MAX`] characters.
    #[error("a name has at most {NAME_LENGTH_MAX} characters; this one has {0}")]
    TooLong(usize),
    /// A character that a DNS label does not have, or `-` at an end.
    #[error("a name is made of a-z, 0-9 and - (not first or last); {0:?} is not")]
    NotALabel(String),
}

impl Name {
    /// Checks `text` and makes it a name.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() {
            Err(NameError::Empty)
        } else if !text.chars().all(inner) || text.starts_with('-') || text.ends_with('-') {
            Err(NameError::NotALabel(text))
        } else if text.len() > NAME_LENGTH_MAX {
            Err(NameError::TooLong(text.len()))
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.as_str().to_owned()
    }
}

impl From<Name> for Arc<str> {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Declares an id: a checked text of `[A-Za-z0-9][A-Za-z0-9_.-]*`, at most 128 characters long.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "Arc<str>")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `text` and makes it an id.
            pub fn parse(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                if is_id(&text) { Ok(Self(text.into())) } else { Err(IdError(text)) }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl From<$name> for Arc<str> {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

/// A text that is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an id: letters, digits, `_`, `.` and `-`, beginning with a letter or digit, at most 128")]
pub struct IdError(pub String);

fn is_id(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

id! {
    /// A run: a function of its automation and what caused it (D2), and readable: `nightly.20261120T020000Z`.
    RunId
}
id! {
    /// Something that happened, once.
    EventId
}
id! {
    /// A container's name: a function of (instance, run or event, step), R3.
    ContainerName
}
id! {
    /// What a caller of an action has in hand: a UUID.
    JobId
}
id! {
    /// One commit of a source (or the digest of a folder).
    RevisionId
}
id! {
    /// The name of one Provost on an engine; every container of it carries it as a label.
    Instance
}

/// What ids of runs of services have after the dot.
const SERVICE_RUN: &str = "up-";

impl RunId {
    /// The run of `automation` for `due`.
    pub fn scheduled(automation: &Name, due: Timestamp) -> Self {
        Self(format!("{automation}.{}", due.strftime("%Y%m%dT%H%M%SZ")).into())
    }

    /// The run of `automation` that `cause` asked for (an event's id, a request's id).
    pub fn caused(automation: &Name, cause: &str) -> Self {
        Self(format!("{automation}.{}", &Digest::of(cause.as_bytes()).as_str()[..12]).into())
    }

    /// The run of the service `name` that `cause` asked for.
    pub fn of_service(name: &Name, cause: &str) -> Self {
        Self(format!("{name}.{SERVICE_RUN}{}", &Digest::of(cause.as_bytes()).as_str()[..12]).into())
    }

    /// Whether it is a run of a service.
    pub fn is_of_service(&self) -> bool {
        self.0.split_once('.').is_some_and(|(_, rest)| rest.starts_with(SERVICE_RUN))
    }

    /// The name of the automation that it is a run of.
    pub fn automation(&self) -> &str {
        self.0.split_once('.').map_or(self.as_str(), |(automation, _)| automation)
    }
}

impl EventId {
    /// The event that `parts` identify: the same parts give the same id.
    pub fn derived(parts: &[&str]) -> Self {
        Self(format!("e{}", &Digest::of(parts.join("\0").as_bytes()).as_str()[..16]).into())
    }
}

impl ContainerName {
    /// The container of `step` of `owner` on `instance`: `provost-<instance>-<owner>-<step>`.
    ///
    /// A name that would be longer than 120 characters keeps its head and gets a digest as its tail.
    pub fn of(instance: &Instance, owner: &str, step: &str) -> Self {
        let whole = ["provost", instance.as_str(), owner, step].join("-");
        if whole.len() <= 120 {
            return Self(whole.into());
        }
        let digest = Digest::of(whole.as_bytes());
        Self(format!("{}-{}", &whole[..100], &digest.as_str()[..16]).into())
    }
}

/// A SHA-256 in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(bytes)))
    }

    /// The digest of the JSON of `value`; maps are written in the order of their keys.
    pub fn of_json(value: &impl Serialize) -> Self {
        Self::of(&serde_json::to_vec(value).unwrap_or_default())
    }

    /// All 64 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 characters, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        for good in ["a", "nightly-backup", "0", &"a".repeat(52)] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ä", &"a".repeat(53)] {
            assert!(Name::new(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn ids_cannot_leave_a_path() {
        for bad in ["", ".", "../x", "a/b", "a?b", "a b", &"a".repeat(129)] {
            assert!(ContainerName::parse(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn d2_a_run_id_is_a_function_of_automation_and_due_time() {
        let name = Name::new("nightly").unwrap();
        let due: Timestamp = "2026-11-20T02:00:00Z".parse().unwrap();
        assert_eq!(RunId::scheduled(&name, due).as_str(), "nightly.20261120T020000Z");
        assert_eq!(RunId::caused(&name, "e1"), RunId::caused(&name, "e1"));
        assert_ne!(RunId::caused(&name, "e1"), RunId::caused(&name, "e2"));
    }

    #[test]
    fn r3_container_names_stay_short_and_distinct() {
        let instance = Instance::parse("i".repeat(60)).unwrap();
        let long = |step: &str| ContainerName::of(&instance, &"r".repeat(90), step);
        assert!(long("main.1").as_str().len() <= 120);
        assert_ne!(long("main.1"), long("main.2"));
    }
}
