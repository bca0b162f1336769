//! Who calls, by what the headers claim and the trunk is trusted for. The table.

use meishier_routing::IdentitySource::{Asserted, From, Nobody, RemoteParty};
use meishier_routing::{Claim, Claims, Identified, IdentitySource, Trust, weigh};
use proptest::prelude::*;

/// A caller of 021, and the switchboard that he rang first.
const CALLER: &str = "sip:+8613360096745@ims.example.cn;user=phone";
const SWITCHBOARD: &str = "sip:+862164387250@sh.example.cn";

struct Case {
    name: &'static str,
    claims: Claims<'static>,
    trust: Trust,
    caller: &'static str,
    source: IdentitySource,
    withheld: bool,
    switchboard: bool,
    before: Option<&'static str>,
    by: Option<&'static str>,
    cell: Option<&'static str>,
    ignored: Trust,
}

const EMPTY: Claims<'static> = Claims {
    from: CALLER,
    display: "",
    asserted: &[],
    remote_party: &[],
    diversion: &[],
    history: &[],
    privacy: "",
    access: &[],
};

/// From alone, everything trusted.
const PLAIN: Case = Case {
    name: "From alone",
    claims: EMPTY,
    trust: Trust::ALL,
    caller: "+8613360096745",
    source: From,
    withheld: false,
    switchboard: false,
    before: None,
    by: None,
    cell: None,
    ignored: Trust::NOTHING,
};

/// Known by P-Asserted-Identity.
const KNOWN: Case = Case {
    source: Asserted,
    ..PLAIN
};

const fn claim(uri: &'static str, params: &'static str) -> Claim<'static> {
    Claim { uri, params }
}

