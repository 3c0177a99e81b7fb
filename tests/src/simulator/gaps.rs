//! [`Gaps`]: how long listeners hear nothing when a node is lost, whatever the pool thinks of it.

use std::collections::BTreeMap;
use std::time::Duration;

use lavapool_core::player::Place;
use lavapool_core::protocol::GuildId;

use super::intent::{REFUSED, UNKNOWN};
use super::{Fault, FaultKind, Simulation};
use crate::invariant::Invariant;

/// Which players are silent since when, and which servers could take them.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Until when something is wrong with each server, by its index, or was last.
    ill_until: BTreeMap<usize, Duration>,
    /// When each was last ill, and connected all the same: a player may have been sent there.
    misled_at: BTreeMap<usize, Duration>,
    /// Since when each server that is a node can take players, as long as nothing is wrong with it,
    /// and in which session.
    free: BTreeMap<usize, (String, Duration)>,
    /// Where each guild's player was heard last: a server, its session, and the track.
    heard: BTreeMap<GuildId, (usize, String, String)>,
    /// The players of guilds that are silent.
    silent: BTreeMap<GuildId, Silence>,
    /// When something was last asked of each guild's player, or said of its voice, or will be.
    asked: BTreeMap<GuildId, Duration>,
    /// Until when an answer to a PATCH may say nothing of what its server has.
    pub(super) deceived_until: Duration,
    looks_at: Duration,
}

/// How a player is silent.
#[derive(Clone, Copy, Debug)]
struct Silence {
    began_at: Duration,
    /// Since when nothing else is a reason for that.
    since: Duration,
    /// The server that it was on its way to when it fell silent.
    asked: Option<usize>,
}

impl Gaps {
    /// Something was asked of a guild's player, or said of its voice.
    pub(super) fn asked(&mut self, guild: GuildId, at: Duration) {
        let asked = self.asked.entry(guild).or_default();
        *asked = at.max(*asked);
    }

    /// Another client has found no player yet.
    pub(super) fn new_client(&mut self) {
        self.free.clear();
        self.heard.clear();
        self.silent.clear();
    }

    fn forget(&mut self, guild: GuildId) {
        self.heard.remove(&guild);
        self.silent.remove(&guild);
    }

    fn is_ill(&mut self, host: usize, until: Duration) {
        let ill_until = self.ill_until.entry(host).or_default();
        *ill_until = until.max(*ill_until);
    }

    /// How many servers may have been asked in vain for a player that waits since then: also the
    /// one that it was on its way to before, if that was ill when it was asked.
    fn misled_since(&self, since: Duration, asked: Option<usize>) -> u32 {
        let misled = self.misled_at.iter();
        let is_it = |(host, at): &(&usize, &Duration)| {
            let lasts = [Duration::ZERO, REQUEST_DEADLINE][usize::from(asked == Some(**host))];
            **at + lasts >= since
        };
        u32::try_from(misled.filter(is_it).count()).unwrap_or(u32::MAX)
    }

    /// Whether a server's breaker may be open, since it was ill a short time before that moment.
    fn may_be_shunned(&self, host: usize, at: Duration) -> bool {
        let misled_at = self.misled_at.get(&host);
        misled_at.is_some_and(|misled| *misled + REQUEST_DEADLINE + BREAKER_OPEN >= at)
    }
}

