//! What a failure of git at the other side means for the operator.

use provost_controller::SourceError;

use super::address::Address;
use super::command::GitError;
use crate::limits::{refused, unreachable};

/// What git and ssh say, and how to mend it; the first that fits.
const MENDS: &[(&[&str], &str)] = &[
    (
        &["ssh: not found", "ssh: command not found", "cannot run ssh"],
        "install the OpenSSH client (`apt-get install openssh-client`)",
    ),
    (
        &["Host key verification failed", "host key is known"],
        "add the key of the server to the file of `knownHosts`; `ssh-keyscan` prints it, the server's owner confirms it",
    ),
    (
        &["Permission denied", "Authentication failed", "could not read Username"],
        "give the account that Provost runs as a key or a `.netrc` that may read it",
    ),
    (
        &["fsck error", "fsckObjects"],
        "the repository holds something that git takes for an attack or damage; `git fsck --strict` there tells more",
    ),
    (
        &["does not appear to be a git repository", "not found", "does not exist", "not exported", "not allowed"],
        "check the address",
    ),
];

/// Tells what trying again may help from what somebody has to mend.
pub(super) fn remote(address: &Address, error: GitError) -> SourceError {
    let said = format!("{address}: {error}");
    match error {
        GitError::Missing => refused(error.to_string()),
        GitError::TooMuch(_) | GitError::Unexpected(_) => refused(said),
        GitError::Timeout(_) | GitError::Talk(_) => unreachable(said),
        GitError::Failed { complaint, .. } => match mend(&complaint) {
            Some(mend) => refused(format!("{said}; {mend}")),
            None => unreachable(said),
        },
    }
}

fn mend(complaint: &str) -> Option<&'static str> {
    let fits = |(parts, _): &&(&[&str], &str)| parts.iter().any(|part| complaint.contains(part));
    MENDS.iter().find(fits).map(|(_, mend)| *mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_has_to_mend_is_refused() {
        let address = Address::parse("git@host:shop.git", false).unwrap();
        let told =
            |complaint: &str| remote(&address, GitError::Failed { code: Some(128), complaint: complaint.to_owned() });
        for (complaint, mend) in [
            ("sh: 1: ssh: not found", "install the OpenSSH client"),
            ("Host key verification failed.", "knownHosts"),
            ("git@host: Permission denied (publickey).", "a key or a `.netrc`"),
            ("fatal: could not read Username for 'https://host': terminal prompts disabled", "a key or a `.netrc`"),
            ("remote: Repository not found.", "check the address"),
            ("fatal: transport 'ext' not allowed", "check the address"),
            (
                "error: object 1f: gitmodulesUrl: disallowed submodule url; fatal: fsck error in pack",
                "git fsck --strict",
            ),
        ] {
            let error = told(complaint);
            assert!(
                matches!(&error, SourceError::Refused(why) if why.contains(complaint) && why.contains(mend)),
                "{error}"
            );
        }
        for complaint in
            ["fatal: Could not resolve host: host", "ssh: connect to host host port 22: Connection refused"]
        {
            assert!(matches!(told(complaint), SourceError::Unreachable(_)), "{complaint}");
        }
    }
}
