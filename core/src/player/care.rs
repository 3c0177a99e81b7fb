//! [`Care`]: what of a player is watched over, so that something is done when nothing happens.

use std::time::Duration;

use crate::pool::TimerKey;
use crate::protocol::ChannelId;
use crate::time::Timestamp;
use crate::voice_code::VoiceTrouble;

/// What of a player is watched over, so that something is done when nothing happens.
#[derive(Debug, Default)]
pub(crate) struct Care {
    /// Whether the application ever asked for the player, or a node had it: one that exists only
    /// because Discord spoke of its guild goes when the bot leaves.
    pub(crate) asked: bool,
    /// Whether nobody is there to hear it.
    pub(crate) alone: bool,
    /// After what time it is inactive, if the pool's own is not meant. Few players have this, so
    /// it takes no room of the others.
    pub(crate) inactive_after: Option<Box<Option<Duration>>>,
    pub(crate) activity: Activity,
    /// How the bot shows itself in the channel that it asked to join: muted, and deaf.
    pub(crate) shows: Option<(bool, bool)>,
    /// Until then the end of a voice connection may be that of the one before.
    pub(crate) voice_fresh_until: Timestamp,
}

impl Care {
    /// Whether the end of a voice connection may be that of the one before.
    pub(crate) fn has_fresh_voice(&self, now: Timestamp) -> bool {
        now < self.voice_fresh_until
    }
}

/// Whether a player is of use to anybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Activity {
    #[default]
    Active,
    /// Not, and until this timer is due that means nothing.
    Waiting(TimerKey),
    /// Not, and for so long that the application was told.
    Inactive,
}

/// What is being done for a voice connection.
///
/// | step | due | the state is complete, and new | the bot left |
/// |---|---|---|---|
/// | awaiting | lost, or asking | watching | over |
/// | pausing | asking | watching | over |
/// | asking | | watching; asking if it has yet to leave | over; our own leave: on |
/// | joining | pausing, or lost | watching | over; our own leave: on |
/// | repeating | watching | watching | over |
/// | watching | over | watching | over |
/// | lost | | watching | over |
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rejoining {
    pub(crate) step: Step,
    pub(crate) channel: ChannelId,
    /// Why; none if it is the application that joins.
    pub(crate) trouble: Option<VoiceTrouble>,
    /// How often the channel was joined again since the connection was last known to hold.
    pub(crate) tries: u32,
    /// How often it may be for this trouble.
    pub(crate) tries_max: u32,
    /// Whether the bot leaves first, so that Discord makes a new session and token.
    pub(crate) renews: bool,
    /// Whether the bot was told to leave, and Discord has yet to say that it did.
    pub(crate) leaves: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Discord may still say what became of the bot; with `joins`, it joins again if not.
    Awaiting { timer: TimerKey, joins: bool },
    /// The channel is joined again when this is due.
    Pausing(TimerKey),
    /// The payloads wait for their turn.
    Asking,
    /// Discord's answer is due by then.
    Joining(TimerKey),
    /// Discord said what was known already: it is sent to the node again, unless the other half
    /// of a new state comes by then.
    Repeating(TimerKey),
    /// There is a new state. If all is well for a while, the trouble is over.
    Watching(TimerKey),
    /// Nothing more is done.
    Lost,
}

impl Step {
    pub(crate) const fn timer(self) -> Option<TimerKey> {
        match self {
            Self::Awaiting { timer, .. }
            | Self::Pausing(timer)
            | Self::Joining(timer)
            | Self::Repeating(timer)
            | Self::Watching(timer) => Some(timer),
            Self::Asking | Self::Lost => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_connection_is_fresh_until_its_time_and_not_then() {
        let care = Care {
            voice_fresh_until: Timestamp::from_millis(5_000),
            ..Care::default()
        };
        let is_fresh = |ms| care.has_fresh_voice(Timestamp::from_millis(ms));
        assert_eq!([4_999, 5_000].map(is_fresh), [true, false]);
    }
}
