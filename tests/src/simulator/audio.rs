//! Whether listeners miss anything when a player moves, and how much they hear twice.

use std::time::Duration;

use lavapool_core::protocol::GuildId;
use serde::Deserialize;
use serde_json::Value;

use super::Simulation;
use super::copies::{KEPT_FOR, PastCopy};
use super::silences::REPORTED_EVERY;
use crate::invariant::Invariant;
use crate::node::blob::TrackBlob;
use crate::node::{LostPlayer, PlayerFate, PlayerView, RequestRecord};

/// The part of a PATCH that says where a track goes on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Patch {
    track: Option<PatchedTrack>,
    position: Option<i64>,
    end_time: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PatchedTrack {
    encoded: Option<String>,
    identifier: Option<String>,
    #[serde(default)]
    user_data: Value,
}

/// What a PATCH says that lets a track go on.
pub(super) struct GoesOn<'a> {
    pub(super) guild: GuildId,
    pub(super) session: &'a str,
    pub(super) identifier: String,
    /// The number of the play.
    pub(super) play: Option<u64>,
    pub(super) position: i64,
    /// It is to end at once: it was sent past its end.
    pub(super) is_over: bool,
}

/// Where another copy of the player is, or was when it was lost.
struct Place {
    host: usize,
    session: String,
    content_ms: i64,
    /// When that was.
    at: Duration,
    is_lost: bool,
    /// Somebody hears it: the server has a voice connection that is open, too.
    is_audible: bool,
    /// How far the pool's idea of where it is may be from the truth.
    apart: Duration,
}

impl Simulation {
    /// Looks at what servers have heard and lost since the last time.
    pub(super) fn judge_audio(&mut self) {
        let mut patches = Vec::new();
        for host in 0..self.names.len() {
            let log = self.world.server(&self.names[host]).log();
            let (heard, lost) = self.seen[host];
            self.seen[host] = (log.requests.len(), log.lost.len());
            for request in &log.requests[heard..] {
                if request.method == "PATCH" {
                    patches.push((host, request.clone()));
                }
                if request.method == "GET"
                    && let Some(guild) = player_of(request)
                {
                    self.oracle.tellings.looked_at(guild, request.at);
                }
                if let Some(goes_on) = GoesOn::read(request.path(), &request.body) {
                    let (guild, session) = (goes_on.guild, goes_on.session);
                    self.copies.goes_on(guild, session, request.at);
                    if let Some(play) = goes_on.play {
                        let session = session.to_owned();
                        let (tellings, track) = (&mut self.oracle.tellings, goes_on.identifier);
                        tellings.begins(guild, session, track, play);
                    }
                }
            }
            for lost in &log.lost[lost..] {
                self.copies.lose(host, lost);
            }
        }
        for (host, request) in patches {
            self.judge_patch(host, &request);
            self.judge_begun(host, &request);
        }
    }

    /// A PATCH that brings a track says where it goes on: nothing is skipped, little is repeated.
    pub(super) fn judge_patch(&mut self, host: usize, request: &RequestRecord) {
        let Some(goes_on) = GoesOn::read(request.path(), &request.body) else {
            return;
        };
        let (guild, position) = (goes_on.guild, goes_on.position);
        // What was under way for long tells of an earlier place.
        let written_at = self.oracle.patched_at(host, guild);
        let written_at = written_at.filter(|at| *at + UNDER_WAY_MAX >= request.at);
        let Some(written_at) = written_at.filter(|_| self.knows_place(&goes_on)) else {
            return;
        };
        if goes_on.is_over {
            // The copy that was there has ended.
            return self.judge_over(guild, position);
        }
        let (mut places, mut past) = (self.places(&goes_on), self.past_places(&goes_on));
        for place in places.iter_mut().chain(&mut past) {
            place.apart = self.apart_there(place, guild, written_at);
        }
        let Some(furthest) = furthest(&places).or_else(|| furthest(&past)) else {
            return;
        };
        let lost_at = self.oracle.lost_at(furthest.host);
        if furthest.is_lost && self.oracle.is_in_doubt(guild, lost_at) {
            // Where it was then is all that the pool knows since.
            return;
        }
        self.tally.moves_judged += 1;
        let skipped_ms = position - furthest.content_ms;
        let detail = format!(
            "{guild} goes on at {position} ms on {}, {skipped_ms} ms after it was heard on {}",
            self.names[host], self.names[furthest.host]
        );
        let is_ahead =
            |place: &Place| position - place.content_ms > millis(self.skips_max(place, request.at));
        let is_skipped = is_ahead(furthest) && past.iter().all(is_ahead);
        // The server that is to let it go on may have had it since, and have said that it came this
        // far.
        let place_ms = position - millis(furthest.apart);
        let times = (furthest.at, written_at);
        if is_skipped && !self.oracle.has_told_place(host, guild, times, place_ms) {
            return self.fail(Invariant::NoAudioSkipped, || detail);
        }
        if self.repeats_much(furthest, &places, guild, position, written_at) {
            self.fail(Invariant::LittleRepeated, || detail);
        }
    }

