//! [`Commands`]: what was asked for and is not answered yet.

use std::collections::BTreeMap;

use super::tables::Tables;
use super::timers::{Timer, TimerKey};
use crate::command::Answer;
use crate::error::{NodeFailure, RequestError, SubmitError, Unconfirmed};
use crate::id::{CommandId, NodeId};
use crate::output::Output;
use crate::player::{PlayerId, Waiting};
use crate::time::Timestamp;

/// What was asked for and is not answered yet.
#[derive(Debug, Default)]
pub(super) struct Commands {
    open: BTreeMap<CommandId, Open>,
    last: u64,
}

#[derive(Debug)]
struct Open {
    deadline: TimerKey,
    waits: Waits,
    /// Whether nobody waits for the answer any more.
    is_silent: bool,
}

/// What a command waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// Nothing that knows of it but what answers it.
    Nothing,
    /// A player to be confirmed.
    Player(PlayerId),
    /// A node to be ready.
    Ready(NodeId),
    /// A pong.
    Pong(NodeId),
    /// A node to have no player left.
    Drained(NodeId),
    /// A node to be gone.
    Gone(NodeId),
    /// The answer to a request.
    Request(u64),
    /// The tracks of a query, by the number of its request.
    Fetch(u64),
    /// Every node to be gone.
    Close,
}

impl Tables {
    /// Opens a command, which must be answered by `deadline`. News is answered at once, and finds
    /// room however many others wait.
    pub(super) fn open(
        &mut self,
        deadline: Timestamp,
        is_news: bool,
    ) -> Result<CommandId, SubmitError> {
        let max = self.config.limits.commands_max;
        if self.commands.open.len() >= max && !is_news {
            mark!(TooManyCommands);
            return Err(SubmitError::TooManyCommands { max });
        }
        self.commands.last += 1;
        let id = CommandId(self.commands.last);
        let deadline = self.timers.arm(deadline, Timer::Command(id));
        self.commands.open.insert(
            id,
            Open {
                deadline,
                waits: Waits::Nothing,
                is_silent: false,
            },
        );
        Ok(id)
    }

    /// Takes back a command that was refused after all.
    pub(super) fn unopen(&mut self, id: CommandId) {
        if let Some(open) = self.commands.open.remove(&id) {
            self.timers.cancel(open.deadline);
        }
    }

    pub(super) fn wait_for(&mut self, id: CommandId, waits: Waits) {
        if let Some(open) = self.commands.open.get_mut(&id) {
            open.waits = waits;
        }
    }

    /// Answers a command, unless that has been done, or nobody waits any more.
    pub(super) fn answer(&mut self, id: CommandId, answer: Result<Answer, RequestError>) {
        if let Some(open) = self.commands.open.remove(&id) {
            self.timers.cancel(open.deadline);
            if !open.is_silent {
                self.outputs.push_back(Output::Answer(id, answer));
            }
        }
    }

    pub(super) fn answer_all(
        &mut self,
        ids: impl IntoIterator<Item = CommandId>,
        answer: &Result<Answer, RequestError>,
    ) {
        for id in ids {
            self.answer(id, answer.clone());
        }
    }

    /// Answers commands whose fields were confirmed, or set again before they were sent.
    pub(super) fn answer_settled(&mut self, settled: Vec<Waiting>) {
        for waiting in settled {
            let answer = if waiting.confirmed {
                Ok(Answer::Done)
            } else {
                Err(RequestError::Superseded)
            };
            self.answer(waiting.command, answer);
        }
    }

    pub(super) fn answer_waiting(&mut self, waiting: Vec<Waiting>, error: &RequestError) {
        let ids = waiting.into_iter().map(|waiting| waiting.command);
        self.answer_all(ids, &Err(error.clone()));
    }

    /// The deadline of a command has come.
    pub(super) fn command_due(&mut self, id: CommandId) {
        let Some(open) = self.commands.open.get(&id) else {
            return;
        };
        let error = match open.waits {
            Waits::Nothing => RequestError::Unconfirmed(Unconfirmed::Deadline),
            Waits::Player(player) => RequestError::Unconfirmed(self.abandon(player, id)),
            Waits::Ready(node) => match self.node(node) {
                Some(node) => RequestError::NotConnected {
                    node: node.node.name.clone(),
                    last: node.loss.clone(),
                },
                None => RequestError::NodeRemoved,
            },
            Waits::Pong(_) => RequestError::NodeFailed(NodeFailure::TimedOut),
            Waits::Drained(_) => RequestError::Unconfirmed(Unconfirmed::Deadline),
            Waits::Request(request) => self.give_up_request(request),
            Waits::Fetch(request) => self.give_up_fetch(request, id),
            Waits::Gone(node) => return self.depart_now(node),
            Waits::Close => return self.close_now(),
        };
        self.forget_command(id);
        self.answer(id, Err(error));
    }

