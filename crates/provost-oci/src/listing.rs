//! The store's own list of what it has: `index.json`, one entry for each name.

use provost_image::Digest;

use crate::Listed;
use crate::manifest::{Descriptor, Index};
use crate::name::{Name, Reference};

/// The whole name, as containerd writes and reads it.
const NAME: &str = "io.containerd.image.name";
/// The name as tools for OCI layouts look for it, `skopeo inspect oci:FOLDER:NAME`.
const REFERENCE: &str = "org.opencontainers.image.ref.name";
/// The digest of the image's configuration.
const CONFIG: &str = "provost.config";
/// The digest that a registry gives the image, which may be that of an index with images for other machines.
const REGISTRY: &str = "provost.registry";

/// An entry of the list.
impl Descriptor {
    /// The same entry with what the store knows of it.
    pub fn listed(mut self, name: Option<&Name>, config: &Digest, registry: Option<&Digest>) -> Self {
        self.annotations.insert(CONFIG.to_owned(), config.to_string());
        if let Some(name) = name {
            self.annotations.insert(NAME.to_owned(), name.full().to_owned());
            self.annotations.insert(REFERENCE.to_owned(), name.full().to_owned());
        }
        if let Some(digest) = registry {
            self.annotations.insert(REGISTRY.to_owned(), digest.to_string());
        }
        self
    }

    /// The name that an archive gives an image. One that is a tag alone names no image.
    pub fn name(&self) -> Option<Name> {
        let text = self.annotations.get(NAME).or_else(|| self.annotations.get(REFERENCE))?;
        text.contains([':', '/']).then(|| text.parse().ok())?
    }

    /// What Provost records of the image.
    pub fn recorded(&self) -> Digest {
        self.annotated(REGISTRY).or_else(|| self.annotated(CONFIG)).unwrap_or_else(|| self.digest.clone())
    }

    /// Every digest that the image is known by.
    pub fn digests(&self) -> impl Iterator<Item = Digest> {
        [Some(self.digest.clone()), self.annotated(CONFIG), self.annotated(REGISTRY)].into_iter().flatten()
    }

    fn annotated(&self, key: &str) -> Option<Digest> {
        self.annotations.get(key)?.parse().ok()
    }

    fn without_name(&self) -> Self {
        let mut entry = self.clone();
        entry.annotations.retain(|key, _| key != NAME && key != REFERENCE);
        entry
    }
}

impl Index {
    /// What it says, for others.
    pub fn listed(&self) -> Vec<Listed> {
        let listed =
            |entry: &Descriptor| Listed { name: entry.name().map(|name| name.to_string()), digest: entry.recorded() };
        self.manifests.iter().map(listed).collect()
    }

    pub fn find(&self, reference: &Reference) -> Option<&Descriptor> {
        self.manifests.iter().find(|entry| match reference {
            Reference::Name(name) => entry.name().as_ref() == Some(name),
            Reference::Digest(digest) => entry.digests().any(|own| own == *digest),
        })
    }

    /// Adds an entry. Its name is taken from the image that had it, which stays without one.
    pub fn add(&mut self, entry: Descriptor) {
        if let Some(name) = entry.name() {
            self.forget(&name);
        }
        self.manifests.retain(|other| other.name().is_some() || other.digest != entry.digest);
        self.manifests.push(entry);
    }

    /// Takes a name away; whether it was there.
    pub fn forget(&mut self, name: &Name) -> bool {
        let Some(at) = self.manifests.iter().position(|entry| entry.name().as_ref() == Some(name)) else {
            return false;
        };
        let entry = self.manifests.remove(at);
        if !self.manifests.iter().any(|other| other.digest == entry.digest) {
            self.manifests.push(entry.without_name());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;
    use crate::manifest::MANIFEST;

    fn entry(content: &str, name: Option<&str>) -> Descriptor {
        let digest = Digest::of(content.as_bytes());
        let name = name.map(|name| name.parse::<Name>().unwrap());
        Descriptor::new(MANIFEST, digest, 1).listed(name.as_ref(), &Digest::of(format!("{content}c").as_bytes()), None)
    }

    fn names(index: &Index) -> Vec<Option<String>> {
        index.manifests.iter().map(|entry| entry.name().map(|name| name.to_string())).collect()
    }

    #[test]
    fn a_name_moves_to_the_image_that_was_loaded_last() {
        let mut index = Index::default();
        index.add(entry("one", Some("a:1")));
        index.add(entry("one", Some("a:2")));
        index.add(entry("two", Some("a:1")));
        assert_eq!(names(&index), [Some("a:2".to_owned()), Some("a:1".to_owned())]);
        index.add(entry("two", Some("a:2")));
        assert_eq!(names(&index), [Some("a:1".to_owned()), None, Some("a:2".to_owned())], "the first one has no name");
        index.add(entry("one", Some("b:1")));
        assert_eq!(index.manifests.len(), 3, "and is no longer listed without one when it gets one");
    }

    #[test]
    fn an_image_is_found_by_its_names_and_digests() {
        let mut index = Index::default();
        index.add(entry("one", Some("a:1")));
        index.add(entry("two", None));
        let find = |text: &str| index.find(&text.parse().unwrap()).map(|entry| entry.digest.clone());
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        assert_eq!(find("docker.io/library/a:1"), Some(one.clone()));
        assert_eq!(find(&format!("whatever@{one}")), Some(one));
        assert_eq!(find(&two.to_string()), Some(two.clone()));
        assert_eq!(find(&Digest::of(b"twoc").to_string()), Some(two));
        assert_eq!(find("a"), None);
    }

    #[test]
    fn a_tag_alone_is_no_name() {
        let mut entry = Descriptor::new(MANIFEST, Digest::of(b""), 0);
        for (text, expected) in [("latest", None), ("a:1", Some("a:1")), ("../a:1", None)] {
            entry.annotations.insert(REFERENCE.to_owned(), text.to_owned());
            assert_eq!(entry.name().map(|name| name.to_string()).as_deref(), expected);
        }
    }
}
