//! What goes out on a node's REST sockets, in which order, and what it says.

use ::http::Method;

use super::tables::Tables;
use super::wires::{Effect, Exchange};
use crate::id::{NodeId, SocketId};
use crate::node::{Job, Kept, Lane, LaneKind, Node};
use crate::player::{Fields, PlayerId, Stage};
use crate::protocol::plugins::KnownPlugin;
use crate::protocol::{GuildId, SessionUpdate};
use crate::rest::{Request, write_player_patch};
use crate::time::Timestamp;

/// The buffers in which a request is written; they keep their memory.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    target: Vec<u8>,
    pub(super) body: Vec<u8>,
}

/// A request that was written.
pub(super) struct Written {
    pub(super) method: Method,
    pub(super) effect: Effect,
}

impl Scratch {
    pub(super) fn clear(&mut self) {
        self.target.clear();
        self.body.clear();
    }

    pub(super) fn target(&self) -> &str {
        std::str::from_utf8(&self.target).expect("a target is percent-encoded")
    }
}

impl Written {
    fn plain(method: Method) -> Self {
        let effect = Effect::default();
        Self { method, effect }
    }

    /// Whether it changes how the session is kept.
    const fn changing_session(mut self, changes_session: bool) -> Self {
        self.effect.changes_session = changes_session;
        self
    }
}

impl Tables {
    /// The next job of a lane and the free socket for it, if there are both.
    pub(super) fn next_job(&mut self, id: NodeId, kind: LaneKind) -> Option<(SocketId, Job)> {
        let limits = &self.config.limits;
        // One is left for all else, if there is more than one.
        let others = limits.control_sockets_max.saturating_sub(1).max(1);
        let voice_max = limits.voice_sockets_max.min(others);
        let Self {
            nodes,
            players,
            requests,
            ..
        } = self;
        let node = nodes.get_mut(id.slot, id.generation)?;
        if !node.may_ask() {
            return None;
        }
        let reconciling = node.reconciling;
        let patching = &node.patching;
        let (plugins, changing_session) = (&node.plugins, node.changing_session);
        let lane = match kind {
            LaneKind::Control => &mut node.control,
            LaneKind::Lookup => &mut node.lookup,
        };
        let socket = *lane.idle.last()?;
        let job = lane.pop(|lane, job| {
            if let Job::Delete(guild) = job {
                // It must not overtake a PATCH, nor the list of players that it is compared with.
                return !reconciling && !patching.contains(&guild) && !plugins.holds_burial(guild);
            }
            let (Job::Player(id) | Job::Check(id)) = job else {
                return !changing_session || !requests.changes_session(job);
            };
            let Some(player) = players.get(id.slot, id.generation) else {
                return true;
            };
            if patching.contains(&player.guild) {
                // One that was on its way before it left, and came back.
                return false;
            }
            if let Job::Check(_) = job {
                return true;
            }
            let has_room_for_voice = !player.unsent.has(Fields::VOICE) || lane.voice < voice_max;
            let has_room_for_move = !player.is_moving() || lane.moves < lane.window.size;
            let is_held = player.unsent.has(Fields::TRACK) && plugins.holds_plays(player.guild);
            has_room_for_voice && has_room_for_move && !is_held
        })?;
        lane.idle.pop();
        Some((socket, job))
    }

    /// Writes the job's request; nothing if there is nothing left to ask.
    pub(super) fn write_request(
        &mut self,
        id: NodeId,
        job: Job,
        scratch: &mut Scratch,
        now: Timestamp,
    ) -> Option<Written> {
        match job {
            Job::Player(player) => self.write_player(id, player, scratch, now),
            Job::Check(player_id) => {
                let exchange = self.exchanges;
                let player = self
                    .player_mut(player_id)
                    .filter(|player| player.is_queued_at(id))?;
                if !player.must_check() {
                    // The play in doubt is not wanted any more: there is only something to send.
                    player.stage = Stage::Idle;
                    self.sync(player_id);
                    return None;
                }
                player.stage = Stage::Asked { exchange };
                let guild = player.guild;
                self.write_rest(id, &Request::Player(guild), scratch)
            }
            Job::Look(player) => {
                let exchange = self.exchanges;
                let player = self
                    .player_mut(player)
                    .filter(|player| player.is_to_be_looked_at(id))?;
                player.stage = Stage::Looking { exchange };
                let guild = player.guild;
                self.write_rest(id, &Request::Player(guild), scratch)
            }
            Job::Delete(guild) => {
                let request = self.node(id)?.tombstones.get(&guild)?.request(guild);
                self.write_rest(id, &request, scratch)
            }
            Job::Session { resuming } => {
                let keeping = self.node(id)?.keeping;
                let update = SessionUpdate {
                    resuming: Some(resuming && keeping.resuming),
                    timeout: keeping.timeout.filter(|_| resuming),
                };
                self.ask_to_keep(id, update);
                let written = self.write_rest(id, &Request::UpdateSession(update), scratch)?;
                Some(written.changing_session(true))
            }
            Job::Plugin(guild, plugin) => self.write_plugin(id, guild, plugin, scratch),
            Job::Players => self.write_rest(id, &Request::Players, scratch),
            Job::Info => self.write_rest(id, &Request::Info, scratch),
            Job::Request(number) => {
                let changes_session = self.requests.changes_session(job);
                let node = self.nodes.get(id.slot, id.generation)?;
                let request = self.requests.send(number)?;
                let written = write_rest(node, request, scratch)?;
                if let Request::UpdateSession(update) = request {
                    let update = *update;
                    self.ask_to_keep(id, update);
                }
                Some(written.changing_session(changes_session))
            }
        }
    }

