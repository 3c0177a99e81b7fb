//! [`shrink`]: the least that must happen for a run to fail as it does.

use std::time::Duration;

use super::{HOSTS, Plan, Simulation, differs};
use crate::invariant::{Broken, Invariant};

/// Leaves out of a plan what is not needed for the same to be broken, in the same guild and with
/// the same server as far as that is told: first faults, then orders. The run is repeated for each
/// part that is left out, at most `tries` times. Returns what is left, and what it breaks.
pub fn shrink(plan: &Plan, broken: &Broken, tries: usize) -> (Plan, Broken) {
    let mut shortest = plan.clone();
    let mut tries = tries;
    let mut told = broken.clone();
    let mut fails = |plan: &Plan| {
        let is_left = tries > 0;
        tries = tries.saturating_sub(1);
        let found = is_left.then(|| breaks(plan, broken)).flatten();
        let Some(found) = found else { return false };
        told = found;
        true
    };
    loop {
        let before = (shortest.faults.len(), shortest.orders.len());
        let mut candidate = shortest.clone();
        candidate.faults = without(&shortest.faults, |faults| {
            let faults = faults.to_vec();
            fails(&Plan {
                faults,
                ..shortest.clone()
            })
        });
        let faults = candidate.faults.clone();
        candidate.orders = without(&shortest.orders, |orders| {
            let (faults, orders) = (faults.clone(), orders.to_vec());
            fails(&Plan {
                faults,
                orders,
                ..shortest.clone()
            })
        });
        shortest = candidate;
        if (shortest.faults.len(), shortest.orders.len()) == before {
            return (shortest, told);
        }
    }
}

/// How a plan breaks the same, if it does.
fn breaks(plan: &Plan, broken: &Broken) -> Option<Broken> {
    let found = match broken.invariant {
        Invariant::SameAgain | Invariant::SameWhenCut => differs(plan),
        _ => Simulation::run(plan.clone()).broken,
    };
    found.filter(|found| is_same(found, broken))
}

/// Whether both are of the same kind, in the same guild and with the same server.
fn is_same(one: &Broken, another: &Broken) -> bool {
    one.invariant == another.invariant && about(&one.detail) == about(&another.detail)
}

/// The guild and the server that the detail of something broken names: `7 on a: …`,
/// `a is asked …`, `TrackEndEvent of "long-3" in 7 …`.
fn about(detail: &str) -> (Option<u64>, Option<&str>) {
    let words: Vec<_> = detail
        .split_whitespace()
        .map(|word| word.trim_end_matches([':', ',']).trim_matches('"'))
        .collect();
    let named = |follows: &[&str], is_it: &dyn Fn(&str) -> bool| {
        let after = words.windows(2).filter(|pair| follows.contains(&pair[0]));
        let first = words.first().copied().into_iter();
        first
            .chain(after.map(|pair| pair[1]))
            .find(|word| is_it(word))
    };
    let guild = named(&["in", "guild"], &|word| word.parse::<u64>().is_ok());
    let host = named(&["on", "of", "to"], &|word| HOSTS.contains(&word));
    (guild.and_then(|guild| guild.parse().ok()), host)
}

/// Leaves out whatever can be, in halves first and one by one last.
fn without<T: Clone>(
    all: &[(Duration, T)],
    mut fails: impl FnMut(&[(Duration, T)]) -> bool,
) -> Vec<(Duration, T)> {
    let mut kept = all.to_vec();
    let mut size = kept.len().div_ceil(2);
    while size > 0 {
        let mut start = 0;
        while start < kept.len() {
            let end = (start + size).min(kept.len());
            let rest = [&kept[..start], &kept[end..]].concat();
            if fails(&rest) {
                kept = rest;
            } else {
                start = end;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_kept_and_nothing_else() {
        let all: Vec<_> = (0..37).map(|number| (Duration::ZERO, number)).collect();
        let needs = |kept: &[(Duration, i32)]| {
            let has = |wanted| kept.iter().any(|(_, number)| *number == wanted);
            has(3) && has(4) && has(29)
        };
        let kept: Vec<_> = without(&all, needs).into_iter().map(|(_, n)| n).collect();
        assert_eq!(kept, [3, 4, 29]);
    }

    #[test]
    fn what_is_broken_of_another_guild_or_server_is_something_else() {
        let broken = |detail: &str| Broken {
            invariant: Invariant::PauseWanted,
            detail: detail.to_owned(),
        };
        let is_same = |one, another| is_same(&broken(one), &broken(another));
        assert!(is_same("7 on a: 3 is shown", "7 on a: 4 is shown"));
        assert!(!is_same("7 on a: 3 is shown", "7 on b: 3 is shown"));
        assert!(!is_same("7 on a: 3 is shown", "11 on a: 3 is shown"));
        let end = r#"TrackEndEvent of "long-3" in 7 did not arrive"#;
        assert_eq!(about(end), (Some(7), None));
        assert_eq!(about("try 3 of b instead of 2"), (None, Some("b")));
        assert_eq!(about(r#"b is asked "GET /version""#), (None, Some("b")));
    }
}
