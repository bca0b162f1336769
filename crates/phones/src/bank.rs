//! Many phones on one SIP socket.

use crate::call::{Call, DialError};
use crate::phone::{Dial, Phone, PhoneOptions, PhoneShared, Register};
use crate::sdp::Direction;
use crate::sip::SipTimers;
use crate::sip::register::Waiting;
use crate::sip::stack::{PhoneEntry, Stack};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};

/// Orders that may wait for the bank's task; whoever orders more waits.
const COMMANDS: usize = 1_024;
/// Calls a phone remembers for [`Phone::next_call`].
const INCOMING: usize = 32;

/// What a handle asks of the bank's task.
#[derive(Debug)]
pub(crate) enum Command {
    AddPhone(Arc<PhoneShared>, oneshot::Sender<u64>),
    Register(u64, Register, Waiting),
    Unregister(u64, Waiting),
    Dial(u64, Dial, oneshot::Sender<Result<Call, DialError>>),
    Options(u64, SocketAddr, oneshot::Sender<u16>),
    Ring(u64, bool),
    Answer(u64),
    Reject(u64, u16),
    HangUp(u64),
    Reinvite(u64, Direction, oneshot::Sender<u16>),
}

/// A SIP socket on loopback with any number of phones behind it.
///
/// The socket is closed when the bank and all its phones and calls are dropped.
#[derive(Clone, Debug)]
pub struct PhoneBank {
    address: SocketAddr,
    commands: mpsc::Sender<Command>,
}

impl PhoneBank {
    /// Opens a free port of 127.0.0.1 with RFC 3261's timers. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Those of the operating system.
    pub async fn open() -> io::Result<Self> {
        Self::open_at(
            "127.0.0.1:0".parse().map_err(io::Error::other)?,
            SipTimers::default(),
        )
        .await
    }

    /// Opens `address` with other timers (a test with a lossy path need not wait for seconds).
    ///
    /// # Errors
    /// Those of the operating system.
    pub async fn open_at(address: SocketAddr, times: SipTimers) -> io::Result<Self> {
        let socket = UdpSocket::bind(address).await?;
        // Bursts of a whole demo arrive at once; the default buffer holds some 200 datagrams.
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(1 << 21);
        let address = socket.local_addr()?;
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let stack = Stack::new(socket, address, times, commands.downgrade());
        tokio::spawn(stack.run(inbox));
        Ok(Self { address, commands })
    }

    /// Where its phones are reached.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a phone.
    ///
    /// # Errors
    /// The bank's task is gone.
    pub async fn phone(&self, options: PhoneOptions) -> io::Result<Phone> {
        let gone = || io::Error::other("the phones' task is gone");
        let (incoming, calls) = mpsc::channel(INCOMING);
        let shared = Arc::new(PhoneShared::new(options, incoming));
        let (reply, answer) = oneshot::channel();
        self.commands
            .send(Command::AddPhone(shared.clone(), reply))
            .await
            .map_err(|_| gone())?;
        let id = answer.await.map_err(|_| gone())?;
        Ok(Phone::new(id, shared, self.commands.clone(), calls))
    }
}

impl Stack {
    pub(crate) fn command(&mut self, command: Command) {
        match command {
            Command::AddPhone(shared, reply) => {
                let id = self.next_id();
                self.users.insert(shared.user.clone(), id);
                self.phones.insert(
                    id,
                    PhoneEntry {
                        shared,
                        registration: None,
                    },
                );
                let _ = reply.send(id);
            }
            Command::Register(phone, register, waiting) => self.register(phone, register, waiting),
            Command::Unregister(phone, waiting) => self.unregister(phone, waiting),
            Command::Dial(phone, dial, reply) => {
                let call = self.dial(phone, &dial);
                let _ = reply.send(call);
            }
            Command::Options(phone, to, reply) => self.options(phone, to, reply),
            Command::Ring(leg, early_media) => self.ring(leg, early_media),
            Command::Answer(leg) => self.answer(leg),
            Command::Reject(leg, status) => self.reject(leg, status),
            Command::HangUp(leg) => self.hang_up(leg),
            Command::Reinvite(leg, direction, reply) => self.reinvite(leg, direction, reply),
        }
    }
}
