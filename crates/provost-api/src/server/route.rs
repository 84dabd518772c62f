//! What a route is: a method of a path, what goes in and out, and who may use it.

use axum::routing::MethodRouter;
use provost_model::TokenScope;
use schemars::{Schema, SchemaGenerator};

use super::Shared;

/// Makes the schema of a published type.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One method of one path.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `GET`, which changes nothing, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// With `{name}` for a part that varies.
    pub path: &'static str,
    /// What it is for, in one sentence.
    pub summary: &'static str,
    /// What may follow `?`.
    pub query: Option<SchemaOf>,
    /// The body of a request.
    pub body: Option<SchemaOf>,
    /// The body of an answer that is yes; one that is no is a [`Problem`](crate::wire::Problem).
    pub answer: Answer,
    /// What one has to be allowed to do.
    pub scope: TokenScope,
    /// With what.
    pub about: About,
    /// It starts something, once for each `request` in the body, or for each `Idempotency-Key`.
    pub starts: bool,
    handler: fn() -> MethodRouter<Shared>,
}

/// What a route is about: which names whoever asks has to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The whole server: all names.
    Server,
    /// The automation that its path names.
    Automation,
    /// The automation of the run that its path names.
    Run,
    /// The event that the body names, which the handler has to look at.
    Event,
    /// The skill that the path names.
    Skill,
    /// The document that the path names.
    Document,
    /// The container that asks, through its own socket.
    Progress,
    /// Nothing that has a name; or a list, of which the handler leaves out what may not be seen.
    Anything,
}

/// The body of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// 200 with a JSON value.
    Json(SchemaOf),
    /// 202 with a JSON value: it is accepted, and goes on.
    Accepted(SchemaOf),
    /// 200 with JSON values, one a line, as they come.
    Lines(SchemaOf),
    /// 200 with text of a media type.
    Text(&'static str),
    /// 204.
    Nothing,
}

impl Route {
    pub(super) fn method_router(&self) -> MethodRouter<Shared> {
        (self.handler)()
    }

    pub(super) const fn new(
        method: &'static str,
        path: &'static str,
        summary: &'static str,
        answer: Answer,
        handler: fn() -> MethodRouter<Shared>,
    ) -> Self {
        let (query, body, starts) = (None, None, false);
        // Where nothing else is said, nobody may who may not do everything.
        let (scope, about) = (TokenScope::Admin, About::Server);
        Self { method, path, summary, query, body, answer, scope, about, starts, handler }
    }

    /// A question; it may be asked by whoever may look at the whole server.
    pub(super) const fn get(
        path: &'static str,
        summary: &'static str,
        answer: Answer,
        handler: fn() -> MethodRouter<Shared>,
    ) -> Self {
        Self { scope: TokenScope::View, ..Self::new("GET", path, summary, answer, handler) }
    }

    /// A change; it may be made by whoever may do everything.
    pub(super) const fn post(
        path: &'static str,
        summary: &'static str,
        body: SchemaOf,
        answer: Answer,
        handler: fn() -> MethodRouter<Shared>,
    ) -> Self {
        Self { body: Some(body), ..Self::new("POST", path, summary, answer, handler) }
    }

    /// A change by another method than POST.
    pub(super) const fn change(
        method: &'static str,
        path: &'static str,
        summary: &'static str,
        body: Option<SchemaOf>,
        answer: Answer,
        handler: fn() -> MethodRouter<Shared>,
    ) -> Self {
        Self { body, ..Self::new(method, path, summary, answer, handler) }
    }

    pub(super) const fn query(self, query: SchemaOf) -> Self {
        Self { query: Some(query), ..self }
    }

    /// Narrows the names that have to be allowed.
    pub(super) const fn about(self, about: About) -> Self {
        Self { about, ..self }
    }

    /// Says who may, where it is neither everybody who may look nor only those who may do everything.
    pub(super) const fn for_scope(self, scope: TokenScope) -> Self {
        Self { scope, ..self }
    }

    /// It starts something, once for each request.
    pub(super) const fn starts(self) -> Self {
        Self { starts: true, ..self }
    }
}
