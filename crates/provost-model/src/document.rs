//! Documents: JSON values that containers and people share by name.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most bytes of one document, as JSON.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 10;

/// The most documents of a server.
pub const DOCUMENTS_MAX: usize = 1_000;

/// A document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What it holds.
    pub value: Value,
    /// When it was written the last time.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
}
