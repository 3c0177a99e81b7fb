//! What each kind of command is answered with, taken out of the pool's [`Answer`].

use std::sync::Arc;
use std::time::Duration;

use lavapool_core::protocol::{
    Info, LoadResult, PlayerSnapshot, RoutePlanner, SessionState, Stats, Track,
};
use lavapool_core::{Answer, RequestError, rest};

use crate::error::Error;
use crate::node::Node;
use crate::shared::Handle;

pub(crate) fn done(_: Answer, _: &Arc<Handle>) -> Result<(), Error> {
    Ok(())
}

/// The node may have been removed since it was ready.
pub(crate) fn node(answer: Answer, handle: &Arc<Handle>) -> Result<Node, Error> {
    let Answer::Node(node) = answer else {
        foreign()
    };
    let cell = handle.views.node(|other| other.id == node.id);
    let cell = cell.ok_or(Error::Request(RequestError::NodeRemoved))?;
    Ok(Node::new(handle.clone(), None, cell))
}

pub(crate) fn latency(answer: Answer, _: &Arc<Handle>) -> Result<Duration, Error> {
    let Answer::Latency(latency) = answer else {
        foreign()
    };
    Ok(latency)
}

pub(crate) fn fetched(answer: Answer, _: &Arc<Handle>) -> Result<Arc<LoadResult>, Error> {
    let Answer::Fetched(tracks) = answer else {
        foreign()
    };
    Ok(tracks)
}

pub(crate) fn rest(answer: Answer, _: &Arc<Handle>) -> Result<rest::Answer, Error> {
    let Answer::Rest(answer) = answer else {
        foreign()
    };
    Ok(*answer)
}

macro_rules! rest_answers {
    ($($name:ident: $variant:ident($answer:ident) -> $type:ty = $value:expr;)*) => {
        $(pub(crate) fn $name(answer: Answer, handle: &Arc<Handle>) -> Result<$type, Error> {
            match rest(answer, handle)? {
                rest::Answer::$variant($answer) => Ok($value),
                _ => foreign(),
            }
        })*
    };
}

rest_answers! {
    loaded: Loaded(found) -> LoadResult = *found;
    track: Track(track) -> Track = *track;
    tracks: Tracks(tracks) -> Vec<Track> = tracks;
    session: Session(session) -> SessionState = session;
    players: Players(players) -> Vec<PlayerSnapshot> = players;
    player: Player(player) -> PlayerSnapshot = *player;
    info: Info(info) -> Info = *info;
    stats: Stats(stats) -> Stats = *stats;
    version: Version(version) -> String = version;
    route_planner: RoutePlanner(planner) -> Option<RoutePlanner> = planner.map(|planner| *planner);
}

/// The type of an answer follows from the command, not from what a server says.
pub(crate) fn foreign() -> ! {
    panic!("a command was answered with what another one asks for")
}
