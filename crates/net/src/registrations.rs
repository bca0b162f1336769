//! Where users are registered now. Shared by all workers; each registrar writes its own users.

use dashmap::DashMap;
use meishier_engine::signaling::{Binding, BindingChange, Flow};
use meishier_model::Mono;

/// User part of an address → its contacts; and which connections they are on.
///
/// Rule: a guard of the map lives within one expression; contacts are copied out. Two guards at a
/// time, or one held while an engine runs, could deadlock.
#[derive(Default)]
pub(crate) struct Registrations {
    users: DashMap<String, Vec<Binding>>,
    /// Connection → how many contacts are reached on it; none with 0.
    connections: DashMap<u64, usize>,
}

impl Registrations {
    /// Follows a registrar. It lists only configured seats, which bounds the map.
    pub(crate) fn apply(&self, change: BindingChange) {
        self.count(&change.contacts, 1);
        let before = if change.contacts.is_empty() {
            self.users.remove(&change.user).map(|(_, before)| before)
        } else {
            self.users.insert(change.user, change.contacts)
        };
        self.count(&before.unwrap_or_default(), -1);
    }

    fn count(&self, contacts: &[Binding], change: isize) {
        for connection in contacts.iter().map(|it| it.flow.connection) {
            let connection = connection & !Flow::FOREIGN;
            if connection == 0 {
                continue;
            }
            let mut contacts = self.connections.entry(connection).or_default();
            *contacts = contacts.saturating_add_signed(change);
            drop(contacts);
            self.connections
                .remove_if(&connection, |_, contacts| *contacts == 0);
        }
    }

    /// Whether somebody is registered on a connection, whatever is said of its peer.
    pub(crate) fn uses(&self, connection: u64) -> bool {
        self.connections.contains_key(&connection)
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

#[cfg(test)]
mod tests {
    use super::*;
    use meishier_engine::signaling::Transport;

    fn contact(connection: u64) -> Binding {
        let here = "127.0.0.1:5060".parse().unwrap();
        Binding {
            uri: "sip:a@127.0.0.1".into(),
            flow: Flow {
                transport: Transport::Tcp,
                local: here,
                remote: here,
                connection,
            },
            expires: Mono(1),
            q: 1000,
            route: String::new(),
            flow_id: None,
        }
    }

    #[test]
    fn a_connection_is_in_use_as_long_as_a_contact_is_on_it() {
        let all = Registrations::default();
        let say = |user: &str, connections: &[u64]| {
            let contacts = connections.iter().copied().map(contact).collect();
            all.apply(BindingChange {
                user: user.into(),
                contacts,
            });
        };
        say("a", &[1, 0]);
        say("b", &[1, 2]);
        assert!(all.uses(1) && all.uses(2) && !all.uses(0) && !all.uses(3));
        say("a", &[]);
        assert!(all.uses(1));
        say("b", &[2]);
        say("b", &[2 | Flow::FOREIGN]);
        assert!(!all.uses(1) && all.uses(2));
        say("b", &[]);
        assert!(all.connections.is_empty() && all.len() == 0);
    }
}
