//! Skills that the file implies, behind those that it names: so their indices move no other.

use crate::directory::Directory;
use crate::sink::{Sink, both};
use crate::table::Read;
use crate::types::{Care, Gender};
use meishier_model::SkillId;
use meishier_routing::Preference;

/// Held by counsellors who are women, if some preference asks for them.
pub const FEMALE: &str = "女咨询员";
/// Held by counsellors who are men, if some preference asks for them.
pub const MALE: &str = "男咨询员";
/// Held by every counsellor whose cap of calls at risk is not reached ([`Care::fresh`]).
pub const FRESH: &str = "可接高危";
/// All of them, in the order in which they are added. No file may name one of its own so.
pub(crate) const IMPLIED: [&str; 3] = [FEMALE, MALE, FRESH];

/// How much it counts that a counsellor is the woman, or the man, whom a preference asks for.
const GENDER_WEIGHT: u16 = 500;
/// How much it counts that the cap of calls at risk is not reached: as much as anything may.
const FRESH_WEIGHT: u16 = 1000;

/// Adds the skills that preferences and the cap imply, to the list, to those who hold them and to
/// the rules that count them.
pub(crate) fn add(sink: &Sink, directory: &mut Directory, read: &mut Read, care: &mut Care) {
    for (gender, name) in [(Gender::Female, FEMALE), (Gender::Male, MALE)] {
        let asked = read.genders.iter().find(|(_, it, _)| *it == gender);
        let Some((_, _, span)) = asked else { continue };
        let Some(skill) = next(directory) else {
            return full(sink, span);
        };
        directory.skills.push(name.to_owned());
        for counsellor in &mut directory.counsellors {
            if counsellor.gender == Some(gender) {
                counsellor.skills.push((skill, 5));
            }
        }
        for (rule, _, _) in read.genders.iter().filter(|(_, it, _)| *it == gender) {
            if let Some(rule) = read.policies.preferences.get_mut(*rule) {
                let weight = GENDER_WEIGHT;
                rule.prefer.insert(0, Preference { skill, weight });
            }
        }
    }
    if care.risk_calls == 0 {
        return;
    }
    let Some(skill) = next(directory) else {
        return full(sink, &read.care_span);
    };
    directory.skills.push(FRESH.to_owned());
    for counsellor in &mut directory.counsellors {
        counsellor.skills.push((skill, 1));
    }
    let weight = FRESH_WEIGHT;
    read.policies
        .risk
        .prefer
        .insert(0, Preference { skill, weight });
    care.fresh = Some(skill);
}

fn next(directory: &Directory) -> Option<SkillId> {
    SkillId::new(u8::try_from(directory.skills.len()).ok()?)
}

fn full(sink: &Sink, span: &std::ops::Range<usize>) {
    let most = SkillId::LIMIT;
    sink.error(
        span,
        both!(
            "技能太多：这里还要加上一项",
            "too many skills: one more is needed for this"
        ),
        both!(
            "连同程序加上的最多 {most} 项",
            "at most {most}, those that the program adds included"
        ),
    );
}
