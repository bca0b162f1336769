//! What the audit keeps of what the engine tells: who takes part in a call how, and what was pressed by
//! the telephone. What is asked for by the API is written down there, as it is asked for.

use meishier_engine::{Notice, api::Who};
use meishier_model::Wall;
use meishier_records::AuditEntry;
use serde_json::{Value, json};

/// The entry of what was told; `None` if it needs none. No personal data of callers.
pub fn entry(notice: &Notice, at: Wall, accounts: &[String]) -> Option<AuditEntry> {
    let (what, call, by, detail) = match notice {
        Notice::TakesPart {
            call,
            who,
            role,
            mode,
        } => {
            let party = match who {
                Who::Caller => Value::from("caller"),
                Who::Counsellor => Value::from("counsellor"),
                Who::Third(third) => Value::from(third.0),
            };
            let (role, mode) = (role.as_str(), mode.as_str());
            let detail = json!({ "party": party, "role": role, "mode": mode });
            ("takes_part", *call, None, detail)
        }
        Notice::KeyByTelephone {
            call,
            counsellor,
            how,
            third,
        } => {
            let account = counsellor.and_then(|id| accounts.get(id.0 as usize));
            let detail = match third {
                Some(third) => json!({ "how": how.as_str(), "third": third.0 }),
                None => json!({ "how": how.as_str(), "refused": true }),
            };
            ("key_by_telephone", *call, account.cloned(), detail)
        }
        _ => return None,
    };
    Some(AuditEntry {
        at,
        what: what.to_owned(),
        call,
        by,
        detail: detail.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use meishier_engine::api::ByTelephone;
    use meishier_engine::transfer::{Mode, Role, ThirdId};
    use meishier_model::{CallId, CounsellorId};

    #[test]
    fn what_is_told_becomes_an_entry() {
        let accounts = ["c001".to_owned(), "c002".to_owned()];
        let of = |notice| entry(&notice, Wall(5), &accounts);
        let part = Notice::TakesPart {
            call: CallId(7),
            who: Who::Third(ThirdId(2)),
            role: Role::Supervisor,
            mode: Mode::Listen,
        };
        let part = of(part).unwrap();
        assert_eq!((part.what.as_str(), part.call), ("takes_part", CallId(7)));
        assert_eq!(part.at, Wall(5));
        let detail: Value = serde_json::from_str(&part.detail).unwrap();
        let expected = json!({ "party": 2, "role": "supervisor", "mode": "listen" });
        assert_eq!(detail, expected);
        let key = |third| Notice::KeyByTelephone {
            call: CallId(7),
            counsellor: Some(CounsellorId(1)),
            how: ByTelephone::Refer,
            third,
        };
        let done = of(key(Some(ThirdId(1)))).unwrap();
        assert_eq!(done.what, "key_by_telephone");
        assert_eq!(done.by.as_deref(), Some("c002"));
        assert!(done.detail.contains("\"third\":1") && done.detail.contains("refer"));
        assert!(of(key(None)).unwrap().detail.contains("\"refused\":true"));
        assert_eq!(of(Notice::CalendarMissing(true)), None);
    }
}
