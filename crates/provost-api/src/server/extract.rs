//! What a request holds, checked.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use bytes::Bytes;
use jiff::Timestamp;
use provost_model::{EventId, Name, RunId};
use serde::de::DeserializeOwned;

use super::refused::Refused;
use crate::wire::{Problem, ProblemCode};

/// The most items of a list.
pub(super) const LIMIT_MAX: usize = 1000;

/// The items of a list where nobody says how many.
const LIMIT: usize = 50;

/// The JSON body of a request.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let bytes = json_bytes(request, state).await?;
        read_object(&bytes).map(Self)
    }
}

/// A JSON body of any form: a document, or a patch.
pub(super) struct Whole<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Whole<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let bytes = json_bytes(request, state).await?;
        let wrong =
            |error: serde_json::Error| Refused::new(ProblemCode::Invalid, format!("the body is wrong: {error}"));
        serde_json::from_slice(&bytes).map(Self).map_err(wrong)
    }
}

async fn json_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Refused> {
    if !is_json(request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok())) {
        let problem = Problem::new(ProblemCode::NotJson, "the body has to be JSON");
        return Err(problem.hint("send `Content-Type: application/json`; without anything to say, send {}").into());
    }
    Bytes::from_request(request, state).await.map_err(|rejection| {
        let is_large = rejection.status().as_u16() == ProblemCode::TooLarge.status().0;
        let code = if is_large { ProblemCode::TooLarge } else { ProblemCode::Invalid };
        Refused::new(code, format!("the body could not be read: {}", rejection.body_text()))
    })
}

/// Reads a JSON object. serde would take a list for a struct too, the values in the order of its fields.
fn read_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let wrong = |why: String| Refused::new(ProblemCode::Invalid, format!("the body is wrong: {why}"));
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(wrong("it has to be a JSON object; without anything to say, {}".to_owned()));
    }
    serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))
}

fn is_json(kind: Option<&str>) -> bool {
    let kind = kind.and_then(|kind| kind.split(';').next());
    let is = |kind: &str, known: &str| kind.trim().eq_ignore_ascii_case(known);
    kind.is_some_and(|kind| is(kind, "application/json") || is(kind, "application/json-patch+json"))
}

/// What a question says besides its path.
pub(super) struct Ask<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Ask<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let query = Query::try_from_uri(&parts.uri);
        query
            .map(|Query(query)| Self(query))
            .map_err(|rejection| Refused::new(ProblemCode::Invalid, rejection.body_text()))
    }
}

/// The longest id of a request.
const REQUEST_MAX: usize = 128;

/// The `Idempotency-Key` of a request that starts something: the same as `request` in its body.
pub(super) struct Key(Option<String>);

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        let key = value.to_str().map_err(|_| {
            Refused::new(ProblemCode::Invalid, "the Idempotency-Key holds more than printable ASCII characters")
        })?;
        Ok(Self(Some(key.to_owned())))
    }
}

impl Key {
    /// The id of a request that says `given` in its body, or a new one: then asking twice is two requests.
    ///
    /// Errors: it is empty or too long, or header and body say different things.
    pub(super) fn or(self, given: Option<String>) -> Result<String, Refused> {
        let invalid = |detail: String| Err(Refused::new(ProblemCode::Invalid, detail));
        match (self.0, given) {
            (Some(key), Some(given)) if key != given => {
                invalid("the Idempotency-Key and `request` in the body differ: leave one out".to_owned())
            }
            (Some(id), _) | (None, Some(id)) if id.is_empty() || id.len() > REQUEST_MAX => {
                invalid(format!("the id of a request has to be 1 to {REQUEST_MAX} bytes long, not {}", id.len()))
            }
            (Some(id), _) | (None, Some(id)) => Ok(id),
            (None, None) => Ok(uuid::Uuid::now_v7().to_string()),
        }
    }
}

/// The name in a path: of an automation, a service, a source, a token. Whether there is one is not known yet.
pub(super) struct OfName(pub(super) Name);

impl<S: Send + Sync> FromRequestParts<S> for OfName {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        name(segment(parts, state).await?).map(Self)
    }
}

/// The run that a path names. Whether there is one is not known yet.
pub(super) struct OfRun(pub(super) RunId);

impl<S: Send + Sync> FromRequestParts<S> for OfRun {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        run_id(segment(parts, state).await?).map(Self)
    }
}

/// The event that a path names. Whether there is one is not known yet.
pub(super) struct OfEvent(pub(super) EventId);

impl<S: Send + Sync> FromRequestParts<S> for OfEvent {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let event = EventId::parse(segment(parts, state).await?);
        event.map(Self).map_err(|error| Refused::new(ProblemCode::Invalid, error.to_string()))
    }
}

async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, Refused> {
    let segment = Path::<String>::from_request_parts(parts, state).await;
    segment.map(|Path(text)| text).map_err(|rejection| Refused::new(ProblemCode::Invalid, rejection.body_text()))
}

/// `text` as the name of an automation.
pub(super) fn name(text: String) -> Result<Name, Refused> {
    Name::new(text).map_err(|error| Refused::new(ProblemCode::Invalid, error.to_string()))
}

/// `text` as the id of a run.
pub(super) fn run_id(text: String) -> Result<RunId, Refused> {
    RunId::parse(text).map_err(|error| Refused::new(ProblemCode::Invalid, error.to_string()))
}

/// How many items a list has at most.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, Refused> {
    match asked {
        Some(limit) if limit > LIMIT_MAX => {
            Err(Refused::new(ProblemCode::Invalid, format!("limit is {LIMIT_MAX} at most, not {limit}")))
        }
        asked => Ok(asked.unwrap_or(LIMIT)),
    }
}

/// Where a list goes on that ended with `id`, which is for `at`.
pub(super) fn cursor(at: Timestamp, id: &str) -> String {
    format!("{at}~{id}")
}

/// What [`cursor`] wrote.
pub(super) fn behind<T>(cursor: &str, id: fn(String) -> Result<T, Refused>) -> Result<(Timestamp, T), Refused> {
    let (at, text) = cursor.split_once('~').ok_or_else(wrong_cursor)?;
    Ok((at.parse().map_err(|_| wrong_cursor())?, id(text.to_owned())?))
}

/// Says that a cursor is none.
pub(super) fn wrong_cursor() -> Refused {
    let problem = Problem::new(ProblemCode::Invalid, "the cursor is none of ours");
    problem.hint("take it from `next` of the list before").into()
}
