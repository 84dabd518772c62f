//! What happened, and what happens.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use provost_controller::{FactQuery, StoreError};
use provost_model::Recorded;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::Shared;
use super::access::Access;
use super::extract::{Ask, name, run_id};
use super::lines::{Gone, Lines, lines};
use super::refused::Refused;
use super::resume::Telling;
use crate::convert::event_of;
use crate::wire::{EventItem, EventsQuery, ProblemCode};

/// How many of the youngest events are told where nobody says how many.
const TAIL: usize = 100;

/// The most of the youngest events that can be asked for.
const YOUNGEST_MAX: usize = 10_000;

/// How many facts are read from the store at once.
const PAGE: usize = 500;

pub(super) async fn tell(
    State(shared): State<Shared>,
    access: Access,
    telling: Telling,
    Ask(mut query): Ask<EventsQuery>,
) -> Result<Response, Refused> {
    if let Some(after) = &telling.after {
        let after = after.mark.parse().map_err(|_| {
            Refused::new(ProblemCode::Invalid, format!("Last-Event-ID: {:?} is the id of no event", after.mark))
        })?;
        query = EventsQuery { after: Some(after), limit: None, ..query };
    }
    // Listened to before the first look, so that nothing between the two is missed.
    let facts = shared.controller.facts();
    let wanted = FactQuery {
        after_seq: query.after.unwrap_or(0),
        since: query.since,
        run: query.run.clone().map(run_id).transpose()?,
        automation: query.automation.clone().map(name).transpose()?,
        ..FactQuery::default()
    };
    let is_open = query.after.is_none() && query.since.is_none();
    let youngest = query.limit.or(is_open.then_some(TAIL));
    let (first, told) = match youngest {
        Some(limit) if limit > YOUNGEST_MAX => {
            let detail = format!("limit is {YOUNGEST_MAX} at most, not {limit}; ask for more with `since` or `after`");
            return Err(Refused::new(ProblemCode::Invalid, detail));
        }
        Some(limit) => youngest_of(&shared, &wanted, limit).await?,
        None => (page(&shared, &wanted, wanted.after_seq).await?, wanted.after_seq),
    };
    let (lines, response) = lines(telling);
    let teller = Teller { shared, access, wanted, query, lines, told };
    tokio::spawn(teller.tell(first, youngest.is_some(), facts));
    Ok(response)
}

async fn page(shared: &Shared, wanted: &FactQuery, after_seq: u64) -> Result<Vec<Recorded>, StoreError> {
    let query = FactQuery { after_seq, limit: PAGE, ..wanted.clone() };
    shared.controller.store().facts(&query).await
}

/// The facts behind the youngest `limit` events, and the last fact that was looked at. Not every fact is an event, so as
/// many are read as it takes.
async fn youngest_of(shared: &Shared, wanted: &FactQuery, limit: usize) -> Result<(Vec<Recorded>, u64), StoreError> {
    let mut depth = limit.max(1).saturating_mul(2);
    loop {
        let query = FactQuery { tail: true, limit: depth, ..wanted.clone() };
        let mut facts = shared.controller.store().facts(&query).await?;
        let events: Vec<usize> = (0..facts.len()).filter(|at| event_of(&facts[*at]).is_some()).collect();
        if events.len() >= limit || facts.len() < depth {
            let before = events.len().saturating_sub(limit);
            let from = if limit == 0 { facts.len() } else { events.get(before).copied().unwrap_or(facts.len()) };
            let last = facts.last().map_or(wanted.after_seq, |recorded| recorded.seq);
            return Ok((facts.split_off(from), last));
        }
        depth = depth.saturating_mul(4);
    }
}

struct Teller {
    shared: Shared,
    access: Access,
    wanted: FactQuery,
    query: EventsQuery,
    lines: Lines,
    /// The last fact that was told or passed over.
    told: u64,
}

impl Teller {
    /// Tells `first`, what follows it in the store unless it is the youngest already, and then what comes.
    async fn tell(
        mut self,
        first: Vec<Recorded>,
        is_youngest: bool,
        facts: Receiver<Arc<Recorded>>,
    ) -> Result<(), Gone> {
        let is_all = is_youngest || first.len() < PAGE;
        self.tell_page(&first).await?;
        if !is_all {
            self.catch_up().await?;
        }
        if self.query.follow { self.follow(facts).await } else { Ok(()) }
    }

    async fn tell_page(&mut self, page: &[Recorded]) -> Result<(), Gone> {
        for recorded in page {
            self.told = self.told.max(recorded.seq);
            if let Some(event) = event_of(recorded).filter(|event| self.access.sees(event.automation.as_deref())) {
                self.lines.send(&event).await?;
            }
        }
        Ok(())
    }

    /// Tells everything in the store that was not told.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        loop {
            let page = page(&self.shared, &self.wanted, self.told).await;
            let page = self.lines.checked(page).await?;
            self.tell_page(&page).await?;
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn follow(mut self, mut facts: Receiver<Arc<Recorded>>) -> Result<(), Gone> {
        loop {
            let fact = tokio::select! {
                fact = facts.recv() => fact,
                () = self.lines.closed() => return Ok(()),
                () = self.shared.stop.cancelled() => Err(RecvError::Closed),
            };
            match fact {
                Ok(recorded) if recorded.seq > self.told => {
                    self.told = recorded.seq;
                    if let Some(event) = event_of(&recorded).filter(|event| self.is_wanted(event)) {
                        self.lines.send(&event).await?;
                    }
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.catch_up().await?,
                Err(RecvError::Closed) => {
                    return Err(self.lines.break_off("the server shuts down").await);
                }
            }
        }
    }

    fn is_wanted(&self, event: &EventItem) -> bool {
        let holds = |wanted: &Option<String>, is: &Option<String>| wanted.is_none() || wanted == is;
        self.access.sees(event.automation.as_deref())
            && holds(&self.query.automation, &event.automation)
            && holds(&self.query.run, &event.run)
            && self.query.since.is_none_or(|since| event.at >= since)
    }
}
