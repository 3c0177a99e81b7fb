//! The body of a PATCH of a player, and what it does in which order (Lavalink: Update player).

use std::time::Duration;

use serde_json::{Value, json};

use super::api::ApiError;
use super::blob::TrackBlob;
use super::catalogue::LoadResult;
use super::fields::{Fields, Malformed};
use super::filters::Filters;
use super::player::{Player, Start};
use super::plugins::Extras;
use super::session::Message;
use super::view::VoiceState;
use super::{Faults, NodeConfig, TestNode, Voice};

/// A body that can be read. An outer none is an absent member, an inner none is `null`.
#[derive(Debug)]
pub(super) struct PlayerPatch {
    has_track: bool,
    has_deprecated: bool,
    track: TrackPatch,
    position_ms: Option<i64>,
    end_time_ms: Option<Option<i64>>,
    volume: Option<i32>,
    paused: Option<bool>,
    filters: Option<Filters>,
    voice: Option<VoicePatch>,
}

#[derive(Debug, Default)]
struct TrackPatch {
    encoded: Option<Option<String>>,
    identifier: Option<String>,
    user_data: Option<Value>,
}

#[derive(Debug)]
struct VoicePatch {
    state: VoiceState,
    is_whole: bool,
}

impl PlayerPatch {
    /// Reads a body.
    pub(super) fn decode(body: &Value) -> Result<Self, Malformed> {
        let fields = Fields::of(body)?;
        let deprecated = TrackPatch {
            encoded: fields.optional_text("encodedTrack")?,
            identifier: fields.text("identifier")?,
            user_data: None,
        };
        let given = fields
            .object("track")?
            .map(TrackPatch::decode)
            .transpose()?;
        Ok(Self {
            has_track: given.is_some(),
            has_deprecated: deprecated.encoded.is_some() || deprecated.identifier.is_some(),
            track: given.unwrap_or(deprecated),
            position_ms: fields.integer("position")?,
            end_time_ms: fields.optional_integer("endTime")?,
            volume: fields.small_integer("volume")?,
            paused: fields.boolean("paused")?,
            filters: fields.any("filters").map(Filters::decode).transpose()?,
            voice: fields
                .object("voice")?
                .map(VoicePatch::decode)
                .transpose()?,
        })
    }

    /// Checks what a server checks before it touches anything.
    fn check(&self, enabled_filters: &[String]) -> Result<(), ApiError> {
        if self.has_track && self.has_deprecated {
            return Err(ApiError::bad(
                "Cannot specify both track and encodedTrack/identifier",
            ));
        }
        if self.track.encoded.is_some() && self.track.identifier.is_some() {
            return Err(ApiError::bad(
                "Cannot specify both encodedTrack and identifier",
            ));
        }
        if let Some(filters) = &self.filters {
            filters.check_enabled(enabled_filters)?;
        }
        if self.voice.as_ref().is_some_and(|voice| !voice.is_whole) {
            return Err(ApiError::bad(
                "token, endpoint, sessionId and channelId must be provided in voice state",
            ));
        }
        if matches!(self.end_time_ms, Some(Some(..=0))) {
            return Err(ApiError::bad("End time must be greater than 0"));
        }
        Ok(())
    }

    fn names_track(&self) -> bool {
        self.track.encoded.is_some() || self.track.identifier.is_some()
    }
}

impl TrackPatch {
    fn decode(fields: Fields<'_>) -> Result<Self, Malformed> {
        let user_data = fields
            .any("userData")
            .map(|data| Fields::of(data).map(|_| data.clone()));
        Ok(Self {
            encoded: fields.optional_text("encoded")?,
            identifier: fields.text("identifier")?,
            user_data: user_data.transpose()?,
        })
    }
}

impl VoicePatch {
    /// All four members must be there; only the channel may be `null`, which is refused later.
    fn decode(fields: Fields<'_>) -> Result<Self, Malformed> {
        let channel_id = fields.optional_text("channelId")?.ok_or(Malformed)?;
        let state = VoiceState {
            token: fields.text("token")?.ok_or(Malformed)?,
            endpoint: fields.text("endpoint")?.ok_or(Malformed)?,
            session_id: fields.text("sessionId")?.ok_or(Malformed)?,
            channel_id: channel_id.unwrap_or_default(),
        };
        let parts = [
            &state.token,
            &state.endpoint,
            &state.session_id,
            &state.channel_id,
        ];
        let is_whole = parts.iter().all(|part| !part.trim().is_empty());
        Ok(Self { state, is_whole })
    }
}

/// A PATCH as far as it got.
enum Applied {
    Whole,
    Refused(ApiError),
    /// The server waits for a voice server that nobody can reach.
    Stuck,
}

impl TestNode {
    /// Applies a body to a player, which is made if there is none. What was applied before a
    /// failure stays. None is an answer that never comes.
    pub(super) fn patch_player(
        &mut self,
        id: &str,
        guild: i64,
        no_replace: bool,
        patch: PlayerPatch,
    ) -> Option<Result<Value, ApiError>> {
        if let Err(error) = patch.check(&self.config.filters) {
            return Some(Err(error));
        }
        let now = self.now;
        let Some(session) = self.sessions.get_mut(id) else {
            return Some(Err(ApiError::session_not_found()));
        };
        let player = session
            .players
            .entry(guild)
            .or_insert_with(|| Player::new(guild, &self.config));
        let extras = session.told.extras(guild, &self.config.knowledge);
        let mut applying = Applying {
            config: &self.config,
            extras,
            faults: &self.faults,
            update_first: self.config.races && self.seeded.toss(4),
            end_first: self.config.races && self.seeded.toss(3),
            now,
            messages: Vec::new(),
        };
        let applied = applying.apply(player, patch, no_replace);
        let messages = applying.messages;
        let body = self.faults.told(player.json(now));
        self.deliver(id, messages);
        self.arm_player(id, guild);
        match applied {
            Applied::Whole => Some(Ok(body)),
            Applied::Refused(error) => Some(Err(error)),
            Applied::Stuck => None,
        }
    }
}