impl Simulation {
    /// Takes note of a fault: a server that has one does not answer as it should. Whether one is
    /// connected is seen, and what happens to the next dial or the next bytes.
    pub(super) fn note_illness(&mut self, fault: &Fault) {
        let until = self.world.now() + fault.lasts_for;
        if fault.kind == FaultKind::Pages {
            self.gaps.deceived_until = self.gaps.deceived_until.max(until + DELETED_WITHIN);
        }
        match fault.kind {
            FaultKind::Kill
            | FaultKind::Restart
            | FaultKind::ShutDown
            | FaultKind::Drop
            | FaultKind::CloseCode
            | FaultKind::BrokenFrame
            | FaultKind::Malformed
            | FaultKind::Unknown
            | FaultKind::Pings
            | FaultKind::Fragments
            | FaultKind::Load
            | FaultKind::Latency
            | FaultKind::Suspend
            | FaultKind::ClockStops
            | FaultKind::VoiceCloses
            | FaultKind::VoiceDies
            | FaultKind::DialRefused
            | FaultKind::DialFails
            | FaultKind::DialSlow
            | FaultKind::DialNever
            | FaultKind::HoldToNode
            | FaultKind::HoldToPool
            | FaultKind::ResetMidway
            | FaultKind::EndMidway => {}
            FaultKind::DropRest => self.gaps.is_ill(fault.host, self.world.now()),
            FaultKind::DiscordSilent => {
                (0..self.names.len()).for_each(|host| self.gaps.is_ill(host, until));
            }
            FaultKind::HalfOpen
            | FaultKind::MuteToNode
            | FaultKind::MuteToPool
            | FaultKind::CutOff
            | FaultKind::Slow
            | FaultKind::Unanswered
            | FaultKind::Lost
            | FaultKind::Status5xx
            | FaultKind::Status4xx
            | FaultKind::Blamed
            | FaultKind::Pages
            | FaultKind::RetryAfter
            | FaultKind::SessionsUnknown
            | FaultKind::NeverReady
            | FaultKind::Silence
            | FaultKind::WrongPassword
            | FaultKind::WrongVersion
            | FaultKind::VoiceFails
            | FaultKind::PowerLoss
            | FaultKind::StandsStill
            | FaultKind::Restored
            | FaultKind::FlippedBit
            | FaultKind::WriteStall => self.gaps.is_ill(fault.host, until),
        }
    }

    /// Judges how long players have been silent that a server could take.
    pub(super) fn judge_gaps(&mut self) {
        let now = self.world.now();
        if now < self.gaps.looks_at {
            return;
        }
        self.gaps.looks_at = now + LOOKS_EVERY;
        self.look_for_free();
        let guilds: Vec<_> = self.application.intents.keys().copied().collect();
        for guild in guilds {
            self.judge_gap(guild, now);
        }
    }

    /// Looks which servers are well, connected, and take players.
    fn look_for_free(&mut self) {
        let now = self.world.now();
        for host in 0..self.names.len() {
            if self.world.are_dials_spoiled(&self.names[host]) {
                self.gaps.is_ill(host, now + DIAL_DEADLINE);
            }
            if self.world.are_bytes_spoiled(&self.names[host]) {
                self.gaps.is_ill(host, now);
            }
            let ill_until = self.gaps.ill_until.get(&host);
            let is_ill = ill_until.is_some_and(|ill| *ill >= now);
            let is_connected = self.oracle.live_session(host).is_some();
            if is_ill && is_connected {
                self.gaps.misled_at.insert(host, now);
            }
            let node = self.node_of(host);
            let view = node.and_then(|node| self.world.pool().node(node));
            let takes = view.is_some_and(|view| !view.draining);
            let session = self.oracle.live_session(host).filter(|_| !is_ill && takes);
            let free = &mut self.gaps.free;
            match session {
                Some(session) if free.get(&host).is_some_and(|(known, _)| known == session) => {}
                Some(session) => drop(free.insert(host, (session.clone(), now))),
                None => drop(free.remove(&host)),
            }
        }
    }

    fn judge_gap(&mut self, guild: GuildId, now: Duration) {
        let Some(track) = self.wanted_anywhere(guild) else {
            return self.gaps.forget(guild);
        };
        if let Some((host, session)) = self.heard_on(guild, &track) {
            self.gaps.heard.insert(guild, (host, session, track));
            let was_silent = self.gaps.silent.remove(&guild).is_some();
            self.tally.gaps_judged += u64::from(was_silent && !self.gaps.free.is_empty());
            return;
        }
        let Some((lost_from, session, heard)) = self.gaps.heard.get(&guild) else {
            return;
        };
        let (lost_from, is_alive) = (
            *lost_from,
            self.oracle.live_session(*lost_from) == Some(session),
        );
        if is_alive && (*heard != track || !self.is_taken_from(guild, session)) {
            // It is there, or comes back, or has ended; or something else was asked for since.
            self.gaps.silent.remove(&guild);
            return;
        }
        let asked_at = self.gaps.asked.get(&guild).copied().unwrap_or_default();
        let is_excused = self.oracle.is_in_doubt(guild, now)
            || self.world.is_suspended()
            || self.application.is_closing()
            || !self.voices.is_told(guild);
        let asked = self.on_its_way_to(guild);
        let silent = self.gaps.silent.entry(guild).or_insert(Silence {
            began_at: now,
            since: now,
            asked,
        });
        silent.since = asked_at.max(silent.since);
        if is_excused {
            silent.since = now;
        }
        let silent = *silent;
        for (host, (_, free_since)) in &self.gaps.free {
            let from = silent.since.max(*free_since);
            let (waited, max) = (now.saturating_sub(from), self.gap_max(*host, &silent, from));
            if waited > max {
                let (lost_at, lost, other) =
                    (silent.began_at, self.name(lost_from), self.name(*host));
                return self.fail(Invariant::GapBounded, || {
                    format!(
                        "{guild} is silent since {lost} had it no more at {lost_at:?}, and \
                         {other} could take it for {waited:?}, more than {max:?}"
                    )
                });
            }
        }
    }

