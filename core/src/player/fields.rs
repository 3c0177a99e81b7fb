//! [`Fields`]: a set of the fields of a player.

/// A set of the fields of a player that the application sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(u8);

impl Fields {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const TRACK: Self = Self(1);
    pub(crate) const POSITION: Self = Self(1 << 1);
    pub(crate) const END_TIME: Self = Self(1 << 2);
    pub(crate) const VOLUME: Self = Self(1 << 3);
    pub(crate) const PAUSED: Self = Self(1 << 4);
    pub(crate) const FILTERS: Self = Self(1 << 5);
    pub(crate) const USER_DATA: Self = Self(1 << 6);
    pub(crate) const VOICE: Self = Self(1 << 7);
    /// What belongs to one play: the server forgets it with the track.
    pub(crate) const PLAY: Self =
        Self(Self::TRACK.0 | Self::POSITION.0 | Self::END_TIME.0 | Self::USER_DATA.0);

    /// What a player keeps from one play to the next, and always has a value of.
    pub(crate) const KEPT: Self = Self(Self::VOLUME.0 | Self::PAUSED.0 | Self::FILTERS.0);

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// As the node gets them: a track brings all that belongs to its play.
    pub(crate) const fn with_play(self) -> Self {
        if self.has(Self::TRACK) {
            self.with(Self::PLAY)
        } else {
            self
        }
    }

    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Fields; 8] = [
        Fields::TRACK,
        Fields::POSITION,
        Fields::END_TIME,
        Fields::VOLUME,
        Fields::PAUSED,
        Fields::FILTERS,
        Fields::USER_DATA,
        Fields::VOICE,
    ];

    #[test]
    fn each_field_is_one_of_its_own() {
        for (number, field) in ALL.into_iter().enumerate() {
            assert!(!field.is_empty(), "{number}");
            let same = ALL.into_iter().filter(|other| other.has(field));
            assert_eq!(same.count(), 1, "{number}");
        }
    }

    #[test]
    fn what_belongs_to_a_play_and_what_is_kept_are_named_one_by_one() {
        let of = |set: Fields| ALL.map(|field| set.has(field));
        let play = [true, true, true, false, false, false, true, false];
        let kept = [false, false, false, true, true, true, false, false];
        assert_eq!((of(Fields::PLAY), of(Fields::KEPT)), (play, kept));
    }
}
