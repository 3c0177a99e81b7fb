//! Players: what they are told, and what they do by themselves as time goes by.

use std::time::Duration;

use serde_json::{Value, json};

use super::blob::TrackBlob;
use super::catalogue::Fate;
use super::clock::Clock;
use super::filters::Filters;
use super::plugins::Extras;
use super::session::Message;
use super::view::{PlayerView, TrackView};
use super::voice::VoiceLink;
use super::{NodeConfig, messages, millis, millis_u64};

/// A player of one guild.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) guild: i64,
    pub(super) volume: i32,
    paused: bool,
    pub(super) filters: Filters,
    playing: Option<Playing>,
    /// Whether audio goes out.
    flows: bool,
    pub(super) voice: Option<VoiceLink>,
    rules: Rules,
}

/// What the configuration says about players.
#[derive(Clone, Copy, Debug)]
struct Rules {
    update_interval: Duration,
    stuck_threshold: Duration,
    frame_buffer: Duration,
    sent_ahead: Duration,
    plays_without_voice: bool,
    epoch_ms: u64,
}

/// A track that is being played.
#[derive(Debug)]
struct Playing {
    blob: TrackBlob,
    user_data: Value,
    clock: Clock,
    end_time_ms: Option<i64>,
    fate: Fate,
    next_update_at: Duration,
    /// Since when nobody takes frames.
    unpolled_since: Option<Duration>,
    /// When stalled audio counts as stuck; set once.
    stuck_at: Option<Duration>,
    broken: Option<Broken>,
    extras: Extras,
}

/// An exception was raised; the end follows once someone asks for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    BeforeAudio,
    AfterAudio,
}

/// What a track is started with.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) blob: TrackBlob,
    pub(super) user_data: Value,
    pub(super) position_ms: i64,
    pub(super) end_time_ms: Option<i64>,
    pub(super) fate: Fate,
    /// Whether the first update overtakes the start.
    pub(super) update_first: bool,
    /// Whether the end of a track that fails overtakes its exception.
    pub(super) end_first: bool,
    /// What plugins do about the track.
    pub(super) extras: Extras,
}

/// What happens to a player next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    VoiceCloses,
    Fails,
    Extra,
    Ends,
    Sticks,
    CleansUp,
    Updates,
}

impl Player {
    pub(super) fn new(guild: i64, config: &NodeConfig) -> Self {
        let rules = Rules {
            update_interval: config.player_update_interval.max(INTERVAL_MIN),
            stuck_threshold: config.stuck_threshold,
            frame_buffer: config.frame_buffer,
            sent_ahead: config.sent_ahead,
            plays_without_voice: config.plays_without_voice,
            epoch_ms: config.epoch_ms,
        };
        Self {
            guild,
            volume: 100,
            paused: false,
            filters: Filters::default(),
            playing: None,
            flows: false,
            voice: None,
            rules,
        }
    }

    /// Starts a track, in place of the present one.
    pub(super) fn play(&mut self, start: Start, now: Duration) -> Vec<Message> {
        let flowed = self.flows;
        let mut messages = self.end("replaced", now);
        self.flows = flowed;
        let fault = self.filters.fault().map(str::to_owned);
        let fault = match &start.fate {
            Fate::Fails(cause) => Some(cause.clone()),
            Fate::Plays | Fate::Stalls(_) => fault,
        };
        let rate = if self.filters.fault().is_none() {
            self.filters.rate()
        } else {
            1.0
        };
        let opened = start.extras.opening(self.guild);
        let limit_ms = stall_ms(&start.fate).unwrap_or(i64::MAX);
        self.playing = Some(Playing {
            clock: Clock::new(start.position_ms, limit_ms, rate, now),
            blob: start.blob,
            user_data: start.user_data,
            end_time_ms: start
                .end_time_ms
                .filter(|end| *end > start.position_ms && !start.extras.takes_marker()),
            extras: start.extras,
            fate: start.fate,
            next_update_at: now + self.rules.update_interval,
            unpolled_since: Some(now),
            stuck_at: None,
            broken: fault.is_some().then_some(Broken::BeforeAudio),
        });
        self.settle(now);
        let mut opening = vec![
            Message::Other(messages::track_start(self.guild, &self.track_json(now))),
            Message::Update(self.update(now)),
            Message::Update(self.update(now)),
        ];
        if start.update_first {
            opening.swap(0, 1);
        }
        messages.extend(opening);
        messages.extend(opened);
        if let Some(cause) = fault {
            let exception = messages::track_exception(self.guild, &self.track_json(now), &cause);
            let mut closing = vec![Message::Other(exception)];
            if self.takes_frames() {
                closing.extend(self.end("loadFailed", now));
            }
            if start.end_first {
                closing.reverse();
            }
            messages.extend(closing);
        }
        messages
    }

