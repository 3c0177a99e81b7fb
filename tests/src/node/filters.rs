//! Filters: how the server echoes them, and which values break the track later, because a PATCH
//! does not check them (Lavalink: Filters).

use serde_json::{Map, Value, json};

use super::fields::{Fields, Malformed};

/// The filters of a player as the server echoes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filters {
    echo: Map<String, Value>,
}

/// Why filters were refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FilterError {
    /// The object cannot be read.
    Malformed,
    /// These are not enabled.
    Disabled(Vec<String>),
    /// An equalizer has no such band.
    Band(i64),
}

impl From<Malformed> for FilterError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl Filters {
    /// Reads a `filters` object, adds defaults and drops what is unknown.
    pub(super) fn decode(value: &Value) -> Result<Self, Malformed> {
        let fields = Fields::of(value)?;
        let mut echo = Map::new();
        if let Some(volume) = fields.number("volume")? {
            echo.insert("volume".to_owned(), single(volume));
        }
        if let Some(bands) = fields.any("equalizer") {
            let bands = bands.as_array().ok_or(Malformed)?;
            let bands = bands.iter().map(band).collect::<Result<Vec<_>, _>>()?;
            echo.insert("equalizer".to_owned(), Value::Array(bands));
        }
        for (name, members) in OBJECTS {
            if fields.any(name).is_none_or(Value::is_null) {
                continue;
            }
            let given = fields.object(name)?.ok_or(Malformed)?;
            let mut object = Map::new();
            for (member, default) in members {
                let number = given.number(member)?.unwrap_or(*default);
                let number = if DOUBLES.contains(&name) {
                    json!(number)
                } else {
                    single(number)
                };
                object.insert((*member).to_owned(), number);
            }
            echo.insert(name.to_owned(), Value::Object(object));
        }
        if let Some(plugins) = fields.any("pluginFilters") {
            Fields::of(plugins)?;
        }
        Ok(Self { echo })
    }

    /// Checks what a server checks before it takes any part of the PATCH.
    pub(super) fn check_enabled(&self, enabled: &[String]) -> Result<(), FilterError> {
        let disabled = self.echo.keys().filter(|name| !enabled.contains(name));
        let disabled: Vec<_> = disabled.cloned().collect();
        if disabled.is_empty() {
            Ok(())
        } else {
            Err(FilterError::Disabled(disabled))
        }
    }

    /// Checks what makes a server fail when it takes the filters.
    pub(super) fn check_bands(&self) -> Result<(), FilterError> {
        let bands = self.echo.get("equalizer").and_then(Value::as_array);
        let numbers = bands
            .into_iter()
            .flatten()
            .filter_map(|band| band["band"].as_i64());
        match numbers.into_iter().find(|band| !(0..BANDS).contains(band)) {
            Some(band) => Err(FilterError::Band(band)),
            None => Ok(()),
        }
    }

    /// Returns the object that the server echoes.
    pub(super) fn echo(&self) -> Value {
        Value::Object(self.echo.clone())
    }

    /// Returns how much faster than its output the content runs.
    pub(super) fn rate(&self) -> f64 {
        self.number("timescale", "speed", 1.0) * self.number("timescale", "rate", 1.0)
    }

    /// Returns why a track cannot be played with these filters.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let volume = self
            .echo
            .get("volume")
            .and_then(Value::as_f64)
            .unwrap_or(1.0);
        let positive = |member| self.number("timescale", member, 1.0) > 0.0;
        if !(0.0..=5.0).contains(&volume) {
            Some("java.lang.IllegalArgumentException: Volume must be 0.0 <= x <= 5.0")
        } else if !(positive("speed") && positive("pitch") && positive("rate")) {
            Some("java.lang.IllegalArgumentException: Speed, pitch and rate must be greater than 0")
        } else if !self.wobbles("tremolo", f64::INFINITY) {
            Some("java.lang.IllegalArgumentException: Tremolo is out of range")
        } else if !self.wobbles("vibrato", 14.0) {
            Some("java.lang.IllegalArgumentException: Vibrato is out of range")
        } else {
            None
        }
    }

    /// A depth of 0 turns the filter off, but breaks the chain next to another one.
    fn wobbles(&self, name: &str, frequency_max: f64) -> bool {
        let frequency = self.number(name, "frequency", 2.0);
        let depth = self.number(name, "depth", 0.5);
        let off = depth == 0.0 && self.echo.len() == 1;
        off || (frequency > 0.0 && frequency <= frequency_max && depth > 0.0 && depth <= 1.0)
    }

    fn number(&self, filter: &str, member: &str, default: f64) -> f64 {
        let object = self.echo.get(filter);
        object
            .and_then(|object| object[member].as_f64())
            .unwrap_or(default)
    }
}

