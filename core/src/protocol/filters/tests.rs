//! Filters: what is refused, and that they come back as they went.

use rand_core::Rng;

use super::*;
use crate::Seed;

#[test]
fn every_filter_is_written_under_its_wire_name() {
    let filters = Filters::new()
        .with_volume(1.0)
        .with_equalizer([Band {
            band: 14,
            gain: -0.25,
        }])
        .with_karaoke(Karaoke::default())
        .with_timescale(Timescale {
            speed: 1.1,
            pitch: 1.2,
            rate: 0.9,
        })
        .with_tremolo(Tremolo::default())
        .with_vibrato(Vibrato::default())
        .with_rotation(Rotation { rotation_hz: 0.2 })
        .with_distortion(Distortion::default())
        .with_channel_mix(ChannelMix::default())
        .with_low_pass(LowPass::default())
        .with_plugin_filter("echo", RawJson::parse("[1]").unwrap());
    let expected = r#"{"volume":1.0,"equalizer":[{"band":14,"gain":-0.25}],"#.to_owned()
        + r#""karaoke":{"level":1.0,"monoLevel":1.0,"filterBand":220.0,"filterWidth":100.0},"#
        + r#""timescale":{"speed":1.1,"pitch":1.2,"rate":0.9},"#
        + r#""tremolo":{"frequency":2.0,"depth":0.5},"vibrato":{"frequency":2.0,"depth":0.5},"#
        + r#""rotation":{"rotationHz":0.2},"distortion":{"sinOffset":0.0,"sinScale":1.0,"#
        + r#""cosOffset":0.0,"cosScale":1.0,"tanOffset":0.0,"tanScale":1.0,"offset":0.0,"#
        + r#""scale":1.0},"channelMix":{"leftToLeft":1.0,"leftToRight":0.0,"#
        + r#""rightToLeft":0.0,"rightToRight":1.0},"lowPass":{"smoothing":20.0},"#
        + r#""pluginFilters":{"echo":[1]}}"#;
    assert_eq!(serde_json::to_string(&filters).unwrap(), expected);
    assert_eq!(filters.check(), Ok(()));
    assert_eq!(serde_json::to_string(&Filters::new()).unwrap(), "{}");
    assert!(Filters::new().is_empty() && !filters.is_empty());
}

#[test]
fn what_is_not_written_has_the_server_default() {
    let json = r#"{"karaoke":{},"timescale":{"speed":2},"equalizer":[{"band":0}],"tremolo":null}"#;
    let expected = Filters::new()
        .with_karaoke(Karaoke::default())
        .with_timescale(Timescale {
            speed: 2.0,
            pitch: 1.0,
            rate: 1.0,
        })
        .with_equalizer([Band { band: 0, gain: 1.0 }]);
    assert_eq!(serde_json::from_str::<Filters>(json).unwrap(), expected);
}

#[test]
fn random_filters_are_read_as_they_were_written() {
    let mut rng = Seed::from(7).stream(0);
    for _ in 0..2_000 {
        let filters = random(&mut rng);
        let json = serde_json::to_string(&filters).unwrap();
        assert_eq!(
            serde_json::from_str::<Filters>(&json).unwrap(),
            filters,
            "{json}"
        );
    }
}

