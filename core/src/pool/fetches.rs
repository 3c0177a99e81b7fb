//! Tracks that queries lead to: from the cache, or by one request however many ask.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::commands::Waits;
use super::requests::Asker;
use super::tables::Tables;
use crate::cache::{Keyed, Lfu};
use crate::command::{Answer, Target};
use crate::config::PoolConfig;
use crate::error::{FetchFailure, RequestError};
use crate::id::{CommandId, NodeId};
use crate::node::{Node, NodeRef};
use crate::protocol::{Info, LoadResult};
use crate::rest::{self, Failure, Request};

/// The results that are kept, and the queries that are on their way.
#[derive(Debug)]
pub(super) struct Fetches {
    cache: Lfu<Key, Arc<LoadResult>>,
    /// By the number of their request.
    flights: BTreeMap<u64, Flight>,
    numbers: BTreeMap<Asked, u64>,
}

/// What a result is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    origin: Origin,
    query: Arc<str>,
}

/// The nodes whose answers to a query are the same.
///
/// What a query leads to, and whether what it leads to can be played, depends on the sources of
/// the node. So results are shared between servers of one kind that have the same sources, in
/// whatever order they list them, and with no others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Origin {
    /// Those with these sources.
    Sources(Arc<str>),
    /// This one, whose sources are not known.
    Node(NodeId),
}

/// What a request on its way was made for. Named nodes are apart from the best one, since
/// no other node may answer for them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    node: Option<NodeId>,
    query: Arc<str>,
}

/// A query that is on its way, or waits to be.
#[derive(Debug)]
struct Flight {
    asked: Asked,
    /// Nobody, if all have given up since it was sent; its result is kept all the same.
    waiting: BTreeSet<CommandId>,
}

