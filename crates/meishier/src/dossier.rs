//! Dossiers of callers who are handed over: from the engine into the outbox, and from there to those who
//! get them.

use crate::service::ServiceError;
use meishier_config::{Config, Dossiers};
use meishier_engine::transfer::Dossier;
use meishier_engine::transfer::dossier::Via;
use meishier_model::Wall;
use meishier_net::{Clock, Post};
use meishier_records::{
    Carried, Carrier, Carrying, Courier, CourierOptions, Delivery, Parcel, Route, Store, Task,
    TaskKind,
};
use std::sync::Arc;
use std::time::Duration;

/// How long after it was sent the person is to be told: three days, when the emergency is over.
const TELL_WITHIN: Duration = Duration::from_secs(3 * 86_400);
/// How long the end of the service waits for dossiers to be kept.
pub const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Carries by HTTPS.
struct ByPost {
    post: Post,
    clock: Clock,
}

impl Carrier for ByPost {
    fn carry<'a>(&'a self, delivery: &'a Delivery) -> Carrying<'a> {
        Box::pin(async move {
            let sent = self
                .post
                .send(self.clock.wall(), &delivery.mark, &delivery.body);
            match sent.await {
                Ok(status) => Carried::Answered(status),
                Err(error) => Carried::Failed(error.as_str()),
            }
        })
    }
}

/// Starts the courier with a way to every receiver of the configuration.
///
/// # Errors
/// [`ServiceError::Receiver`] for the first whose certificates are of no use.
pub fn start(config: &Config, store: &Store, clock: &Clock) -> Result<Courier, ServiceError> {
    let mut routes: Vec<Route> = Vec::new();
    for receiver in &config.dossier.receivers {
        let post = Post::new(receiver).map_err(ServiceError::Receiver)?;
        let clock = clock.clone();
        routes.push((receiver.name.clone(), Arc::new(ByPost { post, clock })));
    }
    let options = CourierOptions {
        alert_after: config.dossier.alert_after,
        give_up: config.dossier.give_up,
        ..CourierOptions::default()
    };
    let civil = clock.clone();
    let civil = Arc::new(move || civil.wall());
    Ok(Courier::start(store.clone(), routes, civil, options))
}

/// What is kept and sent of a dossier; `None` if nobody gets it, or it cannot be written.
pub fn parcel(dossiers: &Dossiers, dossier: &Dossier) -> Option<Parcel> {
    let takes = dossiers.receivers.iter();
    let receivers = takes
        .filter(|it| it.takes(&dossier.key, dossier.emergency))
        .map(|it| it.name.clone());
    let (receivers, told): (Vec<String>, Vec<String>) = match &dossier.via {
        Via::Https => (receivers.collect(), Vec::new()),
        Via::Invite(trunk) | Via::From(trunk) => {
            (Vec::new(), vec![format!("{} ({trunk})", dossier.key)])
        }
        Via::Voice => (Vec::new(), vec![format!("{} (voice)", dossier.key)]),
    };
    let body = match receivers.is_empty() {
        true => Vec::new(),
        false => serde_json::to_vec(&dossier.incident()).ok()?,
    };
    let within = i64::try_from(TELL_WITHIN.as_millis()).unwrap_or(i64::MAX);
    (!(receivers.is_empty() && told.is_empty())).then(|| Parcel {
        call: dossier.call,
        mark: format!("{}-{}", dossier.call, dossier.count),
        document: dossier.document_urn(),
        made: dossier.made,
        receivers,
        told,
        contents: dossier.contents().join(","),
        ground: dossier.ground().0.to_owned(),
        // Whoever agreed to it was told before.
        task: dossier.emergency.then(|| Task {
            kind: TaskKind::Tell,
            due: Wall(dossier.made.0.saturating_add(within)),
        }),
        body,
    })
}
