//! What a node's answers to the pool's own requests, or their absence, mean.

use std::sync::Arc;
use std::time::Duration;

use super::fetches::sources;
use super::requests::RETRY_AFTER_MAX;
use super::tables::Tables;
use super::timers::Timer;
use super::wires::Exchange;
use crate::command::Answer;
use crate::error::{NodeFailure, RequestError, is_unavailable};
use crate::http::Response;
use crate::id::NodeId;
use crate::node::{Job, Kept, LaneKind};
use crate::player::{Fields, Played, Player, PlayerId, Stage};
use crate::protocol::{self, GuildId};
use crate::rest::{self, Refusal, Request};
use crate::time::Timestamp;

/// How an answer to a request about the session or a player is to be taken.
pub(super) enum Class {
    Done,
    /// 404 "Session not found": the session is away, or gone.
    SessionUnknown,
    /// Asking again would not help.
    Rejected {
        status: u16,
        message: Option<Arc<str>>,
        /// Whether it is the server's own word that it has no such player.
        no_player: bool,
    },
    /// The node, or what stands before it, cannot answer now.
    NodeFailed {
        failure: NodeFailure,
        retry_after: Option<Duration>,
    },
}

/// The pause before a player's state is sent again, for each failure in a row.
pub(super) const RESEND_AFTER: Duration = Duration::from_secs(1);
/// The longest such pause.
pub(super) const RESEND_AFTER_MAX: Duration = Duration::from_secs(10);
/// How often a player's DELETE is sent to a node that answers 500 to it.
const DELETES_MAX: u8 = 3;
/// The pause before the second try of content that was answered 500.
const REFUSED_RESEND_AFTER: Duration = Duration::from_millis(250);

impl Tables {
    /// A whole response came.
    pub(super) fn responded(
        &mut self,
        id: NodeId,
        exchange: &Exchange,
        response: &Response<'_>,
        now: Timestamp,
    ) {
        let class = if is_foreign(exchange.job, response) {
            mark!(AnswerForeign);
            Class::NodeFailed {
                failure: NodeFailure::ProtocolViolation,
                retry_after: response.retry_after,
            }
        } else {
            classify(response)
        };
        if let Class::NodeFailed {
            failure,
            retry_after,
        } = class
        {
            return self.failed_for(id, exchange, failure, retry_after, now);
        }
        self.node_answered(id, now);
        if exchange.effect.moves
            && let Some(node) = self.node_mut(id)
        {
            node.control.window.answered(now.since(exchange.sent_at));
        }
        if self.is_outdated(id, exchange) {
            mark!(AnswerOutdated);
            return;
        }
        match exchange.job {
            Job::Player(player) => self.patched(id, player, class, response.body, now),
            Job::Check(player) => self.checked(id, player, class, response.body, now),
            Job::Look(player) => self.looked_at(player, id, class, response.body, now),
            Job::Delete(guild) => self.deleted(id, guild, class, now),
            Job::Session { resuming } => self.session_patched(id, resuming, class),
            Job::Players => self.players_listed(id, class, response.body, now),
            Job::Plugin(guild, plugin) => {
                self.plugin_answered(id, guild, plugin, class, now);
            }
            Job::Info => self.informed(id, response),
            Job::Request(number) => {
                let Some(request) = self.requests.get(number) else {
                    return;
                };
                let answer = request.decode(response.status, response.body);
                let is_lost = !request.is_lookup() && matches!(class, Class::SessionUnknown);
                self.request_answered(number, id, answer);
                if is_lost {
                    self.session_unknown(id, now);
                }
            }
        }
    }

    /// No answer came, or none that can be read.
    pub(super) fn failed(
        &mut self,
        id: NodeId,
        exchange: &Exchange,
        failure: NodeFailure,
        now: Timestamp,
    ) {
        self.failed_for(id, exchange, failure, None, now);
    }

