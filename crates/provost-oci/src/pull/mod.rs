//! Images of registries.

mod access;
mod download;
mod progress;

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::{Reference, RegistryOperation};
use provost_image::Digest;

use crate::disk::Partial;
use crate::manifest::{DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, INDEX, Index, MANIFEST, Manifest, Platform};
use crate::name::Name;
use crate::staging::{DOCUMENT_MAX, Staging};
use crate::{ImageStore, StoreError};
pub use access::Access;
use progress::Progress;

/// How many blobs are fetched at a time.
const AT_A_TIME: usize = 3;
/// How often what another process took away meanwhile is fetched again.
const ROUNDS: usize = 3;

/// A place in a registry, and how it is spoken to.
struct Registry<'a> {
    store: &'a ImageStore,
    client: Client,
    place: Reference,
    access: &'a Access,
    /// What was asked for, as it was written.
    asked: &'a str,
}

/// What a registry says of an image.
struct Found {
    /// What the registry calls it: the digest of what the name leads to, which may be an index.
    registry: Digest,
    manifest: Digest,
    bytes: Vec<u8>,
    blobs: Vec<Descriptor>,
}

impl ImageStore {
    /// Fetches the image that `reference` names (`registry.example.org/a/b:1`, `toolbox`, `name@sha256:…`), for this
    /// machine, and returns the digest that its registry gives it.
    ///
    /// Every blob is checked against its digest. One that the store has is not fetched, and one whose download broke goes
    /// on where it broke, now or at the next pull, where the registry allows it. `progress` hears of it, one sentence at
    /// a time.
    pub async fn pull(
        &self,
        reference: &str,
        access: &Access,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<Digest, StoreError> {
        let (name, place) = place(reference)?;
        let registry = Registry { store: self, client: client(access), place, access, asked: reference };
        progress(format!("pulling {reference}"));
        let found = registry.find().await?;
        let names = if registry.place.digest().is_some() { BTreeSet::new() } else { BTreeSet::from([name]) };
        let mut round = 1;
        loop {
            let partials = registry.fetch(&found, progress).await?;
            match registry.take_in(&found, partials, &names).await {
                Err(StoreError::Missing(_)) if round < ROUNDS => round += 1,
                done => break done?,
            }
        }
        progress(format!("pulled {reference}"));
        Ok(found.registry)
    }
}

/// The name that the store gives an image, and where it is.
fn place(reference: &str) -> Result<(Name, Reference), StoreError> {
    let wrong = || StoreError::Name(reference.to_owned());
    let (name, digest) = match reference.split_once('@') {
        Some((name, digest)) => (name, Some(digest.parse::<Digest>().map_err(|_| wrong())?)),
        // A digest alone does not say where it is.
        None if reference.parse::<Digest>().is_ok() => return Err(wrong()),
        None => (reference, None),
    };
    let name: Name = name.parse().map_err(|_| wrong())?;
    let place: Reference = name.full().parse().map_err(|_| wrong())?;
    let place = match digest {
        Some(digest) => place.clone_with_digest(digest.to_string()),
        None => place,
    };
    Ok((name, place))
}

fn client(access: &Access) -> Client {
    // Whoever comes first installs it; that it is there already is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let protocol = if access.is_plain() { ClientProtocol::Http } else { ClientProtocol::Https };
    let (connect, silence) = (download::CONNECT, download::SILENCE);
    Client::new(ClientConfig {
        protocol,
        connect_timeout: Some(connect),
        read_timeout: Some(silence),
        ..ClientConfig::default()
    })
}

impl Registry<'_> {
    /// The manifest of the image for this machine.
    async fn find(&self) -> Result<Found, StoreError> {
        let allowed = self.client.auth(&self.place, self.access.login(), RegistryOperation::Pull).await;
        allowed.map_err(|error| self.failed(&error))?;
        let (registry, bytes) = self.document(&self.place).await?;
        let index = Index::parse(&bytes, "the manifest").ok().filter(|index| !index.manifests.is_empty());
        let (manifest, bytes) = match index {
            Some(index) => {
                let manifest = choose(&index)?;
                self.document(&self.place.clone_with_digest(manifest.to_string())).await?
            }
            None => (registry.clone(), bytes),
        };
        let parsed = Manifest::parse(&bytes, &format!("manifest {manifest}"))?;
        let blobs = parsed.layers.into_iter().chain([parsed.config]).collect();
        Ok(Found { registry, manifest, bytes, blobs })
    }

