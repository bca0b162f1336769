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

/// Most causes of one header that are kept.
const MOST: usize = 4;

/// The causes of a Reason header in one form, such as `SIP;cause=200, Q.850;cause=16`, without the
/// texts, in which anything may stand; empty if there is none.
pub(crate) fn causes(reason: &str) -> String {
    let cause = |value: &str| {
        let mut parts = value.split(';').map(str::trim);
        let protocol = parts.next()?;
        let known = ["Q.850", "SIP", "Preemption"];
        let protocol = known.iter().find(|it| it.eq_ignore_ascii_case(protocol))?;
        let number = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let named = name.trim().eq_ignore_ascii_case("cause");
            named.then(|| value.trim().parse::<u16>().ok()).flatten()
        })?;
        Some(format!("{protocol};cause={number}"))
    };
    let all: Vec<String> = reason.split(',').filter_map(cause).take(MOST).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{causes, says_cut_off};

    #[test]
    fn causes_are_kept_in_one_form_and_texts_are_not() {
        let rows = [
            ("Q.850;cause=16;text=\"13300000001\"", "Q.850;cause=16"),
            ("q.850 ; cause = 127", "Q.850;cause=127"),
            (
                "SIP;cause=200, Q.850;cause=27",
                "SIP;cause=200, Q.850;cause=27",
            ),
            ("Q.850;text=\"a;cause=3\"", ""),
            ("Q.850;cause=many", ""),
            ("X.1;cause=1", ""),
            ("", ""),
        ];
        for (reason, kept) in rows {
            assert_eq!(causes(reason), kept, "{reason}");
        }
    }

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
