//! What the examples share: nodes, the music that is played there, and writing to a terminal.

mod music;
mod nodes;

pub use music::{Music, REGIONS, bot};
pub use nodes::{Nodes, is_misplaced};

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Writes lines for a person: in colour on a terminal, plain anywhere else.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    colour: bool,
}

impl Terminal {
    /// Standard output; in colour if a person looks at it and `NO_COLOR` is not set.
    pub fn stdout() -> Self {
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            colour: std::io::stdout().is_terminal() && !is_plain,
        }
    }

    /// The headline of a step.
    pub fn step(self, text: impl Display) {
        println!("\n{}", self.paint("1;36", text));
    }

    /// A line of detail.
    pub fn line(self, text: impl Display) {
        println!("  {text}");
    }

    /// Something that went as it should.
    pub fn good(self, text: impl Display) {
        println!("  {}", self.paint("32", text));
    }

    /// Something that did not.
    pub fn bad(self, text: impl Display) {
        println!("  {}", self.paint("31", text));
    }

    /// What is being waited for, on a line of its own that the next one replaces. Nothing where
    /// nobody watches.
    pub fn progress(self, text: impl Display) {
        if self.colour {
            print!("\r\x1b[2K  \x1b[2m{text}\x1b[0m");
            // What cannot be shown now is shown with the next line.
            let _ = std::io::stdout().flush();
        }
    }

    /// Takes the progress away again.
    pub fn progress_over(self) {
        if self.colour {
            print!("\r\x1b[2K");
        }
    }

    /// The report of the nodes, its tags in colour.
    pub fn report(self, report: &impl Display) {
        let text = report.to_string();
        for line in text.lines() {
            let tagged = [
                ("[CONNECTED]", "32"),
                ("[FAILED]", "31"),
                ("[Lavalink]", "33"),
            ];
            let painted = tagged.into_iter().find_map(|(tag, code)| {
                let rest = line.strip_prefix(tag)?;
                Some(format!("{}{rest}", self.paint(code, tag)))
            });
            println!("{}", painted.as_deref().unwrap_or(line));
        }
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

/// The last line of an example, which fails if somebody was lost.
pub fn conclude(gaps: &[Duration], lost: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (moved, longest) = (gaps.len(), gaps.iter().max().copied());
    let gap_ms = longest.unwrap_or_default().as_millis();
    println!("\nfailover: {moved} players moved, {lost} lost, longest gap {gap_ms} ms");
    match lost {
        0 => Ok(()),
        _ => Err(format!("{lost} players were lost").into()),
    }
}