    /// A manifest or an index, and its digest.
    async fn document(&self, place: &Reference) -> Result<(Digest, Vec<u8>), StoreError> {
        let types = [MANIFEST, DOCKER_MANIFEST, INDEX, DOCKER_INDEX];
        let pulled = self.client.pull_manifest_raw(place, self.access.login(), &types).await;
        let (bytes, _) = pulled.map_err(|error| self.failed(&error))?;
        if bytes.len() as u64 > DOCUMENT_MAX {
            return Err(StoreError::registry(format!("its manifest has more than {DOCUMENT_MAX} bytes"), false));
        }
        let found = Digest::of(&bytes);
        match place.digest().map(str::parse::<Digest>) {
            Some(Ok(expected)) if expected != found => {
                Err(StoreError::Digest { what: "the manifest".to_owned(), expected, found })
            }
            _ => Ok((found, bytes.to_vec())),
        }
    }

    /// Downloads all blobs that the store does not have, some at a time.
    async fn fetch(
        &self,
        found: &Found,
        progress: &(dyn Fn(String) + Send + Sync),
    ) -> Result<Vec<(Digest, Partial)>, StoreError> {
        let mut wanted: Vec<Descriptor> = Vec::new();
        for blob in &found.blobs {
            let is_known = wanted.iter().any(|other| other.digest == blob.digest);
            if !is_known && !self.store.blob(&blob.digest).is_file() {
                wanted.push(blob.clone());
            }
        }
        let most = self.store.limits.bytes;
        let size = wanted.iter().fold(0_u64, |sum, blob| sum.saturating_add(blob.size));
        if size > most {
            return Err(StoreError::registry(format!("it has {size} bytes, and may have {most}"), false));
        }
        let told = Progress::new(self.asked, &wanted, progress);
        let downloads = wanted.into_iter().map(|blob| self.download(blob, &told));
        stream::iter(downloads).buffer_unordered(AT_A_TIME).try_collect().await
    }

    /// Makes an image of it all.
    async fn take_in(
        &self,
        found: &Found,
        partials: Vec<(Digest, Partial)>,
        names: &BTreeSet<Name>,
    ) -> Result<(), StoreError> {
        let (store, names) = (self.store.clone(), names.clone());
        let (manifest, bytes, registry) = (found.manifest.clone(), found.bytes.clone(), found.registry.clone());
        self.blocking(move || {
            let mut staging = Staging::begin(&store)?;
            staging.add_known(bytes.as_slice(), &manifest, "manifest")?;
            for (digest, partial) in &partials {
                staging.adopt(partial, digest)?;
            }
            staging.image(&manifest, &names, Some(&registry))?;
            staging.commit()
        })
        .await
    }

    /// Does something that waits for the disk, beside what goes on meanwhile.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(StoreError::registry(format!("its work was broken off: {error}"), true)))
    }
}

/// The image of an index that is for this machine.
fn choose(index: &Index) -> Result<Digest, StoreError> {
    let here = Platform::here();
    let fits = |entry: &&Descriptor| entry.platform.as_ref().is_none_or(|platform| platform.runs_on(&here));
    index.manifests.iter().find(fits).map(|entry| entry.digest.clone()).ok_or_else(|| {
        let platforms: BTreeSet<_> = index.manifests.iter().filter_map(|entry| entry.platform.as_ref()).collect();
        let found = platforms.into_iter().map(Platform::to_string).collect::<Vec<_>>().join(", ");
        StoreError::Platform { wanted: here.to_string(), found }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    #[test]
    fn names_lead_to_places() {
        let digest = Digest::of(b"");
        for (reference, name, expected) in [
            ("toolbox", "toolbox:latest", "docker.io/library/toolbox:latest".to_owned()),
            ("reg.example.org:5000/a/b:1", "reg.example.org:5000/a/b:1", "reg.example.org:5000/a/b:1".to_owned()),
            (&format!("a/b@{digest}"), "a/b:latest", format!("docker.io/a/b@{digest}")),
            (&format!("a/b:1@{digest}"), "a/b:1", format!("docker.io/a/b@{digest}")),
        ] {
            let (found, place) = place(reference).unwrap();
            assert_eq!((found.to_string().as_str(), place.whole()), (name, expected), "{reference}");
        }
        for bad in ["", "a b", "a@sha256:1", &digest.to_string(), "../a"] {
            assert!(matches!(place(bad), Err(StoreError::Name(_))), "{bad:?}");
        }
    }
}
