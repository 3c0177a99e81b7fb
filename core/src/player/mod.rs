//! Players: what each should be, what is confirmed of it, and where it is.
//!
//! A player alone owns what is unsent. Failover, resume, move and recreate are all one thing:
//! mark every field unsent and let one PATCH make the node's player equal to the wanted one.

mod again;
mod aside;
mod asking;
mod before;
mod behind;
mod blame;
mod busy;
mod care;
mod desired;
mod fields;
mod known;
mod packed;
mod placement;
pub(crate) mod play_tag;
mod plight;
mod position;
mod sending;
mod snapshot;
mod stage;
mod update;
mod view;
mod voice;
mod wishes;

#[cfg(test)]
mod tests;

pub use packed::PackedView;
pub use position::Position;
pub use update::{Source, Update, Volume};
pub use view::{Motion, Place, PlayerView};
pub use wishes::PluginWish;

pub(crate) use before::Before;
use behind::Behind;
pub(crate) use blame::Blame;
pub(crate) use busy::{Busy, Ending, Held, Waiting};
pub(crate) use care::{Activity, Care, Rejoining, Step};
pub(crate) use desired::{Choice, Desired};
pub(crate) use fields::Fields;
pub(crate) use known::{Counted, Unpublished};
pub(crate) use placement::{Move, Placement};
pub(crate) use plight::Plight;
pub(crate) use snapshot::{Played, decode};
pub(crate) use stage::Stage;
pub(crate) use voice::{Voice, VoiceChange};
pub(crate) use wishes::Wishes;

use std::time::Duration;

use crate::id::CommandId;
use crate::protocol::{GuildId, PlayerState};
use crate::slab::Entry;
use crate::time::Timestamp;

/// A player of the pool: a slot and its generation. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayerId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl std::fmt::Debug for PlayerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "player {}.{}", self.slot, self.generation)
    }
}

/// One guild's player.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) id: PlayerId,
    pub(crate) guild: GuildId,
    pub(crate) place: Placement,
    /// Since when it has been without its node, if that is lost, or on its way, if it was ordered
    /// to go: of a player that is on a node it says nothing.
    pub(crate) away_since: Timestamp,
    pub(crate) wanted: Desired,
    /// Discord's halves; the complete state is part of what is wanted.
    pub(crate) voice: Option<Box<Voice>>,
    /// The fields that a node has yet to be sent.
    pub(crate) unsent: Fields,
    /// How far those are on their way.
    pub(crate) stage: Stage,
    /// Whether the node has yet to say that the present play started there: until then its
    /// positions are those of a player without a track (it reports 0 first).
    pub(crate) awaits_start: bool,
    /// The node's word: whether it has a voice connection.
    pub(crate) connected: bool,
    /// The node's word: milliseconds to the voice server, -1 without a connection.
    pub(crate) ping_ms: i32,
    /// What of its view waits to be published.
    pub(crate) unpublished: Unpublished,
    /// How its nodes count it, and whether that may be out of date.
    pub(crate) counted: Counted,
    pub(crate) uncounted: bool,
    /// Whether a node was ever sent anything about it.
    pub(crate) was_sent: bool,
    /// Whether the application chose its node.
    pub(crate) pinned: bool,
    /// The number of the latest play whose start the application was told.
    pub(crate) told: u32,
    /// Whether the present play was sent once more after a cleanup.
    pub(crate) replayed: bool,
    /// What is wanted of plugins, if anything ever was.
    pub(crate) wishes: Option<Box<Wishes>>,
    /// What is watched over, so that something is done when nothing happens.
    pub(crate) care: Care,
    /// What is amiss with it, if anything is.
    pub(crate) plight: Option<Box<Plight>>,
    /// What only a player that waits for something needs; a lost one that waits for its turn only
    /// has it from then on.
    pub(crate) busy: Option<Box<Busy>>,
}

impl Entry for Player {
    fn generation(&self) -> u32 {
        self.id.generation
    }
}

impl Player {
    /// A player whose plays are numbered from after `plays`.
    pub(crate) fn new(id: PlayerId, guild: GuildId, plays: u32) -> Self {
        let wanted = Desired {
            plays,
            ..Desired::default()
        };
        Self {
            id,
            guild,
            place: Placement::Unplaced,
            away_since: Timestamp::ZERO,
            wanted,
            voice: None,
            unsent: Fields::NONE,
            stage: Stage::Idle,
            awaits_start: false,
            connected: false,
            ping_ms: -1,
            unpublished: Unpublished::Nothing,
            counted: Counted::default(),
            uncounted: false,
            was_sent: false,
            pinned: false,
            told: plays,
            replayed: false,
            wishes: None,
            care: Care::default(),
            plight: None,
            busy: None,
        }
    }

    /// What of it moves by itself.
    pub(crate) fn motion(&self) -> Motion {
        Motion {
            guild: self.guild,
            slot: self.id.slot,
            position: self.wanted.clock,
            connected: self.connected,
            ping: self.ping(),
        }
    }