/// An omitted gain is 1.0, unlike what the documentation says.
fn band(value: &Value) -> Result<Value, Malformed> {
    let fields = Fields::of(value)?;
    let band = fields.small_integer("band")?.ok_or(Malformed)?;
    Ok(json!({"band": band, "gain": single(fields.number("gain")?.unwrap_or(1.0))}))
}

/// A number of 32 bits prints with the digits that tell it apart, as in Java.
#[allow(
    clippy::cast_possible_truncation,
    reason = "that is what a Java float does"
)]
fn single(number: f64) -> Value {
    json!(number as f32)
}

const BANDS: i64 = 15;
const DOUBLES: [&str; 2] = ["timescale", "rotation"];
const OBJECTS: [(&str, &[(&str, f64)]); 8] = [
    (
        "karaoke",
        &[
            ("level", 1.0),
            ("monoLevel", 1.0),
            ("filterBand", 220.0),
            ("filterWidth", 100.0),
        ],
    ),
    (
        "timescale",
        &[("speed", 1.0), ("pitch", 1.0), ("rate", 1.0)],
    ),
    ("tremolo", &[("frequency", 2.0), ("depth", 0.5)]),
    ("vibrato", &[("frequency", 2.0), ("depth", 0.5)]),
    (
        "distortion",
        &[
            ("sinOffset", 0.0),
            ("sinScale", 1.0),
            ("cosOffset", 0.0),
            ("cosScale", 1.0),
            ("tanOffset", 0.0),
            ("tanScale", 1.0),
            ("offset", 0.0),
            ("scale", 1.0),
        ],
    ),
    ("rotation", &[("rotationHz", 0.0)]),
    (
        "channelMix",
        &[
            ("leftToLeft", 1.0),
            ("leftToRight", 0.0),
            ("rightToLeft", 0.0),
            ("rightToRight", 1.0),
        ],
    ),
    ("lowPass", &[("smoothing", 20.0)]),
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_omitted_is_echoed_with_its_default() {
        let given = json!({"equalizer": [{"band": 3}], "timescale": {"speed": 2}, "x": 1,
            "lowPass": null, "pluginFilters": {"foo": 1}, "volume": "0.2"});
        let expected = json!({"volume": 0.2, "equalizer": [{"band": 3, "gain": 1.0}],
            "timescale": {"speed": 2.0, "pitch": 1.0, "rate": 1.0}});
        assert_eq!(Filters::decode(&given).unwrap().echo(), expected);
    }

    #[test]
    fn null_is_refused_for_volume_equalizer_and_members() {
        for given in [
            json!(null),
            json!({"volume": null}),
            json!({"equalizer": null}),
            json!({"karaoke": {"level": null}}),
            json!({"equalizer": [{"gain": 0.1}]}),
        ] {
            assert_eq!(Filters::decode(&given), Err(Malformed), "{given}");
        }
    }

    #[test]
    fn values_out_of_range_are_taken_and_break_the_track() {
        let fault = |given: Value| Filters::decode(&given).unwrap().fault().is_some();
        assert!(!fault(json!({"volume": 5.0})));
        assert!(fault(json!({"volume": 5.1})));
        assert!(fault(json!({"timescale": {"rate": 0}})));
        assert!(!fault(json!({"tremolo": {"depth": 0}})));
        assert!(fault(json!({"tremolo": {"depth": 0}, "volume": 1.0})));
        assert!(fault(json!({"vibrato": {"frequency": 14.1}})));
        assert!(!fault(json!({"tremolo": {"frequency": 14.1}})));
    }

    #[test]
    fn a_disabled_filter_and_a_band_too_many_are_named() {
        let filters = Filters::decode(&json!({"equalizer": [{"band": 15}]})).unwrap();
        let disabled = FilterError::Disabled(vec!["equalizer".to_owned()]);
        assert_eq!(filters.check_enabled(&["volume".to_owned()]), Err(disabled));
        assert_eq!(filters.check_bands(), Err(FilterError::Band(15)));
    }
}
