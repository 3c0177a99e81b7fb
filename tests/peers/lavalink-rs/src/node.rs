//! [`TestNode`]: the test node, in a process of its own.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep};

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

pub const WITHIN: Duration = Duration::from_secs(30);

/// A line for each order, a line for each answer.
pub struct TestNode {
    pub port: u16,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl TestNode {
    pub async fn start(program: &str) -> Outcome<Self> {
        let mut command = Command::new(program);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn()?;
        let orders = process.stdin.take().ok_or("it has no input")?;
        let answers = process.stdout.take().ok_or("it has no output")?;
        let mut node = Self {
            port: 0,
            orders,
            answers: BufReader::new(answers).lines(),
            _process: process,
        };
        node.port = node.answer().await?.parse()?;
        Ok(node)
    }

    pub async fn ask(&mut self, order: &str) -> Outcome<String> {
        self.orders
            .write_all(format!("{order}\n").as_bytes())
            .await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Outcome<String> {
        let answer = self.answers.next_line().await?;
        Ok(answer.ok_or("the node has ended")?)
    }

    /// Waits until the node gives an answer.
    pub async fn until(&mut self, order: &str, wanted: &str) -> Outcome {
        let end = Instant::now() + WITHIN;
        loop {
            let answer = self.ask(order).await?;
            if answer == wanted {
                return Ok(());
            }
            if Instant::now() > end {
                let what = format!("the node answers {answer:?} to {order:?}, and not {wanted:?}");
                return Err(what.into());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Prints what became of a step.
pub fn step(name: &str, outcome: Outcome) {
    match outcome {
        Ok(()) => println!("{name}: ok"),
        Err(error) => println!("{name}: failed: {}", error.to_string().replace('\n', " ")),
    }
}
