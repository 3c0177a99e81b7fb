//! What happened in a world, for tests to look at.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use lavapool_core::{Answer, CommandId, Event, Output, RequestError, SocketId};

/// What a command was answered.
pub type Answered = Result<Answer, RequestError>;

/// One thing that came out of the pool.
#[derive(Clone, Debug, PartialEq)]
pub enum Traced {
    /// What the driver had to do.
    Output(Output),
    /// Bytes for a socket.
    Wrote(SocketId, Vec<u8>),
    /// What the application may like to know.
    Event(Event),
}

/// Everything that came out of the pool.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) events: Vec<(Duration, Event)>,
    pub(super) answers: BTreeMap<CommandId, (Duration, Answered)>,
    /// By the index of the host.
    pub(super) dials: BTreeMap<usize, Vec<Duration>>,
    pub(super) trace: Vec<(Duration, Traced)>,
    pub(super) holds_events: bool,
    /// The last lines, for the message of a failure.
    pub(super) last: VecDeque<String>,
}

impl Records {
    pub(super) fn event(&mut self, now: Duration, event: Event) {
        self.note(now, Traced::Event(event.clone()));
        self.events.push((now, event));
    }

    pub(super) fn answer(&mut self, command: CommandId, now: Duration, answer: Answered) {
        self.answers.insert(command, (now, answer));
    }

    pub(super) fn dial(&mut self, host: usize, now: Duration) {
        self.dials.entry(host).or_default().push(now);
    }

    pub(super) fn output(&mut self, now: Duration, output: &Output) {
        self.note(now, Traced::Output(output.clone()));
    }

    pub(super) fn wrote(&mut self, now: Duration, socket: SocketId, bytes: &[u8]) {
        self.note(now, Traced::Wrote(socket, bytes.to_vec()));
    }

    fn note(&mut self, now: Duration, traced: Traced) {
        let line = match &traced {
            Traced::Output(output) => format!("{now:?} {output:?}"),
            Traced::Wrote(socket, bytes) => {
                let text = String::from_utf8_lossy(bytes);
                let first = text.lines().next().unwrap_or_default();
                format!("{now:?} {socket:?} writes {} bytes: {first:?}", bytes.len())
            }
            Traced::Event(event) => format!("{now:?} {event:?}"),
        };
        if self.last.len() == LAST_MAX {
            self.last.pop_front();
        }
        self.last.push_back(line);
        self.trace.push((now, traced));
    }
}

/// How many lines the message of a failure has.
const LAST_MAX: usize = 60;
