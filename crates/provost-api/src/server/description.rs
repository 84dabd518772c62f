//! The published description.

use axum::Json;
use serde_json::Value;

pub(super) async fn show() -> Json<Value> {
    Json(crate::openapi())
}
