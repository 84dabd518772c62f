//! Who may do what: tokens, and what follows from them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::raw::Answer;
use common::*;
use jiff::SignedDuration;
use provost_api::wire::*;
use provost_api::{About, CertificateFiles, Client, ClientError, ROUTES, Remote, Route};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn texts(patterns: &[&str]) -> Option<Vec<String>> {
    Some(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
}

fn token(name: &str, scope: TokenScope) -> TokenRequest {
    TokenRequest { name: name.to_owned(), scope, automations: None, events: None, until: None }
}

/// One of each sort.
fn sorts() -> Vec<TokenRequest> {
    use TokenScope::{Admin, Run, View};
    let web = |name: &str, scope| TokenRequest { automations: texts(&["web-*"]), ..token(name, scope) };
    vec![
        token("eyes", View),
        token("ci", Run),
        token("ops", Admin),
        web("web-eyes", View),
        web("web-ci", Run),
        web("web-ops", Admin),
        TokenRequest { events: texts(&["orders.*"]), ..web("shop", Run) },
        TokenRequest { automations: texts(&[]), events: texts(&["orders.*"]), ..token("till", Run) },
    ]
}

async fn ask(bench: &Bench, secret: &str, route: &Route, automation: &str) -> Answer {
    let path = route.path.replace("{run}", "{name}.x").replace("{event}", "e1").replace("{name}", automation);
    let body = if route.path == "/v1/events" { "{\"name\": \"orders.arrived\"}" } else { "{}" };
    bench.send_tls(route.method, &path, Some(secret), body).await
}

fn code_of(error: &ClientError) -> ProblemCode {
    error.problem().unwrap_or_else(|| panic!("{error:?}")).code
}

#[tokio::test]
async fn b39_the_view_of_permissions_equals_what_is_allowed() {
    let names = ["web-shop", "nightly"];
    let bench = Bench::new(&names.map(automation)).await;
    for sort in sorts() {
        let secret = bench.token(sort.clone()).await;
        let seen = bench.with_token(&secret).permissions().await.unwrap();
        assert_eq!((seen.by.as_str(), seen.scope), (format!("token {}", sort.name).as_str(), sort.scope));
        for route in ROUTES {
            let told = seen.routes.iter().find(|it| it.method == route.method && it.path == route.path);
            for name in names {
                let is_told =
                    told.is_some_and(|told| told.automations.as_ref().is_none_or(|of| of.iter().any(|it| it == name)));
                let answer = ask(&bench, &secret, route, name).await;
                let is_allowed = answer.status != 403;
                assert_eq!(
                    is_told, is_allowed,
                    "{} {} with {name}, by {}: {answer:?}",
                    route.method, route.path, sort.name
                );
                assert_ne!(answer.status, 401, "{answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn b39_nobody_raises_their_own() {
    let bench = Bench::new(&[automation("web-shop")]).await;
    for sort in sorts() {
        let client = bench.with_token(&bench.token(sort.clone()).await);
        let more = client.make_token(&token("more", TokenScope::Admin)).await;
        if sort.name == "ops" {
            more.unwrap();
            client.revoke_token("more").await.unwrap();
            continue;
        }
        assert_eq!(code_of(&more.unwrap_err()), ProblemCode::Denied, "{}", sort.name);
        let own = client.make_token(&sort).await.unwrap_err();
        assert_eq!(code_of(&own), ProblemCode::Denied, "{}", sort.name);
        assert_eq!(code_of(&client.revoke_token(&sort.name).await.unwrap_err()), ProblemCode::Denied);
    }
    let soon = Some(noon() + SignedDuration::from_hours(24));
    let guest = TokenRequest { until: soon, events: texts(&["orders.*"]), ..token("guest", TokenScope::Admin) };
    let guest = bench.with_token(&bench.token(guest).await);
    for wrong in [
        TokenRequest { events: texts(&[]), ..token("longer", TokenScope::View) },
        TokenRequest { until: soon, ..token("louder", TokenScope::View) },
    ] {
        assert_eq!(code_of(&guest.make_token(&wrong).await.unwrap_err()), ProblemCode::Denied, "{}", wrong.name);
    }
    let same = TokenRequest { until: soon, events: texts(&["orders.*"]), ..token("same", TokenScope::Admin) };
    guest.make_token(&same).await.unwrap();
    let again = bench.client.make_token(&same).await.unwrap_err();
    assert_eq!(code_of(&again), ProblemCode::Conflict, "a token stays what it was made");
}

#[tokio::test]
async fn b39_lists_and_events_leave_out_what_may_not_be_seen() {
    let bench = Bench::new(&["web-shop", "nightly"].map(|name| every(name, 60))).await;
    bench.run_to_its_end("web-shop").await;
    bench.run_to_its_end("nightly").await;
    let web = TokenRequest { automations: texts(&["web-*"]), ..token("web", TokenScope::View) };
    let client = bench.with_token(&bench.token(web).await);
    let automations = client.automations(&Default::default()).await.unwrap();
    assert_eq!(automations.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["web-shop"]);
    let of_web = |name: &String| name == "web-shop";
    let runs = client.runs(&Default::default()).await.unwrap();
    assert!(!runs.is_empty() && runs.iter().all(|run| of_web(&run.automation)));
    let upcoming = client.upcoming(&Default::default()).await.unwrap();
    assert!(!upcoming.is_empty() && upcoming.iter().all(|due| of_web(&due.automation)));
    assert!(client.outcomes(&Default::default()).await.unwrap().iter().all(|it| of_web(&it.automation)));
    let mut events = client.events(&EventsQuery { after: Some(0), ..Default::default() }).await.unwrap();
    let mut seen = 0;
    while let Some(event) = futures_util::StreamExt::next(&mut events).await {
        assert_eq!(event.unwrap().automation.as_deref(), Some("web-shop"));
        seen += 1;
    }
    assert!(seen > 0);
}

#[tokio::test]
async fn b39_a_token_ends_and_leaves_its_name_in_what_was_done() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let until = Some(noon() + SignedDuration::from_hours(1));
    let secret = bench.token(TokenRequest { until, ..token("ci", TokenScope::Run) }).await;
    let lasting = bench.token(token("lasting", TokenScope::View)).await;
    let (client, lasting) = (bench.with_token(&secret), bench.with_token(&lasting));
    let run = client.start_run("nightly", &Default::default()).await.unwrap().run;
    let cause = bench.client.run(&run).await.unwrap().item.cause;
    assert_eq!(cause.by.as_deref(), Some("token ci"));
    bench.pass(SignedDuration::from_hours(2));
    assert_eq!(code_of(&client.status().await.unwrap_err()), ProblemCode::Unknown);
    lasting.status().await.unwrap();
    bench.client.revoke_token("lasting").await.unwrap();
    assert_eq!(code_of(&lasting.status().await.unwrap_err()), ProblemCode::Unknown);
    let tokens = bench.client.tokens().await.unwrap();
    assert_eq!(tokens.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["ci"]);
    let all = provost_controller::FactQuery { limit: 1000, ..Default::default() };
    let facts = bench.controller.store().facts(&all).await.unwrap();
    let facts = serde_json::to_string(&facts).unwrap();
    assert!(!facts.contains(&secret), "only a hash is kept");
}

#[tokio::test]
async fn b42_nobody_is_let_in_without_a_token_or_without_tls() {
    let bench = Bench::new(&[automation("nightly")]).await;
    for token in [None, Some("provost_0"), Some("")] {
        let answer = bench.send_tls("GET", "/v1/status", token, "").await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.head.contains("www-authenticate: bearer"), "{answer:?}");
    }
    let mut plain = tokio::net::TcpStream::connect(&bench.listen.address).await.unwrap();
    plain.write_all(b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("https only"), "{answer}");
}

#[tokio::test]
async fn b42_a_server_is_known_by_its_fingerprint_or_by_who_vouches_for_it() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let secret = bench.token(token("eyes", TokenScope::View)).await;
    let known = bench.remote(Some(&secret));
    let vouched = Remote { fingerprint: None, ca: Some(bench.files.certificate.clone()), ..known.clone() };
    Client::remote(vouched).unwrap().status().await.unwrap();
    let other = Remote { fingerprint: Some("sha256:00".to_owned()), ..known.clone() };
    let stranger = tempfile::tempdir().unwrap();
    let foreign = CertificateFiles::own(stranger.path());
    foreign.make(vec!["localhost".to_owned()]).unwrap();
    let by_others = Remote { fingerprint: None, ca: Some(foreign.certificate), ..known };
    for wrong in [other, by_others] {
        let error = Client::remote(wrong).unwrap().status().await.unwrap_err();
        assert!(matches!(error, ClientError::Unproven { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("PROVOST_FINGERPRINT"));
    }
}

/// An authority, and the files of a client that it vouches for.
fn authority(folder: &Path) -> (PathBuf, (PathBuf, PathBuf)) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "the shop's authority");
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let client = CertificateParams::new(vec!["till".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let identity = (file("client.pem", client.pem()), file("client-key.pem", key.serialize_pem()));
    (file("ca.pem", issuer.pem()), identity)
}

#[tokio::test]
async fn b42_clients_show_a_certificate_where_one_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, identity) = authority(folder.path());
    let bench = Bench::with_clients_of(ca).await;
    let secret = bench.token(token("eyes", TokenScope::View)).await;
    let known = Remote { identity: Some(identity), ..bench.remote(Some(&secret)) };
    Client::remote(known).unwrap().status().await.unwrap();
    let error = bench.with_token(&secret).status().await.unwrap_err();
    assert!(error.problem().is_none(), "it is not let in at all: {error:?}");
}

#[tokio::test]
async fn c30_a_dead_server_is_reported_and_not_hung_on() {
    let folder = tempfile::tempdir().unwrap();
    // They take connections and say nothing.
    let socket = folder.path().join("dead.sock");
    let _local = tokio::net::UnixListener::bind(&socket).unwrap();
    let remote = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", remote.local_addr().unwrap());
    let remote = Remote { address, fingerprint: Some("sha256:00".to_owned()), ..Remote::default() };
    for client in [Client::unix(&socket), Client::remote(remote).unwrap()] {
        let began = Instant::now();
        let error = client.wait_for_run("nightly.x", 300).await.unwrap_err();
        assert!(matches!(error, ClientError::Silent { .. }), "{error:?}");
        assert!(began.elapsed() >= Duration::from_secs(2) && began.elapsed() < Duration::from_secs(4));
    }
}

#[tokio::test]
async fn c30_a_slow_answer_is_waited_for() {
    let bench = Bench::new(&[automation("nightly")]).await;
    let run = bench.client.start_run("nightly", &Default::default()).await.unwrap().run;
    // Nobody lets time pass, so that the run does not end.
    let began = Instant::now();
    let waited = bench.client.wait_for_run(&run, 3).await.unwrap();
    assert!(waited.item.ended_at.is_none() && began.elapsed() >= Duration::from_secs(3));
}

#[test]
fn every_change_needs_more_than_looking_and_names_what_it_is_about() {
    for route in ROUTES {
        let is_harmless = route.method == "GET" || route.path == "/v1/plan";
        assert_eq!(
            route.scope == provost_model::TokenScope::View,
            is_harmless && route.path != "/v1/tokens",
            "{}",
            route.path
        );
        assert_eq!(route.about == About::Run, route.path.contains("{run}"), "{}", route.path);
        // Services share the names of automations.
        let of_automation =
            ["/automations/", "/services/"].iter().any(|kind| route.path.contains(&format!("{kind}{{name}}")));
        assert_eq!(route.about == About::Automation, of_automation, "{}", route.path);
    }
}
