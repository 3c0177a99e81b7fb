//! The simulator: a world in which everything goes wrong, and somebody who knows how it should be.
//!
//! A run follows from its seed alone. First, in the *safety* phase, faults and orders happen as the
//! [`Plan`] says, and what must never be is looked for after every step. Then some servers are
//! healed and the others stay dead, nothing goes wrong any more, and in this *liveness* phase all
//! must be as the application wants it within a bound. What must hold is listed in
//! [`Invariant`].
//!
//! ```
//! use lavapool_tests::simulator::{Plan, Simulation};
//!
//! let outcome = Simulation::run(Plan::draw(7));
//! assert_eq!(outcome.broken, None);
//! ```

mod application;
mod audio;
mod change;
mod copies;
mod ends;
mod fault;
mod gaps;
mod healing;
mod heirs;
mod intent;
mod leavings;
mod marks;
mod news;
mod oracle;
mod order;
mod panics;
mod parts;
mod place;
mod plan;
mod prompt;
mod secrets;
mod shrink;
mod silences;
mod spread;
mod tally;
mod tellings;
mod twice;
mod undo;
mod verdict;
mod voices;
mod wire;

pub use self::fault::{Fault, FaultKind};
pub use self::marks::{Marks, RARE, UNREACHED};
pub use self::order::{Order, OrderKind};
pub use self::plan::{Options, Plan};
pub use self::shrink::shrink;
pub use self::tally::Tally;
pub use self::twice::differs;

use std::time::Duration;

use lavapool_core::protocol::GuildId;
use lavapool_core::{Output, Timing};

use self::application::Application;
use self::copies::Copies;
use self::gaps::Gaps;
use self::heirs::Heirs;
use self::news::News;
use self::oracle::Oracle;
use self::silences::Silences;
use self::spread::Standings;
use self::voices::Voices;
use crate::invariant::{Broken, Invariant};
use crate::world::{Discord, Given, Traced, World};

/// A run under way.
#[derive(Debug)]
pub struct Simulation {
    plan: Plan,
    world: World,
    names: Vec<String>,
    application: Application,
    oracle: Oracle,
    /// Faults that last, and when they are put right.
    undos: Vec<(Duration, Fault)>,
    /// Guilds in which the bot joins again, and when.
    rejoins: Vec<(Duration, GuildId)>,
    /// What Discord has said of voice.
    voices: Voices,
    /// The copies of players that are no more.
    copies: Copies,
    /// How many requests and lost players of each server were looked at.
    seen: Vec<(usize, usize)>,
    /// How far the pool's idea of a position may be from the truth, where sound does not stop
    /// without a word.
    apart: Duration,
    /// When it did.
    silences: Silences,
    /// Who is silent since when.
    gaps: Gaps,
    /// What another process of the client finds.
    heirs: Heirs,
    /// How long players wait for the session of a lost node.
    grace: Duration,
    /// How many tracks were named.
    plays: u64,
    /// How nodes stood after the last step.
    standings: Standings,
    /// What the application has to be told.
    news: News,
    tally: Tally,
    /// When secrets are looked for in all that the pool is.
    searches_at: Duration,
    broken: Option<Broken>,
    /// The lines of the trace, if they are wanted.
    lines: Option<Vec<String>>,
    /// The trace itself, if it is wanted.
    trace: Option<Vec<(Duration, Traced)>>,
}

/// What became of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was broken first.
    pub broken: Option<Broken>,
    /// What happened how often.
    pub tally: Tally,
    /// What happened, a line each, if that was asked for.
    pub lines: Vec<String>,
}

impl Simulation {
    /// Lets a plan happen.
    pub fn run(plan: Plan) -> Outcome {
        Self::run_through(plan, false)
    }

    /// Lets a plan happen, and writes down what does.
    pub fn run_traced(plan: Plan) -> Outcome {
        Self::run_through(plan, true)
    }

    /// Lets a plan happen, and returns all that went into the pool and came out of it.
    fn trace(plan: Plan) -> Vec<(Duration, Traced)> {
        let mut simulation = Self::new(plan, false, true);
        // What is broken is for others to say.
        let _ = panics::caught(|| simulation.pass());
        simulation.trace.unwrap_or_default()
    }

