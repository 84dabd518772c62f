//! Calls into the library, with its panics caught and its errors in our words.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};
use std::thread;

use cel::{Context, Env, ExecutionError};

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A context with the standard functions and no variables.
pub(crate) fn context<'p, 'v>() -> Context<'p, 'v> {
    Context::with_env(Arc::clone(&ENV))
}

/// Enough for the deepest expression that is allowed, in a build without optimisation: a bracket costs the parser
/// about 110 KiB there, and a level of the tree costs evaluation about 40 KiB. Only what is used becomes real memory.
const STACK: usize = 32 * 1024 * 1024;

const FAILED: &str = "cannot be evaluated: the CEL library failed on it";

/// Calls `work`; a panic in it becomes an error.
pub(crate) fn here<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| FAILED.to_owned())
}

/// Calls `work` on a thread of its own, whose stack does not depend on the caller's; a panic in it becomes an error.
pub(crate) fn on_a_big_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    thread::scope(|scope| {
        let named = thread::Builder::new().name("expression".to_owned()).stack_size(STACK);
        let handle = named
            .spawn_scoped(scope, work)
            .map_err(|error| format!("cannot be evaluated: no thread for it: {error}"))?;
        handle.join().map_err(|_| FAILED.to_owned())
    })
}

/// An error of evaluation, in one sentence.
pub(crate) fn explain(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => {
            format!("reads `{key}`, which is not there; ask first: `has(….{key}) && …`")
        }
        ExecutionError::UndeclaredReference(name) => {
            format!("uses `{name}`, which is neither a variable nor a function here")
        }
        other => {
            let text = other.to_string();
            let short: String = text.chars().take(300).collect();
            format!("cannot be evaluated: {short}")
        }
    }
}
