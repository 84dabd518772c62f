//! Networks: what is on them finds each other, is reached from the host and reaches no more than it should, and gives
//! everything back, whoever is killed.

use std::net::TcpListener;
use std::path::Path;

use provost_controller::{Engine as _, EngineErrorKind};
use provost_direct::NetworkFolders;
use provost_model::Life;
use rustix::process::{Signal, kill_process};
use serde_json::json;

use crate::conformance::{Rig as _, ended, meanwhile};
use crate::job::{Job, kind};
use crate::network_rig::{
    address, asked, bridge, free_port, get, is_answered, nothing_is_left, published, reaches, rules, service, shared,
};
use crate::outliving::processes;
use crate::rig::{open, open_with, prints, rig, with_host_tools};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_published_port_leads_to_its_container_and_is_free_after_its_end() {
    let rig = rig();
    let port = free_port();
    let job = published(&rig, port, "1");
    job.go(&rig).await;
    is_answered(&rig, &job).await;
    assert_eq!(asked(port).as_deref(), Some("1"));
    let known = bridge(&rig.folder()).unwrap();

    let second = published(&rig, port, "2");
    rig.engine.create(&second.request, &second.folder).await.unwrap();
    let error = rig.engine.start(second.name()).await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Refused, "{error}");
    assert!(error.message.contains(&format!("the port 127.0.0.1:{port}/tcp of the server is taken")), "{error}");
    assert_eq!(second.seen(&rig).await.unwrap().life, Life::Created);
    assert_eq!(asked(port).as_deref(), Some("1"), "that disturbs nobody");

    rig.engine.stop(job.name(), 5).await.unwrap();
    ended(&rig, job.name()).await;
    nothing_is_left(&rig, &known);
    rig.engine.start(second.name()).await.unwrap();
    is_answered(&rig, &second).await;
    assert_eq!(asked(port).as_deref(), Some("2"));
    rig.engine.remove(second.name()).await.unwrap();
    nothing_is_left(&rig, &known);

    // What a program listens on is taken as well.
    let program = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let third = published(&rig, port, "3");
    rig.engine.create(&third.request, &third.folder).await.unwrap();
    assert_eq!(kind(rig.engine.start(third.name()).await), EngineErrorKind::Refused);
    drop(program);
    rig.engine.remove(third.name()).await.unwrap();
    nothing_is_left(&rig, &known);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_of_an_instance_find_each_other_also_those_that_start_later_or_anew() {
    let rig = rig();
    let [own, other] = &rig.instances;
    let db = service(own, "db", &["serve", "80", "1"]);
    db.go(&rig).await;
    let web = service(own, "web", &["serve", "80", "2"]);
    web.go(&rig).await;
    assert_eq!(get(&rig, &db, "web:80").await, Ok("2".to_owned()), "it started later");
    assert_eq!(get(&rig, &web, &format!("db.{own}:80")).await, Ok("1".to_owned()));
    rig.engine.remove(web.name()).await.unwrap();
    assert!(get(&rig, &db, "web:80").await.unwrap_err().contains("cannot ask web:80"), "it is gone");
    let again = service(own, "web", &["serve", "80", "3"]);
    again.go(&rig).await;
    assert_eq!(get(&rig, &db, "web:80").await, Ok("3".to_owned()), "it was started anew");

    let stranger = service(other, "stranger", &["sleep", "60"]);
    let engine = rig.engine.for_instance(other.clone());
    engine.create(&stranger.request, &stranger.folder).await.unwrap();
    engine.start(stranger.name()).await.unwrap();
    let hosts = std::fs::read_to_string(rig.place(stranger.name()).join("hosts")).unwrap();
    // The name of its instance may have these letters in it.
    assert!(
        !hosts.contains("\tdb") && hosts.contains("\tstranger\n"),
        "another instance knows nothing of them: {hosts}"
    );
    for job in [&db, &again] {
        rig.engine.remove(job.name()).await.unwrap();
    }
    engine.remove(stranger.name()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_on_a_network_has_its_files_and_no_more_power() {
    let rig = rig();
    assert_eq!(prints(&rig, &["net"], shared).await.1, "lo\neth0");
    let caps = prints(&rig, &["caps"], shared).await.1;
    assert_eq!(caps, "CapEff=0000000000000000 NoNewPrivs=1 Seccomp=2");
    assert_eq!(prints(&rig, &["cat", "/etc/hostname"], shared).await, (0, "job".to_owned()));
    let (code, hosts) = prints(&rig, &["cat", "/etc/hosts"], shared).await;
    assert!(code == 0 && hosts.starts_with("127.0.0.1\tlocalhost\n") && hosts.ends_with("\tjob"), "{hosts}");
    let (code, servers) = prints(&rig, &["cat", "/etc/resolv.conf"], shared).await;
    assert!(code == 0 && !servers.contains("nameserver 127."), "{servers}");
    let look = "for file in hosts resolv.conf hostname; do echo x >> /etc/$file; done; cat /proc/net/if_inet6";
    let (_, said) = prints(&rig, &["-c", look], |workload| {
        with_host_tools(workload);
        workload.user = Some("0:0".to_owned());
        shared(workload);
    })
    .await;
    assert_eq!(said.matches("Read-only file system").count(), 3, "{said}");
    assert!(!said.contains("eth0"), "no addresses lead around the rules: {said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hosts_loopback_and_other_engines_are_out_of_reach() {
    let (rig, other) = (rig(), rig());
    let (port, open) = (free_port(), free_port());
    let (job, mut secret) = (published(&rig, port, "1"), service(&other.instances[0], "secret", &["serve", "80", "2"]));
    secret.request.workload.ports = vec![format!("0.0.0.0:{open}:80").parse().unwrap()];
    job.go(&rig).await;
    secret.go(&other).await;
    is_answered(&rig, &job).await;
    is_answered(&other, &secret).await;
    let (one, two) = (bridge(&rig.folder()).unwrap(), bridge(&other.folder()).unwrap());
    assert!(one.0 != two.0 && one.1 != two.1, "{one:?} {two:?}");
    let (own, theirs) = (address(&rig, &job), address(&other, &secret));
    assert!(reaches(&rig, &job, &own).await, "itself");
    assert!(!reaches(&rig, &job, &theirs).await, "what another engine has");
    let gateway = one.1.replace(".0/22", ".1");
    assert!(!reaches(&rig, &job, &format!("{gateway}:{port}")).await, "what is published at the loopback only");
    assert!(!reaches(&rig, &job, &format!("127.0.0.1:{port}")).await, "the loopback is its own");
    assert_eq!(get(&rig, &job, &format!("{gateway}:{open}")).await, Ok("2".to_owned()), "what is published for all");
    // A program that may send what it likes could name the loopback as where it goes to.
    assert!(rules().contains(&format!("-A PREROUTING -d 127.0.0.0/8 -i {} -j DROP", one.0)), "{}", rules());
    rig.engine.remove(job.name()).await.unwrap();
    nothing_is_left(&rig, &one);
    assert!(rules().contains(&two.0), "the other one's are there");
    is_answered(&other, &secret).await;
    other.engine.remove(secret.name()).await.unwrap();
    nothing_is_left(&other, &two);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_a_shim_that_is_killed_leaves_nothing_of_its_network() {
    let rig = rig();
    let port = free_port();
    let job = published(&rig, port, "1");
    job.go(&rig).await;
    let known = bridge(&rig.folder()).unwrap();
    assert!(rules().contains(&port.to_string()));
    kill_process(processes(job.name())[0], Signal::KILL).unwrap();
    ended(&rig, job.name()).await;
    nothing_is_left(&rig, &known);
    assert!(!rules().contains(&port.to_string()));
    // The same port at once again, and killed once more: removed without being looked at.
    let again = published(&rig, port, "2");
    again.go(&rig).await;
    is_answered(&rig, &again).await;
    assert_eq!(asked(port).as_deref(), Some("2"));
    kill_process(processes(again.name())[0], Signal::KILL).unwrap();
    rig.engine.remove(again.name()).await.unwrap();
    nothing_is_left(&rig, &known);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_is_opened_again_goes_on_with_what_is_connected() {
    let rig = rig();
    let port = free_port();
    let job = published(&rig, port, "1");
    job.go(&rig).await;
    let known = bridge(&rig.folder()).unwrap();
    let engine = open(&rig.folder(), &rig.instances[0]);
    is_answered(&rig, &job).await;
    let second = service(&rig.instances[0], "second", &["serve", "80", "2"]);
    engine.create(&second.request, &second.folder).await.unwrap();
    engine.start(second.name()).await.unwrap();
    assert_eq!(get(&rig, &second, "web:80").await, Ok("1".to_owned()));
    engine.stop(job.name(), 5).await.unwrap();
    assert_eq!(bridge(&rig.folder()), Some(known.clone()), "somebody is there");
    engine.remove(second.name()).await.unwrap();
    nothing_is_left(&rig, &known);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_never_started_has_nothing_to_give_back() {
    let rig = rig();
    let port = free_port();
    let job = published(&rig, port, "1");
    rig.engine.create(&job.request, &job.folder).await.unwrap();
    assert_eq!(bridge(&rig.folder()), None);
    drop(TcpListener::bind(("127.0.0.1", port)).unwrap());
    // Without its shim it is made anew, and connected once.
    kill_process(processes(job.name())[0], Signal::KILL).unwrap();
    meanwhile(&rig, async {
        while !processes(job.name()).is_empty() {
            rig.tick().await;
        }
    })
    .await;
    rig.engine.start(job.name()).await.unwrap();
    let known = bridge(&rig.folder()).unwrap();
    is_answered(&rig, &job).await;
    rig.engine.remove(job.name()).await.unwrap();
    nothing_is_left(&rig, &known);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_plugins_it_is_said_what_to_install() {
    let rig = rig();
    let networks = NetworkFolders { plugins: vec![rig.home.path().join("none")], ..NetworkFolders::default() };
    let engine = open_with(&rig.home.path().join("other"), &rig.instances[0], networks);
    let (what, mend) = engine.lacks().pop().unwrap();
    assert!(what.contains("bridge") && mend.contains("containernetworking-plugins"), "{what} {mend}");
    let job = service(&rig.instances[0], "web", &["echo"]);
    let error = engine.create(&job.request, &job.folder).await.unwrap_err();
    assert_eq!(error.kind, EngineErrorKind::Refused);
    assert!(error.message.contains("apt-get install containernetworking-plugins"), "{error}");
    assert_eq!(rig.engine.lacks(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_the_machine_names_is_joined_as_its_list_says() {
    let rig = rig();
    let lists = rig.home.path().join("lists");
    std::fs::create_dir(&lists).unwrap();
    let addresses = json!({"type": "host-local", "dataDir": rig.home.path().join("addresses"), "subnet": "10.209.7.0/24", "routes": [{"dst": "0.0.0.0/0"}]});
    // Cables to the host, without a bridge that would stay.
    let plugins = json!([{"type": "ptp", "ipam": addresses}]);
    let list = json!({"name": "backend", "cniVersion": "0.4.0", "plugins": plugins});
    std::fs::write(lists.join("10-mine.conflist"), list.to_string()).unwrap();
    let networks = NetworkFolders { lists, ..NetworkFolders::default() };
    let engine = open_with(&rig.folder(), &rig.instances[0], networks);
    let mut jobs = ["one", "two"].map(|name| service(&rig.instances[0], name, &["serve", "80", "1"]));
    for job in &mut jobs {
        job.request.workload.network = "backend".to_owned();
        engine.create(&job.request, &job.folder).await.unwrap();
        engine.start(job.name()).await.unwrap();
    }
    assert_eq!(get(&rig, &jobs[1], "one:80").await, Ok("1".to_owned()));
    assert!(address(&rig, &jobs[0]).starts_with("10.209.7."));
    let mut wants_ports = published(&rig, free_port(), "1");
    wants_ports.request.workload.network = "backend".to_owned();
    let error = engine.create(&wants_ports.request, &wants_ports.folder).await.unwrap_err();
    assert!(error.message.contains("publishes no ports"), "{error}");
    for job in &jobs {
        engine.remove(job.name()).await.unwrap();
    }
    let taken = std::fs::read_dir(rig.home.path().join("addresses/backend")).unwrap().flatten();
    assert_eq!(taken.filter(|entry| entry.file_name().to_string_lossy().starts_with("10.")).count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hosts_network_is_the_hosts() {
    let rig = rig();
    let host = |workload: &mut provost_model::Workload| workload.network = "Host".to_owned();
    let low = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    let (code, inside) = prints(&rig, &["net"], host).await;
    let names = std::fs::read_dir("/sys/class/net").unwrap().flatten();
    let names: Vec<String> = names.map(|entry| entry.file_name().into_string().unwrap()).collect();
    let wired: Vec<&String> = names.iter().filter(|name| name.starts_with('e')).collect();
    assert!(code == 0 && !wired.is_empty() && wired.iter().all(|name| inside.contains(*name)), "{inside}");
    let port = free_port();
    let mut job = Job::new(&rig, &["serve", &port.to_string(), "1"]);
    host(&mut job.request.workload);
    job.go(&rig).await;
    assert_eq!(get(&rig, &job, &format!("127.0.0.1:{port}")).await, Ok("1".to_owned()));
    assert_eq!(asked(port).as_deref(), Some("1"));
    rig.engine.remove(job.name()).await.unwrap();
    assert!(Path::new("/sys/class/net/lo").exists());
    assert_eq!(
        std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap(),
        low,
        "it is left as it was"
    );
    let mut wants_ports = published(&rig, port, "1");
    host(&mut wants_ports.request.workload);
    assert_eq!(kind(rig.engine.create(&wants_ports.request, &wants_ports.folder).await), EngineErrorKind::Refused);
}
