//! Why the runtime did not start.

use crate::CertificateError;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

/// Why the runtime did not start. Nothing of it is left behind then.
#[derive(Debug)]
pub enum StartError {
    /// Another program listens there (operator: choose another port, or end that program).
    PortTaken {
        /// `UDP`, `TCP` or `TLS`.
        transport: &'static str,
        /// The address asked for.
        address: SocketAddr,
    },
    /// The system does not allow it, as for ports below 1024 (operator).
    NotPermitted {
        /// `UDP`, `TCP` or `TLS`.
        transport: &'static str,
        /// The address asked for.
        address: SocketAddr,
    },
    /// The address is not this machine's (operator).
    NotOurAddress {
        /// `UDP`, `TCP` or `TLS`.
        transport: &'static str,
        /// The address asked for.
        address: SocketAddr,
    },
    /// Not one RTP port of the range could be bound (operator).
    NoRtpPort {
        /// Where they were to be.
        address: IpAddr,
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
        /// What the system said about the first of them.
        source: io::Error,
    },
    /// A file of `[sip.tls]` is of no use (operator).
    Certificate(CertificateError),
    /// The system refused something else (open files, memory, threads).
    System {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl StartError {
    pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { what, source }
    }

    pub(crate) fn bind(transport: &'static str, address: SocketAddr, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::PortTaken { transport, address },
            io::ErrorKind::PermissionDenied => Self::NotPermitted { transport, address },
            io::ErrorKind::AddrNotAvailable => Self::NotOurAddress { transport, address },
            _ => Self::System {
                what: "binding a SIP socket",
                source,
            },
        }
    }

    /// What happened and what would be right, in Chinese.
    #[must_use]
    pub fn message_zh(&self) -> String {
        match self {
            Self::PortTaken { transport, address } => format!(
                "{transport} 端口 {address} 已被其他程序占用；请换一个端口，或先停止那个程序"
            ),
            Self::NotPermitted { transport, address } => format!(
                "系统不允许监听 {transport} {address}；1024 以下的端口需要权限，请换用更大的端口"
            ),
            Self::NotOurAddress { transport, address } => {
                format!("{transport} {address} 不是本机地址；请改为本机的地址或 0.0.0.0")
            }
            Self::NoRtpPort {
                address,
                first,
                last,
                source,
            } => {
                format!(
                    "{address} 上 {first}-{last} 之间没有可用的 RTP 端口（{source}）；请更换端口范围"
                )
            }
            Self::Certificate(error) => error.message_zh(),
            Self::System { what, source } => format!("系统拒绝了一项操作（{what}）：{source}"),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortTaken { transport, address } => write!(
                f,
                "{transport} port {address} is taken by another program; choose another port or end that program"
            ),
            Self::NotPermitted { transport, address } => write!(
                f,
                "the system does not allow {transport} {address}; ports below 1024 need a privilege, choose a higher one"
            ),
            Self::NotOurAddress { transport, address } => write!(
                f,
                "{transport} {address} is not an address of this machine; name one that is, or 0.0.0.0"
            ),
            Self::NoRtpPort {
                address,
                first,
                last,
                source,
            } => write!(
                f,
                "no RTP port of {first}-{last} is free on {address} ({source}); choose another range"
            ),
            Self::Certificate(error) => error.fmt(f),
            Self::System { what, source } => {
                write!(f, "the system refused something ({what}): {source}")
            }
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoRtpPort { source, .. } | Self::System { source, .. } => Some(source),
            Self::Certificate(error) => Some(error),
            _ => None,
        }
    }
}
