//! [`VoiceCloseCode`]: why a voice connection closed, and what is to be done about it.

/// Why the voice connection between a node and Discord closed (Discord: Voice close event codes;
/// the codes below 4000 are those of RFC 6455).
///
/// A node tries some codes again by itself before it says anything (koe: 4 times); such an event
/// means that it has given up. This table is what the pool does with each
/// ([`recovery`](Self::recovery)), unless [`Rejoin`](crate::Rejoin) tells it not to:
///
/// | code | meaning | recovery |
/// |---|---|---|
/// | 1000, by the node | replaced or destroyed | [`Ignore`] |
/// | 1000, by Discord | closed in good order | [`AwaitDiscord`] |
/// | 1001 | the voice server goes away | [`BackOff`] |
/// | 1006 | the connection broke | [`BackOff`] |
/// | 4000 | an internal fault of the node | [`BackOff`] |
/// | 4001 | unknown opcode | [`Once`] |
/// | 4002 | undecodable payload | [`Once`] |
/// | 4003 | not authenticated | [`Once`] |
/// | 4004 | the token is wrong | [`RenewOnce`] |
/// | 4005 | authenticated twice | [`Once`] |
/// | 4006 | the session is no longer valid | [`Renew`] |
/// | 4009 | the session timed out | [`Renew`] |
/// | 4011 | the voice server was not found | [`BackOff`] |
/// | 4012 | unknown protocol | [`Once`] |
/// | 4014 | kicked, moved, or the bot's gateway connection was lost | [`AwaitDiscord`] |
/// | 4015 | the voice server crashed | [`BackOff`] |
/// | 4016 | unknown encryption mode | [`Once`] |
/// | 4017 | end-to-end encryption is required: Lavalink 4.2 | [`Stop`] |
/// | 4020 | bad request | [`Once`] |
/// | 4021 | rate limited | [`Late`] |
/// | 4022 | the channel was deleted, or the server changed | [`AwaitThenOnce`] |
/// | 5001 | a worker of the node failed (NodeLink) | [`BackOff`] |
/// | any other | unknown | [`BackOff`] |
///
/// ```
/// use lavapool_core::{VoiceCloseCode, VoiceRecovery};
///
/// assert_eq!(VoiceCloseCode::from(4006), VoiceCloseCode::SessionInvalid);
/// assert_eq!(VoiceCloseCode::from(4006).recovery(true), VoiceRecovery::Renew);
/// assert_eq!(VoiceCloseCode::from(4999).code(), 4999);
/// ```
///
/// [`Ignore`]: VoiceRecovery::Ignore
/// [`AwaitDiscord`]: VoiceRecovery::AwaitDiscord
/// [`AwaitThenOnce`]: VoiceRecovery::AwaitThenOnce
/// [`Once`]: VoiceRecovery::Once
/// [`RenewOnce`]: VoiceRecovery::RenewOnce
/// [`Renew`]: VoiceRecovery::Renew
/// [`BackOff`]: VoiceRecovery::BackOff
/// [`Late`]: VoiceRecovery::Late
/// [`Stop`]: VoiceRecovery::Stop
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VoiceCloseCode {
    /// 1000: closed in good order.
    Normal,
    /// 1001: the voice server goes away.
    GoingAway,
    /// 1006: the connection broke.
    Abnormal,
    /// 4000: an internal fault of the node.
    Internal,
    /// 4001: unknown opcode.
    UnknownOpcode,
    /// 4002: undecodable payload.
    DecodeFailed,
    /// 4003: not authenticated.
    NotAuthenticated,
    /// 4004: the token is wrong.
    AuthenticationFailed,
    /// 4005: authenticated twice.
    AlreadyAuthenticated,
    /// 4006: the session is no longer valid.
    SessionInvalid,
    /// 4009: the session timed out.
    SessionTimeout,
    /// 4011: the voice server was not found.
    ServerNotFound,
    /// 4012: unknown protocol.
    UnknownProtocol,
    /// 4014: the bot was disconnected.
    Disconnected,
    /// 4015: the voice server crashed.
    ServerCrashed,
    /// 4016: unknown encryption mode.
    UnknownEncryption,
    /// 4017: end-to-end encryption is required.
    EncryptionRequired,
    /// 4020: bad request.
    BadRequest,
    /// 4021: rate limited.
    RateLimited,
    /// 4022: the call ended for all.
    CallTerminated,
    /// 5001: a worker of the node failed.
    WorkerFailed,
    /// Any other code.
    Unknown(i32),
}

