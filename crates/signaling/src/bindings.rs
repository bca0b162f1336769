//! The bindings of the registrar: which user is reached where, and until when. Data and rules of
//! RFC 3261 §10.3 step 7, without messages.

use crate::flow::Flow;
use crate::outbound::FlowId;
use crate::uri::{Uri, host_address};
use meishier_model::Mono;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One place at which a user is reached.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Contact URI as the phone gave it: the Request-URI of requests to it.
    pub uri: String,
    /// Where the REGISTER came from. Requests go there and not to the host of `uri`, because a
    /// phone behind NAT does not know its own address (RFC 3581).
    pub flow: Flow,
    /// When the binding ends.
    pub expires: Mono,
    /// Route of requests to it: the Path of the REGISTER (RFC 3327 §5.3); empty without one.
    #[serde(default)]
    pub route: String,
    /// Which flow of which instance it is (RFC 5626 §4.1); `None` of a phone that does not say.
    #[serde(default)]
    pub flow_id: Option<FlowId>,
    /// How much the phone would rather be reached here, of a thousand (RFC 3261 §20.10, `q`).
    #[serde(default = "most")]
    pub q: u16,
}

fn most() -> u16 {
    1000
}

impl Binding {
    /// True if the phone named another address than the one that it is seen at: something between us
    /// translates, and forgets how if nobody speaks.
    #[must_use]
    pub fn behind_nat(&self) -> bool {
        let uri = Uri::parse(&self.uri).ok();
        let named = uri.and_then(|uri| host_address(uri.host));
        let seen = self.flow.remote.ip().to_canonical();
        self.route.is_empty() && named.is_none_or(|(ip, _)| ip.to_canonical() != seen)
    }
}

/// Shows when it ends, not whom it reaches.
impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// All bindings that a user now has. Sent whenever one was added, renewed, removed or ran out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingChange {
    /// User of the address of record.
    pub user: String,
    /// Newest first; empty if the user is now reached nowhere.
    pub contacts: Vec<Binding>,
}

/// Shows how many, not whose.
impl fmt::Debug for BindingChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BindingChange")
            .field("contacts", &self.contacts.len())
            .finish_non_exhaustive()
    }
}

/// One binding and the request that made it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub binding: Binding,
    pub call_id: String,
    pub cseq: u32,
    /// Counts upwards with every REGISTER that was accepted; the highest is the newest.
    pub order: u64,
}

/// A request out of order: same Call-ID as a binding's, but no higher CSeq (§10.3 step 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfOrder;

/// What one REGISTER asks of one contact.
pub(crate) struct Wanted<'a> {
    pub uri: &'a str,
    /// `None` removes the contact.
    pub expires: Option<Mono>,
    pub flow_id: Option<FlowId>,
    pub q: u16,
}

impl Wanted<'_> {
    /// True if this binding is the one that is asked about: of a flow by what it is called (RFC 5626
    /// §6), else by the URI (RFC 3261 §10.3 step 7).
    fn is(&self, binding: &Binding) -> bool {
        match (&self.flow_id, &binding.flow_id) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => same_contact(&binding.uri, self.uri),
        }
    }
}

/// Where a REGISTER comes from and where it stands in its sequence.
pub(crate) struct Origin<'a> {
    pub flow: Flow,
    pub route: &'a str,
    pub call_id: &'a str,
    pub cseq: u32,
}

impl Origin<'_> {
    fn may_change(&self, entry: &Entry) -> Result<(), OutOfOrder> {
        if entry.call_id == self.call_id && self.cseq <= entry.cseq {
            Err(OutOfOrder)
        } else {
            Ok(())
        }
    }
}

/// Bindings of all users, with the order in which they run out.
#[derive(Default)]
pub(crate) struct Bindings {
    users: BTreeMap<String, Vec<Entry>>,
    /// The earliest end of each user's bindings.
    ends: BTreeSet<(Mono, String)>,
    /// Whose bindings lie on which connection, so that a stranger's closed connections cost nothing.
    connections: BTreeSet<(u64, String)>,
    order: u64,
}