/// What a PATCH needs beside its player.
struct Applying<'a> {
    config: &'a NodeConfig,
    extras: Extras,
    faults: &'a Faults,
    update_first: bool,
    end_first: bool,
    now: Duration,
    messages: Vec<Message>,
}

impl Applying<'_> {
    fn apply(&mut self, player: &mut Player, patch: PlayerPatch, no_replace: bool) -> Applied {
        let PlayerPatch {
            track,
            voice,
            filters,
            ..
        } = &patch;
        if let Some(voice) = voice {
            // The readiness of a new voice connection is reported before the track starts.
            self.update_first |= player.voice.is_none();
            match self.connect(player, voice.state.clone()) {
                Applied::Whole => {}
                unfinished @ (Applied::Refused(_) | Applied::Stuck) => return unfinished,
            }
        }
        let names_track = patch.names_track();
        if !names_track {
            if let Some(paused) = patch.paused {
                player.pause(paused, self.now);
            }
            if let Some(user_data) = &track.user_data {
                player.annotate(user_data.clone());
            }
        }
        if let Some(volume) = patch.volume {
            player.volume = volume.clamp(0, 1000);
        }
        if !names_track {
            if let Some(position_ms) = patch.position_ms {
                self.messages.extend(player.seek(position_ms, self.now));
            }
            if let Some(Some(end_time_ms)) = patch.end_time_ms {
                player.end_at(end_time_ms, self.now);
            }
        }
        if let Some(filters) = filters {
            if let Err(error) = filters.check_bands() {
                return Applied::Refused(error.into());
            }
            self.messages
                .extend(player.filter(filters.clone(), self.now));
        }
        if names_track && !(no_replace && player.has_track()) {
            player.pause(patch.paused.unwrap_or(false), self.now);
            if let Err(error) = self.change_track(player, &patch) {
                return Applied::Refused(error);
            }
        }
        if self.config.is_nodelink && patch.paused.is_some() && player.voice.is_none() {
            player.pause(false, self.now);
            return Applied::Refused(ApiError::bad(
                "The player is not connected to a voice server.",
            ));
        }
        Applied::Whole
    }

    fn connect(&mut self, player: &mut Player, state: VoiceState) -> Applied {
        if state.channel_id.parse::<i64>().is_err() {
            let text = &state.channel_id;
            let cause = format!("java.lang.NumberFormatException: For input string: \"{text}\"");
            return Applied::Refused(ApiError::thrown(&cause));
        }
        if player.is_connected_to(&state) {
            return Applied::Whole;
        }
        match self.config.voice {
            Voice::Connects | Voice::Closes { .. } => {
                self.messages
                    .extend(player.connect(state, self.config.voice, self.now));
                Applied::Whole
            }
            Voice::Fails => {
                self.messages.extend(player.disconnect(self.now));
                Applied::Refused(ApiError::new(500, "Failed to connect to voice server"))
            }
            Voice::Unreachable => {
                self.messages.extend(player.disconnect(self.now));
                Applied::Stuck
            }
        }
    }

    fn change_track(&mut self, player: &mut Player, patch: &PlayerPatch) -> Result<(), ApiError> {
        let blob = match (&patch.track.encoded, &patch.track.identifier) {
            (Some(None), _) => {
                self.messages.extend(player.end("stopped", self.now));
                return Ok(());
            }
            (Some(Some(encoded)), _) => decode_track(encoded, &self.config.sources)?,
            (None, Some(identifier)) => self.load_one(identifier)?,
            (None, None) => return Ok(()),
        };
        if self.faults.rejected_tracks.contains(&blob.identifier) {
            return Err(ApiError::unexplained());
        }
        let start = Start {
            user_data: patch.track.user_data.clone().unwrap_or_else(|| json!({})),
            position_ms: patch.position_ms.unwrap_or(blob.position_ms).max(0),
            end_time_ms: patch.end_time_ms.flatten(),
            fate: self.config.catalogue.fate(&blob.identifier),
            update_first: self.update_first,
            end_first: self.end_first,
            extras: self.extras.clone(),
            blob,
        };
        self.messages.extend(player.play(start, self.now));
        Ok(())
    }

    fn load_one(&self, identifier: &str) -> Result<TrackBlob, ApiError> {
        match self.config.catalogue.load(identifier, &self.config.sources) {
            LoadResult::Track(blob) => Ok(blob),
            LoadResult::Empty => Err(ApiError::bad("No matches found for identifier")),
            LoadResult::Error(message) => Err(ApiError::bad(&message)),
            LoadResult::Playlist { .. } | LoadResult::Search(_) => {
                Err(ApiError::bad("Cannot play a playlist or search result"))
            }
        }
    }
}

/// Decodes a track as a server that has these sources.
pub(super) fn decode_track(encoded: &str, sources: &[String]) -> Result<TrackBlob, ApiError> {
    let blob = TrackBlob::decode(encoded)?;
    if sources.contains(&blob.source) {
        return Ok(blob);
    }
    Err(ApiError::thrown(
        "java.lang.IllegalStateException: Failed to decode track due to a mismatching version \
         or missing source manager",
    ))
}
