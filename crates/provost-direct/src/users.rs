//! The users and groups that this process can give to others: all of the machine's, or those of its user namespace.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::user::User;

/// What a user namespace holds that has everybody in it.
const EVERYBODY: &str = "4294967295";

/// Who a container's processes can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Users {
    users: Ids,
    groups: Ids,
}

/// Ids of users or of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ids {
    All,
    /// Ranges: the first, and how many.
    Some(Vec<(u32, u32)>),
}

/// Who a program takes itself for, where its process can be nobody but root. Files that are root's are its own then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Guise {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Makes this process, which has entered a new user namespace, the only user of it: who `inside` it is `outside`. Each is a
/// user and a group. Source: user_namespaces(7).
pub(crate) fn map_alone(inside: (u32, u32), outside: (u32, u32)) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{} {} 1\n", inside.0, outside.0))?;
    fs::write("/proc/self/gid_map", format!("{} {} 1\n", inside.1, outside.1))
}

/// The users of a container with a user namespace of its own: nobody else on the machine is one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnUsers {
    /// The machine's id of the container's root. As many follow as [`OwnUsers::COUNT`] says.
    pub(crate) first: u32,
    /// The folders and files of the machine that are mounted into it, in the order of the bundle's mounts.
    pub(crate) bound: Vec<PathBuf>,
}

impl OwnUsers {
    /// How many there are: what an image of ordinary users needs.
    pub(crate) const COUNT: u32 = 65_536;
    /// What systemd leaves to containers. Source: https://systemd.io/UIDS-GIDS.
    const LEFT: std::ops::Range<u32> = 524_288..1_879_048_192;

    /// Where the users of the container with this id begin, which is to run as `user`.
    ///
    /// Errors: that one is not among them, and the mend.
    pub(crate) fn first_for(user: &User, id: &str) -> Result<u32, String> {
        let User { uid, gid, .. } = user;
        if *uid.max(gid) < Self::COUNT {
            return Ok(Self::first_of(id));
        }
        let count = Self::COUNT;
        Err(format!(
            "it is to run as {uid}:{gid}, and its user namespace has the ids below {count}; name another `user`"
        ))
    }

    /// Two have the same by chance only, one in 28,664.
    fn first_of(id: &str) -> u32 {
        // The end of an id is random.
        let number = id.get(id.len().saturating_sub(8)..).and_then(|end| u32::from_str_radix(end, 16).ok());
        let places = (Self::LEFT.end - Self::LEFT.start) / Self::COUNT;
        Self::LEFT.start + number.unwrap_or_default() % places * Self::COUNT
    }
}

impl Users {
    /// Those of the user namespace that this process is in.
    pub(crate) fn here() -> io::Result<Self> {
        let ids = |file: &str| Ok::<_, io::Error>(Ids::parse(&fs::read_to_string(format!("/proc/self/{file}"))?));
        Ok(Self { users: ids("uid_map")?, groups: ids("gid_map")? })
    }

    /// Whether they are the whole machine's. Where they are not, this process is root in name only.
    pub(crate) fn are_all(&self) -> bool {
        self.users == Ids::All
    }

    /// Whether there is but one.
    pub(crate) fn are_one(&self) -> bool {
        self.users.are_one()
    }

    pub(crate) fn have_group(&self, gid: u32) -> bool {
        self.groups.have(gid)
    }

    /// How a container is run as `user`: who its processes are, and who they take themselves for.
    ///
    /// Errors: that cannot be here, and the mend.
    pub(crate) fn place(&self, user: User) -> Result<(User, Option<Guise>), String> {
        let User { uid, gid, mut groups } = user;
        if self.are_one() {
            let guise = (uid != 0).then_some(Guise { uid, gid });
            return Ok((User::default(), guise));
        }
        groups.retain(|group| self.groups.have(*group));
        if self.users.have(uid) && self.groups.have(gid) {
            return Ok((User { uid, gid, groups }, None));
        }
        Err(format!(
            "it is to run as {uid}:{gid}, and Provost, which is not root here, was given fewer ids: give its user a larger \
             range in /etc/subuid and /etc/subgid, or name another `user`"
        ))
    }
}

impl Ids {
    /// Source: user_namespaces(7), "User and group ID mappings".
    fn parse(map: &str) -> Self {
        if map.contains(EVERYBODY) {
            return Self::All;
        }
        let ranges = map.lines().filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse::<u32>);
            let (first, _, count) = (numbers.next()?.ok()?, numbers.next()?, numbers.next()?.ok()?);
            Some((first, count))
        });
        Self::Some(ranges.collect())
    }

    fn have(&self, id: u32) -> bool {
        match self {
            Self::All => true,
            Self::Some(ranges) => {
                ranges.iter().any(|(first, count)| id.checked_sub(*first).is_some_and(|n| n < *count))
            }
        }
    }

    fn are_one(&self) -> bool {
        matches!(self, Self::Some(ranges) if ranges.iter().map(|(_, count)| u64::from(*count)).sum::<u64>() == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(map: &str) -> Users {
        Users { users: Ids::parse(map), groups: Ids::parse(map) }
    }

    fn user(uid: u32, gid: u32, groups: &[u32]) -> User {
        User { uid, gid, groups: groups.to_vec() }
    }

    #[test]
    fn containers_have_users_that_nobody_else_is() {
        let first = OwnUsers::first_of("019ac1d2a6d47c52b4ff3a5c00000000");
        assert_eq!(first, 524_288);
        assert_eq!(OwnUsers::first_of("019ac1d2a6d47c52b4ff3a5c00000001"), first + 65_536);
        let last = OwnUsers::first_of(&format!("{:032x}", 28_663));
        assert!(last > 1_800_000_000 && last + OwnUsers::COUNT <= 1_879_048_192, "{last}");
    }

    #[test]
    fn root_can_be_everybody() {
        let all = users("         0          0 4294967295\n");
        assert!(all.are_all() && !all.are_one() && all.have_group(4_000_000_000));
        assert_eq!(all.place(user(70_000, 5, &[29])), Ok((user(70_000, 5, &[29]), None)));
    }

    #[test]
    fn who_has_a_range_can_be_those() {
        let range = users("         0       1000          1\n         1     100000      65536\n");
        assert!(!range.are_all() && !range.are_one());
        assert_eq!(range.place(user(65_532, 65_532, &[29, 70_000])), Ok((user(65_532, 65_532, &[29]), None)));
        let refused = range.place(user(70_000, 0, &[])).unwrap_err();
        assert!(refused.contains("70000:0") && refused.contains("/etc/subuid"), "{refused}");
    }

    #[test]
    fn who_is_alone_wears_a_guise() {
        let one = users("         0       1000          1\n");
        assert!(one.are_one() && !one.have_group(5));
        assert_eq!(one.place(user(65_532, 7, &[29])), Ok((user(0, 0, &[]), Some(Guise { uid: 65_532, gid: 7 }))));
        assert_eq!(one.place(user(0, 0, &[])), Ok((user(0, 0, &[]), None)));
    }
}
