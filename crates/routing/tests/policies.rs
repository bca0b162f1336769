//! What holds across all routes: lists, risk, nuisance, redial, preferences.

mod town;

use meishier_model::{Class, CounsellorId, SkillId, SkillSet, Wall};
use meishier_routing::{
    Known, Listed, Looked, MOST_PREFERENCES, Miss, NuisanceWhy, PreferenceRule, RiskWhy, Route,
    Rule, TableSource, Tags, When,
};
use town::*;

const CALLER: &str = "13312345678";

fn base() -> TableSource {
    source(vec![route("all", &[(CITY, 0), (PROVINCE, 15)])])
}

fn with_lists(listed: Vec<Listed>) -> TableSource {
    let mut source = base();
    source.policies.listed = listed;
    source
}

fn risk(why: RiskWhy) -> Known {
    Known {
        risk: Some(why),
        ..Known::default()
    }
}

fn nuisance(why: NuisanceWhy) -> Known {
    Known {
        nuisance: Some(why),
        ..Known::default()
    }
}

fn known(known: Known) -> Call<'static> {
    Call {
        known,
        ..Call::default()
    }
}

#[test]
fn a_listed_number_holds_until_its_end() {
    let table = compiled(with_lists(vec![Listed {
        risk: true,
        until: Some(NIGHT),
        ..listed("+86 133 1234 5678")
    }]));
    let call = |wall| Call {
        wall: Wall(wall),
        ..Call::default()
    };
    let before = call(NIGHT.0 - 1);
    let decision = before.on(&table);
    assert!(decision.risk);
    let rules = [Rule::Listed(0), Rule::Route(0), Rule::Risk(RiskWhy::Listed)];
    assert_eq!(decision.rules.as_slice(), rules);
    let after = call(NIGHT.0);
    assert!(!after.on(&table).risk);
    for (call, miss) in [(before, None), (after, Some(Miss::Expired))] {
        let looked = call.explain(&table, &States::default()).looked;
        let rule = Rule::Listed(0);
        assert_eq!(looked[0], Looked { rule, miss });
    }
}

#[test]
fn every_entry_of_a_number_holds() {
    let entries = vec![
        Listed {
            counsellor: Some(CounsellorId(1)),
            until: Some(DAY),
            ..listed(CALLER)
        },
        Listed {
            tags: Tags(0b01),
            counsellor: Some(CounsellorId(2)),
            ..listed("0133-1234-5678")
        },
        listed("13312345679"),
        Listed {
            tags: Tags(0b10),
            counsellor: Some(CounsellorId(3)),
            nuisance: true,
            ..listed(CALLER)
        },
    ];
    let mut source = with_lists(entries);
    let prefer = |bits, skill| PreferenceRule {
        name: format!("tag{bits}"),
        when: When {
            tags: Tags(bits),
            ..When::default()
        },
        prefer: [liked(skill, 9)].into_iter().collect(),
    };
    source.policies.preferences = vec![prefer(0b01, 1), prefer(0b10, 2), prefer(0b100, 3)];
    let table = compiled(source);
    let decision = Call::default().on(&table);
    let rules = [
        Rule::Listed(1),
        Rule::Listed(3),
        Rule::Route(0),
        Rule::Nuisance(NuisanceWhy::Listed),
        Rule::Preference(0),
        Rule::Preference(1),
    ];
    assert_eq!(decision.rules.as_slice(), rules);
    assert_eq!(likes(&decision), [(1, 9), (2, 9)]);
    // The first of those that still hold.
    assert_eq!(decision.own, Some(CounsellorId(2)));
    assert_eq!(table.rule_names(&decision)[1], "number:4");
    // What the engine knows already comes first.
    let planned = Known {
        planned: Some(CounsellorId(8)),
        ..nuisance(NuisanceWhy::Marked)
    };
    let decision = known(planned).on(&table);
    assert_eq!(decision.own, Some(CounsellorId(8)));
    assert!(
        decision
            .rules
            .contains(&Rule::Nuisance(NuisanceWhy::Marked))
    );
}

#[test]
fn who_withholds_the_number_is_on_no_list() {
    let flagged = |number| Listed {
        risk: true,
        ..listed(number)
    };
    let numbers = ["", "anonymous", "+86", CALLER].map(flagged);
    let table = compiled(with_lists(numbers.to_vec()));
    for caller in [
        "",
        "anonymous",
        "sip:anonymous@anonymous.invalid",
        "1331234567",
    ] {
        let call = Call {
            caller,
            ..Call::default()
        };
        assert!(!call.on(&table).risk, "{caller}");
    }
    for caller in [CALLER, "+8613312345678", "sip:013312345678@ims.example.cn"] {
        let call = Call {
            caller,
            ..Call::default()
        };
        assert!(call.on(&table).risk, "{caller}");
    }
}

