//! [`Heirs`]: what another process of the client is told of the players that it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lavapool_core::player::Place;
use lavapool_core::protocol::GuildId;
use lavapool_core::{Output, SocketId};

use super::Simulation;
use super::wire::{Asked, Message, field, find};
use crate::world::{Given, Traced};

/// What another process of the client is told of the players that it finds. Nothing of the first,
/// which finds none.
#[derive(Debug, Default)]
pub(super) struct Heirs {
    is_another: bool,
    sockets: BTreeMap<SocketId, Socket>,
    /// The servers that were asked for their players. What the application asks for later is
    /// nothing that the pool reads.
    asked: BTreeSet<String>,
    /// The guilds whose players this process has changed.
    changed: BTreeSet<GuildId>,
}

#[derive(Debug)]
struct Socket {
    name: String,
    asked: Asked,
    /// What has come of the answer, if that is to be a list of players.
    answer: Option<Vec<u8>>,
}

/// The players that a server listed, each with its guild and its track.
struct Listed {
    name: String,
    players: Vec<Message>,
}

impl Heirs {
    /// Another process of the client is started.
    pub(super) fn new_client(&mut self) {
        *self = Self {
            is_another: true,
            ..Self::default()
        };
    }

    fn see(&mut self, at: Duration, traced: &Traced) -> Option<Listed> {
        match traced {
            Traced::Output(Output::Connect(socket, endpoint)) => {
                let socket_of = Socket {
                    name: endpoint.host().to_owned(),
                    asked: Asked::default(),
                    answer: None,
                };
                self.sockets.insert(*socket, socket_of);
            }
            Traced::Output(Output::Close(socket)) | Traced::Given(Given::Closed(socket, _)) => {
                self.sockets.remove(socket);
            }
            Traced::Wrote(socket, bytes) => self.wrote(*socket, bytes, at),
            Traced::Given(Given::Received(socket, bytes)) => return self.heard(*socket, bytes),
            _ => {}
        }
        None
    }

    fn wrote(&mut self, id: SocketId, bytes: &[u8], at: Duration) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let Some((head, _)) = socket.asked.take(bytes, at) else {
            return;
        };
        let mut words = head.split([' ', '?']);
        let (method, path) = (words.next(), words.next().unwrap_or_default());
        let lists = method == Some("GET") && path.ends_with("/players");
        let is_first = lists && self.asked.insert(socket.name.clone());
        socket.answer = is_first.then(Vec::new);
        if path == "/v4/websocket" {
            self.sockets.remove(&id);
        } else if method == Some("PATCH")
            && let Some((_, guild)) = path.rsplit_once("/players/")
        {
            self.changed
                .extend(guild.parse().ok().and_then(GuildId::new));
        }
    }

    fn heard(&mut self, id: SocketId, bytes: &[u8]) -> Option<Listed> {
        let socket = self.sockets.get_mut(&id)?;
        socket.asked.answered();
        let answer = socket.answer.as_mut()?;
        answer.extend_from_slice(bytes);
        let players = serde_json::from_slice(&body(answer)?).ok()?;
        socket.answer = None;
        let name = socket.name.clone();
        Some(Listed { name, players })
    }
}

impl Simulation {
    /// Takes note of the players that another process of the client finds: each is as the one
    /// before has left it.
    pub(super) fn note_found(&mut self, at: Duration, traced: &Traced) {
        if !self.heirs.is_another {
            return;
        }
        let Some(listed) = self.heirs.see(at, traced) else {
            return;
        };
        let host = self.names.iter().position(|known| *known == listed.name);
        if host.is_none_or(|host| self.oracle.is_new(host, at)) {
            return;
        }
        for said in &listed.players {
            let guild = said.guild.parse().ok().and_then(GuildId::new);
            if let Some(guild) = guild.filter(|guild| self.inherits(*guild, &listed.name)) {
                let track = said.track.as_ref().map(|track| &*track.info.identifier);
                let intent = self.application.intents.get_mut(&guild);
                self.tally.found_judged += u64::from(intent.is_some());
                intent.into_iter().for_each(|intent| intent.is_found(track));
            }
        }
    }

    /// Whether the pool has to take the player that a server has for its own: it has sent none
    /// elsewhere, nor been told to, and nobody else may change that one.
    fn inherits(&self, guild: GuildId, name: &str) -> bool {
        let orphans = &self.oracle.orphans;
        let may_change = orphans.may_change(guild) || orphans.may_remove(guild);
        let is_theirs = !may_change && !self.heirs.changed.contains(&guild);
        let options = &self.plan.options;
        let has_place = match self.world.pool().player(guild).map(|view| view.place) {
            None => options.limits.is_none() && !options.destroys_strangers,
            Some(Place::Unplaced) => true,
            Some(Place::On(node)) => *node.name == *name,
            Some(_) => false,
        };
        is_theirs && has_place && self.world.copies(guild).len() == 1
    }
}

/// The body of an answer that is well, when all of it is there.
fn body(answer: &[u8]) -> Option<Vec<u8>> {
    let end = find(answer, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]);
    let mut rest = &answer[end + 4..];
    if !head.starts_with("HTTP/1.1 200 ") {
        return None;
    }
    if let Some(length) = field(&head, "content-length") {
        return rest.get(..length.parse().ok()?).map(<[u8]>::to_vec);
    }
    let mut body = Vec::new();
    loop {
        let end = find(rest, b"\r\n")?;
        let length = std::str::from_utf8(&rest[..end]).ok()?;
        let length = usize::from_str_radix(length, 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        let begin = end + 2;
        body.extend_from_slice(rest.get(begin..begin + length)?);
        rest = rest.get(begin + length + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_of_an_answer_is_read_when_all_of_it_is_there() {
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{}]";
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                       2\r\n[{\r\n2\r\n}]\r\n0\r\n\r\n";
        for answer in [sized, chunked] {
            assert_eq!(body(answer.as_bytes()).as_deref(), Some(&b"[{}]"[..]));
            let cut = &answer.as_bytes()[..answer.len() - 6];
            assert_eq!(body(cut), None);
        }
        let refused = sized.replace("200 OK", "500 No");
        assert_eq!(body(refused.as_bytes()), None);
    }
}
