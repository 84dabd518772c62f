//! What the core is told.

use provost_model::{ContainerName, ContainerSeen, EventId, Reply, RevisionId, StepOutput, StepRef};
use provost_planner::Action;

use crate::{Compiled, DeliveryError, EngineError, EngineFacts};

/// Something that the core is told: what was seen, and what came of its actions.
#[derive(Debug)]
pub enum Input {
    /// Nothing but the passing of time.
    Tick,
    /// The engine answers, and these are all of this instance's containers.
    EngineUp {
        /// What it says of itself.
        facts: EngineFacts,
        /// Its containers.
        containers: Vec<ContainerSeen>,
    },
    /// The engine does not answer.
    EngineDown {
        /// Why.
        why: String,
    },
    /// A container that the engine said has changed; absent when there is none of that name. This may be old news: one
    /// of that name may have been made since.
    Seen {
        /// Which.
        name: ContainerName,
        /// What it was.
        container: Option<ContainerSeen>,
    },
    /// A container that [`crate::Answer::look_at`] asked for, as it was after that; absent when it is gone.
    LookedAt {
        /// Which.
        name: ContainerName,
        /// What it is.
        container: Option<ContainerSeen>,
    },
    /// A container was made, or not.
    Created {
        /// Which.
        name: ContainerName,
        /// For which step.
        step: StepRef,
        /// The container and the image's digest.
        result: Result<(ContainerSeen, String), EngineError>,
    },
    /// A container was started, or not.
    Started {
        /// Which.
        name: ContainerName,
        /// For which step.
        step: StepRef,
        /// What it is now.
        result: Result<Option<ContainerSeen>, EngineError>,
    },
    /// A container's output has come to its end.
    Followed {
        /// Which.
        name: ContainerName,
    },
    /// A container was asked to end and has ended, or not.
    Stopped {
        /// Which.
        name: ContainerName,
        /// What it is now.
        result: Result<Option<ContainerSeen>, EngineError>,
    },
    /// What an ended container left behind.
    Collected {
        /// Which.
        name: ContainerName,
        /// Whose.
        step: StepRef,
        /// The container as it is, and its output.
        result: Result<(ContainerSeen, Box<StepOutput>), EngineError>,
    },
    /// A service was asked whether it does its work.
    Probed {
        /// Its container.
        name: ContainerName,
        /// The answer; why it is bad, if it is.
        result: Result<Result<(), String>, EngineError>,
    },
    /// A container was removed, or not.
    Removed {
        /// Which.
        name: ContainerName,
        /// Whether it is gone.
        result: Result<(), EngineError>,
    },
    /// A receiver was asked.
    Asked {
        /// The step that the answer ends.
        step: StepRef,
        /// The answer; absent for silence.
        result: Result<Option<Reply>, DeliveryError>,
    },
    /// A notification was delivered, or not.
    Delivered {
        /// Which.
        id: EventId,
        /// Whether it arrived.
        result: Result<(), DeliveryError>,
    },
    /// A revision was compiled and is to take effect, if it can.
    Revision {
        /// Which.
        revision: RevisionId,
        /// Author and subject.
        about: String,
        /// Who wants it: `source`, or a person.
        by: String,
        /// What came of compiling it.
        compiled: Box<Compiled>,
        /// Stay at it until told otherwise (`rollback`); false ends such a stay.
        pin: Pin,
    },
    /// Facts that a command calls for, checked by [`crate::Core::order`].
    Ordered {
        /// In order.
        facts: Vec<provost_model::Fact>,
    },
    /// The reconciler is to end.
    Shutdown,
}

/// What a revision means for staying at one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// It leaves things as they are: the source brought it.
    Leave,
    /// The server stays at this revision.
    Set,
    /// The server follows its source again.
    Clear,
}

/// An action under way, by what it works on: the same is not begun twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Making a container.
    Create(ContainerName),
    /// Starting one.
    Start(ContainerName),
    /// Keeping its output.
    Follow(ContainerName),
    /// Asking it to end.
    Stop(ContainerName),
    /// Collecting what it left.
    Collect(ContainerName),
    /// Asking whether the service in it does its work.
    Probe(ContainerName),
    /// Removing it.
    Remove(ContainerName),
    /// Asking a receiver.
    Ask(StepRef),
    /// Delivering a notification.
    Deliver(EventId),
}

impl Work {
    /// What `action` works on.
    pub fn of(action: &Action) -> Self {
        match action {
            Action::Create { request } => Self::Create(request.name.clone()),
            Action::Start { name, .. } => Self::Start(name.clone()),
            Action::Follow { name, .. } => Self::Follow(name.clone()),
            Action::Stop { name, .. } => Self::Stop(name.clone()),
            Action::Collect { name, .. } => Self::Collect(name.clone()),
            Action::Probe { name, .. } => Self::Probe(name.clone()),
            Action::Remove { name } => Self::Remove(name.clone()),
            Action::Ask { step, .. } => Self::Ask(step.clone()),
            Action::Deliver { notice, .. } => Self::Deliver(notice.id.clone()),
        }
    }
}
