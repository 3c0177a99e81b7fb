//! [`Inbox`]: what handles ask for, on its way to the driver.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use lavapool_core::protocol::{GuildId, VoiceState};
use lavapool_core::{
    Command, CommandId, SubmitError, Timestamp, VoiceServerUpdate, VoiceStateUpdate,
};

use crate::driver::Ready;
use crate::error::Error;
use crate::lock::lock;
use crate::pending::Reply;
use crate::room::is_drained;

/// The queue between the handles and the driver.
///
/// Commands are bounded and keep their order. Voice updates are not refused: the latest of each
/// kind and guild is kept, in the order of arrival. Nor are cancellations, of which each command
/// that the pool has accepted can have one.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// The last handle is gone.
    left: AtomicBool,
    commands_max: usize,
    ready: Arc<Ready>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Entry>,
    /// How many of the queue are commands.
    commands: usize,
    /// A guild stays here, and its one entry counts, until all that it has was handed over.
    voice: BTreeMap<GuildId, Vec<Voice>>,
    /// The driver is gone, and takes nothing any more.
    ended: bool,
}

/// One thing that a handle asks for.
#[derive(Debug)]
pub(crate) enum Entry {
    Submit(Box<Submission>),
    /// Nobody waits for this command any more.
    Cancel(CommandId),
    /// There is news in [`Inbox::take_voice`] of this guild.
    Voice(GuildId),
}

/// A command and where its answer goes.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) command: Command,
    /// By when it must be answered, if the pool's own deadline is not meant.
    pub(crate) deadline: Option<Timestamp>,
    /// Answered once the command is accepted, without waiting for what comes of it.
    pub(crate) detached: bool,
    pub(crate) reply: Arc<Reply>,
}

/// What Discord said about a guild's voice connection.
#[derive(Clone, Debug)]
pub(crate) enum Voice {
    State(VoiceStateUpdate),
    Server(VoiceServerUpdate),
    Whole(GuildId, VoiceState),
}

impl Inbox {
    pub(crate) fn new(commands_max: usize, ready: Arc<Ready>) -> Self {
        Self {
            state: Mutex::default(),
            left: AtomicBool::new(false),
            commands_max,
            ready,
        }
    }

    /// Queues a command. A refused one is answered right here.
    pub(crate) fn submit(&self, submission: Submission) {
        let max = self.commands_max;
        let refused = {
            let mut state = lock(&self.state);
            let refusal = if state.ended {
                Some(Error::Closed)
            } else if state.commands >= max {
                Some(SubmitError::TooManyCommands { max }.into())
            } else {
                None
            };
            match refusal {
                None => {
                    state.queue.push_back(Entry::Submit(Box::new(submission)));
                    state.commands += 1;
                    None
                }
                Some(error) => Some((submission.reply, error)),
            }
        };
        match refused {
            None => self.ready.ring(),
            Some((reply, error)) => reply.answer(Err(error)),
        }
    }

    /// Says that nobody waits for the command any more.
    pub(crate) fn cancel(&self, command: CommandId) {
        {
            let mut state = lock(&self.state);
            if state.ended {
                return;
            }
            state.queue.push_back(Entry::Cancel(command));
        }
        self.ready.ring();
    }

    /// Queues what Discord said, in place of what it said before.
    pub(crate) fn voice(&self, news: Voice) {
        let guild = news.guild();
        {
            let mut state = lock(&self.state);
            if state.ended {
                return;
            }
            let is_listed = state.voice.contains_key(&guild);
            let waiting = state.voice.entry(guild).or_default();
            waiting.retain(|old| !news.replaces(old));
            waiting.push(news);
            if !is_listed {
                state.queue.push_back(Entry::Voice(guild));
            }
        }
        self.ready.ring();
    }

    /// The last handle is gone: the driver closes the pool.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Release);
        self.ready.ring();
    }

    /// Whether the last handle is gone.
    pub(crate) fn is_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// Takes up to `entries_max` entries; the second is whether there are more.
    pub(crate) fn take(&self, entries_max: usize) -> (Vec<Entry>, bool) {
        let state = &mut *lock(&self.state);
        let count = state.queue.len().min(entries_max);
        let taken: Vec<_> = state.queue.drain(..count).collect();
        let is_command = |entry: &&Entry| matches!(entry, Entry::Submit(_));
        state.commands -= taken.iter().filter(is_command).count();
        let has_more = !is_drained(&mut state.queue);
        (taken, has_more)
    }

    /// Takes what Discord said about a guild: each kind of news once, the latest.
    pub(crate) fn take_voice(&self, guild: GuildId) -> Vec<Voice> {
        let waiting = lock(&self.state).voice.remove(&guild);
        waiting.unwrap_or_default()
    }

    /// Nothing is taken any more; what waits is answered so.
    pub(crate) fn end(&self) {
        let queue = {
            let mut state = lock(&self.state);
            state.ended = true;
            state.voice.clear();
            state.commands = 0;
            std::mem::take(&mut state.queue)
        };
        for entry in queue {
            if let Entry::Submit(submission) = entry {
                submission.reply.answer(Err(Error::Closed));
            }
        }
    }
}

