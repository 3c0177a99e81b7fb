//! [`Intent`]: what the application wants of a guild's player, kept apart from the pool.

use lavapool_core::CommandId;

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
    pub(super) volume: Field<Option<u16>>,
    /// In milliseconds.
    pub(super) end_time: Field<Option<u64>>,
    /// The name of the filter that is on.
    pub(super) filters: Field<Option<String>>,
    /// As JSON.
    pub(super) user_data: Field<Option<String>>,
    /// Whether a speed was ever set: then an end time is rebased when the player moves.
    pub(super) was_scaled: bool,
    /// Whether a node has confirmed where in the track the player is.
    pub(super) place_is_known: bool,
    /// Whether nobody here ever asked for the player, nor joins its channel.
    pub(super) is_strange: bool,
    /// Whether there may be no player at all.
    pub(super) may_be_gone: bool,
    /// Whether it was ever asked to play what nodes refuse.
    may_be_refused: bool,
}

/// One field.
#[derive(Clone, Debug)]
pub(super) struct Field<T> {
    pub(super) wanted: T,
    pub(super) is_certain: bool,
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
            by: None,
            before: None,
        }
    }
}

impl<T> Field<T> {
    /// A command asks for this.
    pub(super) fn set(&mut self, wanted: T, by: CommandId) {
        let is_confirmed = self.is_certain && self.by.is_none();
        let before = std::mem::replace(&mut self.wanted, wanted);
        self.before = is_confirmed.then_some(before);
        (self.is_certain, self.by) = (true, Some(by));
    }

    /// Something else than a command made it so.
    pub(super) fn became(&mut self, wanted: T) {
        self.wanted = wanted;
        (self.by, self.before) = (None, None);
    }

    fn confirm(&mut self, by: CommandId) {
        if self.by == Some(by) {
            (self.by, self.before) = (None, None);
        }
    }

    /// A node refused what the command asked for. Returns whether it is known what is so instead.
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

    /// Nobody can say what it is.
    pub(super) fn doubt(&mut self) {
        self.is_certain = false;
        self.before = None;
    }

    fn doubt_if(&mut self, by: CommandId) {
        if self.by == Some(by) {
            self.doubt();
        }
    }

    /// Whether it is known to be this.
    pub(super) fn allows(&self, found: &T) -> bool
    where
        T: PartialEq,
    {
        !self.is_certain || self.wanted == *found
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

    /// Nobody can say what any of it is.
    pub(super) fn doubt(&mut self) {
        self.place_is_known = false;
        self.track.doubt();
        self.paused.doubt();
        self.volume.doubt();
        self.end_time.doubt();
        self.filters.doubt();
        self.user_data.doubt();
    }

    /// A node did what a command asked for.
    pub(super) fn confirm(&mut self, command: CommandId) {
        self.track.confirm(command);
        self.paused.confirm(command);
        self.volume.confirm(command);
        self.end_time.confirm(command);
        self.filters.confirm(command);
        self.user_data.confirm(command);
    }

    /// A node refused a command: all that it asked for is as before. Returns of how many fields it
    /// is known how that was.
    pub(super) fn refuse(&mut self, command: CommandId) -> u64 {
        let known = [
            self.track.refuse(command),
            self.paused.refuse(command),
            self.volume.refuse(command),
            self.end_time.refuse(command),
            self.filters.refuse(command),
            self.user_data.refuse(command),
        ];
        known.into_iter().map(u64::from).sum()
    }

    /// What a node is asked for is not all that may be there when it refuses that.
    pub(super) fn forget_before(&mut self) {
        self.track.before = None;
        self.paused.before = None;
        self.volume.before = None;
        self.end_time.before = None;
        self.filters.before = None;
        self.user_data.before = None;
    }

    /// A command was not answered: what it asked for may be refused later, with a play of its own
    /// or of another command, and taken back.
    pub(super) fn doubt_refused(&mut self, command: CommandId) {
        if self.may_be_refused {
            self.take_back(command);
        }
    }

    /// A play was asked for.
    pub(super) fn plays(&mut self, track: Option<String>, by: CommandId) {
        let named = track.as_deref().unwrap_or_default();
        self.may_be_refused |= named.starts_with(UNKNOWN) || named.contains(REFUSED);
        self.track.set(track, by);
    }

    /// A command was taken back, and nobody can say to what.
    pub(super) fn take_back(&mut self, command: CommandId) {
        self.track.doubt_if(command);
        self.paused.doubt_if(command);
        self.volume.doubt_if(command);
        self.end_time.doubt_if(command);
        self.filters.doubt_if(command);
        self.user_data.doubt_if(command);
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
