//! [`Tellings`]: the events of players, each of which must have come over the wire before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use lavapool_core::protocol::{GuildId, TrackEndReason};
use lavapool_core::{CommandId, Event, RequestError};

use super::wire::Message;
use crate::invariant::{Broken, Invariant};
use crate::world::Answered;

/// What arrived about players and was not told yet, and what was told of their ends.
#[derive(Debug, Default)]
pub(super) struct Tellings {
    arrived: BTreeMap<GuildId, VecDeque<Arrived>>,
    /// What has just arrived.
    fresh: Vec<Told>,
    /// The tracks of which the end was told.
    ended: BTreeSet<(GuildId, String)>,
    /// The guilds whose tracks may have ended without news of it, as it was lost with a connection:
    /// when the sessions of their players were resumed, or they were looked at.
    looked_at: BTreeMap<GuildId, Duration>,
    /// How each track was last to begin in each session.
    plays: BTreeMap<(GuildId, String, String), Begun>,
    /// The tracks that were to begin again where they had begun, under another number.
    begun_again: BTreeSet<(GuildId, String)>,
    /// When ends that were held back may be told, as what comes after them was refused.
    refused: BTreeMap<GuildId, Duration>,
    /// The latest commands whose answers nobody waits for: they may be refused at any time, until
    /// a later one is answered.
    unheard: BTreeMap<GuildId, CommandId>,
}

/// What a server, by its index, said of a player.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) guild: GuildId,
    pub(super) kind: &'static str,
    pub(super) track: String,
    pub(super) host: usize,
    /// Why it ended, if it did.
    pub(super) reason: Option<String>,
}

/// A track that was to begin in a session.
#[derive(Debug)]
struct Begun {
    /// The number of the play.
    play: u64,
    /// The server was asked since to delete the player, whether or not it has done that.
    is_deleted: bool,
}

#[derive(Debug)]
struct Arrived {
    kind: &'static str,
    track: String,
    host: usize,
    session: String,
    at: Duration,
    held: Option<Held>,
    /// What came after it was told before it.
    was_passed: bool,
}

/// Why the pool may hold a start or an end back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// The server may be shutting down.
    Stopped,
    /// The next play is on its way: that this one began, or ended, is told if that is refused.
    Succeeded,
}

impl Tellings {
    /// A command about a guild's player was answered: an end that was held back may be told now,
    /// or as soon as that is refused which nobody waits for any more.
    pub(super) fn answered(
        &mut self,
        guild: GuildId,
        command: CommandId,
        answer: &Answered,
        at: Duration,
    ) {
        match answer {
            Ok(_) => drop(self.refused.remove(&guild)),
            Err(
                RequestError::Rejected { .. }
                | RequestError::VoiceTimeout
                | RequestError::TrackUnplayable,
            ) => drop(self.refused.insert(guild, at)),
            Err(RequestError::Unconfirmed(_)) => return self.unheard(guild, command),
            Err(_) => return,
        }
        let unheard = self.unheard.get(&guild);
        if unheard.is_some_and(|unheard| *unheard < command) {
            self.unheard.remove(&guild);
        }
    }

    /// Nobody waits for what a command asked of a guild's player.
    pub(super) fn unheard(&mut self, guild: GuildId, command: CommandId) {
        let latest = self.unheard.entry(guild).or_insert(command);
        *latest = command.max(*latest);
    }

    /// A server says what it has of the guild's player: its session is resumed, or it was asked.
    pub(super) fn looked_at(&mut self, guild: GuildId, at: Duration) {
        self.looked_at.insert(guild, at);
    }

    /// What the guild's player has goes on: only a message can be the news of its end.
    pub(super) fn goes_on(&mut self, guild: GuildId) {
        self.looked_at.remove(&guild);
    }

    /// A server was asked to begin a play of a track in a session.
    pub(super) fn begins(&mut self, guild: GuildId, session: String, track: String, play: u64) {
        let is_deleted = false;
        let begun = Begun { play, is_deleted };
        let earlier = self.plays.insert((guild, session, track.clone()), begun);
        if earlier.is_some_and(|earlier| earlier.play != play) {
            self.begun_again.insert((guild, track));
        }
    }