    /// Whether a player goes on further back than the pool could know that it was heard.
    fn repeats_much(
        &mut self,
        furthest: &Place,
        places: &[Place],
        guild: GuildId,
        position: i64,
        written_at: Duration,
    ) -> bool {
        let (host, session) = (furthest.host, &furthest.session);
        // A PATCH that was written before it went there knows nothing of that.
        let was_there = !self.copies.went_on_since(guild, session, written_at);
        // Of two, the further one may have been of no use to anybody.
        if !(furthest.is_audible && places.len() == 1 && was_there) {
            return false;
        }
        self.tally.repeats_judged += 1;
        let heard_at = self.oracle.heard_at(host, session, guild, written_at);
        let unheard = furthest.at.saturating_sub(heard_at);
        let repeats_max = furthest.apart + unheard + REPEATS_MAX;
        let told = self.oracle.told_place(host, guild, heard_at);
        let is_told = told.is_none_or(|told| position + millis(furthest.apart) < told);
        is_told && furthest.content_ms - position > millis(repeats_max)
    }

    /// How far the pool's idea of where a copy is may be from the truth: where sound stopped
    /// without a word, the time to the next report more.
    fn apart_there(&self, place: &Place, guild: GuildId, written_at: Duration) -> Duration {
        let heard_at = self
            .oracle
            .heard_at(place.host, &place.session, guild, written_at);
        if self.silences.misled(place.host, guild, heard_at) {
            self.apart + REPORTED_EVERY
        } else {
            self.apart
        }
    }

    /// How far a player may go on after a place.
    fn skips_max(&self, place: &Place, now: Duration) -> Duration {
        let lost_at = self.oracle.lost_at(place.host);
        // What the pool took for a sign of life came late.
        let known_until = if lost_at < place.at {
            now
        } else {
            self.oracle.known_until(place.host)
        };
        let heard_late = if place.is_lost {
            known_until.saturating_sub(place.at)
        } else {
            Duration::ZERO
        };
        place.apart + heard_late
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
    fn knows_place(&self, goes_on: &GoesOn<'_>) -> bool {
        let is_asked = self.application.is_asked_of(goes_on.guild);
        let intent = self.application.intents.get(&goes_on.guild);
        let is_known = intent.is_some_and(|intent| {
            intent.place_is_known
                && !intent.was_scaled
                && intent.track.is_certain
                && intent.track.wanted.as_ref() == Some(&goes_on.identifier)
        });
        let is_doubted = self.oracle.is_in_doubt(goes_on.guild, self.world.now());
        is_known && !is_asked && !is_doubted
    }

    /// The other copies of the player that there are.
    fn present_places(&self, goes_on: &GoesOn<'_>) -> Vec<Place> {
        let now = self.world.now();
        let copies = self.world.copies(goes_on.guild).into_iter();
        let others = copies.filter(|(_, copy)| goes_on.is_another(copy));
        let places = others.filter_map(|(name, copy)| {
            let host = self.names.iter().position(|known| known == name)?;
            Some(Place {
                host,
                session: copy.session,
                content_ms: copy.content_ms,
                at: now,
                is_lost: false,
                is_audible: copy.audible && copy.connected,
                apart: Duration::ZERO,
            })
        });
        places.collect()
    }

    /// The other copies of the player, and those that were lost last.
    fn places(&self, goes_on: &GoesOn<'_>) -> Vec<Place> {
        let now = self.world.now();
        let mut places = self.present_places(goes_on);
        let is_alone = places.is_empty();
        let is_another = |copy: &PlayerView| goes_on.is_another(copy);
        let lost = self.copies.lost(goes_on.guild, is_another);
        let lost = lost.filter(|copy| is_alone || copy.lost.at + KEPT_FOR > now);
        places.extend(lost.map(Place::of));
        places
    }

    /// Those that are no more, where there is no other: deleted before any was to take its place,
    /// or ended, which the pool may not have heard.
    fn past_places(&self, goes_on: &GoesOn<'_>) -> Vec<Place> {
        if !self.present_places(goes_on).is_empty() {
            return Vec::new();
        }
        let is_another = |copy: &PlayerView| goes_on.is_another(copy);
        let gone = self.copies.gone(goes_on.guild, is_another);
        gone.map(Place::of).collect()
    }
}

impl Place {
    fn of(copy: &PastCopy) -> Self {
        let LostPlayer { at, fate, player } = &copy.lost;
        Self {
            host: copy.host,
            session: player.session.clone(),
            content_ms: player.content_ms,
            at: *at,
            // What was deleted is known to have stopped.
            is_lost: *fate != PlayerFate::Deleted,
            is_audible: player.audible && player.connected,
            apart: Duration::ZERO,
        }
    }
}

impl<'a> GoesOn<'a> {
    pub(super) fn read(path: &'a str, body: &[u8]) -> Option<Self> {
        let patch: Patch = serde_json::from_slice(body).ok()?;
        let (track, position) = (patch.track?, patch.position?);
        let is_over = patch.end_time.is_some_and(|end| end <= position + 1);
        let path = path.strip_prefix("/v4/sessions/")?;
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
            play: track.user_data["lavapool"]["play"].as_u64(),
            position,
            is_over,
        })
    }

    /// Whether a copy plays the same, and is not the one that goes on here.
    fn is_another(&self, copy: &PlayerView) -> bool {
        let track = copy.track.as_ref();
        let plays_it = track.is_some_and(|track| track.identifier == self.identifier);
        plays_it && copy.session != self.session
    }
}

/// The guild whose player a request is about.
fn player_of(request: &RequestRecord) -> Option<GuildId> {
    let (_, player) = request.path().split_once("/players/")?;
    player.parse().ok().and_then(GuildId::new)
}

fn furthest(places: &[Place]) -> Option<&Place> {
    places.iter().max_by_key(|place| place.content_ms)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// What is heard twice because the pool was told late that sound began.
const REPEATS_MAX: Duration = Duration::from_secs(2);

/// How long what is written may be under way, and still tell of the present place.
pub(super) const UNDER_WAY_MAX: Duration = Duration::from_millis(500);
