//! JSON that stays as it came: [`RawJson`], and why a text does not decode: [`DecodeError`].

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::ser::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

/// Any JSON value, kept as the text it was written with.
///
/// Cloning shares the text. Two are equal when their texts are, so `{"a":1}` and `{ "a": 1 }`
/// differ.
///
/// ```
/// use lavapool_core::protocol::RawJson;
///
/// let requester = RawJson::object(r#"{"requester":"5"}"#)?;
/// assert_eq!(requester.get(), r#"{"requester":"5"}"#);
/// assert!(RawJson::object("[1]").is_err());
/// # Ok::<(), lavapool_core::protocol::DecodeError>(())
/// ```
// Nothing stands for `{}`, which servers write into most tracks. A shared `RawValue` would spare
// the look at the text when it is written again, but can only be made of another one, with a second
// copy: far more is read than written.
#[derive(Clone)]
pub struct RawJson(Option<Arc<str>>);

const EMPTY_OBJECT: &str = "{}";

impl RawJson {
    /// Any one JSON value.
    pub fn parse(text: &str) -> Result<Self, DecodeError> {
        let value: &RawValue = decode(text, "JSON value")?;
        Ok(Self::from(value))
    }

    /// A JSON object; anything else is refused with [`DecodeCause::NotObject`].
    pub fn object(text: &str) -> Result<Self, DecodeError> {
        let value = Self::parse(text)?;
        if !value.is_object() {
            return Err(DecodeError::of(DecodeCause::NotObject, "JSON value"));
        }
        Ok(value)
    }

    /// The JSON that `value` serialises to.
    ///
    /// Fails with [`DecodeCause::Shape`] if that is none, as of a map whose keys are not text.
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, DecodeError> {
        let value = serde_json::value::to_raw_value(value);
        value
            .map(Self::from)
            .map_err(|_| DecodeError::of(DecodeCause::Shape, "JSON value"))
    }

    /// The JSON text.
    pub fn get(&self) -> &str {
        self.0.as_deref().unwrap_or(EMPTY_OBJECT)
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.get().trim_start().starts_with('{')
    }

    /// Reads the value into a type of the caller's.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, DecodeError> {
        decode(self.get(), "JSON value")
    }
}

impl From<RawJsonRef<'_>> for RawJson {
    fn from(value: RawJsonRef<'_>) -> Self {
        let text = Some(value.get()).filter(|text| *text != EMPTY_OBJECT);
        Self(text.map(Arc::from))
    }
}

impl From<&RawValue> for RawJson {
    fn from(value: &RawValue) -> Self {
        Self::from(RawJsonRef::from(value))
    }
}

impl From<Box<RawValue>> for RawJson {
    fn from(value: Box<RawValue>) -> Self {
        Self::from(&*value)
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for RawJson {}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: &RawValue = serde_json::from_str(self.get()).map_err(S::Error::custom)?;
        value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self::from)
    }
}

/// Any JSON value within a text that was read, as it was written there.
///
/// Two are equal when their texts are. A [`RawJson`] has its text to itself.
///
/// ```
/// use lavapool_core::protocol::{EventKind, Message, RawJson};
///
/// let text = r#"{"op":"event","type":"TrackStartEvent","guildId":"1","track":{"encoded":"QAAA",
///     "info":{"title":"T1"},"pluginInfo":{},"userData":{"requester":"5"}}}"#;
/// let Message::Event(event) = Message::decode(text)? else { panic!("not an event") };
/// let EventKind::TrackStart { track } = event.kind else { panic!("no start") };
/// assert_eq!(track.info.get(), r#"{"title":"T1"}"#);
/// assert!(track.info.is_object());
/// assert_eq!(track.user_data.map(RawJson::from), Some(RawJson::object(r#"{"requester":"5"}"#)?));
/// # Ok::<(), lavapool_core::protocol::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawJsonRef<'a>(&'a str);

impl<'a> RawJsonRef<'a> {
    /// What is known to be one JSON value, with nothing around it.
    pub(super) fn of_valid(text: &'a str) -> Self {
        debug_assert!(serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get() == text));
        Self(text)
    }

    /// The JSON text.
    pub const fn get(self) -> &'a str {
        self.0
    }

    /// Whether the value is an object.
    pub fn is_object(self) -> bool {
        self.get().starts_with('{')
    }

    /// Reads the value into a type of the caller's.
    pub fn decode<T: Deserialize<'a>>(self) -> Result<T, DecodeError> {
        decode(self.get(), "JSON value")
    }
}

impl<'a> From<&'a RawValue> for RawJsonRef<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self(value.get())
    }
}

