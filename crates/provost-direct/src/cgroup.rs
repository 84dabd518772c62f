//! Control groups of containers, on version 1 and 2: what the runtime makes, and leaves to others to look at.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

pub(crate) const ROOT: &str = "/sys/fs/cgroup";
/// The group of groups.
pub(crate) const OURS: &str = "provost";
/// Where the shims are: not in the server's own group, with which they would be ended when the server is restarted.
const SHIMS: &str = "provost/shims";
/// How often it is tried to take a group away whose processes are about to end.
const TRIES: u32 = 200;

/// The control group of one container.
pub(crate) struct Cgroup {
    /// Its folder in each hierarchy; not all of them have it.
    folders: Vec<PathBuf>,
}

impl Cgroup {
    pub(crate) fn of(id: &str) -> Self {
        Self::in_folders(hierarchies().into_iter().map(|root| root.join(OURS).join(id)).collect())
    }

    pub(crate) fn in_folders(folders: Vec<PathBuf>) -> Self {
        Self { folders }
    }

    /// What the runtime is told.
    pub(crate) fn runtime_path(id: &str) -> String {
        format!("/{OURS}/{id}")
    }

    fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        self.folders.iter().filter(|folder| folder.exists())
    }

    /// Whether the kernel has ended one of its processes for want of memory.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let files =
            self.folders().flat_map(|folder| ["memory.events", "memory.oom_control"].map(|file| folder.join(file)));
        files.filter_map(|file| fs::read_to_string(file).ok()).any(|text| count_of_kills(&text) > 0)
    }

    /// Ends whatever runs in it.
    pub(crate) fn kill(&self) {
        for folder in self.folders() {
            if fs::write(folder.join("cgroup.kill"), "1").is_ok() {
                continue;
            }
            let list = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            for pid in list.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }

    /// Ends what runs in it and takes it away; one that is gone is fine.
    pub(crate) fn remove(&self) {
        for attempt in 0..TRIES {
            let left = self.folders().filter(|folder| fs::remove_dir(folder).is_err()).count();
            if left == 0 {
                return;
            }
            self.kill();
            thread::sleep(Duration::from_micros(200 * u64::from(attempt.min(50))));
        }
    }
}

/// Whether this machine has version 2 alone.
pub(crate) fn is_unified() -> bool {
    Path::new(ROOT).join("cgroup.controllers").exists()
}

/// The roots of all hierarchies: one on version 2, one for each controller on version 1.
fn hierarchies() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    if is_unified() {
        return vec![root.to_path_buf()];
    }
    let folders = fs::read_dir(root).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    folders.filter(|folder| folder.join("cgroup.procs").exists()).collect()
}

/// Both files have a line `oom_kill N`.
fn count_of_kills(text: &str) -> u64 {
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or_default()
}

/// Moves this process out of the group that it was started in, where an init system would look for it. Where that cannot
/// be done, nothing is lost but that. Who is in no group is left where it is: every move makes the whole machine wait for
/// some milliseconds.
pub(crate) fn leave_group_of_server() {
    let root = Path::new(ROOT);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    for (hierarchy, name) in
        [(root.to_path_buf(), "0::"), (root.join("unified"), "0::"), (root.join("systemd"), "name=systemd:")]
    {
        if hierarchy.join("cgroup.procs").exists() && is_in_group(&groups, name) {
            let shims = hierarchy.join(SHIMS);
            let _ = fs::create_dir_all(&shims).and_then(|()| {
                // On version 1 this process, which has one thread, moves it: nobody waits for that.
                fs::write(shims.join("tasks"), "0").or_else(|_| fs::write(shims.join("cgroup.procs"), "0"))
            });
        }
    }
}

/// Whether `groups`, the list of a process's groups, says that it is in one of the hierarchy of this name.
fn is_in_group(groups: &str, name: &str) -> bool {
    let paths = groups.lines().filter_map(|line| line.split_once(name).map(|(_, path)| path));
    paths.into_iter().any(|path| path != "/" && path != format!("/{SHIMS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_in_a_group_has_to_leave_it() {
        let groups = "4:memory:/\n1:name=systemd:/system.slice/provost.service\n0::/\n";
        assert!(is_in_group(groups, "name=systemd:") && !is_in_group(groups, "0::"));
        assert!(!is_in_group("0::/provost/shims\n", "0::") && is_in_group("0::/system.slice/provost.service\n", "0::"));
    }

    #[test]
    fn both_versions_count_the_same_way() {
        assert_eq!(count_of_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"), 2);
        assert_eq!(count_of_kills("low 0\noom 1\noom_kill 1\noom_group_kill 0\n"), 1);
        assert_eq!(count_of_kills("oom_kill_disable 0\nunder_oom 0\n"), 0);
    }
}