impl Bindings {
    /// How many users have a binding.
    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }

    /// Every user with what is kept of the bindings.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &Vec<Entry>)> {
        self.users.iter()
    }

    /// Takes over what another registrar kept of a user.
    pub(crate) fn take_over(&mut self, user: &str, list: Vec<Entry>) {
        let newest = list.iter().map(|entry| entry.order).max().unwrap_or(0);
        self.order = self.order.max(newest);
        self.store(user, list);
    }

    /// The bindings of `user`, newest first.
    pub(crate) fn of(&self, user: &str) -> Vec<Binding> {
        self.users
            .get(user)
            .map(|list| list.iter().map(|e| e.binding.clone()).collect())
            .unwrap_or_default()
    }

    /// True if this user is registered from exactly there.
    pub(crate) fn is_home(&self, user: &str, flow: &Flow) -> bool {
        let list = self.users.get(user).map_or(&[][..], Vec::as_slice);
        list.iter().any(|entry| {
            let theirs = &entry.binding.flow;
            (theirs.transport, theirs.remote) == (flow.transport, flow.remote)
        })
    }

    /// Removes every binding of `user` (`Contact: *`). True if there was one.
    pub(crate) fn clear(&mut self, user: &str, origin: &Origin<'_>) -> Result<bool, OutOfOrder> {
        let list = self.users.get(user).map_or(&[][..], Vec::as_slice);
        list.iter().try_for_each(|entry| origin.may_change(entry))?;
        let had_some = !list.is_empty();
        self.store(user, Vec::new());
        Ok(had_some)
    }

    /// Adds, renews and removes contacts of `user`, all or none. With more than `max` the ones
    /// that were renewed longest ago go: a phone that restarts leaves its old port behind.
    pub(crate) fn update(
        &mut self,
        user: &str,
        origin: &Origin<'_>,
        wanted: &[Wanted<'_>],
        max: usize,
    ) -> Result<(), OutOfOrder> {
        let mut list = self.users.get(user).cloned().unwrap_or_default();
        self.order += 1;
        for want in wanted {
            while let Some(at) = list.iter().position(|entry| want.is(&entry.binding)) {
                // A contact that this request names twice was changed by it already.
                if list[at].order != self.order {
                    origin.may_change(&list[at])?;
                }
                list.remove(at);
            }
            if let Some(expires) = want.expires {
                list.push(Entry {
                    binding: Binding {
                        uri: want.uri.to_owned(),
                        flow: origin.flow,
                        expires,
                        route: origin.route.to_owned(),
                        flow_id: want.flow_id.clone(),
                        q: want.q,
                    },
                    call_id: origin.call_id.to_owned(),
                    cseq: origin.cseq,
                    order: self.order,
                });
            }
        }
        list.sort_by_key(|entry| std::cmp::Reverse(entry.order));
        list.truncate(max);
        self.store(user, list);
        Ok(())
    }

    /// Removes what ran out; the users whose bindings changed.
    pub(crate) fn expire(&mut self, now: Mono) -> Vec<String> {
        let mut changed = Vec::new();
        while let Some((end, user)) = self.ends.first().cloned() {
            if end > now {
                break;
            }
            let mut list = self.users.get(&user).cloned().unwrap_or_default();
            list.retain(|entry| entry.binding.expires > now);
            self.store(&user, list);
            changed.push(user);
        }
        changed
    }

    /// Removes what was reached by a connection that is closed; the users whose bindings changed.
    pub(crate) fn drop_connection(&mut self, connection: u64) -> Vec<String> {
        let mut changed = Vec::new();
        while let Some((_, user)) = self
            .connections
            .range((connection, String::new())..)
            .next()
            .filter(|(found, _)| connection != 0 && *found == connection)
            .cloned()
        {
            let mut list = self.users.get(&user).cloned().unwrap_or_default();
            list.retain(|entry| entry.binding.flow.connection != connection);
            self.store(&user, list);
            changed.push(user);
        }
        changed
    }

    /// When the next binding runs out.
    pub(crate) fn next_end(&self) -> Option<Mono> {
        self.ends.first().map(|(end, _)| *end)
    }

    fn store(&mut self, user: &str, list: Vec<Entry>) {
        let earliest = |list: &[Entry]| list.iter().map(|entry| entry.binding.expires).min();
        if let Some(end) = self.users.get(user).and_then(|old| earliest(old)) {
            self.ends.remove(&(end, user.to_owned()));
        }
        for entry in self.users.get(user).into_iter().flatten() {
            let connection = entry.binding.flow.connection;
            self.connections.remove(&(connection, user.to_owned()));
        }
        for entry in list.iter().filter(|e| e.binding.flow.connection != 0) {
            let connection = entry.binding.flow.connection;
            self.connections.insert((connection, user.to_owned()));
        }
        match earliest(&list) {
            Some(end) => {
                self.ends.insert((end, user.to_owned()));
                self.users.insert(user.to_owned(), list);
            }
            None => {
                self.users.remove(user);
            }
        }
    }
}

/// True if both contacts are one by RFC 3261 §19.1.4.
fn same_contact(a: &str, b: &str) -> bool {
    a == b || matches!((Uri::parse(a), Uri::parse(b)), (Ok(a), Ok(b)) if a.equivalent(&b))
}
