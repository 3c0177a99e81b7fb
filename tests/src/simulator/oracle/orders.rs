//! What goes out to servers about the plays that they have: to begin one again, or to delete it.

use lavapool_core::SocketId;
use lavapool_core::protocol::GuildId;

use super::Oracle;
use super::parting::Changing;
use crate::simulator::audio::GoesOn;
use crate::simulator::leavings::Leaving;
use crate::simulator::parts::Part;

impl Oracle {
    /// The DELETEs that have gone out since the last time.
    pub(in crate::simulator) fn take_leavings(&mut self) -> Vec<Leaving> {
        std::mem::take(&mut self.leavings)
    }

    /// All of a request's body may have been written.
    pub(super) fn body_goes_out(&mut self, id: SocketId) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let Some(body) = socket.asked.whole_body() else {
            return;
        };
        let Some(changing) = &mut socket.changing else {
            return;
        };
        changing.parts = Part::of_patch(&body);
        let goes_on = GoesOn::read(&changing.path, &body);
        if let Some(goes_on) = &goes_on {
            let begins = (goes_on.guild, goes_on.session.to_owned());
            self.confirmed.remove(&begins);
            socket.begins = Some((begins, Vec::new()));
        }
        if let Some((goes_on, play)) = goes_on.and_then(|read| read.play.map(|play| (read, play))) {
            let (guild, session) = (goes_on.guild, goes_on.session.to_owned());
            self.tellings
                .goes_out(guild, session, goes_on.identifier, play);
        }
    }

    /// A part of an answer comes: as soon as its status is there, it is known whether a player that
    /// was to go on has done so.
    pub(super) fn status_comes(&mut self, id: SocketId, bytes: &[u8]) {
        let socket = self.sockets.get_mut(&id);
        let Some((_, status)) = socket.and_then(|socket| socket.begins.as_mut()) else {
            return;
        };
        status.extend_from_slice(bytes);
        if status.len() < DONE.len() {
            return;
        }
        let is_done = status.starts_with(DONE);
        let begins = self
            .sockets
            .get_mut(&id)
            .and_then(|socket| socket.begins.take());
        self.confirmed
            .extend(begins.filter(|_| is_done).map(|(begins, _)| begins));
    }

    /// Whether a server has answered what let a guild's player go on last in a session.
    pub(in crate::simulator) fn is_confirmed(&self, guild: GuildId, session: &str) -> bool {
        self.confirmed.contains(&(guild, session.to_owned()))
    }

    /// The head of a request about a player was written.
    pub(super) fn head_goes_out(&mut self, host: usize, changing: &Changing) {
        let guild = changing.guild.parse().ok().and_then(GuildId::new);
        let session = changing.path.split('/').nth(3);
        if let Some((guild, session)) = guild.zip(session).filter(|_| changing.removes) {
            self.tellings.deletes(guild, session);
            let session = session.to_owned();
            self.leavings.push(Leaving {
                host,
                guild,
                session,
            });
        }
    }
}

/// How the answer begins to what was done.
const DONE: &[u8] = b"HTTP/1.1 200";
