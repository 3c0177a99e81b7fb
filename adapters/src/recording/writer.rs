//! [`Recorder`]: hands what the pool is told to a thread that writes it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use lavapool_core::recording::{CLOSED, Header, Line};
use lavapool_core::{CommandId, Event, Output, Score, Strategy, SubmitError};

use super::lines::Lines;
use super::mask::Masks;
use super::{Recording, RecordingFailure, RecordingState, Shared};

/// The driver's end of a recording. It never waits: what the thread has no time for is counted,
/// and when that is too much the recording stops.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    sender: Sender<Message>,
    /// How many bytes wait for the thread, about.
    waiting: Arc<AtomicUsize>,
    /// How many may.
    waiting_max: usize,
    shared: Arc<Shared>,
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Message {
    Header(Box<Header>),
    Line(Line),
    Submitted(Result<CommandId, SubmitError>),
    Score(Option<Score>),
    Output(Output),
    Event(Event),
    Stop(RecordingFailure),
}

/// The thread's end of it.
struct Writer<W: Write> {
    lines: Lines,
    out: BufWriter<W>,
    written: u64,
    waiting: Arc<AtomicUsize>,
}

/// Makes the file, which nobody but this user may read. One that is there is replaced, and not
/// followed if it is a link.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl Recorder {
    /// Begins to write, in a thread of its own.
    pub(crate) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        Self::start_within(WAITING_BYTES_MAX, out)
    }

    pub(super) fn start_within(
        waiting_max: usize,
        out: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared::new());
        let writer = Writer {
            lines: Lines::new(Masks::default()),
            out: BufWriter::with_capacity(BUFFER_BYTES, out),
            written: 0,
            waiting: waiting.clone(),
        };
        let told = shared.clone();
        let thread = std::thread::Builder::new().name("lavapool-recording".to_owned());
        thread.spawn(move || told.end(writer.run(&receiver)))?;
        Ok(Self {
            sender,
            waiting,
            waiting_max,
            shared,
        })
    }

    pub(crate) fn header(&self, header: Header) {
        self.send(|| Message::Header(Box::new(header)));
    }

    pub(crate) fn handle(&self) -> Recording {
        let shared = self.shared.clone();
        Recording { shared }
    }

    /// The same strategy; what one of the application's own says is recorded, so that a replay
    /// can say it again.
    pub(crate) fn tap(&self, strategy: Strategy) -> Strategy {
        let Strategy::Custom(score) = strategy else {
            return strategy;
        };
        let recorder = self.clone();
        Strategy::custom(move |candidate, needs| {
            let scored = score(candidate, needs);
            recorder.send(|| Message::Score(scored));
            scored
        })
    }

    pub(super) fn send(&self, message: impl FnOnce() -> Message) {
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting >= self.waiting_max {
            return;
        }
        let mut message = message();
        let weight = message.weight();
        if waiting + weight >= self.waiting_max {
            // From here on everything is dropped: what is left out once makes the rest worthless.
            message = Message::Stop(RecordingFailure::TooSlow);
            self.waiting.store(usize::MAX, Ordering::Relaxed);
        } else {
            self.waiting.fetch_add(weight, Ordering::Relaxed);
        }
        // A thread that has stopped takes nothing, and has said why.
        let _ = self.sender.send(message);
    }
}

impl Message {
    /// How much memory it takes, about.
    fn weight(&self) -> usize {
        let bytes = match self {
            Self::Line(Line::Received { bytes, .. } | Line::Wrote { bytes, .. }) => bytes.0.len(),
            _ => 0,
        };
        bytes + MESSAGE_BYTES
    }
}

impl<W: Write> Writer<W> {
    /// Writes until there is nobody who sends any more.
    fn run(mut self, receiver: &Receiver<Message>) -> RecordingState {
        match self.write_all(receiver) {
            Ok(()) => RecordingState::Complete,
            Err(failure) => {
                // Nothing is to wait for a thread that is gone.
                self.waiting.store(usize::MAX, Ordering::Relaxed);
                RecordingState::Stopped(failure)
            }
        }
    }

    fn write_all(&mut self, receiver: &Receiver<Message>) -> Result<(), RecordingFailure> {
        loop {
            let message = match receiver.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Disconnected) => return self.end(CLOSED),
                Err(TryRecvError::Empty) => {
                    self.out.flush().map_err(disk)?;
                    match receiver.recv() {
                        Ok(message) => message,
                        Err(_) => return self.end(CLOSED),
                    }
                }
            };
            self.release(message.weight());
            if let Message::Stop(failure) = message {
                self.end(&failure.to_string())?;
                return Err(failure);
            }
            self.take(message);
            if let Err(failure) = self.write() {
                if !matches!(failure, RecordingFailure::Disk(_)) {
                    self.end(&failure.to_string())?;
                }
                return Err(failure);
            }
        }
    }

    /// Makes room, unless it is all over.
    fn release(&self, weight: usize) {
        let less = |waiting: usize| (waiting != usize::MAX).then(|| waiting.saturating_sub(weight));
        let order = Ordering::Relaxed;
        // Nothing changes when it is over, and that is meant.
        let _ = self.waiting.fetch_update(order, order, less);
    }

    fn take(&mut self, message: Message) {
        let lines = &mut self.lines;
        match message {
            Message::Header(header) => lines.header(&header),
            Message::Line(line) => lines.line(line),
            Message::Submitted(submitted) => {
                let trace = lines.trace(&format!("{submitted:?}"));
                lines.plain(&Line::Submitted(trace));
            }
            Message::Score(score) => {
                let bits = score.map(|score| score.get().to_bits());
                lines.plain(&Line::Score(bits));
            }
            Message::Output(output) => lines.output(&output),
            Message::Event(event) => {
                let trace = lines.trace(&format!("{event:?}"));
                lines.plain(&Line::Event(trace));
            }
            Message::Stop(_) => {}
        }
    }

    /// Writes what is decided.
    fn write(&mut self) -> Result<(), RecordingFailure> {
        while let Some(mut line) = self.lines.pop() {
            line.push('\n');
            self.written += line.len() as u64;
            self.out.write_all(line.as_bytes()).map_err(disk)?;
        }
        let (waiting, secrets) = self.lines.kept();
        if self.written > FILE_BYTES_MAX {
            return Err(RecordingFailure::Full {
                max: FILE_BYTES_MAX,
            });
        }
        if secrets > SECRETS_MAX {
            return Err(RecordingFailure::TooManySecrets { max: SECRETS_MAX });
        }
        if waiting > LINES_MAX {
            return Err(RecordingFailure::TooSlow);
        }
        Ok(())
    }

    fn end(&mut self, why: &str) -> Result<(), RecordingFailure> {
        self.lines.finish();
        self.lines.plain(&Line::End(why.to_owned()));
        while let Some(mut line) = self.lines.pop() {
            line.push('\n');
            self.out.write_all(line.as_bytes()).map_err(disk)?;
        }
        self.out.flush().map_err(disk)
    }
}

fn disk(error: io::Error) -> RecordingFailure {
    RecordingFailure::Disk(error.kind())
}

/// What is written at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// What may wait for the thread.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What a message takes beside its bytes, about.
const MESSAGE_BYTES: usize = 512;
/// The longest file.
const FILE_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// The most secrets that are remembered.
const SECRETS_MAX: usize = 1_000_000;
/// The most lines that may wait for the end of a secret: a connection that falls silent in the
/// middle of one is closed long before.
const LINES_MAX: usize = 1_000_000;
