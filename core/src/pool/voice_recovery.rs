//! Voice connections that fail, and channels that are joined: what [`Rejoining`] goes through.
//!
//! Only the connection that a player has at present counts. The end of one that Discord, or a
//! move to another node, replaced is as it should be; what is taken for that wrongly is caught by
//! the watch over players that play without a connection.

use std::time::Duration;

use super::tables::Tables;
use super::timers::{Timer, Timers};
use crate::config::Rejoin;
use crate::error::SubmitError;
use crate::event::{Event, Kinds};
use crate::gateway::GatewayPayload;
use crate::node::Node;
use crate::player::{Activity, Fields, Placement, Player, PlayerId, Rejoining, Step};
use crate::protocol::{ChannelId, GuildId};
use crate::time::Timestamp;
use crate::voice_code::{VoiceCloseCode, VoiceRecovery, VoiceTrouble};

impl Tables {
    /// The voice connection of the player's present node closed.
    pub(super) fn voice_closed(
        &mut self,
        id: PlayerId,
        code: VoiceCloseCode,
        by_remote: bool,
        now: Timestamp,
    ) {
        let recovery = code.recovery(by_remote);
        let Some(player) = self.player_mut(id) else {
            return;
        };
        if recovery == VoiceRecovery::Ignore || is_of_a_move(player, code, now) {
            mark!(VoiceOfAMoveClosed);
            return;
        }
        player.connected = false;
        player.regulate(now);
        self.player_changed(id);
        self.recover_voice(id, VoiceTrouble::Closed(code), recovery, now);
    }

    /// Does what there is to be done about a failed connection, unless that is being done.
    pub(super) fn recover_voice(
        &mut self,
        id: PlayerId,
        trouble: VoiceTrouble,
        recovery: VoiceRecovery,
        now: Timestamp,
    ) {
        let grace = self.config.timing.voice_grace;
        let Some(rejoin) = self.config.rejoin else {
            return;
        };
        let Some(player) = self.player_mut(id) else {
            return;
        };
        let channel = player.voice.as_ref().and_then(|voice| voice.channel());
        let tries = match &player.plight().rejoining {
            None => 0,
            Some(earlier) if matches!(earlier.step, Step::Watching(_)) => earlier.tries,
            Some(_) => return,
        };
        let Some(channel) = channel else { return };
        let renews = matches!(recovery, VoiceRecovery::Renew | VoiceRecovery::RenewOnce);
        if renews && let Some(voice) = &mut player.voice {
            voice.renew();
            player.unsent = player.unsent.without(Fields::VOICE);
        }
        let tries_max = match recovery {
            VoiceRecovery::Ignore | VoiceRecovery::Stop => 0,
            VoiceRecovery::AwaitDiscord
            | VoiceRecovery::AwaitThenOnce
            | VoiceRecovery::Once
            | VoiceRecovery::RenewOnce
            | VoiceRecovery::Late => rejoin.tries.min(1),
            VoiceRecovery::Renew | VoiceRecovery::BackOff => rejoin.tries,
        };
        let rejoining = Rejoining {
            step: Step::Asking,
            channel,
            trouble: Some(trouble),
            tries,
            tries_max,
            renews,
            leaves: false,
        };
        self.set_rejoining(id, Some(rejoining));
        self.player_changed(id);
        self.sync(id);
        self.settle_player(id);
        match recovery {
            VoiceRecovery::AwaitDiscord | VoiceRecovery::AwaitThenOnce => {
                let joins = recovery == VoiceRecovery::AwaitThenOnce;
                let timer = self.timers.arm(now + grace, Timer::VoiceStep(id));
                self.set_step(id, Step::Awaiting { timer, joins });
            }
            VoiceRecovery::Late => self.rejoin_after(id, LATE, now),
            VoiceRecovery::Ignore
            | VoiceRecovery::Stop
            | VoiceRecovery::Once
            | VoiceRecovery::RenewOnce
            | VoiceRecovery::Renew
            | VoiceRecovery::BackOff => self.rejoin_after(id, pause_before(tries), now),
        }
    }

    /// Joins the channel again after a pause, unless that was tried often enough.
    fn rejoin_after(&mut self, id: PlayerId, delay: Duration, now: Timestamp) {
        let Some((guild, rejoining)) = self.rejoining(id) else {
            return;
        };
        let Rejoining { channel, .. } = rejoining;
        let Some(trouble) = rejoining.trouble else {
            return;
        };
        if rejoining.tries >= rejoining.tries_max {
            return self.give_voice_up(id);
        }
        let attempt = rejoining.tries + 1;
        self.emit(Kinds::VOICE, || Event::VoiceRejoining {
            guild,
            channel,
            attempt,
            delay,
            trouble,
        });
        if delay.is_zero() {
            return self.ask_to_join(id, now);
        }
        let timer = self.timers.arm(now + delay, Timer::VoiceStep(id));
        self.set_step(id, Step::Pausing(timer));
    }

