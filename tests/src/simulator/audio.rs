//! Whether listeners miss anything when a player moves, and how much they hear twice.

use std::time::Duration;

use lavapool_core::protocol::GuildId;
use serde::Deserialize;

use super::Simulation;
use crate::invariant::Invariant;
use crate::node::blob::TrackBlob;
use crate::node::{LostPlayer, PlayerView, RequestRecord};

/// The part of a PATCH that says where a track goes on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Patch {
    track: Option<PatchedTrack>,
    position: Option<i64>,
    end_time: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct PatchedTrack {
    encoded: Option<String>,
    identifier: Option<String>,
}

/// What a PATCH says that lets a track go on.
struct GoesOn<'a> {
    guild: GuildId,
    session: &'a str,
    identifier: String,
    position: i64,
    /// It is to end at once: it was sent past its end.
    is_over: bool,
}

/// Where another copy of the player is, or was when it was lost.
struct Place {
    host: usize,
    session: String,
    content_ms: i64,
    /// When that was.
    at: Duration,
    is_lost: bool,
    is_audible: bool,
}

impl Simulation {
    /// Looks at what servers have heard and lost since the last time.
    pub(super) fn judge_audio(&mut self) {
        for host in 0..self.names.len() {
            let log = self.world.server(&self.names[host]).log();
            let (heard, lost) = self.seen[host];
            if log.requests.len() == heard && log.lost.len() == lost {
                continue;
            }
            self.seen[host] = (log.requests.len(), log.lost.len());
            let players: Vec<LostPlayer> = log.lost[lost..].to_vec();
            let requests: Vec<RequestRecord> = log.requests[heard..]
                .iter()
                .filter(|request| request.method == "PATCH")
                .cloned()
                .collect();
            for lost in players {
                let guild = u64::try_from(lost.player.guild).ok().and_then(GuildId::new);
                if let Some(guild) = guild {
                    let known = self.lost.entry(guild).or_default();
                    known.retain(|(_, other)| other.at + KEPT_FOR > lost.at);
                    known.push((host, lost));
                }
            }
            for request in requests {
                self.judge_patch(host, &request);
            }
        }
    }

    /// A PATCH that brings a track says where it goes on: nothing is skipped, little is repeated.
    fn judge_patch(&mut self, host: usize, request: &RequestRecord) {
        let Some(GoesOn {
            guild,
            session,
            identifier,
            position,
            is_over,
        }) = GoesOn::read(request)
        else {
            return;
        };
        // What was under way for long tells of an earlier place.
        let written_at = self.oracle.patched_at(host, guild);
        let written_at = written_at.filter(|at| *at + UNDER_WAY_MAX >= request.at);
        let Some(written_at) = written_at.filter(|_| self.knows_place(guild, &identifier)) else {
            return;
        };
        if is_over {
            // The copy that was there has ended.
            return self.judge_over(guild, position);
        }
        let places = self.places(guild, &identifier, session);
        let Some(furthest) = places.iter().max_by_key(|place| place.content_ms) else {
            return;
        };
        let heard_at = self
            .oracle
            .heard_at(furthest.host, &furthest.session, written_at);
        let lost_at = self.oracle.lost_at(furthest.host);
        if furthest.is_lost && self.oracle.is_in_doubt(lost_at) {
            // Where it was then is all that the pool knows since.
            return;
        }
        // What the pool took for a sign of life came late.
        let known_at = if lost_at < furthest.at {
            request.at
        } else {
            lost_at
        };
        let heard_late = if furthest.is_lost {
            known_at.saturating_sub(furthest.at)
        } else {
            Duration::ZERO
        };
        self.tally.moves_judged += 1;
        let skipped_ms = position - furthest.content_ms;
        let detail = format!(
            "{guild} goes on at {position} ms on {}, {skipped_ms} ms after it was heard on {}",
            self.names[host], self.names[furthest.host]
        );
        let skips_max = self.apart + heard_late;
        if skipped_ms > millis(skips_max) {
            return self.fail(Invariant::NoAudioSkipped, || detail);
        }
        let unheard = furthest.at.saturating_sub(heard_at);
        let repeats_max = self.apart + unheard + REPEATS_MAX;
        if furthest.is_audible && places.len() == 1 && -skipped_ms > millis(repeats_max) {
            self.fail(Invariant::LittleRepeated, || detail);
        }
    }

