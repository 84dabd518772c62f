//! Registries: where packages are kept for others.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use docker_credential::DockerCredential;
use oci_client::client::{Client, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::OciDescriptor;
use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};
use provost_image::Package;
use serde_json::Value;

use crate::exit::Failure;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The largest blob that is fetched, in bytes.
const BLOB_MAX: u64 = 4 << 30;

/// A place in a registry.
pub struct Registry {
    client: Client,
    reference: Reference,
    auth: RegistryAuth,
}

/// Whether `text` names a place in a registry, and not a file: `registry.example.org/team/warehouse:1.2.0`.
pub fn is_reference(text: &str) -> bool {
    let host = text.split_once('/').map(|(host, _)| host);
    let is_host = host.is_some_and(|host| host.contains('.') && !host.starts_with('.') || host.contains(':'));
    (is_host || host == Some("localhost")) && Reference::from_str(text).is_ok()
}

impl Registry {
    /// The place that `reference` names. Credentials are those of `docker login`; with `plain_http`, without TLS.
    pub fn new(reference: &str, plain_http: bool) -> Result<Self, Failure> {
        let reference = Reference::from_str(reference).map_err(|error| {
            let failure = Failure::usage(format!("`{reference}` is no place in a registry: {error}"));
            failure.help("it is like registry.example.org/team/warehouse:1.2.0")
        })?;
        let protocol = if plain_http { ClientProtocol::Http } else { ClientProtocol::Https };
        // Whoever comes first installs it; that it is there already is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::new(ClientConfig { protocol, ..ClientConfig::default() });
        let auth = match docker_credential::get_credential(reference.resolve_registry()) {
            Ok(DockerCredential::UsernamePassword(user, password)) => RegistryAuth::Basic(user, password),
            Ok(DockerCredential::IdentityToken(token)) => RegistryAuth::Bearer(token),
            Err(_) => RegistryAuth::Anonymous,
        };
        Ok(Self { client, reference, auth })
    }

    /// Puts `package` there, and returns its digest.
    pub async fn push(&self, package: &Package) -> Result<String, Failure> {
        self.allow(RegistryOperation::Push).await?;
        for (digest, bytes) in &package.blobs {
            let is_there = self.client.blob_exists(&self.reference, digest).await.unwrap_or(false);
            if !is_there {
                self.client
                    .push_blob(&self.reference, bytes.clone(), digest)
                    .await
                    .map_err(|error| self.failed(&error))?;
            }
        }
        let media_type = ureq::http::HeaderValue::from_static(MANIFEST);
        let manifest = package.manifest.clone();
        self.client
            .push_manifest_raw(&self.reference, manifest, media_type)
            .await
            .map_err(|error| self.failed(&error))?;
        Ok(package.digest().to_string())
    }

    /// Fetches the package there; each blob is checked against its digest.
    pub async fn pull(&self) -> Result<Package, Failure> {
        self.allow(RegistryOperation::Pull).await?;
        let (manifest, digest) = self
            .client
            .pull_manifest_raw(&self.reference, &self.auth, &[MANIFEST])
            .await
            .map_err(|error| self.failed(&error))?;
        if provost_image::Digest::of(&manifest).to_string() != digest {
            return Err(Failure::no(format!("{}: the manifest is not what its digest says", self.reference)));
        }
        let mut blobs = BTreeMap::new();
        for descriptor in descriptors(&manifest)? {
            let mut bytes = Vec::new();
            let pulled = self.client.pull_blob(&self.reference, &descriptor, &mut bytes).await;
            pulled.map_err(|error| self.failed(&error))?;
            blobs.insert(descriptor.digest, bytes);
        }
        Package::of_parts(manifest.to_vec(), blobs).map_err(|error| Failure::no(format!("{}: {error}", self.reference)))
    }

    async fn allow(&self, operation: RegistryOperation) -> Result<(), Failure> {
        let allowed = self.client.auth(&self.reference, &self.auth, operation).await;
        allowed.map(drop).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &OciDistributionError) -> Failure {
        let failure = Failure::no(format!("{}: {error}", self.reference));
        match error {
            OciDistributionError::AuthenticationFailure(_) | OciDistributionError::UnauthorizedError { .. } => {
                failure.help(format!("docker login {}", self.reference.resolve_registry()))
            }
            OciDistributionError::RequestError(_) => {
                failure.help("is the registry there? One without TLS needs --plain-http")
            }
            _ => failure,
        }
    }
}

/// The blobs that a package's manifest names.
fn descriptors(manifest: &[u8]) -> Result<Vec<OciDescriptor>, Failure> {
    let wanted = Package::blobs_of(manifest).map_err(Failure::no)?;
    let manifest: Value = serde_json::from_slice(manifest).unwrap_or_default();
    let all = manifest["layers"].as_array().into_iter().flatten().chain([&manifest["config"]]);
    let descriptors = all.filter_map(|descriptor| serde_json::from_value::<OciDescriptor>(descriptor.clone()).ok());
    let descriptors: Vec<_> = descriptors.filter(|descriptor| wanted.contains(&descriptor.digest)).collect();
    let is_too_large = |descriptor: &&OciDescriptor| u64::try_from(descriptor.size).is_ok_and(|size| size > BLOB_MAX);
    match descriptors.iter().find(is_too_large) {
        Some(descriptor) => Err(Failure::no(format!("blob {} is larger than 4 GiB", descriptor.digest))),
        None => Ok(descriptors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_places_are_told_apart() {
        for (text, expected) in [
            ("registry.example.org/team/warehouse:1.2.0", true),
            ("localhost:5000/warehouse:1", true),
            ("localhost/warehouse:1", true),
            ("warehouse-1.2.0.tar", false),
            ("./warehouse-1.2.0.tar", false),
            ("../out/warehouse-1.2.0.tar", false),
            ("out/warehouse-1.2.0.tar", false),
            ("/tmp/warehouse.tar", false),
        ] {
            assert_eq!(is_reference(text), expected, "{text}");
        }
    }
}
