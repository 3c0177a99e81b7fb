//! Sounds with a name: [`Preset`], and how filters are put together.

use super::{Band, Distortion, Filters, Karaoke, LowPass, Rotation, Timescale, Tremolo, Vibrato};

/// A sound with a name; [`Filters::from`] it, or put several together with
/// [`Filters::with_preset`].
///
/// What they do is a matter of taste and may be tuned from version to version; that each passes
/// [`Filters::check`], alone and with any other one, is not.
///
/// ```
/// use lavapool_core::protocol::{Filters, Preset};
///
/// let filters = Filters::from(Preset::Nightcore)
///     .with_preset(Preset::BassBoostLow)
///     .with_volume(0.8);
/// assert_eq!(filters.check(), Ok(()));
/// assert!(filters.timescale.is_some() && filters.equalizer.is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// A little more bass: equalizer.
    BassBoostLow,
    /// More bass: equalizer.
    BassBoostMedium,
    /// Much more bass: equalizer.
    BassBoostHigh,
    /// As much bass as there is before all is distorted: equalizer.
    BassBoostExtreme,
    /// More treble: equalizer.
    Treble,
    /// Voices before bass and treble: equalizer.
    Pop,
    /// Bass and treble before the middle: equalizer.
    Rock,
    /// Deep bass and bright treble: equalizer.
    Electronic,
    /// A gentle lift of both ends: equalizer.
    Classical,
    /// Bass and presence, for loud rooms: equalizer.
    Party,
    /// Less treble: equalizer.
    Soft,
    /// Faster and higher: timescale.
    Nightcore,
    /// Slower and lower: timescale.
    Vaporwave,
    /// Slower at the same pitch: timescale.
    Slowed,
    /// Faster at the same pitch: timescale.
    DoubleTime,
    /// Higher at the same speed: timescale.
    Chipmunk,
    /// Lower at the same speed: timescale.
    Deep,
    /// Goes around the listener, a turn in five seconds: rotation.
    EightD,
    /// Voices removed: karaoke.
    Karaoke,
    /// Trembling volume: tremolo.
    Tremolo,
    /// Trembling pitch: vibrato.
    Vibrato,
    /// Old tape: low pass, a little slower, less bass and treble.
    LoFi,
    /// High frequencies softened: low pass.
    Muffled,
    /// A bent wave: distortion.
    Distorted,
}

impl Preset {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::BassBoostLow,
        Self::BassBoostMedium,
        Self::BassBoostHigh,
        Self::BassBoostExtreme,
        Self::Treble,
        Self::Pop,
        Self::Rock,
        Self::Electronic,
        Self::Classical,
        Self::Party,
        Self::Soft,
        Self::Nightcore,
        Self::Vaporwave,
        Self::Slowed,
        Self::DoubleTime,
        Self::Chipmunk,
        Self::Deep,
        Self::EightD,
        Self::Karaoke,
        Self::Tremolo,
        Self::Vibrato,
        Self::LoFi,
        Self::Muffled,
        Self::Distorted,
    ];

    /// The gains of bands 0 to 14; none if it has no equalizer.
    #[rustfmt::skip]
    fn gains(self) -> Option<[f32; 15]> {
        Some(match self {
            Self::BassBoostLow => bass(0.25),
            Self::BassBoostMedium => bass(0.5),
            Self::BassBoostHigh => bass(0.75),
            Self::BassBoostExtreme => bass(1.0),
            Self::Treble => [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
                0.05, 0.1, 0.15, 0.2, 0.25, 0.25, 0.25],
            Self::Pop => [-0.05, -0.04, -0.02, 0.0, 0.03, 0.06, 0.09, 0.12,
                0.12, 0.09, 0.06, 0.03, 0.0, -0.02, -0.03],
            Self::Rock => [0.15, 0.14, 0.12, 0.08, 0.02, -0.04, -0.06, -0.04,
                0.0, 0.04, 0.08, 0.1, 0.12, 0.12, 0.12],
            Self::Electronic => [0.2, 0.18, 0.15, 0.08, 0.0, -0.05, -0.04, 0.0,
                0.02, 0.05, 0.08, 0.12, 0.15, 0.17, 0.18],
            Self::Classical => [0.1, 0.09, 0.07, 0.05, 0.02, 0.0, -0.02, -0.02,
                0.0, 0.02, 0.04, 0.06, 0.08, 0.09, 0.1],
            Self::Party => [0.2, 0.2, 0.15, 0.1, 0.05, 0.0, 0.0, 0.03,
                0.06, 0.1, 0.1, 0.1, 0.12, 0.12, 0.1],
            Self::Soft => [0.0, 0.0, 0.0, 0.0, 0.0, -0.02, -0.04, -0.06,
                -0.08, -0.1, -0.12, -0.14, -0.16, -0.18, -0.2],
            Self::LoFi => [-0.15, -0.1, -0.05, 0.0, 0.05, 0.08, 0.08, 0.05,
                0.0, -0.05, -0.1, -0.15, -0.2, -0.22, -0.25],
            Self::Nightcore | Self::Vaporwave | Self::Slowed | Self::DoubleTime
            | Self::Chipmunk | Self::Deep | Self::EightD | Self::Karaoke | Self::Tremolo
            | Self::Vibrato | Self::Muffled | Self::Distorted => return None,
        })
    }

    /// The timescale; none if the time is as it was.
    fn timescale(self) -> Option<Timescale> {
        let (speed, pitch) = match self {
            Self::Nightcore => (1.2, 1.2),
            Self::Vaporwave => (0.85, 0.8),
            Self::Slowed => (0.8, 1.0),
            Self::DoubleTime => (1.5, 1.0),
            Self::Chipmunk => (1.0, 1.5),
            Self::Deep => (1.0, 0.75),
            Self::LoFi => (0.95, 0.97),
            Self::BassBoostLow
            | Self::BassBoostMedium
            | Self::BassBoostHigh
            | Self::BassBoostExtreme
            | Self::Treble
            | Self::Pop
            | Self::Rock
            | Self::Electronic
            | Self::Classical
            | Self::Party
            | Self::Soft
            | Self::EightD
            | Self::Karaoke
            | Self::Tremolo
            | Self::Vibrato
            | Self::Muffled
            | Self::Distorted => return None,
        };
        let rate = 1.0;
        Some(Timescale { speed, pitch, rate })
    }
}

