//! [`Voice`]: what Discord's two updates say together.

use std::sync::Arc;

use crate::protocol::{ChannelId, VoiceState};
use crate::secret::Secret;

/// The two halves of a voice connection, and what a node needs of them.
///
/// Either half can come first. The state is complete when channel, session, token and endpoint
/// are known; a repeat that changes none of them changes nothing (Lavalink: Voice State, protocol
/// notes on Discord's side).
#[derive(Clone, Debug, Default)]
pub(crate) struct Voice {
    channel: Option<ChannelId>,
    complete: Option<Arc<VoiceState>>,
    /// What Discord has said, where that is not what is complete.
    halves: Option<Box<Halves>>,
}

#[derive(Clone, Debug, Default)]
struct Halves {
    session_id: Option<Secret>,
    token: Option<Secret>,
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
    pub(crate) fn state(&mut self, channel: Option<ChannelId>, session_id: Secret) -> VoiceChange {
        let Some(channel) = channel else {
            let was_there = self.channel.is_some() || self.complete.is_some();
            *self = Self::default();
            return if was_there {
                VoiceChange::Left
            } else {
                VoiceChange::None
            };
        };
        self.channel = Some(channel);
        self.halves().session_id = Some(session_id);
        self.join()
    }

    /// `VOICE_SERVER_UPDATE`. Without an endpoint Discord has taken the voice server away and
    /// will name another: what was complete is not any more.
    pub(crate) fn server(&mut self, token: Secret, endpoint: Option<Arc<str>>) -> VoiceChange {
        let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty());
        let is_gone = endpoint.is_none();
        let halves = self.halves();
        halves.token = Some(token);
        halves.endpoint = endpoint;
        if is_gone {
            mark!(VoiceServerTakenAway);
            self.complete = None;
            return VoiceChange::Gone;
        }
        self.join()
    }

    /// A state that the application, or a node, put together.
    pub(crate) fn set(&mut self, state: VoiceState) -> VoiceChange {
        self.channel = Some(state.channel_id);
        *self.halves() = Halves::from(&state);
        self.join()
    }

    /// Forgets the server's half: its token is used up.
    pub(crate) fn expire(&mut self) {
        let halves = self.halves();
        halves.token = None;
        halves.endpoint = None;
        self.complete = None;
    }

    /// Forgets everything but the channel: the session is over, and its token with it.
    pub(crate) fn renew(&mut self) {
        self.complete = None;
        self.halves = None;
    }

    /// The bot is about to be in this channel.
    pub(crate) const fn expect_channel(&mut self, channel: ChannelId) {
        self.channel = Some(channel);
    }

    /// The complete state.
    pub(crate) fn complete(&self) -> Option<&Arc<VoiceState>> {
        self.complete.as_ref()
    }

    /// The channel that the bot is in.
    pub(crate) const fn channel(&self) -> Option<ChannelId> {
        self.channel
    }

    fn halves(&mut self) -> &mut Halves {
        let complete = self.complete.as_deref();
        self.halves
            .get_or_insert_with(|| complete.map(Halves::from).unwrap_or_default().into())
    }

    fn join(&mut self) -> VoiceChange {
        let halves = self.channel.zip(self.halves.as_deref());
        let Some(state) = halves.and_then(|(channel, halves)| halves.join(channel)) else {
            return VoiceChange::None;
        };
        self.halves = None;
        if self.complete.as_deref() == Some(&state) {
            return VoiceChange::None;
        }
        self.complete = Some(state.into());
        VoiceChange::New
    }
}

impl Halves {
    fn join(&self, channel_id: ChannelId) -> Option<VoiceState> {
        Some(VoiceState {
            token: self.token.clone()?,
            endpoint: self.endpoint.clone()?,
            session_id: self.session_id.clone()?,
            channel_id,
        })
    }
}

impl From<&VoiceState> for Halves {
    fn from(state: &VoiceState) -> Self {
        Self {
            session_id: Some(state.session_id.clone()),
            token: Some(state.token.clone()),
            endpoint: Some(state.endpoint.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(id: u64) -> Option<ChannelId> {
        ChannelId::new(id)
    }

    fn server(voice: &mut Voice, token: &str, endpoint: Option<&str>) -> VoiceChange {
        voice.server(token.into(), endpoint.map(Arc::from))
    }

    #[test]
    fn the_halves_make_a_whole_in_either_order() {
        let mut voice = Voice::default();
        assert_eq!(voice.state(channel(1), "s".into()), VoiceChange::None);
        assert_eq!(server(&mut voice, "t", Some("e")), VoiceChange::New);
        let whole = voice.complete().cloned();

        let mut other = Voice::default();
        assert_eq!(server(&mut other, "t", Some("e")), VoiceChange::None);
        assert_eq!(other.state(channel(1), "s".into()), VoiceChange::New);
        assert_eq!(other.complete().cloned(), whole);
    }

    #[test]
    fn a_repeat_changes_nothing_and_a_move_does() {
        let mut voice = Voice::default();
        voice.state(channel(1), "s".into());
        server(&mut voice, "t", Some("e"));
        assert_eq!(voice.state(channel(1), "s".into()), VoiceChange::None);
        assert_eq!(server(&mut voice, "t", Some("e")), VoiceChange::None);
        assert_eq!(voice.state(channel(2), "s".into()), VoiceChange::New);
        assert_eq!(server(&mut voice, "t2", Some("e")), VoiceChange::New);
    }

    #[test]
    fn a_null_endpoint_waits_for_the_next_one() {
        let mut voice = Voice::default();
        voice.state(channel(1), "s".into());
        assert_eq!(server(&mut voice, "t", None), VoiceChange::Gone);
        assert_eq!(server(&mut voice, "t", Some("e")), VoiceChange::New);
        assert_eq!(server(&mut voice, "t", None), VoiceChange::Gone);
        assert!(voice.complete().is_none());
        assert_eq!(server(&mut voice, "t", Some("e")), VoiceChange::New);
    }

    #[test]
    fn who_has_only_just_come_can_leave() {
        let mut voice = Voice::default();
        assert_eq!(voice.state(None, "s".into()), VoiceChange::None);
        voice.state(channel(1), "s".into());
        assert_eq!(voice.state(None, "s".into()), VoiceChange::Left);
    }

    #[test]
    fn leaving_forgets_both_halves() {
        let mut voice = Voice::default();
        voice.state(channel(1), "s".into());
        server(&mut voice, "t", Some("e"));
        assert_eq!(voice.state(None, "s".into()), VoiceChange::Left);
        assert_eq!(voice.state(channel(1), "s".into()), VoiceChange::None);
        assert_eq!(voice.complete(), None);
    }
}