    /// From here on the server may keep the session, whether or not it ever says so.
    fn ask_to_keep(&mut self, id: NodeId, update: SessionUpdate) {
        let node = self.node_mut(id);
        if let Some(session) = node.and_then(|node| node.session.as_mut())
            && session.kept == Kept::No
            && update.resuming == Some(true)
        {
            session.kept = Kept::Perhaps;
        }
    }

    pub(super) fn write_rest(
        &self,
        id: NodeId,
        request: &Request,
        scratch: &mut Scratch,
    ) -> Option<Written> {
        write_rest(self.node(id)?, request, scratch)
    }

    /// Whether there is something to send of a player whose turn it is at the node.
    fn has_to_send(&mut self, id: NodeId, player_id: PlayerId) -> bool {
        let is_nodelink = self.node(id).is_some_and(Node::is_nodelink);
        let player = self.player_mut(player_id);
        let Some(player) = player.filter(|player| player.is_queued_at(id)) else {
            return false;
        };
        player.stage = Stage::Idle;
        player.drop_lost_voice();
        let settled = match is_nodelink {
            true => {
                player.hold_lone_pause();
                player.drop_needless_pause()
            }
            false => Vec::new(),
        };
        let has_some = player.has_to_send();
        self.answer_settled(settled);
        if !has_some {
            self.player_changed(player_id);
            self.sync(player_id);
            self.settle_player(player_id);
        }
        has_some
    }

    /// The one PATCH that makes the node's player equal to the wanted one.
    fn write_player(
        &mut self,
        id: NodeId,
        player_id: PlayerId,
        scratch: &mut Scratch,
        now: Timestamp,
    ) -> Option<Written> {
        if !self.has_to_send(id, player_id) {
            return None;
        }
        self.leave_quiet(player_id, now);
        let Self {
            nodes,
            players,
            exchanges,
            ..
        } = self;
        let node = nodes.get(id.slot, id.generation)?;
        let player = players.get_mut(player_id.slot, player_id.generation)?;
        player.busy(); // It remembers what a refusal goes back to.
        let (moves, fields) = (player.is_moving(), player.take_unsent());
        // A node that begins a track counts from where it is told to; while another one still
        // plays it, that one's count goes on beside it.
        let mut sent = player.wanted.clone();
        if moves || fields.has(Fields::TRACK) {
            sent.rebase(now);
            player.awaits_start = player.wanted.track.is_some();
        }
        if !player.is_led_over() {
            player.wanted = sent.clone();
        }
        let fields = match node.is_nodelink() {
            true => player.keep_pause_back(fields, &mut sent),
            false => fields,
        };
        player.stage = Stage::Sent {
            exchange: *exchanges,
            fields,
        };
        player.was_sent = true;
        let tagged = fields
            .has(Fields::TRACK.with(Fields::USER_DATA))
            .then(|| sent.tagged())
            .flatten();
        let voice = player.voice_to_send(fields);
        let patch = sent.patch(fields, tagged.as_ref(), voice.as_ref(), now);
        write_player_patch(
            node.config.endpoint().path_prefix(),
            node.session_id()?.expose(),
            player.guild,
            false,
            &patch,
            &mut scratch.target,
            &mut scratch.body,
        );
        let effect = Effect {
            fields,
            sought_ms: sent.sought_ms(fields, now),
            moves,
            guild: Some(player.guild),
            changes_session: false,
        };
        // Where it begins it stands until it is confirmed.
        sent.clock.run(false, now);
        player.note_sent(fields, sent, now);
        player.regulate(now);
        self.player_changed(player_id);
        let method = Method::PATCH;
        Some(Written { method, effect })
    }

