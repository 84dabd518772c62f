//! Documents: JSON values that are shared by name.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use json_patch::Patch;
use provost_controller::Command;
use serde_json::Value;

use super::Shared;
use super::access::{Access, By};
use super::commands::noted;
use super::extract::Whole;
use super::refused::{Refused, Reply};
use crate::convert;
use crate::wire::*;

/// The documents that whoever asks may read.
pub(super) async fn list(State(shared): State<Shared>, access: Access) -> Reply<Listing<DocumentItem>> {
    let items = shared.controller.view(|view| {
        let documents = view.state.documents.iter();
        documents.map(|(name, document)| convert::document_item(name, document)).collect::<Vec<DocumentItem>>()
    });
    let mut items = items.await?;
    items.retain(|document| access.may_read(&document.name).is_ok());
    Ok(Json(Listing::whole(items)))
}

pub(super) async fn show(State(shared): State<Shared>, Path(name): Path<String>) -> Reply<Value> {
    value(&shared, name).await.map(Json)
}

pub(super) async fn write(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    By(by): By,
    Whole(value): Whole<Value>,
) -> Result<StatusCode, Refused> {
    noted(&shared, Command::WriteDocument { name, value, by }).await
}

/// Applies a JSON patch whole, or not at all, and answers with what the document is then.
pub(super) async fn patch(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    By(by): By,
    Whole(patch): Whole<Patch>,
) -> Reply<Value> {
    noted(&shared, Command::PatchDocument { name: name.clone(), patch, by }).await?;
    value(&shared, name).await.map(Json)
}

pub(super) async fn remove(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    By(by): By,
) -> Result<StatusCode, Refused> {
    noted(&shared, Command::RemoveDocument { name, by }).await
}

async fn value(shared: &Shared, name: String) -> Result<Value, Refused> {
    let wanted = name.clone();
    let found = shared.controller.view(move |view| view.state.documents.get(&wanted).map(|it| it.value.clone()));
    found.await?.ok_or_else(|| Refused::new(ProblemCode::NotFound, format!("there is no document {name}")))
}
