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
