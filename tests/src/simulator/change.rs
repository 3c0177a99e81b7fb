//! [`Change`]: what an order changes about a player, in words of the simulator.

use std::time::Duration;

use lavapool_core::CommandId;
use lavapool_core::player::{Source, Update};
use lavapool_core::protocol::{Filters, LowPass, RawJson, Timescale};
use serde_json::{Value, json};

use super::intent::{Intent, Loudness};
use crate::world::{track, track_of};

/// What an order changes about a player.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    pub(super) track: Option<Choice>,
    pub(super) position: Option<Duration>,
    pub(super) end_time: Option<Option<Duration>>,
    pub(super) volume: Option<u16>,
    pub(super) paused: Option<bool>,
    pub(super) filters: Option<Sound>,
    pub(super) user_data: Option<u64>,
    pub(super) without_voice: bool,
    pub(super) if_idle: bool,
}

/// What is played.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    /// Nothing.
    Stop,
    /// A track of this name and length.
    Track(String, Duration),
    /// What an identifier leads to.
    Identifier(String),
}

/// Filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound {
    Clear,
    /// As loud as this, in percent.
    Quiet(u8),
    /// Smoothed by this.
    Soft(u8),
    /// At this speed, in percent.
    Fast(u16),
}

impl Change {
    /// The change as the pool is told of it.
    pub(super) fn update(&self) -> Update {
        let mut update = match &self.track {
            None => Update::default(),
            Some(Choice::Stop) => Update::stop(),
            Some(Choice::Track(name, length)) => Update::play(track_of(name, *length)),
            Some(Choice::Identifier(text)) => Update::play(Source::identifier(&**text)),
        };
        if let Some(position) = self.position {
            update = update.position(position);
        }
        if let Some(end_time) = self.end_time {
            update = update.end_time(end_time);
        }
        if let Some(volume) = self.volume {
            update = update.volume(volume);
        }
        if let Some(paused) = self.paused {
            update = update.paused(paused);
        }
        if let Some(sound) = self.filters {
            update = update.filters(sound.filters());
        }
        if let Some(number) = self.user_data {
            let text = user_data(number);
            let data = RawJson::parse(&text).expect("it is an object");
            update = update.user_data(data);
        }
        if self.without_voice {
            update = update.without_voice();
        }
        if self.if_idle {
            update = update.no_replace();
        }
        update
    }

    /// Whether it says where in the track the player is to be.
    pub(super) fn sets_place(&self) -> bool {
        self.track.is_some() || self.position.is_some()
    }

    /// What the application wants when the pool has taken the change.
    pub(super) fn apply(&self, intent: &mut Intent, by: CommandId) {
        if let Some(choice) = &self.track {
            intent.plays(choice.identifier(), by);
            // As on the server, a play has no end time and no data but its own, and either it or
            // a stop ends a pause.
            intent.end_time.set(None, by);
            intent.user_data.set(None, by);
            intent.paused.set(false, by);
        }
        if let Some(end_time) = self.end_time {
            intent.end_time.set(end_time.map(millis), by);
        }
        if let Some(volume) = self.volume {
            intent.volume.set(Loudness(volume), by);
        }
        if let Some(paused) = self.paused {
            intent.paused.set(paused, by);
        }
        if let Some(sound) = self.filters {
            intent.filters.set(sound.echo(), by);
            intent.scales(matches!(sound, Sound::Fast(_)));
        }
        if let Some(number) = self.user_data {
            intent.user_data.set(Some(user_data(number)), by);
        }
    }
}

impl Choice {
    fn identifier(&self) -> Option<String> {
        match self {
            Self::Stop => None,
            Self::Track(name, _) => Some(track(name).info.identifier),
            Self::Identifier(text) => Some(text.clone()),
        }
    }
}

impl Sound {
    fn filters(self) -> Filters {
        match self {
            Self::Clear => Filters::default(),
            Self::Quiet(percent) => Filters::new().with_volume(f32::from(percent) / 100.0),
            Self::Soft(smoothing) => Filters::new().with_low_pass(LowPass {
                smoothing: f32::from(smoothing),
            }),
            Self::Fast(percent) => Filters::new().with_timescale(Timescale {
                speed: f64::from(percent) / 100.0,
                ..Timescale::default()
            }),
        }
    }

    /// What a server echoes of it: with the defaults of what is omitted.
    fn echo(self) -> Option<Value> {
        let part = |percent| f64::from(percent) / 100.0;
        match self {
            Self::Clear => None,
            Self::Quiet(percent) => Some(json!({"volume": part(u16::from(percent))})),
            Self::Soft(smoothing) => Some(json!({"lowPass": {"smoothing": f64::from(smoothing)}})),
            Self::Fast(percent) => {
                let speed = part(percent);
                Some(json!({"timescale": {"speed": speed, "pitch": 1.0, "rate": 1.0}}))
            }
        }
    }
}

fn user_data(number: u64) -> String {
    format!("{{\"n\":{number}}}")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("a run is short")
}
