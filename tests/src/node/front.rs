//! [`Front`]: what stands before a node, such as TLS or a proxy.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::{Action, ConnectionId, How};

/// What stands before a node on one connection, without IO of its own.
pub trait Front: Send {
    /// Takes what came from the client.
    fn client_sent(&mut self, bytes: &[u8]) -> Passed;

    /// Takes what the node has sent; returns what the client gets.
    fn node_sent(&mut self, bytes: Vec<u8>) -> Vec<u8>;

    /// The node ends the connection in good order; returns the last that the client gets.
    fn node_ended(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

/// What became of bytes from the client.
#[derive(Debug, Default)]
pub struct Passed {
    /// What the node gets.
    pub to_node: Vec<u8>,
    /// What the client gets from the front itself.
    pub to_client: Vec<u8>,
    /// How the front ends the connection, after that.
    pub ends: Option<How>,
}

/// Makes the front of each new connection.
#[derive(Clone)]
pub struct Fronts(Arc<dyn Fn() -> Box<dyn Front> + Send + Sync>);

impl Fronts {
    /// Calls this for each connection.
    pub fn new(make: impl Fn() -> Box<dyn Front> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// Makes the front of one connection.
    pub fn make(&self) -> Box<dyn Front> {
        (self.0)()
    }
}

impl fmt::Debug for Fronts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fronts")
    }
}

/// The fronts of a node's connections, and what they have for the network.
#[derive(Default)]
pub(super) struct Gate {
    fronts: BTreeMap<ConnectionId, Box<dyn Front>>,
    actions: VecDeque<Action>,
}

impl Gate {
    pub(super) fn open(&mut self, connection: ConnectionId, fronts: &Fronts) {
        self.fronts.insert(connection, fronts.make());
    }

    /// Takes what came from the network; returns what the node gets, and whether that is all
    /// that it ever gets.
    pub(super) fn client_sent(
        &mut self,
        connection: ConnectionId,
        bytes: &[u8],
    ) -> Option<(Vec<u8>, bool)> {
        let passed = self.fronts.get_mut(&connection)?.client_sent(bytes);
        if !passed.to_client.is_empty() {
            let sent = Action::Send(connection, passed.to_client);
            self.actions.push_back(sent);
        }
        if let Some(how) = passed.ends {
            self.fronts.remove(&connection);
            self.actions.push_back(Action::Close(connection, how));
        }
        Some((passed.to_node, passed.ends.is_some()))
    }

    pub(super) fn forget(&mut self, connection: ConnectionId) {
        self.fronts.remove(&connection);
    }

    /// Takes what the node wants of the network.
    pub(super) fn pass(&mut self, action: Action) {
        match action {
            Action::Send(connection, bytes) => {
                let bytes = match self.fronts.get_mut(&connection) {
                    Some(front) => front.node_sent(bytes),
                    None => bytes,
                };
                if !bytes.is_empty() {
                    self.actions.push_back(Action::Send(connection, bytes));
                }
            }
            Action::Close(connection, how) => {
                // One that ended its direction hears on: the client's goodbye comes later.
                match (how, self.fronts.get_mut(&connection)) {
                    (How::Fin, Some(front)) => {
                        let last = Action::Send(connection, front.node_ended());
                        self.actions.push_back(last);
                    }
                    (How::Reset, _) => self.forget(connection),
                    (How::Fin, None) => {}
                }
                self.actions.push_back(Action::Close(connection, how));
            }
        }
    }

    pub(super) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gate").field(&self.fronts.len()).finish()
    }
}
