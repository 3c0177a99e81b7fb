//! [`Bytes`] and [`Trace`]: what a line says of bytes, and of what the pool gave out.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes as text that people can read: each is the character of its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text: String = self.0.iter().copied().map(char::from).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let byte = |character| u8::try_from(u32::from(character));
        let bytes: Result<_, _> = text.chars().map(byte).collect();
        bytes
            .map(Self)
            .map_err(|_| D::Error::custom("a character that is no byte"))
    }
}

/// What the pool gave out: what it is called, and a digest of all of it.
///
/// ```
/// use lavapool_core::recording::Trace;
///
/// let trace = Trace::of("PlayerMoved { guild: 1 }");
/// assert_eq!(trace.to_string(), "PlayerMoved 8cdd73cf320b96e1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace(String);

impl Trace {
    /// The trace of a value that prints, with `{:?}`, as this.
    pub fn of(text: &str) -> Self {
        let is_name = |character: &char| character.is_ascii_alphanumeric();
        let name: String = text.chars().take_while(is_name).collect();
        Self(format!("{name} {:016x}", digest(text.as_bytes())))
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// FNV-1a: whoever changes a recording by hand to fool a replay fools only themselves.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