/// What is wrong with a player's voice connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VoiceTrouble {
    /// It closed.
    Closed(VoiceCloseCode),
    /// The player plays and its node says that there is no connection, for
    /// [`Timing::voice_silence`](crate::Timing::voice_silence), though nobody closed it: some
    /// nodes lose it without a word.
    Silent,
    /// The node did not answer the PATCH with the present voice state, and did answer others.
    Unanswered,
    /// The gateway connection that the bot joined by is gone, see
    /// [`Command::GatewayReady`](crate::Command::GatewayReady).
    NewGateway,
    /// The node refused the present voice state, or could not reach the voice server.
    Refused,
}

/// What is to be done about a closed voice connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VoiceRecovery {
    /// Nothing: it is as it should be.
    Ignore,
    /// Discord's updates say what has become of the bot, within
    /// [`Timing::voice_grace`](crate::Timing::voice_grace). Without any, nothing is done.
    AwaitDiscord,
    /// The same, and if the bot is still in its channel then, it joins that once more.
    AwaitThenOnce,
    /// The bot joins its channel again, once; the next such close is the last.
    Once,
    /// The bot's token is forgotten; it leaves and joins again, once.
    RenewOnce,
    /// The bot's session and token are forgotten; it leaves and joins again, at once the first
    /// time and then as with [`BackOff`](Self::BackOff).
    Renew,
    /// The bot joins its channel again, at once and then after a pause of 2, 4, 8 and 16 s;
    /// [`Rejoin::tries`](crate::Rejoin::tries) times in all.
    BackOff,
    /// The bot joins its channel again, once, after a minute.
    Late,
    /// Nothing would help.
    Stop,
}