#[test]
fn a_value_at_its_bound_is_taken_and_one_beyond_refused() {
    let volume = |volume| Filters::new().with_volume(volume).check();
    assert_eq!((volume(0.0), volume(5.0)), (Ok(()), Ok(())));
    assert_eq!(volume(-0.5), out_of_range("volume", -0.5, "0 to 5"));
    assert_eq!(volume(5.5), out_of_range("volume", 5.5, "0 to 5"));

    let band = |band, gain| Filters::new().with_equalizer([Band { band, gain }]).check();
    assert_eq!((band(0, -0.25), band(14, 1.0)), (Ok(()), Ok(())));
    assert_eq!(band(15, 0.0), Err(FilterError::NoSuchBand { band: 15 }));
    assert_eq!(
        band(0, -0.5),
        out_of_range("equalizer gain", -0.5, "-0.25 to 1")
    );
    assert_eq!(
        band(0, 1.5),
        out_of_range("equalizer gain", 1.5, "-0.25 to 1")
    );

    let timescale = |speed, pitch, rate| {
        Filters::new()
            .with_timescale(Timescale { speed, pitch, rate })
            .check()
    };
    assert_eq!(timescale(0.01, 100.0, 3.0), Ok(()));
    assert_eq!(
        timescale(0.0, 1.0, 1.0),
        out_of_range("timescale.speed", 0.0, "above 0")
    );
    assert_eq!(
        timescale(1.0, -1.0, 1.0),
        out_of_range("timescale.pitch", -1.0, "above 0")
    );
    assert_eq!(
        timescale(1.0, 1.0, 0.0),
        out_of_range("timescale.rate", 0.0, "above 0")
    );
}

#[test]
fn a_tremble_needs_depth_and_frequency() {
    let tremolo = |frequency, depth| {
        Filters::new()
            .with_tremolo(Tremolo { frequency, depth })
            .check()
    };
    assert_eq!((tremolo(0.1, 0.1), tremolo(99.0, 1.0)), (Ok(()), Ok(())));
    assert_eq!(
        tremolo(0.0, 0.5),
        out_of_range("tremolo.frequency", 0.0, "above 0")
    );
    assert_eq!(
        tremolo(2.0, 0.0),
        out_of_range("tremolo.depth", 0.0, "above 0 and at most 1")
    );
    assert_eq!(
        tremolo(2.0, 1.5),
        out_of_range("tremolo.depth", 1.5, "above 0 and at most 1")
    );

    let vibrato = |frequency, depth| {
        Filters::new()
            .with_vibrato(Vibrato { frequency, depth })
            .check()
    };
    let frequency = "vibrato.frequency";
    assert_eq!((vibrato(0.1, 0.1), vibrato(14.0, 1.0)), (Ok(()), Ok(())));
    assert_eq!(
        vibrato(0.0, 0.5),
        out_of_range(frequency, 0.0, "above 0 and at most 14")
    );
    assert_eq!(
        vibrato(14.5, 0.5),
        out_of_range(frequency, 14.5, "above 0 and at most 14")
    );
    assert_eq!(
        vibrato(2.0, 0.0),
        out_of_range("vibrato.depth", 0.0, "above 0 and at most 1")
    );
}

#[test]
fn a_number_that_json_cannot_say_is_refused_in_every_field() {
    let wire = serde_json::to_value(full()).unwrap();
    let paths = number_paths(&wire);
    assert_eq!(paths.len(), 27);
    let names = [f32::NAN, f32::INFINITY].map(|odd| {
        let mut names = std::collections::BTreeSet::new();
        for filters in each_field_set_to(odd) {
            let Err(FilterError::NotFinite { field }) = filters.check() else {
                panic!("{filters:?}");
            };
            names.insert(field.replace(" gain", ""));
        }
        names
    });
    assert_eq!(names[0], names[1]);
    assert_eq!(names[0], paths.into_iter().collect());
}

#[test]
fn the_time_scale_is_speed_times_rate() {
    let scale = |speed, rate| {
        Filters::new()
            .with_timescale(Timescale {
                speed,
                pitch: 3.0,
                rate,
            })
            .time_scale()
    };
    assert_eq!(Filters::new().time_scale(), 1.0);
    assert_eq!(scale(1.5, 2.0), 3.0);
    assert_eq!(scale(0.0, 1.0), 1.0);
    assert_eq!(scale(f64::INFINITY, 1.0), 1.0);
}

fn out_of_range(field: &'static str, value: f64, range: &'static str) -> Result<(), FilterError> {
    Err(FilterError::OutOfRange {
        field,
        value,
        range,
    })
}

