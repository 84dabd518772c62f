//! Who asks, and what they may do. Every route is checked here and nowhere else; what a token may do is told by the same
//! functions.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::connect_info::ConnectInfo;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use globset::{Glob, GlobSet};
use provost_model::{Caller, Digest, Token, TokenScope};
use subtle::ConstantTimeEq as _;

use super::Shared;
use super::peer::{Peer, name_of_user};
use super::refused::Refused;
use super::route::{About, Route};
use crate::wire::{Problem, ProblemCode};

/// The pattern of every name.
pub(super) const ALL: &str = "*";

/// Who asks, and what they may do.
#[derive(Clone, Debug)]
pub(super) struct Access {
    /// For people, and for what is recorded: `root`, `alice (uid 1000)`, `token ci`.
    pub(super) by: String,
    /// What they may do.
    pub(super) scope: TokenScope,
    /// With which automations.
    pub(super) automations: Names,
    /// Which events they may fire.
    pub(super) events: Names,
    /// Which skills they may call.
    pub(super) skills: Names,
    /// Which documents they may read.
    pub(super) reads: Names,
    /// Which documents they may write, and read.
    pub(super) writes: Names,
    /// The container that asks, if one does.
    pub(super) container: Option<Arc<Caller>>,
    /// Until when.
    pub(super) until: Option<jiff::Timestamp>,
}

/// Names, told by patterns.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) patterns: Vec<String>,
    set: GlobSet,
}

impl Names {
    /// The names that one of `patterns` fits.
    ///
    /// Errors: what is wrong with a pattern.
    pub(super) fn of(patterns: &[String]) -> Result<Self, String> {
        let mut set = GlobSet::builder();
        for pattern in patterns {
            if pattern.is_empty() || pattern.len() > 128 {
                return Err(format!("{pattern:?} is no pattern: it has 1 to 128 characters"));
            }
            set.add(Glob::new(pattern).map_err(|error| format!("{pattern:?} is no pattern: {}", error.kind()))?);
        }
        let set = set.build().map_err(|error| error.to_string())?;
        Ok(Self { patterns: patterns.to_vec(), set })
    }

    pub(super) fn all() -> Result<Self, Refused> {
        Self::of(&[ALL.to_owned()]).map_err(broken)
    }

    pub(super) fn none() -> Result<Self, Refused> {
        Self::of(&[]).map_err(broken)
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        self.set.is_match(name)
    }

    pub(super) fn is_all(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern == ALL)
    }
}

impl Access {
    /// Of the machine's own people: whoever may open the socket may do everything.
    fn of_local(by: String) -> Result<Self, Refused> {
        Ok(Self {
            by,
            scope: TokenScope::Admin,
            automations: Names::all()?,
            events: Names::all()?,
            skills: Names::all()?,
            reads: Names::all()?,
            writes: Names::all()?,
            container: None,
            until: None,
        })
    }

    /// Of a token. Skills and documents are the whole server's: they are for tokens that are good for all of it.
    fn of_token(token: &Token) -> Result<Self, Refused> {
        let automations = Names::of(&token.automations).map_err(broken)?;
        let all_from = |scope| if automations.is_all() && token.scope >= scope { Names::all() } else { Names::none() };
        Ok(Self {
            by: format!("token {}", token.name),
            scope: token.scope,
            events: Names::of(&token.events).map_err(broken)?,
            skills: all_from(TokenScope::Run)?,
            reads: all_from(TokenScope::View)?,
            writes: all_from(TokenScope::Run)?,
            automations,
            container: None,
            until: token.until,
        })
    }

    /// Of a container: what its manifest asks for, as far as policy has allowed it.
    fn of_container(caller: Arc<Caller>) -> Result<Self, Refused> {
        let names = |set: &BTreeSet<String>| Names::of(&set.iter().cloned().collect::<Vec<_>>()).map_err(broken);
        let access = &caller.access;
        Ok(Self {
            by: caller.by(),
            scope: access.scope.unwrap_or(TokenScope::View),
            automations: names(&access.automations)?,
            events: names(&access.events)?,
            skills: names(&access.skills)?,
            reads: names(&access.reads)?,
            writes: names(&access.writes)?,
            container: Some(caller),
            until: None,
        })
    }

