//! [`Voice`]: what Discord's two updates say together.

use std::sync::Arc;

use crate::protocol::{ChannelId, VoiceState};
use crate::secret::{OwnSecret, Secret};

/// The two halves of a voice connection, and what a node needs of them.
///
/// Either half can come first. The state is complete when channel, session, token and endpoint
/// are known; a repeat that changes none of them changes nothing (Lavalink: Voice State, protocol
/// notes on Discord's side).
///
/// Every player in a channel has one, so it is kept small: each text once, and what is sent to a
/// node is put together when it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Voice {
    channel: Option<ChannelId>,
    session_id: Option<OwnSecret>,
    token: Option<OwnSecret>,
    endpoint: Option<Arc<str>>,
}

/// What an update of one half did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VoiceChange {
    /// Nothing that a node must know: a repeat, or not complete yet.
    None,
    /// The state is complete, and new.
    New,
    /// Discord has taken the voice server away: there is nothing to be sent until it names another.
    Gone,
    /// The bot is in no channel any more.
    Left,
}

impl Voice {
    /// The bot's own `VOICE_STATE_UPDATE`.
    pub(crate) fn state(&mut self, channel: Option<ChannelId>, session_id: &Secret) -> VoiceChange {
        if channel.is_none() {
            let was_there = self.channel.is_some();
            *self = Self::default();
            return if was_there {
                VoiceChange::Left
            } else {
                VoiceChange::None
            };
        }
        let is_in_another = put(&mut self.channel, channel);
        let is_new = put(&mut self.session_id, Some(session_id.into()));
        self.changed(is_in_another || is_new)
    }

    /// `VOICE_SERVER_UPDATE`. Without an endpoint Discord has taken the voice server away and
    /// will name another: what was complete is not any more.
    pub(crate) fn server(&mut self, token: &Secret, endpoint: Option<Arc<str>>) -> VoiceChange {
        let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty());
        let is_gone = endpoint.is_none();
        let has_new_token = put(&mut self.token, Some(token.into()));
        let is_elsewhere = put(&mut self.endpoint, endpoint);
        if is_gone {
            mark!(VoiceServerTakenAway);
            return VoiceChange::Gone;
        }
        self.changed(has_new_token || is_elsewhere)
    }

    /// A state that the application, or a node, put together.
    pub(crate) fn set(&mut self, state: VoiceState) -> VoiceChange {
        let new = Self {
            channel: Some(state.channel_id),
            session_id: Some((&state.session_id).into()),
            token: Some((&state.token).into()),
            endpoint: Some(state.endpoint),
        };
        let is_other = *self != new;
        *self = new;
        self.changed(is_other)
    }

    /// Forgets the server's half: its token is used up.
    pub(crate) fn expire(&mut self) {
        self.token = None;
        self.endpoint = None;
    }

    /// Forgets everything but the channel: the session is over, and its token with it.
    pub(crate) fn renew(&mut self) {
        self.session_id = None;
        self.expire();
    }

    /// The bot is about to be in this channel.
    pub(crate) const fn expect_channel(&mut self, channel: ChannelId) {
        self.channel = Some(channel);
    }

    /// Whether there is all that a node needs.
    pub(crate) const fn is_complete(&self) -> bool {
        self.channel.is_some()
            && self.session_id.is_some()
            && self.token.is_some()
            && self.endpoint.is_some()
    }

    /// What a node needs, if that is complete.
    pub(crate) fn complete(&self) -> Option<VoiceState> {
        Some(VoiceState {
            token: self.token.as_ref()?.into(),
            endpoint: self.endpoint.clone()?,
            session_id: self.session_id.as_ref()?.into(),
            channel_id: self.channel?,
        })
    }

    /// The voice server, once the state is complete.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref().filter(|_| self.is_complete())
    }

    /// The channel that the bot is in.
    pub(crate) const fn channel(&self) -> Option<ChannelId> {
        self.channel
    }

    /// Whether it is the one of this session and token.
    pub(crate) fn is_of(&self, session_id: &str, token: &str) -> bool {
        let is = |own: &Option<OwnSecret>, other| own.as_ref().is_some_and(|own| own.is(other));
        is(&self.session_id, session_id) && is(&self.token, token)
    }

    /// What it means to a node that something was said, which is other than before, or a repeat.
    const fn changed(&self, is_other: bool) -> VoiceChange {
        if is_other && self.is_complete() {
            VoiceChange::New
        } else {
            VoiceChange::None
        }
    }
}