    /// Has the gateway told to join the channel again.
    fn ask_to_join(&mut self, id: PlayerId, now: Timestamp) {
        let Some((guild, mut rejoining)) = self.rejoining(id) else {
            return;
        };
        rejoining.step = Step::Asking;
        rejoining.tries = rejoining.tries.saturating_add(1);
        self.set_rejoining(id, Some(rejoining));
        mark!(VoiceRejoined);
        let join = self.join_payload(guild, rejoining.channel);
        if rejoining.renews {
            self.send_gateway(&[GatewayPayload::leave(guild), join], now);
        } else {
            self.send_gateway(&[join], now);
        }
    }

    /// Nothing more is done until there is a new voice state.
    fn give_voice_up(&mut self, id: PlayerId) {
        let Some((guild, rejoining)) = self.rejoining(id) else {
            return;
        };
        mark!(VoiceGivenUp);
        self.set_step(id, Step::Lost);
        if let Some(trouble) = rejoining.trouble {
            self.emit(Kinds::VOICE, || Event::VoiceLost { guild, trouble });
        }
    }

    /// A payload of the pool's is on its way to Discord.
    pub(super) fn gateway_sent(&mut self, payload: GatewayPayload, now: Timestamp) {
        let by = now + self.config.timing.join_deadline;
        let Some(id) = self.player_of(payload.guild) else {
            return;
        };
        let Some((_, mut rejoining)) = self.rejoining(id) else {
            return;
        };
        if rejoining.step != Step::Asking {
            return;
        }
        if payload.channel.is_some() {
            rejoining.step = Step::Joining(self.timers.arm(by, Timer::VoiceStep(id)));
        } else {
            rejoining.leaves = true;
        }
        self.set_rejoining(id, Some(rejoining));
    }

    /// The application joins a channel.
    pub(super) fn join_begun(
        &mut self,
        guild: GuildId,
        channel: ChannelId,
        shows: (bool, bool),
        now: Timestamp,
    ) -> Result<(), SubmitError> {
        let max = self.config.limits.players_max;
        let by = now + self.config.timing.join_deadline;
        let known = self.player_of(guild);
        let id = known.or_else(|| self.player_unplaced(guild));
        let id = id.ok_or(SubmitError::TooManyPlayers { max })?;
        self.recall_gateway(guild);
        // The bot may be on its way out because the pool had it leave.
        let leaves = self
            .rejoining(id)
            .is_some_and(|(_, earlier)| earlier.leaves);
        let timer = self.timers.arm(by, Timer::VoiceStep(id));
        let rejoining = Rejoining {
            step: Step::Joining(timer),
            channel,
            trouble: None,
            tries: 0,
            tries_max: 0,
            renews: false,
            leaves,
        };
        self.set_rejoining(id, Some(rejoining));
        if let Some(player) = self.player_mut(id) {
            player.care.shows = Some(shows);
        }
        self.player_changed(id);
        Ok(())
    }

    /// The voice state is complete, and new: whatever was wrong with the last one is over.
    pub(super) fn voice_renewed(&mut self, id: PlayerId, now: Timestamp) {
        let fresh_until = now + self.config.timing.voice_grace;
        let Some(player) = self.player_mut(id) else {
            return;
        };
        player.care.voice_fresh_until = fresh_until;
        let guild = player.guild;
        let Some((_, mut rejoining)) = self.rejoining(id) else {
            return;
        };
        self.recall_gateway(guild);
        if rejoining.trouble.is_none() {
            return self.set_rejoining(id, None);
        }
        if rejoining.renews && rejoining.leaves && rejoining.step == Step::Asking {
            // No join was sent that this could answer: the bot was moved, and leaves all the same.
            return self.rejoin_where_moved(id, now);
        }
        rejoining.leaves = false;
        let timer = self.timers.arm(now + HOLDS_FOR, Timer::VoiceStep(id));
        rejoining.step = Step::Watching(timer);
        self.set_rejoining(id, Some(rejoining));
    }