    fn failed_for(
        &mut self,
        id: NodeId,
        exchange: &Exchange,
        failure: NodeFailure,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) {
        self.doubt_exchange(id, exchange, now);
        // What answered something else in the meantime is well; its voice server is not.
        let is_well = self
            .node(id)
            .is_some_and(|node| node.answered_at > exchange.sent_at);
        let is_voice = failure == NodeFailure::TimedOut
            && exchange.effect.fields.has(Fields::VOICE)
            && is_well;
        // A plugin asks others for what it is told to find; the node plays on without.
        let is_plugin = matches!(exchange.job, Job::Plugin(..));
        if failure != NodeFailure::SessionLost && !is_voice && !is_plugin {
            self.node_failed(id, now);
            if let Some(node) = self.node_mut(id) {
                node.control.window.failed();
            }
        }
        if self.is_outdated(id, exchange) {
            return;
        }
        match exchange.job {
            Job::Player(player) if is_voice && !exchange.effect.moves => {
                self.voice_failed(player, id, now);
            }
            Job::Player(player) => {
                let sent = (exchange.effect.fields, exchange.sent_at);
                self.patch_failed(player, sent, failure, retry_after, now);
            }
            Job::Check(_)
            | Job::Look(_)
            | Job::Delete(_)
            | Job::Session { .. }
            | Job::Plugin(..)
            | Job::Players
            | Job::Info
            | Job::Request(_) => self.job_failed(id, exchange.job, failure, retry_after, now),
        }
    }

    /// Whether the request was about a player that has been given another one since, or is
    /// somewhere else; or was for a plugin that has forgotten everything.
    pub(super) fn is_outdated(&self, node: NodeId, exchange: &Exchange) -> bool {
        let present = match exchange.job {
            Job::Player(id) | Job::Check(id) | Job::Look(id) => {
                self.player(id).and_then(|player| player.stage.exchange())
            }
            Job::Plugin(guild, plugin) => self
                .node(node)
                .and_then(|node| node.plugins.get(guild, plugin).stage.exchange()),
            Job::Delete(_) | Job::Session { .. } | Job::Players | Job::Info | Job::Request(_) => {
                return false;
            }
        };
        present != Some(exchange.serial)
    }

    /// The job could not be done: each has its own rule of when to ask again.
    fn job_failed(
        &mut self,
        id: NodeId,
        job: Job,
        failure: NodeFailure,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) {
        match job {
            Job::Look(player) => self.look_failed(player, id, now),
            Job::Player(player) | Job::Check(player) => {
                self.patch_failed(player, (Fields::NONE, now), failure, retry_after, now);
            }
            Job::Session { resuming: false } => self.session_ended(id),
            Job::Plugin(guild, plugin) => {
                self.plugin_failed(id, guild, plugin);
                self.postpone(id, job, retry_after, now);
            }
            Job::Delete(guild) => {
                self.postpone(id, job, retry_after, now);
                self.move_blocked(guild, id, now);
            }
            Job::Session { resuming: true } | Job::Players | Job::Info => {
                self.postpone(id, job, retry_after, now);
            }
            Job::Request(number) => self.request_failed(number, failure, retry_after, now),
        }
    }

    /// The node failed to answer: its breaker counts that.
    fn node_failed(&mut self, id: NodeId, now: Timestamp) {
        let at = now + crate::node::Breaker::OPEN_FOR;
        let Some(node) = self.node_mut(id) else {
            return;
        };
        if node.breaker.failed() {
            self.timers.arm(at, Timer::Probe(id));
            self.node_changed(id);
        }
    }

    fn node_answered(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.answered_at = now;
        node.setbacks = 0;
        if node.breaker.answered() {
            self.node_changed(id);
        }
    }

