//! baresip with SRTP by SDES: as a caller and as a seat, with keys beside plain RTP and with SRTP alone.

use super::baresip::speak;

#[test]
fn two_telephones_with_srtp_alone_hear_each_other() {
    let words = ";mediaenc=srtp-mand";
    let record = speak("srtp = \"required\"", words, words);
    assert_eq!(record["rtp_caller"]["secured"], true, "{record}");
    assert_eq!(record["rtp_seat"]["secured"], true, "{record}");
    assert_eq!(record["rtp_seat"]["unauthentic"], 0, "{record}");
    // Who hangs up has dropped its keys when it says RTCP's BYE, which comes in plain and is not believed.
    let last_words = record["rtp_caller"]["unauthentic"].as_u64();
    assert!(last_words.is_some_and(|n| n <= 1), "{record}");
}

#[test]
fn a_caller_with_keys_beside_plain_rtp_hears_a_seat_without() {
    let record = speak("", ";mediaenc=srtp", "");
    assert_eq!(record["rtp_caller"]["secured"], true, "{record}");
    assert_eq!(record["rtp_seat"]["secured"], false, "{record}");
}
