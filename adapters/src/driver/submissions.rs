//! What handles ask for: commands, cancellations, and what Discord said.

use std::sync::Arc;

use lavapool_core::protocol::GuildId;
use lavapool_core::{Answer, Command, CommandId, Leaving, SubmitError, Timestamp};

use super::Driver;
use crate::inbox::{Entry, Submission};
use crate::pending::Reply;
use crate::runtime::Runtime;

/// Somebody who waits for the answer to a command.
pub(super) struct Waiting {
    pub(super) reply: Arc<Reply>,
    /// Whether the pool may forget the command when nobody waits for it any more.
    may_cancel: bool,
}

impl<R: Runtime> Driver<R> {
    /// Submits what handles asked for; returns whether there is more of it.
    pub(super) fn take_entries(&mut self, now: Timestamp) -> bool {
        // Looked at before: what the last handle asked for is in the inbox by then.
        let is_left = self.shared.inbox.is_left();
        // What Discord said before a call is handed over before it.
        let (entries, has_more) = self.shared.inbox.take(ENTRIES_MAX);
        self.done.entries += entries.len();
        self.publisher.announce(&mut self.pool);
        for entry in entries {
            match entry {
                Entry::Submit(submission) => self.submit(*submission, now),
                Entry::Cancel(command) => self.cancel(command, now),
                Entry::Voice(guild) => self.submit_voice(guild, now),
            }
        }
        if is_left && !has_more && !self.is_closing {
            let closed = self.pool.submit(Command::Close(Leaving::Keep), None, now);
            self.is_closing = !is_full(&closed);
        }
        has_more
    }

    fn submit(&mut self, submission: Submission, now: Timestamp) {
        let Submission {
            command,
            deadline,
            detached,
            reply,
        } = submission;
        let is_lookup = match &command {
            Command::Rest { request, .. } => request.changes_nothing(),
            Command::FetchTracks { .. } => true,
            _ => false,
        };
        if is_lookup && reply.is_abandoned() {
            return;
        }
        let may_cancel = match command {
            Command::Close(_) | Command::RemoveNode { .. } => false,
            // Cancelled before it is sent, it would never be.
            Command::Rest { .. } => is_lookup,
            _ => true,
        };
        let id = match self.pool.submit(command, deadline, now) {
            Ok(id) => id,
            Err(error) => return reply.answer(Err(error.into())),
        };
        if detached && let Some(node) = self.pool.nodes().last() {
            // What was added last is the last one in the order of configuration.
            self.pool.cancel(id, now);
            self.answers.push_back((reply, Ok(Answer::Node(node.node))));
        } else if reply.submitted(id) || !may_cancel {
            self.waiting.insert(id, Waiting { reply, may_cancel });
        } else {
            self.pool.cancel(id, now);
        }
    }

    fn cancel(&mut self, command: CommandId, now: Timestamp) {
        let may_cancel = |waiting: &Waiting| waiting.may_cancel;
        if self.waiting.get(&command).is_some_and(may_cancel) {
            self.waiting.remove(&command);
            self.pool.cancel(command, now);
        }
    }

    /// Hands over what Discord said of a guild, which the pool takes however full it is.
    fn submit_voice(&mut self, guild: GuildId, now: Timestamp) {
        for news in self.shared.inbox.take_voice(guild) {
            // A pool that is closing has no use for it.
            drop(self.pool.submit(news.into_command(), None, now));
        }
    }

    /// Whether something waits for nothing but room for another command.
    pub(super) fn wants_room(&self) -> bool {
        self.shared.inbox.is_left() && !self.is_closing
    }
}

const fn is_full<T>(submitted: &Result<T, SubmitError>) -> bool {
    matches!(submitted, Err(SubmitError::TooManyCommands { .. }))
}

/// How many commands are submitted in one turn, and of how many guilds what Discord said.
pub(super) const ENTRIES_MAX: usize = 256;