    /// A server is to begin a play of a track in a session. If it had begun there under another
    /// number, nobody knows what plays, and that is so whether or not the server hears of this one
    /// before the next is asked for (seed 0x2213).
    pub(super) fn goes_out(&mut self, guild: GuildId, session: String, track: String, play: u64) {
        let earlier = self.plays.get(&(guild, session, track.clone()));
        if earlier.is_some_and(|earlier| earlier.play != play) {
            self.begun_again.insert((guild, track));
        }
    }

    /// A server is to delete a guild's player in a session: the pool means what plays there to be
    /// over, whatever the server answers, as the voice connection goes with it (seed 0x19c2).
    pub(super) fn deletes(&mut self, guild: GuildId, session: &str) {
        for ((player, of, _), begun) in &mut self.plays {
            begun.is_deleted |= *player == guild && of == session;
        }
    }

    /// What has arrived since the last time.
    pub(super) fn take_fresh(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.fresh)
    }

    /// A message arrived.
    pub(super) fn arrived(&mut self, host: usize, session: String, message: Message, at: Duration) {
        let kind = KINDS.into_iter().find(|kind| **kind == *message.kind);
        let guild = message.guild.parse().ok().and_then(GuildId::new);
        let (Some(kind), Some(guild)) = (kind, guild) else {
            return;
        };
        let queue = self.arrived.entry(guild).or_default();
        if queue.len() == ARRIVED_MAX {
            queue.pop_front();
        }
        let track = message.track.unwrap_or_default().info.identifier;
        self.fresh.push(Told {
            guild,
            kind,
            track: track.clone(),
            host,
            reason: message.reason.clone(),
        });
        queue.push_back(Arrived {
            kind,
            track,
            host,
            session,
            at,
            held: match message.reason.as_deref() {
                Some("stopped") => Some(Held::Stopped),
                Some("finished" | "loadFailed" | "cleanup") => Some(Held::Succeeded),
                _ => (kind == "TrackStartEvent").then_some(Held::Succeeded),
            },
            was_passed: false,
        });
    }

    /// An event is told; known are the sessions of the servers that are ready.
    pub(super) fn told(
        &mut self,
        event: &Event,
        at: Duration,
        is_doubtful: bool,
        sessions: &[Option<&str>],
    ) -> Result<(), Broken> {
        let Some((guild, kind, track)) = about(event) else {
            return Ok(());
        };
        // The news of an end may be lost with a connection: that the server has no track any more
        // is told as one, 5 s after its list of players, or its word on that one.
        let looked_at = self.looked_at.get(&guild);
        let is_listed = looked_at.is_some_and(|looked| at < *looked + INFERRED_WITHIN);
        let is_refused = self.refused.get(&guild) == Some(&at) || self.unheard.contains_key(&guild);
        let is_inferred = is_listed && is_implied(event);
        let is_given_up = is_refused && is_finished(event);
        let is_untold = is_inferred || (is_given_up && self.is_lost(guild, track, sessions));
        let queue = self.arrived.entry(guild).or_default();
        let is_it = |arrived: &Arrived| {
            let was_held = arrived.held == Some(Held::Stopped) && arrived.at + HELD_FOR <= at;
            let is_due = !arrived.was_passed || was_held || is_refused;
            arrived.kind == kind && arrived.track == track && is_due
        };
        let is_alive = |arrived: &Arrived| {
            arrived.at == at || sessions[arrived.host] == Some(&*arrived.session)
        };
        // One that came twice may not have been told the first time. An end that nothing tells of
        // is not the one of a session that is over.
        let alive = queue.iter().position(|one| is_it(one) && is_alive(one));
        let stale = || queue.iter().position(is_it).filter(|_| !is_untold);
        let place = alive.or_else(stale);
        let Some(place) = place else {
            if is_untold {
                return self.follow(event, guild, track);
            }
            let detail = format!("{kind} of {track:?} in {guild} did not arrive, or before others");
            return require(is_doubtful, Invariant::EventsInOrder, detail);
        };
        let Some(arrived) = queue.remove(place) else {
            return Ok(());
        };
        // What was passed over was stale, or is told later.
        let mut passed: VecDeque<_> = queue
            .drain(..place)
            .filter(|one| one.held.is_some())
            .collect();
        passed.iter_mut().for_each(|one| one.was_passed = true);
        passed.append(queue);
        *queue = passed;
        // An end that was heard in time is told when its successor comes to nothing.
        let was_kept = is_refused && arrived.held == Some(Held::Succeeded);
        let is_present = is_alive(&arrived) || was_kept || is_doubtful;
        let detail = format!("{kind} of {track:?} in {guild} is from a session that is over");
        require(is_present, Invariant::EventsNotStale, detail)?;
        self.follow(event, guild, track)
    }

    /// Whether a track is over when what was asked for in its place is refused, though no message
    /// says so: all sessions in which it began are over, or were to have the player no more, or it
    /// was to begin again where it had, as nobody knew what the server plays.
    fn is_lost(&self, guild: GuildId, track: &str, sessions: &[Option<&str>]) -> bool {
        let begun = self.plays.iter();
        let mut begun = begun
            .filter(|((player, _, begun), _)| *player == guild && begun == track)
            .map(|((_, session, _), begun)| {
                begun.is_deleted || !sessions.contains(&Some(&**session))
            })
            .peekable();
        let was_begun_again = self.begun_again.contains(&(guild, track.to_owned()));
        was_begun_again || (begun.peek().is_some() && begun.all(|is_over| is_over))
    }

    /// A track ends once, and does not begin after that.
    fn follow(&mut self, event: &Event, guild: GuildId, track: &str) -> Result<(), Broken> {
        let key = (guild, track.to_owned());
        let detail = format!("{track:?} in {guild}");
        match event {
            Event::TrackStart { .. } => {
                require(!self.ended.contains(&key), Invariant::EndsOnce, detail)
            }
            // A copy that was made while the track ended elsewhere is stopped, and says so.
            Event::TrackEnd { reason, .. } if reason.may_start_next() => {
                require(self.ended.insert(key), Invariant::EndsOnce, detail)
            }
            _ => Ok(()),
        }
    }
}

