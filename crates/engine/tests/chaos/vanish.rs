//! Peers that stop in mid-dialog, peers that are only muted, and what media says of both.

use crate::scene::Scene;
use crate::world::Sent;
use meishier_engine::Notice;
use meishier_engine::media::MediaEvent;
use meishier_model::PortId;
use std::collections::{BTreeMap, BTreeSet};

/// Dialogs, by Call-ID, whose far end is gone.
#[derive(Default)]
pub struct Vanished {
    gone: BTreeSet<String>,
    /// Those whose port is still open, as far as the far end's wire tells.
    silent: BTreeMap<String, PortId>,
    /// Who was muted last.
    muted: Option<PortId>,
}

impl Vanished {
    pub fn is_gone(&self, call_id: &str) -> bool {
        self.gone.contains(call_id)
    }

    /// True for mail to somebody who is gone. A BYE says that the engine has given the dialog up.
    pub fn swallows(&mut self, mail: &Sent, call_id: &str) -> bool {
        if mail.is("BYE") {
            self.silent.remove(call_id);
        }
        self.gone.contains(call_id)
    }
}

impl Scene {
    /// Somebody who talks, by Call-ID, with the engine's port for it.
    fn a_talker(&mut self) -> Option<(String, PortId)> {
        if self.dice.roll(2) == 0 {
            // An answer that came too late is not acknowledged, and no call.
            let far = &self.far;
            let is_up = |id: &&String| far.acknowledged.contains(*id);
            let all: Vec<String> = far.talking.keys().filter(is_up).cloned().collect();
            let id = self.pick(&all)?;
            let port = self.far.talking[&id].rtp_port()?;
            return Some((id, port));
        }
        let name = self.a_caller()?;
        // Who has no answer yet is its carrier's to give up.
        let port = self.callers[&name].answer.as_ref()?.rtp_port()?;
        Some((format!("{name}@caller"), port))
    }

    pub fn somebody_vanishes(&mut self) {
        let Some((id, port)) = self.a_talker() else {
            return;
        };
        self.far.talking.remove(&id);
        if let Some(name) = id.strip_suffix("@caller") {
            self.over.insert(name.to_owned());
        }
        self.vanished.silent.insert(id.clone(), port);
        self.vanished.gone.insert(id);
    }

    /// Whoever was muted before is heard again.
    pub fn somebody_is_muted(&mut self) {
        if let Some(port) = self.vanished.muted.take() {
            self.world.media_event(port, MediaEvent::Heard { port });
        }
        if let Some((_, port)) = self.a_talker() {
            self.vanished.muted = Some(port);
            self.world.media_event(port, MediaEvent::Silent { port });
        }
    }

    /// Media tells who is silent; again and again, for it begins anew with the shards.
    pub fn media_listens(&mut self) {
        for port in self.vanished.silent.values().copied().collect::<Vec<_>>() {
            self.world.media_event(port, MediaEvent::Silent { port });
        }
    }

    /// Where no message is lost, a leg is buried only for somebody who is gone, and each once.
    pub fn only_the_vanished_were_buried(&self) {
        let is_burial = |n: &&Notice| matches!(n, Notice::DeadLeg { .. });
        let buried = self.world.notices.iter().filter(is_burial).count();
        if !self.disorder.lossy {
            assert!(
                buried <= self.vanished.gone.len(),
                "{buried} buried, {} gone",
                self.vanished.gone.len()
            );
        }
        let left = &self.vanished.silent;
        assert!(left.is_empty(), "talked to for ever: {left:?}");
    }
}
