//! What came of the play: for people, and one line of JSON for programs.

use super::judge::{self, Records};
use meishier_config::Lang;
use meishier_phones::cast::Report;
use serde::Serialize;

/// The figures of a whole run; the fields and their order are the JSON's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    calls: usize,
    answered: usize,
    abandoned: usize,
    /// Calls that did not end as their script says, or whose record is missing, double or wrong.
    failed: usize,
    transfers: usize,
    /// Calls in which the counsellor left the caller with the police, as they had confirmed.
    handed_over: usize,
    /// Dossiers of such callers that came to the overseeing body.
    dossiers: usize,
    /// Every use of the key has its whole time line in the record.
    time_lines_ok: bool,
    rtp_packets_each_way_ok: bool,
    records: usize,
    #[serde(skip)]
    wrong: Vec<(usize, String)>,
}

impl Summary {
    /// Puts what the telephones saw beside what the engine wrote down.
    pub fn new(report: &Report, records: &Records, dossiers: usize, lang: Lang) -> Self {
        let wrong: Vec<_> = (report.results.iter())
            .filter_map(|result| {
                let why = result.why_not.as_ref().map(|why| match lang {
                    Lang::Zh => why.zh(),
                    Lang::En => why.to_string(),
                });
                let fault = records.fault(result).map(|fault| fault.message(lang));
                let all: Vec<String> = why.into_iter().chain(fault).collect();
                (!all.is_empty()).then(|| (result.call, all.join("; ")))
            })
            .collect();
        Self {
            calls: report.calls,
            answered: report.answered,
            abandoned: report.abandoned,
            failed: wrong.len(),
            transfers: report.transfers,
            handed_over: report.handed_over,
            dossiers,
            time_lines_ok: (report.results.iter())
                .filter(|result| result.transferred)
                .all(|result| records.only(result).is_some_and(judge::whole_time_lines)),
            rtp_packets_each_way_ok: report.rtp_packets_each_way_ok,
            records: records.count(&report.results),
            wrong,
        }
    }

    /// Every call ended as its script says, was heard both ways and has its one record.
    pub fn good(&self, planned: usize) -> bool {
        self.failed == 0
            && self.time_lines_ok
            && self.handed_over == self.transfers
            && self.dossiers == self.transfers
            && self.rtp_packets_each_way_ok
            && self.calls == planned
            && self.records == self.calls
    }

    /// One line.
    pub fn json(&self) -> String {
        // A struct of numbers cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// For people.
    pub fn text(&self, planned: usize, lang: Lang) -> String {
        let Self {
            calls,
            answered,
            abandoned,
            failed,
            transfers,
            records,
            ..
        } = self;
        let good = self.good(planned);
        let mut text = match lang {
            Lang::Zh => format!(
                "共 {calls} 通：接听 {answered}，放弃 {abandoned}，失败 {failed}，一键转接 {transfers}；通话记录 {records} 条；双向语音{}",
                if self.rtp_packets_each_way_ok {
                    "全部正常"
                } else {
                    "有问题"
                }
            ),
            Lang::En => format!(
                "{calls} calls: {answered} answered, {abandoned} abandoned, {failed} failed, {transfers} transfers; {records} records; speech both ways {}",
                if self.rtp_packets_each_way_ok {
                    "in all"
                } else {
                    "NOT in all"
                }
            ),
        };
        for (call, why) in &self.wrong {
            text.push_str(&match lang {
                Lang::Zh => format!("\n  第 {call} 通不符合剧本：{why}"),
                Lang::En => format!("\n  call {call} did not go by its script: {why}"),
            });
        }
        text.push_str(match (good, lang) {
            (true, Lang::Zh) => "\n演示成功：每一通都按剧本结束，并且恰好有一条记录",
            (true, Lang::En) => {
                "\nsuccess: every call ended as its script says and left exactly one record"
            }
            (false, Lang::Zh) => "\n演示失败",
            (false, Lang::En) => "\nFAILED",
        });
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge::tests::result;
    use super::*;
    use meishier_phones::cast::Script;

    fn report() -> Report {
        Report {
            calls: 1,
            answered: 0,
            abandoned: 1,
            failed: 0,
            transfers: 0,
            handed_over: 0,
            rtp_packets_each_way_ok: true,
            results: vec![result(Script::GiveUpWaiting)],
        }
    }

    #[test]
    fn the_json_is_as_promised() {
        let summary = Summary::new(&report(), &Records::new(vec![]), 0, Lang::Zh);
        assert_eq!(
            summary.json(),
            "{\"calls\":1,\"answered\":0,\"abandoned\":1,\"failed\":1,\"transfers\":0,\
             \"handed_over\":0,\"dossiers\":0,\"time_lines_ok\":true,\"rtp_packets_each_way_ok\":true,\"records\":0}"
        );
        assert!(!summary.good(1));
        assert!(
            summary
                .text(1, Lang::Zh)
                .contains("第 1 通不符合剧本：没有通话记录")
        );
        assert!(summary.text(1, Lang::En).ends_with("FAILED"));
    }

    #[test]
    fn all_must_be_well() {
        let good = Summary {
            calls: 2,
            answered: 1,
            abandoned: 1,
            failed: 0,
            transfers: 1,
            handed_over: 1,
            dossiers: 1,
            time_lines_ok: true,
            rtp_packets_each_way_ok: true,
            records: 2,
            wrong: vec![],
        };
        assert!(good.good(2) && !good.good(3));
        let deaf = Summary {
            rtp_packets_each_way_ok: false,
            ..good.clone()
        };
        let unwritten = Summary {
            records: 1,
            ..good.clone()
        };
        assert!(!deaf.good(2) && !unwritten.good(2));
        let kept = Summary {
            handed_over: 0,
            ..good.clone()
        };
        let unsent = Summary {
            dossiers: 0,
            ..good.clone()
        };
        assert!(!unsent.good(2));
        let untold = Summary {
            time_lines_ok: false,
            ..good
        };
        assert!(!kept.good(2) && !untold.good(2));
    }
}
