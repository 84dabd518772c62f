//! What an image is, apart from its files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::blob::Digest;

/// The description of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSpec {
    /// Repository and tag, `provost/toolbox:0.1.0`.
    pub reference: String,
    /// The processor, in Go's words: `amd64`, `arm64`; [`architecture`] knows this machine's.
    pub architecture: String,
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// The arguments if none are given.
    pub command: Vec<String>,
    /// Variables, by name.
    pub env: BTreeMap<String, String>,
    /// `user:group`, as ids or names of the image; empty means root.
    pub user: String,
    /// The folder that it starts in; empty means `/`.
    pub working_dir: String,
    /// Labels, by name.
    pub labels: BTreeMap<String, String>,
}

impl ImageSpec {
    /// The configuration blob of an image with this one uncompressed layer.
    ///
    /// Shape: keys without a value are left out. `created` is the epoch, since the image must not say when it was made.
    /// Source: OCI image specification 1.1, config.md.
    pub(crate) fn config(&self, layer: &Digest) -> Value {
        let mut config = json!({});
        let env: Vec<_> = self.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let parts = [
            ("Entrypoint", json!(self.entrypoint)),
            ("Cmd", json!(self.command)),
            ("Env", json!(env)),
            ("User", json!(self.user)),
            ("WorkingDir", json!(self.working_dir)),
            ("Labels", json!(self.labels)),
        ];
        for (key, value) in parts.into_iter().filter(|(_, value)| !is_empty(value)) {
            config[key] = value;
        }
        json!({
            "architecture": self.architecture,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "provost"}],
        })
    }

    /// The part of the reference after the colon of the tag; `latest` if there is none.
    pub(crate) fn tag(&self) -> &str {
        let name_at = self.reference.rfind('/').map_or(0, |slash| slash + 1);
        self.reference[name_at..].split_once(':').map_or("latest", |(_, tag)| tag)
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// This machine's processor in the words of image configurations, which are Go's.
#[must_use]
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_what_follows_the_last_colon_of_the_name() {
        for (reference, tag) in [
            ("provost/toolbox:0.1.0", "0.1.0"),
            ("provost/toolbox", "latest"),
            ("registry.example.org:5000/toolbox", "latest"),
            ("registry.example.org:5000/toolbox:2", "2"),
        ] {
            let spec = ImageSpec { reference: reference.to_owned(), ..ImageSpec::default() };
            assert_eq!(spec.tag(), tag, "{reference}");
        }
    }

    #[test]
    fn what_is_not_said_is_left_out_of_the_config() {
        let config = ImageSpec::default().config(&Digest::of(b""));
        assert_eq!(config["config"], json!({}));
        let spec = ImageSpec {
            env: BTreeMap::from([("B".to_owned(), "2".to_owned()), ("A".to_owned(), "1".to_owned())]),
            user: "1:2".to_owned(),
            ..ImageSpec::default()
        };
        assert_eq!(spec.config(&Digest::of(b""))["config"], json!({"Env": ["A=1", "B=2"], "User": "1:2"}));
    }
}
