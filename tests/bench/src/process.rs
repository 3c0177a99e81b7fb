//! [`Server`] and [`client`]: the processes that a bench starts.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde::de::DeserializeOwned;

use crate::clients::{Outcome, Who};

/// Nodes in a process of their own, which ends with this.
pub(crate) struct Server {
    pub(crate) ports: Vec<u16>,
    process: Child,
}

impl Server {
    pub(crate) fn start(nodes: usize) -> Outcome<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve", "--nodes", &nodes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ports: Result<_, _> = line.split_whitespace().map(str::parse).collect();
        Ok(Self {
            ports: ports?,
            process,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs one client to its end and returns what it measured.
pub(crate) fn client<T: DeserializeOwned>(
    who: Who,
    ports: &[u16],
    counted: bool,
    job: &[String],
) -> Outcome<T> {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    let name = clap::ValueEnum::to_possible_value(&who).ok_or("nobody of that name")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["client", name.get_name(), "--ports", &ports.join(",")]);
    if counted {
        command.arg("--counted");
    }
    let output = command.args(job).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{} failed at {}", name.get_name(), job.join(" ")).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(serde_json::from_str(text.trim())?)
}
