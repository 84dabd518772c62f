//! The floor of the benchmarks: the same container for a runtime that is installed beside.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use provost_controller::Engine as _;
use provost_testkit::TOOLBOX;
use serde_json::{Value, json};

use crate::home::Home;
use crate::job::Job;

/// The bundle that the engine writes, on a plain folder.
pub struct Floor {
    folder: PathBuf,
    config: Value,
}

impl Floor {
    pub async fn new(home: &Home) -> Self {
        let Home { engine, instance, images, folder } = home;
        let job = Job::of(instance, TOOLBOX, &["echo"]);
        engine.create(&job.request, &job.folder).await.unwrap();
        let place = folder.path().join("engine/containers").join(job.name().as_str());
        let read = |file: &str| serde_json::from_slice::<Value>(&fs::read(place.join(file)).unwrap()).unwrap();
        let (mut config, made) = (read("bundle/config.json"), read("container.json"));
        engine.remove(job.name()).await.unwrap();
        let folder = folder.path().join("floor");
        fs::create_dir(&folder).unwrap();
        let layer = images.find(TOOLBOX).unwrap().unwrap().layers.pop().unwrap();
        assert!(Command::new("cp").arg("-a").arg(layer).arg(folder.join("rootfs")).status().unwrap().success());
        config["root"]["path"] = json!(folder.join("rootfs"));
        // Its own network, which the shim makes for ours; limits that the shim sets; places for what is mounted.
        let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "network");
        namespaces.push(json!({"type": "network"}));
        let limit = |file: &str| {
            let limits = made["limits"].as_array().into_iter().flatten();
            let value = limits.into_iter().find(|limit| limit["file"] == file)?["value"].as_str()?;
            value.parse::<i64>().ok()
        };
        if config["linux"]["resources"].is_null() {
            config["linux"]["resources"] = json!({"devices": [{"allow": false, "access": "rwm"}]});
            let resources = &mut config["linux"]["resources"];
            if let Some(pids) = limit("pids.max") {
                resources["pids"] = json!({"limit": pids});
            }
            if let Some(memory) = limit("memory.limit_in_bytes") {
                resources["memory"] = json!({"limit": memory, "swap": memory});
            }
            if let (Some(period), Some(quota)) = (limit("cpu.cfs_period_us"), limit("cpu.cfs_quota_us")) {
                resources["cpu"] = json!({"period": period, "quota": quota});
            }
        }
        config["mounts"].as_array_mut().unwrap().retain(|mount| mount["type"] != "bind");
        Self { folder, config }
    }

    /// A bundle for a container of this name, which is made where there is none.
    pub fn bundle(&self, name: &str) -> PathBuf {
        let bundle = self.folder.join(name);
        let mut config = self.config.clone();
        config["linux"]["cgroupsPath"] = json!(format!("/provost-bench-{name}"));
        fs::create_dir_all(&bundle).unwrap();
        fs::write(bundle.join("config.json"), config.to_string()).unwrap();
        bundle
    }
}
