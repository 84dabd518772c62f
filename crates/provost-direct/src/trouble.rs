//! What a system's errors mean: whether waiting may help.

use std::io;

use provost_controller::{EngineError, EngineErrorKind};
use provost_oci::StoreError;

use crate::record::Answer;

/// The error of having failed to do something with a file: `read the container provost-a`. Disks fill up and come back.
pub(crate) fn around(doing: &str, error: &io::Error) -> EngineError {
    EngineError::new(EngineErrorKind::Unavailable, format!("cannot {doing}: {error}"))
}

/// An error of the image store's.
pub(crate) fn of_store(doing: &str, error: &StoreError) -> EngineError {
    let kind = if error.may_pass() { EngineErrorKind::Unavailable } else { EngineErrorKind::Refused };
    EngineError::new(kind, format!("cannot {doing}: {error}"))
}

/// What a shim has answered.
pub(crate) fn of_answer(doing: &str, answer: Answer) -> Result<(), EngineError> {
    let (kind, why) = match answer {
        Answer::Done => return Ok(()),
        Answer::Refused(why) => (EngineErrorKind::Refused, why),
        Answer::Unavailable(why) => (EngineErrorKind::Unavailable, why),
    };
    Err(EngineError::new(kind, format!("cannot {doing}: {why}")))
}
