//! A request of ours that was challenged goes again with credentials (RFC 3261 §8.1.3.5, §22.2): a
//! new transaction with the next number, which takes the place of the old one in its leg.

use crate::client_auth::{Account, AccountId};
use crate::client_transactions::{Challenged, Heard};
use crate::endpoint::Endpoint;
use crate::event::LegError;
use crate::keys::{ClientKey, Owner, Purpose};
use crate::leg::{Leg, LegState};
use crate::message::Message;
use crate::names::branch;
use crate::write;
use meishier_model::{LegId, Mono};

impl Endpoint {
    /// Puts an account in, in the place of one of that number, or takes it out. Requests under way are
    /// answered for the new one. What the realms of the account asked for is remembered as long as it
    /// stays the same.
    pub fn set_account(&mut self, id: AccountId, account: Option<Account>) {
        self.wallet.set(id, account);
    }

    /// Challenges to our requests in a call that came are answered for this account.
    ///
    /// # Errors
    /// [`LegError::Unknown`].
    pub fn set_leg_account(
        &mut self,
        now: Mono,
        leg: LegId,
        account: Option<AccountId>,
    ) -> Result<(), LegError> {
        self.with_leg(now, leg, |leg, _| leg.account = account)
    }

    /// Answers 401 or 407 by sending the request again. False if there is no answer: then the
    /// response is like any other.
    pub(crate) fn ask_with_credentials(
        &mut self,
        now: Mono,
        heard: &Heard,
        challenged: Challenged,
        response: &Message,
    ) -> bool {
        let Challenged {
            request,
            mut flow,
            mut attempts,
        } = challenged;
        let leg = match heard.owner {
            Owner::Leg(id) => match self.legs.get_mut(&id) {
                Some(leg) if leg.asks_again(heard.purpose) => Some(leg),
                _ => return false,
            },
            Owner::Request(_) | Owner::Nobody => None,
        };
        // A re-INVITE, PRACK or UPDATE of a call that has hung up since is of no use to anybody.
        if heard.owner == Owner::Nobody && heard.purpose != Purpose::Bye {
            return false;
        }
        let (method, uri, number) = write::start_of(&request);
        let shown = self
            .wallet
            .meet(&mut attempts, response, (method, uri), &mut self.names);
        let Some(shown) = shown else {
            return false;
        };
        let key = ClientKey {
            word: self.names.word(),
            cancel: false,
        };
        let mut cseq = number.saturating_add(1);
        if let Some(leg) = leg {
            cseq = leg.go_again(heard.key, key, heard.purpose, response);
            flow = leg.flow;
        }
        let bytes = write::again(&request, &branch(key.word), cseq, &shown);
        self.tx
            .start(now, key, heard.purpose, heard.owner, flow, bytes);
        self.tx.attribute(key, attempts);
        if let Owner::Leg(id) = heard.owner {
            let _ = self.with_leg(now, id, |leg, cx| leg.note_client(cx, key));
        }
        true
    }
}

impl Leg {
    /// True if a request of this purpose is still wanted.
    fn asks_again(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Invite => matches!(self.state, LegState::Calling | LegState::Proceeding),
            Purpose::Bye => self.state == LegState::Ending,
            _ => !matches!(self.state, LegState::Ending | LegState::Over),
        }
    }

    /// `next` takes the place of `key`; the number that its request has.
    fn go_again(
        &mut self,
        key: ClientKey,
        next: ClientKey,
        purpose: Purpose,
        response: &Message,
    ) -> u32 {
        let asking = self.asking.as_mut().map(|asking| &mut asking.key);
        let telling = self.refers.as_mut().and_then(|it| it.under_way_mut());
        let places = [
            Some(&mut self.calling),
            Some(&mut self.bye),
            Some(&mut self.updating),
            Some(&mut self.probing),
            asking,
            telling,
        ];
        for place in places.into_iter().flatten() {
            if *place == Some(key) {
                *place = Some(next);
            }
        }
        match purpose {
            // The early dialogs ended with the refusal (§12.3).
            Purpose::Invite => {
                self.early.clear();
                self.state = LegState::Calling;
            }
            // RFC 3262 §4: a PRACK belongs to its early dialog, until the answer.
            Purpose::Prack => {
                let tag = response.to_tag().unwrap_or("");
                let mut early = self.early.iter_mut().map(|early| &mut early.dialog);
                if let Some(dialog) = early.find(|dialog| *dialog.remote_tag == *tag) {
                    return dialog.next_seq();
                }
            }
            _ => {}
        }
        self.dialog.next_seq()
    }
}
