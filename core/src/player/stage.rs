//! [`Stage`]: how far a player's unsent state has come on its way to its node.

use crate::player::Fields;
use crate::pool::TimerKey;

/// How far a player's unsent state has come on its way to its node.
///
/// | stage | something to send | a free socket | confirmed or refused | no answer | pause over |
/// |---|---|---|---|---|---|
/// | idle | queued | | | | |
/// | queued | | sent, or asked | | | |
/// | sent | stays unsent | | idle | resting | |
/// | asked | stays unsent | | idle | resting | |
/// | resting | stays unsent | | | | idle |
/// | to be looked at | queued | looking | | | |
/// | looking | queued | | idle | idle | |
///
/// A player whose node is lost, or that goes to another, is idle again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing is lined up, and nothing on its way.
    #[default]
    Idle,
    /// The player waits in its node's lane.
    Queued,
    /// A PATCH with these fields is on its way: an answer to any other request is not about the
    /// player's present state and node.
    Sent { exchange: u64, fields: Fields },
    /// A GET is on its way that shows whether a play arrived.
    Asked { exchange: u64 },
    /// Nothing is to be sent, and the node is to show what a request did that it may have done
    /// late: a GET waits for that.
    ToLookAt,
    /// That GET is on its way. Without an answer it is asked another time.
    Looking { exchange: u64 },
    /// After a failure, until this timer is due.
    Resting(TimerKey),
}

impl Stage {
    /// The fields that are on their way.
    pub(crate) const fn in_flight(self) -> Fields {
        match self {
            Self::Sent { fields, .. } => fields,
            Self::Idle
            | Self::Queued
            | Self::Asked { .. }
            | Self::ToLookAt
            | Self::Looking { .. }
            | Self::Resting(_) => Fields::NONE,
        }
    }

    /// The request that is on its way.
    pub(crate) const fn exchange(self) -> Option<u64> {
        match self {
            Self::Sent { exchange, .. } | Self::Asked { exchange } | Self::Looking { exchange } => {
                Some(exchange)
            }
            Self::Idle | Self::Queued | Self::ToLookAt | Self::Resting(_) => None,
        }
    }

    /// The request has been answered: returns the fields that it sent.
    pub(crate) const fn answered(&mut self) -> Fields {
        let fields = self.in_flight();
        if self.exchange().is_some() {
            *self = Self::Idle;
        }
        fields
    }

    /// It is in no lane any more.
    pub(crate) fn unqueue(&mut self) {
        if matches!(self, Self::Queued | Self::ToLookAt) {
            *self = Self::Idle;
        }
    }
}
