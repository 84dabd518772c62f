//! What every engine must do: one suite, run on each of them.

mod life;
mod looking;
mod output;
mod trouble;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use provost_controller::Engine;
use provost_model::{ContainerName, ContainerSeen, Instance, Life};

use crate::job::Job;

pub use life::*;
pub use looking::*;
pub use output::*;
pub use trouble::*;

/// An engine under test, with what a test has to do beside it.
#[async_trait]
pub trait Rig: Send + Sync {
    /// The engine, for one instance.
    fn engine(&self) -> Arc<dyn Engine>;
    /// The same engine, for another instance.
    fn other(&self) -> Arc<dyn Engine>;
    /// Both instances.
    fn instances(&self) -> &[Instance; 2];
    /// A toolbox image that the engine has.
    fn image(&self) -> &str;
    /// Lets a little time pass.
    async fn tick(&self);
    /// Somebody runs a container with these labels by hand.
    async fn plant(&self, name: &ContainerName, labels: BTreeMap<String, String>);
    /// Somebody's container is still running.
    async fn planted_runs(&self, name: &ContainerName) -> bool;
    /// The engine answers nobody.
    async fn go_down(&self);
    /// The engine answers again.
    async fn come_back(&self);
}

impl Job {
    /// A job of the toolbox, for the first instance.
    pub fn new(rig: &dyn Rig, args: &[&str]) -> Self {
        Self::of(&rig.instances()[0], rig.image(), args)
    }

    /// Makes and starts it.
    pub async fn go(&self, rig: &dyn Rig) {
        rig.engine().create(&self.request, &self.folder).await.unwrap();
        rig.engine().start(self.name()).await.unwrap();
    }

    /// Runs it to its end.
    pub async fn run(&self, rig: &dyn Rig) -> Life {
        self.go(rig).await;
        ended(rig, self.name()).await
    }

    pub async fn seen(&self, rig: &dyn Rig) -> Option<ContainerSeen> {
        rig.engine().inspect(self.name()).await.unwrap()
    }
}

/// What a container came to.
pub async fn ended(rig: &dyn Rig, name: &ContainerName) -> Life {
    for _ in 0..600 {
        let seen = rig.engine().inspect(name).await.unwrap();
        if let Some(seen) = seen.filter(|seen| seen.life.is_over()) {
            return seen.life;
        }
        rig.tick().await;
    }
    panic!("{name} does not end");
}

/// Waits for `future` while time passes.
pub async fn meanwhile<T>(rig: &dyn Rig, future: impl Future<Output = T>) -> T {
    tokio::pin!(future);
    for _ in 0..600 {
        tokio::select! {
            biased;
            result = &mut future => return result,
            () = rig.tick() => {}
        }
    }
    panic!("it takes too long");
}

pub fn code(life: &Life) -> i64 {
    match life {
        Life::Exited { code, .. } => *code,
        other => panic!("it has not ended: {other:?}"),
    }
}

/// Makes a test of every part of the suite, on the rig that the expression makes.
#[macro_export]
macro_rules! suite {
    ($rig:expr; $($test:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let rig = $rig.await;
                conformance::$test(&rig).await;
            }
        )*
    };
    ($rig:expr) => {
        $crate::suite! { $rig;
            a_container_lives_from_creation_to_its_exit_code
            r3_creating_it_twice_adopts_it
            r3_another_one_of_that_name_is_a_conflict
            d2_starting_it_twice_runs_it_once
            r7_stopping_asks_first
            r7_a_stubborn_one_is_killed_after_its_grace
            stopping_what_does_not_run_is_fine
            removing_takes_it_away_whatever_it_does
            what_is_gone_is_not_found
            running_out_of_memory_is_seen
            the_event_goes_in_and_answers_come_out
            c6_only_containers_of_the_instance_are_listed
            c6_containers_of_others_are_neither_shown_nor_touched
            c6_a_request_for_another_instance_is_refused
            watching_wakes_at_start_end_and_removal
            output_comes_in_order_with_its_stream_and_time
            following_begins_before_the_start_and_ends_with_the_container
            a_long_line_comes_whole
            an_image_that_is_not_there_is_said
            a_program_that_is_not_there_is_refused
            an_archive_is_loaded
            an_engine_that_is_away_is_unavailable_and_nothing_is_lost
        }
    };
}
