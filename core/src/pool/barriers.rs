//! Requests of the application that change a player past the pool's knowledge of it.
//!
//! Updates merge, and what is not sent yet takes what is asked for later with it; a request that
//! changes the same player must see exactly what was asked for before it. So it is a barrier: it
//! goes out when the player is settled, and updates that are asked for behind it are held until it
//! is answered.

use std::collections::VecDeque;

use super::commands::Waits;
use super::tables::Tables;
use crate::id::CommandId;
use crate::player::{Before, Held, PlayerId, Update};
use crate::protocol::TrackEndReason;
use crate::time::Timestamp;

impl Tables {
    /// Holds a request back until what was asked of its player before is confirmed. Returns
    /// whether it may go out at once.
    pub(super) fn raise_barrier(&mut self, number: u64) -> bool {
        let Some(id) = self.barrier_player(number) else {
            return true;
        };
        let Some(player) = self.player_mut(id) else {
            return true;
        };
        let is_settled = player.is_told();
        let busy = player.busy();
        if is_settled && busy.may_pass() {
            busy.barrier = Some(number);
            return true;
        }
        mark!(RequestHeld);
        busy.held.push_back(Held::Request(number));
        false
    }

    /// Holds an update back behind a barrier, if there is one. Otherwise the update is returned.
    pub(super) fn hold_update(
        &mut self,
        command: CommandId,
        id: PlayerId,
        update: Update,
    ) -> Option<Update> {
        let busy = self.player_mut(id)?.busy.as_mut();
        let Some(busy) = busy.filter(|busy| !busy.may_pass()) else {
            return Some(update);
        };
        mark!(HeldBehindARequest);
        busy.held.push_back(Held::Update(command, Box::new(update)));
        self.wait_for(command, Waits::Player(id));
        None
    }

    /// Whether another play than the present one, or none, is asked for behind a barrier.
    pub(super) fn is_overtaken(&self, id: PlayerId) -> bool {
        let busy = self.player(id).and_then(|player| player.busy.as_ref());
        busy.is_some_and(|busy| busy.next_update().is_some())
    }

    /// The present track has ended, in place of which something is asked for behind a barrier: as
    /// of any that the next one replaces, its end is told if that is refused; where it is to be
    /// stopped, it has been.
    pub(super) fn end_overtaken(&mut self, id: PlayerId, reason: TrackEndReason, now: Timestamp) {
        mark!(EndedBehindARequest);
        let track = self
            .player(id)
            .and_then(|player| player.wanted.known_track().cloned());
        self.clear_track(id, now);
        let Some((track, player)) = track.zip(self.player_mut(id)) else {
            return;
        };
        let guild = player.guild;
        let busy = player.busy();
        if busy.next_update().is_some_and(Update::plays) {
            busy.before = Before::Over(Some((track, reason)));
        } else {
            self.tell_end(guild, track, TrackEndReason::Stopped);
        }
    }

    /// The request is answered, or never will be.
    pub(super) fn lower_barrier(&mut self, number: u64) {
        let Some(id) = self.barrier_player(number) else {
            return;
        };
        let busy = self.player_mut(id).and_then(|player| player.busy.as_mut());
        let Some(busy) = busy else { return };
        if busy.barrier == Some(number) {
            busy.barrier = None;
        }
        busy.held
            .retain(|held| !matches!(held, Held::Request(held) if *held == number));
        self.settle_player(id);
    }

    /// Lets go what was held back and may go.
    pub(super) fn release_held(&mut self, id: PlayerId, now: Timestamp) {
        loop {
            let Some(player) = self.player_mut(id) else {
                return;
            };
            let is_settled = player.is_told();
            let Some(busy) = &mut player.busy else { return };
            if busy.barrier.is_some() {
                return;
            }
            match busy.held.front() {
                Some(Held::Update(..)) => {}
                Some(Held::Request(_)) if is_settled => {}
                Some(Held::Request(_)) | None => return,
            }
            match busy.held.pop_front() {
                Some(Held::Update(command, update)) => {
                    self.apply_update(command, id, *update, now);
                }
                Some(Held::Request(number)) => {
                    busy.barrier = Some(number);
                    return self.route_request(number);
                }
                None => return,
            }
        }
    }

    /// The player is gone: what was held back for it need wait no more. Returns the commands of
    /// the updates.
    pub(super) fn release_all(&mut self, held: VecDeque<Held>) -> Vec<CommandId> {
        let mut commands = Vec::new();
        for held in held {
            match held {
                Held::Update(command, _) => commands.push(command),
                Held::Request(number) => self.route_request(number),
            }
        }
        commands
    }

    fn barrier_player(&self, number: u64) -> Option<PlayerId> {
        let guild = self.requests.get(number)?.changes_player()?;
        self.player_of(guild)
    }
}
