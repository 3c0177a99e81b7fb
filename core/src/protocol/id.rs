//! Discord's ids: [`GuildId`], [`UserId`] and [`ChannelId`].

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::json::{NUMBER_KEY, Text};

/// Text or a number that is not an id: an id is a decimal number from 1 to 2^64 − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a decimal number from 1 to 18446744073709551615")]
pub struct ParseIdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// It is read from a decimal string or a number, and written as a string.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// The id of this number; none for 0.
            pub const fn new(number: u64) -> Option<Self> {
                match NonZeroU64::new(number) {
                    Some(number) => Some(Self(number)),
                    None => None,
                }
            }

            /// The number.
            pub const fn get(self) -> u64 {
                self.0.get()
            }
        }

        impl From<NonZeroU64> for $name {
            fn from(number: NonZeroU64) -> Self {
                Self(number)
            }
        }

        impl From<$name> for NonZeroU64 {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = ParseIdError;

            fn try_from(number: u64) -> Result<Self, ParseIdError> {
                Self::new(number).ok_or(ParseIdError)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Snowflake::parse(text).map(|id| Self(id.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(SnowflakeVisitor).map(|id| Self(id.0))
            }
        }
    };
}

id! {
    /// The id of a Discord guild; a player is known by it.
    GuildId
}
id! {
    /// The id of a Discord user, such as the bot itself.
    UserId
}
id! {
    /// The id of a Discord channel.
    ChannelId
}

struct Snowflake(NonZeroU64);

impl Snowflake {
    fn parse(text: &str) -> Result<Self, ParseIdError> {
        let number = text.bytes().try_fold(0_u64, |number, byte| {
            // `u64::from_str` would take a plus sign too.
            let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
            number.checked_mul(10)?.checked_add(u64::from(digit))
        });
        number
            .and_then(NonZeroU64::new)
            .map(Self)
            .ok_or(ParseIdError)
    }
}

struct SnowflakeVisitor;

impl<'de> Visitor<'de> for SnowflakeVisitor {
    type Value = Snowflake;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal id")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Snowflake, E> {
        let number = NonZeroU64::new(number);
        number
            .map(Snowflake)
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(0), &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Snowflake, E> {
        Snowflake::parse(text).map_err(E::custom)
    }

    /// An object is no id, except the one that `serde_json` makes of each number when its feature
    /// `arbitrary_precision` is on.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Snowflake, A::Error> {
        let key = map.next_key::<Text<'de>>()?;
        if key.is_none_or(|key| key.0 != NUMBER_KEY) {
            return Err(A::Error::invalid_type(Unexpected::Map, &self));
        }
        self.visit_str(&map.next_value::<Text<'de>>()?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_from_text_and_number_and_written_as_text() {
        let guild = GuildId::new(817_327_181_659_111_454).unwrap();
        assert_eq!(
            serde_json::from_str::<GuildId>("\"817327181659111454\"").unwrap(),
            guild
        );
        assert_eq!(
            serde_json::from_str::<GuildId>("817327181659111454").unwrap(),
            guild
        );
        assert_eq!(
            serde_json::to_string(&guild).unwrap(),
            "\"817327181659111454\""
        );
        assert_eq!("817327181659111454".parse(), Ok(guild));
        assert_eq!(guild.to_string(), "817327181659111454");
        let greatest = UserId::new(u64::MAX).unwrap();
        assert_eq!(
            serde_json::from_str::<UserId>("18446744073709551615").unwrap(),
            greatest
        );
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "0",
            "-1",
            "+5",
            " 5",
            "5.0",
            "five",
            "18446744073709551616",
        ] {
            assert_eq!(text.parse::<ChannelId>(), Err(ParseIdError), "{text:?}");
            assert!(
                serde_json::from_str::<ChannelId>(&format!("{text:?}")).is_err(),
                "{text:?}"
            );
        }
        for json in [
            "0",
            "-5",
            "5.5",
            "null",
            "true",
            "[5]",
            "{}",
            "{\"a\":{}}",
            "{\"a\":\"5\"}",
        ] {
            assert!(serde_json::from_str::<ChannelId>(json).is_err(), "{json}");
        }
        assert_eq!(ChannelId::try_from(0), Err(ParseIdError));
    }
}