    /// The request is off its socket, one way or the other.
    pub(super) fn exchange_ended(
        &mut self,
        id: NodeId,
        socket: SocketId,
        kind: LaneKind,
        exchange: &Exchange,
    ) {
        let Some(node) = self.node_mut(id) else {
            return;
        };
        let lane: &mut Lane = node.lane(kind);
        lane.drop_socket(socket);
        lane.voice = lane
            .voice
            .saturating_sub(usize::from(exchange.effect.fields.has(Fields::VOICE)));
        lane.moves = lane
            .moves
            .saturating_sub(usize::from(exchange.effect.moves));
        if let Some(guild) = exchange.effect.guild {
            node.patching.remove(&guild);
        }
        node.changing_session &= !exchange.effect.changes_session;
    }

    /// Whether the socket may have died idle. A look before a play comes first on the fresh one: a
    /// server that ends each under a PATCH would be asked for ever, a round trip apart.
    pub(super) fn may_repeat_at_once(&mut self, exchange: &Exchange) -> bool {
        let Job::Player(id) = exchange.job else {
            return true;
        };
        self.player_mut(id)
            .is_none_or(|player| !std::mem::replace(&mut player.busy().was_repeated, true))
    }

    /// The socket died under a request that the server has most likely never seen: it goes out
    /// once more on a fresh one, a play only after a look.
    pub(super) fn repeat_on_fresh(&mut self, id: NodeId, exchange: &Exchange, now: Timestamp) {
        self.doubt_exchange(id, exchange, now);
        if self.is_outdated(id, exchange) {
            return;
        }
        match exchange.job {
            Job::Player(player_id) | Job::Check(player_id) => {
                if let Some(player) = self.player_mut(player_id) {
                    let overtaken = player.recall();
                    player.doubt(exchange.effect.fields, overtaken, exchange.sent_at);
                }
                self.sync(player_id);
            }
            Job::Look(player) => self.look_failed(player, id, now),
            Job::Request(number) => self.repeat_request(number, id),
            Job::Plugin(guild, plugin) => self.repeat_plugin(id, guild, plugin),
            Job::Delete(_) | Job::Session { .. } | Job::Players | Job::Info => {
                if let Some(node) = self.node_mut(id) {
                    node.lane(kind_of(exchange.job)).push_first(exchange.job);
                }
            }
        }
    }

    /// Whether what is asked is about the node's session.
    pub(super) fn names_session(&self, job: Job) -> bool {
        match job {
            Job::Request(number) => {
                let request = self.requests.get(number);
                request.is_some_and(Request::needs_session)
            }
            Job::Info => false,
            Job::Player(_)
            | Job::Check(_)
            | Job::Look(_)
            | Job::Delete(_)
            | Job::Session { .. }
            | Job::Plugin(..)
            | Job::Players => true,
        }
    }

    /// The node has no player for the guild, and none of ours comes before that is so.
    pub(super) fn is_buried(&self, node: NodeId, guild: GuildId) -> bool {
        self.node(node)
            .is_some_and(|node| node.tombstones.contains_key(&guild))
    }
}

fn write_rest(node: &Node, request: &Request, scratch: &mut Scratch) -> Option<Written> {
    let session = node.session_id().map(|id| id.expose());
    let prefix = node.config.endpoint().path_prefix();
    if !request.write_target(prefix, session, &mut scratch.target) {
        return None;
    }
    request.write_body(&mut scratch.body);
    Some(Written::plain(request.method()))
}

/// The lane of one of the pool's own jobs.
pub(super) const fn kind_of(job: Job) -> LaneKind {
    match job {
        // To find lyrics takes a plugin as long as a search.
        Job::Info | Job::Request(_) | Job::Plugin(_, KnownPlugin::LavaLyrics) => LaneKind::Lookup,
        Job::Player(_)
        | Job::Check(_)
        | Job::Look(_)
        | Job::Delete(_)
        | Job::Session { .. }
        | Job::Plugin(..)
        | Job::Players => LaneKind::Control,
    }
}

#[cfg(test)]
mod tests {
    use super::super::requests::lane_of;
    use super::*;

    #[test]
    fn the_pools_own_jobs_never_share_a_lane_with_searches_unless_they_are_lookups() {
        assert_eq!(kind_of(Job::Info), lane_of(&Request::Info));
        assert_eq!(kind_of(Job::Players), lane_of(&Request::Players));
    }
}
