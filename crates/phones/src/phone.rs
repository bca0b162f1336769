//! One phone of a bank.

use crate::bank::Command;
use crate::call::{Call, DialError};
use crate::media::port::Voice;
use crate::sip::Algorithm;
use crate::sip::digest::Credentials;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// What a phone does with a call that comes in. Changeable at any time; a call keeps what it began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Rings, answers after `after`, hangs up after `talk` (`None`: waits for the far side).
    Answer {
        /// From INVITE to 200.
        after: Duration,
        /// From 200 to BYE.
        talk: Option<Duration>,
        /// Rings with 183 and its own tone instead of 180.
        early_media: bool,
    },
    /// Rings and never answers.
    Ignore,
    /// Does not respond at all, as a phone without power.
    Silent,
    /// Rings, then refuses.
    Reject {
        /// 300 to 699.
        status: u16,
        /// From INVITE to the refusal.
        after: Duration,
    },
    /// Rings; the script decides by [`Call::answer`], [`Call::reject`], [`Call::early_media`].
    Manual,
}

impl Behaviour {
    /// Answers after `after` and waits for the far side to hang up.
    #[must_use]
    pub fn answer_after(after: Duration) -> Self {
        Self::Answer {
            after,
            talk: None,
            early_media: false,
        }
    }
}

/// What a new phone is.
#[derive(Clone, Debug)]
pub struct PhoneOptions {
    /// User part of its address; `*` takes every number that no other phone of the bank has.
    pub user: String,
    /// What it says and listens for.
    pub voice: Voice,
    /// What it does with calls.
    pub behaviour: Behaviour,
    /// Most calls at a time; further ones get 486.
    pub max_calls: usize,
}

impl PhoneOptions {
    /// A phone of `user` that says `tone_hz`, listens for `listen_hz`, answers at once, one call at a time.
    #[must_use]
    pub fn new(user: &str, tone_hz: u16, listen_hz: &[u16]) -> Self {
        Self {
            user: user.to_owned(),
            voice: Voice {
                tone_hz,
                listen_hz: listen_hz.to_vec(),
                muted: false,
            },
            behaviour: Behaviour::answer_after(Duration::ZERO),
            max_calls: 1,
        }
    }
}

/// What to register.
#[derive(Clone)]
pub struct Register {
    /// Where REGISTER goes.
    pub registrar: SocketAddr,
    /// Host of the address of record; the registrar's address if none.
    pub domain: Option<String>,
    /// The password.
    pub password: String,
    /// The digest to use; the registrar must offer it.
    pub algorithm: Algorithm,
    /// Time asked for, whole seconds.
    pub expires: Duration,
}

impl std::fmt::Debug for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Register")
            .field("registrar", &self.registrar)
            .finish_non_exhaustive()
    }
}

/// Why a registration failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterError {
    /// The registrar refused with this status (401: wrong password, or no digest in common).
    Refused(u16),
    /// The registrar did not respond.
    NoResponse,
    /// There is no registration to end.
    NotRegistered,
    /// The bank's task is gone.
    BankGone,
}

impl std::fmt::Display for RegisterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(status) => write!(f, "the registrar refused with {status}"),
            Self::NoResponse => f.write_str("the registrar did not respond"),
            Self::NotRegistered => f.write_str("the phone was not registered"),
            Self::BankGone => f.write_str("the phones' socket was closed"),
        }
    }
}

impl std::error::Error for RegisterError {}

/// A call to make.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Where the INVITE goes.
    pub to: SocketAddr,
    /// User part of the request URI, such as `12356`.
    pub number: String,
    /// User part of From; the phone's own if none. A phone of the cast speaks for many callers.
    pub from_user: Option<String>,
    /// Host of the From URI; the bank's address if none.
    pub from_host: Option<String>,
    /// Hang up by itself after this much talk.
    pub talk: Option<Duration>,
    /// Further headers of the first INVITE, name and value, such as `P-Asserted-Identity`.
    pub headers: Vec<(String, String)>,
}

impl Dial {
    /// A call to `number` at `to`.
    #[must_use]
    pub fn new(to: SocketAddr, number: &str) -> Self {
        Self {
            to,
            number: number.to_owned(),
            from_user: None,
            from_host: None,
            talk: None,
            headers: Vec::new(),
        }
    }
}