fn few<const N: usize>(claims: [Claim<'static>; N]) -> &'static [Claim<'static>] {
    Box::leak(Box::new(claims))
}

#[rustfmt::skip]
fn who() -> Vec<Case> {
    let desk = Claims { from: "sip:desk@pbx.example.cn", ..EMPTY };
    let nobody = Claims { from: "sip:anonymous@anonymous.invalid", ..EMPTY };
    vec![
        PLAIN,
        Case { name: "asserted goes before From", claims: Claims { asserted: &[CALLER], ..desk }, ..KNOWN },
        Case { name: "asserted is ignored without trust", claims: Claims { asserted: &[CALLER], ..desk },
            trust: Trust::NOTHING, caller: "desk", ignored: Trust::ASSERTED, ..PLAIN },
        Case { name: "of two asserted ones the number, not the name",
            claims: Claims { asserted: &["sip:zhang.san@ims.example.cn", "tel:+8613360096745"], ..desk }, ..KNOWN },
        Case { name: "a name if there is no number", claims: Claims { asserted: &["sip:zhang.san@ims.example.cn"], ..EMPTY },
            caller: "zhang.san", ..KNOWN },
        Case { name: "an asserted nobody is passed over", claims: Claims { asserted: &["sip:anonymous@anonymous.invalid"], ..EMPTY },
            ..PLAIN },
        Case { name: "Remote-Party-ID goes before From", claims: Claims { remote_party: few([claim(CALLER, ";screen=yes")]), ..desk },
            source: RemoteParty, ..PLAIN },
        Case { name: "but not before an asserted one",
            claims: Claims { asserted: &[CALLER], remote_party: few([claim(SWITCHBOARD, "")]), ..desk }, ..KNOWN },
        Case { name: "the called party is nobody who calls",
            claims: Claims { remote_party: few([claim(SWITCHBOARD, ";party=called")]), ..EMPTY }, ..PLAIN },
        Case { name: "the calling one of two", claims: Claims { remote_party:
            few([claim(SWITCHBOARD, ";party=called"), claim(CALLER, ";party=\"calling\";id-type=subscriber")]), ..desk },
            source: RemoteParty, ..PLAIN },
        Case { name: "Remote-Party-ID without trust", claims: Claims { remote_party: few([claim(SWITCHBOARD, "")]), ..EMPTY },
            trust: Trust::ASSERTED, ignored: Trust::REMOTE_PARTY, ..PLAIN },
        Case { name: "withheld and known", claims: Claims { asserted: &[CALLER], privacy: "id", ..nobody }, withheld: true, ..KNOWN },
        Case { name: "withheld among other wishes", claims: Claims { asserted: &[CALLER], privacy: "session; ID ;critical", ..EMPTY },
            withheld: true, ..KNOWN },
        Case { name: "user and header withhold as well", claims: Claims { privacy: "header", ..EMPTY }, withheld: true, ..PLAIN },
        Case { name: "Privacy: none withholds nothing", claims: Claims { asserted: &[CALLER], privacy: "none", ..desk }, ..KNOWN },
        Case { name: "session privacy is not about the number", claims: Claims { privacy: "session", ..EMPTY }, ..PLAIN },
        Case { name: "an anonymous display name is a wish", claims: Claims { display: "\"Anonymous\"", asserted: &[CALLER], ..desk },
            withheld: true, ..KNOWN },
        Case { name: "an anonymous From is a wish against Privacy: none",
            claims: Claims { asserted: &[CALLER], privacy: "none", ..nobody }, withheld: true, ..KNOWN },
        Case { name: "privacy=full of Remote-Party-ID",
            claims: Claims { remote_party: few([claim(CALLER, ";privacy=full-network;screen=yes")]), ..desk },
            source: RemoteParty, withheld: true, ..PLAIN },
        Case { name: "privacy=name hides the name alone", claims: Claims { remote_party: few([claim(CALLER, ";privacy=name")]), ..desk },
            source: RemoteParty, ..PLAIN },
        Case { name: "a wish counts without trust", claims: Claims { remote_party: few([claim(CALLER, ";privacy=full")]), ..EMPTY },
            trust: Trust::NOTHING, withheld: true, ignored: Trust::REMOTE_PARTY, ..PLAIN },
        Case { name: "nobody at all", claims: nobody, caller: "", source: Nobody, withheld: true, ..PLAIN },
        Case { name: "an empty request", claims: Claims::default(), caller: "", source: Nobody, withheld: true, ..PLAIN },
        Case { name: "a context makes the number national",
            claims: Claims { asserted: &["tel:64387250;phone-context=+8621"], ..desk }, caller: "02164387250", ..KNOWN },
        Case { name: "headers in a URI are no number", claims: Claims { asserted: &["tel:+8613360096745?x=1"], ..desk }, ..KNOWN },
    ]
}

#[rustfmt::skip]
fn forwards() -> Vec<Case> {
    const OLD: Claim<'static> = claim(SWITCHBOARD, ";reason=unconditional;counter=1");
    let both = Claims { asserted: &[SWITCHBOARD], diversion: few([OLD]), ..EMPTY };
    let forwarded = Case { before: Some("+862164387250"), by: Some("+862164387250"), ..PLAIN };
    vec![
        Case { name: "the switchboard asserts itself, From has the caller", claims: both, ..forwarded },
        Case { name: "From is the switchboard, the caller is asserted",
            claims: Claims { from: SWITCHBOARD, asserted: &[CALLER], ..both }, source: Asserted, ..forwarded },
        Case { name: "Remote-Party-ID has the caller",
            claims: Claims { from: SWITCHBOARD, remote_party: few([claim(CALLER, "")]), ..both }, source: RemoteParty, ..forwarded },
        Case { name: "the switchboard in another form",
            claims: Claims { asserted: &["tel:021-64387250"], ..both }, ..forwarded },
        Case { name: "the switchboard without its area code",
            claims: Claims { asserted: &["sip:64387250@sh.example.cn"], ..both }, ..forwarded },
        Case { name: "nobody but the switchboard is named",
            claims: Claims { from: SWITCHBOARD, ..both }, caller: "+862164387250", source: Asserted, switchboard: true, ..forwarded },
        Case { name: "the caller is withheld, the switchboard is not",
            claims: Claims { from: "sip:anonymous@anonymous.invalid", ..both },
            caller: "+862164387250", source: Asserted, switchboard: true, withheld: true, ..forwarded },
        Case { name: "a Diversion without trust moves nobody", claims: both, trust: Trust::ASSERTED,
            caller: "+862164387250", source: Asserted, ignored: Trust::DIVERSION, ..PLAIN },
        Case { name: "two forwards: the topmost is the last",
            claims: Claims { diversion: few([OLD, claim("tel:962525", ";reason=no-answer")]), ..EMPTY },
            before: Some("962525"), by: Some("+862164387250"), ..PLAIN },
        Case { name: "who forwarded in private is not told, and is passed over still",
            claims: Claims { diversion: few([claim(SWITCHBOARD, ";privacy=\"full\"")]), ..both }, ..PLAIN },
        Case { name: "History-Info: the first target and who forwarded",
            claims: Claims { asserted: &[SWITCHBOARD], history: few([claim("sip:962525@a", ";index=1"),
                claim("sip:02164387250@b;cause=302", ";index=1.1;mp=1"), claim("sip:12356@c", ";index=1.1.1;mp=1.1")]), ..EMPTY },
            before: Some("962525"), by: Some("02164387250"), ..PLAIN },
        Case { name: "History-Info without a forward", claims: Claims { history: few([claim("sip:12356@a", ";index=1"),
            claim("sip:+8612356@b", ";index=1.1;rc=1")]), ..EMPTY }, ..PLAIN },
        Case { name: "a carrier that translates 12356 forwards nothing", claims: Claims { history: few([claim("sip:12356@a", ";index=1"),
            claim("sip:02112356@b", ";index=1.1;rc=1")]), ..EMPTY }, ..PLAIN },
        Case { name: "a hidden entry of History-Info tells nothing", claims: Claims { history:
            few([claim("sip:anonymous@anonymous.invalid", ";index=1"), claim("sip:12356@c", ";index=1.1")]), ..EMPTY }, ..PLAIN },
        Case { name: "an entry that asks for privacy", claims: Claims { asserted: &[SWITCHBOARD], history:
            few([claim("sip:02164387250@b?Privacy=history&Reason=x", ";index=1"), claim("sip:12356@c", ";index=1.1")]), ..EMPTY }, ..PLAIN },
        Case { name: "Privacy: history", claims: Claims { privacy: "history", history:
            few([claim("sip:02164387250@b", ";index=1"), claim("sip:12356@c", ";index=1.1")]), ..EMPTY }, ..PLAIN },
        Case { name: "Diversion and History-Info together", claims: Claims { diversion: few([OLD]), history:
            few([claim("sip:962525@b", ";index=1"), claim("sip:12356@c", ";index=1.1")]), ..EMPTY },
            before: Some("962525"), by: Some("+862164387250"), ..PLAIN },
        Case { name: "History-Info without trust", claims: Claims { history:
            few([claim("sip:962525@b", ";index=1"), claim("sip:12356@c", ";index=1.1")]), ..EMPTY },
            trust: Trust::ASSERTED | Trust::DIVERSION, ignored: Trust::HISTORY, ..PLAIN },
    ]
}

#[rustfmt::skip]
fn cells() -> Vec<Case> {
    let at = |access: &'static [&'static str]| Claims { access, ..EMPTY };
    let named = Case { cell: Some("4600012345678"), ..PLAIN };
    vec![
        Case { name: "LTE", claims: at(&["3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=4600012345678"]), ..named },
        Case { name: "quoted", claims: at(&["3GPP-E-UTRAN-TDD;UTRAN-Cell-ID-3gpp=\"4600012345678\""]), ..named },
        Case { name: "GSM", claims: at(&["3GPP-GERAN;cgi-3gpp=4600012345678"]), ..named },
        Case { name: "the network's word first", claims: at(&["3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=46099",
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=4600012345678;network-provided"]), ..named },
        Case { name: "in one header", claims: at(&["3GPP-NR;utran-cell-id-3gpp=\"46,0\", 3GPP-NR;np;utran-cell-id-3gpp=4600012345678"]),
            ..named },
        Case { name: "the telephone's own, if there is no other", claims: at(&["IEEE-802.11;i-wlan-node-id=00aa;np",
            "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=4600012345678"]), ..named },
        Case { name: "no cell", claims: at(&["IEEE-802.11", "", ";;", "utran-cell-id-3gpp=46000"]), ..PLAIN },
        Case { name: "no such cell", claims: at(&["3GPP-NR;utran-cell-id-3gpp=", "3GPP-NR;utran-cell-id-3gpp=46<0>"]), ..PLAIN },
        Case { name: "without trust", claims: at(&["3GPP-NR;utran-cell-id-3gpp=4600012345678"]), trust: Trust::ASSERTED,
            ignored: Trust::ACCESS, ..PLAIN },
    ]
}

#[test]
fn headers_are_weighed_by_trust() {
    let cases: Vec<Case> = who().into_iter().chain(forwards()).chain(cells()).collect();
    assert!(cases.len() >= 25);
    for case in cases {
        let Identified {
            caller,
            withheld,
            source,
            switchboard,
            dialled_before,
            forwarded_by,
            cell,
            ignored,
        } = weigh(&case.claims, case.trust);
        let text = |it: &'static str| Some(it.to_owned());
        let told = |it: Option<meishier_model::DialString>| it.map(|it| it.reveal().to_owned());
        assert_eq!(caller.reveal(), case.caller, "{}", case.name);
        assert_eq!(source, case.source, "{}", case.name);
        assert_eq!(withheld, case.withheld, "{}", case.name);
        assert_eq!(switchboard, case.switchboard, "{}", case.name);
        assert_eq!(
            told(dialled_before),
            case.before.and_then(text),
            "{}",
            case.name
        );
        assert_eq!(told(forwarded_by), case.by.and_then(text), "{}", case.name);
        assert_eq!(told(cell), case.cell.and_then(text), "{}", case.name);
        assert_eq!(ignored, case.ignored, "{}", case.name);
    }
}

#[test]
fn debug_output_shows_no_number() {
    let claims = Claims {
        access: &["3GPP-NR;utran-cell-id-3gpp=4600012345678"],
        diversion: &[claim(SWITCHBOARD, "")],
        ..EMPTY
    };
    let shown = format!("{:?}", weigh(&claims, Trust::ALL));
    for secret in ["13360096745", "64387250", "4600012345678"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn trust_goes_by_names() {
    let mut all = Trust::NOTHING;
    for name in Trust::NAMES {
        let one = Trust::parse(name).unwrap();
        assert_eq!(one.names().collect::<Vec<_>>(), [name]);
        assert!(!all.contains(one));
        all = all | one;
    }
    assert_eq!(all, Trust::ALL);
    assert_eq!(Trust::parse("everything"), None);
    assert!(Trust::NOTHING.is_empty() && !all.is_empty());
}

/// Pieces of headers, whole ones and broken ones.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(CALLER.to_owned()),
        Just(SWITCHBOARD.to_owned()),
        "(sip:|tel:|@|;|=|\"|,|\\?|&|%|<|>|:|Privacy=|index=1|;index=1.1|;party=calling|;privacy=full)",
        "(3GPP-NR|;utran-cell-id-3gpp=|;np|;network-provided|anonymous|id|none|[0-9A-F]{0,80})",
        ".{0,8}",
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_header_is_too_odd(
        texts in prop::collection::vec(pieces(), 12),
        bits in prop::collection::vec(any::<bool>(), Trust::NAMES.len()),
    ) {
        let mut trust = Trust::NOTHING;
        for (name, _) in Trust::NAMES.iter().zip(bits).filter(|(_, bit)| *bit) {
            trust = trust | Trust::parse(name).unwrap();
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let entries: Vec<Claim<'_>> = texts
            .chunks(2)
            .map(|pair| Claim { uri: pair[0], params: pair[1] })
            .collect();
        let found = weigh(&Claims {
            from: texts[0],
            display: texts[1],
            asserted: &texts[2..4],
            remote_party: &entries[2..4],
            diversion: &entries[3..5],
            history: &entries[3..],
            privacy: texts[5],
            access: &texts[4..8],
        }, trust);
        prop_assert!(!found.caller.is_empty() || found.withheld);
        prop_assert_eq!(found.caller.is_empty(), found.source == Nobody);
        prop_assert!(found.source != Asserted || trust.contains(Trust::ASSERTED));
        prop_assert!(found.source != RemoteParty || trust.contains(Trust::REMOTE_PARTY));
        prop_assert!(found.cell.is_none() || trust.contains(Trust::ACCESS));
        let way = trust.contains(Trust::DIVERSION) || trust.contains(Trust::HISTORY);
        prop_assert!(way || (found.forwarded_by.is_none() && !found.switchboard));
        prop_assert!(!found.ignored.contains(trust) || trust.is_empty() || found.ignored.is_empty());
    }
}
