//! What keeps the clock right, and what others say that the time is.

use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::ServerConfig;
use crate::doctor::evidence::Clock;

/// How long a word about the time may take.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn look(config: Option<&ServerConfig>) -> Clock {
    let url = config.and_then(|config| config.source.git.as_ref()).map(|git| git.url.clone());
    let host = url.as_deref().and_then(|url| url.strip_prefix("https://")).and_then(|rest| rest.split('/').next());
    let host = host.map(str::to_owned);
    let ahead = tokio::task::spawn_blocking(move || ahead_s(&host?));
    Clock {
        is_synchronised: is_synchronised().await,
        source_ahead_s: ahead.await.ok().flatten(),
        zones: provost_schedule::zone_database_version().to_string(),
    }
}

/// What systemd says; nothing where there is none.
async fn is_synchronised() -> Option<bool> {
    let mut command = tokio::process::Command::new("timedatectl");
    command.args(["show", "--property=NTPSynchronized", "--value"]);
    command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.ok()?.ok()?;
    match String::from_utf8_lossy(&output.stdout).trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// How far the clock of the web server at `host` is ahead of ours, in seconds.
fn ahead_s(host: &str) -> Option<i64> {
    let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).max_redirects(0);
    let agent = config.max_redirects_will_error(false).http_status_as_error(false).build().new_agent();
    let answer = agent.head(format!("https://{host}/")).call().ok()?;
    let date = answer.headers().get("date")?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    Some(theirs.duration_since(Timestamp::now()).as_secs())
}
