//! [`Intent`]: what the application wants of a guild's player, kept apart from the pool.

use lavapool_core::CommandId;

/// What the application wants of a player.
///
/// A command that a node refuses is taken back by the pool, to what was confirmed before. What that
/// is follows from bytes that crossed each other, so such a field is no longer certain: the pool
/// and the server must still agree on it.
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
    /// The identifiers of all that was played before.
    pub(super) earlier: Vec<String>,
}

/// One field.
#[derive(Clone, Debug)]
pub(super) struct Field<T> {
    pub(super) wanted: T,
    pub(super) is_certain: bool,
    by: Option<CommandId>,
}

impl<T: Default> Default for Field<T> {
    fn default() -> Self {
        Self {
            wanted: T::default(),
            is_certain: true,
            by: None,
        }
    }
}

impl<T> Field<T> {
    /// A command asks for this.
    pub(super) fn set(&mut self, wanted: T, by: CommandId) {
        *self = Self {
            wanted,
            is_certain: true,
            by: Some(by),
        };
    }

    /// Something else than a command made it so.
    pub(super) fn became(&mut self, wanted: T) {
        self.wanted = wanted;
        self.by = None;
    }

    /// Nobody can say what it is.
    pub(super) fn doubt(&mut self) {
        self.is_certain = false;
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

    /// A command was taken back.
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
            self.earlier.extend(self.track.wanted.take());
            self.track.became(None);
        }
    }
}