impl From<Preset> for Filters {
    fn from(preset: Preset) -> Self {
        let mut filters = Self::new();
        filters.equalizer = preset.gains().map(bands);
        filters.timescale = preset.timescale();
        match preset {
            Preset::EightD => filters.with_rotation(Rotation { rotation_hz: 0.2 }),
            Preset::Karaoke => filters.with_karaoke(Karaoke::default()),
            Preset::Tremolo => filters.with_tremolo(Tremolo::default()),
            Preset::Vibrato => filters.with_vibrato(Vibrato::default()),
            Preset::LoFi => filters.with_low_pass(LowPass { smoothing: 8.0 }),
            Preset::Muffled => filters.with_low_pass(LowPass::default()),
            Preset::Distorted => filters.with_distortion(Distortion {
                sin_scale: 0.5,
                cos_scale: 0.5,
                tan_scale: 0.2,
                ..Distortion::default()
            }),
            Preset::BassBoostLow
            | Preset::BassBoostMedium
            | Preset::BassBoostHigh
            | Preset::BassBoostExtreme
            | Preset::Treble
            | Preset::Pop
            | Preset::Rock
            | Preset::Electronic
            | Preset::Classical
            | Preset::Party
            | Preset::Soft
            | Preset::Nightcore
            | Preset::Vaporwave
            | Preset::Slowed
            | Preset::DoubleTime
            | Preset::Chipmunk
            | Preset::Deep => filters,
        }
    }
}

impl Filters {
    /// The same with this sound on top; see [`Filters::combined`].
    #[must_use]
    pub fn with_preset(self, preset: Preset) -> Self {
        self.combined(preset.into())
    }

    /// Both together: volumes and timescales are multiplied, gains of the equalizers added within
    /// -0.25 to 1, and of any other filter that both have, the one of `other` stays.
    #[must_use]
    pub fn combined(mut self, other: Self) -> Self {
        let Self {
            volume,
            equalizer,
            karaoke,
            timescale,
            tremolo,
            vibrato,
            rotation,
            distortion,
            channel_mix,
            low_pass,
            plugin_filters,
        } = other;
        self.volume = both(self.volume, volume, |one, other| {
            (one * other).min(VOLUME_MAX)
        });
        self.equalizer = both(self.equalizer, equalizer, |one, other| sum(&one, &other));
        self.timescale = both(self.timescale, timescale, |one, other| Timescale {
            speed: one.speed * other.speed,
            pitch: one.pitch * other.pitch,
            rate: one.rate * other.rate,
        });
        self.karaoke = karaoke.or(self.karaoke);
        self.tremolo = tremolo.or(self.tremolo);
        self.vibrato = vibrato.or(self.vibrato);
        self.rotation = rotation.or(self.rotation);
        self.distortion = distortion.or(self.distortion);
        self.channel_mix = channel_mix.or(self.channel_mix);
        self.low_pass = low_pass.or(self.low_pass);
        self.plugin_filters.extend(plugin_filters);
        self
    }
}