    /// Ends the present track, if there is one.
    pub(super) fn end(&mut self, reason: &str, now: Duration) -> Vec<Message> {
        if self.playing.is_none() {
            return Vec::new();
        }
        let track = self.track_json(now);
        self.playing = None;
        self.flows = false;
        vec![Message::Other(messages::track_end(
            self.guild, &track, reason,
        ))]
    }

    /// Pauses or goes on.
    pub(super) fn pause(&mut self, paused: bool, now: Duration) {
        self.paused = paused;
        self.settle(now);
    }

    /// Jumps inside the present track, if there is one and it has places to jump to.
    pub(super) fn seek(&mut self, position_ms: i64, now: Duration) -> Vec<Message> {
        let Some(playing) = &mut self.playing else {
            return Vec::new();
        };
        if !playing.blob.is_stream {
            playing.clock.seek(position_ms.max(0), now);
            playing.stuck_at = None;
        }
        self.settle(now);
        vec![Message::Update(self.update(now))]
    }

    /// Sets the place at which the present track ends; one that is already behind is ignored.
    pub(super) fn end_at(&mut self, end_time_ms: i64, now: Duration) {
        if let Some(playing) = &mut self.playing {
            playing.end_time_ms =
                (end_time_ms > playing.clock.reported(now)).then_some(end_time_ms);
        }
    }

    /// Changes what the application knows about the present track.
    pub(super) fn annotate(&mut self, user_data: Value) {
        if let Some(playing) = &mut self.playing {
            playing.user_data = user_data;
        }
    }

    /// Puts filters over the audio that is still to be decoded.
    pub(super) fn filter(&mut self, filters: Filters, now: Duration) -> Vec<Message> {
        self.filters = filters;
        let mut messages = vec![Message::Update(self.update(now))];
        let fault = self.filters.fault();
        let frame_buffer = self.rules.frame_buffer;
        let Some(playing) = &mut self.playing else {
            return messages;
        };
        let Some(cause) = fault.filter(|_| playing.broken.is_none()) else {
            let rate = if fault.is_none() {
                self.filters.rate()
            } else {
                1.0
            };
            playing.clock.set_rate(rate, frame_buffer, now);
            return messages;
        };
        let began = playing.clock.reported(now) > playing.blob.position_ms;
        playing.broken = Some(if began {
            Broken::AfterAudio
        } else {
            Broken::BeforeAudio
        });
        let exception = messages::track_exception(self.guild, &self.track_json(now), cause);
        messages.push(Message::Other(exception));
        self.settle(now);
        messages
    }

    /// Says the lines of the present track from here on.
    pub(super) fn sing(&mut self, lines: Vec<(i64, String)>, now: Duration) -> Vec<Message> {
        let Some(playing) = &mut self.playing else {
            return Vec::new();
        };
        playing.extras.sing(lines, playing.clock.position(now));
        playing
            .extras
            .opening(self.guild)
            .split_off(usize::from(playing.extras.takes_marker()))
    }

