//! `provost help TOPIC`, and what bare `provost` prints.

use crate::app::App;
use crate::config::closest;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Text, Tone};

/// What bare `provost` prints: twelve lines, and two examples.
const BARE: &str = "\
Declare your jobs and your shop's policy in git; every server runs them, on time, the same way.

  try it     dev        a server here: reload on save, and a demo in an empty folder
  write      init, new  a project; one more automation, service, policy, …
             validate   check it offline, all errors at once; explain tells more
             schedule   a cron expression in words, with its next times
  change     plan       what would change; apply does exactly that; rollback goes back
  watch      get        list anything; describe, logs and events tell more; status, doctor
  control    run        start now; start, stop, retry, pause, resume, fire, reset
  serve      serve      the reconciler of this machine

  provost dev shop                      provost schedule '30 2 * * mon-fri'
  provost help lists all commands; provost help exit-codes, output, server are topics";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A command, or a topic: exit-codes, output, server, time, environment
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

/// Prints what bare `provost` prints.
pub fn bare(app: &mut App) -> Outcome {
    app.output.lines(BARE)?;
    Ok(Exit::Done)
}

/// Runs the command.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let mut definition = crate::cli::definition();
    definition.build();
    let Some(topic) = args.topic.first() else {
        app.output.raw(&definition.render_long_help().ansi().to_string())?;
        return Ok(Exit::Done);
    };
    if topic == "exit-codes" {
        return exit_codes(app);
    }
    if let Some((_, text)) = TOPICS.iter().find(|(name, _)| name == topic) {
        app.output.lines(text)?;
        return Ok(Exit::Done);
    }
    if let Some(command) = definition.find_subcommand_mut(topic) {
        app.output.raw(&command.render_long_help().ansi().to_string())?;
        return Ok(Exit::Done);
    }
    let commands = definition.get_subcommands().map(clap::Command::get_name);
    let known = commands.chain(TOPICS.iter().map(|(name, _)| *name)).chain(["exit-codes"]);
    let failure = Failure::usage(format!("there is no help on {topic:?}"));
    Err(match closest(topic, known) {
        Some(near) => failure.help(format!("did you mean provost help {near}?")),
        None => {
            failure.help("provost help lists all commands; topics are exit-codes, output, server, time, environment")
        }
    })
}

fn exit_codes(app: &mut App) -> Outcome {
    for exit in Exit::ALL {
        app.output
            .line(Text::toned(Tone::Strong, format!("{:>4}", exit.code())).plus(format!("  {}", exit.meaning())))?;
    }
    Ok(Exit::Done)
}

/// Topics that are no commands.
const TOPICS: [(&str, &str); 4] = [
    (
        "output",
        "\
Data goes to standard output; progress, hints and errors go to standard error.

  -o table   for people; not an interface: it may change
  -o wide    the same with more columns
  -o json    for programs, an interface: lists are {\"items\": [...]}, streams are one object a line
  -o yaml    the same as json
  -o name    names alone, one a line
  -o csv     with a head line; instants in RFC 3339, durations in seconds

Colours are for terminals only: --color, NO_COLOR, CLICOLOR_FORCE and TERM=dumb are obeyed. Each coloured state has a
glyph and a word too. --quiet prints data and errors only.",
    ),
    (
        "server",
        "\
A command talks to the first of these servers that is given:

  --server https://HOST[:2719], --socket PATH        on the command line
  PROVOST_SOCKET, PROVOST_SERVER                     in the environment
  .provost/provost.sock                              of provost dev, in this folder or one above it
  socket: PATH                                       in $XDG_CONFIG_HOME/provost/config.yaml
  /run/provost/provost.sock, /var/lib/provost/provost.sock    the system's server

Whoever may open the socket may do everything: it belongs to the server's user and group (mode 0660).

A server on another machine answers where its configuration has `listen`, over https, and wants a token (PROVOST_TOKEN)
of provost token create. Its certificate is the one with the fingerprint in PROVOST_FINGERPRINT, which provost status
shows there, or one that an authority in PROVOST_CA or of this system vouches for.
provost explain server lists the keys of the server configuration.",
    ),
    (
        "time",
        "\
Times are told in the local zone (TZ is obeyed) with its name and how far away they are; --utc tells them in UTC. JSON
and CSV hold RFC 3339 in UTC. Time zones are compiled in; provost version tells which.

Where a time is asked for (--since, --until), write a duration such as 90s, 10m, 6h, 2d, 2w, or an instant such as
2026-11-20T02:00:00+01:00. Where a duration is asked for (--timeout, --for), write a duration.",
    ),
    (
        "environment",
        "\
  PROVOST_SOCKET      the server's control socket; see provost help server
  PROVOST_SERVER      a server on another machine, https://HOST[:2719]
  PROVOST_TOKEN       the token for it
  PROVOST_FINGERPRINT, PROVOST_CA    the fingerprint of its certificate, or a file with the authority that vouches for it
  PROVOST_CERT, PROVOST_CERT_KEY     files with the certificate to show it, and its key, where it wants to see one
  PROVOST_CONFIG      the server configuration file of provost serve
  PROVOST_LOG         the least important log lines of provost serve: error, warn, info, debug, trace
  PROVOST_IDENTITY    the file with the private key that provost secret edit and rekey open values with
  DOCKER_HOST         the engine, where the server configuration names none
  TZ                  the zone that times are told in
  NO_COLOR, CLICOLOR_FORCE, TERM=dumb    whether colours are used
  XDG_CONFIG_HOME     where provost/config.yaml is; $HOME/.config otherwise

A flag goes before a variable, a variable before a file.",
    ),
];
