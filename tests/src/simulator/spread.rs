//! Whether players go where there is room.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use lavapool_core::node::{NodeView, Status};
use lavapool_core::player::{Place, PlayerView};
use lavapool_core::protocol::GuildId;
use lavapool_core::{Command, Event, NodeId};

use super::Simulation;
use crate::invariant::Invariant;
use crate::world::{Given, Traced};

/// What servers, by their index, said of their load that the pool has to pass on, and since when.
#[derive(Debug, Default)]
pub(super) struct Told {
    open: VecDeque<(usize, Duration)>,
    /// The client is closing: it listens to nobody any more.
    is_closing: bool,
}

impl Told {
    pub(super) fn hear(&mut self, host: usize, at: Duration, is_owed: bool) {
        if is_owed && !self.is_closing {
            self.open.push_back((host, at));
        }
    }

    /// The client was told to close.
    pub(super) fn closes(&mut self) {
        self.is_closing = true;
        self.open.clear();
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// Nobody passes on what the client before was told.
    pub(super) fn new_client(&mut self) {
        self.is_closing = false;
        self.open.clear();
    }
}

/// Where players are and how nodes stand after a step. What is chosen in the next one is judged by
/// what was so all through it.
#[derive(Debug, Default)]
pub(super) struct Standings {
    nodes: BTreeMap<NodeId, Standing>,
    places: BTreeMap<GuildId, Spot>,
    /// The guilds for which the application has named a node since.
    named: BTreeSet<GuildId>,
}

/// How a node stands.
#[derive(Debug)]
struct Standing {
    name: Arc<str>,
    may_take: bool,
    penalty: f64,
    /// The part of it that is not for players under way.
    load: f64,
}

/// Where a player is, and whether it counts there.
#[derive(Debug)]
struct Spot {
    place: Place,
    plays: bool,
    /// The nodes that have failed it since it was lost: the others come first.
    tried: Vec<NodeId>,
}

/// A player that was sent to another node.
#[derive(Debug)]
struct Sent {
    guild: GuildId,
    to: NodeId,
    /// Whether the node has one more that plays: it has just come, or was not there before.
    counts: bool,
    /// Whether the pool chose the node.
    is_chosen: bool,
    /// The nodes that it was on its way to before, which are not chosen again.
    except: Vec<NodeId>,
}

impl Simulation {
    /// Judges whether the application is told at once what nodes say of their load.
    pub(super) fn judge_told(&mut self, at: Duration, traced: &Traced) {
        let open = &mut self.oracle.told.open;
        if let Traced::Event(Event::NodeStats { node, .. }) = traced {
            let is_it = |(host, _): &(usize, Duration)| *self.names[*host] == *node.name;
            open.iter().position(is_it).map(|place| open.remove(place));
        }
        if let Some((host, said_at)) = open.front().copied().filter(|(_, said_at)| *said_at < at) {
            open.pop_front();
            let name = self.name(host);
            self.fail(Invariant::LoadTold, || {
                format!("{name} said at {said_at:?} what its load is, and nobody was told")
            });
        }
    }

    /// Sees what goes in: a node that the application names is not chosen.
    pub(super) fn note_named(&mut self, traced: &Traced) {
        if let Traced::Given(Given::Submitted(Command::Move { guild, .. }, _)) = traced {
            self.standings.named.insert(*guild);
        }
    }

    /// Judges where the players go that began to move in the step that was just done.
    pub(super) fn judge_choices(&mut self) {
        let options = &self.plan.options;
        // With regions, and by other strategies, the penalty does not decide.
        if options.strategy != 0 || options.has_regions || options.returns_home {
            return;
        }
        let pool = self.world.pool();
        let nodes = pool.nodes().map(|view| (view.node.id, Standing::of(&view)));
        let places = pool.players().map(|view| (view.guild, Spot::of(view)));
        let mut after = Standings {
            nodes: nodes.collect(),
            places: places.collect(),
            named: BTreeSet::new(),
        };
        after.follow(&self.standings);
        let before = std::mem::replace(&mut self.standings, after);
        let (judged, detail) = before.judge(&self.standings);
        self.tally.choices_judged += judged;
        if let Some(detail) = detail {
            self.fail(Invariant::LoadSpread, || detail);
        }
    }

    /// Judges where the next player would go, which the application may ask for as well.
    pub(super) fn judge_best(&mut self) {
        let pool = self.world.pool();
        let (0, Some(best)) = (self.plan.options.strategy, pool.best_node()) else {
            return;
        };
        // One that has not told its load is judged by the others.
        let may_take = |node: &NodeView| {
            node.status == Status::Connected
                && !node.draining
                && !node.failing
                && node.stats.is_some()
        };
        let views: Vec<_> = pool.nodes().filter(may_take).collect();
        let Some(chosen) = views.iter().find(|node| node.node.id == best) else {
            return;
        };
        let by = |node: &NodeView| chosen.penalty - node.penalty;
        let better = views.iter().find(|node| by(node) > PENALTY_ROUNDED);
        if let Some(better) = better {
            let (best, better, by) = (&chosen.node.name, &better.node.name, by(better));
            let detail = format!("{best} is the best, with a penalty {by} above that of {better}");
            self.fail(Invariant::LoadSpread, || detail);
        }
    }
}

impl Standing {
    fn of(view: &NodeView) -> Self {
        Self {
            name: view.node.name.clone(),
            may_take: view.status == Status::Connected && !view.draining && !view.failing,
            penalty: view.penalty,
            load: view.penalty - PENALTY_OF_ONE * view.reserved as f64,
        }
    }
}

impl Standings {
    /// Remembers which nodes have failed the players that are on their way.
    fn follow(&mut self, before: &Self) {
        for (guild, spot) in &mut self.places {
            if let Some(before) = before.places.get(guild) {
                spot.tried = spot.tried_since(before);
            }
        }
    }