/// Puts in what was said; returns whether something else was there.
fn put<T: PartialEq>(place: &mut T, said: T) -> bool {
    let is_other = *place != said;
    *place = said;
    is_other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(id: u64) -> Option<ChannelId> {
        ChannelId::new(id)
    }

    fn server(voice: &mut Voice, token: &str, endpoint: Option<&str>) -> VoiceChange {
        voice.server(&token.into(), endpoint.map(Arc::from))
    }

    #[test]
    fn the_halves_make_a_whole_in_either_order() {
        let mut voice = Voice::default();
        assert_eq!(voice.state(channel(1), &"s".into()), VoiceChange::None);
        assert_eq!(server(&mut voice, "t", Some("e")), VoiceChange::New);
        let whole = voice.complete();

        let mut other = Voice::default();
        assert_eq!(server(&mut other, "t", Some("e")), VoiceChange::None);
        assert_eq!(other.state(channel(1), &"s".into()), VoiceChange::New);
        assert_eq!(other.complete(), whole);
    }

    #[test]
    fn a_repeat_changes_nothing_and_a_move_does() {
        let mut voice = Voice::default();
        voice.state(channel(1), &"s".into());
        server(&mut voice, "t", Some("e"));
        assert_eq!(voice.state(channel(1), &"s".into()), VoiceChange::None);
        assert_eq!(server(&mut voice, "t", Some("e")), VoiceChange::None);
        assert_eq!(voice.state(channel(2), &"s".into()), VoiceChange::New);
        assert_eq!(server(&mut voice, "t2", Some("e")), VoiceChange::New);
    }

    #[test]
    fn a_null_endpoint_waits_for_the_next_one() {
        let mut voice = Voice::default();
        voice.state(channel(1), &"s".into());
        assert_eq!(server(&mut voice, "t", None), VoiceChange::Gone);
        assert_eq!(server(&mut voice, "t", Some("e")), VoiceChange::New);
        assert_eq!(server(&mut voice, "t", None), VoiceChange::Gone);
        assert!(voice.complete().is_none());
        assert_eq!(server(&mut voice, "t", Some("e")), VoiceChange::New);
    }

    #[test]
    fn who_has_only_just_come_can_leave() {
        let mut voice = Voice::default();
        assert_eq!(voice.state(None, &"s".into()), VoiceChange::None);
        voice.state(channel(1), &"s".into());
        assert_eq!(voice.state(None, &"s".into()), VoiceChange::Left);
    }

    #[test]
    fn the_channel_that_the_bot_is_about_to_be_in_is_told_before_discord_says_so() {
        let mut voice = Voice::default();
        voice.expect_channel(channel(1).expect("not zero"));
        assert_eq!(voice.channel(), channel(1));
        assert!(!voice.is_complete());
    }

    #[test]
    fn leaving_forgets_both_halves() {
        let mut voice = Voice::default();
        voice.state(channel(1), &"s".into());
        server(&mut voice, "t", Some("e"));
        assert_eq!(voice.state(None, &"s".into()), VoiceChange::Left);
        assert_eq!(voice.state(channel(1), &"s".into()), VoiceChange::None);
        assert_eq!(voice.complete(), None);
    }

    #[test]
    fn no_log_shows_the_session_and_the_token() {
        let mut voice = Voice::default();
        voice.state(channel(1), &"b1ba1f1c".into());
        server(&mut voice, "hunter2", Some("e"));
        let log = format!("{voice:?}");
        assert!(
            !log.contains("b1ba1f1c") && !log.contains("hunter2"),
            "{log}"
        );
    }
}