#[test]
fn a_local_number_is_found_by_the_area_of_its_trunk() {
    let mut source = with_lists(vec![Listed {
        risk: true,
        ..listed("0851-88908001")
    }]);
    source.trunk_codes = vec![None, Some("0851".into())];
    let table = compiled(source);
    let on = |trunk| Call {
        trunk,
        caller: "88908001",
        ..Call::default()
    };
    assert!(!on(0).on(&table).risk);
    assert!(on(1).on(&table).risk);
}

#[test]
fn callers_at_risk_go_by_their_own_ladder_to_their_own_counsellor() {
    let mut source = base();
    source.policies.risk.steps = ladder(&[(PROVINCE, 0), (COUNTY, 10)]);
    source.policies.risk.prefer = [liked(7, 1000)].into_iter().collect();
    source.routes[0].preferred = [liked(1, 3), liked(7, 4)].into_iter().collect();
    let table = compiled(source);
    let last = Some(CounsellorId(5));
    let decision = known(Known {
        last,
        ..risk(RiskWhy::Dropped)
    })
    .on(&table);
    assert!(decision.risk);
    assert_eq!(rings(&decision), [(PROVINCE, 0), (COUNTY, 10)]);
    assert_eq!(likes(&decision), [(7, 1000), (1, 3)]);
    assert_eq!(decision.own, last);
    let rules = [Rule::Route(0), Rule::Risk(RiskWhy::Dropped)];
    assert_eq!(decision.rules.as_slice(), rules);
    // Who is planned goes before who talked last.
    let planned = Known {
        last,
        planned: Some(CounsellorId(6)),
        ..risk(RiskWhy::Flagged)
    };
    assert_eq!(known(planned).on(&table).own, planned.planned);
    // The last counsellor matters at risk alone, the planned one always.
    let calm = Known {
        risk: None,
        ..planned
    };
    let decision = known(calm).on(&table);
    assert_eq!(decision.own, planned.planned);
    assert_eq!(rings(&decision), [(CITY, 0), (PROVINCE, 15)]);
    let nobody = Known {
        planned: None,
        ..calm
    };
    assert_eq!(known(nobody).on(&table).own, None);
}

#[test]
fn a_route_may_flag_the_caller() {
    let mut source = base();
    source.routes[0].risk = true;
    source.policies.risk.steps = ladder(&[(PROVINCE, 0)]);
    source.policies.nuisance.steps = ladder(&[(COUNTY, 0)]);
    source.policies.nuisance.class = Some(Class::LOWEST);
    let prefer = |name: &str, when, skill| PreferenceRule {
        name: name.into(),
        when,
        prefer: [liked(skill, 1)].into_iter().collect(),
    };
    let at_risk = When {
        risk: Some(true),
        ..When::default()
    };
    let held = When {
        nuisance: Some(true),
        ..When::default()
    };
    source.policies.preferences = vec![prefer("risk", at_risk, 1), prefer("nuisance", held, 2)];
    let table = compiled(source);
    for known_before in [Known::default(), nuisance(NuisanceWhy::Marked)] {
        let decision = known(known_before).on(&table);
        assert_eq!(rings(&decision), [(PROVINCE, 0)]);
        assert_eq!(decision.class, Class::ORDINARY);
        // Flagged by the route is as good as flagged before.
        assert_eq!(likes(&decision), [(1, 1)]);
        let rules = [
            Rule::Route(0),
            Rule::Risk(RiskWhy::Route),
            Rule::Preference(0),
        ];
        assert_eq!(decision.rules.as_slice(), rules);
    }
    // A reason known before stands before the route's.
    let decision = known(risk(RiskWhy::Key)).on(&table);
    assert_eq!(decision.rules[1], Rule::Risk(RiskWhy::Key));
}

