//! What delivers notifications over webhooks and files. (Those to containers go through the engine.)

use async_trait::async_trait;
use provost_model::{Channel, Reply};

/// Delivers notifications.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Delivers `body` to `channel` and returns the receiver's answer, if it gave one.
    ///
    /// Only called for webhook and file targets.
    async fn deliver(&self, channel: &Channel, body: &serde_json::Value) -> Result<Option<Reply>, DeliveryError>;
}

/// Why a notification did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DeliveryError(pub String);
