//! `package.toml`: what a package is made of.

use std::collections::BTreeMap;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use provost_image::{Files, Label, Package, PackedFile};
use serde::Deserialize;

use super::unpack;
use crate::exit::Failure;

/// The definition's file name.
pub const FILE: &str = "package.toml";

/// What a package is made of.
///
/// ```toml
/// name = "warehouse"
/// version = "1.2.0"
/// description = "Counts what is on the shelves."
/// images = ["images/warehouse.tar"]
///
/// [[files]]                       # without any: every manifest (*.yaml, *.yml) of the folder
/// from = "build.zip"              # a zip, tar, tar.gz or tar.bz2, here or at a URL; without it: the folder itself
/// include = ["dist/**"]
/// exclude = ["**/*.tmp"]
/// removePrefix = "dist/"
/// prefix = "plugins/warehouse/"
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Definition {
    name: String,
    version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    files: Vec<FileMap>,
    #[serde(default)]
    images: Vec<String>,
}

/// Which files go into the package, and under which names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FileMap {
    from: Option<String>,
    #[serde(default = "everything")]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    remove_prefix: String,
    #[serde(default)]
    prefix: String,
}

fn everything() -> Vec<String> {
    vec!["**".to_owned()]
}

impl Definition {
    /// Reads the definition in `folder`.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let failure = Failure::not_found(format!("{} cannot be read: {error}", path.display()));
            failure.help("a package begins with two lines: name = \"…\" and version = \"1.0.0\"")
        })?;
        let definition: Self =
            toml::from_str(&text).map_err(|error| Failure::no(format!("{}: {error}", path.display())))?;
        provost_model::Name::new(definition.name.as_str())
            .map_err(|error| Failure::no(format!("{}: name: {error}", path.display())))?;
        let is_tag = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
        if definition.version.is_empty() || definition.version.len() > 128 || !definition.version.chars().all(is_tag) {
            let failure = Failure::no(format!("{}: `{}` is no version", path.display(), definition.version));
            return Err(failure.help("a version is like 1.2.0: letters, digits, `.`, `-` and `_`, at most 128"));
        }
        Ok(definition)
    }

    /// Makes the package of what is in `folder`.
    pub fn pack(&self, folder: &Path) -> Result<Package, Failure> {
        let label =
            Label { name: self.name.clone(), version: self.version.clone(), description: self.description.clone() };
        Package::pack(&label, &self.gather(folder)?, &self.images(folder)?).map_err(Failure::no)
    }

    fn gather(&self, folder: &Path) -> Result<Files, Failure> {
        let here = unpack::folder(folder).map_err(|error| Failure::no(format!("{}: {error}", folder.display())))?;
        if self.files.is_empty() {
            let is_manifest = |path: &String| path.ends_with(".yaml") || path.ends_with(".yml");
            return Ok(here.into_iter().filter(|(path, _)| is_manifest(path)).collect());
        }
        let mut files = Files::new();
        for map in &self.files {
            let source = match &map.from {
                Some(from) => unpack::archive(folder, from)?,
                None => here.clone(),
            };
            for (path, file) in map.apply(source)? {
                if let Some(other) = files.insert(path.clone(), file) {
                    drop(other);
                    let failure = Failure::no(format!("`{path}` is mapped twice"));
                    return Err(failure.help("narrow one of the `include` patterns, or give it another `prefix`"));
                }
            }
        }
        Ok(files)
    }

    fn images(&self, folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
        let read = |name: &String| {
            let path = folder.join(name);
            let bytes = std::fs::read(&path)
                .map_err(|error| Failure::not_found(format!("{} cannot be read: {error}", path.display())))?;
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok((file, bytes))
        };
        self.images.iter().map(read).collect()
    }
}

impl FileMap {
    /// The files that are meant, under their new names.
    fn apply(&self, source: Files) -> Result<Vec<(String, PackedFile)>, Failure> {
        let (include, exclude) = (globs(&self.include)?, globs(&self.exclude)?);
        let meant: Vec<_> =
            source.into_iter().filter(|(path, _)| include.is_match(path) && !exclude.is_match(path)).collect();
        if meant.is_empty() {
            let place = self.from.as_deref().unwrap_or("the folder");
            return Err(Failure::no(format!("{:?} matches no file of {place}", self.include)));
        }
        let renamed = |path: &str| {
            let rest = path.strip_prefix(&self.remove_prefix).unwrap_or(path);
            format!("{}{}", self.prefix, rest)
        };
        Ok(meant.into_iter().map(|(path, file)| (renamed(&path), file)).collect())
    }
}

fn globs(patterns: &[String]) -> Result<GlobSet, Failure> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        // `*` stays within a folder, `**` does not.
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        set.add(glob.map_err(|error| Failure::no(format!("{FILE}: {error}")))?);
    }
    set.build().map_err(|error| Failure::no(format!("{FILE}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(toml: &str) -> FileMap {
        toml::from_str(toml).unwrap()
    }

    fn mapped(toml: &str, paths: &[&str]) -> Vec<String> {
        let file = PackedFile { executable: false, bytes: Vec::new() };
        let source = paths.iter().map(|path| ((*path).to_owned(), file.clone())).collect();
        map(toml).apply(source).unwrap().into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn b37_globs_and_prefixes_say_what_goes_in() {
        let paths = ["dist/a.yaml", "dist/sub/b.yaml", "dist/c.tmp", "README.md"];
        for (toml, expected) in [
            ("", paths.to_vec()),
            ("include = ['dist/*']", vec!["dist/a.yaml", "dist/c.tmp"]),
            ("include = ['dist/**']\nexclude = ['**/*.tmp']", vec!["dist/a.yaml", "dist/sub/b.yaml"]),
            ("include = ['**/*.yaml']\nremovePrefix = 'dist/'", vec!["a.yaml", "sub/b.yaml"]),
            ("include = ['*.md']\nprefix = 'docs/'", vec!["docs/README.md"]),
        ] {
            let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            expected.sort();
            assert_eq!(mapped(toml, &paths), expected, "{toml}");
        }
    }

    #[test]
    fn a_map_that_maps_nothing_is_a_mistake() {
        let nothing = map("include = ['*.zip']").apply(Files::new()).unwrap_err();
        assert!(nothing.message.contains("matches no file"), "{}", nothing.message);
    }
}
