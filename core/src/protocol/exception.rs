//! Why a track could not be loaded or played: [`Exception`].

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;

/// An error of the server's player, in a track's event or as the result of a load.
///
/// `cause` is the root cause in events but the outermost one in load results, and
/// `cause_stack_trace` is absent before Lavalink 4.1 and on NodeLink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Exception {
    /// What happened, for people.
    #[serde(default)]
    pub message: Option<String>,
    /// Whose fault it is.
    #[serde(default = "no_severity")]
    pub severity: Severity,
    /// The class and message of the Java exception.
    #[serde(default)]
    pub cause: Option<String>,
    /// The Java stack trace, often 10 KB long.
    #[serde(default)]
    pub cause_stack_trace: Option<String>,
}

open_enum! {
    /// Whose fault an [`Exception`] is.
    pub enum Severity {
        /// The track's: it is blocked, gone or the like.
        Common = "common",
        /// Not known, and not certainly the server's.
        Suspicious = "suspicious",
        /// The server's.
        Fault = "fault",
    }
}

fn no_severity() -> Severity {
    Severity::from("")
}
