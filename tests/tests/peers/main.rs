//! Tests against foreign SIP programs, and the shipped Prometheus files against Prometheus' own.

mod baresip;
mod promtool;
mod sipp;
mod srtp;
