//! How the server is.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::Shared;
use super::refused::Reply;
use crate::convert;
use crate::wire::Status;

pub(super) async fn show(State(shared): State<Shared>) -> Reply<Status> {
    let instance = shared.controller.instance().to_string();
    let info = shared.info.clone();
    let status = shared.controller.view(move |view| convert::status(view, &info, &instance));
    Ok(Json(status.await?))
}

/// Answers without asking anybody: whoever waits for another answer knows by it that the server lives.
pub(super) async fn ping() -> StatusCode {
    StatusCode::NO_CONTENT
}
