//! What is let go of: a node that is lost, and a client that has ended.

use std::time::Duration;

use super::{Host, Oracle, Tellings};
use crate::invariant::Invariant;

impl Oracle {
    /// A node is lost: whatever is asked there of its session's players is of no use any more.
    pub(super) fn parts(&mut self, host: usize, at: Duration) {
        if self.hosts[host].is_leaving {
            return;
        }
        let sockets = self.sockets.iter();
        let of_players = sockets.filter(|(_, socket)| socket.host == host && socket.is_of_players);
        self.parting.extend(of_players.map(|(id, _)| (*id, at)));
    }

    /// The process of the client is another one.
    pub(in crate::simulator) fn new_client(&mut self) {
        let changing = self.sockets.values_mut().filter_map(|s| s.changing.take());
        self.orphaned.extend(changing);
        self.sockets.clear();
        self.parting.clear();
        self.tellings = Tellings::default();
        self.told.new_client();
        for host in &mut self.hosts {
            self.orphaned.append(&mut host.unanswered);
            *host = Host {
                resumable: host.resumable.take(),
                doubt_until: host.doubt_until,
                lost_at: host.lost_at,
                hearings: std::mem::take(&mut host.hearings),
                ..Host::default()
            };
        }
    }

    /// The sockets of nodes that were lost before now are closed by now.
    pub(super) fn judge_parting(&mut self, now: Duration) {
        while let Some((id, at)) = self.parting.front().copied().filter(|(_, at)| *at < now) {
            self.parting.pop_front();
            let name = self
                .sockets
                .get(&id)
                .map(|socket| &*self.names[socket.host]);
            let detail = name.map(|name| format!("{id:?} to {name}, which was lost at {at:?}"));
            self.require(detail.is_none(), Invariant::LostIsLetGo, || {
                detail.unwrap_or_default()
            });
        }
    }
}
