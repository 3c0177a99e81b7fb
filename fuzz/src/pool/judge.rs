//! What must hold after every call.

use std::collections::BTreeMap;

use lavapool_core::{NodeId, Output, SocketId};

use super::peer::{Peer, Request, Speaks};
use super::setup::{CACHED_MAX, LIMITS, SECRET, password};
use super::world::World;

impl World {
    /// Takes all that came out, and judges it.
    pub(super) fn check(&mut self) {
        let mut outputs = Vec::new();
        while let Some(output) = self.pool.poll_output() {
            outputs.push(output);
            assert!(outputs.len() <= OUTPUTS_MAX, "outputs without end");
        }
        for (place, output) in outputs.iter().enumerate() {
            let rest = outputs.get(place..).unwrap_or_default();
            self.output(output, |id| rest.contains(&Output::Close(id)));
        }
        assert!(self.brief.is_empty(), "{:?} have no node", self.brief);
        let mut count = 0;
        while let Some(event) = self.pool.poll_event() {
            count += 1;
            assert!(count <= LIMITS.events_max + 1, "more events than the bound");
            let text = format!("{event:?}");
            self.hidden(&text);
            self.transcript.events.push(text);
        }
        let mut count = 0;
        while self.pool.poll_changed().is_some() {
            count += 1;
            assert!(count <= OUTPUTS_MAX, "views without end");
        }
        self.check_sockets();
        self.check_limits();
    }

    /// An output, and which sockets are closed behind it.
    fn output(&mut self, output: &Output, closes: impl Fn(SocketId) -> bool) {
        let text = format!("{output:?}");
        self.hidden(&text);
        match *output {
            Output::Connect(id, ref endpoint) => {
                assert!(!self.sockets.contains(&id), "{id:?} is used twice");
                self.sockets.push(id);
                let Some(node) = self.pool.node_of(id).cloned() else {
                    self.brief.push(id);
                    return self.transcript.outputs.push(text);
                };
                assert_eq!(endpoint.host(), &*node.name);
                let password = password(&node.name);
                self.servers.entry(node.id).or_default().password = password;
                self.peers.insert(id, Peer::new(node.id));
            }
            Output::Close(id) => {
                let was_brief = self.brief.iter().position(|brief| *brief == id);
                let was_open = match was_brief {
                    Some(place) => {
                        self.brief.remove(place);
                        true
                    }
                    None => self.peers.remove(&id).is_some(),
                };
                assert!(was_open, "{id:?} is closed twice");
            }
            // When it is given depends on the cut.
            Output::Write(id) => {
                let has_bytes = !self.pool.outgoing(id).is_empty();
                assert!(has_bytes || closes(id), "nothing to write on {id:?}");
                let peer = self.peers.get_mut(&id).expect("it is open");
                assert!(!peer.asked_to_write, "{id:?} is told twice to write");
                peer.asked_to_write = true;
                return;
            }
            Output::Answer(id, _) => {
                let was_waiting = self.waiting.remove(&id).is_some();
                assert!(was_waiting, "{id:?} is answered twice or unasked");
            }
            Output::Gateway(_) => {
                let interval = self.setup.config().timing.gateway_interval;
                let last = self.joined_at.replace(self.now);
                assert!(
                    last.is_none_or(|at| self.now.since(at) >= interval),
                    "too fast for Discord"
                );
            }
            _ => {}
        }
        self.transcript.outputs.push(text);
    }

    /// Reads what is new on each socket.
    fn check_sockets(&mut self) {
        let mut asked = Vec::new();
        for (id, peer) in &mut self.peers {
            let waiting = self.pool.outgoing(*id);
            assert!(
                waiting.len() <= WAITING_BYTES_MAX,
                "{} bytes wait",
                waiting.len()
            );
            let new = waiting.get(peer.shown..).expect("what waits stays");
            let is_told = peer.asked_to_write || !peer.connected;
            assert!(
                waiting.is_empty() || is_told,
                "bytes wait on {id:?} and nobody knows"
            );
            if new.is_empty() {
                continue;
            }
            peer.shown = waiting.len();
            let password = &self.servers[&peer.node].password;
            asked.extend(peer.read(new, password).map(|request| (peer.node, request)));
            self.transcript.bytes.entry(*id).or_default().extend(new);
        }
        for (node, request) in asked {
            self.check_session(node, &request);
        }
    }

