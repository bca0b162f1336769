//! The figures of the running play, as the telephones see it.

use meishier_config::Lang;
use meishier_phones::cast::{Progress, Step};
use std::collections::BTreeSet;

/// Who waits and talks now, what became of the others.
#[derive(Debug, Default)]
pub struct Figures {
    waiting: BTreeSet<usize>,
    talking: BTreeSet<usize>,
    answered: usize,
    abandoned: usize,
    failed: usize,
    /// From INVITE to the counsellor's answer, milliseconds, ascending.
    answer_times: Vec<u64>,
}

impl Figures {
    /// A step of a call.
    pub fn take(&mut self, progress: &Progress) {
        let call = progress.call;
        match &progress.step {
            Step::Waiting { .. } => {
                self.waiting.insert(call);
            }
            Step::Talking { answer_time_ms, .. } => {
                self.waiting.remove(&call);
                self.talking.insert(call);
                self.answered += 1;
                let at = self.answer_times.partition_point(|ms| ms < answer_time_ms);
                self.answer_times.insert(at, *answer_time_ms);
            }
            Step::Ended(result) => {
                self.waiting.remove(&call);
                self.talking.remove(&call);
                if !result.ok {
                    self.failed += 1;
                } else if !result.answered {
                    self.abandoned += 1;
                }
            }
            Step::Ringing { .. }
            | Step::Refused { .. }
            | Step::KeyPressed { .. }
            | Step::PoliceRing { .. }
            | Step::PoliceAnswered { .. }
            | Step::ThreeTalk
            | Step::Confirmed
            | Step::CounsellorLeft => {}
        }
    }

    /// The answer time, in seconds, that `percent` of the answered calls did not exceed; 0 if none
    /// was answered.
    fn answer_time(&self, percent: usize) -> f64 {
        let count = self.answer_times.len();
        // Nearest rank: the smallest value with at least so many at or below it.
        let rank = (count * percent).div_ceil(100).max(1);
        let ms = self.answer_times.get(rank - 1).copied().unwrap_or(0);
        ms as f64 / 1_000.0
    }

    /// One line of less than 80 columns, as long as nothing failed and calls are below a thousand.
    pub fn line(&self, lang: Lang) -> String {
        let (waiting, talking) = (self.waiting.len(), self.talking.len());
        let (answered, abandoned) = (self.answered, self.abandoned);
        let (p50, p99) = (self.answer_time(50), self.answer_time(99));
        let mut line = match lang {
            Lang::Zh => format!(
                "等候 {waiting} | 通话 {talking} | 已接 {answered} | 放弃 {abandoned} | 接听用时 p50 {p50:.1} 秒 p99 {p99:.1} 秒"
            ),
            Lang::En => format!(
                "waiting {waiting} talking {talking} answered {answered} abandoned {abandoned} | answer time p50 {p50:.1} s p99 {p99:.1} s"
            ),
        };
        if self.failed > 0 {
            line.push_str(&match lang {
                Lang::Zh => format!(" | 失败 {}", self.failed),
                Lang::En => format!(" | failed {}", self.failed),
            });
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge::tests::result;
    use super::*;
    use meishier_phones::cast::{Script, Side};

    fn step(figures: &mut Figures, call: usize, step: Step) {
        let caller = "139****0001".into();
        figures.take(&Progress { call, caller, step });
    }

    fn waits(figures: &mut Figures, call: usize) {
        step(
            figures,
            call,
            Step::Waiting {
                dialled: "12356".into(),
            },
        );
    }

    #[test]
    fn every_call_is_counted_where_it_stands() {
        let mut figures = Figures::default();
        (1..=4).for_each(|call| waits(&mut figures, call));
        for (call, answer_time_ms) in [(1, 2_000), (2, 800)] {
            let seat = "gz01".into();
            step(
                &mut figures,
                call,
                Step::Talking {
                    seat,
                    answer_time_ms,
                },
            );
        }
        let talk = result(Script::Talk { ends: Side::Caller });
        step(&mut figures, 1, Step::Ended(Box::new(talk)));
        let gone = result(Script::GiveUpWaiting);
        step(&mut figures, 3, Step::Ended(Box::new(gone)));
        assert_eq!(
            figures.line(Lang::Zh),
            "等候 1 | 通话 1 | 已接 2 | 放弃 1 | 接听用时 p50 0.8 秒 p99 2.0 秒"
        );
        let mut bad = result(Script::GiveUpWaiting);
        bad.ok = false;
        step(&mut figures, 4, Step::Ended(Box::new(bad)));
        assert_eq!(
            figures.line(Lang::En),
            "waiting 0 talking 1 answered 2 abandoned 1 | answer time p50 0.8 s p99 2.0 s | failed 1"
        );
    }

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let mut figures = Figures::default();
        assert_eq!(figures.answer_time(50), 0.0);
        for call in 1..=100 {
            let answer_time_ms = call as u64 * 1_000;
            let seat = String::new();
            step(
                &mut figures,
                call,
                Step::Talking {
                    seat,
                    answer_time_ms,
                },
            );
        }
        assert_eq!(
            (figures.answer_time(50), figures.answer_time(99)),
            (50.0, 99.0)
        );
    }
}
