//! [`shrink`]: the least that must happen for a run to fail as it does.

use std::time::Duration;

use super::{Plan, Simulation};
use crate::invariant::Invariant;

/// Leaves out of a plan what is not needed for this invariant to be broken: first faults, then
/// orders. The run is repeated for each part that is left out, at most `tries` times.
pub fn shrink(plan: &Plan, invariant: Invariant, tries: usize) -> Plan {
    let mut shortest = plan.clone();
    let mut tries = tries;
    let mut fails = |plan: &Plan| {
        let is_left = tries > 0;
        tries = tries.saturating_sub(1);
        is_left && is_broken(plan, invariant)
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
            return shortest;
        }
    }
}

fn is_broken(plan: &Plan, invariant: Invariant) -> bool {
    let outcome = Simulation::run(plan.clone());
    outcome
        .broken
        .is_some_and(|broken| broken.invariant == invariant)
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
}
