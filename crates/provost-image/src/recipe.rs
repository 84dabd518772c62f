//! `image.json`: how an image of this repository is made, as data.

use std::{collections::BTreeMap, io};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{Archive, Entry, ImageSpec, PackError, architecture, pack};

/// What `image.json` says.
///
/// ```json
/// {"name": "provost/toolbox", "entrypoint": ["/toolbox"], "user": "65532:65532",
///  "files": [{"path": "toolbox", "mode": "0755", "from": "provost-toolbox"}],
///  "directories": [{"path": "data", "mode": "0755", "owner": "65532:65532"}]}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Recipe {
    /// The repository of the image, without a tag.
    pub name: String,
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// The arguments if none are given.
    #[serde(default)]
    pub command: Vec<String>,
    /// Variables, by name.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// `user:group`; root if it is left out.
    #[serde(default)]
    pub user: String,
    /// The folder that it starts in; `/` if it is left out.
    #[serde(default)]
    pub working_dir: String,
    /// Labels, by name.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Files to copy in.
    pub files: Vec<File>,
    /// Folders that need an owner or permissions of their own, such as those that volumes are mounted on.
    #[serde(default)]
    pub directories: Vec<Directory>,
}

/// A file of a [`Recipe`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct File {
    /// Where it goes, relative to the image's root.
    pub path: String,
    /// Its permissions.
    pub mode: Mode,
    /// Its owner; root if it is left out.
    #[serde(default)]
    pub owner: Owner,
    /// What it is made from: a name that the caller of [`Recipe::pack`] understands.
    pub from: String,
}

/// A folder of a [`Recipe`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Directory {
    /// Where it is, relative to the image's root.
    pub path: String,
    /// Its permissions.
    pub mode: Mode,
    /// Its owner; root if it is left out.
    #[serde(default)]
    pub owner: Owner,
}

/// Permissions, written as octal text: `"0755"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u32);

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if mode <= 0o7777 => Ok(Self(mode)),
            _ => Err(D::Error::custom(format!("`{text}` is not a mode; write it like \"0755\""))),
        }
    }
}

/// A user and a group id, written as `"65532:65532"`; root by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user's id.
    pub user: u32,
    /// The group's id.
    pub group: u32,
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let ids = text.split_once(':').and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)));
        let (user, group) =
            ids.ok_or_else(|| D::Error::custom(format!("`{text}` is not an owner; write it like \"65532:65532\"")))?;
        Ok(Self { user, group })
    }
}

/// Why an image cannot be made from its recipe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// `image.json` is not one.
    #[error("the image's description is not valid; mend image.json")]
    Description(#[source] serde_json::Error),
    /// A file that the image is made from cannot be had.
    #[error("cannot read `{from}`, which the image needs at `{path}`")]
    File {
        /// The `from` of the file.
        from: String,
        /// Its place in the image.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The image cannot be packed.
    #[error("cannot pack the image")]
    Pack(#[source] PackError),
}

impl Recipe {
    /// Reads an `image.json`. Errors: [`RecipeError::Description`] with line and column, also for unknown fields.
    pub fn parse(json: &str) -> Result<Self, RecipeError> {
        serde_json::from_str(json).map_err(RecipeError::Description)
    }

    /// Makes the image, for this machine's processor, with this tag. `read` is asked for the bytes of each `from`.
    pub fn pack(&self, tag: &str, mut read: impl FnMut(&str) -> io::Result<Vec<u8>>) -> Result<Archive, RecipeError> {
        let mut entries = Vec::new();
        for Directory { path, mode, owner } in &self.directories {
            entries.push(Entry::directory(path, mode.0).owned_by(owner.user, owner.group));
        }
        for File { path, mode, owner, from } in &self.files {
            let bytes =
                read(from).map_err(|source| RecipeError::File { from: from.clone(), path: path.clone(), source })?;
            entries.push(Entry::file(path, mode.0, bytes).owned_by(owner.user, owner.group));
        }
        pack(&self.spec(tag), &entries).map_err(RecipeError::Pack)
    }

    fn spec(&self, tag: &str) -> ImageSpec {
        ImageSpec {
            reference: format!("{}:{tag}", self.name),
            architecture: architecture().to_owned(),
            entrypoint: self.entrypoint.clone(),
            command: self.command.clone(),
            env: self.env.clone(),
            user: self.user.clone(),
            working_dir: self.working_dir.clone(),
            labels: self.labels.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use std::error::Error as _;

    use super::*;

    const RECIPE: &str = r#"{
        "name": "example/tiny", "entrypoint": ["/tool"], "user": "7:8",
        "files": [{"path": "tool", "mode": "0755", "from": "the-tool"}],
        "directories": [{"path": "data", "mode": "1777", "owner": "7:8"}]
    }"#;

    #[test]
    fn a_recipe_gives_the_image_that_it_describes() {
        let archive = Recipe::parse(RECIPE).unwrap().pack("2", |from| Ok(from.as_bytes().to_vec())).unwrap();
        let spec = ImageSpec {
            reference: "example/tiny:2".to_owned(),
            architecture: architecture().to_owned(),
            entrypoint: vec!["/tool".to_owned()],
            user: "7:8".to_owned(),
            ..ImageSpec::default()
        };
        let entries =
            [Entry::file("tool", 0o755, b"the-tool".to_vec()), Entry::directory("data", 0o1777).owned_by(7, 8)];
        assert_eq!(archive, pack(&spec, &entries).unwrap());
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, expected) in [
            ("\"0755\"", "\"0999\"", "`0999` is not a mode"),
            ("\"7:8\"}", "\"root\"}", "`root` is not an owner"),
            ("\"user\"", "\"usr\"", "unknown field `usr`"),
            ("\"name\": \"example/tiny\",", "", "missing field `name`"),
        ] {
            let error = Recipe::parse(&RECIPE.replace(from, to)).unwrap_err();
            let source = error.source().unwrap().to_string();
            assert!(source.contains(expected), "{source}");
        }
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let missing = |_: &str| Err(io::Error::from(io::ErrorKind::NotFound));
        let error = Recipe::parse(RECIPE).unwrap().pack("2", missing).unwrap_err();
        assert_eq!(error.to_string(), "cannot read `the-tool`, which the image needs at `tool`");
    }
}
