//! Delivers notifications over webhooks and into files.

mod address;
mod file;
mod webhook;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use provost_controller::{DeliveryError, Messenger};
use provost_model::{Channel, Reply, Target};

use webhook::Webhook;

/// How long it may take to find out whether a webhook can be reached.
const REACH_MAX: Duration = Duration::from_secs(5);

/// What delivers notifications of this server.
#[derive(Clone, Debug)]
pub struct Post {
    /// Files of file channels are below this folder.
    pub channels: PathBuf,
    /// The keys of webhooks' signatures are files in this folder.
    pub secrets: PathBuf,
    /// Whether webhooks may go to this machine and to private networks.
    pub allow_private_addresses: bool,
}

#[async_trait]
impl Messenger for Post {
    async fn deliver(&self, channel: &Channel, body: &serde_json::Value) -> Result<Option<Reply>, DeliveryError> {
        let (post, channel, body) = (self.clone(), channel.clone(), body.clone());
        // Both ways block: one on the network, the other on the disk.
        let delivery = tokio::task::spawn_blocking(move || post.deliver_blocking(&channel, &body));
        delivery.await.map_err(|error| DeliveryError(format!("the delivery broke off: {error}")))?
    }
}

impl Post {
    fn deliver_blocking(&self, channel: &Channel, body: &serde_json::Value) -> Result<Option<Reply>, DeliveryError> {
        match &channel.target {
            Target::Webhook { url, secret } => {
                let key = secret.as_deref().map(|name| self.key(name)).transpose()?;
                let timeout = Duration::from_secs(channel.timeout_s.max(1));
                Webhook { url, key, timeout, allow_private: self.allow_private_addresses }.post(body)
            }
            Target::File { path } => file::append(&self.channels, path, body).map(|()| None),
            Target::Command { .. } => Err(DeliveryError("a command channel is delivered by the engine".to_owned())),
        }
    }

    /// Does everything for a notification to `channel` but sending it: the key is read, the name resolved, a connection
    /// made. A command channel has nothing to be tried here.
    pub fn reach(&self, channel: &Channel) -> Result<(), DeliveryError> {
        match &channel.target {
            Target::Webhook { url, secret } => {
                let key = secret.as_deref().map(|name| self.key(name)).transpose()?;
                let timeout = REACH_MAX.min(Duration::from_secs(channel.timeout_s.max(1)));
                Webhook { url, key, timeout, allow_private: self.allow_private_addresses }.reach()
            }
            Target::File { path } => file::can_append(&self.channels, path),
            Target::Command { .. } => Ok(()),
        }
    }

    /// The key `name`: the content of that file, without a line's end.
    fn key(&self, name: &str) -> Result<Vec<u8>, DeliveryError> {
        let path = file::below(&self.secrets, name)?;
        let mut key = std::fs::read(&path).map_err(|error| {
            DeliveryError(format!("the signature's key cannot be read from {}: {error}", path.display()))
        })?;
        while key.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
            key.pop();
        }
        if key.is_empty() {
            Err(DeliveryError(format!("the signature's key is empty: {}", path.display())))
        } else {
            Ok(key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(folder: &std::path::Path) -> Post {
        Post { channels: folder.join("channels"), secrets: folder.join("secrets"), allow_private_addresses: false }
    }

    #[test]
    fn a_key_is_a_file_below_the_secrets_folder() {
        let folder = tempfile::tempdir().unwrap();
        let post = post(folder.path());
        std::fs::create_dir(&post.secrets).unwrap();
        std::fs::write(post.secrets.join("ops"), "k e y\r\n").unwrap();
        std::fs::write(post.secrets.join("empty"), "\n").unwrap();
        assert_eq!(post.key("ops").unwrap(), b"k e y");
        assert!(post.key("empty").unwrap_err().0.contains("is empty"));
        assert!(post.key("other").unwrap_err().0.contains("cannot be read"));
        assert!(post.key("../secrets/ops").unwrap_err().0.contains("leaves"));
    }
}
