//! How a player changes the sound: [`Filters`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RawJson;

mod check;
mod kinds;
mod presets;

pub use check::FilterError;
pub use kinds::{
    Band, ChannelMix, Distortion, Karaoke, LowPass, Rotation, Timescale, Tremolo, Vibrato,
};
pub use presets::Preset;

/// All filters of a player; what is `None` is off.
///
/// A patch replaces all of them, so keep the whole. The server takes values out of range and then
/// fails the track, so [`Filters::check`] them first.
///
/// ```
/// use lavapool_core::protocol::{Filters, Timescale};
///
/// let nightcore = Timescale { speed: 1.2, pitch: 1.2, rate: 1.0 };
/// let filters = Filters::new().with_timescale(nightcore).with_volume(0.8);
/// assert_eq!(filters.check(), Ok(()));
/// assert_eq!(filters.time_scale(), 1.2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Filters {
    /// A factor on the volume, 0 to 5; 1 is unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<f32>,
    /// Gains of the 15 bands at 25, 40, 63, 100, 160, 250, 400 and 630 Hz and 1, 1.6, 2.5, 4,
    /// 6.3, 10 and 16 kHz; a band that is not named is flat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equalizer: Option<Vec<Band>>,
    /// Removes voices: what both channels share in a band of frequencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub karaoke: Option<Karaoke>,
    /// Plays faster or higher. Positions keep counting milliseconds of output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timescale: Option<Timescale>,
    /// Lets the volume tremble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tremolo: Option<Tremolo>,
    /// Lets the pitch tremble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vibrato: Option<Vibrato>,
    /// Moves the sound around the listener.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// Bends the wave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distortion: Option<Distortion>,
    /// Mixes the channels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel_mix: Option<ChannelMix>,
    /// Softens high frequencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_pass: Option<LowPass>,
    /// Filters of plugins, by name. The server drops names that it does not know.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub plugin_filters: BTreeMap<String, RawJson>,
}

impl Filters {
    /// Nothing is on: what clears the filters of a player.
    pub const NONE: Self = Self {
        volume: None,
        equalizer: None,
        karaoke: None,
        timescale: None,
        tremolo: None,
        vibrato: None,
        rotation: None,
        distortion: None,
        channel_mix: None,
        low_pass: None,
        plugin_filters: BTreeMap::new(),
    };

    /// No filters.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with this factor on the volume.
    #[must_use]
    pub fn with_volume(mut self, volume: f32) -> Self {
        self.volume = Some(volume);
        self
    }

    /// The same with these bands.
    #[must_use]
    pub fn with_equalizer(mut self, bands: impl Into<Vec<Band>>) -> Self {
        self.equalizer = Some(bands.into());
        self
    }

    /// The same with this filter.
    #[must_use]
    pub fn with_karaoke(mut self, karaoke: Karaoke) -> Self {
        self.karaoke = Some(karaoke);
        self
    }

    /// The same with this filter.
    #[must_use]
    pub fn with_timescale(mut self, timescale: Timescale) -> Self {
        self.timescale = Some(timescale);
        self
    }

    /// The same with this filter.
    #[must_use]
    pub fn with_tremolo(mut self, tremolo: Tremolo) -> Self {
        self.tremolo = Some(tremolo);
        self
    }

    /// The same with this filter.
    #[must_use]
    pub fn with_vibrato(mut self, vibrato: Vibrato) -> Self {
        self.vibrato = Some(vibrato);
        self
    }

    /// The same with this filter.
    #[must_use]
    pub fn with_rotation(mut self, rotation: Rotation) -> Self {
        self.rotation = Some(rotation);
        self
    }

    /// The same with this filter.
    #[must_use]
    pub fn with_distortion(mut self, distortion: Distortion) -> Self {
        self.distortion = Some(distortion);
        self
    }

    /// The same with this filter.
    #[must_use]
    pub fn with_channel_mix(mut self, channel_mix: ChannelMix) -> Self {
        self.channel_mix = Some(channel_mix);
        self
    }

    /// The same with this filter.
    #[must_use]
    pub fn with_low_pass(mut self, low_pass: LowPass) -> Self {
        self.low_pass = Some(low_pass);
        self
    }

    /// The same with this filter of a plugin.
    #[must_use]
    pub fn with_plugin_filter(mut self, name: impl Into<String>, value: RawJson) -> Self {
        self.plugin_filters.insert(name.into(), value);
        self
    }

    /// Whether nothing is on.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses what the server would take and then fail the track with.
    pub fn check(&self) -> Result<(), FilterError> {
        check::check(self)
    }

    /// Milliseconds of the track that pass in a millisecond of output: speed × rate, 1 without
    /// [`Filters::timescale`]. Always finite and above 0.
    pub fn time_scale(&self) -> f64 {
        let scale = self
            .timescale
            .map_or(1.0, |timescale| timescale.speed * timescale.rate);
        if scale.is_finite() && scale > 0.0 {
            scale
        } else {
            1.0
        }
    }
}

#[cfg(test)]
mod tests;
