//! Numbers and texts as servers really write them: `5`, `5.0`, `"5"`, `-1` or `null`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::json::{NUMBER_KEY, Text};

/// `null` as the default.
// The readers that serde derives would have it once for each field.
#[inline(never)]
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An empty text or `null` as none.
pub(super) fn filled<'de, D>(deserializer: D) -> Result<Option<String>, D::Error>
where
    D: Deserializer<'de>,
{
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// An integer; what is no number is an error.
pub(super) fn i64_required<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let number = Number::deserialize(from)?.integer();
    number.ok_or_else(|| D::Error::custom("expected a number"))
}

/// An integer; what is no number is -1.
pub(super) fn i64_or_minus_one<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Ok(Number::deserialize(from)?.integer().unwrap_or(-1))
}

/// An integer; what is no number is 0.
pub(super) fn i64_or_zero<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Ok(Number::deserialize(from)?.integer().unwrap_or(0))
}

/// An integer brought into range; what is no number is 0.
pub(super) fn i32_or_zero<'de, D: Deserializer<'de>>(from: D) -> Result<i32, D::Error> {
    let number = i64_or_zero(from)?;
    Ok(i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX }))
}

/// An integer brought into range; what is no number is 0.
pub(super) fn u16_or_zero<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    Ok(u16::try_from(i64_or_zero(from)?.max(0)).unwrap_or(u16::MAX))
}

/// An integer brought into range; what is no number is 0.
pub(super) fn u32_or_zero<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    Ok(u32::try_from(i64_or_zero(from)?.max(0)).unwrap_or(u32::MAX))
}

/// An integer brought into range; what is no number is 0.
pub(super) fn u64_or_zero<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Ok(i64_or_zero(from)?.max(0).unsigned_abs())
}

/// A finite number; anything else is 0.
pub(super) fn f64_or_zero<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Number::deserialize(from)?.float().unwrap_or(0.0))
}

/// A number in any of its spellings, or none.
enum Number {
    Integer(i64),
    Float(f64),
    None,
}

impl Number {
    fn parse(text: &str) -> Self {
        let text = text.trim();
        if let Ok(integer) = text.parse() {
            return Self::Integer(integer);
        }
        text.parse().map_or(Self::None, Self::of_float)
    }

    fn of_float(float: f64) -> Self {
        // A load of NaN or infinity would poison every comparison of scores.
        if float.is_finite() {
            Self::Float(float)
        } else {
            Self::None
        }
    }

    #[expect(
        clippy::as_conversions,
        reason = "from f64, `as` truncates and saturates"
    )]
    fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(integer) => Some(integer),
            Self::Float(float) => Some(float as i64),
            Self::None => None,
        }
    }

    #[expect(clippy::as_conversions, reason = "the nearest f64 is what is wanted")]
    fn float(self) -> Option<f64> {
        match self {
            Self::Integer(integer) => Some(integer as f64),
            Self::Float(float) => Some(float),
            Self::None => None,
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    #[inline(never)]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: Error>(self, integer: i64) -> Result<Number, E> {
        Ok(Number::Integer(integer))
    }

    fn visit_u64<E: Error>(self, integer: u64) -> Result<Number, E> {
        Ok(Number::Integer(i64::try_from(integer).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: Error>(self, float: f64) -> Result<Number, E> {
        Ok(Number::of_float(float))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Number, E> {
        Ok(Number::None)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        Ok(Number::parse(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Number, E> {
        Ok(Number::None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Number, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Number::None)
    }

    /// An object is no number, except the one that `serde_json` makes of each number when its
    /// feature `arbitrary_precision` is on.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Number, A::Error> {
        let mut number = Number::None;
        while let Some(key) = entries.next_key::<Text<'de>>()? {
            if key.0 == NUMBER_KEY {
                number = Number::parse(&entries.next_value::<Text<'de>>()?.0);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_in_every_spelling() {
        #[derive(serde::Deserialize)]
        struct Keys {
            #[serde(default, deserialize_with = "i64_or_zero")]
            i64: i64,
            #[serde(default, deserialize_with = "u32_or_zero")]
            u32: u32,
            #[serde(default, deserialize_with = "f64_or_zero")]
            f64: f64,
        }
        let cases = [
            ("5", (5, 5, 5.0)),
            ("5.9", (5, 5, 5.9)),
            ("\"5\"", (5, 5, 5.0)),
            ("\" 5.5 \"", (5, 5, 5.5)),
            ("-1", (-1, 0, -1.0)),
            ("1.0E9", (1_000_000_000, 1_000_000_000, 1e9)),
            (
                "9223372036854775807",
                (i64::MAX, u32::MAX, 9_223_372_036_854_775_807.0),
            ),
            (
                "18446744073709551615",
                (i64::MAX, u32::MAX, 9_223_372_036_854_775_807.0),
            ),
            ("1e300", (i64::MAX, u32::MAX, 1e300)),
            ("-1e300", (i64::MIN, 0, -1e300)),
            ("null", (0, 0, 0.0)),
            ("true", (0, 0, 0.0)),
            ("\"NaN\"", (0, 0, 0.0)),
            ("\"inf\"", (0, 0, 0.0)),
            ("\"\"", (0, 0, 0.0)),
            ("[1,[2]]", (0, 0, 0.0)),
            ("{\"a\":{\"b\":1}}", (0, 0, 0.0)),
            ("{\"$serde_json::private::Number\":\"5\"}", (5, 5, 5.0)),
        ];
        for (json, expected) in cases {
            let text = format!("{{\"i64\":{json},\"u32\":{json},\"f64\":{json}}}");
            let keys: Keys = serde_json::from_str(&text).unwrap();
            assert_eq!((keys.i64, keys.u32, keys.f64), expected, "{json}");
        }
    }
}
