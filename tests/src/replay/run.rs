//! What a replay does.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use lavapool_core::recording::{Bytes, CLOSED, Line, Trace};
use lavapool_core::{Input, Output, Pool, Score, SocketId, Strategy, Timestamp};

use super::{Cut, Difference, Happening, Outcome, Replay, ReplayError};

/// What a custom strategy said, to be said again in the same order.
type Scores = Arc<Mutex<VecDeque<Option<Score>>>>;

/// A pool that is told what another one was told.
struct Run {
    pool: Pool,
    scores: Scores,
    now: Timestamp,
    cut: Cut,
    /// What the pool gave out, and the recorded one was not yet seen to.
    outputs: VecDeque<Output>,
    submitted: Trace,
    /// The sockets that were connected, and of which it was not yet seen what was left unsent.
    sockets: BTreeSet<SocketId>,
    outcome: Outcome,
}

impl Replay {
    /// Tells a new pool the same.
    ///
    /// # Errors
    /// [`ReplayError::Config`] if the pool refuses the configuration.
    pub fn run(&self, cut: Cut) -> Result<Outcome, ReplayError> {
        let header = self.header.clone();
        let scores = Scores::default();
        let mut config = header.config;
        if matches!(config.strategy, Strategy::Custom(_)) {
            let said = scores.clone();
            config.strategy = Strategy::custom(move |_, _| lock(&said).pop_front().flatten());
        }
        let mut run = Run {
            pool: Pool::new(config, header.seed, header.now)?,
            scores,
            now: header.now,
            cut,
            outputs: VecDeque::new(),
            submitted: Trace::of(""),
            sockets: BTreeSet::new(),
            outcome: Outcome::default(),
        };
        run.collect();
        for (number, line) in self.lines.iter().enumerate() {
            if is_call(line) {
                // Those that nobody asked for during the call before are not of this one.
                let scores = self.scores_after(number).collect();
                *lock(&run.scores) = scores;
            }
            // The first line of the file is the header.
            let line = run.step(number + 2, line);
            run.outcome.lines.push(line);
        }
        Ok(run.outcome)
    }

    /// What a custom strategy said during the call of this line.
    fn scores_after(&self, number: usize) -> impl Iterator<Item = Option<Score>> {
        let after = self.lines.iter().skip(number + 1);
        after.map_while(|line| match line {
            Line::Score(bits) => Some(bits.and_then(|bits| Score::new(f64::from_bits(bits)))),
            _ => None,
        })
    }
}

impl Run {
    /// Does what one line says; returns the line as it is in this replay.
    fn step(&mut self, number: usize, line: &Line) -> Line {
        match line {
            Line::Timeout { at } => self.handle(Input::Timeout, *at),
            Line::Connected { at, socket } => {
                self.sockets.insert(*socket);
                self.handle(Input::Connected(*socket), *at);
            }
            Line::Received { at, socket, bytes } => self.receive(*socket, &bytes.0, *at),
            Line::Wrote { at, socket, bytes } => {
                return self.wrote(number, *socket, &bytes.0, *at);
            }
            Line::Closed { at, socket, why } => self.handle(Input::Closed(*socket, *why), *at),
            Line::Submit { at, by, command } => {
                self.now = *at;
                let command = (**command).clone();
                let submitted = match by {
                    Some(by) => self.pool.submit_by(command, *by, *at),
                    None => self.pool.submit(command, *at),
                };
                self.submitted = trace(&submitted);
                self.collect();
            }
            Line::Submitted(recorded) => {
                let replayed = self.submitted.clone();
                self.compare(number, recorded, &replayed);
                return Line::Submitted(replayed);
            }
            Line::Cancel { at, command } => {
                self.now = *at;
                self.pool.cancel(*command, *at);
                self.collect();
            }
            Line::Listen { kinds } => self.pool.listen(*kinds),
            Line::Output(recorded) => {
                let output = self.outputs.pop_front();
                let replayed = output.as_ref().map_or_else(nothing, trace);
                self.compare(number, recorded, &replayed);
                return Line::Output(replayed);
            }
            Line::Event(recorded) => {
                let event = self.pool.poll_event();
                let replayed = event.as_ref().map_or_else(nothing, trace);
                if let Some(event) = event {
                    self.happened(format!("{event:?}"));
                }
                self.compare(number, recorded, &replayed);
                return Line::Event(replayed);
            }
            Line::Unsent { socket, bytes } => return self.unsent(number, *socket, &bytes.0),
            // One that ends for another reason ends anywhere.
            Line::End(why) if why == CLOSED => self.end(number),
            Line::Score(_) | Line::End(_) => {}
            // The lines may grow; this replay knows all of this version.
            _ => self.differs(
                number,
                format!("{line:?}"),
                "a line that is not known".to_owned(),
            ),
        }
        line.clone()
    }