/// The guild of an event, the type of the message that it was, and its track.
pub(super) fn about(event: &Event) -> Option<(GuildId, &'static str, &str)> {
    Some(match event {
        Event::TrackStart { guild, track } => (*guild, KINDS[0], &track.info.identifier),
        Event::TrackEnd { guild, track, .. } => (*guild, KINDS[1], &track.info.identifier),
        Event::TrackException { guild, track, .. } => (*guild, KINDS[2], &track.info.identifier),
        Event::TrackStuck { guild, track, .. } => (*guild, KINDS[3], &track.info.identifier),
        Event::VoiceClosed { guild, .. } => (*guild, KINDS[4], ""),
        _ => return None,
    })
}

/// An end that a list implies, or that the application asked for before that was told.
fn is_implied(event: &Event) -> bool {
    let implied = [TrackEndReason::Finished, TrackEndReason::Stopped];
    matches!(event, Event::TrackEnd { reason, .. } if implied.contains(reason))
}

fn is_finished(event: &Event) -> bool {
    let finished = TrackEndReason::Finished;
    matches!(event, Event::TrackEnd { reason, .. } if *reason == finished)
}

fn require(holds: bool, invariant: Invariant, detail: String) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken { invariant, detail })
    }
}

const KINDS: [&str; 5] = [
    "TrackStartEvent",
    "TrackEndEvent",
    "TrackExceptionEvent",
    "TrackStuckEvent",
    "WebSocketClosedEvent",
];

/// How long the pool waits whether a server that stopped a track goes away.
const HELD_FOR: Duration = Duration::from_secs(5);

/// The list of players may come late, and the server is given 5 s to say more.
const INFERRED_WITHIN: Duration = Duration::from_secs(30);

/// How much is remembered of a guild, the latest.
const ARRIVED_MAX: usize = 64;