    /// Nobody waits for the command any more: a question that is unsent is dropped, and what
    /// changes something goes on without an answer.
    pub(super) fn cancel_command(&mut self, id: CommandId) {
        let Some(open) = self.commands.open.get_mut(&id) else {
            return;
        };
        let goes_on = match open.waits {
            Waits::Gone(_) | Waits::Close => true,
            Waits::Request(request) => !self.requests.changes_nothing(request),
            Waits::Fetch(request) => {
                self.leave_fetch(request, id);
                false
            }
            Waits::Player(player) => {
                self.abandon(player, id);
                false
            }
            Waits::Nothing | Waits::Ready(_) | Waits::Pong(_) | Waits::Drained(_) => false,
        };
        if goes_on {
            if let Some(open) = self.commands.open.get_mut(&id) {
                mark!(CancelledOnItsWay);
                open.is_silent = true;
            }
            return;
        }
        if let Some(Waits::Request(request)) = self.commands.open.get(&id).map(|open| open.waits) {
            self.cancel_request(request);
        }
        self.forget_command(id);
        self.unopen(id);
    }

    /// Takes the command off the lists of the node that it waits for.
    fn forget_command(&mut self, id: CommandId) {
        let Some(open) = self.commands.open.get(&id) else {
            return;
        };
        let (Waits::Ready(node) | Waits::Pong(node) | Waits::Drained(node)) = open.waits else {
            return;
        };
        if let Some(node) = self.node_mut(node) {
            node.awaiting.retain(|other| *other != id);
            node.pings.retain(|other| *other != id);
            node.drains.retain(|other| *other != id);
        }
    }

    /// The command does not wait for the player any more; returns what it waited for last.
    fn abandon(&mut self, player: PlayerId, id: CommandId) -> Unconfirmed {
        let Some(player) = self.player_mut(player) else {
            return Unconfirmed::Deadline;
        };
        if let Some(wishes) = &mut player.wishes {
            wishes.forget(id);
        }
        let awaits_voice = player.awaits_voice();
        if let Some(busy) = &mut player.busy {
            busy.forget(id);
        }
        player.settle();
        if awaits_voice {
            Unconfirmed::Voice
        } else if player.target().is_some() {
            Unconfirmed::Deadline
        } else {
            Unconfirmed::NoNode
        }
    }

    /// Answers everything that is still open with the word that the pool is closed.
    pub(super) fn answer_closed(&mut self) {
        let open: Vec<_> = self
            .commands
            .open
            .iter()
            .map(|(id, open)| (*id, open.waits))
            .collect();
        for (id, waits) in open {
            match waits {
                Waits::Close | Waits::Gone(_) => self.answer(id, Ok(Answer::Done)),
                Waits::Player(_) => {
                    let error = RequestError::Unconfirmed(Unconfirmed::Closing);
                    self.answer(id, Err(error));
                }
                Waits::Nothing
                | Waits::Ready(_)
                | Waits::Pong(_)
                | Waits::Drained(_)
                | Waits::Request(_)
                | Waits::Fetch(_) => self.answer(id, Err(RequestError::Closed)),
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::command::Command;
    use crate::config::PoolConfig;
    use crate::node::NodeConfig;
    use crate::pool::Pool;
    use crate::protocol::UserId;
    use crate::seed::Seed;

    /// A pool with one node.
    pub(in crate::pool) fn pool() -> (Pool, NodeId) {
        let mut config = PoolConfig::new(UserId::new(1).expect("not zero"));
        let node = NodeConfig::new("a", "http://localhost:2333", "secret");
        config.nodes.push(node.expect("nothing is wrong with it"));
        let pool = Pool::new(config, Seed::from(1), Timestamp::ZERO);
        let pool = pool.expect("nothing is wrong with it");
        let node = pool.nodes().next().expect("it is one").node.id;
        (pool, node)
    }

    #[test]
    fn nothing_is_kept_of_a_command_that_is_cancelled_while_it_waits_for_its_node() {
        let now = Timestamp::ZERO;
        let (mut pool, node) = pool();

        let command = pool.submit(Command::AwaitNode(node), now);
        let command = command.expect("there is room for it");
        let waits = |pool: &Pool| pool.tables.node(node).map(|node| node.awaiting.clone());
        assert_eq!(waits(&pool), Some(vec![command]));
        pool.cancel(command, now);

        assert_eq!(waits(&pool), Some(Vec::new()));
    }

    #[test]
    fn a_command_that_is_forgotten_takes_no_other_off_the_lists_of_its_node() {
        let (mut pool, node) = pool();
        let command = pool.submit(Command::AwaitNode(node), Timestamp::ZERO);
        let command = command.expect("there is room for it");
        let other = CommandId::NOBODY;
        for waits in [Waits::Ready(node), Waits::Pong(node), Waits::Drained(node)] {
            pool.tables.wait_for(command, waits);
            let found = pool.tables.node_mut(node).expect("it is there");
            for list in [&mut found.awaiting, &mut found.pings, &mut found.drains] {
                *list = vec![other, command];
            }
            pool.tables.forget_command(command);
            let found = pool.tables.node(node).expect("it is there");
            for list in [&found.awaiting, &found.pings, &found.drains] {
                assert_eq!(*list, [other]);
            }
        }
    }
}
