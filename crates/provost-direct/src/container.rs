//! Containers: looked at, started, stopped and removed; our own only (C6).

use std::fs;
use std::io;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use provost_controller::{EngineError, EngineErrorKind};
use provost_engine::labels::{of_others, seen};
use provost_model::{ContainerName, ContainerSeen, Instance, Life};
use tokio::task::spawn_blocking;

use crate::DirectEngine;
use crate::cgroup::Cgroup;
use crate::control;
use crate::engine::Home;
use crate::network::{self, NetworkError};
use crate::place::Place;
use crate::record::{Ended, Made, Order};
use crate::trouble;

/// What killing may take.
const KILL: Duration = Duration::from_secs(10);
/// The exit code of an end that nobody saw, as with other engines (R9).
const UNSEEN: i64 = 255;

/// A container, whosever it is.
pub(crate) struct Found {
    pub(crate) seen: ContainerSeen,
    pub(crate) made: Made,
    pub(crate) place: Place,
}

impl DirectEngine {
    pub(crate) async fn list_containers(&self, instance: &Instance) -> Result<Vec<ContainerSeen>, EngineError> {
        self.home.present()?;
        let (home, instance) = (self.home.clone(), instance.clone());
        let listed = spawn_blocking(move || {
            let found = home.all()?.into_iter();
            let own = found.filter(|found| found.made.instance() == Some(instance.as_str()));
            Ok(own.map(|found| found.seen).collect())
        });
        listed.await.unwrap_or_else(|error| Err(trouble::around("list containers", &io::Error::other(error))))
    }

    pub(crate) fn inspect_own(&self, name: &ContainerName) -> Result<Option<ContainerSeen>, EngineError> {
        let found = self.home.look(name)?;
        Ok(found.filter(|found| self.owns(found)).map(|found| found.seen))
    }

    pub(crate) async fn start_container(&self, name: &ContainerName) -> Result<(), EngineError> {
        let Some(found) = self.own(name, "start")? else {
            let message = format!("cannot start container {name}: there is none; somebody has removed it");
            return Err(EngineError::new(EngineErrorKind::NotFound, message));
        };
        if found.seen.life != Life::Created {
            return Ok(());
        }
        let (place, doing) = (found.place.clone(), format!("start container {name}"));
        if place.has_shim() {
            let Err(error) = control::order(&place, Order::Start, &doing).await else { return Ok(()) };
            // One that was killed refuses; what it leaves ends with it, and has its lock until then.
            let is_gone = error.may_pass() && is_gone_soon(&place).await;
            if !is_gone || !place.progress().is_ok_and(|progress| progress.started.is_none()) {
                return Err(error);
            }
        }
        self.make_anew(found, &doing).await?;
        control::order(&place, Order::Start, &doing).await.map(drop)
    }

    /// Its shim went before its start, with the machine for example: nothing of it has run.
    async fn make_anew(&self, found: Found, doing: &str) -> Result<(), EngineError> {
        let (home, place) = (self.home.clone(), found.place.clone());
        let clean = spawn_blocking(move || {
            Cgroup::of(&found.made.id).remove();
            home.take_back_network(&found.place, &found.made)
        });
        let clean = clean.await.map_err(|error| trouble::around(doing, &io::Error::other(error)))?;
        if let Err(error) = clean {
            trouble::of_answer(doing, error.answer())?;
        }
        control::launch(&self.home.shim, &place, doing).await
    }

    pub(crate) async fn stop_container(&self, name: &ContainerName, grace_s: u64) -> Result<(), EngineError> {
        let found = self.own(name, "stop")?;
        let Some(found) = found.filter(|found| matches!(found.seen.life, Life::Running { .. })) else {
            return Ok(());
        };
        let doing = format!("stop container {name}");
        let is_over = async |order, limit| match control::order(&found.place, order, &doing).await {
            Ok(mut attached) => Ok(attached.ended_within(limit).await),
            // It may have ended meanwhile.
            Err(error) => {
                if found.place.has_shim() {
                    Err(error)
                } else {
                    Ok(true)
                }
            }
        };
        if is_over(Order::Ask, Duration::from_secs(grace_s)).await? || is_over(Order::Kill, KILL).await? {
            return Ok(());
        }
        let message = format!("cannot {doing}: it does not end within {} s of being killed", KILL.as_secs());
        Err(EngineError::new(EngineErrorKind::Unavailable, message))
    }