    fn run_through(plan: Plan, is_traced: bool) -> Outcome {
        let mut simulation = Self::new(plan, is_traced, false);
        let panic = panics::caught(|| simulation.pass());
        simulation.broken = simulation.broken.or(panic);
        simulation.tally.runs = 1;
        simulation.tally.time = simulation.world.now();
        Outcome {
            broken: simulation.broken,
            tally: simulation.tally,
            lines: simulation.lines.unwrap_or_default(),
        }
    }

    fn new(plan: Plan, is_traced: bool, is_kept: bool) -> Self {
        let options = &plan.options;
        let names = HOSTS[..options.hosts].iter();
        let names: Vec<_> = names.map(|name| (*name).to_owned()).collect();
        let mut builder = World::builder().seed(plan.seed);
        if let Some(cuts) = options.cuts {
            builder = builder.cuts(cuts);
        }
        for (host, name) in names.iter().enumerate() {
            builder = builder.node(name, |config| {
                config.latency = options.latency;
                config.password = password(host);
                config.server.password = password(host);
                config.server.races = options.has_races;
                let regions = ["us", "eu", "asia", "southamerica", "us-west"];
                config.region = options.has_regions.then(|| regions[host].to_owned());
            });
        }
        let mut world = builder
            .weather(options.weather.clone())
            .config(|config| options.configure(config))
            .build();
        world.set_discord(Discord::Answers);
        let oracle = Oracle::new(&names, options.weather.timer_lag_max, options.retries);
        let application = Application::new(&plan);
        let (seen, apart) = (vec![(0, 0); names.len()], plan.clocks_apart());
        // The first dials happened before anybody watched.
        let began = world.take_trace();
        world.watch();
        let mut simulation = Self {
            plan,
            world,
            names,
            application,
            oracle,
            undos: Vec::new(),
            rejoins: Vec::new(),
            voices: Voices::default(),
            copies: Copies::default(),
            seen,
            apart,
            silences: Silences::default(),
            gaps: Gaps::default(),
            heirs: Heirs::default(),
            grace: Timing::default().resume_grace,
            plays: 0,
            standings: Standings::default(),
            news: News::default(),
            tally: Tally::default(),
            searches_at: Duration::ZERO,
            broken: None,
            lines: is_traced.then(Vec::new),
            trace: is_kept.then(Vec::new),
        };
        simulation.name_nodes();
        for (at, traced) in began {
            simulation.observe(at, &traced);
            if let Some(trace) = &mut simulation.trace {
                trace.push((at, traced));
            }
        }
        simulation
    }

    fn pass(&mut self) {
        self.be_unsafe();
        if self.broken.is_none() {
            self.be_healed();
        }
        if self.broken.is_none() {
            self.converge();
        }
    }

    /// The safety phase: whatever happens, what must never be is not.
    fn be_unsafe(&mut self) {
        let faults = std::mem::take(&mut self.plan.faults);
        let orders = std::mem::take(&mut self.plan.orders);
        let (mut faults, mut orders) = (faults.iter().peekable(), orders.iter().peekable());
        loop {
            let fault_at = faults.peek().map(|(at, _)| *at);
            let order_at = orders.peek().map(|(at, _)| *at);
            let Some(at) = fault_at.into_iter().chain(order_at).min() else {
                break;
            };
            self.run_to(at);
            if self.broken.is_some() {
                return;
            }
            if fault_at == Some(at) {
                let (_, fault) = faults.next().expect("it was looked at");
                self.line(|| format!("FAULT {fault:?}"));
                self.inflict(*fault);
            } else {
                let (_, order) = orders.next().expect("it was looked at");
                self.line(|| format!("ORDER {order:?}"));
                self.obey(*order);
            }
            self.look();
            self.judge_best();
            self.judge_waiting();
        }
        let end = self.plan.options.safety_for;
        self.run_to(end);
    }

    /// The liveness phase: within a bound, all is as the application wants it.
    fn converge(&mut self) {
        let (late, by) = (
            self.world.now() + LATE_FOR,
            self.world.now() + CONVERGES_WITHIN,
        );
        loop {
            self.run_to(self.world.now() + Duration::from_secs(2));
            if self.broken.is_some() {
                return;
            }
            for host in 0..self.names.len() {
                // One that was being removed can be added only now, and one that was given up
                // meanwhile is dialled again.
                if self.plan.options.healed[host] && self.is_away(host) {
                    self.bring_back(host);
                }
            }
            let unsettled = self.unsettled();
            match unsettled {
                // It stays so for a while, and nothing is owed to anybody.
                None if self.application.open.is_empty() && self.world.now() >= late => break,
                None => {}
                Some(broken) if self.world.now() >= by => {
                    self.broken = Some(broken);
                    return;
                }
                Some(_) => {}
            }
        }
        self.run_to(self.world.now() + Duration::from_secs(8));
        if self.broken.is_none() {
            self.broken = self.unsettled();
            (self.tally.parts_judged, self.tally.parts) = self.parts_judged();
            self.tally.places_judged = self.places_judged();
        }
    }

