//! The filters, each with the server's own defaults.

use serde::{Deserialize, Serialize};

/// The gain of one band of the equalizer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The band, 0 to 14.
    pub band: u8,
    /// Its gain, -0.25 (silent) to 1; 0 is unchanged, 0.25 doubles.
    #[serde(default = "omitted_gain")]
    pub gain: f32,
}

/// What Lavalink 4.2.2 takes for a gain that is not written.
fn omitted_gain() -> f32 {
    1.0
}

/// Removes voices: what both channels share in a band of frequencies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Karaoke {
    /// How much is removed, 0 to 1.
    pub level: f32,
    /// How much of it in mono, 0 to 1.
    pub mono_level: f32,
    /// The middle of the band in hertz.
    pub filter_band: f32,
    /// The width of the band.
    pub filter_width: f32,
}

impl Default for Karaoke {
    fn default() -> Self {
        Self {
            level: 1.0,
            mono_level: 1.0,
            filter_band: 220.0,
            filter_width: 100.0,
        }
    }
}

/// Plays faster or higher. Positions keep counting milliseconds of output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Timescale {
    /// The speed with the pitch kept; above 0.
    pub speed: f64,
    /// The pitch with the speed kept; above 0.
    pub pitch: f64,
    /// Both; above 0.
    pub rate: f64,
}

impl Default for Timescale {
    fn default() -> Self {
        Self {
            speed: 1.0,
            pitch: 1.0,
            rate: 1.0,
        }
    }
}

/// Lets the volume tremble.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Tremolo {
    /// How often a second; above 0.
    pub frequency: f32,
    /// How far; above 0, at most 1.
    pub depth: f32,
}

impl Default for Tremolo {
    fn default() -> Self {
        Self {
            frequency: 2.0,
            depth: 0.5,
        }
    }
}

/// Lets the pitch tremble.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Vibrato {
    /// How often a second; above 0, at most 14.
    pub frequency: f32,
    /// How far; above 0, at most 1.
    pub depth: f32,
}

impl Default for Vibrato {
    fn default() -> Self {
        Self {
            frequency: 2.0,
            depth: 0.5,
        }
    }
}

/// Moves the sound around the listener.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rotation {
    /// Turns a second.
    pub rotation_hz: f64,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { rotation_hz: 0.0 }
    }
}

/// Bends the wave.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Distortion {
    /// Offset of the sine.
    pub sin_offset: f32,
    /// Scale of the sine.
    pub sin_scale: f32,
    /// Offset of the cosine.
    pub cos_offset: f32,
    /// Scale of the cosine.
    pub cos_scale: f32,
    /// Offset of the tangent.
    pub tan_offset: f32,
    /// Scale of the tangent.
    pub tan_scale: f32,
    /// Offset of the whole.
    pub offset: f32,
    /// Scale of the whole.
    pub scale: f32,
}

impl Default for Distortion {
    fn default() -> Self {
        Self {
            sin_offset: 0.0,
            sin_scale: 1.0,
            cos_offset: 0.0,
            cos_scale: 1.0,
            tan_offset: 0.0,
            tan_scale: 1.0,
            offset: 0.0,
            scale: 1.0,
        }
    }
}

/// Mixes the channels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ChannelMix {
    /// How much of the left goes left, 0 to 1.
    pub left_to_left: f32,
    /// How much of the left goes right, 0 to 1.
    pub left_to_right: f32,
    /// How much of the right goes left, 0 to 1.
    pub right_to_left: f32,
    /// How much of the right goes right, 0 to 1.
    pub right_to_right: f32,
}

impl Default for ChannelMix {
    fn default() -> Self {
        Self {
            left_to_left: 1.0,
            left_to_right: 0.0,
            right_to_left: 0.0,
            right_to_right: 1.0,
        }
    }
}

/// Softens high frequencies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LowPass {
    /// How much; at most 1 is off.
    pub smoothing: f32,
}

impl Default for LowPass {
    fn default() -> Self {
        Self { smoothing: 20.0 }
    }
}
