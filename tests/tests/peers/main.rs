//! Tests against foreign SIP programs, and the shipped Prometheus files against Prometheus' own.

mod baresip;
mod kamailio;
mod papers;
mod promtool;
mod sipp;
mod sipp_dialogs;
mod sipp_messages;
mod sipp_trunk;
mod sipsak;
mod stage;
mod tshark;
