//! [`Intent`]: what the application wants of a guild's player, kept apart from the pool.

use std::time::Duration;

use lavapool_core::CommandId;
use serde_json::Value;

use super::parts::Part;
use super::place::Place;
use crate::invariant::Invariant;
use crate::node::PlayerView;

/// What the application wants of a player.
///
/// A command that a node refuses is taken back by the pool, to what was confirmed before. Where
/// another command about the same field was open, what that is follows from bytes that crossed each
/// other, so such a field is no longer certain: the pool and the server must still agree on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Intent {
    /// The identifier of the track.
    pub(super) track: Field<Option<String>>,
    pub(super) paused: Field<bool>,
    pub(super) volume: Field<Loudness>,
    /// In milliseconds.
    pub(super) end_time: Field<Option<u64>>,
    /// All filters that are on, as a server echoes them.
    pub(super) filters: Field<Option<Value>>,
    /// As JSON.
    pub(super) user_data: Field<Option<String>>,
    /// Whether a speed was set since what plays was begun: then an end time is rebased when the
    /// player moves.
    pub(super) was_scaled: bool,
    /// Whether one was on, or set, since the latest play was asked for.
    is_scaled: bool,
    /// Whether a node has confirmed where in the track the player is.
    pub(super) place_is_known: bool,
    /// The command that asked for that last.
    pub(super) placed_by: Option<CommandId>,
    /// Where that was asked to be last, if that is known.
    pub(super) place: Option<Place>,
    /// Whether nobody here ever asked for the player, nor joins its channel.
    pub(super) is_strange: bool,
    /// Whether there may be no player at all.
    pub(super) may_be_gone: bool,
    /// Whether it was ever asked to play what nodes refuse.
    may_be_refused: bool,
}

/// What a server's player is like, in the same words.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) track: Option<String>,
    pub(super) paused: bool,
    pub(super) volume: Loudness,
    pub(super) end_time: Option<u64>,
    pub(super) filters: Option<Value>,
    pub(super) user_data: Option<String>,
}

impl Found {
    /// Reads a server's player.
    pub(super) fn read(copy: &PlayerView) -> Self {
        let playing = copy.track.as_ref();
        let data = playing.and_then(|track| track.user_data.as_object());
        let data = data.map(|object| {
            let mut object = object.clone();
            object.shift_remove("lavapool");
            object
        });
        let data = data.filter(|object| !object.is_empty());
        // What clears an end time on a server is one that never comes.
        let end_time = copy.end_time_ms.filter(|end| *end < i64::MAX);
        let filters = Some(&copy.filters)
            .filter(|filters| filters.as_object().is_some_and(|all| !all.is_empty()));
        Self {
            track: playing.map(|track| track.identifier.clone()),
            user_data: data.map(|object| Value::Object(object).to_string()),
            end_time: end_time.and_then(|end| u64::try_from(end).ok()),
            paused: copy.paused,
            volume: Loudness(u16::try_from(copy.volume).unwrap_or(u16::MAX)),
            filters: filters.cloned(),
        }
    }
}

/// A volume in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loudness(pub(super) u16);

impl Default for Loudness {
    fn default() -> Self {
        Self(100)
    }
}

/// One field.
#[derive(Clone, Debug)]
pub(super) struct Field<T> {
    pub(super) wanted: T,
    pub(super) is_certain: bool,
    /// What it is instead if the player was lost with the client that had it.
    pub(super) anew: Option<T>,
    /// The command that asked for it, until a node has confirmed it.
    by: Option<CommandId>,
    /// What was confirmed when that was asked for, if that is certain: what its refusal goes back
    /// to.
    before: Option<T>,
}

impl<T: Default> Default for Field<T> {
    fn default() -> Self {
        Self {
            wanted: T::default(),
            is_certain: true,
            anew: None,
            by: None,
            before: None,
        }
    }
}

impl<T> Field<T> {
    /// A command asks for this.
    pub(super) fn set(&mut self, wanted: T, by: CommandId) {
        let is_confirmed = self.is_certain && self.by.is_none() && self.anew.is_none();
        let before = std::mem::replace(&mut self.wanted, wanted);
        self.before = is_confirmed.then_some(before);
        (self.is_certain, self.by, self.anew) = (true, Some(by), None);
    }

    /// Something else than a command made it so.
    pub(super) fn became(&mut self, wanted: T) {
        self.wanted = wanted;
        (self.by, self.before, self.anew) = (None, None, None);
    }

    /// Nobody can say what it is.
    pub(super) fn doubt(&mut self) {
        self.is_certain = false;
        (self.before, self.anew) = (None, None);
    }

    /// Whether it is known to be this.
    pub(super) fn allows(&self, found: &T) -> bool
    where
        T: PartialEq,
    {
        !self.is_certain || self.wanted == *found || self.anew.as_ref() == Some(found)
    }

    /// Whether it is this, as another client finds it: then nothing else that it might have been
    /// counts any more.
    fn meets(&mut self, found: &T) -> bool
    where
        T: Clone + PartialEq,
    {
        if self.anew.as_ref() == Some(found) {
            self.wanted.clone_from(found);
        }
        self.allows(found)
    }

