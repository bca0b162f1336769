//! Tests against foreign SIP programs, and the shipped Prometheus files against Prometheus' own.

mod baresip;
mod browser;
mod desk;
mod hep;
mod kamailio;
mod linphone;
mod papers;
mod promtool;
mod registration;
mod rtpengine;
mod sipp;
mod sipp_dialogs;
mod sipp_messages;
mod sipp_trunk;
mod sipsak;
mod srtp;
mod stage;
mod transfer;
mod tshark;
mod who_hears;
