//! [`Lane`]: what waits for a REST socket of a node, and the sockets it may have.

use std::collections::VecDeque;
use std::time::Duration;

use crate::id::SocketId;
use crate::player::PlayerId;
use crate::protocol::GuildId;
use crate::protocol::plugins::KnownPlugin;
use crate::room;

/// The two lanes of a node: a slow search must never delay a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LaneKind {
    /// Players and the session.
    Control,
    /// Tracks and the node itself.
    Lookup,
}

/// What waits for a socket. A lane queues players, never bodies: what a player's PATCH says is
/// decided when a socket is free, so updates that wait merge by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Makes the node's player equal to the wanted one.
    Player(PlayerId),
    /// Asks whether a play arrived whose answer did not.
    Check(PlayerId),
    /// Asks what the node has of a player, for what it may have done late.
    Look(PlayerId),
    /// Removes a player that the node must not have.
    Delete(GuildId),
    /// Asks the node to keep the session after a loss, or no longer to.
    Session { resuming: bool },
    /// Asks for the players of a resumed session.
    Players,
    /// Tells a plugin what is wanted of it for a guild.
    Plugin(GuildId, KnownPlugin),
    /// Asks what the node is.
    Info,
    /// A request of the application.
    Request(u64),
}

/// What waits for a REST socket of a node, and the sockets it may have.
#[derive(Debug)]
pub(crate) struct Lane {
    sockets_max: usize,
    /// What is quick, and what a person waits for.
    queue: VecDeque<Job>,
    /// Players that play, and that move here or bring a voice connection: few at a time.
    heavy: VecDeque<Job>,
    /// Such players that do not play.
    later: VecDeque<Job>,
    /// Connected and without a request, the last used one last.
    pub(crate) idle: Vec<SocketId>,
    /// Being connected.
    pub(crate) dialling: Vec<SocketId>,
    /// With a request.
    pub(crate) busy: Vec<SocketId>,
    /// How many of those carry a PATCH with voice.
    pub(crate) voice: usize,
    /// How many of those move a player here.
    pub(crate) moves: usize,
    pub(crate) window: Window,
    /// Whether the lane waits to be looked at.
    pub(crate) noted: bool,
}

/// How many players may be moved to a node at once: more in flight than it can take in only
/// lengthens the tail, so it starts low, grows while answers stay quick and halves when one
/// fails (measured on a real server: nothing is gained past 16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) size: usize,
    quickest: Duration,
}

/// The queues of a lane, in the order in which they are served.
#[derive(Clone, Copy, Debug)]
enum Class {
    Quick,
    Heavy,
    Later,
}

impl Class {
    const ALL: [Self; 3] = [Self::Quick, Self::Heavy, Self::Later];
}

impl Lane {
    pub(crate) const fn new(sockets_max: usize) -> Self {
        Self {
            sockets_max,
            queue: VecDeque::new(),
            heavy: VecDeque::new(),
            later: VecDeque::new(),
            idle: Vec::new(),
            dialling: Vec::new(),
            busy: Vec::new(),
            voice: 0,
            moves: 0,
            window: Window::NEW,
            noted: false,
        }
    }

