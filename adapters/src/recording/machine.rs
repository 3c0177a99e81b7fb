//! [`Machine`]: the pool, and the recorder that hears what it is told.

use std::collections::BTreeSet;
use std::ops::Deref;

use lavapool_core::recording::{Bytes, Line};
use lavapool_core::{
    Command, CommandId, Event, Input, Kinds, Output, Pool, SocketId, SubmitError, Timestamp,
};

use super::writer::{Message, Recorder};

/// The pool as the driver has it: each call is recorded before it is made, if there is a
/// recording.
#[derive(Debug)]
pub(crate) struct Machine {
    pool: Pool,
    recorder: Option<Recorder>,
    /// The sockets that had something to send, while there is a recording.
    writing: BTreeSet<SocketId>,
}

impl Machine {
    pub(crate) const fn new(pool: Pool, recorder: Option<Recorder>) -> Self {
        Self {
            pool,
            recorder,
            writing: BTreeSet::new(),
        }
    }

    /// For what only pops and is not recorded: the views that changed.
    pub(crate) const fn views(&mut self) -> &mut Pool {
        &mut self.pool
    }

    pub(crate) fn handle(&mut self, input: Input<'_>, now: Timestamp) {
        if let Some(recorder) = &self.recorder {
            recorder.send(|| Message::Line(self.line_of(input, now)));
        }
        self.pool.handle(input, now);
    }

    pub(crate) fn submit(
        &mut self,
        command: Command,
        by: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<CommandId, SubmitError> {
        if let Some(recorder) = &self.recorder {
            recorder.send(|| {
                let command = Box::new(command.clone());
                Message::Line(Line::Submit {
                    at: now,
                    by,
                    command,
                })
            });
        }
        let submitted = match by {
            Some(by) => self.pool.submit_by(command, by, now),
            None => self.pool.submit(command, now),
        };
        if let Some(recorder) = &self.recorder {
            recorder.send(|| Message::Submitted(submitted.clone()));
        }
        submitted
    }

    pub(crate) fn cancel(&mut self, command: CommandId, now: Timestamp) {
        if let Some(recorder) = &self.recorder {
            recorder.send(|| Message::Line(Line::Cancel { at: now, command }));
        }
        self.pool.cancel(command, now);
    }

    pub(crate) fn listen(&mut self, kinds: Kinds) {
        if let Some(recorder) = &self.recorder {
            recorder.send(|| Message::Line(Line::Listen { kinds }));
        }
        self.pool.listen(kinds);
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        let output = self.pool.poll_output()?;
        if let Some(recorder) = &self.recorder {
            recorder.send(|| Message::Output(output.clone()));
            match &output {
                Output::Write(socket) => self.writing.insert(*socket),
                Output::Close(socket) => self.writing.remove(socket),
                _ => false,
            };
        }
        Some(output)
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        let event = self.pool.poll_event()?;
        if let Some(recorder) = &self.recorder {
            recorder.send(|| Message::Event(event.clone()));
        }
        Some(event)
    }

    fn line_of(&self, input: Input<'_>, at: Timestamp) -> Line {
        match input {
            Input::Timeout => Line::Timeout { at },
            Input::Connected(socket) => Line::Connected { at, socket },
            Input::Received(socket, bytes) => {
                let bytes = Bytes(bytes.to_vec());
                Line::Received { at, socket, bytes }
            }
            Input::Wrote(socket, count) => {
                let bytes = self.pool.outgoing(socket);
                let bytes = Bytes(bytes.get(..count).unwrap_or(bytes).to_vec());
                Line::Wrote { at, socket, bytes }
            }
            Input::Closed(socket, why) => Line::Closed { at, socket, why },
        }
    }
}

impl Drop for Machine {
    /// What the pool still wanted belongs to what it did: a replay compares all of it.
    fn drop(&mut self) {
        if self.recorder.is_none() || std::thread::panicking() {
            return;
        }
        while self.poll_output().is_some() {}
        while self.poll_event().is_some() {}
        let Some(recorder) = &self.recorder else {
            return;
        };
        for socket in std::mem::take(&mut self.writing) {
            let bytes = self.pool.outgoing(socket);
            if !bytes.is_empty() {
                let bytes = Bytes(bytes.to_vec());
                recorder.send(|| Message::Line(Line::Unsent { socket, bytes }));
            }
        }
    }
}

impl Deref for Machine {
    type Target = Pool;

    fn deref(&self) -> &Pool {
        &self.pool
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use lavapool_core::node::NodeConfig;

    use super::super::tests::{finished, header, kept};
    use super::*;

    #[test]
    fn what_was_not_sent_when_the_client_ended_is_recorded() {
        let (recorder, read) = kept();
        let recording = recorder.handle();
        let mut header = header();
        let node = NodeConfig::new("a", "localhost", "youshallnotpass");
        header.config.nodes.push(node.unwrap());
        recorder.header(header.clone());
        let pool = Pool::new(header.config, header.seed, header.now).unwrap();
        let mut machine = Machine::new(pool, Some(recorder));
        let Some(Output::Connect(socket, _)) = machine.poll_output() else {
            panic!("a node is dialled");
        };
        machine.handle(Input::Connected(socket), Timestamp::ZERO);
        drop(machine);

        finished(&recording);

        let text = read();
        let lines: Vec<Line> = text
            .lines()
            .skip(1)
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let [.., Line::Event(_), Line::Unsent { bytes, .. }, Line::End(_)] = &lines[..] else {
            panic!("{text}");
        };
        assert!(
            bytes.0.starts_with(b"GET /v4/websocket HTTP/1.1\r\n"),
            "{text}"
        );
        assert!(!text.contains("youshallnotpass"), "{text}");
    }
}