impl Fetches {
    pub(super) fn new(config: &PoolConfig, hasher: Keyed) -> Self {
        let capacity = config.cache_capacity.unwrap_or(0);
        Self {
            cache: Lfu::new(capacity, config.cache_for, hasher),
            flights: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// How many results are kept at most; none if the cache is off.
    pub(super) fn capacity(&self) -> Option<usize> {
        Some(self.cache.capacity()).filter(|capacity| *capacity > 0)
    }

    /// How many results are kept.
    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    pub(super) fn is_awaited(&self, number: u64) -> bool {
        let flight = self.flights.get(&number);
        flight.is_some_and(|flight| !flight.waiting.is_empty())
    }

    fn remove(&mut self, number: u64) -> Option<Flight> {
        let flight = self.flights.remove(&number)?;
        self.numbers.remove(&flight.asked);
        Some(flight)
    }
}

impl Tables {
    /// Answers what the query leads to: at once if that is known, else when the one request for
    /// it is answered.
    pub(super) fn fetch_tracks(&mut self, command: CommandId, target: Target, query: Arc<str>) {
        if let Some(tracks) = self.cached(target, &query) {
            return self.answer(command, Ok(Answer::Fetched(tracks)));
        }
        let node = match target {
            Target::Best => None,
            Target::Node(node) => Some(node),
        };
        let asked = Asked { node, query };
        if let Some(&number) = self.fetches.numbers.get(&asked) {
            self.wait_for(command, Waits::Fetch(number));
            if let Some(flight) = self.fetches.flights.get_mut(&number) {
                flight.waiting.insert(command);
            }
            return;
        }
        let identifier = (*asked.query).to_owned();
        let request = Request::LoadTracks { identifier };
        let number = self.open_request(Asker::Fetch, target, request);
        self.wait_for(command, Waits::Fetch(number));
        self.fetches.numbers.insert(asked.clone(), number);
        let waiting = BTreeSet::from([command]);
        let flight = Flight { asked, waiting };
        self.fetches.flights.insert(number, flight);
        self.route_request(number);
    }

    /// Sets how many results are kept, the most used ones first.
    pub(super) fn set_cache_capacity(&mut self, capacity: Option<usize>) {
        let now = self.now;
        self.fetches.cache.resize(capacity.unwrap_or(0), now);
    }

    /// A node answered the request.
    pub(super) fn fetch_answered(
        &mut self,
        number: u64,
        id: NodeId,
        answer: Result<rest::Answer, Failure>,
    ) {
        let cause = match answer {
            Ok(rest::Answer::Loaded(result)) => match *result {
                LoadResult::Error(exception) => FetchFailure::LoadFailed(Arc::new(exception)),
                result => return self.fetched(number, id, Arc::new(result)),
            },
            Err(Failure::Undecodable(error)) => FetchFailure::Undecodable(error),
            Err(Failure::Refused(refusal)) => FetchFailure::Rejected {
                status: refusal.status.as_u16(),
                message: refusal.body.message.as_deref().map(Into::into),
            },
            Ok(other) => unreachable!("a load was answered with {other:?}"),
        };
        let error = fetch_failed(self.node_ref(id), cause);
        self.land(number, &Err(error));
    }

    /// Answers everybody who waits for the query.
    pub(super) fn land(&mut self, number: u64, answer: &Result<Answer, RequestError>) {
        if let Some(flight) = self.fetches.remove(number) {
            self.answer_all(flight.waiting, answer);
        }
    }

    /// The deadline of one who waits came; returns what the command is answered.
    pub(super) fn give_up_fetch(&mut self, number: u64, command: CommandId) -> RequestError {
        let error = match self.present_failure(number) {
            Some((node, failure)) => fetch_failed(node, FetchFailure::NodeFailed(failure)),
            None => RequestError::NoNode,
        };
        self.leave_fetch(number, command);
        error
    }

    /// One who waited does not any more. With the last one a request that is unsent goes.
    pub(super) fn leave_fetch(&mut self, number: u64, command: CommandId) {
        if let Some(flight) = self.fetches.flights.get_mut(&number) {
            flight.waiting.remove(&command);
        }
        if !self.fetches.is_awaited(number) && !self.requests.is_in_flight(number) {
            self.fetches.remove(number);
            self.cancel_request(number);
        }
    }

    fn fetched(&mut self, number: u64, id: NodeId, tracks: Arc<LoadResult>) {
        let flight = self.fetches.flights.get(&number);
        let query = flight.map(|flight| flight.asked.query.clone());
        if let Some(query) = query.filter(|_| is_kept(&tracks))
            && self.fetches.capacity().is_some()
            && let Some(node) = self.node(id)
        {
            let origin = origin(node);
            let key = Key { origin, query };
            let now = self.now;
            self.fetches.cache.insert(key, tracks.clone(), now);
        }
        self.land(number, &Ok(Answer::Fetched(tracks)));
    }

    /// What the node, or the best one, is known to answer.
    fn cached(&mut self, target: Target, query: &Arc<str>) -> Option<Arc<LoadResult>> {
        self.fetches.capacity()?;
        let node = match target {
            Target::Node(node) => node,
            // While none is there, the first one that has been there speaks for all.
            Target::Best => self.peek_for_lookup(&[]).or_else(|| self.first_known())?,
        };
        let key = Key {
            origin: origin(self.node(node)?),
            query: query.clone(),
        };
        let now = self.now;
        self.fetches.cache.get(&key, now).cloned()
    }

    fn first_known(&self) -> Option<NodeId> {
        let is_known = |id: &NodeId| self.node(*id).is_some_and(|node| node.sources.is_some());
        self.order.iter().copied().find(is_known)
    }
}

/// Why the tracks did not come, unless the node is not even there any more.
pub(super) fn fetch_failed(node: Option<NodeRef>, cause: FetchFailure) -> RequestError {
    match node {
        Some(node) => RequestError::FetchFailed { node, cause },
        None => RequestError::NodeRemoved,
    }
}

/// The sources of a node as one name, the same for equal sets of them.
pub(super) fn sources(info: &Info) -> Arc<str> {
    let names: BTreeSet<_> = info.source_managers.iter().map(String::as_str).collect();
    let kind = if info.is_nodelink {
        "nodelink"
    } else {
        "lavalink"
    };
    let names: Vec<_> = std::iter::once(kind).chain(names).collect();
    names.join("\n").into()
}

fn origin(node: &Node) -> Origin {
    match &node.sources {
        Some(sources) => Origin::Sources(sources.clone()),
        None => Origin::Node(node.id()),
    }
}

/// Whether a result is the same a while later: one without tracks may be a fault of the moment,
/// and what is behind a stream changes by itself.
fn is_kept(result: &LoadResult) -> bool {
    let tracks = result.tracks();
    let is_stream = |track: &crate::protocol::Track| track.info.is_stream;
    !tracks.is_empty() && !tracks.iter().any(is_stream)
}
