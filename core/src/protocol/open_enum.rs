//! Enums whose words the server may add to.

/// Declares an enum of wire words: the known ones, and any other with its text kept.
///
/// Words are compared without case and underscores, so Lavalink 3's `LOAD_FAILED` is `loadFailed`.
macro_rules! open_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$doc])*
        ///
        /// Words are read without regard to case and underscores; others than the known ones are
        /// kept as text.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// Any other word; empty if the server gave none.
            Unknown(Box<str>),
        }

        impl $name {
            /// The word as the wire spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Unknown(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                $(if $crate::protocol::open_enum::same_word(word, $word) {
                    return Self::$variant;
                })+
                Self::Unknown(word.into())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let word: Option<$crate::protocol::json::Text<'de>> = Option::deserialize(from)?;
                Ok(word.map_or_else(|| Self::from(""), |word| Self::from(&*word.0)))
            }
        }
    };
}

pub(super) use open_enum;

pub(super) fn same_word(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

fn letters(word: &str) -> impl Iterator<Item = u8> {
    let bytes = word.bytes().filter(|&byte| byte != b'_');
    bytes.map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use crate::protocol::{LoadType, Severity, TrackEndReason};

    #[test]
    fn words_are_known_in_the_spelling_of_version_3_too() {
        assert_eq!(
            TrackEndReason::from("loadFailed"),
            TrackEndReason::LoadFailed
        );
        assert_eq!(
            TrackEndReason::from("LOAD_FAILED"),
            TrackEndReason::LoadFailed
        );
        assert_eq!(Severity::from("COMMON"), Severity::Common);
        assert_eq!(LoadType::from("Show"), LoadType::Show);
    }

    #[test]
    fn another_word_keeps_its_text() {
        let reason: TrackEndReason = serde_json::from_str("\"Bored\"").unwrap();
        assert_eq!(reason, TrackEndReason::Unknown("Bored".into()));
        assert_eq!(serde_json::to_string(&reason).unwrap(), "\"Bored\"");
        assert!(!reason.may_start_next());
        let none: Severity = serde_json::from_str("null").unwrap();
        assert_eq!(none, Severity::Unknown("".into()));
    }

    #[test]
    fn only_a_track_that_ended_by_itself_lets_the_next_one_start() {
        let next = ["finished", "loadFailed", "stopped", "replaced", "cleanup"]
            .map(|word| TrackEndReason::from(word).may_start_next());
        assert_eq!(next, [true, true, false, false, false]);
    }
}
