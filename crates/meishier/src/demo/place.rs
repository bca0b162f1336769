//! Which loopback addresses the demo takes: those asked for, else the usual ones, else free ones.

use meishier_config::Lang;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// Tries to find a port that is free for UDP and TCP.
const TRIES: usize = 64;
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The usual port of SIP.
const SIP: u16 = 5060;
/// The usual port of the console.
const HTTP: u16 = 8080;

/// An address that was free a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub address: SocketAddr,
    /// Where people look for it.
    pub usual: SocketAddr,
    /// The user named address and port.
    pub named: bool,
    /// The user named an address, perhaps with port 0 for any free one.
    pub asked: bool,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceError {
    /// The user named an address that another program has (operator).
    Taken(SocketAddr),
    /// The demo's passwords are known to everybody; it stays on IPv4 loopback (operator).
    NotLoopback(SocketAddr),
}

impl PlaceError {
    /// What happened and what would be right.
    pub fn message(self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Taken(address), Lang::Zh) => format!(
                "端口 {address} 已被其他程序占用；请换一个端口，或先停止那个程序，或不指定端口（演示会自己找空闲的）"
            ),
            (Self::Taken(address), Lang::En) => format!(
                "port {address} is taken by another program; name another port, end that program, or name none (the demo then finds a free one)"
            ),
            (Self::NotLoopback(address), Lang::Zh) => format!(
                "演示的口令人人皆知，只能在本机运行：请用 127.0.0.1 的地址，而不是 {address}；对外服务请用 meishier serve"
            ),
            (Self::NotLoopback(address), Lang::En) => format!(
                "everybody knows the demo's passwords, it runs on this machine only: name an address of 127.0.0.1, not {address}; meishier serve is for real service"
            ),
        }
    }
}

/// Where SIP goes, the same port for UDP and TCP.
///
/// # Errors
/// [`PlaceError`], about a named address only.
pub fn sip(named: Option<SocketAddr>) -> Result<Place, PlaceError> {
    place(named, SIP, |address| {
        UdpSocket::bind(address)?;
        TcpListener::bind(address).map(drop)
    })
}

/// Where HTTP goes.
///
/// # Errors
/// As [`sip`].
pub fn http(named: Option<SocketAddr>) -> Result<Place, PlaceError> {
    place(named, HTTP, |address| TcpListener::bind(address).map(drop))
}

fn place(
    named: Option<SocketAddr>,
    usual: u16,
    bind: impl Fn(SocketAddr) -> io::Result<()>,
) -> Result<Place, PlaceError> {
    let usual = SocketAddr::new(LOOPBACK, usual);
    let wanted = named.unwrap_or(usual);
    if !wanted.ip().is_loopback() || !wanted.is_ipv4() {
        return Err(PlaceError::NotLoopback(wanted));
    }
    let exact = wanted.port() != 0;
    // Other errors than "taken" are the engine's to report: it knows them by name.
    let taken = |error: &io::Error| error.kind() == io::ErrorKind::AddrInUse;
    let refused = exact.then(|| bind(wanted).err()).flatten();
    let address = match (&refused, named) {
        (Some(error), Some(_)) if taken(error) => return Err(PlaceError::Taken(wanted)),
        (None, _) if exact => wanted,
        (Some(_), Some(_)) => wanted,
        _ => free(wanted.ip(), bind),
    };
    Ok(Place {
        address,
        usual,
        named: named.is_some() && exact,
        asked: named.is_some(),
    })
}

/// A free port, as far as one can tell; port 0 if the system gave none.
fn free(ip: IpAddr, bind: impl Fn(SocketAddr) -> io::Result<()>) -> SocketAddr {
    for _ in 0..TRIES {
        let found = UdpSocket::bind(SocketAddr::new(ip, 0)).and_then(|socket| socket.local_addr());
        if let Ok(address) = found
            && bind(address).is_ok()
        {
            return address;
        }
    }
    SocketAddr::new(ip, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> SocketAddr {
        SocketAddr::new(LOOPBACK, 0)
    }

    #[test]
    fn a_named_port_that_is_taken_is_an_error() {
        let udp = UdpSocket::bind(any()).unwrap();
        let address = udp.local_addr().unwrap();
        assert_eq!(sip(Some(address)), Err(PlaceError::Taken(address)));
        let tcp = TcpListener::bind(any()).unwrap();
        let address = tcp.local_addr().unwrap();
        assert_eq!(sip(Some(address)), Err(PlaceError::Taken(address)));
        assert_eq!(http(Some(address)), Err(PlaceError::Taken(address)));
        for lang in [Lang::Zh, Lang::En] {
            let message = PlaceError::Taken(address).message(lang);
            assert!(message.contains(&address.to_string()), "{message}");
        }
    }

    #[test]
    fn a_usual_port_that_is_taken_is_left_alone() {
        let taken = UdpSocket::bind(any()).unwrap();
        let usual = taken.local_addr().unwrap();
        let bind = |address| UdpSocket::bind(address).map(drop);
        let place = place(None, usual.port(), bind).unwrap();
        assert_ne!(place.address, usual);
        assert_ne!(place.address.port(), 0);
        assert_eq!((place.usual, place.named), (usual, false));
    }

    #[test]
    fn a_free_named_port_is_taken_as_it_is() {
        let address = free(LOOPBACK, |address| UdpSocket::bind(address).map(drop));
        let place = sip(Some(address)).unwrap();
        assert_eq!((place.address, place.named), (address, true));
        let place = sip(Some(any())).unwrap();
        assert!(place.address.port() != 0 && !place.named);
    }

    #[test]
    fn the_demo_stays_at_home() {
        for text in ["0.0.0.0:5060", "192.0.2.1:5060", "[::1]:5060"] {
            let address = text.parse().unwrap();
            assert_eq!(sip(Some(address)), Err(PlaceError::NotLoopback(address)));
        }
    }
}