#[test]
fn nuisance_lowers_and_never_lifts_or_rejects() {
    let mut source = base();
    source.policies.nuisance.steps = ladder(&[(COUNTY, 0), (PROVINCE, 30)]);
    source.policies.nuisance.class = Class::new(6);
    for (of_route, expected) in [(0, 6), (4, 6), (6, 6), (7, 7)] {
        source.routes[0].class = Class::new(of_route).unwrap();
        let table = compiled(source.clone());
        let decision = known(nuisance(NuisanceWhy::CallsADay)).on(&table);
        assert_eq!(decision.class.number(), expected, "{of_route}");
        assert_eq!(rings(&decision), [(COUNTY, 0), (PROVINCE, 30)]);
        assert!(
            decision
                .rules
                .contains(&Rule::Nuisance(NuisanceWhy::CallsADay))
        );
        assert!(!decision.risk);
        // A risk flag lifts it, and others never had it.
        let lifted = Known {
            risk: Some(RiskWhy::Flagged),
            ..nuisance(NuisanceWhy::Marked)
        };
        for other in [lifted, Known::default()] {
            let decision = known(other).on(&table);
            assert_eq!(decision.class.number(), of_route);
            assert_eq!(rings(&decision), [(CITY, 0), (PROVINCE, 15)]);
            assert!(
                !decision
                    .rules
                    .iter()
                    .any(|it| matches!(it, Rule::Nuisance(_)))
            );
        }
    }
    source.policies.nuisance.class = None;
    source.policies.nuisance.steps.clear();
    let decision = known(nuisance(NuisanceWhy::ShortCalls)).on(&compiled(source));
    assert_eq!(decision.class, Class::LOWEST, "the route's own");
    assert_eq!(rings(&decision), [(CITY, 0), (PROVINCE, 15)]);
}

#[test]
fn a_listed_nuisance_is_lifted_by_a_listed_risk() {
    let entries = |risk| {
        let held = Listed {
            nuisance: true,
            ..listed(CALLER)
        };
        let other = Listed {
            risk,
            ..listed(CALLER)
        };
        let mut source = with_lists(vec![held, other]);
        source.policies.nuisance.class = Some(Class::LOWEST);
        Call::default().on(&compiled(source)).class
    };
    assert_eq!(
        (entries(false), entries(true)),
        (Class::LOWEST, Class::ORDINARY)
    );
}

#[test]
fn a_redial_is_named() {
    let table = compiled(base());
    let again = Known {
        redial: true,
        ..Known::default()
    };
    let decision = known(again).on(&table);
    assert_eq!(decision.rules.as_slice(), [Rule::Route(0), Rule::Redial]);
    assert!(table.reason(&decision).ends_with("；重拨，保留原来的位置"));
    assert_eq!(rings(&decision), rings(&Call::default().on(&table)));
}

#[test]
fn preferences_stand_in_order_and_each_skill_once() {
    let rule = |at: usize, likes: &[(u8, u16)]| PreferenceRule {
        name: format!("rule{at}"),
        when: When::default(),
        prefer: likes
            .iter()
            .map(|&(skill, weight)| liked(skill, weight))
            .collect(),
    };
    let mut source = base();
    source.policies.risk.prefer = [liked(1, 1)].into_iter().collect();
    source.policies.preferences = vec![rule(0, &[(2, 2), (1, 50)]), rule(1, &[(3, 3), (9, 9)])];
    source.routes[0] = Route {
        preferred: [liked(2, 60), liked(4, 4)].into_iter().collect(),
        // What is required need not be liked.
        required: SkillSet::EMPTY.with(SkillId::new(9).unwrap()),
        ..source.routes[0].clone()
    };
    let table = compiled(source.clone());
    let at_risk = known(risk(RiskWhy::Person)).on(&table);
    assert_eq!(likes(&at_risk), [(1, 1), (2, 2), (3, 3), (4, 4)]);
    let calm = Call::default().on(&table);
    assert_eq!(likes(&calm), [(2, 2), (1, 50), (3, 3), (4, 4)]);
    // No more than the queue takes, the first ones.
    let many: Vec<(u8, u16)> = (10..30).map(|skill| (skill, 1)).collect();
    source.policies.preferences = vec![rule(0, &many)];
    let decision = Call::default().on(&compiled(source));
    assert_eq!(likes(&decision), many[..MOST_PREFERENCES]);
    assert!(!decision.preferred.spilled());
}

#[test]
fn rules_beyond_the_twelfth_are_left_out_and_still_count() {
    let rule = |at: u8| PreferenceRule {
        name: format!("rule{at}"),
        when: When::default(),
        prefer: (at == 19).then(|| liked(5, 5)).into_iter().collect(),
    };
    let mut source = base();
    source.policies.preferences = (0..20).map(rule).collect();
    let decision = Call::default().on(&compiled(source));
    assert_eq!(
        (decision.rules.len(), decision.rules.spilled()),
        (12, false)
    );
    assert_eq!(likes(&decision), [(5, 5)]);
}

#[test]
fn lists_show_no_number_in_debug() {
    let source = with_lists(vec![listed(CALLER)]);
    assert!(!format!("{source:?}").contains("12345678"));
    let text = format!("{:?}", compiled(source));
    assert!(!text.contains("12345678"));
    // Not as bytes either: 49, 51, 51 is `133`.
    assert!(!text.contains("49, 51, 51"));
}
