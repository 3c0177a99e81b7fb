//! [`Fault`]: one thing that goes wrong, and how it is put right again.

use std::time::Duration;

use lavapool_core::Closed;

use super::Simulation;
use crate::node::{Accepting, AnswerKind, Disturbance, Failure, Voice};
use crate::world::{Bite, Bitten, Dialled, Direction, Discord};

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// The server that it happens to, if it happens to one.
    pub host: usize,
    /// For how long, if it lasts.
    pub lasts_for: Duration,
    /// Where, how much, with which code: what else there is to say.
    pub number: u64,
}

/// Makes the list, so that each kind has its weight.
macro_rules! kinds {
    ($(#[$meta:meta])* $of:ident { $($(#[$doc:meta])* $name:ident = $weight:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $of {
            $($(#[$doc])* $name,)*
        }

        impl $of {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// How often it happens compared with others, where all are as likely; 0 for an
            /// oddity, which only some worlds have.
            pub const fn weight(self) -> u64 {
                match self {
                    $(Self::$name => $weight,)*
                }
            }
        }
    };
}
pub(super) use kinds;

kinds! {
    /// What can go wrong.
    FaultKind {
        /// The process is killed, and started anew later.
        Kill = 6,
        /// The process is killed and started anew at once, without memory.
        Restart = 4,
        /// The process ends as SIGTERM ends it.
        ShutDown = 4,
        /// Every connection is reset.
        Drop = 8,
        /// Every REST connection is reset.
        DropRest = 6,
        /// Nothing passes in either direction, and only the server notices, later.
        HalfOpen = 4,
        /// Nothing of what is sent to the server on present connections arrives, and no dial is
        /// answered or all are.
        MuteToNode = 3,
        /// Nothing of what the server sends on present connections arrives, with the same.
        MuteToPool = 3,
        /// No dial is answered either.
        CutOff = 3,
        /// What is sent to the server arrives late, all at once: a partition in one direction.
        HoldToNode = 6,
        /// What the server sends arrives late, all at once.
        HoldToPool = 6,
        /// Dials are refused.
        DialRefused = 3,
        /// Dials fail otherwise.
        DialFails = 3,
        /// Dials take long.
        DialSlow = 3,
        /// Dials are never answered.
        DialNever = 3,
        /// A connection is reset in the midst of a frame or an answer.
        ResetMidway = 6,
        /// A connection ends in good order in the midst of a frame or an answer.
        EndMidway = 6,
        /// A bit flips, and the connection does not live long after that.
        FlippedBit = 4,
        /// The way becomes longer or shorter.
        Latency = 4,
        /// Answers of a kind take long.
        Slow = 6,
        /// Requests of a kind are never answered, and take no effect.
        Unanswered = 3,
        /// Requests of a kind take effect, and the connection is reset in place of the answer.
        Lost = 5,
        /// Some requests are answered with a status of the server's side.
        Status5xx = 4,
        /// Some requests are answered with a status that blames the client.
        Status4xx = 2,
        /// Too many requests: the server says when to come back.
        RetryAfter = 2,
        /// The server knows none of its sessions for a while.
        SessionsUnknown = 3,
        /// WebSockets are upgraded and never get `ready`.
        NeverReady = 2,
        /// Connections are accepted, and not a byte is answered.
        Silence = 2,
        /// The password is another one for a while.
        WrongPassword = 1,
        /// The server is another version for a while.
        WrongVersion = 1,
        /// A message that is no JSON, or lacks what it needs.
        Malformed = 3,
        /// A message that nobody knows.
        Unknown = 3,
        /// A frame that breaks the WebSocket protocol.
        BrokenFrame = 3,
        /// WebSockets are closed with a code.
        CloseCode = 4,
        /// Discord closes a voice connection with a code.
        VoiceCloses = 3,
        /// A voice connection dies without a word.
        VoiceDies = 2,
        /// Voice connections fail for a while.
        VoiceFails = 2,
        /// Discord does not answer on the gateway for a while.
        DiscordSilent = 1,
        /// The host of the pool is suspended; its clock goes on.
        Suspend = 2,
        /// The host of the pool is suspended; its clock stands still.
        ClockStops = 1,
        /// The server is under load.
        Load = 2,
        /// The host of the server is gone without a word, and back later.
        PowerLoss = 0,
        /// The process of the server stands still, as SIGSTOP stops it; what is sent to it waits.
        StandsStill = 0,
        /// The server is gone, and comes back with all that it had then but its connections: a
        /// restart with memory, as a virtual machine that is restored elsewhere.
        Restored = 0,
        /// The server sends a ping, as a proxy may.
        Pings = 0,
        /// A message comes in two fragments, with a ping between them.
        Fragments = 0,
        /// The pool's sockets take nothing of what it writes for a while.
        WriteStall = 0,
        /// Some requests are answered 200, with a page, by something before the server.
        Pages = 0,
        /// Some GETs or PATCHes are answered that the client is wrong, or its password.
        Blamed = 0,
    }
}

impl Simulation {
    /// Lets a fault happen.
    pub(super) fn inflict(&mut self, fault: Fault) {
        self.tally.fault(fault.kind);
        self.note_silence(&fault);
        self.note_illness(&fault);
        let name = self.name(fault.host);
        if self.inflict_on_network(&name, fault) || self.inflict_on_answers(&name, fault) {
            return;
        }
        self.inflict_on_process(&name, fault);
    }

    /// What happens to the way to a server.
    fn inflict_on_network(&mut self, name: &str, fault: Fault) -> bool {
        let world = &mut self.world;
        let short = fault.lasts_for.min(HELD_MAX);
        match fault.kind {
            FaultKind::Drop => world.drop_connections(name),
            FaultKind::DropRest => world.end_rest(name),
            FaultKind::HalfOpen => {
                world.half_open(name);
                self.undo_later(fault);
            }
            FaultKind::MuteToNode => self.mute(name, Direction::ToNode, fault),
            FaultKind::MuteToPool => self.mute(name, Direction::ToPool, fault),
            FaultKind::CutOff => {
                world.cut_off(name);
                self.undo_later(fault);
            }
            FaultKind::HoldToNode => world.hold(name, Direction::ToNode, short),
            FaultKind::HoldToPool => world.hold(name, Direction::ToPool, short),
            FaultKind::WriteStall => world.stall_writes(name, short),
            FaultKind::DialRefused => world.next_dial(name, Dialled::Fails(Closed::Refused)),
            FaultKind::DialFails => {
                let all = [Closed::Unreachable, Closed::NameNotFound, Closed::TimedOut];
                let closed = all[index(fault.number, all.len())];
                world.next_dial(name, Dialled::Fails(closed));
            }
            FaultKind::DialSlow => world.next_dial(name, Dialled::Slow(fault.lasts_for)),
            FaultKind::DialNever => world.next_dial(name, Dialled::Never),
            FaultKind::ResetMidway => world.bite(name, bite(fault, Bitten::Reset)),
            FaultKind::EndMidway => world.bite(name, bite(fault, Bitten::Ended)),
            FaultKind::FlippedBit => {
                world.bite(name, bite(fault, Bitten::Flipped));
                // What else was said there may have been taken wrongly: nothing of it lasts.
                self.undo_later(Fault {
                    lasts_for: short.min(FLIPPED_MAX),
                    ..fault
                });
            }
            FaultKind::Latency => {
                world.set_latency(name, fault.latency().unwrap_or_default());
            }
            _ => return false,
        }
        true
    }

    /// Nothing passes in one direction any more, of dials neither or all.
    fn mute(&mut self, name: &str, direction: Direction, fault: Fault) {
        self.world.mute(name, direction);
        if fault.cuts_off() {
            self.world.answer_dials(name, false);
        }
        self.undo_later(fault);
    }

    /// What a server does with requests.
    fn inflict_on_answers(&mut self, name: &str, fault: Fault) -> bool {
        let kind = fault.answers();
        let rest = fault.number / KINDS;
        let faults = self.world.node(name).faults();
        match fault.kind {
            FaultKind::Slow => drop(faults.slow.insert(kind, fault.lasts_for.min(SLOW_MAX))),
            FaultKind::Unanswered => drop(faults.unanswered.insert(kind)),
            FaultKind::Lost => drop(faults.lost.insert(kind)),
            FaultKind::RetryAfter => {
                faults.retry_after_s = Some(u32::try_from(rest % 5).unwrap_or(0));
                faults.failures.extend(failure(fault));
            }
            FaultKind::Status5xx | FaultKind::Status4xx | FaultKind::Blamed | FaultKind::Pages => {
                faults.failures.extend(failure(fault));
            }
            FaultKind::SessionsUnknown => faults.sessions_unknown = true,
            FaultKind::NeverReady => faults.never_ready = true,
            // A process that is down stays so.
            FaultKind::Silence if faults.accepting == Accepting::Refuse => return true,
            FaultKind::Silence => faults.accepting = Accepting::Silence,
            FaultKind::WrongPassword => {
                "another".clone_into(&mut self.world.node(name).config().password)
            }
            FaultKind::WrongVersion => faults.api_version = Some(3),
            FaultKind::VoiceFails => {
                let voice = [Voice::Fails, Voice::Unreachable][index(rest, 2)];
                self.world.node(name).config().voice = voice;
            }
            _ => return false,
        }
        self.undo_later(fault);
        true
    }

    /// What happens to processes, and what they say.
    fn inflict_on_process(&mut self, name: &str, fault: Fault) {
        let now = self.world.now();
        let guild = self.guild_of(fault);
        match fault.kind {
            FaultKind::Kill => {
                self.world.kill(name);
                self.undo_later(fault);
            }
            FaultKind::Restart => self.world.restart(name),
            FaultKind::PowerLoss => {
                self.world.cut_off(name);
                self.world.kill(name);
                self.undo_later(fault);
            }
            FaultKind::StandsStill => {
                self.world.stand_still(name);
                self.undo_later(fault);
            }
            FaultKind::Restored => {
                self.world.stand_still(name);
                if fault.number.is_multiple_of(2) {
                    self.world.reset_at_pool(name);
                }
                self.world.cut_off(name);
                self.undo_later(fault);
            }
            FaultKind::ShutDown => {
                self.world.shut_down_gracefully(name);
                self.undo_later(fault);
            }
            FaultKind::Malformed => {
                let all = [Disturbance::MalformedJson, Disturbance::WithoutOp];
                let what = &all[index(fault.number, 2)];
                self.world.disturb(name, what);
            }
            FaultKind::Unknown => {
                let all = [Disturbance::UnknownOp, Disturbance::UnknownEvent(guild)];
                let what = &all[index(fault.number, 2)];
                self.world.disturb(name, what);
            }
            FaultKind::BrokenFrame => {
                let masked = vec![0x81, 0x81, 1, 2, 3, 4, b'a' ^ 1];
                let all = [
                    Disturbance::InvalidUtf8,
                    Disturbance::Raw(masked),
                    Disturbance::Raw(vec![0x83, 0]),
                    Disturbance::Raw(vec![0x80, 0]),
                ];
                let what = &all[index(fault.number, all.len())];
                self.world.disturb(name, what);
            }
            FaultKind::Pings => self.world.disturb(name, &Disturbance::Raw(PING.to_vec())),
            FaultKind::Fragments => {
                let (first, second) = (b"{\"op\":\"in", b"pieces\"}");
                let raw = [&[0x01, 9], &first[..], &PING, &[0x80, 8], second].concat();
                self.world.disturb(name, &Disturbance::Raw(raw));
            }
            FaultKind::CloseCode => {
                let all = [1000, 1001, 1013, 1011, 1012, 4000];
                let code = all[index(fault.number, all.len())];
                self.world
                    .node(name)
                    .close_websockets(code, "by chance", now);
            }
            _ => self.inflict_on_others(name, fault),
        }
    }

    /// What happens to Discord, to the host of the pool, and to how loaded a server is.
    fn inflict_on_others(&mut self, name: &str, fault: Fault) {
        let now = self.world.now();
        let guild = self.guild_of(fault);
        match fault.kind {
            FaultKind::VoiceCloses => {
                let all = [4006, 4009, 4014, 4015, 4022, 1006];
                let code = all[index(fault.number / 64, all.len())];
                self.world
                    .node(name)
                    .close_voice(guild, code, "by chance", now);
            }
            FaultKind::VoiceDies => self.world.node(name).lose_voice(guild, now),
            FaultKind::DiscordSilent => {
                self.world.set_discord(Discord::Silent);
                self.undo_later(fault);
            }
            FaultKind::Suspend => {
                self.application.sleeps_for(fault.lasts_for);
                self.oracle.late(now + fault.lasts_for);
                self.world.suspend(fault.lasts_for, true);
            }
            FaultKind::ClockStops => {
                self.application.sleeps_for(fault.lasts_for);
                self.oracle.late(now + fault.lasts_for);
                let stands_for = self.world.suspend(fault.lasts_for, false);
                self.oracle.clock_stood(stands_for);
            }
            FaultKind::Load => {
                let stats = self.world.node(name).stats();
                stats.system_load = index(fault.number, 100) as f64 / 100.0;
                stats.lavalink_load = stats.system_load / 2.0;
            }
            _ => unreachable!("every other kind is inflicted before"),
        }
    }

    pub(super) fn guild_of(&self, fault: Fault) -> i64 {
        1 + i64::try_from(fault.number % self.plan.options.guilds).unwrap_or(0)
    }

    fn undo_later(&mut self, fault: Fault) {
        let at = self.world.now() + fault.lasts_for;
        self.undos.push((at, fault));
    }
}

/// Which requests fail by a fault, if any do, and how.
fn failure(fault: Fault) -> Option<Failure> {
    let rest = fault.number / KINDS;
    let (all, method, path): (&[u16], _, _) = match fault.kind {
        FaultKind::Status5xx => (&[500, 502, 503, 503, 504], None, None),
        // A DELETE that is refused for good leaves a player that nobody can take away.
        FaultKind::Status4xx => {
            let all = &[400, 404, 405, 410, 415, 418];
            (all, Some("PATCH"), Some("/v4/sessions/"))
        }
        FaultKind::Blamed => {
            let methods = ["GET", "PATCH", "DELETE"];
            let method = methods[index(rest / 64, methods.len())];
            // A player that is not there (404) is gone, and no more is asked about it.
            let all: &[u16] = match method {
                "DELETE" => &[400, 401, 403, 403, 405, 418],
                _ => &[400, 401, 403, 404, 405, 418],
            };
            (all, Some(method), None)
        }
        FaultKind::Pages => {
            let paths = ["/v4/sessions/", "/v4/sessions/", "/v4/loadtracks"];
            (&[200], None, Some(paths[index(rest, paths.len())]))
        }
        FaultKind::RetryAfter => (&[429, 503], None, None),
        _ => return None,
    };
    let times = 1 + u32::try_from(rest % 4).unwrap_or(0);
    // A page stands there until it is taken away, and one of three others does, too.
    let is_lasting = fault.kind == FaultKind::Pages || (rest / 4).is_multiple_of(3);
    Some(Failure {
        times: (!is_lasting).then_some(times),
        method: method.map(str::to_owned),
        path: path.map(str::to_owned),
        cause: fault.number,
        ..Failure::always(all[index(rest, all.len())])
    })
}

impl Fault {
    /// Whether no dial is answered while it lasts. With one direction mute, a connection that was
    /// there says nothing of that: a way back may be another one for it than for a new one.
    pub(super) const fn cuts_off(self) -> bool {
        match self.kind {
            FaultKind::CutOff | FaultKind::PowerLoss | FaultKind::Restored => true,
            FaultKind::MuteToNode | FaultKind::MuteToPool => self.number.is_multiple_of(2),
            _ => false,
        }
    }

    /// The longest way that one makes.
    pub(super) const LATENCY_MAX: Duration = Duration::from_millis(120);

    /// How long the way to its server is from then on, if it changes that.
    pub(super) fn latency(self) -> Option<Duration> {
        let longest_ms = u64::try_from(Self::LATENCY_MAX.as_millis()).unwrap_or(u64::MAX);
        let latency = Duration::from_millis(1 + self.number % longest_ms);
        (self.kind == FaultKind::Latency).then_some(latency)
    }

    /// The kind of requests that it is about, if it is about one.
    pub(super) fn answers(self) -> AnswerKind {
        let kinds = [
            AnswerKind::Handshake,
            AnswerKind::Load,
            AnswerKind::Voice,
            AnswerKind::Player,
            AnswerKind::Player,
            AnswerKind::Other,
        ];
        kinds[index(self.number, kinds.len())]
    }
}

/// How many kinds of requests there are to draw from; what else there is to say is in the rest.
const KINDS: u64 = 6;

/// One of so many, by a number.
pub(super) fn index(number: u64, count: usize) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX) % count
}

fn bite(fault: Fault, how: Bitten) -> Bite {
    Bite {
        place: index(fault.number, usize::MAX),
        how,
        lives_for: match how {
            Bitten::Flipped => fault.lasts_for.min(FLIPPED_MAX),
            Bitten::Reset | Bitten::Ended => Duration::ZERO,
        },
    }
}

/// Longer than this, and TCP gives a connection up.
const HELD_MAX: Duration = Duration::from_secs(25);
const SLOW_MAX: Duration = Duration::from_secs(20);
const FLIPPED_MAX: Duration = Duration::from_millis(400);

/// A ping frame of a server.
const PING: [u8; 4] = [0x89, 2, b'h', b'i'];
