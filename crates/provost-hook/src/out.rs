//! `out/`: what a program answers.

use std::{fs, io, path::Path};

use serde_json::{Map, Value, json};

use crate::Problem;

/// Whether the run may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(Result<(), String>);

impl Answer {
    /// It may.
    pub fn allow() -> Self {
        Self(Ok(()))
    }

    /// It may not, for this reason.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self(Err(reason.into()))
    }

    /// Writes `out/reply.json` in `home`.
    ///
    /// Errors: it cannot be written.
    pub fn write(&self, home: impl AsRef<Path>) -> Result<(), Problem> {
        let reply = match &self.0 {
            Ok(()) => json!({"allow": true}),
            Err(reason) => json!({"allow": false, "reason": reason}),
        };
        save(home.as_ref(), "reply.json", &reply)
    }
}

/// Sets a local in `out/locals.json` of `home`: later steps of the run see it. Others that were set are kept.
///
/// Errors: the file cannot be read or written, or holds something else.
pub fn set_local(home: impl AsRef<Path>, name: &str, value: Value) -> Result<(), Problem> {
    let path = home.as_ref().join("out/locals.json");
    let mut locals = match fs::read_to_string(&path) {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|error| Problem::work(format!("{}: {error}", path.display())))?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
        Err(error) => return Err(Problem::at("read", &path, &error)),
    };
    locals.insert(name.to_owned(), value);
    save(home.as_ref(), "locals.json", &Value::Object(locals))
}

fn save(home: &Path, name: &str, value: &Value) -> Result<(), Problem> {
    let path = home.join("out").join(name);
    fs::write(&path, value.to_string()).map_err(|error| Problem::at("write", &path, &error))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn answers_and_locals_are_written() {
        let home = tempfile::tempdir().unwrap();
        assert!(Answer::allow().write(home.path()).unwrap_err().message.contains("cannot write"));
        fs::create_dir(home.path().join("out")).unwrap();
        let read = |name: &str| fs::read_to_string(home.path().join("out").join(name)).unwrap();
        Answer::deny("frozen").write(home.path()).unwrap();
        assert_eq!(read("reply.json"), r#"{"allow":false,"reason":"frozen"}"#);
        Answer::allow().write(home.path()).unwrap();
        assert_eq!(read("reply.json"), r#"{"allow":true}"#);
        set_local(home.path(), "b", json!({"path": "/x"})).unwrap();
        set_local(home.path(), "a", json!(1)).unwrap();
        assert_eq!(read("locals.json"), r#"{"a":1,"b":{"path":"/x"}}"#);
    }
}
