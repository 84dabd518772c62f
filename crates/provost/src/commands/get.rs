//! `provost get KIND [NAME]`: lists of anything.

use provost_api::wire::{AutomationsQuery, HistoryQuery, Outcome as How, OutcomesQuery, RunsQuery, UpcomingQuery};

use super::remote::client;
use crate::app::{App, FormatArgs};
use crate::config::{Direction, ServerArgs, closest, parse_moment};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Listing, Text, Tone};
use crate::view;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to list
    #[arg(value_enum, value_name = "KIND")]
    kind: Kind,
    /// Only the one of this name; of runs, outcomes and upcoming: only those of this automation, or this run
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Automations with these labels: team=finance,tier!=test
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,
    /// Runs that went this way
    #[arg(long, value_enum, ignore_case = true, value_name = "OUTCOME")]
    outcome: Option<OutcomeArg>,
    /// Only what is due after this: 2h (ago), 2026-11-20T02:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what is due before this: 2h (from now; of runs: ago), 2026-11-20T02:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: Option<u32>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    #[value(alias = "automation")]
    Automations,
    #[value(alias = "service")]
    Services,
    #[value(alias = "run")]
    Runs,
    /// What became of each due time
    #[value(alias = "outcome")]
    Outcomes,
    #[value(alias = "channel")]
    Channels,
    #[value(alias = "plugin")]
    Plugins,
    #[value(alias = "policy")]
    Policies,
    /// Sources that manifests refer to
    #[value(alias = "source")]
    Sources,
    /// Due times that will come
    Upcoming,
    #[value(aliases = ["revision", "history"])]
    Revisions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OutcomeArg {
    Succeeded,
    Failed,
    #[value(name = "timedOut")]
    TimedOut,
    Cancelled,
    Lost,
}

impl From<OutcomeArg> for How {
    fn from(outcome: OutcomeArg) -> Self {
        match outcome {
            OutcomeArg::Succeeded => Self::Succeeded,
            OutcomeArg::Failed => Self::Failed,
            OutcomeArg::TimedOut => Self::TimedOut,
            OutcomeArg::Cancelled => Self::Cancelled,
            OutcomeArg::Lost => Self::Lost,
        }
    }
}

/// Runs the command.
pub async fn run(args: Args, app: &mut App) -> Outcome {
    args.refuse_what_does_not_fit()?;
    let listing = args.list(app).await?;
    if args.format.format.is_for_people() && !listing.rows.is_empty() && args.kind == Kind::Automations {
        app.output.note(Text::toned(Tone::Dim, app.times.full(app.times.now)))?;
    }
    listing.print(&mut app.output, args.format.format)?;
    Ok(Exit::Done)
}

impl Args {
    /// A flag that a kind does not know would be ignored in silence.
    fn refuse_what_does_not_fit(&self) -> Result<(), Failure> {
        use Kind::{Automations, Outcomes, Revisions, Runs, Upcoming};
        let given = [
            ("--selector", self.selector.is_some(), &[Automations][..]),
            ("--outcome", self.outcome.is_some(), &[Runs][..]),
            ("--since", self.since.is_some(), &[Runs, Outcomes][..]),
            ("--until", self.until.is_some(), &[Runs, Upcoming][..]),
            ("--limit", self.limit.is_some(), &[Runs, Outcomes, Upcoming, Revisions][..]),
        ];
        match given.iter().find(|(_, given, kinds)| *given && !kinds.contains(&self.kind)) {
            Some((flag, ..)) => Err(Failure::usage(format!("{flag} does not go with this kind"))
                .help("provost get --help says what goes with what")),
            None => Ok(()),
        }
    }

    async fn list(&self, app: &App) -> Result<Listing, Failure> {
        let (client, times) = (client(&self.server)?, &app.times);
        let moment = |text: &Option<String>, direction| {
            text.as_deref().map(|text| parse_moment(text, times.now, direction)).transpose().map_err(Failure::usage)
        };
        let since = moment(&self.since, Direction::Back)?;
        let limit = self.limit.map(|limit| limit as usize);
        let name = self.name.clone();
        Ok(match self.kind {
            Kind::Automations => {
                let query = AutomationsQuery { selector: self.selector.clone() };
                let items = client.automations(&query).await?;
                view::automations(&named(items, &name, |item| &item.name)?, times)
            }
            Kind::Services => view::services(&named(client.services().await?, &name, |item| &item.name)?, times),
            Kind::Runs => match name {
                Some(run) if run.contains('.') => view::runs(&[client.run(&run).await?.item], times),
                automation => {
                    let until = moment(&self.until, Direction::Back)?;
                    let outcome = self.outcome.map(How::from);
                    let query = RunsQuery { automation, outcome, since, until, limit, cursor: None };
                    view::runs(&client.runs(&query).await?, times)
                }
            },
            Kind::Outcomes => {
                let query = OutcomesQuery { automation: name, since, limit, cursor: None };
                view::outcomes(&client.outcomes(&query).await?, times)
            }
            Kind::Channels => view::channels(&named(client.channels().await?, &name, |item| &item.name)?, times),
            Kind::Plugins => view::plugins(&named(client.plugins().await?, &name, |item| &item.name)?),
            Kind::Policies => view::policies(&named(client.policies().await?, &name, |item| &item.name)?),
            Kind::Sources => view::sources(&named(client.sources().await?, &name, |item| &item.name)?, times),
            Kind::Upcoming => {
                let until = moment(&self.until, Direction::Ahead)?;
                let mut items = client.upcoming(&UpcomingQuery { until, limit }).await?;
                items.retain(|item| name.as_ref().is_none_or(|name| item.automation == *name));
                view::upcoming(&items, times)
            }
            Kind::Revisions => {
                let mut items = client.history(&HistoryQuery { limit, cursor: None }).await?;
                items.retain(|item| {
                    name.as_ref().is_none_or(|name| item.revision.as_ref().is_some_and(|id| id.starts_with(name)))
                });
                view::history(&items, times)
            }
        })
    }
}

/// The one of `items` that is called `wanted`, or all of them if no name is given.
fn named<T>(items: Vec<T>, wanted: &Option<String>, name: impl Fn(&T) -> &String) -> Result<Vec<T>, Failure> {
    let Some(wanted) = wanted else {
        return Ok(items);
    };
    if !items.iter().any(|item| name(item) == wanted) {
        let failure = Failure::not_found(format!("there is none of the name {wanted:?}"));
        return Err(match closest(wanted, items.iter().map(|item| name(item).as_str())) {
            Some(near) => failure.help(format!("did you mean {near:?}?")),
            None => failure.help("leave the name out to list all"),
        });
    }
    Ok(items.into_iter().filter(|item| name(item) == wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_there_gets_the_nearest_one() {
        let names = || vec!["nightly".to_owned(), "sync".to_owned()];
        let pick = |wanted: &str| named(names(), &Some(wanted.to_owned()), |name| name);
        assert_eq!(pick("sync").unwrap(), ["sync"]);
        let failure = pick("nihgtly").unwrap_err();
        assert_eq!((failure.exit, failure.help.as_deref()), (Exit::NotFound, Some("did you mean \"nightly\"?")));
        assert_eq!(named(names(), &None, |name| name).unwrap().len(), 2);
    }
}