    /// The bot joins again where it is now, once it has left there.
    fn rejoin_where_moved(&mut self, id: PlayerId, now: Timestamp) {
        let Some((guild, mut rejoining)) = self.rejoining(id) else {
            return;
        };
        mark!(MovedAndLeaving);
        let voice = self.player(id).and_then(|player| player.voice.as_ref());
        let channel = voice.and_then(|voice| voice.channel());
        rejoining.channel = channel.unwrap_or(rejoining.channel);
        self.set_rejoining(id, Some(rejoining));
        self.send_gateway(&[self.join_payload(guild, rejoining.channel)], now);
    }

    /// Discord said again what is known. To somebody who joins that is an answer; a new token may
    /// follow it.
    pub(super) fn voice_repeated(&mut self, id: PlayerId, now: Timestamp) {
        let Some((_, rejoining)) = self.rejoining(id) else {
            return;
        };
        let is_complete = self.player(id).is_some_and(Player::has_voice);
        if is_complete && matches!(rejoining.step, Step::Joining(_)) {
            mark!(JoinRepeated);
            let timer = self.timers.arm(now + OTHER_HALF, Timer::VoiceStep(id));
            self.set_step(id, Step::Repeating(timer));
        }
    }

    /// The bot is in no channel: returns whether it was the pool that made it leave, to join
    /// again.
    pub(super) fn is_own_leave(&mut self, id: PlayerId) -> bool {
        let Some((_, mut rejoining)) = self.rejoining(id) else {
            return false;
        };
        let is_own = std::mem::take(&mut rejoining.leaves);
        self.set_rejoining(id, Some(rejoining));
        is_own
    }

    /// The next step is due.
    pub(super) fn voice_step_due(&mut self, id: PlayerId, now: Timestamp) {
        let Some((guild, rejoining)) = self.rejoining(id) else {
            return;
        };
        match rejoining.step {
            Step::Awaiting { joins: true, .. } => self.rejoin_after(id, Duration::ZERO, now),
            Step::Awaiting { joins: false, .. } => self.give_voice_up(id),
            Step::Pausing(_) => self.ask_to_join(id, now),
            Step::Joining(_) => self.join_timed_out(id, guild, rejoining, now),
            Step::Repeating(_) => {
                if let Some(player) = self.player_mut(id) {
                    player.renew_voice();
                }
                self.voice_renewed(id, now);
                self.player_changed(id);
                self.sync(id);
            }
            Step::Watching(_) => self.set_rejoining(id, None),
            Step::Asking | Step::Lost => {}
        }
    }

    /// Discord said nothing: the channel may be full.
    fn join_timed_out(
        &mut self,
        id: PlayerId,
        guild: GuildId,
        mut rejoining: Rejoining,
        now: Timestamp,
    ) {
        mark!(JoinUnanswered);
        let channel = rejoining.channel;
        self.emit(Kinds::VOICE, || Event::VoiceJoinTimedOut { guild, channel });
        let Some(player) = self.player(id) else {
            return;
        };
        if rejoining.trouble.is_none() {
            let is_of_use = player.care.asked || player.voice.is_some();
            self.set_rejoining(id, None);
            if !is_of_use {
                self.destroy(None, id);
            }
            return;
        }
        // Where a join brings no new state, to leave first does.
        rejoining.renews = true;
        self.set_rejoining(id, Some(rejoining));
        self.rejoin_after(id, pause_before(rejoining.tries), now);
    }

    /// Watches over a player that plays without a voice connection, for no reason that is known.
    pub(super) fn attend_voice(&mut self, id: PlayerId) {
        let due_at = self.now + self.config.timing.voice_silence;
        let watches = self.config.rejoin.is_some();
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let is_there = match player.place {
            Placement::On(node) => self
                .nodes
                .get(node.slot, node.generation)
                .is_some_and(Node::is_ready),
            Placement::Unplaced
            | Placement::Frozen { .. }
            | Placement::Moving { .. }
            | Placement::Stranded { .. } => false,
        };
        let is_silent = watches && is_there && is_silent(player);
        match player.plight().silence {
            None if is_silent => {
                let timer = self.timers.arm(due_at, Timer::Silence(id));
                player.change_plight(|plight| plight.silence = Some(timer));
            }
            Some(timer) if !is_silent => {
                self.timers.cancel(timer);
                player.change_plight(|plight| plight.silence = None);
            }
            None | Some(_) => {}
        }
        // A node that refused a voice state tells of the connection that it had before.
        let is_waiting = |rejoining: &Rejoining| {
            let is_pausing = matches!(
                rejoining.step,
                Step::Awaiting { .. } | Step::Pausing(_) | Step::Lost
            );
            is_pausing && rejoining.trouble != Some(VoiceTrouble::Refused)
        };
        let waits = player.plight().rejoining.as_ref().is_some_and(is_waiting);
        if waits && player.connected {
            self.set_rejoining(id, None);
        }
    }

