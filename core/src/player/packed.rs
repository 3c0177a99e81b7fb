//! [`PackedView`]: a player's view in little room, for who keeps one of each player.

use std::sync::Arc;
use std::time::Duration;

use crate::node::NodeRef;
use crate::player::{Motion, Place, PlayerView, Position, Volume};
use crate::protocol::plugins::{Category, LyricsFrom};
use crate::protocol::{ChannelId, Filters, GuildId, Track};

/// A [`PlayerView`] in little room: what most players lack takes none.
///
/// ```
/// # use lavapool_core::player::{PackedView, PlayerView};
/// # fn keep(view: PlayerView) {
/// let packed = PackedView::from(view.clone());
/// assert_eq!(packed.unpack(), view);
/// # }
/// ```
///
/// Where a player without a track stands is not kept: it is unpacked at the start. A ping is kept
/// in whole milliseconds, as servers tell it.
#[derive(Clone, Debug)]
pub struct PackedView {
    guild: GuildId,
    /// The node that it is on or goes to, or was on when that was lost.
    node: Option<NodeRef>,
    channel: Option<ChannelId>,
    more: Option<Box<More>>,
    /// [`NO_PING`] for none.
    ping_ms: u32,
    volume: Volume,
    tie: Tie,
    playing: bool,
    paused: bool,
    connected: bool,
    synced: bool,
}

/// What a player has to do with its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tie {
    /// It is there, or goes there.
    Bound,
    Frozen,
    Stranded,
}

/// What an idle player lacks.
#[derive(Clone, Debug, Default, PartialEq)]
struct More {
    /// The node that it leaves, while it moves.
    left: Option<NodeRef>,
    track: Option<Arc<Track>>,
    end_time: Option<Duration>,
    filters: Option<Arc<Filters>>,
    skipped: Option<Arc<[Category]>>,
    live_lyrics: Option<LyricsFrom>,
    position: Position,
}

impl PackedView {
    /// The view.
    pub fn unpack(&self) -> PlayerView {
        let more = self.more.as_deref().cloned().unwrap_or_default();
        PlayerView {
            guild: self.guild,
            place: self.place(more.left),
            track: more.track,
            playing: self.playing,
            paused: self.paused,
            volume: self.volume,
            end_time: more.end_time,
            filters: more.filters,
            channel: self.channel,
            connected: self.connected,
            ping: ping(self.ping_ms),
            skipped: more.skipped,
            live_lyrics: more.live_lyrics,
            synced: self.synced,
            position: more.position,
        }
    }

    fn place(&self, left: Option<NodeRef>) -> Place {
        let Some(node) = self.node.clone() else {
            return Place::Unplaced;
        };
        match (self.tie, left) {
            (Tie::Bound, Some(from)) => Place::Moving { from, to: node },
            (Tie::Bound, None) => Place::On(node),
            (Tie::Frozen, _) => Place::Frozen(node),
            (Tie::Stranded, _) => Place::Stranded(node),
        }
    }

    /// Takes over the whole view, in the memory that it has.
    pub fn replace(&mut self, view: PlayerView) {
        *self = Self::pack(view, self.more.take());
    }

    /// Packs the view, in this memory if it takes any.
    fn pack(view: PlayerView, room: Option<Box<More>>) -> Self {
        let (tie, node, left) = match view.place {
            Place::On(node) => (Tie::Bound, Some(node), None),
            Place::Moving { from, to } => (Tie::Bound, Some(to), Some(from)),
            Place::Frozen(node) => (Tie::Frozen, Some(node), None),
            Place::Stranded(node) => (Tie::Stranded, Some(node), None),
            Place::Unplaced => (Tie::Bound, None, None),
        };
        let more = More {
            left,
            track: view.track,
            end_time: view.end_time,
            filters: view.filters,
            skipped: view.skipped,
            live_lyrics: view.live_lyrics,
            position: standing(view.playing, view.position),
        };
        Self {
            guild: view.guild,
            node,
            channel: view.channel,
            more: more.boxed_in(room),
            ping_ms: ping_ms(view.ping),
            volume: view.volume,
            tie,
            playing: view.playing,
            paused: view.paused,
            connected: view.connected,
            synced: view.synced,
        }
    }

    /// As [`PlayerView::node`].
    pub fn node(&self) -> Option<&NodeRef> {
        self.node.as_ref().filter(|_| self.tie == Tie::Bound)
    }

    /// Takes over what moved.
    pub fn follow(&mut self, motion: &Motion) {
        self.connected = motion.connected;
        self.ping_ms = ping_ms(motion.ping);
        let position = standing(self.playing, motion.position);
        match &mut self.more {
            Some(more) => more.position = position,
            None => {
                let more = More {
                    position,
                    ..More::default()
                };
                self.more = more.boxed_in(None);
            }
        }
    }
}

