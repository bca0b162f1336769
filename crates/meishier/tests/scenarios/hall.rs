//! The engine with a shipped configuration, its trunks and the telephones of its seats.

use crate::table::Table;
use meishier_config::{
    Config, Entry, Files, Lang, Listen, SeatContact, Source, Sources, To, Transport, Unreadable,
};
use meishier_engine::transfer::Dossier;
use meishier_engine::{Command, Notice, Reply, SeatChange};
use meishier_media::PromptSet;
use meishier_model::{CallRecord, CounsellorId, NumberMark, SeatId, ShardId};
use meishier_net::{Clock, Control, Running, Runtime, RuntimeConfig, Seeds, Sink};
use meishier_phones::{Algorithm, Phone, PhoneBank, PhoneOptions, Register};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Most telephones of a scenario.
const MOST: usize = 40;
/// RTP ports; every call takes two.
const PORTS: u16 = 128;

/// Files as they lie on the disk.
struct Disk;

impl Files for Disk {
    fn entries(&mut self, folder: &str) -> Result<Vec<Entry>, Unreadable> {
        let entries = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap());
        let entry = |it: std::fs::DirEntry| Entry {
            name: it.file_name().into_string().unwrap(),
            is_folder: it.path().is_dir(),
        };
        Ok(entries.map(entry).collect())
    }

    fn text(&mut self, name: &str, _: usize) -> Result<String, Unreadable> {
        Ok(std::fs::read_to_string(name).unwrap())
    }
}

/// The configuration as it is shipped.
fn shipped(path: &Path) -> Config {
    let name = path.to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).unwrap();
    let sources = Sources::gather(vec![Source { name, text }], &mut Disk);
    match sources.parse(None) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{}", sources.render(&errors, Lang::En)),
    }
}

/// Keeps what the engine says of calls that are over.
struct Records(mpsc::UnboundedSender<CallRecord>);

impl Sink for Records {
    fn record(&self, _: ShardId, record: Box<CallRecord>) {
        // The scenario may have seen enough.
        let _ = self.0.send(*record);
    }

    fn keep(&self, _: ShardId, _: Box<NumberMark>) {}

    fn dossier(&self, _: ShardId, _: Box<Dossier>) {}

    fn notice(&self, _: ShardId, _: Notice) {}
}

/// Everything that a scenario needs. Dropping it ends the engine.
pub struct Hall {
    pub config: Arc<Config>,
    pub control: Control,
    pub records: mpsc::UnboundedReceiver<CallRecord>,
    pub engine: SocketAddr,
    /// Telephones of the seats, by name.
    pub phones: BTreeMap<String, Phone>,
    /// The carriers' sides of the trunks that are used.
    pub trunks: BTreeMap<String, Phone>,
    people: BTreeMap<String, (SeatId, CounsellorId)>,
    _running: Running,
}

/// Fit for loopback, one shard; what the file says of callers and pools is left as it is.
fn adapt(config: &mut Config, trunks: &BTreeMap<String, SocketAddr>) {
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    config.sip.listen = vec![Listen::new(Transport::Udp, address)];
    // One shard: what a command changed holds for the call after it.
    config.shards = 1;
    config.rtp.last_port = config.rtp.first_port + PORTS - 1;
    // Nobody waits for a rest that is not what a scenario is about.
    config.offer.wrapup = Duration::ZERO;
    for trunk in &mut config.trunks {
        if let Some(address) = trunks.get(&trunk.name) {
            trunk.peers = vec![*address];
            trunk.to = vec![To::only(*address)];
        }
    }
}

async fn banks(
    config: &Config,
    table: &Table,
) -> (BTreeMap<String, SocketAddr>, BTreeMap<String, Phone>) {
    let first = &config.trunks[0].name;
    let (mut addresses, mut phones) = (BTreeMap::new(), BTreeMap::new());
    for call in &table.calls {
        let name = call.trunk.as_ref().unwrap_or(first);
        if phones.contains_key(name) {
            continue;
        }
        let bank = PhoneBank::open().await.unwrap();
        let options = PhoneOptions {
            max_calls: 16,
            ..PhoneOptions::new("*", 440, &[])
        };
        addresses.insert(name.clone(), bank.address());
        phones.insert(name.clone(), bank.phone(options).await.unwrap());
    }
    (addresses, phones)
}

impl Hall {
    /// Starts the engine and registers the telephones. Nobody is signed on yet.
    pub async fn open(path: &Path, table: &Table) -> Self {
        assert!(table.seats.len() <= MOST);
        let mut config = shipped(path);
        let (addresses, trunks) = banks(&config, table).await;
        adapt(&mut config, &addresses);
        let config = Arc::new(config);
        let (sender, records) = mpsc::unbounded_channel();
        let first = table.calls[0].at.as_deref().unwrap();
        let setup = RuntimeConfig {
            config: config.clone(),
            prompts: Arc::new(PromptSet::embedded()),
            clock: Clock::fixed(crate::play::moment(&config, first)),
            seeds: Seeds::Fixed(1),
            any_free_port: true,
            remembered: Vec::new(),
            tapes: None,
        };
        let running = Runtime::start(setup, Arc::new(Records(sender))).unwrap();
        let engine = running.sip_addresses()[0].1;
        let mut hall = Self {
            control: running.control(),
            config,
            records,
            engine,
            phones: BTreeMap::new(),
            trunks,
            people: BTreeMap::new(),
            _running: running,
        };
        hall.register(table).await;
        hall
    }

    async fn register(&mut self, table: &Table) {
        let bank = PhoneBank::open().await.unwrap();
        for (name, account) in &table.seats {
            let seats = &self.config.seats;
            let seat = seats.iter().position(|seat| seat.name == *name);
            let seat = seat.unwrap_or_else(|| panic!("no seat {name}"));
            let people = &self.config.counsellors;
            let person = people.iter().position(|it| it.account == *account);
            let person = person.unwrap_or_else(|| panic!("no counsellor {account}"));
            let SeatContact::Register { password } = &seats[seat].contact else {
                panic!("{name} does not register");
            };
            let phone = bank
                .phone(PhoneOptions::new(name, 1_000, &[]))
                .await
                .unwrap();
            let register = Register {
                registrar: self.engine,
                domain: Some(self.config.sip.domain.clone()),
                password: password.clone(),
                algorithm: Algorithm::Sha256,
                expires: Duration::from_secs(600),
            };
            phone.register(register).await.unwrap();
            self.phones.insert(name.clone(), phone);
            let seat = SeatId(u32::try_from(seat).unwrap());
            let person = CounsellorId(u32::try_from(person).unwrap());
            self.people.insert(name.clone(), (seat, person));
        }
    }

    /// Lets exactly these seats be staffed, those that `talk` left as they are.
    pub async fn staff(&self, wanted: &[String], talk: &[String]) {
        for name in wanted {
            assert!(self.people.contains_key(name), "{name} is not in seats");
        }
        for (name, (seat, counsellor)) in &self.people {
            if talk.contains(name) {
                continue;
            }
            // Who was signed on is afresh: no rest is left over. Nobody may be, which is as good.
            let _ = self.change(*seat, SeatChange::SignOff).await;
            if wanted.contains(name) {
                let change = SeatChange::SignOn {
                    counsellor: *counsellor,
                    pin: None,
                };
                let done = self.change(*seat, change).await;
                assert!(matches!(done, Reply::Seat(Ok(_))), "{name}: {done:?}");
            }
        }
    }

    async fn change(&self, seat: SeatId, change: SeatChange) -> Reply {
        self.control
            .command(Command::Seat { seat, change })
            .await
            .unwrap()
    }
}