    /// Every socket that it has.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = SocketId> {
        let all = self.idle.iter().chain(&self.dialling).chain(&self.busy);
        all.copied()
    }

    pub(crate) fn push(&mut self, job: Job) {
        self.queue.push_back(job);
    }

    /// Behind everything that is quick.
    pub(crate) fn push_heavy(&mut self, job: Job) {
        self.heavy.push_back(job);
    }

    /// Behind everything that plays.
    pub(crate) fn push_later(&mut self, job: Job) {
        self.later.push_back(job);
    }

    /// Ahead of everything else.
    pub(crate) fn push_first(&mut self, job: Job) {
        self.queue.push_front(job);
    }

    /// Takes the first job that may go now.
    pub(crate) fn pop(&mut self, mut may_go: impl FnMut(&Self, Job) -> bool) -> Option<Job> {
        for class in Class::ALL {
            // One that is held back by a bound is a sign that those behind it are, too.
            let ahead = self.class(class).iter().take(Self::LOOKAHEAD);
            let found = ahead.enumerate().find(|(_, job)| may_go(self, **job));
            if let Some(index) = found.map(|(index, _)| index) {
                mark!(PassedAnother if index > 0);
                return self.take(class, index);
            }
        }
        None
    }

    fn take(&mut self, class: Class, index: usize) -> Option<Job> {
        let jobs = match class {
            Class::Quick => &mut self.queue,
            Class::Heavy => &mut self.heavy,
            Class::Later => &mut self.later,
        };
        match index {
            0 => room::pop_front(jobs, Self::ROOM_KEPT),
            _ => jobs.remove(index),
        }
    }

    const fn class(&self, class: Class) -> &VecDeque<Job> {
        match class {
            Class::Quick => &self.queue,
            Class::Heavy => &self.heavy,
            Class::Later => &self.later,
        }
    }

    /// There are three queues for each node.
    const ROOM_KEPT: usize = 8;
    /// How far a job that may not go yet is looked past.
    const LOOKAHEAD: usize = 32;

    /// Forgets the jobs that are not to be kept.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(Job) -> bool) {
        self.queue.retain(|job| keep(*job));
        self.heavy.retain(|job| keep(*job));
        self.later.retain(|job| keep(*job));
    }

    /// Whether nothing waits, or is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.waiting() == 0 && self.busy.is_empty()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.len() + self.heavy.len() + self.later.len()
    }

    /// How many more sockets the lane may open for what waits.
    pub(crate) fn sockets_wanted(&self) -> usize {
        let open = self.idle.len() + self.dialling.len() + self.busy.len();
        let unserved = self
            .waiting()
            .saturating_sub(self.idle.len() + self.dialling.len());
        mark!(SocketsUsedUp if unserved > self.sockets_max.saturating_sub(open));
        unserved.min(self.sockets_max.saturating_sub(open))
    }

    /// Forgets a socket, wherever it is.
    pub(crate) fn drop_socket(&mut self, socket: SocketId) {
        for sockets in [&mut self.idle, &mut self.dialling, &mut self.busy] {
            if let Some(index) = sockets.iter().position(|other| *other == socket) {
                sockets.swap_remove(index);
                return;
            }
        }
    }
}

impl Window {
    /// As a lane begins.
    pub(crate) const NEW: Self = Self {
        size: 4,
        quickest: Duration::MAX,
    };
    const MAX: usize = 16;

    /// An answer came this long after its request.
    pub(crate) fn answered(&mut self, latency: Duration) {
        self.quickest = self.quickest.min(latency);
        let bearable = self.quickest.saturating_mul(4) + Duration::from_millis(100);
        if latency <= bearable {
            self.size = (self.size + 1).min(Self::MAX);
        }
    }

    /// A request timed out or was answered with a failure.
    pub(crate) fn failed(&mut self) {
        self.size = (self.size / 2).max(1);
        mark!(WindowAtItsLeast if self.size == 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guild(id: u64) -> Job {
        Job::Delete(GuildId::new(id).expect("not zero"))
    }

    #[test]
    fn what_is_quick_goes_first_and_what_does_not_play_last() {
        let mut lane = Lane::new(16);
        lane.push_later(guild(1));
        lane.push_heavy(guild(3));
        lane.push(guild(2));
        lane.push_first(Job::Players);
        let order: Vec<_> = std::iter::from_fn(|| lane.pop(|_, _| true)).collect();
        assert_eq!(order, [Job::Players, guild(2), guild(3), guild(1)]);
    }

    #[test]
    fn a_job_that_is_held_back_lets_others_pass() {
        let mut lane = Lane::new(16);
        (1..=3).for_each(|id| lane.push(guild(id)));
        assert_eq!(lane.pop(|_, job| job != guild(1)), Some(guild(2)));
        assert_eq!(lane.pop(|_, _| true), Some(guild(1)));
    }

    #[test]
    fn no_more_sockets_are_wanted_than_work_waits_or_the_bound_allows() {
        let mut lane = Lane::new(2);
        assert_eq!(lane.sockets_wanted(), 0);
        lane.push(guild(1));
        assert_eq!(lane.sockets_wanted(), 1);
        (2..=9).for_each(|id| lane.push(guild(id)));
        assert_eq!(lane.sockets_wanted(), 2);
        lane.dialling.push(SocketId {
            slot: 0,
            generation: 0,
        });
        assert_eq!(lane.sockets_wanted(), 1);
    }

    #[test]
    fn the_window_grows_while_answers_are_quick_and_halves_when_one_fails() {
        let mut window = Window::NEW;
        (0..20).for_each(|_| window.answered(Duration::from_millis(5)));
        assert_eq!(window.size, 16);
        window.answered(Duration::from_secs(2));
        assert_eq!(window.size, 16);
        window.failed();
        window.answered(Duration::from_secs(2));
        assert_eq!(window.size, 8);
        (0..9).for_each(|_| window.failed());
        assert_eq!(window.size, 1);
    }
}