    /// Recomputes whether the clock runs, after anything that it depends on has changed.
    pub(super) fn settle(&mut self, now: Duration) {
        let polled = self.is_polled();
        let paused = self.paused;
        let Some(playing) = &mut self.playing else {
            return;
        };
        playing.unpolled_since = if polled {
            None
        } else {
            playing.unpolled_since.or(Some(now))
        };
        let runs = polled && !paused && playing.broken.is_none() && playing.stuck_at.is_none();
        let begins = runs && !self.flows;
        let ahead = if begins {
            self.rules.sent_ahead
        } else {
            Duration::ZERO
        };
        playing.clock.run(runs, ahead, now);
        self.flows = runs;
    }

    /// Returns when the player next does something by itself.
    pub(super) fn due(&self, now: Duration) -> Option<Duration> {
        self.next(now).map(|(at, _)| at)
    }

    /// Does what is due by now, in order.
    pub(super) fn tick(&mut self, now: Duration) -> Vec<Message> {
        let mut messages = Vec::new();
        while let Some((at, next)) = self.next(now)
            && at <= now
        {
            messages.extend(self.step(next, now));
        }
        messages
    }

    /// Tells whether there is a track that is not paused.
    pub(super) fn is_playing(&self) -> bool {
        self.playing.is_some() && !self.paused
    }

    /// Tells whether there is a track.
    pub(super) fn has_track(&self) -> bool {
        self.playing.is_some()
    }

    /// Builds a `playerUpdate`.
    pub(super) fn update(&self, now: Duration) -> Value {
        messages::update(self.guild, &self.state_json(now))
    }

    /// Builds the player as REST shows it.
    pub(super) fn json(&self, now: Duration) -> Value {
        let track = self.playing.is_some().then(|| self.track_json(now));
        json!({
            "guildId": self.guild.to_string(),
            "track": track,
            "volume": self.volume,
            "paused": self.paused,
            "state": self.state_json(now),
            "voice": VoiceLink::json(self.voice.as_ref()),
            "filters": self.filters.echo(),
        })
    }

    /// Returns what an oracle may see.
    #[allow(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
    pub(super) fn view(&self, session: &str, now: Duration) -> PlayerView {
        let position = |playing: &Playing| playing.clock.reported(now);
        let content =
            |playing: &Playing| playing.clock.content(playing.clock.position(now)).round() as i64;
        PlayerView {
            session: session.to_owned(),
            guild: self.guild,
            track: self.playing.as_ref().map(|playing| playing.view(now)),
            position_ms: self.playing.as_ref().map_or(0, position),
            content_ms: self.playing.as_ref().map_or(0, content),
            paused: self.paused,
            volume: self.volume,
            end_time_ms: self
                .playing
                .as_ref()
                .and_then(|playing| playing.end_time_ms),
            filters: self.filters.echo(),
            voice: self.voice.as_ref().map(|voice| voice.state.clone()),
            connected: self.voice.as_ref().is_some_and(|voice| voice.is_open()),
            audible: self.is_playing() && self.is_polled(),
        }
    }

    fn state_json(&self, now: Duration) -> Value {
        json!({
            "time": self.rules.epoch_ms + millis_u64(now),
            "position": self.playing.as_ref().map_or(0, |playing| playing.clock.reported(now)),
            "connected": self.voice.as_ref().is_some_and(|voice| voice.is_open()),
            "ping": self.voice.as_ref().map_or(-1, |voice| voice.ping_ms(now)),
        })
    }

    fn track_json(&self, now: Duration) -> Value {
        let playing = self
            .playing
            .as_ref()
            .expect("a track is described while it is played");
        messages::track(
            &playing.blob,
            playing.clock.reported(now),
            &playing.user_data,
        )
    }

