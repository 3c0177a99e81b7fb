//! [`Own`]: what a queue knows of its own latest play.

use std::sync::{Arc, Weak};

use lavapool_core::RequestError;
use lavapool_core::protocol::TrackEndReason;

use crate::error::Error;
use crate::pending::Watch;

/// The play of a queue's current track.
pub(crate) struct Own {
    /// The player's turn in which it was asked for.
    pub(crate) turn: u32,
    /// The player's [tries](crate::Player::tries) at that time.
    pub(crate) tries: u32,
    pub(crate) stage: Stage,
}

/// How far it has come.
pub(crate) enum Stage {
    /// It is on its way. The player may look idle, as it did before.
    Awaited {
        watch: Watch,
        /// Gone once nobody can hear the answer any more.
        listener: Weak<()>,
        /// An end that was read meanwhile: of a track before it, or of itself.
        withheld: Option<TrackEndReason>,
    },
    /// It is taken to play, without a node's word for it.
    Supposed,
    /// It played, at least for a while.
    Confirmed,
}

/// What became of a play.
pub(crate) enum Outcome {
    Played,
    /// Neither confirmed nor taken back.
    Unknown,
    /// The track is at fault.
    Refused,
    /// The player was destroyed.
    Destroyed,
    /// It is not kept, for whatever reason, and the track is still to be played.
    TakenBack,
}

impl Own {
    /// A play that is on its way; it is heard of for as long as the returned token is held.
    pub(crate) fn awaited(turn: u32, tries: u32, watch: Watch) -> (Self, Arc<()>) {
        let token = Arc::new(());
        let stage = Stage::Awaited {
            watch,
            listener: Arc::downgrade(&token),
            withheld: None,
        };
        (Self { turn, tries, stage }, token)
    }

    pub(crate) const fn is_awaited(&self) -> bool {
        matches!(self.stage, Stage::Awaited { .. })
    }

    /// Keeps an end back until the play is answered; returns false if it need not.
    pub(crate) fn withhold(&mut self, reason: &TrackEndReason) -> bool {
        let Stage::Awaited { withheld, .. } = &mut self.stage else {
            return false;
        };
        *withheld = Some(reason.clone());
        true
    }

    /// The answer to an awaited play and the end that was withheld, once. Bad news are left to
    /// whoever listens for them, if anybody does, unless they are `wanted` at once.
    pub(crate) fn settle(&mut self, wanted: bool) -> Option<(Outcome, Option<TrackEndReason>)> {
        let Stage::Awaited {
            watch,
            listener,
            withheld,
        } = &mut self.stage
        else {
            return None;
        };
        let outcome = Outcome::of(&watch.outcome()?);
        let is_bad = !matches!(outcome, Outcome::Played | Outcome::Unknown);
        if is_bad && !wanted && listener.strong_count() > 0 {
            return None;
        }
        let withheld = withheld.take();
        self.stage = match outcome {
            Outcome::Played => Stage::Confirmed,
            Outcome::Unknown | Outcome::Refused | Outcome::Destroyed | Outcome::TakenBack => {
                Stage::Supposed
            }
        };
        Some((outcome, withheld))
    }
}

impl Outcome {
    const fn of(answer: &Result<(), Error>) -> Self {
        match answer {
            Ok(()) => Self::Played,
            Err(Error::Request(RequestError::Superseded | RequestError::Unconfirmed(_))) => {
                Self::Unknown
            }
            Err(Error::Request(RequestError::Rejected { .. } | RequestError::TrackUnplayable)) => {
                Self::Refused
            }
            Err(Error::Request(RequestError::Destroyed)) => Self::Destroyed,
            Err(_) => Self::TakenBack,
        }
    }
}
