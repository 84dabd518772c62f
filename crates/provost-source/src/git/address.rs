//! Addresses that git and ssh cannot mistake for anything else.

use std::fmt;
use std::path::Path;

use crate::config::ConfigProblem;

/// What is wrong with a value, and how to mend it.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) mend: String,
}

impl Wrong {
    /// As a problem of the configuration at `key`.
    pub(super) fn at(self, key: &str) -> ConfigProblem {
        ConfigProblem::new(key, self.what, self.mend)
    }
}

pub(super) fn wrong<T>(what: impl Into<String>, mend: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { what: what.into(), mend: mend.into() })
}

const WRITE_URL: &str = "write `https://host/shop.git` or `ssh://git@host/shop.git`";

/// The address of a repository, in a protocol that is allowed.
#[derive(Clone, Debug)]
pub(super) struct Address {
    url: String,
    protocol: &'static str,
}

impl Address {
    /// Accepts `https` and `ssh` (also as `user@host:path`), and `file` when it is allowed.
    ///
    /// Everything else that git understands is refused: `ext::` and its like run commands, `http` and `git`
    /// are not encrypted, and a plain path could be an option.
    pub(super) fn parse(url: &str, allow_file: bool) -> Result<Self, Wrong> {
        let protocol = protocol(url, allow_file)?;
        Ok(Self { url: url.to_owned(), protocol })
    }

    /// An address that nobody has checked, to see what git itself is kept from.
    #[cfg(test)]
    pub(super) fn unchecked(url: &str, protocol: &'static str) -> Self {
        Self { url: url.to_owned(), protocol }
    }

    /// The only protocol that git may use for it, as git calls it.
    pub(super) fn protocol(&self) -> &'static str {
        self.protocol
    }

    pub(super) fn as_str(&self) -> &str {
        &self.url
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

fn protocol(url: &str, allow_file: bool) -> Result<&'static str, Wrong> {
    let scheme_end =
        url.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '.' | '-')).unwrap_or(url.len());
    if url.is_empty() {
        return wrong("it is empty", WRITE_URL);
    }
    if url.starts_with('-') {
        return wrong(format!("{url:?} begins with `-`, so git would take it for an option"), WRITE_URL);
    }
    if url[scheme_end..].starts_with("::") {
        return wrong(format!("{url:?} names a remote helper, which may run any command"), WRITE_URL);
    }
    if url.len() > 2048 || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return wrong(format!("{url:?} has blanks or control characters, or is too long"), WRITE_URL);
    }
    match url.split_once("://") {
        Some(("https", rest)) => https(rest),
        Some(("ssh", rest)) => ssh(rest),
        Some(("file", rest)) => file(rest, allow_file),
        Some((scheme @ ("http" | "git" | "ftp" | "ftps"), _)) => {
            wrong(format!("`{scheme}` is not allowed: what comes that way may be anybody's"), WRITE_URL)
        }
        Some((scheme, _)) => wrong(format!("`{scheme}` is not an allowed protocol"), WRITE_URL),
        None => scp_like(url),
    }
}

fn https(rest: &str) -> Result<&'static str, Wrong> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return wrong(
            "it has a user or password in it, which everyone on this machine could see",
            "put them into the `.netrc` of the account that Provost runs as, or use ssh with a deploy key",
        );
    }
    if path.is_empty() || !is_host(authority.split(':').next().unwrap_or_default()) {
        return wrong("it has no host or no path", "write `https://host/shop.git`");
    }
    Ok("https")
}

fn ssh(rest: &str) -> Result<&'static str, Wrong> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("git", authority));
    if path.is_empty() || !is_host(user) || !is_host(host.split(':').next().unwrap_or_default()) {
        return wrong("it is not a user, a host and a path", "write `ssh://git@host/shop.git`");
    }
    Ok("ssh")
}

fn file(rest: &str, allow_file: bool) -> Result<&'static str, Wrong> {
    if !allow_file {
        return wrong(
            "`file` is not an allowed protocol",
            "set `allowFile: true` if the repository on this machine can be trusted",
        );
    }
    if !rest.starts_with('/') {
        return wrong("its path is not absolute", "write `file:///srv/shop.git`");
    }
    Ok("file")
}

/// `user@host:path`, as git and scp write it.
fn scp_like(url: &str) -> Result<&'static str, Wrong> {
    let parts = url.split_once(':').filter(|(authority, path)| !authority.contains('/') && !path.is_empty());
    let Some((authority, path)) = parts else {
        return wrong(
            format!("{url:?} is not an address"),
            "write `https://host/shop.git`, `ssh://git@host/shop.git`, or `file:///srv/shop.git` with `allowFile: true`",
        );
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("git", authority));
    if !is_host(user) || !is_host(host) || path.starts_with('-') {
        return wrong(format!("{url:?} is not a user, a host and a path"), "write `git@host:shop.git`");
    }
    Ok("ssh")
}

