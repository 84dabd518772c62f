//! Owner, mode, attributes and time of what was unpacked.

use rustix::fs::{AtFlags, Gid, Mode, Uid, XattrFlags};
use rustix::io::Errno;
use tar::EntryType;

use super::tree::{Place, timestamps};
use super::{Powers, shown};
use crate::Refusal;
use crate::tarball::Member;

/// Gives the file at `place`, which is new, what the archive says of it.
///
/// Shape: the owner first, because a change of the owner takes away capabilities and the setuid bit. The mode after the
/// attributes, because it may forbid to write them. Mode and time of a folder are set at the end, by its tree.
pub(super) fn apply(place: &Place, member: &Member, powers: Powers) -> Result<(), Refusal> {
    let name = place.name.as_slice();
    if powers.owners {
        let (user, group) = (Uid::from_raw(member.owner.0), Gid::from_raw(member.owner.1));
        let given = rustix::fs::chownat(&place.folder, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW);
        given.map_err(|error| match error {
            // The user namespace has no such ids.
            Errno::INVAL => Refusal::Owner(member.owner.0, member.owner.1),
            error => error.into(),
        })?;
    }
    for (key, value) in &member.attributes {
        set(place, key, value, powers)?;
    }
    if member.kind == EntryType::Directory {
        return Ok(());
    }
    if member.kind != EntryType::Symlink {
        rustix::fs::chmodat(&place.folder, name, Mode::from_raw_mode(member.mode & 0o7777), AtFlags::empty())?;
    }
    Ok(rustix::fs::utimensat(&place.folder, name, &timestamps(member.mtime), AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Sets an attribute; one that the file system does not have, or that only root may set, is left out, as engines do.
fn set(place: &Place, key: &[u8], value: &[u8], powers: Powers) -> Result<(), Refusal> {
    if [b"trusted.overlay.".as_slice(), b"user.overlay."].iter().any(|own| key.starts_with(own)) {
        return Err(Refusal::Attribute(shown(key)));
    }
    match rustix::fs::lsetxattr(place.by_folder(), key, value, XattrFlags::empty()) {
        Ok(()) | Err(Errno::OPNOTSUPP) => Ok(()),
        Err(Errno::PERM) if !powers.owners || !key.starts_with(b"security.capability") => Ok(()),
        Err(error) => Err(error.into()),
    }
}
