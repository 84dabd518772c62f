//! Output.

use futures_util::{StreamExt as _, TryStreamExt as _};
use provost_controller::{OutputChunk, OutputStream};
use provost_model::ContainerName;

use super::{Rig, meanwhile};
use crate::job::{Job, text};

/// All output of a container.
pub async fn chunks(rig: &dyn Rig, name: &ContainerName, follow: bool) -> Vec<OutputChunk> {
    let output = rig.engine().output(name, follow).await.unwrap();
    meanwhile(rig, output.try_collect()).await.unwrap()
}

/// All output of a container, as text.
pub async fn read(rig: &dyn Rig, name: &ContainerName, follow: bool) -> String {
    text(&chunks(rig, name, follow).await)
}

pub async fn output_comes_in_order_with_its_stream_and_time(rig: &dyn Rig) {
    let job = Job::new(rig, &["spam", "2000"]);
    job.go(rig).await;
    let followed = chunks(rig, job.name(), true).await;
    let lines: Vec<String> = text(&followed).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2000);
    let numbers: Vec<usize> =
        lines.iter().filter_map(|line| line.split_whitespace().find_map(|word| word.parse().ok())).collect();
    assert!(numbers.is_sorted() && numbers.len() == 2000, "in order: {lines:?}");
    assert!(followed.is_sorted_by_key(|chunk| chunk.at), "times do not go back");
    assert_eq!(chunks(rig, job.name(), false).await, followed, "reading again gives the same");

    let failing = Job::new(rig, &["fail", "1", "woe"]);
    failing.run(rig).await;
    let printed = chunks(rig, failing.name(), false).await;
    assert_eq!(printed.iter().map(|chunk| chunk.stream).collect::<Vec<_>>(), [OutputStream::Stderr]);
    assert!(text(&printed).contains("woe"));
}

pub async fn following_begins_before_the_start_and_ends_with_the_container(rig: &dyn Rig) {
    let (engine, job) = (rig.engine(), Job::new(rig, &["sleep", "0.5"]));
    engine.create(&job.request, &job.folder).await.unwrap();
    assert_eq!(chunks(rig, job.name(), false).await, []);
    let mut output = engine.output(job.name(), true).await.unwrap();
    tokio::select! {
        biased;
        end = output.next() => panic!("it has not started: {end:?}"),
        () = rig.tick() => {}
    }
    engine.start(job.name()).await.unwrap();
    assert!(meanwhile(rig, output.next()).await.is_none(), "it is silent");
    assert!(job.seen(rig).await.unwrap().life.is_over());
}

pub async fn a_long_line_comes_whole(rig: &dyn Rig) {
    let job = Job::new(rig, &["long-line", "100000"]);
    job.go(rig).await;
    let printed = read(rig, job.name(), true).await;
    assert_eq!((printed.len(), printed.ends_with('\n'), printed.lines().count()), (100_001, true, 1));
}
