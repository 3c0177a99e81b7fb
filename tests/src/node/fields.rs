//! JSON objects as kotlinx.serialization reads them in Lavalink: unknown keys are ignored, quoted
//! numbers and booleans are taken, `null` only where the type allows it.

use serde_json::{Map, Value};

/// A body that the server cannot read: 400 with nothing but `Bad Request` to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The members of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Takes an object and nothing else.
    pub(super) fn of(value: &'a Value) -> Result<Self, Malformed> {
        value.as_object().map(Self).ok_or(Malformed)
    }

    /// Returns a member whatever it is; absent is none, `null` is itself.
    pub(super) fn any(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    /// Reads an object that may be absent, but not `null`.
    pub(super) fn object(self, name: &str) -> Result<Option<Self>, Malformed> {
        self.0.get(name).map(Self::of).transpose()
    }

    /// Reads a whole number that may be absent, but not `null`.
    pub(super) fn integer(self, name: &str) -> Result<Option<i64>, Malformed> {
        self.0
            .get(name)
            .map(|value| integer(value).ok_or(Malformed))
            .transpose()
    }

    /// Reads a whole number of 32 bits that may be absent, but not `null`.
    pub(super) fn small_integer(self, name: &str) -> Result<Option<i32>, Malformed> {
        let wide = self.integer(name)?;
        wide.map(|wide| i32::try_from(wide).map_err(|_| Malformed))
            .transpose()
    }

    /// Reads a whole number that may be absent or `null`.
    pub(super) fn optional_integer(self, name: &str) -> Result<Option<Option<i64>>, Malformed> {
        match self.0.get(name) {
            Some(Value::Null) => Ok(Some(None)),
            _ => Ok(self.integer(name)?.map(Some)),
        }
    }

    /// Reads a number that may be absent, but not `null`.
    pub(super) fn number(self, name: &str) -> Result<Option<f64>, Malformed> {
        self.0
            .get(name)
            .map(|value| scalar(value)?.parse().map_err(|_| Malformed))
            .transpose()
    }

    /// Reads a boolean that may be absent, but not `null`.
    pub(super) fn boolean(self, name: &str) -> Result<Option<bool>, Malformed> {
        let read = |value: &Value| match value {
            Value::Bool(value) => Ok(*value),
            Value::String(text) => text.parse().map_err(|_| Malformed),
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(Malformed),
        };
        self.0.get(name).map(read).transpose()
    }

    /// Reads a text that may be absent, but not `null`.
    pub(super) fn text(self, name: &str) -> Result<Option<String>, Malformed> {
        let read = |value: &Value| value.as_str().map(str::to_owned).ok_or(Malformed);
        self.0.get(name).map(read).transpose()
    }

    /// Reads a text that may be absent or `null`.
    pub(super) fn optional_text(self, name: &str) -> Result<Option<Option<String>>, Malformed> {
        match self.0.get(name) {
            Some(Value::Null) => Ok(Some(None)),
            _ => Ok(self.text(name)?.map(Some)),
        }
    }
}

fn scalar(value: &Value) -> Result<String, Malformed> {
    match value {
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text.clone()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Malformed),
    }
}

/// A whole number with an exponent is one; a decimal point makes it none.
fn integer(value: &Value) -> Option<i64> {
    let text = scalar(value).ok()?;
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
    let power = 10_i64.checked_pow(exponent.trim_start_matches('+').parse().ok()?)?;
    digits.parse::<i64>().ok()?.checked_mul(power)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_may_be_quoted_or_have_an_exponent_but_no_point() {
        let read = |text: &str| {
            let value: Value = serde_json::from_str(&format!("{{\"n\":{text}}}")).unwrap();
            Fields::of(&value).unwrap().integer("n")
        };
        assert_eq!(read("50"), Ok(Some(50)));
        assert_eq!(read("\"50\""), Ok(Some(50)));
        assert_eq!(read("5e1"), Ok(Some(50)));
        for refused in [
            "50.0",
            "null",
            "true",
            "[]",
            "9223372036854775808",
            "\"\"",
            "1e99",
        ] {
            assert_eq!(read(refused), Err(Malformed), "{refused}");
        }
    }

    #[test]
    fn null_is_taken_only_where_the_type_allows_it() {
        let value = json!({"a": null});
        let fields = Fields::of(&value).unwrap();
        assert_eq!(fields.optional_integer("a"), Ok(Some(None)));
        assert_eq!(fields.optional_text("a"), Ok(Some(None)));
        assert_eq!(fields.optional_text("b"), Ok(None));
        assert_eq!(fields.text("a"), Err(Malformed));
        assert_eq!(fields.boolean("a"), Err(Malformed));
        assert_eq!(fields.number("a"), Err(Malformed));
    }
}