fn full() -> Filters {
    Filters::new()
        .with_volume(1.0)
        .with_equalizer([Band { band: 0, gain: 0.0 }])
        .with_karaoke(Karaoke::default())
        .with_timescale(Timescale::default())
        .with_tremolo(Tremolo::default())
        .with_vibrato(Vibrato::default())
        .with_rotation(Rotation::default())
        .with_distortion(Distortion::default())
        .with_channel_mix(ChannelMix::default())
        .with_low_pass(LowPass::default())
}

/// The names of all floating-point fields as the wire spells them.
fn number_paths(wire: &serde_json::Value) -> Vec<String> {
    let mut paths = Vec::new();
    for (filter, fields) in wire.as_object().unwrap() {
        match fields.as_object() {
            Some(fields) => paths.extend(fields.keys().map(|field| format!("{filter}.{field}"))),
            None => paths.push(filter.clone()),
        }
    }
    paths
}

/// All filters, with one field after the other set to a value.
fn each_field_set_to(odd: f32) -> Vec<Filters> {
    let mut all = Vec::new();
    macro_rules! set {
        ($($filter:ident: $($field:ident)+;)+) => {$($({
            let mut filters = full();
            filters.$filter.as_mut().unwrap().$field = odd.into();
            all.push(filters);
        })+)+};
    }
    set! {
        karaoke: level mono_level filter_band filter_width;
        timescale: speed pitch rate;
        tremolo: frequency depth;
        vibrato: frequency depth;
        rotation: rotation_hz;
        distortion: sin_offset sin_scale cos_offset cos_scale tan_offset tan_scale offset scale;
        channel_mix: left_to_left left_to_right right_to_left right_to_right;
        low_pass: smoothing;
    }
    all.push(full().with_volume(odd));
    all.push(full().with_equalizer([Band { band: 0, gain: odd }]));
    all
}

/// Each filter with even chance, with any finite numbers.
fn random(rng: &mut impl Rng) -> Filters {
    let mut filters = Filters::new();
    let on = |rng: &mut dyn Rng| rng.next_u32().is_multiple_of(2);
    let (f, d) = (random_f32, random_f64);
    if on(rng) {
        filters = filters.with_volume(f(rng));
    }
    if on(rng) {
        let count = rng.next_u32() % 16;
        let bands = (0..count).map(|_| Band {
            band: rng.next_u32().to_le_bytes()[0],
            gain: f(rng),
        });
        filters = filters.with_equalizer(bands.collect::<Vec<_>>());
    }
    if on(rng) {
        let (level, mono_level) = (f(rng), f(rng));
        let (filter_band, filter_width) = (f(rng), f(rng));
        filters = filters.with_karaoke(Karaoke {
            level,
            mono_level,
            filter_band,
            filter_width,
        });
    }
    if on(rng) {
        let timescale = Timescale {
            speed: d(rng),
            pitch: d(rng),
            rate: d(rng),
        };
        filters = filters.with_timescale(timescale);
    }
    if on(rng) {
        filters = filters.with_tremolo(Tremolo {
            frequency: f(rng),
            depth: f(rng),
        });
        filters = filters.with_vibrato(Vibrato {
            frequency: f(rng),
            depth: f(rng),
        });
    }
    if on(rng) {
        filters = filters.with_rotation(Rotation {
            rotation_hz: d(rng),
        });
        filters = filters.with_low_pass(LowPass { smoothing: f(rng) });
    }
    if on(rng) {
        filters = filters.with_distortion(Distortion {
            sin_offset: f(rng),
            cos_scale: f(rng),
            tan_offset: f(rng),
            scale: f(rng),
            ..Distortion::default()
        });
    }
    if on(rng) {
        let name = format!("filter {}", rng.next_u32());
        let value = RawJson::from_serialize(&[rng.next_u32()]).unwrap();
        filters = filters.with_plugin_filter(name, value);
    }
    filters
}

fn random_f32(rng: &mut dyn Rng) -> f32 {
    let number = f32::from_bits(rng.next_u32());
    if number.is_finite() { number } else { 0.25 }
}

fn random_f64(rng: &mut dyn Rng) -> f64 {
    let number = f64::from_bits(rng.next_u64());
    if number.is_finite() { number } else { 0.1 }
}