    /// A failing node may be tried again.
    pub(super) fn probe_due(&mut self, id: NodeId, now: Timestamp) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        node.breaker.probe();
        self.node_changed(id);
        self.place_waiting_players(now);
        self.route_waiting_requests();
    }

    /// The lane could not open a socket although the WebSocket stands.
    pub(super) fn dial_failed(&mut self, id: NodeId, kind: LaneKind, now: Timestamp) {
        self.node_failed(id, now);
        let Some(node) = self.node_mut(id) else {
            return;
        };
        // One job a failed dial: each has its own rule of when to ask again.
        let Some(job) = node.lane(kind).pop(|_, _| true) else {
            return;
        };
        if let Job::Player(player) | Job::Check(player) | Job::Look(player) = job {
            let is_its = |player: &&mut Player| match job {
                Job::Look(_) => player.is_to_be_looked_at(id),
                _ => player.is_queued_at(id),
            };
            match self.player_mut(player).filter(is_its) {
                Some(player) => player.stage.unqueue(),
                None => return,
            }
        }
        self.job_failed(id, job, NodeFailure::ConnectionLost, None, now);
    }

    fn patched(&mut self, id: NodeId, player: PlayerId, class: Class, body: &[u8], now: Timestamp) {
        match class {
            Class::Done => {
                if self.goes_on_for_voice(player, now) {
                    return;
                }
                let guild = self.player(player).map(|player| player.guild);
                let reply = std::str::from_utf8(body).ok();
                let reply = reply.and_then(|text| protocol::Confirmed::decode(text).ok());
                let reply = reply.filter(|reply| guild.is_some_and(|guild| reply.is_of(guild)));
                self.player_confirmed(player, id, reply.as_ref(), now);
            }
            Class::SessionUnknown => {
                if let Some(player) = self.player_mut(player) {
                    player.recall();
                }
                self.session_unknown(id, now);
            }
            Class::Rejected {
                status, message, ..
            } => {
                let Some(found) = self.player_mut(player) else {
                    return;
                };
                if found.may_be_sent_again(status) {
                    mark!(PatchRefusedOnce);
                    found.recall();
                    return self.resend_later(player, REFUSED_RESEND_AFTER, now);
                }
                self.player_rejected(player, id, status, message, now);
            }
            Class::NodeFailed { .. } => {}
        }
    }

    /// Whether a PATCH without an answer has arrived is not known.
    fn patch_failed(
        &mut self,
        player_id: PlayerId,
        (sent, sent_at): (Fields, Timestamp),
        failure: NodeFailure,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) {
        let Some(player) = self.player_mut(player_id) else {
            return;
        };
        let overtaken = player.recall();
        if failure == NodeFailure::SessionLost {
            // The loss of the node decides what becomes of the player.
            return;
        }
        if player.is_moving() {
            return self.move_failed(player_id, failure, now);
        }
        player.doubt(sent, overtaken, sent_at);
        let busy = player.busy();
        busy.failures = busy.failures.saturating_add(1);
        let pause = RESEND_AFTER
            .saturating_mul(u32::from(busy.failures))
            .min(RESEND_AFTER_MAX);
        let pause = pause.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX));
        player.regulate(now);
        self.resend_later(player_id, pause, now);
        self.player_changed(player_id);
    }

    /// The node said whether a play had arrived whose answer did not.
    fn checked(
        &mut self,
        id: NodeId,
        player_id: PlayerId,
        class: Class,
        body: &[u8],
        now: Timestamp,
    ) {
        let Some(player) = self.player_mut(player_id) else {
            return;
        };
        let Some(exchange) = player.stage.exchange() else {
            return;
        };
        player.stage = Stage::Idle;
        if let Class::SessionUnknown = class {
            return self.session_unknown(id, now);
        }
        let doubtful = std::mem::take(&mut player.busy().doubtful);
        let theirs = player_in(&class, body, player.guild);
        let played = theirs.as_ref().map(|theirs| player.played(theirs, true));
        if let (Some(theirs), Some(played @ (Played::Late | Played::Nothing))) = (&theirs, played)
            && !player.is_moving()
        {
            player.note_base(theirs, played, now);
        }
        // What should have arrived may have been stopped in the meantime.
        if let (Some(theirs), Some(Played::Ours)) = (&theirs, played)
            && player.plays()
        {
            mark!(PlayHadArrived);
            // The rest may have arrived or not, and is harmless to send twice; what was set since
            // has not. Only a pause that is over must be known to be, for the track passes.
            let shown = match theirs.paused || player.wanted.paused {
                true => Fields::PLAY,
                false => Fields::PLAY.with(Fields::PAUSED),
            };
            let fields = player.unsent.and(doubtful).and(shown);
            player.stage = Stage::Sent { exchange, fields };
            player.unsent = player.unsent.without(fields);
            player.awaits_start = false;
            player.heed_connection(&theirs.state);
            let sent = player.heed_arrival(theirs, now);
            player.note_sent(fields, sent, now);
            self.player_confirmed(player_id, id, None, now);
        }
        self.sync(player_id);
    }

    fn deleted(&mut self, id: NodeId, guild: GuildId, class: Class, now: Timestamp) {
        let answer = match class {
            // NodeLink answers 404 where there is no such player.
            Class::Done | Class::Rejected { status: 404, .. } => Ok(Answer::Done),
            Class::Rejected {
                status, message, ..
            } => {
                if status >= 500 && self.may_delete_again(id, guild) {
                    mark!(DeleteRetried);
                    return self.postpone_for(id, Job::Delete(guild), RESEND_AFTER, now);
                }
                if !self.is_doubted(id, guild) {
                    // Whatever it refused that for may pass: it is asked again later.
                    self.doubt(id, guild, None, now);
                }
                Err(RequestError::Rejected { status, message })
            }
            Class::SessionUnknown => return self.session_unknown(id, now),
            Class::NodeFailed { .. } => return,
        };
        if self.is_forgotten(id, guild) {
            self.buried(id, guild, answer);
        }
    }

    /// Counts a DELETE that the server could not do. What it says 500 to may be a passing trouble,
    /// but nothing else of the guild can go to the node before it is done.
    fn may_delete_again(&mut self, id: NodeId, guild: GuildId) -> bool {
        let node = self.node_mut(id);
        let Some(tombstone) = node.and_then(|node| node.tombstones.get_mut(&guild)) else {
            return false;
        };
        tombstone.refusals = tombstone.refusals.saturating_add(1);
        !tombstone.is_gone && tombstone.refusals < DELETES_MAX
    }

    fn session_patched(&mut self, id: NodeId, resuming: bool, class: Class) {
        if !resuming {
            return self.session_ended(id);
        }
        // A server that does not know the request (NodeLink) cannot resume.
        let is_done = matches!(class, Class::Done);
        if let Some(node) = self.node_mut(id)
            && let Some(session) = &mut node.session
        {
            session.kept = Kept::by_word(is_done && node.keeping.resuming);
        }
        self.node_changed(id);
    }

    fn informed(&mut self, id: NodeId, response: &Response<'_>) {
        let Ok(rest::Answer::Info(info)) = Request::Info.decode(response.status, response.body)
        else {
            return;
        };
        if let Some(node) = self.node_mut(id) {
            node.sources = Some(sources(&info));
            node.info = Some(Arc::from(info));
        }
        self.note_sources(id);
        self.node_changed(id);
    }
}

