//! How faults that last are put right again, each for itself: another that lasts longer goes on.

use super::Simulation;
use super::fault::{Fault, FaultKind};
use crate::node::{Accepting, Voice};
use crate::world::Discord;

impl Simulation {
    /// Puts a fault right again.
    pub(super) fn undo(&mut self, fault: Fault) {
        let name = self.name(fault.host);
        if self.goes_on(fault) {
            return;
        }
        match fault.kind {
            FaultKind::Kill | FaultKind::ShutDown => self.start_again(fault),
            FaultKind::PowerLoss => {
                self.reconnect(fault);
                self.start_again(fault);
            }
            FaultKind::StandsStill => self.go_on(fault),
            FaultKind::Restored => {
                self.go_on(fault);
                self.reconnect(fault);
            }
            FaultKind::CutOff | FaultKind::MuteToNode | FaultKind::MuteToPool => {
                self.reconnect(fault);
            }
            FaultKind::HalfOpen => self.notice_dead(fault),
            FaultKind::FlippedBit => {
                self.world.drop_connections(&name);
            }
            FaultKind::WrongPassword => {
                let password = super::password(fault.host);
                self.world.node(&name).config().password = password;
            }
            FaultKind::VoiceFails => self.world.node(&name).config().voice = Voice::Connects,
            FaultKind::DiscordSilent => self.world.set_discord(Discord::Answers),
            _ => self.undo_answers(&name, fault),
        }
    }

    /// Starts a process anew that is down, unless something else keeps it so.
    fn start_again(&mut self, fault: Fault) {
        let is_down = |fault: Fault| {
            let all = [FaultKind::Kill, FaultKind::ShutDown, FaultKind::PowerLoss];
            all.contains(&fault.kind)
        };
        let name = self.name(fault.host);
        let accepting = self.world.node(&name).faults().accepting;
        if accepting == Accepting::Refuse && !self.lasts(fault.host, is_down) {
            self.world.restart(&name);
        }
    }

    /// Lets a process go on, unless something else keeps it still.
    fn go_on(&mut self, fault: Fault) {
        let stands = |fault: Fault| {
            let all = [FaultKind::StandsStill, FaultKind::Restored];
            all.contains(&fault.kind)
        };
        if !self.lasts(fault.host, stands) {
            let name = self.name(fault.host);
            self.world.go_on(&name);
        }
    }

    /// Lets dials through again, unless something else cuts the server off.
    fn reconnect(&mut self, fault: Fault) {
        if !self.lasts(fault.host, Fault::cuts_off) {
            let name = self.name(fault.host);
            self.world.answer_dials(&name, true);
        }
        self.notice_dead(fault);
    }

    /// Lets a server notice which of its connections are dead, unless it is still to take longer.
    fn notice_dead(&mut self, fault: Fault) {
        let silences = |fault: Fault| {
            let all = [
                FaultKind::HalfOpen,
                FaultKind::MuteToNode,
                FaultKind::MuteToPool,
                FaultKind::CutOff,
                FaultKind::PowerLoss,
                FaultKind::Restored,
            ];
            all.contains(&fault.kind)
        };
        if !self.lasts(fault.host, silences) {
            let name = self.name(fault.host);
            self.world.notice_dead(&name);
        }
    }

    /// What a server did with requests, it does no more.
    fn undo_answers(&mut self, name: &str, fault: Fault) {
        let limits_rate = self.lasts(fault.host, |fault| fault.kind == FaultKind::RetryAfter);
        let faults = self.world.node(name).faults();
        match fault.kind {
            FaultKind::Slow => drop(faults.slow.remove(&fault.answers())),
            FaultKind::Unanswered => drop(faults.unanswered.remove(&fault.answers())),
            FaultKind::Lost => drop(faults.lost.remove(&fault.answers())),
            FaultKind::Status5xx
            | FaultKind::Status4xx
            | FaultKind::Blamed
            | FaultKind::Pages
            | FaultKind::RetryAfter => {
                faults
                    .failures
                    .retain(|failure| failure.cause != fault.number);
                faults.retry_after_s.take_if(|_| !limits_rate);
            }
            FaultKind::SessionsUnknown => faults.sessions_unknown = false,
            FaultKind::NeverReady => faults.never_ready = false,
            FaultKind::Silence if faults.accepting == Accepting::Silence => {
                faults.accepting = Accepting::Serve;
            }
            FaultKind::Silence => {}
            FaultKind::WrongVersion => faults.api_version = None,
            _ => unreachable!("every other kind is undone before, or does not last"),
        }
    }

    /// Whether another fault does the same for longer: it is over with the last of them.
    fn goes_on(&self, fault: Fault) -> bool {
        let is_same = |other: &Fault| {
            let is_there = other.host == fault.host || fault.kind == FaultKind::DiscordSilent;
            is_there && effect(*other) == effect(fault)
        };
        self.undos.iter().any(|(_, other)| is_same(other))
    }

    /// Whether a fault of some kinds goes on at a server.
    fn lasts(&self, host: usize, is_one: impl Fn(Fault) -> bool) -> bool {
        let there = self.undos.iter().filter(|(_, fault)| fault.host == host);
        there.map(|(_, fault)| *fault).any(is_one)
    }
}

/// What a fault does: its kind, and which of its kind it is, if one does not undo another's.
fn effect(fault: Fault) -> (FaultKind, u64) {
    let which = match fault.kind {
        FaultKind::Slow | FaultKind::Unanswered | FaultKind::Lost => fault.answers() as u64,
        FaultKind::FlippedBit
        | FaultKind::Status5xx
        | FaultKind::Status4xx
        | FaultKind::Blamed
        | FaultKind::Pages
        | FaultKind::RetryAfter => fault.number,
        FaultKind::MuteToNode | FaultKind::MuteToPool => u64::from(fault.cuts_off()),
        _ => 0,
    };
    (fault.kind, which)
}