impl Voice {
    const fn guild(&self) -> GuildId {
        match self {
            Self::State(update) => update.guild,
            Self::Server(update) => update.guild,
            Self::Whole(guild, _) => *guild,
        }
    }

    /// Whether the other update of the same guild says nothing that still matters.
    const fn replaces(&self, other: &Self) -> bool {
        match self {
            Self::State(_) => matches!(other, Self::State(_)),
            Self::Server(_) => matches!(other, Self::Server(_)),
            Self::Whole(..) => true,
        }
    }

    pub(crate) fn into_command(self) -> Command {
        match self {
            Self::State(update) => Command::VoiceState(update),
            Self::Server(update) => Command::VoiceServer(update),
            Self::Whole(guild, voice) => Command::Voice { guild, voice },
        }
    }
}

#[cfg(test)]
mod tests {
    use lavapool_core::protocol::{ChannelId, UserId};
    use lavapool_core::{Leaving, Secret};

    use super::*;

    #[test]
    fn voice_updates_take_the_place_of_earlier_ones_of_their_kind() {
        let inbox = Inbox::new(1, Arc::default());
        for number in 1..=1000 {
            inbox.voice(Voice::Server(server(number)));
            inbox.voice(Voice::State(state(number)));
        }

        let (entries, has_more) = inbox.take(10);
        let news = inbox.take_voice(guild());

        assert!(matches!(entries[..], [Entry::Voice(of)] if of == guild()) && !has_more);
        let [Voice::Server(last), Voice::State(then)] = &news[..] else {
            panic!("{news:?}");
        };
        assert_eq!((last, then), (&server(1000), &state(1000)));
    }

    #[test]
    fn a_guild_is_listed_once_and_again_after_its_voice_updates_were_taken() {
        let inbox = Inbox::new(1, Arc::default());
        inbox.voice(Voice::Server(server(1)));
        inbox.voice(Voice::State(state(1)));
        assert_eq!(inbox.take(10).0.len(), 1);
        inbox.voice(Voice::Server(server(2)));
        assert_eq!(inbox.take(10).0.len(), 0);
        assert_eq!(inbox.take_voice(guild()).len(), 2);

        inbox.voice(Voice::State(state(2)));

        assert_eq!(inbox.take(10).0.len(), 1);
        assert_eq!(inbox.take_voice(guild()).len(), 1);
    }

    #[test]
    fn a_full_inbox_refuses_commands_and_takes_voice_updates() {
        let inbox = Inbox::new(2, Arc::default());
        let replies: Vec<_> = (0..3).map(|_| submit(&inbox)).collect();
        inbox.voice(Voice::State(state(1)));

        let refused = Error::Submit(SubmitError::TooManyCommands { max: 2 });
        assert_eq!(replies[2].peek(), Some(Err(refused)));
        assert_eq!((replies[0].peek(), replies[1].peek()), (None, None));
        assert_eq!(inbox.take(10).0.len(), 3);
    }

    #[test]
    fn only_commands_count_as_commands() {
        let inbox = Inbox::new(2, Arc::default());
        for number in 1..=10 {
            let guild = GuildId::new(number).expect("not zero");
            inbox.voice(Voice::Server(VoiceServerUpdate { guild, ..server(1) }));
            let command = serde_json::from_value(number.into());
            inbox.cancel(command.expect("a number is one"));
        }

        let replies: Vec<_> = (0..3).map(|_| submit(&inbox)).collect();
        let is_refused = |reply: &Arc<Reply>| reply.peek().is_some();
        assert_eq!(replies.iter().filter(|reply| is_refused(reply)).count(), 1);

        inbox.take(21);
        assert!(!is_refused(&submit(&inbox)), "the first was taken");
        assert!(is_refused(&submit(&inbox)), "the second was not");
    }

    #[test]
    fn an_ended_inbox_answers_what_waits_and_what_comes() {
        let inbox = Inbox::new(2, Arc::default());
        let before = submit(&inbox);
        inbox.end();
        let after = submit(&inbox);

        assert_eq!(before.peek(), Some(Err(Error::Closed)));
        assert_eq!(after.peek(), Some(Err(Error::Closed)));
        assert!(inbox.take(10).0.is_empty());
    }

    fn submit(inbox: &Inbox) -> Arc<Reply> {
        let reply = Arc::new(Reply::default());
        inbox.submit(Submission {
            command: Command::Close(Leaving::Keep),
            deadline: None,
            detached: false,
            reply: reply.clone(),
        });
        reply
    }

    fn guild() -> GuildId {
        GuildId::new(1).expect("not zero")
    }

    fn state(number: u64) -> VoiceStateUpdate {
        VoiceStateUpdate {
            guild: guild(),
            user: UserId::new(1).expect("not zero"),
            channel: ChannelId::new(number),
            session_id: Secret::from("session"),
        }
    }

    fn server(number: u64) -> VoiceServerUpdate {
        VoiceServerUpdate {
            guild: guild(),
            token: Secret::from(number.to_string()),
            endpoint: None,
        }
    }
}
