//! [`Secret`]: text that no log ever shows.

use std::fmt;
use std::sync::Arc;

/// A password, a voice token or a session id.
///
/// It prints as `***` in every format; [`Secret::expose`] is the one way to its text.
///
/// ```
/// use lavapool_core::Secret;
///
/// let password = Secret::from("youshallnotpass");
/// assert_eq!(format!("{password} {password:?}"), "*** ***");
/// assert_eq!(password.expose(), "youshallnotpass");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "recording",
    serde(
        into = "crate::recording::SecretField",
        from = "crate::recording::SecretField"
    )
)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The text itself, for the wire and for a store; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A [`Secret`] that only one has, for who has very many: it takes half the room.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OwnSecret(Box<str>);

impl OwnSecret {
    pub(crate) fn is(&self, text: &str) -> bool {
        *self.0 == *text
    }
}

impl From<&Secret> for OwnSecret {
    fn from(shared: &Secret) -> Self {
        Self(shared.expose().into())
    }
}

impl From<&OwnSecret> for Secret {
    fn from(own: &OwnSecret) -> Self {
        Self::from(&*own.0)
    }
}

impl fmt::Debug for OwnSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