impl From<PlayerView> for PackedView {
    fn from(view: PlayerView) -> Self {
        Self::pack(view, None)
    }
}

impl More {
    /// None if it is what an idle player has.
    fn boxed_in(self, room: Option<Box<Self>>) -> Option<Box<Self>> {
        if self == Self::default() {
            return None;
        }
        match room {
            Some(mut room) => {
                *room = self;
                Some(room)
            }
            None => Some(Box::new(self)),
        }
    }
}

fn ping_ms(ping: Option<Duration>) -> u32 {
    let ms = ping.map(|ping| u32::try_from(ping.as_millis()).unwrap_or(u32::MAX));
    ms.map_or(NO_PING, |ms| ms.min(NO_PING - 1))
}

fn ping(ms: u32) -> Option<Duration> {
    (ms != NO_PING).then(|| Duration::from_millis(ms.into()))
}

/// In place of a ping.
const NO_PING: u32 = u32::MAX;

fn standing(playing: bool, position: Position) -> Position {
    if playing {
        position
    } else {
        Position::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;
    use crate::time::Timestamp;

    const PING: Duration = Duration::from_millis(20);

    fn view(playing: bool) -> PlayerView {
        PlayerView {
            guild: GuildId::new(1).expect("it is not zero"),
            place: Place::Unplaced,
            track: None,
            playing,
            paused: false,
            volume: Volume::default(),
            end_time: None,
            filters: None,
            channel: None,
            connected: false,
            ping: None,
            skipped: None,
            live_lyrics: None,
            synced: true,
            position: Position::default(),
        }
    }

    fn motion(seconds: u64, ping: Option<Duration>) -> Motion {
        let now = Timestamp::from_millis(0);
        let mut position = Position::default();
        position.begin(seconds * 1_000, u64::MAX, now);
        position.run(true, now);
        Motion {
            guild: GuildId::new(1).expect("it is not zero"),
            slot: 0,
            position,
            connected: true,
            ping,
        }
    }

    #[test]
    fn a_packed_view_follows_what_moves_as_the_view_does() {
        let mut view = view(true);
        let mut packed = PackedView::from(view.clone());
        for motion in [motion(60, None), motion(70, Some(PING)), motion(0, None)] {
            view.follow(&motion);
            packed.follow(&motion);

            let moved = (view.position, view.connected, view.ping);
            assert_eq!(moved, (motion.position, true, motion.ping));
            assert_eq!(packed.unpack(), view);
        }
        let shown = view.position_at(Timestamp::from_millis(1_500));
        assert_eq!(shown, Duration::from_millis(1_500));
    }

    #[test]
    fn a_view_that_takes_the_place_of_another_is_unpacked_as_it_was() {
        let mut idle = view(false);
        idle.paused = true;
        let mut playing = view(true);
        playing.follow(&motion(60, Some(PING)));
        playing.end_time = Some(Duration::from_secs(90));
        let mut later = view(true);
        later.follow(&motion(70, None));

        let mut packed = PackedView::from(view(false));
        for next in [playing, later, idle] {
            packed.replace(next.clone());
            assert_eq!(packed.unpack(), next);
        }
        assert!(packed.more.is_none());
    }

    #[test]
    fn each_place_is_unpacked_as_it_was() {
        let node = |slot, name: &str| NodeRef {
            id: NodeId {
                slot,
                generation: 0,
            },
            name: name.into(),
        };
        let (from, to) = (node(0, "left"), node(1, "reached"));
        for place in [
            Place::On(to.clone()),
            Place::Frozen(to.clone()),
            Place::Stranded(to.clone()),
            Place::Moving { from, to },
            Place::Unplaced,
        ] {
            let mut view = view(false);
            view.place = place;
            let packed = PackedView::from(view.clone());
            assert_eq!(packed.node(), view.node());
            assert_eq!(packed.unpack(), view);
        }
    }

    #[test]
    fn a_ping_is_kept_to_the_millisecond_and_one_of_weeks_is_not_none() {
        let mut view = view(false);
        for (ping, kept_ms) in [(0, 0), (20, 20), (u64::MAX, u32::MAX - 1)] {
            view.ping = Some(Duration::from_millis(ping));
            let kept = PackedView::from(view.clone()).unpack().ping;
            assert_eq!(kept, Some(Duration::from_millis(kept_ms.into())));
        }
    }

    #[test]
    fn a_report_of_an_idle_player_takes_no_room() {
        let mut packed = PackedView::from(view(false));
        packed.follow(&motion(60, Some(PING)));
        assert!(packed.more.is_none());
    }

    #[test]
    fn a_packed_view_of_a_player_without_a_track_stands_at_the_start() {
        let mut packed = PackedView::from(view(false));
        for ping in [None, Some(PING)] {
            packed.follow(&motion(60, ping));

            let view = packed.unpack();
            assert_eq!((view.position, view.ping), (Position::default(), ping));
        }
    }
}