    /// Only the last session that the node told is spoken of, and only while there is a WebSocket
    /// of it.
    fn check_session(&self, node: NodeId, request: &Request) {
        let Some(session) = request.session_id.as_deref().or_else(|| request.session()) else {
            return;
        };
        let mut websockets = self.peers.values().filter_map(|peer| match &peer.speaks {
            Speaks::WebSocket(websocket) if peer.node == node => Some(websocket),
            _ => None,
        });
        let server = &self.servers[&node];
        if server.is_tainted {
            return;
        }
        assert_eq!(
            server.sessions.last().map(|last| &**last),
            Some(session),
            "{request:?}"
        );
        let is_there = websockets.any(|websocket| websocket.is_ready);
        assert!(
            is_there || request.session_id.is_some(),
            "{request:?} without a websocket"
        );
    }

    fn check_limits(&self) {
        let mut counts = BTreeMap::<NodeId, (usize, usize, usize)>::new();
        for (id, peer) in &self.peers {
            let (websockets, leaving, others) = counts.entry(peer.node).or_default();
            match &peer.speaks {
                // What is over has only its close frame to send, and may outlive its node.
                Speaks::WebSocket(websocket) if websocket.is_over => {
                    *leaving += 1;
                    continue;
                }
                Speaks::WebSocket(_) => *websockets += 1,
                Speaks::Nothing | Speaks::Rest { .. } => *others += 1,
            }
            let owner = self.pool.node_of(*id).map(|node| node.id);
            assert_eq!(owner, Some(peer.node), "{id:?} belongs to another");
        }
        let others_max = LIMITS.control_sockets_max + LIMITS.lookup_sockets_max;
        for (node, (websockets, leaving, others)) in counts {
            assert!(websockets <= 1, "{node:?} has {websockets} websockets");
            assert!(
                leaving <= LEAVING_MAX,
                "{node:?} has {leaving} websockets that are over"
            );
            assert!(others <= others_max, "{node:?} has {others} other sockets");
        }
        for id in self
            .sockets
            .iter()
            .filter(|id| !self.peers.contains_key(id))
        {
            assert!(
                self.pool.outgoing(*id).is_empty(),
                "bytes for {id:?}, which is closed"
            );
            assert!(
                self.pool.node_of(*id).is_none(),
                "{id:?} is closed and known"
            );
        }
        assert!(self.waiting.len() <= LIMITS.commands_max);
        assert!(self.pool.nodes().count() <= LIMITS.nodes_max);
        assert!(self.pool.players().count() <= LIMITS.players_max);
        let capacity = self.pool.cache_capacity().unwrap_or(0);
        assert!(self.pool.cached_results() <= capacity && capacity <= CACHED_MAX);
        if let Some(best) = self.pool.best_node() {
            assert!(
                self.pool.nodes().any(|view| view.node.id == best),
                "{best:?} is the best"
            );
        }
    }

    /// What prints holds no secret.
    pub(super) fn hidden(&self, text: &str) {
        assert!(
            !self.hides || !text.contains(SECRET),
            "a secret is shown: {text}"
        );
    }
}

/// How many outputs one call may have: everything closed, dialled and answered.
const OUTPUTS_MAX: usize = 150;
/// How many WebSockets of a node may wait for the server's last word at the same time.
const LEAVING_MAX: usize = 2;
/// How many bytes may wait on a socket: one request, or a few control frames.
const WAITING_BYTES_MAX: usize = 8 * 1024;