    pub(crate) async fn remove_container(&self, name: &ContainerName) -> Result<(), EngineError> {
        let Some(found) = self.own(name, "remove")? else {
            return Ok(());
        };
        let doing = format!("remove container {name}");
        if !found.seen.life.is_over()
            && let Ok(mut attached) = control::order(&found.place, Order::Kill, &doing).await
        {
            attached.ended_within(KILL).await;
        }
        let home = self.home.clone();
        let removed = spawn_blocking(move || {
            // What is known to have ended has nothing left but its folder.
            if !found.place.progress()?.is_told {
                Cgroup::of(&found.made.id).remove();
            }
            home.take_back_network(&found.place, &found.made).map_err(io::Error::other)?;
            home.trash.take(found.place.folder())
        });
        let removed = removed.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        removed.map_err(|error| trouble::around(&doing, &error))
    }

    /// Our container of that name; a [`EngineErrorKind::Conflict`] if it is somebody else's.
    pub(crate) fn own(&self, name: &ContainerName, doing: &str) -> Result<Option<Found>, EngineError> {
        match self.home.look(name)? {
            Some(found) if !self.owns(&found) => Err(of_others(doing, name, &found.made.labels, &self.instance)),
            found => Ok(found),
        }
    }

    fn owns(&self, found: &Found) -> bool {
        found.made.instance() == Some(self.instance.as_str())
    }

    /// A container that has a volume of this name, whosever it is.
    pub(crate) fn user_of_volume(&self, volume: &str) -> Result<Option<ContainerName>, EngineError> {
        let mut users =
            self.home.all()?.into_iter().filter(|found| found.made.volumes.iter().any(|name| name == volume));
        Ok(users.next().map(|found| found.seen.name))
    }
}

/// Whether the shim of a place goes within a second.
async fn is_gone_soon(place: &Place) -> bool {
    for _ in 0..100 {
        if !place.has_shim() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

impl Home {
    pub(crate) fn all(&self) -> Result<Vec<Found>, EngineError> {
        let entries = fs::read_dir(self.containers()).map_err(|error| trouble::around("list containers", &error))?;
        let names = entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned());
        let found = names.filter_map(|name| ContainerName::parse(name).ok()).map(|name| self.look(&name));
        found.filter_map(Result::transpose).collect()
    }

    /// Any container; nothing as long as it is being made.
    pub(crate) fn look(&self, name: &ContainerName) -> Result<Option<Found>, EngineError> {
        self.present()?;
        let place = self.place(name);
        let look = || {
            let Some(made) = place.made()?.filter(|_| place.is_ready()) else {
                return Ok(None);
            };
            let life = self.life(&place, &made)?;
            Ok(Some((made, life)))
        };
        let found = match look() {
            // It was removed while it was looked at; perhaps by another instance, whose it is.
            Err(_) if !place.folder().exists() => None,
            looked => looked.map_err(|error| trouble::around(&format!("look at container {name}"), &error))?,
        };
        Ok(found.map(|(made, life)| Found {
            seen: seen(made.name.clone(), made.id.clone(), &made.labels, life),
            made,
            place: place.clone(),
        }))
    }

    fn life(&self, place: &Place, made: &Made) -> io::Result<Life> {
        let progress = place.progress()?;
        let Some(started_at) = progress.started else {
            return Ok(Life::Created);
        };
        if let Some(ended) = progress.ended.filter(|_| progress.is_told) {
            return Ok(exited(started_at, ended));
        }
        if place.has_shim() {
            return Ok(Life::Running { started_at });
        }
        Ok(exited(started_at, self.settle(place, made)?))
    }

    /// Gives back what connects a container whose shim is gone, and its namespace with it.
    fn take_back_network(&self, place: &Place, made: &Made) -> Result<(), NetworkError> {
        network::detach(self.folder(), place, made, "")
    }

    /// A shim is gone that has not told how its container ended. If it has not written that down either, nobody knows it
    /// any more (R9): what it left is ended and taken away.
    fn settle(&self, place: &Place, made: &Made) -> io::Result<Ended> {
        let _settling = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have said so while we looked.
        let progress = place.progress()?;
        if let Some(ended) = progress.ended {
            if !progress.is_told {
                place.tell()?;
            }
            return Ok(ended);
        }
        Cgroup::of(&made.id).remove();
        // What cannot be taken back now is when the container is removed.
        let _ = self.take_back_network(place, made);
        let error = Some("its shim was ended, and nobody else saw how the container ended".to_owned());
        let ended = Ended { code: UNSEEN, out_of_memory: false, at: Timestamp::now(), error };
        place.set_ended(&ended)?;
        Ok(ended)
    }
}

fn exited(started_at: Option<Timestamp>, ended: Ended) -> Life {
    let Ended { code, out_of_memory, at, error } = ended;
    // The clock may have been set back.
    let finished_at = Some(at).max(started_at);
    Life::Exited { code, out_of_memory, started_at, finished_at, error }
}