    /// Whether what was found says that the player outlived the client that had it, or that it did
    /// not; nothing if it says neither.
    pub(super) fn was_kept(&self, found: &T) -> Option<bool>
    where
        T: PartialEq,
    {
        let anew = self.anew.as_ref().filter(|anew| **anew != self.wanted)?;
        let is_kept = *found == self.wanted;
        (self.is_certain && (is_kept || found == anew)).then_some(is_kept)
    }
}

/// What happens to a field whatever it holds.
trait Kept {
    /// A node did what the command asked for. Returns whether that is what is wanted.
    fn confirm(&mut self, by: CommandId) -> bool;
    /// A node refused what the command asked for. Returns whether it is known what is so instead.
    fn refuse(&mut self, by: CommandId) -> bool;
    /// Nobody can say what it is.
    fn forget(&mut self);
    fn forget_before(&mut self);
    fn doubt_if(&mut self, by: CommandId);
    /// The client has ended: another one finds what is there, or makes a new player.
    fn outlive(&mut self, is_there: bool);
    /// The player was lost with its client.
    fn begin_anew(&mut self);
}

impl<T: Default> Kept for Field<T> {
    fn confirm(&mut self, by: CommandId) -> bool {
        let is_latest = self.by == Some(by);
        if is_latest {
            (self.by, self.before) = (None, None);
        }
        is_latest
    }

    fn refuse(&mut self, by: CommandId) -> bool {
        if self.by != Some(by) {
            return false;
        }
        match self.before.take() {
            Some(before) => self.became(before),
            None => self.doubt(),
        }
        self.is_certain
    }

    fn forget(&mut self) {
        self.doubt();
    }

    fn forget_before(&mut self) {
        self.before = None;
    }

    fn doubt_if(&mut self, by: CommandId) {
        if self.by == Some(by) {
            self.doubt();
        }
    }

    fn outlive(&mut self, is_there: bool) {
        if self.by.take().is_some() || !self.is_certain || !is_there {
            return self.doubt();
        }
        self.anew = Some(T::default());
    }

    fn begin_anew(&mut self) {
        *self = Self::default();
    }
}

impl Intent {
    /// One of which nothing is known, as of a player that was found.
    pub(super) fn unknown() -> Self {
        let mut intent = Self {
            is_strange: true,
            ..Self::default()
        };
        intent.doubt();
        intent
    }

    /// All that is compared, as [`FIELDS`] names it.
    fn fields(&mut self) -> [&mut dyn Kept; 6] {
        [
            &mut self.track,
            &mut self.paused,
            &mut self.volume,
            &mut self.end_time,
            &mut self.filters,
            &mut self.user_data,
        ]
    }

    /// Whether it is known how this should be.
    pub(super) fn is_certain(&self, part: Part) -> bool {
        match part {
            Part::Track => self.track.is_certain,
            Part::UserData => self.user_data.is_certain,
            Part::EndTime => self.end_time.is_certain && !self.was_scaled,
            Part::Paused => self.paused.is_certain,
            Part::Volume => self.volume.is_certain,
            Part::Filters => self.filters.is_certain,
            Part::Voice => !self.is_strange,
            Part::Place => self.place_is_known,
        }
    }

    fn forget_place(&mut self) {
        (self.place_is_known, self.place) = (false, None);
    }

    /// A command that asked for a place was answered. While a later one is on its way the player
    /// may be there or here, and if that is cancelled nobody hears where.
    pub(super) fn placed(&mut self, by: CommandId, is_done: bool, at: Duration) {
        let is_latest = self.placed_by == Some(by);
        self.place_is_known = is_done && (is_latest || self.place_is_known);
        Place::answered(&mut self.place, by, is_done, at);
    }

    /// Nobody can say what any of it is.
    pub(super) fn doubt(&mut self) {
        self.forget_place();
        self.fields().into_iter().for_each(Kept::forget);
    }

    /// Nobody can say what plays, nor how.
    pub(super) fn doubt_play(&mut self) {
        self.forget_place();
        self.track.doubt();
        self.paused.doubt();
        self.end_time.doubt();
        self.user_data.doubt();
    }

    /// The client has ended, and these copies of the player are left for the next one to find.
    pub(super) fn outlive(&mut self, copies: &[Found]) {
        self.forget_place();
        self.may_be_gone = true;
        match copies {
            [] => {
                self.fields().into_iter().for_each(Kept::begin_anew);
                self.was_scaled = false;
            }
            [copy] => {
                let is_there = [
                    self.track.meets(&copy.track),
                    self.paused.meets(&copy.paused),
                    self.volume.meets(&copy.volume),
                    self.end_time.meets(&copy.end_time),
                    self.filters.meets(&copy.filters),
                    self.user_data.meets(&copy.user_data),
                ];
                let fields = self.fields().into_iter().zip(is_there);
                fields.for_each(|(field, is_there)| field.outlive(is_there));
            }
            // Which of them is the later one the next client cannot know.
            _ => self.doubt(),
        }
    }