    /// A player that goes on only to end at once has passed the end that is wanted.
    fn judge_over(&mut self, guild: GuildId, position: i64) {
        let intent = self.application.intents.get(&guild);
        let Some(end_time) = intent.map(|intent| &intent.end_time) else {
            return;
        };
        // Both were rounded down.
        let is_passed = |end: u64| i64::try_from(end).is_ok_and(|end| end <= position + 1);
        if !(end_time.is_certain && end_time.wanted.is_some_and(is_passed)) {
            let detail = format!("{guild} ends at once at {position} ms, wanted {end_time:?}");
            self.fail(Invariant::EndTimeWanted, || detail);
        }
    }

    /// Whether it is known where in the track the guild's player should be.
    fn knows_place(&self, guild: GuildId, identifier: &str) -> bool {
        let is_asked = self.application.is_asked_of(guild);
        let intent = self.application.intents.get(&guild);
        let is_known = intent.is_some_and(|intent| {
            intent.place_is_known
                && !intent.was_scaled
                && intent.track.is_certain
                && intent.track.wanted.as_deref() == Some(identifier)
        });
        is_known && !is_asked && !self.oracle.is_in_doubt(self.world.now())
    }

    /// The other copies of the player, and those that were lost last.
    fn places(&self, guild: GuildId, identifier: &str, session: &str) -> Vec<Place> {
        let now = self.world.now();
        let plays_it = |copy: &PlayerView| {
            let track = copy.track.as_ref();
            track.is_some_and(|track| track.identifier == identifier) && copy.session != session
        };
        let mut places = Vec::new();
        for (name, copy) in self.world.copies(guild) {
            let host = self.names.iter().position(|known| known == name);
            if let Some(host) = host.filter(|_| plays_it(&copy)) {
                places.push(Place {
                    host,
                    session: copy.session.clone(),
                    content_ms: copy.content_ms,
                    at: now,
                    is_lost: false,
                    is_audible: copy.audible,
                });
            }
        }
        let is_alone = places.is_empty();
        for (host, lost) in self.lost.get(&guild).into_iter().flatten() {
            if !plays_it(&lost.player) || !(is_alone || lost.at + KEPT_FOR > now) {
                continue;
            }
            places.push(Place {
                host: *host,
                session: lost.player.session.clone(),
                content_ms: lost.player.content_ms,
                at: lost.at,
                is_lost: true,
                is_audible: lost.player.audible,
            });
        }
        places
    }
}

impl<'a> GoesOn<'a> {
    fn read(request: &'a RequestRecord) -> Option<Self> {
        let patch: Patch = serde_json::from_slice(&request.body).ok()?;
        let (track, position) = (patch.track?, patch.position?);
        let is_over = patch.end_time.is_some_and(|end| end <= position + 1);
        let path = request.path().strip_prefix("/v4/sessions/")?;
        let (session, player) = path.split_once("/players/")?;
        let guild = player.parse().ok().and_then(GuildId::new)?;
        let encoded = track.encoded.as_deref();
        let decoded = encoded.and_then(|encoded| TrackBlob::decode(encoded).ok());
        let named = track.identifier;
        let identifier = named.or_else(|| decoded.map(|blob| blob.identifier))?;
        Some(Self {
            guild,
            session,
            identifier,
            position,
            is_over,
        })
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// What is heard twice because the pool was told late that sound began.
const REPEATS_MAX: Duration = Duration::from_secs(2);

/// For how long a copy in a session that nobody resumes may be there beside the latest one, which
/// was lost.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// How long what is written may be under way, and still tell of the present place.
const UNDER_WAY_MAX: Duration = Duration::from_millis(500);
