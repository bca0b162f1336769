//! What is legal but odd: told with its place, and the file is taken.

mod coverage;
mod held;
mod holes;
mod reach;
mod shadows;

use crate::directory::Directory;
use crate::ladders::Ladders;
use crate::sink::{Sink, both};
use crate::table::Read;
use meishier_model::Wall;

/// Notes every doubt. `today` lets years without holidays be found.
pub(crate) fn all(sink: &Sink, directory: &Directory, read: &Read, today: Option<Wall>) {
    let ladders = Ladders::new(directory, read);
    reach::pools(sink, directory, read);
    reach::areas(sink, directory, read, &ladders);
    held::skills(sink, directory, read, &ladders);
    shadows::numbers(sink, &read.routes);
    shadows::routes(sink, directory, &read.routes);
    // What nobody can reach, or is wrong, is told before what is open when.
    if sink.count() == 0 {
        coverage::routes(sink, directory, read, &ladders);
        coverage::cities(sink, directory, read, &ladders);
    }
    calendar(sink, directory, read, today);
}

/// Years ahead whose holidays nobody has entered.
fn calendar(sink: &Sink, directory: &Directory, read: &Read, today: Option<Wall>) {
    let pools = directory.pools.iter();
    let rules = read.policies.preferences.iter().map(|rule| &rule.when);
    let mut whens = read
        .routes
        .routes
        .iter()
        .map(|route| &route.when)
        .chain(rules);
    let asks = pools.into_iter().any(|pool| pool.schedule.asks_calendar())
        || whens.any(|when| when.days.asks_calendar());
    let Some(today) = today.filter(|_| asks) else {
        return;
    };
    let (date, _) = directory.clock.civil(today);
    for year in read.routes.calendar.missing_ahead(date) {
        sink.warn(
            &(0..0),
            both!(
                "没有 {year} 年的节假日表：班次中的工作日和节假日只按星期推算",
                "no holidays of {year} are known: workdays and holidays of shifts go by weekday alone"
            ),
            both!(
                "在 [routing] 的 calendar 中加上该年的放假和调休日",
                "add that year's holidays and make-up workdays to calendar in [routing]"
            ),
        );
    }
}