    /// Judges what was chosen until then. Returns how many choices, and what is wrong with one.
    fn judge(&self, after: &Self) -> (u64, Option<String>) {
        let sent = self.sent_until(after);
        let mut judged = 0;
        for one in sent.iter().filter(|one| one.is_chosen) {
            let Some(penalty) = self.penalty(one.to, &sent, after) else {
                continue;
            };
            judged += 1;
            // A node was the best before the last that was free to choose it came; the others may
            // have come later.
            let is_bound = |other: &&Sent| {
                let is_free = other.is_chosen && other.except.is_empty();
                other.to == one.to && other.guild != one.guild && !is_free
            };
            let bound = PENALTY_OF_ONE * (1 + sent.iter().filter(is_bound).count()) as f64;
            let mut others = after
                .nodes
                .iter()
                .filter(|(id, _)| !one.except.contains(id));
            let better = others.find_map(|(id, other)| {
                let by = penalty - self.penalty(*id, &sent, after)?;
                (by > bound + PENALTY_ROUNDED).then_some((&other.name, by))
            });
            if let (Some((better, by)), Some(to)) = (better, after.nodes.get(&one.to)) {
                let (guild, to) = (one.guild, &to.name);
                let detail = format!(
                    "{guild} goes to {to}, whose penalty is {by:.1} above that of {better}"
                );
                return (judged, Some(detail));
            }
        }
        (judged, None)
    }

    /// The players that were sent to other nodes.
    fn sent_until(&self, after: &Self) -> Vec<Sent> {
        let sent = after.places.iter().filter_map(|(guild, now)| {
            let before = self.places.get(guild)?;
            let Place::Moving { from, to } = &now.place else {
                return None;
            };
            // One that was on its way there already may have left a node that is gone by now.
            (before.target() != Some(to.id)).then(|| Sent {
                guild: *guild,
                to: to.id,
                counts: now.plays && !before.names(to.id),
                // A node that comes back without its players has them again, whatever its load.
                is_chosen: from != to && !self.named.contains(guild),
                except: now.tried.clone(),
            })
        });
        sent.collect()
    }

    /// The penalty of a node that might have been chosen at any moment, and whose load was the
    /// same all the while; with all players that were sent there.
    fn penalty(&self, id: NodeId, sent: &[Sent], after: &Self) -> Option<f64> {
        let (before, now) = (self.nodes.get(&id)?, after.nodes.get(&id)?);
        let is_same = (before.load - now.load).abs() < PENALTY_ROUNDED;
        let playing = sent.iter().filter(|one| one.to == id && one.counts).count();
        let counted = before.penalty + PENALTY_OF_ONE * playing as f64;
        (before.may_take && now.may_take && is_same).then_some(counted.max(now.penalty))
    }
}

impl Spot {
    fn of(view: PlayerView) -> Self {
        Self {
            place: view.place,
            plays: view.playing,
            tried: Vec::new(),
        }
    }

    /// The nodes that have failed it by now: when all have, any but the last is asked again.
    fn tried_since(&self, before: &Self) -> Vec<NodeId> {
        if matches!(self.place, Place::On(_) | Place::Unplaced) {
            return Vec::new();
        }
        let target = self.target();
        let failed = before.target().filter(|id| target != Some(*id));
        let tried = before.tried.iter().copied().chain(failed);
        let tried: Vec<_> = tried.collect();
        let is_asked_again = target.is_some_and(|id| tried.contains(&id));
        if is_asked_again {
            return failed.into_iter().collect();
        }
        tried
    }

    fn names(&self, id: NodeId) -> bool {
        names(&self.place, id)
    }

    /// The node that the player is on its way to.
    fn target(&self) -> Option<NodeId> {
        match &self.place {
            Place::Moving { to, .. } => Some(to.id),
            Place::On(_) | Place::Frozen(_) | Place::Stranded(_) | Place::Unplaced | _ => None,
        }
    }
}

/// Whether a player there is on the node, or was, or is to be.
pub(super) fn names(place: &Place, id: NodeId) -> bool {
    match place {
        Place::On(node) | Place::Frozen(node) | Place::Stranded(node) => node.id == id,
        Place::Moving { from, to } => from.id == id || to.id == id,
        Place::Unplaced | _ => false,
    }
}

/// What a player adds to the penalty of its node.
const PENALTY_OF_ONE: f64 = 1.5;
/// The pool keeps penalties as integers, to compare them at once.
const PENALTY_ROUNDED: f64 = 0.5;
