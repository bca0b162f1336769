//! Where users are registered now. Shared by all workers; each registrar writes its own users.

use dashmap::DashMap;
use meishier_engine::signaling::{Binding, BindingChange};
use meishier_model::Mono;

/// User part of an address → its contacts.
///
/// Rule: a guard of the map lives within one expression; contacts are copied out. Two guards at a
/// time, or one held while an engine runs, could deadlock.
#[derive(Default)]
pub(crate) struct Registrations {
    users: DashMap<String, Vec<Binding>>,
}

impl Registrations {
    /// Follows a registrar. It lists only configured seats, which bounds the map.
    pub(crate) fn apply(&self, change: BindingChange) {
        if change.contacts.is_empty() {
            self.users.remove(&change.user);
        } else {
            self.users.insert(change.user, change.contacts);
        }
    }

    /// Contacts of `user` that have not expired.
    pub(crate) fn contacts(&self, user: &str, now: Mono) -> Vec<Binding> {
        let mut contacts = match self.users.get(user) {
            Some(entry) => entry.value().clone(),
            None => return Vec::new(),
        };
        contacts.retain(|binding| binding.expires > now);
        contacts
    }

    /// Users with at least one contact.
    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }
}