/// Whether `text` is plain enough for a host or a user: ssh would take a leading `-` for an option.
fn is_host(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('-') && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// The command that git runs for `ssh`: it asks nothing, and trusts no server whose key is not known.
pub(super) fn ssh_command(known_hosts: Option<&Path>) -> Result<String, Wrong> {
    let mut command = "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=15 \
                       -oClearAllForwardings=yes -oPermitLocalCommand=no"
        .to_owned();
    if let Some(path) = known_hosts {
        // The text passes through a shell and through ssh's own splitting, so it must be plain.
        let plain = |text: &&str| text.chars().all(|c| c.is_alphanumeric() || "/._-+=@,".contains(c));
        let Some(path) = path.to_str().filter(|text| text.starts_with('/')).filter(plain) else {
            return wrong(
                format!("{:?} is not a plain absolute path", path.display()),
                "write it without blanks and quotes",
            );
        };
        command += &format!(" -oGlobalKnownHostsFile=/dev/null -oUserKnownHostsFile={path}");
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_allowed() {
        for (url, protocol) in [
            ("https://git.example.org/shop.git", "https"),
            ("https://git.example.org:8443/a/b", "https"),
            ("ssh://git@git.example.org/shop.git", "ssh"),
            ("ssh://git.example.org:2222/srv/shop.git", "ssh"),
            ("git@git.example.org:shop/shop.git", "ssh"),
            ("git.example.org:shop.git", "ssh"),
        ] {
            assert_eq!(Address::parse(url, false).unwrap().protocol(), protocol, "{url}");
        }
        assert_eq!(Address::parse("file:///srv/shop.git", true).unwrap().protocol(), "file");
    }

    #[test]
    fn addresses_that_could_be_anything_else_are_refused() {
        for (url, why) in [
            ("", "empty"),
            ("-oProxyCommand=touch /tmp/x", "begins with `-`"),
            ("--upload-pack=touch /tmp/x", "begins with `-`"),
            ("ext::sh -c touch% /tmp/x", "remote helper"),
            ("ext::sh://x", "remote helper"),
            ("fd::17/shop", "remote helper"),
            ("https::https://git.example.org/x", "remote helper"),
            ("a.b+c-d::x", "remote helper"),
            ("::x", "remote helper"),
            ("http://git.example.org/shop.git", "`http` is not allowed"),
            ("git://git.example.org/shop.git", "`git` is not allowed"),
            ("HTTPS://git.example.org/shop.git", "not an allowed protocol"),
            ("svn+ssh://git.example.org/shop.git", "not an allowed protocol"),
            ("https://me:secret@git.example.org/shop.git", "user or password"),
            ("https://token@git.example.org/shop.git", "user or password"),
            ("https://-x/shop.git", "no host"),
            ("https:///shop.git", "no host"),
            ("https://git.example.org", "no path"),
            ("ssh://-oProxyCommand=x/shop.git", "user, a host"),
            ("ssh://git@-oProxyCommand=x/shop.git", "user, a host"),
            ("ssh://-l@host/shop.git", "user, a host"),
            ("ssh://me:secret@host/shop.git", "user, a host"),
            ("git@-host:shop.git", "user, a host"),
            ("git@host:-shop.git", "user, a host"),
            ("file:///srv/shop.git", "not an allowed protocol"),
            ("/srv/shop.git", "not an address"),
            ("./shop.git", "not an address"),
            ("shop.git", "not an address"),
            ("https://host/a b", "blanks"),
            ("https://host/a\nb", "blanks"),
        ] {
            let wrong = Address::parse(url, false).unwrap_err();
            assert!(wrong.what.contains(why), "{url}: {}", wrong.what);
            assert!(!wrong.mend.is_empty());
        }
        assert!(Address::parse("file://srv/shop.git", true).unwrap_err().what.contains("not absolute"));
        assert!(!Address::parse("https://me:secret@h/x", false).unwrap_err().what.contains("secret"));
    }

    #[test]
    fn the_file_of_known_hosts_is_plain() {
        let command = ssh_command(Some(Path::new("/etc/provost/known_hosts"))).unwrap();
        assert!(command.ends_with("-oGlobalKnownHostsFile=/dev/null -oUserKnownHostsFile=/etc/provost/known_hosts"));
        assert!(command.contains("-oBatchMode=yes -oStrictHostKeyChecking=yes"));
        for bad in ["known_hosts", "/a b", "/a;id", "/a$(id)", "/a'b", "/a\"b", "/a%h"] {
            assert!(ssh_command(Some(Path::new(bad))).is_err(), "{bad}");
        }
    }
}