/// The guild's player that an answer tells of; none without one, or if that is not the server's.
pub(super) fn player_in<'a>(
    class: &Class,
    body: &'a [u8],
    guild: GuildId,
) -> Option<protocol::Player<'a>> {
    let text = std::str::from_utf8(body).ok();
    text.filter(|_| matches!(class, Class::Done))
        .and_then(|text| protocol::Player::decode(text).ok())
        .filter(|player| player.guild_id == guild)
}

/// Whether something else answered in the server's place that the request has been done, such as a
/// proxy with a page of its own: Lavalink answers with an object, or with nothing, and with a list
/// of players.
fn is_foreign(job: Job, response: &Response<'_>) -> bool {
    // A look has a rule of its own for what it cannot read; what the application asked for, it is
    // told.
    let is_known = !matches!(job, Job::Look(_) | Job::Request(_));
    let own = if job == Job::Players { b'[' } else { b'{' };
    let first = response.body.trim_ascii_start().first();
    is_known && response.status.is_success() && first.is_some_and(|first| *first != own)
}

fn classify(response: &Response<'_>) -> Class {
    let status = response.status.as_u16();
    match status {
        200..=299 => Class::Done,
        _ if is_unavailable(status) => Class::NodeFailed {
            failure: NodeFailure::Unavailable { status },
            retry_after: response.retry_after,
        },
        _ => {
            let refusal = Refusal::read(response.status, response.body);
            if status == 404 && refusal.body.is_session_not_found() {
                return Class::SessionUnknown;
            }
            let message = refusal.body.message.as_deref().map(Arc::from);
            let no_player = refusal.body.is_player_not_found();
            Class::Rejected {
                status,
                message,
                no_player,
            }
        }
    }
}