    /// Takes the node's word for its voice connection.
    pub(crate) fn heed_connection(&mut self, state: &PlayerState) {
        self.connected = state.connected;
        self.ping_ms = i32::try_from(state.ping).unwrap_or(-1);
    }

    /// The node's word, while it has a voice connection.
    pub(crate) fn ping(&self) -> Option<Duration> {
        let ping_ms = u64::try_from(self.ping_ms).ok();
        ping_ms
            .filter(|_| self.connected)
            .map(Duration::from_millis)
    }

    /// Whether everything wanted is confirmed.
    pub(crate) const fn is_synced(&self) -> bool {
        self.pending().is_empty() && matches!(self.place, Placement::On(_))
    }

    /// What only a busy player has; it begins with the state that is confirmed now, and of one on
    /// its way from a lost node with what it leaves behind there.
    pub(crate) fn busy(&mut self) -> &mut Busy {
        let is_told = self.is_start_told();
        let Self { wanted, place, .. } = self;
        self.busy.get_or_insert_with(|| {
            let mut busy = Box::new(Busy::new(wanted.clone()));
            busy.is_base_told = is_told;
            busy.behind = place.lost_from().map(|node| Behind::new(node, wanted));
            busy
        })
    }

    /// Drops what only a busy player needs, if nothing is waited for.
    pub(crate) fn settle(&mut self) {
        let is_settled = self.pending().is_empty() && !matches!(self.stage, Stage::Resting(_));
        if is_settled && self.busy.as_ref().is_some_and(|busy| busy.is_idle()) {
            self.busy = None;
        }
    }

    /// Whether it is to play something.
    pub(crate) fn plays(&self) -> bool {
        self.wanted.track.is_some()
    }

    /// The commands that wait for it to arrive at the node that it was ordered to.
    pub(crate) fn take_movers(&mut self) -> Vec<CommandId> {
        self.busy
            .as_mut()
            .map(|busy| std::mem::take(&mut busy.movers))
            .unwrap_or_default()
    }

    /// Its node is lost, and the music stopped then: to be said before its place is another one.
    pub(crate) fn stand(&mut self, lost_at: Timestamp) {
        self.begin_away(lost_at);
        self.stop_clocks(lost_at);
        self.connected = false;
    }

    /// The music stopped then, as far as is known.
    pub(crate) fn stop_clocks(&mut self, at: Timestamp) {
        self.wanted.clock.run(false, at);
        if let Some(busy) = &mut self.busy {
            busy.base.clock.run(false, at);
        }
    }

    /// Sets the clock going or standing, as all that is known of the player says.
    pub(crate) fn regulate(&mut self, now: Timestamp) {
        let is_heard = self.speaker().is_some();
        let mut running = is_heard && self.is_audible() && self.heeds_positions();
        if let Some(busy) = &mut self.busy {
            running &= busy.ending.is_none();
            busy.regulate_base(is_heard && self.connected, now);
        }
        self.wanted.clock.run(running, now);
    }

    /// Its node has answered what it was sent last, so it was there when that was sent.
    pub(crate) fn vouch(&mut self) {
        if let Some(busy) = &mut self.busy {
            self.wanted.clock.vouch(busy.sent_at);
            busy.base.clock.vouch(busy.sent_at);
        }
    }

    /// The node's word on where it is, which is about the confirmed play while the next is on its
    /// way, or another place.
    pub(crate) fn report_before(&mut self, position_ms: u64, now: Timestamp) {
        if self.busy.is_none() {
            return;
        }
        let is_sent = self.stage.in_flight().has(Fields::TRACK);
        let has_begun = !self.awaits_start || self.pending().has(Fields::TRACK);
        if let Some(busy) = self.busy.as_mut().filter(|_| has_begun && self.connected) {
            busy.report_base(position_ms, is_sent, now);
        }
    }

    /// Whether sound goes from the node to Discord: only then does the track pass.
    pub(crate) const fn is_audible(&self) -> bool {
        self.wanted.track.is_some() && !self.wanted.paused && self.connected
    }

    /// Whether the node's reports of a position are about the present play and place in it.
    pub(crate) fn heeds_positions(&self) -> bool {
        let pending = self.pending();
        let awaits_place = pending.has(Fields::TRACK.with(Fields::POSITION));
        // Until it goes on at the node too, the node has no place to report.
        let awaits_sound = pending.has(Fields::PAUSED);
        // The node that it is led away from may play something else, or stand still.
        let elsewhere = Fields::TRACK.with(Fields::POSITION).with(Fields::PAUSED);
        let is_other = |busy: &Busy| busy.left.has(elsewhere);
        let is_left_playing = self.is_led_over() && !self.busy.as_deref().is_some_and(is_other);
        is_left_playing || (!self.awaits_start && !awaits_place && !awaits_sound)
    }
}
