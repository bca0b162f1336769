//! Why a leg ended, by the Reason header of its BYE or CANCEL.

/// True if a Reason header (RFC 3326 §2) says that the network ended the call, as it does when a
/// telephone has lost its radio (3GPP TS 24.229 §5.2.8.1.2): a Q.850 cause that is neither normal
/// clearing (16) nor normal, unspecified (31), or a SIP status that refuses or fails.
pub(crate) fn says_cut_off(reason: &str) -> bool {
    reason.split(',').any(|value| {
        let mut parts = value.split(';').map(str::trim);
        let protocol = parts.next().unwrap_or("");
        let cause = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let named = name.trim().eq_ignore_ascii_case("cause");
            named.then(|| value.trim().parse::<u16>().ok()).flatten()
        });
        match cause {
            Some(cause) if protocol.eq_ignore_ascii_case("Q.850") => !matches!(cause, 16 | 31),
            Some(cause) if protocol.eq_ignore_ascii_case("SIP") => cause >= 400,
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::says_cut_off;

    #[test]
    fn the_network_ends_a_call_otherwise_than_a_person() {
        let cut = [
            "Q.850;cause=41;text=\"Temporary failure\"",
            "q.850 ; cause = 127",
            "SIP;cause=503;text=\"Service Unavailable\"",
            "SIP;cause=200, Q.850;cause=27",
        ];
        let person = [
            "",
            "Q.850;cause=16;text=\"Terminated\"",
            "Q.850;cause=31",
            "SIP;cause=200;text=\"Call completed elsewhere\"",
            "Q.850",
            "Q.850;cause=many",
            "Q.850;cause=99999999",
            "preemption;cause=1",
        ];
        assert!(cut.iter().all(|it| says_cut_off(it)));
        assert!(!person.iter().any(|it| says_cut_off(it)));
    }
}