    fn next(&self, now: Duration) -> Option<(Duration, Next)> {
        let closes = self.voice.as_ref().and_then(VoiceLink::closes_at);
        let mut candidates = vec![closes.map(|at| (at, Next::VoiceCloses))];
        if let Some(playing) = &self.playing {
            candidates.extend([
                Some((playing.next_update_at, Next::Updates)),
                playing.end_due().map(|at| (at, Next::Ends)),
                playing
                    .extras
                    .due(&playing.clock)
                    .map(|at| (at, Next::Extra)),
                playing
                    .stuck_due(self.rules.stuck_threshold)
                    .map(|at| (at, Next::Sticks)),
                playing
                    .unpolled_since
                    .map(|since| (since + CLEANUP_AFTER, Next::CleansUp)),
                (playing.broken.is_some() && self.takes_frames()).then_some((now, Next::Fails)),
            ]);
        }
        candidates.into_iter().flatten().min()
    }

    fn step(&mut self, next: Next, now: Duration) -> Vec<Message> {
        match next {
            Next::VoiceCloses => self.voice_closes(now),
            Next::Ends => self.end("finished", now),
            Next::CleansUp => self.end("cleanup", now),
            Next::Extra => {
                let guild = self.guild;
                let playing = self.playing.as_mut();
                playing.map_or_else(Vec::new, |playing| {
                    playing.extras.step(guild, &mut playing.clock, now)
                })
            }
            Next::Fails => {
                let broken = self.playing.as_ref().and_then(|playing| playing.broken);
                let early = broken == Some(Broken::BeforeAudio);
                self.end(if early { "loadFailed" } else { "finished" }, now)
            }
            Next::Sticks => {
                let track = self.track_json(now);
                if let Some(playing) = &mut self.playing {
                    playing.stuck_at = Some(now);
                }
                self.settle(now);
                let threshold_ms = millis_u64(self.rules.stuck_threshold);
                let stuck = messages::track_stuck(self.guild, &track, threshold_ms);
                vec![Message::Other(stuck), Message::Update(self.update(now))]
            }
            Next::Updates => {
                let interval = self.rules.update_interval;
                if let Some(playing) = &mut self.playing {
                    playing.next_update_at += interval;
                }
                vec![Message::Update(self.update(now))]
            }
        }
    }

    fn takes_frames(&self) -> bool {
        self.is_polled() && !self.paused
    }

    fn is_polled(&self) -> bool {
        self.rules.plays_without_voice || self.voice.as_ref().is_some_and(|voice| voice.is_polling)
    }
}

impl Playing {
    /// When the track is over by itself or by its end time.
    fn end_due(&self) -> Option<Duration> {
        let over_ms = self.clock.end_of(self.blob.length_ms);
        let end_ms = self.end_time_ms.map_or(over_ms, |end| end.min(over_ms));
        if self.stall_ms().is_some_and(|stall| stall < end_ms) {
            return None;
        }
        self.clock.reaches(end_ms)
    }

    /// When the audio that stalled has been missing for long enough.
    fn stuck_due(&self, threshold: Duration) -> Option<Duration> {
        let stalled_at = self.clock.reaches(self.stall_ms()?)?;
        self.end_due().is_none().then_some(stalled_at + threshold)
    }

    fn stall_ms(&self) -> Option<i64> {
        stall_ms(&self.fate)
    }

    fn view(&self, now: Duration) -> TrackView {
        let position_ms = self.clock.reported(now);
        TrackView {
            encoded: TrackBlob {
                position_ms,
                ..self.blob.clone()
            }
            .encode(),
            identifier: self.blob.identifier.clone(),
            title: self.blob.title.clone(),
            length_ms: self.blob.length_ms,
            user_data: self.user_data.clone(),
        }
    }
}

fn stall_ms(fate: &Fate) -> Option<i64> {
    match fate {
        Fate::Stalls(at) => Some(millis(*at)),
        Fate::Plays | Fate::Fails(_) => None,
    }
}

/// What keeps an interval of 0 from being an endless loop.
pub(super) const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// A track whose frames nobody takes is cleaned up; seen after 61.7 s.
const CLEANUP_AFTER: Duration = Duration::from_millis(61_700);
