//! [`Marks`]: which of the core's rare branches were taken.

use std::fmt;

use lavapool_core::Mark;

/// Which of the core's rare branches this process has taken so far, and how often.
#[derive(Clone, Debug)]
pub struct Marks {
    hits: Vec<(Mark, u64)>,
}

impl Marks {
    /// As it is now.
    pub fn now() -> Self {
        let hits = Mark::ALL.iter().map(|mark| (*mark, mark.hits()));
        Self {
            hits: hits.collect(),
        }
    }

    /// Those that were never hit and for which no reason is known. One that is rarely hit has a
    /// reason not to be, unless there were many runs.
    pub fn unexplained(&self, has_many: bool) -> Vec<Mark> {
        let rare = RARE.iter().filter(|_| !has_many);
        let known: Vec<_> = UNREACHED
            .iter()
            .chain(rare)
            .map(|(mark, _)| *mark)
            .collect();
        self.missed().filter(|mark| !known.contains(mark)).collect()
    }

    /// Those that were hit though a reason is known why they are not.
    pub fn unexpected(&self) -> Vec<Mark> {
        let hit = self.hits.iter().filter(|(_, hits)| *hits > 0);
        hit.map(|(mark, _)| *mark)
            .filter(|mark| UNREACHED.iter().any(|(known, _)| known == mark))
            .collect()
    }

    fn missed(&self) -> impl Iterator<Item = Mark> {
        let missed = self.hits.iter().filter(|(_, hits)| *hits == 0);
        missed.map(|(mark, _)| *mark)
    }
}

impl fmt::Display for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hit: Vec<_> = self.hits.iter().filter(|(_, hits)| *hits > 0).collect();
        hit.sort_by_key(|(_, hits)| std::cmp::Reverse(*hits));
        write!(f, "marks hit, {} of {}:", hit.len(), self.hits.len())?;
        for (mark, hits) in hit {
            write!(f, " {mark:?} {hits}")?;
        }
        let unexpected = self.unexpected();
        if !unexpected.is_empty() {
            write!(f, "\nmarks hit, with a reason why not: {unexpected:?}")?;
        }
        write!(f, "\nmarks never hit, with a reason in docs/proof.md:")?;
        let unexplained = self.unexplained(false);
        for mark in self.missed().filter(|mark| !unexplained.contains(mark)) {
            write!(f, " {mark:?}")?;
        }
        write!(f, "\nmarks never hit, without a reason: ")?;
        if unexplained.is_empty() {
            return write!(f, "none");
        }
        for mark in unexplained {
            write!(f, "\n    {mark:?}: {}", mark.sentence())?;
        }
        Ok(())
    }
}

/// The marks that no seed of the simulator hits, and why.
pub const UNREACHED: &[(Mark, &str)] = &[
    (
        Mark::PlayerBeforeReady,
        "its servers say `ready` before anything of players",
    ),
    (
        Mark::CameBackToNoNode,
        "a move must fail just when the node that it left is gone; see `failover::losses`",
    ),
    (
        Mark::EndToldBefore,
        "its servers have no SponsorBlock; see `plugins::end_times`",
    ),
    (
        Mark::HeldBehindARequest,
        "its application makes no requests of its own about players; see `failover::barriers`",
    ),
    (
        Mark::EndedBehindARequest,
        "its application makes no requests of its own about players; see `failover::barriers`",
    ),
    (
        Mark::RequestHeld,
        "its application makes no requests of its own about players; see `failover::barriers`",
    ),
    (
        Mark::PauseKeptBack,
        "its servers are no NodeLink; see `failover::nodelink`",
    ),
    (
        Mark::AnsweredTooSoon,
        "its servers read requests to their ends; see the tests of `core/src/http`",
    ),
    (
        Mark::NotKeptAlive,
        "its servers keep connections; see the tests of `core/src/http`",
    ),
];

/// The marks that fewer than one in a hundred seeds hit, and why so few.
pub const RARE: &[(Mark, &str)] = &[
    (
        Mark::DelayCapped,
        "it takes fifteen tries, four minutes; see `failover::reconnects`",
    ),
    (
        Mark::VoiceMadeElsewhere,
        "two nodes must fail a voice connection that a third makes; see `failover::targets`",
    ),
    (
        Mark::PlayerUndecodable,
        "a flipped bit must fall into a list of players; the fuzz target `pool` makes others",
    ),
    (
        Mark::MessageTooLong,
        "a flipped bit must make a length of megabytes; see the tests of `core/src/websocket`",
    ),
    (
        Mark::CleanedUpTwice,
        "a play without voice is not left alone for two minutes; see `traps::ends`",
    ),
    (
        Mark::LostPlayRefused,
        "a server must lose a track and then refuse it; see `failover::late`",
    ),
    (
        Mark::SoughtLate,
        "a server must do a seek late while its connection is away; see `failover::late_seeks`",
    ),
    (
        Mark::PongForeign,
        "only a flipped bit makes one; see `failover::messages`",
    ),
    (
        Mark::InterimResponse,
        "only a flipped bit makes one of a 500; see the tests of `core/src/http`",
    ),
    (
        Mark::Unsolicited,
        "a flipped bit must end an answer before its end; see the tests of `core/src/http`",
    ),
    (
        Mark::BodyToTheEnd,
        "only a flipped bit makes one; see the tests of `core/src/http`",
    ),
    (
        Mark::EndHeldBack,
        "a server must shut down while a track plays, and its end overtake that",
    ),
    (
        Mark::DepartureCutShort,
        "a node must be slow to answer until it has gone",
    ),
];