impl VoiceCloseCode {
    /// The number.
    pub const fn code(self) -> i32 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::Abnormal => 1006,
            Self::Internal => 4000,
            Self::UnknownOpcode => 4001,
            Self::DecodeFailed => 4002,
            Self::NotAuthenticated => 4003,
            Self::AuthenticationFailed => 4004,
            Self::AlreadyAuthenticated => 4005,
            Self::SessionInvalid => 4006,
            Self::SessionTimeout => 4009,
            Self::ServerNotFound => 4011,
            Self::UnknownProtocol => 4012,
            Self::Disconnected => 4014,
            Self::ServerCrashed => 4015,
            Self::UnknownEncryption => 4016,
            Self::EncryptionRequired => 4017,
            Self::BadRequest => 4020,
            Self::RateLimited => 4021,
            Self::CallTerminated => 4022,
            Self::WorkerFailed => 5001,
            Self::Unknown(code) => code,
        }
    }

    /// What the code means.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Normal => "closed in good order",
            Self::GoingAway => "the voice server goes away",
            Self::Abnormal => "the connection broke",
            Self::Internal => "an internal fault of the node",
            Self::UnknownOpcode => "unknown opcode",
            Self::DecodeFailed => "undecodable payload",
            Self::NotAuthenticated => "not authenticated",
            Self::AuthenticationFailed => "the token is wrong",
            Self::AlreadyAuthenticated => "authenticated twice",
            Self::SessionInvalid => "the session is no longer valid",
            Self::SessionTimeout => "the session timed out",
            Self::ServerNotFound => "the voice server was not found",
            Self::UnknownProtocol => "unknown protocol",
            Self::Disconnected => "the bot was disconnected",
            Self::ServerCrashed => "the voice server crashed",
            Self::UnknownEncryption => "unknown encryption mode",
            Self::EncryptionRequired => "end-to-end encryption is required",
            Self::BadRequest => "bad request",
            Self::RateLimited => "rate limited",
            Self::CallTerminated => "the call ended for all",
            Self::WorkerFailed => "a worker of the node failed",
            Self::Unknown(_) => "unknown",
        }
    }

    /// What is to be done about it; `by_remote` is whether Discord closed the connection.
    pub const fn recovery(self, by_remote: bool) -> VoiceRecovery {
        match self {
            Self::Normal if by_remote => VoiceRecovery::AwaitDiscord,
            Self::Normal => VoiceRecovery::Ignore,
            Self::GoingAway
            | Self::Abnormal
            | Self::Internal
            | Self::ServerNotFound
            | Self::ServerCrashed
            | Self::WorkerFailed
            | Self::Unknown(_) => VoiceRecovery::BackOff,
            Self::UnknownOpcode
            | Self::DecodeFailed
            | Self::NotAuthenticated
            | Self::AlreadyAuthenticated
            | Self::UnknownProtocol
            | Self::UnknownEncryption
            | Self::BadRequest => VoiceRecovery::Once,
            Self::AuthenticationFailed => VoiceRecovery::RenewOnce,
            Self::SessionInvalid | Self::SessionTimeout => VoiceRecovery::Renew,
            Self::Disconnected => VoiceRecovery::AwaitDiscord,
            Self::EncryptionRequired => VoiceRecovery::Stop,
            Self::RateLimited => VoiceRecovery::Late,
            Self::CallTerminated => VoiceRecovery::AwaitThenOnce,
        }
    }

    /// Whether a connection closes so when another takes its place, as when the bot is moved to
    /// another channel: then it says nothing of the new one.
    pub(crate) const fn may_be_of_a_move(self) -> bool {
        matches!(
            self,
            Self::Normal
                | Self::SessionInvalid
                | Self::SessionTimeout
                | Self::Disconnected
                | Self::CallTerminated
        )
    }
}

impl From<i32> for VoiceCloseCode {
    fn from(code: i32) -> Self {
        match code {
            1000 => Self::Normal,
            1001 => Self::GoingAway,
            1006 => Self::Abnormal,
            4000 => Self::Internal,
            4001 => Self::UnknownOpcode,
            4002 => Self::DecodeFailed,
            4003 => Self::NotAuthenticated,
            4004 => Self::AuthenticationFailed,
            4005 => Self::AlreadyAuthenticated,
            4006 => Self::SessionInvalid,
            4009 => Self::SessionTimeout,
            4011 => Self::ServerNotFound,
            4012 => Self::UnknownProtocol,
            4014 => Self::Disconnected,
            4015 => Self::ServerCrashed,
            4016 => Self::UnknownEncryption,
            4017 => Self::EncryptionRequired,
            4020 => Self::BadRequest,
            4021 => Self::RateLimited,
            4022 => Self::CallTerminated,
            5001 => Self::WorkerFailed,
            code => Self::Unknown(code),
        }
    }
}

impl std::fmt::Display for VoiceCloseCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.code(), self.meaning())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_and_written_as_the_same_number() {
        for code in -1..6_000 {
            assert_eq!(VoiceCloseCode::from(code).code(), code);
        }
        let known = (-1..6_000).map(VoiceCloseCode::from);
        let known = known.filter(|code| !matches!(code, VoiceCloseCode::Unknown(_)));
        assert_eq!(known.count(), 21);
    }

    #[test]
    fn a_code_says_what_it_means() {
        let code = VoiceCloseCode::from(4006);
        assert_eq!(code.to_string(), "4006 (the session is no longer valid)");
    }
}
