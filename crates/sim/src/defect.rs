//! Deliberate defects of the engine under test, by which it is shown that each invariant can fail.
//! Without the feature `defects` there are none.

/// What of the engine is broken on purpose.
#[cfg(feature = "defects")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// In the shards.
    Engine(meishier_engine::Defect),
    /// In the queue.
    Queue(meishier_queue::Defect),
    /// In the SIP endpoint of each shard.
    Signaling(meishier_signaling::Defect),
    /// In what reads the file: the engine takes the first text for the second wherever it stands,
    /// and the judges do not.
    Reading(&'static str, &'static str),
}

/// The defect of one run, if it has one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flaw {
    #[cfg(feature = "defects")]
    defect: Option<Defect>,
}

impl Flaw {
    /// With this defect.
    #[cfg(feature = "defects")]
    pub(crate) fn of(defect: Defect) -> Self {
        Self {
            defect: Some(defect),
        }
    }

    /// The file's text as the engine is to read it; `None` if it is as it stands.
    pub(crate) fn misread(self, text: &str) -> Option<String> {
        #[cfg(feature = "defects")]
        if let Some(Defect::Reading(what, taken_for)) = self.defect {
            return Some(text.replace(what, taken_for));
        }
        let _ = text;
        None
    }

    /// Breaks the engine, which was made new.
    pub(crate) fn apply(
        self,
        queue: &meishier_queue::Queue,
        shards: &mut [meishier_engine::Shard],
    ) {
        #[cfg(feature = "defects")]
        match self.defect {
            Some(Defect::Queue(which)) => queue.break_deliberately(which),
            Some(Defect::Engine(which)) => shards
                .iter_mut()
                .for_each(|shard| shard.break_deliberately(which)),
            Some(Defect::Signaling(which)) => shards
                .iter_mut()
                .for_each(|shard| shard.break_signaling(which)),
            Some(Defect::Reading(..)) | None => {}
        }
        #[cfg(not(feature = "defects"))]
        let _ = (queue, shards);
    }
}