    /// The player has played for long enough without a connection.
    pub(super) fn silence_due(&mut self, id: PlayerId, now: Timestamp) {
        if let Some(player) = self.player_mut(id) {
            player.change_plight(|plight| plight.silence = None);
            if is_silent(player) {
                mark!(PlayedUnheard);
                self.recover_voice(id, VoiceTrouble::Silent, VoiceRecovery::BackOff, now);
            }
        }
    }

    /// What joins the channel, with the bot shown as it was there, or as it is everywhere.
    pub(super) fn join_payload(&self, guild: GuildId, channel: ChannelId) -> GatewayPayload {
        let player = self.player_of(guild).and_then(|id| self.player(id));
        let Rejoin {
            self_mute,
            self_deaf,
            ..
        } = self.config.rejoin.unwrap_or_default();
        let shows = player.and_then(|player| player.care.shows);
        let (self_mute, self_deaf) = shows.unwrap_or((self_mute, self_deaf));
        GatewayPayload::join(guild, channel, self_mute, self_deaf)
    }

    fn rejoining(&self, id: PlayerId) -> Option<(GuildId, Rejoining)> {
        let player = self.player(id)?;
        Some((player.guild, player.plight().rejoining?))
    }

    fn set_step(&mut self, id: PlayerId, step: Step) {
        if let Some((_, rejoining)) = self.rejoining(id) {
            self.set_rejoining(id, Some(Rejoining { step, ..rejoining }));
        }
    }

    /// Puts this in place of what was being done, whose timer is not waited for any more.
    pub(super) fn set_rejoining(&mut self, id: PlayerId, rejoining: Option<Rejoining>) {
        let Some(player) = self.players.get_mut(id.slot, id.generation) else {
            return;
        };
        let earlier = player.plight().rejoining;
        let earlier = earlier.and_then(|earlier| earlier.step.timer());
        if let Some(timer) = earlier
            && rejoining.and_then(|rejoining| rejoining.step.timer()) != Some(timer)
        {
            self.timers.cancel(timer);
        }
        player.change_plight(|plight| plight.rejoining = rejoining);
    }
}

impl Timers {
    /// Nothing of the player is watched over any more.
    pub(super) fn clear_care(&mut self, player: &mut Player) {
        if let Activity::Waiting(timer) = std::mem::take(&mut player.care.activity) {
            self.cancel(timer);
        }
        if let Some(plight) = player.plight.take() {
            plight.timers().for_each(|timer| self.cancel(timer));
        }
    }
}

/// Whether another connection took the place of the one that closed, or is about to.
fn is_of_a_move(player: &Player, code: VoiceCloseCode, now: Timestamp) -> bool {
    let may_be = code.may_be_of_a_move();
    let is_fresh = player.care.has_fresh_voice(now);
    let says_left = !matches!(
        code,
        VoiceCloseCode::SessionInvalid | VoiceCloseCode::SessionTimeout
    );
    player.is_moving()
        || player.unsent.has(Fields::VOICE)
        || (may_be && player.stage.in_flight().has(Fields::VOICE))
        || (may_be && says_left && is_fresh)
}

/// Whether it should be heard, its node has all that it needs for that, and it is not.
fn is_silent(player: &Player) -> bool {
    let voice = player.voice.as_ref();
    // Discord may have taken the server away, and name no other.
    let is_joined = voice.is_some_and(|voice| voice.channel().is_some());
    let rejoining = player.plight().rejoining;
    let is_cared_for =
        rejoining.is_some_and(|rejoining| !matches!(rejoining.step, Step::Watching(_)));
    player.plays()
        && !player.wanted.paused
        && !player.connected
        && is_joined
        && !is_cared_for
        && !player.pending().has(Fields::VOICE)
}

/// The pause before the next try after this many.
fn pause_before(tries: u32) -> Duration {
    match tries {
        0 => Duration::ZERO,
        _ => PAUSE_MAX.min(Duration::from_secs(1 << tries.min(8))),
    }
}

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The pause after Discord said that there were too many tries.
const LATE: Duration = Duration::from_secs(60);
/// How long the second half of Discord's answer may take after the first.
const OTHER_HALF: Duration = Duration::from_secs(1);
/// A connection that stands for so long is as good as any: its next trouble is a new one.
const HOLDS_FOR: Duration = Duration::from_secs(60);
