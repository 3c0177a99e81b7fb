//! [`Operation`]: one call, or what happens in the world.

use arbitrary::Arbitrary;

use super::asks::Ask;

/// One call, or what happens in the world. Sockets, nodes and guilds are numbers, taken modulo
/// what there is.
#[derive(Arbitrary, Debug)]
pub(super) enum Operation<'a> {
    /// Time passes, and what is due comes due.
    Wait {
        millis: u16,
    },
    /// Time passes, and nobody says so until the next call.
    Dawdle {
        millis: u16,
    },
    /// The next thing that is due.
    Timeout,
    /// The clock ran backwards.
    Early {
        millis: u16,
    },
    Connected {
        socket: u8,
    },
    /// Whatever bytes.
    Bytes {
        socket: u8,
        bytes: &'a [u8],
    },
    /// What a server may say on a WebSocket.
    Says {
        socket: u8,
        what: Said,
    },
    /// The answer to what is asked on a socket.
    Answers {
        socket: u8,
        how: Answered,
    },
    /// So many bytes of what waits are taken: 255 for all.
    Wrote {
        socket: u8,
        count: u8,
    },
    Closed {
        socket: u8,
        reset: bool,
    },
    /// Each server connects, reads all and answers well, so many times.
    Serve {
        rounds: u8,
    },
    /// The same for one node alone.
    ServeOne {
        node: u8,
        rounds: u8,
    },
    /// All sockets of a node are reset.
    Kill {
        node: u8,
    },
    Ask(Ask),
    Cancel {
        command: u8,
    },
    Close {
        destroy: bool,
    },
}

/// What a server says on its WebSocket, without the fuzzer having to find the words.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Said {
    Upgrade,
    Ready {
        resumed: bool,
        anew: bool,
    },
    Update {
        guild: u8,
        position_ms: u16,
        connected: bool,
    },
    Start {
        guild: u8,
        of: Play,
    },
    End {
        guild: u8,
        of: Play,
        why: Why,
    },
    Exception {
        guild: u8,
        of: Play,
    },
    Stuck {
        guild: u8,
        of: Play,
    },
    VoiceClosed {
        guild: u8,
        code: u16,
        by_remote: bool,
    },
    Stats {
        playing: u8,
        load: u8,
        deficit: Option<u16>,
    },
    Segment {
        guild: u8,
    },
    Ping,
    Pong,
    Goodbye {
        code: u16,
    },
}

/// The play that an event is about.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Play {
    /// The one that the server was told last.
    Last,
    /// The one with this number.
    Numbered(u8),
    /// One that nobody knows.
    Unknown,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Why {
    Finished,
    LoadFailed,
    Stopped,
    Replaced,
    Cleanup,
}

impl Why {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::LoadFailed => "loadFailed",
            Self::Stopped => "stopped",
            Self::Replaced => "replaced",
            Self::Cleanup => "cleanup",
        }
    }
}

/// How a server answers a request.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Answered {
    /// As it should.
    Well,
    /// As it should, but for the last bytes.
    Partly {
        missing: u8,
    },
    NoContent,
    SessionNotFound,
    Status {
        status: Status,
        to_close: bool,
    },
    /// Something of another kind.
    Otherwise {
        choice: u8,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Status {
    BadRequest,
    Unauthorized,
    NotFound,
    TooMany,
    Broken,
    BadGateway,
    Unavailable,
    TimedOut,
    Redirect,
}

impl Status {
    pub(super) const fn line(self) -> &'static str {
        match self {
            Self::BadRequest => "400 Bad Request",
            Self::Unauthorized => "401 Unauthorized",
            Self::NotFound => "404 Not Found",
            Self::TooMany => "429 Too Many Requests\r\nRetry-After: 3",
            Self::Broken => "500 Internal Server Error",
            Self::BadGateway => "502 Bad Gateway",
            Self::Unavailable => "503 Service Unavailable",
            Self::TimedOut => "504 Gateway Timeout",
            Self::Redirect => "301 Moved\r\nLocation: /else",
        }
    }
}