    /// Whether `route` may be used at all, and with `name` if the route is about something of a name.
    ///
    /// Errors: what is missing.
    pub(super) fn check(&self, route: &Route, name: Option<&str>) -> Result<(), Refused> {
        self.check_scope(route)?;
        let name = name.unwrap_or_default();
        match route.about {
            About::Anything | About::Event => Ok(()),
            About::Skill => self.may_call(name),
            About::Document if route.method == "GET" => self.may_read(name),
            About::Document => self.may_write(name),
            About::Progress if self.container.as_ref().is_some_and(|caller| caller.access.progress) => Ok(()),
            About::Progress => Err(self.denied(format!("{} may not tell progress", self.by))),
            About::Server if self.automations.is_all() => Ok(()),
            About::Server => {
                let what = format!("{} is for some automations, and this is about the whole server", self.by);
                Err(self.denied(what))
            }
            About::Automation | About::Run if self.automations.holds(name) => Ok(()),
            About::Automation | About::Run => Err(self.denied(format!("{} is not for automation {name}", self.by))),
        }
    }

    /// Whether enough may be done for `route`, whatever it is about.
    ///
    /// Errors: that it is not enough.
    pub(super) fn check_scope(&self, route: &Route) -> Result<(), Refused> {
        // What a container may do by name, it was given by name, whatever its scope.
        let is_by_name = matches!(route.about, About::Event | About::Skill | About::Document | About::Progress);
        if self.scope >= route.scope || (self.container.is_some() && is_by_name) {
            return Ok(());
        }
        Err(self.denied(format!("{} may {}, and this needs {}", self.by, self.scope, route.scope)))
    }

    /// Whether what is about `automation`, or about the server, may be looked at.
    pub(super) fn sees(&self, automation: Option<&str>) -> bool {
        automation.map_or_else(|| self.automations.is_all(), |name| self.automations.holds(name))
    }

    /// Whether event `name` may be fired.
    ///
    /// Errors: that it may not.
    pub(super) fn may_fire(&self, name: &str) -> Result<(), Refused> {
        if self.events.holds(name) {
            return Ok(());
        }
        Err(self.denied(format!("{} may not fire {name}", self.by)))
    }

    /// Whether skill `name` may be called.
    ///
    /// Errors: that it may not.
    fn may_call(&self, name: &str) -> Result<(), Refused> {
        if self.skills.holds(name) { Ok(()) } else { Err(self.denied(format!("{} may not call {name}", self.by))) }
    }

    /// Whether document `name` may be read.
    ///
    /// Errors: that it may not.
    pub(super) fn may_read(&self, name: &str) -> Result<(), Refused> {
        let may = self.reads.holds(name) || self.writes.holds(name);
        if may { Ok(()) } else { Err(self.denied(format!("{} may not read the document {name}", self.by))) }
    }

    /// Whether document `name` may be written.
    ///
    /// Errors: that it may not.
    fn may_write(&self, name: &str) -> Result<(), Refused> {
        let may = self.writes.holds(name);
        if may { Ok(()) } else { Err(self.denied(format!("{} may not write the document {name}", self.by))) }
    }

    /// Whether `token` may do nothing that this may not. Tokens are the whole server's, so this has all names.
    ///
    /// Errors: what it has more of.
    pub(super) fn covers(&self, token: &Token) -> Result<(), Refused> {
        if token.scope > self.scope {
            return Err(self.denied(format!("{} may {}, and cannot give {}", self.by, self.scope, token.scope)));
        }
        if !self.events.is_all() {
            let more = token.events.iter().find(|pattern| !self.events.patterns.contains(pattern));
            if let Some(more) = more {
                return Err(self.denied(format!("{} cannot let others fire {more}", self.by)));
            }
        }
        match (self.until, token.until) {
            (Some(own), theirs) if theirs.is_none_or(|theirs| theirs > own) => {
                Err(self.denied(format!("{} ends at {own}, and cannot make a token that is good for longer", self.by)))
            }
            _ => Ok(()),
        }
    }

