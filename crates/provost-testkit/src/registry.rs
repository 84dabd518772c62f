//! A container registry of the test's own.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::{Leash, eventually, free_port};

/// A registry on a free port of 127.0.0.1, empty, without TLS; gone with its content when this is dropped.
#[derive(Debug)]
pub struct Registry {
    port: u16,
    _folder: tempfile::TempDir,
    _process: Leash,
}

impl Registry {
    /// Starts Debian's `docker-registry`.
    ///
    /// # Panics
    /// If it is not installed, or does not answer within ten seconds.
    #[must_use]
    pub fn start() -> Self {
        // Another process may have taken the port meanwhile.
        (0..5).find_map(|_| Self::try_start(free_port())).expect("the registry should answer within ten seconds")
    }

    fn try_start(port: u16) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("pv-registry-").tempdir().expect("a temporary folder");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\n",
            folder.path().join("data").display()
        );
        let file = folder.path().join("config.yml");
        std::fs::write(&file, config).expect("the registry's configuration should be written");
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Leash::start(&mut command)
            .unwrap_or_else(|error| panic!("cannot run docker-registry ({error}); apt-get install docker-registry"));
        let answers = eventually(Duration::from_secs(10), || {
            let has_ended = process.ended().is_ok_and(|ended| ended.is_some());
            let connects = std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
            (has_ended || connects).then_some(connects && !has_ended)
        });
        (answers == Some(true)).then_some(Self { port, _folder: folder, _process: process })
    }

    /// A place in it: `127.0.0.1:PORT/NAME`.
    #[must_use]
    pub fn place(&self, name: &str) -> String {
        format!("127.0.0.1:{}/{name}", self.port)
    }
}