impl fmt::Debug for RawJsonRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl fmt::Display for RawJsonRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawJsonRef<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::from)
    }
}

/// A text that is not what it should be.
///
/// It says what was expected and where reading stopped, and never quotes the text: that may hold
/// a voice token or a session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {cause} at line {line}, column {column}")]
pub struct DecodeError {
    /// What was wrong.
    pub cause: DecodeCause,
    /// What was to be read, such as `playerUpdate message`.
    pub what: &'static str,
    /// The line where reading stopped, from 1; 0 if that is not known.
    pub line: usize,
    /// The byte of that line, from 1; 0 if that is not known.
    pub column: usize,
}

/// Why a text does not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeCause {
    /// It is not JSON.
    #[error("not JSON")]
    Syntax,
    /// It ends inside a JSON value.
    #[error("cut short")]
    Truncated,
    /// It is JSON, but a key is missing or has a value of another type.
    #[error("a missing key or a value of the wrong type")]
    Shape,
    /// It is JSON, but not an object.
    #[error("not an object")]
    NotObject,
    /// It is not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
}

impl DecodeError {
    pub(super) fn new(error: &serde_json::Error, what: &'static str) -> Self {
        let cause = match error.classify() {
            // Nothing here reads from an IO source.
            Category::Io | Category::Data => DecodeCause::Shape,
            Category::Syntax => DecodeCause::Syntax,
            Category::Eof => DecodeCause::Truncated,
        };
        Self {
            cause,
            what,
            line: error.line(),
            column: error.column(),
        }
    }

    pub(crate) const fn of(cause: DecodeCause, what: &'static str) -> Self {
        Self {
            cause,
            what,
            line: 0,
            column: 0,
        }
    }
}

/// Reads one JSON text.
pub(crate) fn decode<'a, T: Deserialize<'a>>(
    text: &'a str,
    what: &'static str,
) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(|error| DecodeError::new(&error, what))
}

/// Appends `value` as JSON.
///
/// # Panics
///
/// If `value` does not serialise: the types of this crate always do.
#[expect(
    clippy::expect_used,
    reason = "only a map with keys that are not text can fail"
)]
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("a wire type serialises into memory");
}

/// The only key of what `serde_json` makes of a number when its feature `arbitrary_precision` is
/// on.
pub(super) const NUMBER_KEY: &str = "$serde_json::private::Number";

/// Text that borrows from its source unless an escape forbids it, also inside an `Option`.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_json_keeps_its_text() {
        let raw = RawJson::parse(r#" {"b": 1.0, "a":[1e400]} "#).unwrap();
        assert_eq!(raw.get(), r#"{"b": 1.0, "a":[1e400]}"#);
        assert_eq!(
            serde_json::to_string(&raw).unwrap(),
            r#"{"b": 1.0, "a":[1e400]}"#
        );
        assert_eq!(serde_json::from_str::<RawJson>(raw.get()).unwrap(), raw);
        assert_ne!(
            RawJson::parse("[1]").unwrap(),
            RawJson::parse("[ 1]").unwrap()
        );
    }

    #[test]
    fn only_an_object_is_an_object() {
        assert_eq!(RawJson::object(" {} ").unwrap().get(), "{}");
        let refused = DecodeError::of(DecodeCause::NotObject, "JSON value");
        for json in ["[]", "null", "1", "\"{}\""] {
            assert_eq!(RawJson::object(json), Err(refused), "{json}");
        }
    }

    #[test]
    fn anything_that_serialises_becomes_raw_json() {
        assert_eq!(RawJson::from_serialize(&[1, 2]).unwrap().get(), "[1,2]");
        let odd = std::collections::BTreeMap::from([(vec![1], 1)]);
        let refused = DecodeError::of(DecodeCause::Shape, "JSON value");
        assert_eq!(RawJson::from_serialize(&odd), Err(refused));
    }

    #[test]
    fn an_error_says_where_and_never_quotes() {
        let error = RawJson::parse("{\n\"token\": hunter2}").unwrap_err();
        let expected = DecodeError {
            cause: DecodeCause::Syntax,
            what: "JSON value",
            line: 2,
            column: 10,
        };
        assert_eq!(error, expected);
        assert_eq!(
            error.to_string(),
            "JSON value: not JSON at line 2, column 10"
        );
        assert_eq!(
            RawJson::parse("[1,").unwrap_err().cause,
            DecodeCause::Truncated
        );
        let shape = RawJson::parse("\"hunter2\"")
            .unwrap()
            .decode::<u8>()
            .unwrap_err();
        assert_eq!(shape.cause, DecodeCause::Shape);
        assert!(!format!("{shape} {shape:?}").contains("hunter2"));
    }
}
