//! What goes out to servers about the plays that they have: to begin one again, or to delete it.

use lavapool_core::SocketId;
use lavapool_core::protocol::GuildId;

use super::Oracle;
use super::parting::Changing;
use crate::simulator::audio::GoesOn;
use crate::simulator::parts::Part;

impl Oracle {
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
        if let Some((goes_on, play)) = goes_on.and_then(|read| read.play.map(|play| (read, play))) {
            let (guild, session) = (goes_on.guild, goes_on.session.to_owned());
            self.tellings
                .goes_out(guild, session, goes_on.identifier, play);
        }
    }

    /// The head of a request about a player was written.
    pub(super) fn head_goes_out(&mut self, changing: &Changing) {
        let guild = changing.guild.parse().ok().and_then(GuildId::new);
        let session = changing.path.split('/').nth(3);
        if let Some((guild, session)) = guild.zip(session).filter(|_| changing.removes) {
            self.tellings.deletes(guild, session);
        }
    }
}
