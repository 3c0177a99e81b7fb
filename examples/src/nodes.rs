//! [`Nodes`]: three Lavalinks in a process of their own, as real ones are.

use std::env::consts::EXE_SUFFIX;
use std::io::{self, BufRead, BufReader, Write};
use std::ops::RangeInclusive;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use lavapool_core::protocol::GuildId;

use crate::Music;

/// How far a player may be from its place.
const OFF_MAX: Duration = Duration::from_millis(500);

/// The program `nodes`, which runs for as long as this lives.
#[derive(Debug)]
pub struct Nodes {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    uris: Vec<(String, String)>,
}

impl Nodes {
    /// Starts the nodes, and waits until they can be reached.
    pub fn start() -> io::Result<Self> {
        let mut process = program()?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (orders, answers) = (process.stdin.take(), process.stdout.take());
        let (Some(orders), Some(answers)) = (orders, answers) else {
            return Err(io::Error::other("there is no pipe to the nodes"));
        };
        let mut nodes = Self {
            process,
            orders,
            answers: BufReader::new(answers),
            uris: Vec::new(),
        };
        // A line for each node, up to an empty one.
        loop {
            let line = nodes.answer()?;
            match line.split_once(' ') {
                Some((name, uri)) => nodes.uris.push((name.to_owned(), uri.to_owned())),
                None => return Ok(nodes),
            }
        }
    }

    /// The names and URIs of the nodes, whose password is `youshallnotpass`.
    pub fn uris(&self) -> impl Iterator<Item = (&str, &str)> {
        self.uris.iter().map(|(name, uri)| (&**name, &**uri))
    }

    /// Kills a node: its connections are reset, its players lost.
    pub fn kill(&mut self, name: &str) -> io::Result<()> {
        self.order(&format!("kill {name}")).map(drop)
    }

    /// Starts a killed node again.
    pub fn restart(&mut self, name: &str) -> io::Result<()> {
        self.order(&format!("restart {name}")).map(drop)
    }

    /// Asks the nodes themselves what they play, prints what is not as it should be, and returns in
    /// how many guilds. `believed` is on which node a guild's player is thought to be, and where in
    /// its track, whenever asked.
    pub fn lost(
        &mut self,
        music: &[Music],
        believed: impl Fn(GuildId) -> Option<(String, Duration)>,
    ) -> io::Result<usize> {
        let mut lost = 0;
        for music in music {
            if let Some(fault) = self.fault(music.number, || believed(music.guild))? {
                println!("  {}: {fault}", music.guild);
                lost += 1;
            }
        }
        Ok(lost)
    }

    fn fault(
        &mut self,
        number: u32,
        believed: impl Fn() -> Option<(String, Duration)>,
    ) -> io::Result<Option<String>> {
        let Some((node, before)) = believed() else {
            return Ok(Some("it has no node".to_owned()));
        };
        let answer = self.order(&format!("judge {number} {node}"))?;
        let after = believed().map_or(before, |(_, place)| place);
        let (place, fault) = answer.split_once(' ').unwrap_or((&answer, ""));
        let place = place.parse().map_err(|_| io::Error::other(&*answer))?;
        let place = Duration::from_millis(place);
        let is_misplaced = is_misplaced(place, &(before..=after));
        Ok(match fault {
            "" => is_misplaced.then(|| format!("at {place:?} of its track instead of {after:?}")),
            fault => Some(fault.to_owned()),
        })
    }

    fn order(&mut self, order: &str) -> io::Result<String> {
        writeln!(self.orders, "{order}")?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err(io::Error::other("the nodes have ended")),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether a player is away from where it was supposed to be before and after it was looked at.
pub fn is_misplaced(place: Duration, supposed: &RangeInclusive<Duration>) -> bool {
    let (before, after) = (supposed.start(), supposed.end());
    before
        .saturating_sub(place)
        .max(place.saturating_sub(*after))
        > OFF_MAX
}

/// Under `cargo run`, cargo builds and runs the nodes; else they lie where this program does.
fn program() -> io::Result<Command> {
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut command = Command::new(cargo);
        command.args(["run", "--quiet", "--example", "nodes"]);
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        // What cargo tells this program of its package is not for the build of the other: build
        // scripts look at it, and all that they belong to would be built again.
        for (name, _) in std::env::vars_os() {
            let told = name.to_str().unwrap_or_default();
            if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
                command.env_remove(name);
            }
        }
        return Ok(command);
    }
    let own = std::env::current_exe()?;
    Ok(Command::new(
        own.with_file_name(format!("nodes{EXE_SUFFIX}")),
    ))
}
