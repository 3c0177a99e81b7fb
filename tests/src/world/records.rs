//! What happened in a world, for tests to look at.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use lavapool_core::{
    Answer, Closed, Command, CommandId, Event, Output, PoolConfig, RequestError, SocketId,
};

/// What a command was answered.
pub type Answered = Result<Answer, RequestError>;

/// One thing that came out of the pool or, in a world that is watched, went into it.
#[derive(Clone, Debug)]
pub enum Traced {
    /// What the driver had to do.
    Output(Output),
    /// Bytes for a socket.
    Wrote(SocketId, Vec<u8>),
    /// What the application may like to know.
    Event(Event),
    /// Something went in.
    Given(Given),
}

/// One thing that went into the pool.
#[derive(Clone, Debug)]
pub enum Given {
    /// Another pool began, with this configuration and seed.
    Started(Box<PoolConfig>, u64),
    /// The moment of a timer has come.
    Timeout,
    /// A socket is connected.
    Connected(SocketId),
    /// Bytes came.
    Received(SocketId, Vec<u8>),
    /// A socket is gone.
    Closed(SocketId, Closed),
    /// A command, and its name; none if it was refused.
    Submitted(Command, Option<CommandId>),
    /// Nobody waits for a command any more.
    Cancelled(CommandId),
    /// The clock of the pool stands still for so long, from here on.
    ClockStands(Duration),
    /// A bit of what comes next on a socket is not what was sent.
    Flipped(SocketId),
}

/// What came out of the pool, compared; what went in has no say.
impl PartialEq for Traced {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Output(one), Self::Output(another)) => one == another,
            (Self::Wrote(one, bytes), Self::Wrote(another, others)) => {
                one == another && bytes == others
            }
            (Self::Event(one), Self::Event(another)) => one == another,
            (Self::Given(_), Self::Given(_)) => true,
            (Self::Output(_) | Self::Wrote(..) | Self::Event(_) | Self::Given(_), _) => false,
        }
    }
}

impl fmt::Display for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(output) => write!(f, "{output:?}"),
            Self::Wrote(socket, bytes) => {
                write!(
                    f,
                    "{socket:?} writes {} bytes: {}",
                    bytes.len(),
                    shown(bytes)
                )
            }
            Self::Event(event) => write!(f, "{event:?}"),
            Self::Given(Given::Received(socket, bytes)) => {
                write!(
                    f,
                    "{socket:?} receives {} bytes: {}",
                    bytes.len(),
                    shown(bytes)
                )
            }
            Self::Given(Given::Started(..)) => write!(f, "a client starts"),
            Self::Given(given) => write!(f, "{given:?}"),
        }
    }
}

/// The beginning of bytes, as far as they are text.
fn shown(bytes: &[u8]) -> String {
    let shown = bytes[..bytes.len().min(SHOWN_BYTES_MAX)].escape_ascii();
    let rest = if bytes.len() > SHOWN_BYTES_MAX {
        "…"
    } else {
        ""
    };
    format!("{shown}{rest}")
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
    /// Whether somebody takes the trace, with all that goes in, and nothing else is kept.
    pub(super) is_watched: bool,
}

impl Records {
    pub(super) fn event(&mut self, now: Duration, event: Event) {
        if !self.is_watched {
            self.events.push((now, event.clone()));
        }
        self.trace.push((now, Traced::Event(event)));
    }

    pub(super) fn answer(&mut self, command: CommandId, now: Duration, answer: Answered) {
        if !self.is_watched {
            self.answers.insert(command, (now, answer));
        }
    }

    pub(super) fn dial(&mut self, host: usize, now: Duration) {
        if !self.is_watched {
            self.dials.entry(host).or_default().push(now);
        }
    }

    pub(super) fn output(&mut self, now: Duration, output: &Output) {
        self.trace.push((now, Traced::Output(output.clone())));
    }

    pub(super) fn wrote(&mut self, now: Duration, socket: SocketId, bytes: &[u8]) {
        self.trace
            .push((now, Traced::Wrote(socket, bytes.to_vec())));
    }

    pub(super) fn given(&mut self, now: Duration, given: impl FnOnce() -> Given) {
        if self.is_watched {
            self.trace.push((now, Traced::Given(given())));
        }
    }

    /// The last lines, for the message of a failure.
    pub(super) fn last(&self) -> Vec<String> {
        let first = self.trace.len().saturating_sub(LAST_MAX);
        let last = self.trace[first..].iter();
        last.map(|(at, traced)| format!("{at:?} {traced}"))
            .collect()
    }
}

const SHOWN_BYTES_MAX: usize = 160;

/// How many lines the message of a failure has.
const LAST_MAX: usize = 60;