/// What the stack and the handles of a phone share.
#[derive(Debug)]
pub(crate) struct PhoneShared {
    pub user: String,
    pub max_calls: usize,
    pub incoming: mpsc::Sender<Call>,
    behaviour: Mutex<Behaviour>,
    voice: Mutex<Voice>,
    credentials: Mutex<Option<Credentials>>,
    registered: watch::Sender<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PhoneShared {
    pub(crate) fn new(options: PhoneOptions, incoming: mpsc::Sender<Call>) -> Self {
        Self {
            user: options.user,
            max_calls: options.max_calls,
            incoming,
            behaviour: Mutex::new(options.behaviour),
            voice: Mutex::new(options.voice),
            credentials: Mutex::new(None),
            registered: watch::Sender::new(false),
        }
    }

    pub(crate) fn behaviour(&self) -> Behaviour {
        lock(&self.behaviour).clone()
    }

    pub(crate) fn voice(&self) -> Voice {
        lock(&self.voice).clone()
    }

    pub(crate) fn credentials(&self) -> Option<Credentials> {
        lock(&self.credentials).clone()
    }

    pub(crate) fn set_credentials(&self, credentials: Credentials) {
        *lock(&self.credentials) = Some(credentials);
    }

    pub(crate) fn set_registered(&self, registered: bool) {
        self.registered.send_replace(registered);
    }
}

/// A handle of a phone; clones are the same phone.
#[derive(Clone, Debug)]
pub struct Phone {
    id: u64,
    shared: Arc<PhoneShared>,
    commands: mpsc::Sender<Command>,
    incoming: Arc<tokio::sync::Mutex<mpsc::Receiver<Call>>>,
}

impl Phone {
    pub(crate) fn new(
        id: u64,
        shared: Arc<PhoneShared>,
        commands: mpsc::Sender<Command>,
        incoming: mpsc::Receiver<Call>,
    ) -> Self {
        Self {
            id,
            shared,
            commands,
            incoming: Arc::new(tokio::sync::Mutex::new(incoming)),
        }
    }

    /// User part of its address.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.shared.user
    }

    /// Its own tone, hertz.
    #[must_use]
    pub fn tone_hz(&self) -> u16 {
        self.shared.voice().tone_hz
    }

    /// Changes what the next calls say and listen for.
    pub fn set_voice(&self, voice: Voice) {
        *lock(&self.shared.voice) = voice;
    }

    /// Cuts (or restores) the direction from this phone in its next calls.
    pub fn set_muted(&self, muted: bool) {
        lock(&self.shared.voice).muted = muted;
    }

    /// Changes what is done with the next calls.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        *lock(&self.shared.behaviour) = behaviour;
    }

    /// Sets the password with which an INVITE's 401 or 407 is answered (REGISTER sets it too).
    pub fn set_password(&self, password: &str, algorithm: Algorithm) {
        let user = self.shared.user.clone();
        self.shared.set_credentials(Credentials {
            user,
            password: password.to_owned(),
            algorithm,
        });
    }

    /// Registers and keeps the registration alive; the time granted.
    ///
    /// # Errors
    /// Wrong password, no digest in common, no response: see [`RegisterError`].
    pub async fn register(&self, register: Register) -> Result<Duration, RegisterError> {
        let (reply, answer) = oneshot::channel();
        self.order(Command::Register(self.id, register, reply))
            .await
            .map_err(|()| RegisterError::BankGone)?;
        answer.await.unwrap_or(Err(RegisterError::BankGone))
    }

    /// Ends the registration.
    ///
    /// # Errors
    /// As [`Self::register`].
    pub async fn unregister(&self) -> Result<(), RegisterError> {
        let (reply, answer) = oneshot::channel();
        self.order(Command::Unregister(self.id, reply))
            .await
            .map_err(|()| RegisterError::BankGone)?;
        answer
            .await
            .unwrap_or(Err(RegisterError::BankGone))
            .map(|_| ())
    }

    /// True while the registrar holds a binding of this phone; a watch to await changes.
    #[must_use]
    pub fn registered(&self) -> watch::Receiver<bool> {
        self.shared.registered.subscribe()
    }

    /// Sends an INVITE.
    ///
    /// # Errors
    /// No port, too many calls, or the bank is gone: see [`DialError`].
    pub async fn dial(&self, dial: Dial) -> Result<Call, DialError> {
        let (reply, answer) = oneshot::channel();
        self.order(Command::Dial(self.id, dial, reply))
            .await
            .map_err(|()| DialError::BankGone)?;
        answer.await.unwrap_or(Err(DialError::BankGone))
    }

    /// Sends OPTIONS; the status of the response, `None` if there was none in time.
    pub async fn options(&self, to: SocketAddr) -> Option<u16> {
        let (reply, answer) = oneshot::channel();
        self.order(Command::Options(self.id, to, reply))
            .await
            .ok()?;
        answer.await.ok()
    }

    /// The next call that comes in, however the phone behaves. `None` once the bank is gone.
    ///
    /// A phone remembers 32 calls that nobody took here; later ones are not shown, but behave all the same.
    pub async fn next_call(&self) -> Option<Call> {
        self.incoming.lock().await.recv().await
    }

    async fn order(&self, command: Command) -> Result<(), ()> {
        self.commands.send(command).await.map_err(|_| ())
    }
}
