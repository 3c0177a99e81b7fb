//! Which filters a server can play with (lavadsp, as Lavalink 4.2 uses it).

use super::{Band, Filters};

/// A filter that the server would take and then fail the track with.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// NaN or infinity, which JSON cannot say.
    #[error("{field} is not a finite number")]
    NotFinite {
        /// The field, such as `timescale.speed`.
        field: &'static str,
    },
    /// A number outside of what the filter can do.
    #[error("{field} is {value}, not {range}")]
    OutOfRange {
        /// The field, such as `timescale.speed`.
        field: &'static str,
        /// Its value.
        value: f64,
        /// What is legal, such as `above 0`.
        range: &'static str,
    },
    /// The equalizer has bands 0 to 14.
    #[error("equalizer band {band} is above 14")]
    NoSuchBand {
        /// The band.
        band: u8,
    },
}

pub(super) fn check(filters: &Filters) -> Result<(), FilterError> {
    if let Some(volume) = filters.volume {
        require("volume", volume, "0 to 5", |value| {
            (0.0..=5.0).contains(&value)
        })?;
    }
    filters
        .equalizer
        .iter()
        .flatten()
        .try_for_each(check_band)?;
    if let Some(timescale) = filters.timescale {
        require("timescale.speed", timescale.speed, "above 0", is_positive)?;
        require("timescale.pitch", timescale.pitch, "above 0", is_positive)?;
        require("timescale.rate", timescale.rate, "above 0", is_positive)?;
    }
    if let Some(tremolo) = filters.tremolo {
        require(
            "tremolo.frequency",
            tremolo.frequency,
            "above 0",
            is_positive,
        )?;
        require("tremolo.depth", tremolo.depth, DEPTH, is_depth)?;
    }
    if let Some(vibrato) = filters.vibrato {
        let is_frequency = |value| value > 0.0 && value <= 14.0;
        require(
            "vibrato.frequency",
            vibrato.frequency,
            "above 0 and at most 14",
            is_frequency,
        )?;
        require("vibrato.depth", vibrato.depth, DEPTH, is_depth)?;
    }
    check_free(filters)
}

/// The filters that take any number.
fn check_free(filters: &Filters) -> Result<(), FilterError> {
    if let Some(karaoke) = filters.karaoke {
        finite("karaoke.level", karaoke.level)?;
        finite("karaoke.monoLevel", karaoke.mono_level)?;
        finite("karaoke.filterBand", karaoke.filter_band)?;
        finite("karaoke.filterWidth", karaoke.filter_width)?;
    }
    if let Some(rotation) = filters.rotation {
        finite("rotation.rotationHz", rotation.rotation_hz)?;
    }
    if let Some(distortion) = filters.distortion {
        finite("distortion.sinOffset", distortion.sin_offset)?;
        finite("distortion.sinScale", distortion.sin_scale)?;
        finite("distortion.cosOffset", distortion.cos_offset)?;
        finite("distortion.cosScale", distortion.cos_scale)?;
        finite("distortion.tanOffset", distortion.tan_offset)?;
        finite("distortion.tanScale", distortion.tan_scale)?;
        finite("distortion.offset", distortion.offset)?;
        finite("distortion.scale", distortion.scale)?;
    }
    if let Some(mix) = filters.channel_mix {
        finite("channelMix.leftToLeft", mix.left_to_left)?;
        finite("channelMix.leftToRight", mix.left_to_right)?;
        finite("channelMix.rightToLeft", mix.right_to_left)?;
        finite("channelMix.rightToRight", mix.right_to_right)?;
    }
    if let Some(low_pass) = filters.low_pass {
        finite("lowPass.smoothing", low_pass.smoothing)?;
    }
    Ok(())
}

fn check_band(band: &Band) -> Result<(), FilterError> {
    if band.band > 14 {
        return Err(FilterError::NoSuchBand { band: band.band });
    }
    let is_gain = |value| (-0.25..=1.0).contains(&value);
    require("equalizer gain", band.gain, "-0.25 to 1", is_gain)
}

/// A depth of 0 fails the track as soon as any other filter is on: leave the filter out instead.
const DEPTH: &str = "above 0 and at most 1";

fn is_depth(value: f64) -> bool {
    value > 0.0 && value <= 1.0
}

fn is_positive(value: f64) -> bool {
    value > 0.0
}

fn require(
    field: &'static str,
    value: impl Into<f64>,
    range: &'static str,
    is_legal: impl FnOnce(f64) -> bool,
) -> Result<(), FilterError> {
    let value = value.into();
    finite(field, value)?;
    if !is_legal(value) {
        return Err(FilterError::OutOfRange {
            field,
            value,
            range,
        });
    }
    Ok(())
}

fn finite(field: &'static str, value: impl Into<f64>) -> Result<(), FilterError> {
    if !value.into().is_finite() {
        return Err(FilterError::NotFinite { field });
    }
    Ok(())
}
