//! Players that nobody may need: without a track, or without anybody to hear it.
//!
//! The time goes on whatever becomes of the player's node.

use std::time::Duration;

use super::tables::Tables;
use super::timers::Timer;
use crate::config::Fate;
use crate::error::SubmitError;
use crate::event::{Event, Kinds};
use crate::gateway::GatewayPayload;
use crate::player::{Activity, Care, Player, PlayerId};
use crate::protocol::GuildId;
use crate::time::Timestamp;

impl Tables {
    /// Begins to count the time of a player that has nothing to do, and ends that.
    pub(super) fn attend_activity(&mut self, id: PlayerId) {
        let now = self.now;
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let after = inactive_after(player, self.config.inactive_after);
        let is_of_use = player.plays() && !player.care.alone;
        match (player.care.activity, after) {
            (Activity::Active, Some(after)) if !is_of_use => {
                let timer = self.timers.arm(now + after, Timer::Inactive(id));
                player.care.activity = Activity::Waiting(timer);
            }
            (Activity::Active, _) => {}
            (Activity::Waiting(timer), _) if is_of_use => {
                self.timers.cancel(timer);
                player.care.activity = Activity::Active;
            }
            (Activity::Inactive, _) if is_of_use => player.care.activity = Activity::Active,
            (Activity::Waiting(_) | Activity::Inactive, _) => {}
        }
    }

    /// Somebody needs the player at this moment: the time begins anew.
    pub(super) fn active(&mut self, id: PlayerId) {
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        if let Activity::Waiting(timer) = std::mem::take(&mut player.care.activity) {
            self.timers.cancel(timer);
        }
        self.attend_activity(id);
    }

    pub(super) fn change_activity(
        &mut self,
        guild: GuildId,
        change: impl FnOnce(&mut Care),
    ) -> Result<(), SubmitError> {
        let id = self.player_of(guild).ok_or(SubmitError::NoSuchPlayer)?;
        if let Some(player) = self.player_mut(id) {
            change(&mut player.care);
        }
        self.active(id);
        Ok(())
    }

    /// The player has been inactive for long enough.
    pub(super) fn inactive_due(&mut self, id: PlayerId, now: Timestamp) {
        let fate = self.config.on_inactive;
        let default = self.config.inactive_after;
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.care.activity = Activity::Inactive;
        let guild = player.guild;
        let (is_stray, is_in_channel) = (is_stray(player), is_in_channel(player));
        let after = inactive_after(player, default).unwrap_or_default();
        let destroyed = fate == Fate::Destroy || is_stray;
        if !is_stray {
            self.emit(Kinds::PLAYERS, || Event::PlayerInactive {
                guild,
                after,
                destroyed,
            });
        }
        if destroyed {
            self.destroy(None, id);
            if is_in_channel {
                self.send_gateway(&[GatewayPayload::leave(guild)], now);
            }
        }
    }
}

/// After what time the player counts as inactive, if it ever does.
fn inactive_after(player: &Player, default: Option<Duration>) -> Option<Duration> {
    let after = player.care.inactive_after.as_deref().unwrap_or(&default);
    after.or_else(|| is_stray(player).then_some(STRAY_FOR))
}

/// Whether all that there ever was of the player is half a voice state.
fn is_stray(player: &Player) -> bool {
    !player.care.asked && !is_in_channel(player)
}

fn is_in_channel(player: &Player) -> bool {
    let voice = player.voice.as_ref();
    let rejoins = player.plight().rejoining.is_some();
    rejoins || voice.is_some_and(|voice| voice.channel().is_some())
}

/// How long such a player is kept where none is ever inactive.
const STRAY_FOR: Duration = Duration::from_secs(300);