    /// Lets time pass, with all that is due meanwhile.
    fn run_to(&mut self, end: Duration) {
        loop {
            let undo_at = self.undos.iter().map(|(at, _)| *at).min();
            let rejoin_at = self.rejoins.iter().map(|(at, _)| *at).min();
            let due = undo_at.into_iter().chain(rejoin_at).min();
            let next = due.map_or(end, |at| at.min(end)).max(self.world.now());
            while self.world.step(next) {
                self.look();
                if self.broken.is_some() {
                    return;
                }
            }
            self.look();
            if self.broken.is_some() {
                return;
            }
            if self.application.is_closing() {
                self.follow_closing();
            }
            if due.is_none_or(|at| at > end) {
                break;
            }
            self.do_due();
        }
        self.world.judge();
        self.judge_secrets();
        self.look();
    }

    /// Puts right what is due, and joins where it is time.
    fn do_due(&mut self) {
        let now = self.world.now();
        let due = self.undos.iter().position(|(at, _)| *at <= now);
        if let Some(due) = due {
            let (_, fault) = self.undos.remove(due);
            self.line(|| format!("UNDO {fault:?}"));
            self.undo(fault);
        }
        let due = self.rejoins.iter().position(|(at, _)| *at <= now);
        if let Some(due) = due {
            let (_, guild) = self.rejoins.remove(due);
            self.join(guild, guild.get());
        }
    }

    /// Looks at all that has happened since the last time.
    fn look(&mut self) {
        for (at, traced) in self.world.take_trace() {
            self.observe(at, &traced);
            if let Some(trace) = &mut self.trace {
                trace.push((at, traced));
            }
        }
        self.judge_owed();
        self.judge_choices();
        self.judge_audio();
        self.judge_leavings();
        self.judge_gaps();
        if self.broken.is_none() {
            self.broken = self.world.broken().cloned();
        }
        if self.broken.is_none() {
            self.broken.clone_from(&self.oracle.broken);
        }
    }

    fn observe(&mut self, at: Duration, traced: &Traced) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>12.6} {traced}", at.as_secs_f64()));
        }
        if let Traced::Given(Given::Flipped(socket)) = traced {
            self.doubt_bits(*socket, at);
        }
        self.note_resumed(at, traced);
        self.oracle.see(at, traced);
        self.note_places();
        self.note_found(at, traced);
        self.judge_told(at, traced);
        self.judge_news(at, traced);
        self.note_named(traced);
        match traced {
            Traced::Given(Given::Submitted(command, Some(_))) => self.note_voice(command),
            Traced::Output(Output::Answer(id, answer)) => self.hear_answer(*id, answer),
            Traced::Event(event) => self.hear(event),
            Traced::Given(_) | Traced::Output(_) | Traced::Wrote(..) => {}
        }
    }

    fn line(&mut self, line: impl FnOnce() -> String) {
        let now = self.world.now().as_secs_f64();
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{now:>12.6} {}", line()));
        }
    }

    fn fail(&mut self, invariant: Invariant, detail: impl FnOnce() -> String) {
        if self.broken.is_none() {
            let detail = detail();
            self.broken = Some(Broken { invariant, detail });
        }
    }

    fn name(&self, host: usize) -> String {
        self.names[host].clone()
    }
}

/// What servers are called.
const HOSTS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The password of a server.
fn password(host: usize) -> String {
    format!("password-of-{host}")
}

/// A server that was slow does the last thing that it was asked up to 25 s after all is well, and
/// within 45 s the pool has looked what became of it.
const LATE_FOR: Duration = Duration::from_secs(70);
/// Sessions that nobody resumes live for 60 s, and players that their voice was lost for as long.
const CONVERGES_WITHIN: Duration = Duration::from_secs(240);

#[cfg(test)]
mod tests;
