//! As whom a container runs: the request's words or the image's, looked up in the image's own files.

use std::fs;
use std::path::PathBuf;

/// Ids, as the kernel knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Groups besides.
    pub(crate) groups: Vec<u32>,
}

impl User {
    /// The user that `words` name: nothing, `user` or `user:group`, each as a name or an id. An image's `/etc/passwd`
    /// and `/etc/group` are those of the highest of its layers that has them.
    pub(crate) fn of(words: &str, layers: &[PathBuf]) -> Result<Self, String> {
        Self::read(words, &file(layers, "etc/passwd"), &file(layers, "etc/group"))
    }

    fn read(words: &str, passwd: &str, group: &str) -> Result<Self, String> {
        let (user, named_group) = words.split_once(':').map_or((words, None), |(user, group)| (user, Some(group)));
        let user = if user.is_empty() { "0" } else { user };
        let entry = lines(passwd).find(|fields| fields[0] == user || field(fields, 2) == Some(user));
        let own = |index| entry.as_ref().and_then(|fields| field(fields, index)?.parse().ok());
        let uid = user.parse().ok().or_else(|| own(2));
        let uid = uid.ok_or_else(|| format!("the image has no user `{user}` in its /etc/passwd; name an id"))?;
        let gid = match named_group.filter(|group| !group.is_empty()) {
            Some(named) => find_group(named, group)?,
            None => own(3).unwrap_or_default(),
        };
        // Who names a group gets no others.
        let name = entry.as_ref().map(|fields| fields[0].to_owned()).filter(|_| named_group.is_none());
        let groups = name.map(|name| groups_of(&name, group)).unwrap_or_default();
        Ok(Self { uid, gid, groups })
    }
}

fn find_group(named: &str, group: &str) -> Result<u32, String> {
    let entry = lines(group).find(|fields| fields[0] == named);
    let id = named.parse().ok().or_else(|| field(&entry?, 2)?.parse().ok());
    id.ok_or_else(|| format!("the image has no group `{named}` in its /etc/group; name an id"))
}

fn groups_of(name: &str, group: &str) -> Vec<u32> {
    let has =
        |fields: &Vec<&str>| field(fields, 3).is_some_and(|members| members.split(',').any(|member| member == name));
    lines(group).filter(has).filter_map(|fields| field(&fields, 2)?.parse().ok()).collect()
}

fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.trim().split(':').collect())
}

fn field<'a>(fields: &[&'a str], index: usize) -> Option<&'a str> {
    fields.get(index).copied()
}

/// A small file of the image. Links are not followed: they would lead into the host.
fn file(layers: &[PathBuf], path: &str) -> String {
    let found = layers.iter().rev().map(|layer| layer.join(path)).find(|file| file.symlink_metadata().is_ok());
    let plain = found.filter(|file| {
        let folder_is_plain =
            file.parent().is_some_and(|folder| folder.symlink_metadata().is_ok_and(|data| data.is_dir()));
        folder_is_plain && file.symlink_metadata().is_ok_and(|data| data.is_file())
    });
    plain.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n";
    const GROUP: &str = "root:x:0:\napp:x:1001:\naudio:x:29:app,other\n";

    #[test]
    fn users_are_looked_up_in_the_image() {
        let read = |words: &str| User::read(words, PASSWD, GROUP);
        let user = |uid, gid, groups: &[u32]| Ok(User { uid, gid, groups: groups.to_vec() });
        assert_eq!(read(""), user(0, 0, &[]));
        assert_eq!(read("app"), user(1000, 1001, &[29]));
        assert_eq!(read("1000"), user(1000, 1001, &[29]));
        assert_eq!(read("app:audio"), user(1000, 29, &[]));
        assert_eq!(read("1234:5678"), user(1234, 5678, &[]));
        assert_eq!(read("1234"), user(1234, 0, &[]));
        assert!(read("nobody").unwrap_err().contains("no user `nobody`"));
        assert!(read("app:wheel").unwrap_err().contains("no group `wheel`"));
    }

    #[test]
    fn a_link_in_an_image_leads_nowhere() {
        let layer = tempfile::tempdir().unwrap();
        fs::create_dir(layer.path().join("etc")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", layer.path().join("etc/passwd")).unwrap();
        let user = User::of("root:daemon", &[layer.path().to_path_buf()]);
        assert!(user.is_err(), "{user:?}");
    }
}
