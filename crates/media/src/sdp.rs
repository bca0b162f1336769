//! Offer and answer.
use crate::{Codec, Negotiated, SessionId};
use std::net::SocketAddr;
/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SdpError {
    /// Nothing.
    NoCommonCodec,
}
/// Offer.
#[must_use]
pub fn offer(_local: SocketAddr, _session: SessionId, _codecs: &[Codec]) -> Vec<u8> {
    Vec::new()
}
/// Answer.
/// # Errors
/// See.
pub fn answer(
    _offer: &[u8],
    _local: SocketAddr,
    _session: SessionId,
    _codecs: &[Codec],
) -> Result<(Vec<u8>, Negotiated), SdpError> {
    Err(SdpError::NoCommonCodec)
}
/// Accept.
/// # Errors
/// See.
pub fn accept(_answer: &[u8], _codecs: &[Codec]) -> Result<Negotiated, SdpError> {
    Err(SdpError::NoCommonCodec)
}
