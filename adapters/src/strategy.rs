//! Choosing a node from a handle, and guarding a strategy of the application's own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lavapool_core::node::NodeView;
use lavapool_core::region::RegionFit;
use lavapool_core::{Candidate, Event, Needs, Strategy};

use crate::shared::Shared;
use crate::views::NodeCell;

/// The same strategy, where a panic of the application's function is no score.
pub(crate) fn guarded(strategy: Strategy) -> Strategy {
    match strategy {
        Strategy::Custom(score) => Strategy::custom(move |candidate, needs| {
            // Nothing of ours is in there: whatever it left half done is its own.
            let scored = catch_unwind(AssertUnwindSafe(|| score(candidate, needs)));
            scored.ok().flatten()
        }),
        other => other,
    }
}

/// Chooses among the nodes as they were last published.
pub(crate) fn select(
    shared: &Shared,
    strategy: &Strategy,
    fit: impl Fn(&NodeView) -> Option<RegionFit>,
) -> Option<Arc<NodeCell>> {
    let cells = shared.views.nodes();
    let candidate = |cell: &Arc<NodeCell>| cell.read(|view| Candidate::new(view, fit(view)));
    let candidates: Vec<_> = cells.iter().map(candidate).collect();
    let selection = strategy.select(&candidates, &Needs::default());
    if let Some(node) = selection.failed {
        shared.subscribers.tell(&Event::StrategyFailed { node });
    }
    let chosen = selection.node?;
    cells.into_iter().find(|cell| cell.node.id == chosen)
}
