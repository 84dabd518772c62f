//! What each form of text is called in messages, and how it is written; the forms are the schemas' `x-form`.

/// What each form of text is called, and how it is written.
pub(crate) fn forms(form: &str) -> (&'static str, &'static str) {
    match form {
        "duration" => ("a duration", "write it as `90s`, `10m`, `6h`, `1d` or `1h30m`"),
        "size" => ("a size", "write it as `512Mi` or `2Gi`: a whole number with Ki, Mi, Gi or Ti"),
        "cpu" => ("a number of processor cores", "write it as `\"1\"`, `0.5` or `500m`"),
        "name" => ("a name", "a name is made of a-z, 0-9 and `-` (not first or last), at most 52 characters"),
        "image" => (
            "a reference of an image",
            "write it as `registry.example.org/path/name:tag`, in lower case; a digest follows as `@sha256:…`",
        ),
        "path" => ("an absolute path", "begin it with `/`"),
        "user" => ("a user", "write it as `uid` or `uid:gid`, such as `1000:1000`"),
        "network" => ("a network", "write `None`, `Shared`, `Host` or the name of a network"),
        "capability" => ("a capability", "write it in capitals and without `CAP_`, such as `NET_BIND_SERVICE`"),
        "event" => {
            ("the name of an event", "write words with dots between them, such as `run.succeeded` or `orders.arrived`")
        }
        "url" => ("an http or https address", "write it as `https://host/path`, without a user and a password"),
        "git address" => (
            "an address of a git repository",
            "write it as `https://host/tools.git`, `ssh://git@host/tools.git` or `git@host:tools.git`",
        ),
        "branch" => ("the name of a branch", "write the name alone, such as `main`"),
        "folder" => ("a folder in the repository", "write it as it stands there, such as `manifests`"),
        "file" => (
            "a relative path",
            "write names of letters, digits, `_`, `.` and `-`, with `/` between them, and without `..`",
        ),
        "variable" => ("the name of a variable", "use letters, digits and `_`, not beginning with a digit"),
        "age" => (
            "an age file in armour",
            "let `provost secret set NAME` write it; it stands in lines of its own after `age: |`",
        ),
        "word" => ("a word", "use letters, digits, `_`, `.` and `-`"),
        _ => ("right", "see `provost explain` of the field"),
    }
}
