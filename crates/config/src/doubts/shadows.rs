//! Routes that an earlier one leaves no caller.

use crate::directory::Directory;
use crate::routes::Routes;
use crate::sink::{Sink, both};
use meishier_routing::{Days, Number, Tags, When};
use std::collections::BTreeMap;

/// Notes numbers that an earlier route takes from everyone.
pub(super) fn numbers(sink: &Sink, read: &Routes) {
    let mut taken: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
    for (route, span) in read.routes.iter().zip(&read.spans) {
        for number in &route.when.called {
            let key = Number::new(number).as_bytes().to_vec();
            if let Some(first) = taken.get(&key) {
                sink.warn(
                    span,
                    both!(
                        "号码 {number:?} 已由前面的路由 {first:?} 接走",
                        "number {number:?} is taken by route {first:?} before"
                    ),
                    both!(
                        "自上而下，第一条符合的路由有效",
                        "from the top, the first route that fits holds"
                    ),
                );
            } else if asks_only_called(&route.when) {
                taken.insert(key, &route.name);
            }
        }
    }
}

fn asks_only_called(when: &When) -> bool {
    let rest = When {
        called: Vec::new(),
        ..when.clone()
    };
    rest == When::default()
}

/// Notes routes every caller of which an earlier one takes; numbers dialled apart, see [`numbers`].
pub(super) fn routes(sink: &Sink, directory: &Directory, read: &Routes) {
    for (at, (route, span)) in read.routes.iter().zip(&read.spans).enumerate() {
        let before = read.routes.get(..at).unwrap_or_default();
        let first = before
            .iter()
            .find(|first| covers(directory, &first.when, &route.when));
        let Some(first) = first else { continue };
        // A route of its own conditions may still be the default, or follow another.
        if asks_only_called(&first.when) && !first.when.called.is_empty() {
            continue;
        }
        let (name, first) = (&route.name, &first.name);
        let reached = read.default.is_some_and(|id| usize::from(id.0) == at)
            || read
                .routes
                .iter()
                .any(|other| other.then.is_some_and(|(id, _)| usize::from(id.0) == at));
        if reached {
            continue;
        }
        sink.warn(
            span,
            both!(
                "路由 {name:?} 永远轮不到：前面的 {first:?} 已接走它的所有来电",
                "route {name:?} is never taken: {first:?} before it takes all its callers"
            ),
            both!(
                "自上而下，第一条符合的路由有效",
                "from the top, the first route that fits holds"
            ),
        );
    }
}

/// True if whoever fits `inner` fits `outer`, as far as it shows without trying.
fn covers(directory: &Directory, outer: &When, inner: &When) -> bool {
    fn within<T: PartialEq>(outer: &[T], inner: &[T]) -> bool {
        outer.is_empty() || (!inner.is_empty() && inner.iter().all(|it| outer.contains(it)))
    }
    let callers = outer.callers.is_empty()
        || (!inner.callers.is_empty()
            && inner
                .callers
                .iter()
                .all(|it| outer.callers.iter().any(|prefix| it.starts_with(prefix))));
    let provinces = within(&outer.provinces, &inner.provinces)
        || (!inner.cities.is_empty()
            && inner.cities.iter().all(|city| {
                let province = directory.places.province_of(*city);
                province.is_some_and(|it| outer.provinces.contains(&it))
            }));
    let always = outer.hours.is_empty() && outer.days == Days::ALL;
    let Tags(tags) = outer.tags;
    callers
        && provinces
        && within(&outer.cities, &inner.cities)
        && within(&outer.trunks, &inner.trunks)
        && within(&outer.called, &inner.called)
        && (always || (outer.hours == inner.hours && outer.days == inner.days))
        && (outer.states.is_empty() || outer.states == inner.states)
        && (outer.risk.is_none() || outer.risk == inner.risk)
        && (outer.nuisance.is_none() || outer.nuisance == inner.nuisance)
        && (tags == 0 || (inner.tags.0 != 0 && inner.tags.0 & !tags == 0))
}