    fn handle(&mut self, input: Input<'_>, at: Timestamp) {
        self.now = at;
        self.pool.handle(input, at);
        self.collect();
    }

    fn receive(&mut self, socket: SocketId, bytes: &[u8], at: Timestamp) {
        let most = match self.cut {
            Cut::AsRecorded => bytes.len(),
            Cut::Each(most) => most,
        };
        for piece in bytes.chunks(most.max(1)) {
            self.handle(Input::Received(socket, piece), at);
        }
    }

    fn wrote(&mut self, number: usize, socket: SocketId, recorded: &[u8], at: Timestamp) -> Line {
        let outgoing = self.pool.outgoing(socket);
        let replayed = outgoing.get(..recorded.len()).unwrap_or(outgoing).to_vec();
        self.compare_bytes(number, socket, recorded, &replayed);
        if !replayed.is_empty() {
            self.handle(Input::Wrote(socket, replayed.len()), at);
        }
        let bytes = Bytes(replayed);
        Line::Wrote { at, socket, bytes }
    }

    /// What nobody takes any more.
    fn unsent(&mut self, number: usize, socket: SocketId, recorded: &[u8]) -> Line {
        self.sockets.remove(&socket);
        let replayed = self.pool.outgoing(socket).to_vec();
        self.compare_bytes(number, socket, recorded, &replayed);
        let bytes = Bytes(replayed);
        Line::Unsent { socket, bytes }
    }

    /// Nothing more was recorded: whatever there is now is different, and is accepted as a line
    /// before the end.
    fn end(&mut self, number: usize) {
        while let Some(output) = self.outputs.pop_front() {
            let output = trace(&output);
            self.differs(number, nothing().to_string(), output.to_string());
            self.outcome.lines.push(Line::Output(output));
        }
        while let Some(event) = self.pool.poll_event() {
            self.happened(format!("{event:?}"));
            let event = trace(&event);
            self.differs(number, nothing().to_string(), event.to_string());
            self.outcome.lines.push(Line::Event(event));
        }
        for socket in std::mem::take(&mut self.sockets) {
            if !self.pool.outgoing(socket).is_empty() {
                let line = self.unsent(number, socket, &[]);
                self.outcome.lines.push(line);
            }
        }
    }

    /// Takes what the pool gives out.
    fn collect(&mut self) {
        while self.pool.poll_changed().is_some() {}
        while let Some(output) = self.pool.poll_output() {
            if let Output::Answer(command, answer) = &output {
                self.happened(format!("{command:?}: {answer:?}"));
            }
            self.outputs.push_back(output);
        }
    }

    fn happened(&mut self, text: String) {
        let at = self.now;
        self.outcome.happenings.push(Happening { at, text });
    }

    fn compare(&mut self, line: usize, recorded: &Trace, replayed: &Trace) {
        if recorded != replayed {
            self.differs(line, recorded.to_string(), replayed.to_string());
        }
    }

    fn compare_bytes(&mut self, line: usize, socket: SocketId, recorded: &[u8], replayed: &[u8]) {
        if recorded == replayed {
            return;
        }
        let both = recorded.iter().zip(replayed);
        let same = both.take_while(|(a, b)| a == b).count();
        let show = |bytes: &[u8]| {
            let from = same.saturating_sub(SHOWN_BEFORE);
            let shown = bytes.get(from..).unwrap_or_default();
            let shown = shown.get(..SHOWN_BYTES).unwrap_or(shown);
            let (count, shown) = (bytes.len(), shown.escape_ascii());
            format!("{socket:?} sends {count} bytes, from {from}: {shown}")
        };
        self.differs(line, show(recorded), show(replayed));
    }

    fn differs(&mut self, line: usize, recorded: String, replayed: String) {
        self.outcome.differences.push(Difference {
            line,
            recorded,
            replayed,
        });
    }
}

/// Whether the pool is told something: then the scores that follow were asked for by it.
const fn is_call(line: &Line) -> bool {
    !matches!(
        line,
        Line::Submitted(_)
            | Line::Score(_)
            | Line::Output(_)
            | Line::Event(_)
            | Line::Unsent { .. }
            | Line::End(_)
    )
}

fn trace(value: &impl Debug) -> Trace {
    Trace::of(&format!("{value:?}"))
}

fn nothing() -> Trace {
    Trace::of("nothing")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How much of bytes that differ is shown, and how much before the first that does.
const SHOWN_BYTES: usize = 160;
const SHOWN_BEFORE: usize = 40;
