//! Who asks a registry, and how.

use std::fmt;

use docker_credential::DockerCredential;
use oci_client::secrets::RegistryAuth;

use super::place;
use crate::StoreError;

/// How a registry is spoken to.
#[derive(Clone)]
pub struct Access {
    login: RegistryAuth,
    plain: bool,
}

impl Access {
    /// As nobody in particular.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { login: RegistryAuth::Anonymous, plain: false }
    }

    /// With a password.
    #[must_use]
    pub fn password(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { login: RegistryAuth::Basic(user.into(), password.into()), plain: false }
    }

    /// As `docker login` has it for the registry of `reference`; as nobody where it has nothing.
    pub fn docker_login(reference: &str) -> Result<Self, StoreError> {
        let (_, place) = place(reference)?;
        // Docker knows its own registry by an address of old.
        let registry = match place.registry() {
            "docker.io" => "https://index.docker.io/v1/",
            other => other,
        };
        let login = match docker_credential::get_credential(registry) {
            Ok(DockerCredential::UsernamePassword(user, password)) => RegistryAuth::Basic(user, password),
            Ok(DockerCredential::IdentityToken(token)) => RegistryAuth::Bearer(token),
            Err(_) => RegistryAuth::Anonymous,
        };
        Ok(Self { login, plain: false })
    }

    /// The same without TLS: for a registry on this machine.
    #[must_use]
    pub fn over_plain_http(self) -> Self {
        Self { plain: true, ..self }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }

    pub(super) fn login(&self) -> &RegistryAuth {
        &self.login
    }
}

/// Without what is secret.
impl fmt::Debug for Access {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = match &self.login {
            RegistryAuth::Anonymous => "anonymous",
            RegistryAuth::Basic(..) => "password",
            RegistryAuth::Bearer(_) => "token",
        };
        out.debug_struct("Access").field("login", &login).field("plain", &self.plain).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let shown = format!("{:?}", Access::password("somebody", "hidden"));
        assert!(shown.contains("password") && !shown.contains("hidden") && !shown.contains("somebody"), "{shown}");
    }
}