const VOLUME_MAX: f32 = 5.0;

fn both<T>(one: Option<T>, other: Option<T>, join: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(join(one, other)),
        (one, other) => one.or(other),
    }
}

/// The bands of both, in order; of a band that one names twice, the last counts, as on a server.
fn sum(one: &[Band], other: &[Band]) -> Vec<Band> {
    let gain = |bands: &[Band], number| {
        let band = bands.iter().rev().find(|band| band.band == number);
        band.map(|band| band.gain)
    };
    let numbers: std::collections::BTreeSet<u8> =
        one.iter().chain(other).map(|band| band.band).collect();
    let sums = numbers.into_iter().map(|band| {
        let total = gain(one, band).unwrap_or(0.0) + gain(other, band).unwrap_or(0.0);
        // NaN stays NaN, for the check to refuse.
        Band {
            band,
            gain: total.clamp(-0.25, 1.0),
        }
    });
    sums.collect()
}

fn bass(gain: f32) -> [f32; 15] {
    const SHAPE: [f32; 6] = [1.0, 0.9, 0.75, 0.5, 0.25, 0.1];
    let mut gains = [0.0; 15];
    for (band, share) in gains.iter_mut().zip(SHAPE) {
        *band = share * gain;
    }
    gains
}

fn bands(gains: [f32; 15]) -> Vec<Band> {
    let bands = (0..).zip(gains).map(|(band, gain)| Band { band, gain });
    bands.filter(|band| band.gain != 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::RawJson;

    #[test]
    fn every_preset_changes_something_and_can_be_played_with_every_other_one() {
        for &one in Preset::ALL {
            assert!(!Filters::from(one).is_empty(), "{one:?}");
            assert_eq!(Filters::from(one).check(), Ok(()), "{one:?}");
            for &other in Preset::ALL {
                let filters = Filters::from(one).with_preset(other);
                assert_eq!(filters.check(), Ok(()), "{one:?} and {other:?}");
            }
        }
        let all = Preset::ALL
            .iter()
            .fold(Filters::new(), |all, &one| all.with_preset(one));
        assert_eq!(all.check(), Ok(()));
    }

    #[test]
    fn no_two_presets_sound_the_same() {
        for (index, &one) in Preset::ALL.iter().enumerate() {
            for &other in &Preset::ALL[index + 1..] {
                assert_ne!(
                    Filters::from(one),
                    Filters::from(other),
                    "{one:?}, {other:?}"
                );
            }
        }
    }

    #[test]
    fn filters_of_both_are_joined() {
        let band = |band, gain| Band { band, gain };
        let scale = |speed| Timescale {
            speed,
            ..Timescale::default()
        };
        let echo = RawJson::parse("{}").unwrap();
        let one = Filters::new()
            .with_volume(4.0)
            .with_equalizer([band(0, 0.75), band(3, 0.5), band(3, -0.25)])
            .with_timescale(scale(1.5))
            .with_low_pass(LowPass { smoothing: 2.0 })
            .with_tremolo(Tremolo::default());
        let other = Filters::new()
            .with_volume(2.0)
            .with_equalizer([band(5, 0.5), band(0, 0.5), band(3, -0.125)])
            .with_timescale(scale(2.0))
            .with_low_pass(LowPass { smoothing: 3.0 })
            .with_plugin_filter("echo", echo.clone());
        let expected = Filters::new()
            .with_volume(5.0)
            .with_equalizer([band(0, 1.0), band(3, -0.25), band(5, 0.5)])
            .with_timescale(scale(3.0))
            .with_low_pass(LowPass { smoothing: 3.0 })
            .with_tremolo(Tremolo::default())
            .with_plugin_filter("echo", echo);
        assert_eq!(one.clone().combined(other), expected);
        assert_eq!(one.clone().combined(Filters::new()), one);
        assert_eq!(Filters::new().combined(one.clone()), one);
    }
}
