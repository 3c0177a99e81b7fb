//! What follows the answers and the events that a queue hears of.

use std::sync::Arc;

use lavapool_core::Event;
use lavapool_core::autoplay::Autoplay;
use lavapool_core::protocol::{Track, TrackEndReason, same_track};
use lavapool_core::queue::Ended;

use super::own::{Outcome, Stage};
use super::{Deed, QueuedPlayer, State};

impl QueuedPlayer {
    /// Looks what became of the queue's own play, if that is answered and nobody has looked yet.
    /// Bad news are left to whoever awaits them, unless they are `wanted` at once.
    pub(super) fn settle(&self, state: &mut State, turn: &mut u32, wanted: bool) -> Deed {
        let is_playing = self.player.is_playing();
        let Some(own) = state.own.as_mut().filter(|own| own.turn == *turn) else {
            return Deed::Nothing;
        };
        if is_playing && matches!(own.stage, Stage::Supposed) {
            own.stage = Stage::Confirmed;
        }
        let Some((outcome, withheld)) = own.settle(wanted) else {
            return Deed::Nothing;
        };
        let Some(track) = state.queue.current().cloned() else {
            return Deed::Nothing;
        };
        match outcome {
            Outcome::Played | Outcome::Unknown => match withheld {
                Some(_) if !self.player.exists() => {
                    state.queue.halt();
                    Deed::Nothing
                }
                Some(reason) => self.ended(state, turn, &track, &reason),
                None => Deed::Nothing,
            },
            Outcome::Refused => {
                let ended = state.queue.track_ended(&track, &TrackEndReason::LoadFailed);
                self.follow(state, turn, ended)
            }
            Outcome::Destroyed => {
                state.queue.halt();
                Deed::Nothing
            }
            Outcome::TakenBack => {
                state.own = None;
                Deed::Nothing
            }
        }
    }

    pub(super) fn take(&self, event: &Event) -> Deed {
        self.turn(|state, turn| {
            let settled = self.settle(state, turn, false);
            match self.judge(state, turn, event) {
                Deed::Nothing => settled,
                deed => deed,
            }
        })
    }

    fn judge(&self, state: &mut State, turn: &mut u32, event: &Event) -> Deed {
        let own = state.own_in(*turn);
        let is_mine = own.is_some();
        let is_awaited = own.is_some_and(|own| own.is_awaited());
        let is_tried = own.is_none_or(|own| own.tries != self.player.tries());
        if let Event::TrackEnd { track, reason, .. } = event {
            return self.ended(state, turn, track, reason);
        }
        if let Event::TrackUnplayable { track, .. } = event {
            return self.ended(state, turn, track, &TrackEndReason::LoadFailed);
        }
        // The start of the current track was its own, however late it is read: a track that the
        // bot plays in its place comes after its end.
        if let Event::TrackStart { track, .. } = event
            && is_tried
            && !is_current(state, track)
        {
            if is_mine {
                // Such as that of `play_if_idle` between two tracks.
                state.queue.halt();
                state.own = None;
            }
            state.foreign = Some((*turn, track.clone()));
        }
        if let Event::TrackException { track, .. } = event
            && is_mine
        {
            state.queue.track_failed(track);
        }
        if let Event::TrackStuck { track, .. } = event
            && is_mine
            && !is_awaited
            && !state.queue.is_empty()
        {
            let ended = state.queue.track_ended(track, &TrackEndReason::LoadFailed);
            return self.follow(state, turn, ended);
        }
        if let Event::VoiceLeft { destroyed, .. } | Event::PlayerInactive { destroyed, .. } = event
            && *destroyed
            && !is_awaited
            && !self.player.is_playing()
        {
            state.gone();
        }
        if let Event::Lagged { .. } = event
            && is_mine
            && let Some(track) = state.queue.current().cloned()
        {
            if is_awaited || self.player.exists() {
                return self.ended(state, turn, &track, &TrackEndReason::Finished);
            }
            state.gone();
        }
        Deed::Nothing
    }

    fn ended(
        &self,
        state: &mut State,
        turn: &mut u32,
        track: &Arc<Track>,
        reason: &TrackEndReason,
    ) -> Deed {
        let is_current = is_current(state, track);
        if let Some(own) = state.own.as_mut().filter(|own| own.turn == *turn) {
            // What is not answered yet may not be shown either.
            if is_current && own.withhold(reason) {
                return Deed::Nothing;
            }
            // What plays was played after the track that this is about, even if it is the same.
            if self.player.is_playing() || !is_current {
                return Deed::Nothing;
            }
            if !reason.may_start_next() {
                state.queue.halt();
                return Deed::Nothing;
            }
            let ended = state.queue.track_ended(track, reason);
            return self.follow(state, turn, ended);
        }
        if is_current {
            // The bot has played, stopped or destroyed past the queue.
            state.queue.halt();
        }
        let foreign = state
            .foreign
            .take_if(|(_, other)| same_track(&other.encoded, &track.encoded));
        if !reason.may_start_next() || foreign.is_none_or(|(since, _)| since != *turn) {
            return Deed::Nothing;
        }
        let ended = match state.queue.advance() {
            Some(next) => Ended::Next(next),
            None => Ended::Dry {
                last: track.clone(),
                finished: *reason == TrackEndReason::Finished,
            },
        };
        self.follow(state, turn, ended)
    }

    /// Does what the end of a track leads to.
    pub(super) fn follow(&self, state: &mut State, turn: &mut u32, ended: Ended) -> Deed {
        match ended {
            Ended::Next(next) => self.play(state, turn, next),
            Ended::Dry { last, finished } if finished && state.autoplay => {
                let seed = state.queue.draw_seed();
                // The last track is the first of them.
                let heard = state.queue.history().take(Autoplay::HEARD_MAX + 1);
                let search = self.player.search(&last, seed);
                let search = Box::new(search.avoiding(heard.map(Arc::as_ref)));
                let turn = *turn;
                Deed::Search { search, turn }
            }
            _ => Deed::Nothing,
        }
    }

    /// Plays what a search has found, unless there is something else by now.
    pub(super) fn found(&self, track: Arc<Track>, since: u32) -> Deed {
        self.turn(|state, turn| {
            if *turn != since || state.queue.current().is_some() {
                return Deed::Nothing;
            }
            if state.queue.is_empty() && state.queue.push(track).is_err() {
                return Deed::Nothing;
            }
            match state.queue.advance() {
                Some(next) => self.play(state, turn, next),
                None => Deed::Nothing,
            }
        })
    }
}

fn is_current(state: &State, track: &Track) -> bool {
    let current = state.queue.current();
    current.is_some_and(|current| same_track(&current.encoded, &track.encoded))
}
