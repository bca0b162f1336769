//! Names of SIP messages.

use meishier_ladder::label_of_sip;

fn assert_label(message: &str, label: &str) {
    assert_eq!(label_of_sip(message.as_bytes()), label, "{message:?}");
}

#[test]
fn requests_and_responses() {
    let sdp = "Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n";
    assert_label(
        &format!("INVITE sip:12356@h SIP/2.0\r\nCSeq: 1 INVITE\r\n{sdp}"),
        "INVITE sdp",
    );
    assert_label(
        &format!("INVITE sip:12356@h SIP/2.0\r\nCSeq: 2 INVITE\r\n{sdp}a=sendonly\r\n"),
        "INVITE sdp sendonly",
    );
    assert_label(
        &format!("SIP/2.0 200 OK\r\nVia: x\r\ncseq : 7  INVITE\r\n{sdp}"),
        "200 (INVITE) sdp",
    );
    assert_label("BYE sip:a@h SIP/2.0\r\nCSeq: 2 BYE\r\n\r\n", "BYE");
    assert_label(
        "SIP/2.0 487 Terminated\r\nCSeq: 1 INVITE\r\n\r\n",
        "487 (INVITE)",
    );
    assert_label("SIP/2.0 200 OK\n\n", "200 (OTHER)");
    assert_label("INFO sip:a@h SIP/2.0\r\n\r\nSignal=1\r\n", "INFO body");
    assert_label("\r\n\r\n", "keep-alive");
}

#[test]
fn nothing_of_a_person_gets_in() {
    let strange = [
        ("13800138000 sip:a@h SIP/2.0\r\n\r\n", "OTHER"),
        ("SIP/2.0 13800138000 Hello\r\n\r\n", "?"),
        (
            "SIP/2.0 200 13800138000\r\nCSeq: 1 13800138000\r\n\r\n",
            "200 (OTHER)",
        ),
        ("13800138000", "?"),
        ("SIP/2.0 ", "?"),
        ("\u{0}\u{1}\u{2}", "?"),
    ];
    for (message, label) in strange {
        assert_label(message, label);
    }
    assert_eq!(label_of_sip(&[0xff, 0xfe, b'\n']), "?");
    assert_eq!(label_of_sip(&[]), "keep-alive");
}