    /// The server that a guild's player is on its way to, by the pool's word.
    fn on_its_way_to(&self, guild: GuildId) -> Option<usize> {
        match self.world.pool().player(guild)?.place {
            Place::Moving { to, .. } => self.names.iter().position(|name| **name == *to.name),
            _ => None,
        }
    }

    /// Whether a session had a player that the pool had it delete, and has none since.
    fn is_taken_from(&self, guild: GuildId, session: &str) -> bool {
        let mut copies = self.world.copies(guild).into_iter();
        self.copies.was_deleted(guild, session) && copies.all(|(_, copy)| copy.session != session)
    }

    /// The track that a guild should hear, if each server would take it.
    pub(super) fn wanted_anywhere(&self, guild: GuildId) -> Option<String> {
        let intent = self.application.intents.get(&guild)?;
        let track = intent
            .track
            .wanted
            .as_ref()
            .filter(|_| intent.track.is_certain)?;
        let is_refused = track.contains(REFUSED) || track.contains(UNKNOWN);
        (!is_refused && !intent.may_be_gone).then(|| track.clone())
    }

    /// The server, and its session, on which a guild's player plays this for the pool to hear.
    /// What an earlier client left there is heard once this one knows of it: if the session is
    /// lost before its players are listed, nobody can tell what there was to go on with.
    fn heard_on(&self, guild: GuildId, track: &str) -> Option<(usize, String)> {
        let intent = self.application.intents.get(&guild)?;
        let is_left = intent.track.anew.is_some();
        let view = self.world.pool().player(guild);
        if is_left && !view.is_some_and(|view| view.playing) {
            return None;
        }
        let copies = self.world.copies(guild);
        copies.into_iter().find_map(|(name, copy)| {
            let host = self.names.iter().position(|known| known == name)?;
            let plays = copy.track.as_ref()?;
            let is_it =
                plays.identifier == track && self.oracle.live_session(host) == Some(&copy.session);
            is_it.then_some((host, copy.session))
        })
    }

    /// How long it may take from when a player could be taken: the session is waited for, the
    /// players before it are sent, and servers that do not answer have their turns.
    fn gap_max(&self, host: usize, silent: &Silence, from: Duration) -> Duration {
        let limits = self.plan.options.limits.as_ref();
        let sockets = limits.map_or(SOCKETS, |limits| limits.control_sockets_max as u64);
        // A copy is removed before another is made; and sockets are dialled.
        let turns = TURNS_MIN + (2 * self.plan.options.guilds).div_ceil(sockets);
        let turns = u32::try_from(turns).unwrap_or(u32::MAX);
        // Where there are few sockets, what was asked before is waited for as well.
        let unheard = limits.map_or(Duration::ZERO, |_| REQUEST_DEADLINE);
        let since = silent.began_at.saturating_sub(unheard);
        let misled = self.gaps.misled_since(since, silent.asked);
        let pause = PAUSE_MAX * u32::from(misled > 0);
        let shunned = BREAKER_OPEN * u32::from(self.gaps.may_be_shunned(host, from));
        let asked_in_vain = (REQUEST_DEADLINE + PAUSE_MIN) * misled + pause;
        self.grace + self.plan.turn_max() * turns + shunned + asked_in_vain
    }
}

/// How long after a player was taken for gone elsewhere its copy may be deleted.
const DELETED_WITHIN: Duration = Duration::from_secs(60);

/// Often enough, with bounds of seconds.
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// How long a server may take to answer.
const REQUEST_DEADLINE: Duration = Duration::from_secs(15);

/// How long one is given no players that has failed to answer.
const BREAKER_OPEN: Duration = Duration::from_secs(5);

/// How long a dial may take that was begun when something was wrong with it.
const DIAL_DEADLINE: Duration = Duration::from_secs(10);

/// How long a server is not asked again that has failed a player.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How many sockets there are for the players of a node.
const SOCKETS: u64 = 16;

/// How many ways there and back it takes to send a player: the node is asked what it has, a socket
/// is dialled, and the player sent.
const TURNS_MIN: u64 = 4;