    fn denied(&self, what: String) -> Refused {
        let hint = match &self.container {
            Some(_) => {
                "GET /v1/permissions tells what may be done; `access` and `requires.skills` in its manifest ask for more"
            }
            None => "provost token permissions shows what may be done; an admin can make another token",
        };
        Problem::new(ProblemCode::Denied, what).hint(hint).into()
    }
}

/// What a token that was checked when it was made turned into.
fn broken(why: String) -> Refused {
    Refused::new(ProblemCode::Internal, format!("what the token is good for cannot be read: {why}"))
}

/// Lets a request through to `route` if whoever asks may do that; behind it [`Access`] is known.
pub(super) async fn admit(
    State((shared, route)): State<(Shared, &'static Route)>,
    path: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let path = path.map_err(|why| Refused::new(ProblemCode::Invalid, why.body_text()))?;
    let peer = request.extensions().get().map(|ConnectInfo(peer): &ConnectInfo<Peer>| peer.clone());
    let access = who(&shared, peer, secret_in(request.headers())).await?;
    let part = path.iter().next().map(|(_, part)| part.to_owned());
    let name = match route.about {
        About::Run => part.map(|run| run.split('.').next().unwrap_or_default().to_owned()),
        _ => part,
    };
    access.check(route, name.as_deref())?;
    request.extensions_mut().insert(access);
    Ok(next.run(request).await)
}

async fn who(shared: &Shared, peer: Option<Peer>, secret: Option<String>) -> Result<Access, Refused> {
    match peer {
        Some(Peer::Local { uid }) => Access::of_local(name_of_user(uid).await),
        Some(Peer::Container(caller)) => Access::of_container(caller),
        Some(Peer::Remote) => with_token(shared, secret).await,
        None => Err(unknown("nobody knows who asks")),
    }
}

/// The text of the token that a request carries.
fn secret_in(headers: &HeaderMap) -> Option<String> {
    let (kind, secret) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    kind.eq_ignore_ascii_case("bearer").then(|| secret.trim().to_owned())
}

async fn with_token(shared: &Shared, secret: Option<String>) -> Result<Access, Refused> {
    let secret = secret.ok_or_else(|| unknown("the request carries no token"))?;
    let hash = Digest::of(secret.as_bytes());
    let found = shared.controller.view(move |view| {
        let is_it = |token: &&Token| bool::from(token.hash.as_str().as_bytes().ct_eq(hash.as_str().as_bytes()));
        view.state.tokens.values().find(is_it).map(|token| (token.clone(), view.now))
    });
    match found.await? {
        Some((token, now)) if token.until.is_none_or(|until| now < until) => Access::of_token(&token),
        Some((token, _)) => Err(unknown(&format!("token {} has expired", token.name))),
        None => Err(unknown("the token is not known here: it was revoked, or is another server's")),
    }
}

fn unknown(what: &str) -> Refused {
    let problem = Problem::new(ProblemCode::Unknown, what);
    problem.hint("send `Authorization: Bearer TOKEN`; `provost token create` on the server makes one").into()
}

impl<S: Sync> FromRequestParts<S> for Access {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refused> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| broken("nobody looked who asks".to_owned()))
    }
}

/// Who asks, for people and for what is recorded.
pub(super) struct By(pub(super) String);

impl<S: Sync> FromRequestParts<S> for By {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        Access::from_request_parts(parts, state).await.map(|access| Self(access.by))
    }
}

/// Keeps of a list what may be looked at.
pub(super) fn only_seen<T>(access: &Access, items: &mut Vec<T>, automation: impl Fn(&T) -> &str) {
    items.retain(|item| access.sees(Some(automation(item))));
}
