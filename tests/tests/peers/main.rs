//! Tests against foreign SIP programs.
