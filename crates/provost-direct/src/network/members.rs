//! Who is on a network, and what they call each other.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use provost_model::{ContainerName, LABEL_OWNER, LABEL_OWNER_KIND, LABEL_STEP, Owner, StepId};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::etc::{self, HOSTS};
use crate::record::Made;

/// One network of an engine, held by this process alone as long as this lives.
pub(super) struct Hall {
    /// The engine's folder.
    root: PathBuf,
    /// What belongs to the network.
    pub(super) folder: PathBuf,
    _lock: File,
}

/// A container on a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Member {
    pub(super) container: ContainerName,
    pub(super) instance: String,
    pub(super) hostname: String,
    /// The service that it is.
    pub(super) service: Option<String>,
    pub(super) address: Option<IpAddr>,
    pub(super) since: Timestamp,
}

impl Member {
    pub(super) fn of(made: &Made, address: Option<IpAddr>) -> Self {
        Self {
            container: made.name.clone(),
            instance: made.instance().unwrap_or_default().to_owned(),
            hostname: made.hostname.clone(),
            service: service(made),
            address,
            since: Timestamp::now(),
        }
    }
}

/// The service whose main container this is. Hooks of a service are not it.
fn service(made: &Made) -> Option<String> {
    let label = |name: &str| made.labels.get(name).map(String::as_str);
    match Owner::parse(label(LABEL_OWNER_KIND)?, label(LABEL_OWNER)?)? {
        Owner::Run(run) if run.is_of_service() && StepId(label(LABEL_STEP)?.into()).is_main() => {
            Some(run.automation().to_owned())
        }
        _ => None,
    }
}

impl Hall {
    /// Holds the network `name` of the engine in `root`.
    pub(super) fn enter(root: &Path, name: &str) -> io::Result<Self> {
        let folder = root.join("networks").join(name);
        fs::create_dir_all(folder.join("members"))?;
        let lock = File::options().create(true).append(true).open(folder.join("lock"))?;
        flock(&lock, FlockOperation::LockExclusive)?;
        Ok(Self { root: root.to_path_buf(), folder, _lock: lock })
    }

    /// Whether nobody is on it.
    pub(super) fn is_empty(&self) -> io::Result<bool> {
        Ok(fs::read_dir(self.folder.join("members"))?.next().is_none())
    }

    /// Takes a container in. The others are told when its address is known.
    pub(super) fn admit(&self, member: &Member) -> io::Result<()> {
        fs::write(self.path(&member.container), serde_json::to_vec(member)?)?;
        if member.address.is_some() {
            self.tell(&member.instance);
        }
        Ok(())
    }

    /// Takes a container out; one that is not there is fine.
    pub(super) fn dismiss(&self, made: &Made) -> io::Result<()> {
        match fs::remove_file(self.path(&made.name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.tell(made.instance().unwrap_or_default());
        Ok(())
    }

    fn path(&self, container: &ContainerName) -> PathBuf {
        self.folder.join("members").join(container.as_str())
    }

    /// Writes into each container of the instance which services there are. One that is on its way out is told nothing.
    fn tell(&self, instance: &str) {
        let entries = fs::read_dir(self.folder.join("members")).into_iter().flatten().filter_map(Result::ok);
        let members = entries.filter_map(|entry| serde_json::from_slice(&fs::read(entry.path()).ok()?).ok());
        let mut members: Vec<Member> = members.filter(|member: &Member| member.instance == instance).collect();
        // The newest first: of two containers of one service it is the one that is to stay.
        members.sort_by_key(|member| std::cmp::Reverse(member.since));
        for member in &members {
            let file = self.root.join("containers").join(member.container.as_str()).join(HOSTS);
            let _ = rewrite(&file, &etc::hosts(member, &members));
        }
    }
}

/// Replaces what is in a file that containers have mounted: it has to stay the same one. Nobody reads it empty.
pub(super) fn rewrite(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options().write(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, instance: &str, address: &str, second: i64) -> Member {
        Member {
            container: ContainerName::parse(format!("provost-{instance}-{name}")).unwrap(),
            instance: instance.to_owned(),
            hostname: name.to_owned(),
            service: Some(name.to_owned()),
            address: address.parse().ok(),
            since: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn members_of_one_instance_know_each_other_in_the_file_that_they_have() {
        let root = tempfile::tempdir().unwrap();
        let all =
            [member("db", "a", "10.0.0.2", 1), member("web", "a", "10.0.0.3", 2), member("db", "b", "10.0.0.4", 3)];
        let file = |member: &Member| root.path().join("containers").join(member.container.as_str()).join(HOSTS);
        let hall = Hall::enter(root.path(), "Shared").unwrap();
        for member in &all {
            fs::create_dir_all(file(member).parent().unwrap()).unwrap();
            fs::write(file(member), "long text that is replaced\n".repeat(40)).unwrap();
        }
        use std::os::unix::fs::MetadataExt as _;
        let inode = fs::metadata(file(&all[0])).unwrap().ino();
        all.iter().for_each(|member| hall.admit(member).unwrap());
        let [db, web, other] = all.each_ref().map(|member| fs::read_to_string(file(member)).unwrap());
        assert!(db.contains("10.0.0.3\tweb web.a\n") && web.contains("10.0.0.2\tdb db.a\n"), "{db}{web}");
        assert!(!db.contains("10.0.0.4") && !other.contains("web"), "{db}{other}");
        assert_eq!(fs::metadata(file(&all[0])).unwrap().ino(), inode);
        let newer = member("db", "a", "10.0.0.9", 9);
        let newer = Member { container: ContainerName::parse("provost-a-db-2").unwrap(), ..newer };
        hall.admit(&newer).unwrap();
        let web = fs::read_to_string(file(&all[1])).unwrap();
        assert!(web.find("10.0.0.9\tdb").unwrap() < web.find("10.0.0.2\tdb").unwrap(), "{web}");
        assert!(!hall.is_empty().unwrap());
    }
}
