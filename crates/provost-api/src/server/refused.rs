//! An answer that is no.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use provost_controller::{Refusal, RefusalKind, StoreError};

use crate::wire::{PROBLEM_JSON, Problem, ProblemCode};

/// An answer that is no, as a response.
#[derive(Debug)]
pub(super) struct Refused(Box<Problem>);

/// A JSON answer, or no.
pub(super) type Reply<T> = Result<Json<T>, Refused>;

impl Refused {
    pub(super) fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.kind {
            RefusalKind::NotFound => ProblemCode::NotFound,
            RefusalKind::Invalid => ProblemCode::Invalid,
            RefusalKind::Conflict => ProblemCode::Conflict,
            RefusalKind::Rejected => ProblemCode::Rejected,
            RefusalKind::Unavailable => ProblemCode::Unavailable,
        };
        Problem { hint: refusal.hint, ..Problem::new(code, refusal.message) }.into()
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Write { .. } | StoreError::Read { .. } | StoreError::InUse { .. } => ProblemCode::Unavailable,
            StoreError::TooNew { .. } | StoreError::Gap { .. } => ProblemCode::Internal,
        };
        tracing::error!(%error, "a request could not be answered from the store");
        Self::new(code, error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&*self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