    /// Another client was told of the player, which plays this: it is as it was left. A track may
    /// have ended, and of an end time no node tells.
    pub(super) fn is_found(&mut self, track: Option<&str>) {
        self.may_be_gone = false;
        (self.paused.anew, self.volume.anew, self.filters.anew) = (None, None, None);
        if self.track.wanted.as_deref() == track {
            (self.track.anew, self.user_data.anew) = (None, None);
        }
    }

    /// What of the player is as it was when a client ended, though the rest is as that of a new
    /// one, or the other way round: it outlives its client whole, or not at all. Of its end time
    /// no node tells, and a track may have ended in the meantime.
    pub(super) fn is_torn(&self, found: &Found) -> Option<(Invariant, String)> {
        let track = self.track.was_kept(&found.track);
        let parts = [
            (Invariant::TrackWanted, track.filter(|is_kept| *is_kept)),
            (Invariant::PauseWanted, self.paused.was_kept(&found.paused)),
            (Invariant::VolumeWanted, self.volume.was_kept(&found.volume)),
            (
                Invariant::FiltersWanted,
                self.filters.was_kept(&found.filters),
            ),
            (
                Invariant::UserDataWanted,
                found
                    .track
                    .as_ref()
                    .and_then(|_| self.user_data.was_kept(&found.user_data)),
            ),
        ];
        let is_kept = parts.iter().any(|(_, was_kept)| *was_kept == Some(true));
        let lost = parts.iter().find(|(_, was_kept)| *was_kept == Some(false));
        let (invariant, _) = lost.filter(|_| is_kept)?;
        let detail = format!("what outlived its client is {found:?}, wanted {self:?}");
        Some((*invariant, detail))
    }

    /// A node did what a command asked for. Returns what of that is still wanted.
    pub(super) fn confirm(&mut self, command: CommandId) -> Vec<Part> {
        let confirmed = self.fields().map(|field| field.confirm(command));
        let parts = FIELDS.into_iter().zip(confirmed);
        let parts: Vec<_> = parts
            .filter_map(|(part, is_it)| is_it.then_some(part))
            .collect();
        if parts.contains(&Part::Track) {
            self.was_scaled = self.is_scaled;
        }
        parts
    }

    /// A node refused a command: all that it asked for is as before. Returns of how many fields it
    /// is known how that was.
    pub(super) fn refuse(&mut self, command: CommandId) -> u64 {
        let known = self.fields().into_iter().map(|field| field.refuse(command));
        known.map(u64::from).sum()
    }

    /// What a node is asked for is not all that may be there when it refuses that.
    pub(super) fn forget_before(&mut self) {
        self.fields().into_iter().for_each(Kept::forget_before);
    }

    /// A command was not answered: what it asked for may be refused later, with a play of its own
    /// or of another command, and taken back; or by itself, where servers blame the client.
    pub(super) fn doubt_refused(&mut self, command: CommandId, may_be_blamed: bool) {
        if self.may_be_refused || may_be_blamed {
            self.take_back(command);
        }
    }

    /// Filters were asked for, with or without a speed.
    pub(super) const fn scales(&mut self, is_scaled: bool) {
        self.is_scaled |= is_scaled;
        self.was_scaled |= is_scaled;
    }

    /// A play was asked for.
    pub(super) fn plays(&mut self, track: Option<String>, by: CommandId) {
        let wanted = self.filters.wanted.as_ref();
        let is_scaled = wanted.is_some_and(|filters| filters.get("timescale").is_some());
        let is_normal = self.filters.is_certain && !is_scaled;
        self.is_scaled = !is_normal || self.filters.by.is_some() || self.filters.anew.is_some();
        let named = track.as_deref().unwrap_or_default();
        self.may_be_refused |= named.starts_with(UNKNOWN) || named.contains(REFUSED);
        self.track.set(track, by);
    }

    /// A command was taken back, and nobody can say to what.
    pub(super) fn take_back(&mut self, command: CommandId) {
        let fields = self.fields().into_iter();
        fields.for_each(|field| field.doubt_if(command));
    }

    /// What plays has ended, or cannot be played.
    pub(super) fn ended(&mut self, track: &str) {
        if self.track.wanted.as_deref() == Some(track) {
            self.track.became(None);
        } else if let Some(before) = &mut self.track.before
            && before.as_deref() == Some(track)
        {
            *before = None;
        }
    }

    /// What plays gave way to another play: if that is refused elsewhere, later, nobody can say
    /// what it goes back to.
    pub(super) fn replaced(&mut self, track: &str) {
        let before = self.track.before.as_ref();
        if before.is_some_and(|before| before.as_deref() == Some(track)) {
            self.track.before = None;
        }
    }
}

/// What the identifiers of tracks have that nodes refuse.
pub(super) const REFUSED: &str = "refused-";

/// How identifiers begin that lead to nothing.
pub(super) const UNKNOWN: &str = "nothing-";

/// The fields in their order.
const FIELDS: [Part; 6] = [
    Part::Track,
    Part::Paused,
    Part::Volume,
    Part::EndTime,
    Part::Filters,
    Part::UserData,
];
