//! What can go wrong: [`Error`] at a call, [`ConnectError`] at the start.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use lavapool_core::node::Report;
use lavapool_core::{ConfigError, RequestError, SubmitError};
use thiserror::Error;

use crate::transport::Refusal;

/// Why a call did not do what was hoped for.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// It was refused at once, and nothing was done.
    #[error(transparent)]
    Submit(SubmitError),
    /// It was tried. [`RequestError::Unconfirmed`] is still applied later, others are not; but
    /// [`RequestError::NodeFailed`] may have had its effect already, and lost only the answer.
    #[error(transparent)]
    Request(RequestError),
    /// The node is to be reached by TLS, which this build does not have (feature `tls`). It was
    /// not added.
    #[error("the node {node:?} asks for TLS, which is not available")]
    TlsUnavailable {
        /// The name of the node.
        node: Arc<str>,
    },
    /// The node is to be reached by TLS with settings that cannot work. It was not added, and its
    /// transport is what it was.
    #[cfg(feature = "rustls")]
    #[error("the node {node:?} asks for TLS, which cannot work: {error}")]
    Tls {
        /// The name of the node.
        node: Arc<str>,
        /// Why.
        error: lavapool_core::TlsError,
    },
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
}

impl Error {
    #[cfg(feature = "rustls")]
    pub(crate) const fn of_tls(node: Arc<str>, error: Refusal) -> Self {
        Self::Tls { node, error }
    }

    #[cfg(not(feature = "rustls"))]
    pub(crate) const fn of_tls(node: Arc<str>, _: Refusal) -> Self {
        Self::TlsUnavailable { node }
    }
}

impl ConnectError {
    #[cfg(feature = "rustls")]
    pub(crate) const fn of_tls(node: Arc<str>, error: Refusal) -> Self {
        Self::Tls { node, error }
    }

    #[cfg(not(feature = "rustls"))]
    pub(crate) const fn of_tls(node: Arc<str>, _: Refusal) -> Self {
        Self::TlsUnavailable { node }
    }
}

impl From<SubmitError> for Error {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Closed => Self::Closed,
            error => Self::Submit(error),
        }
    }
}

impl From<RequestError> for Error {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Closed => Self::Closed,
            error => Self::Request(error),
        }
    }
}

/// Why a client did not start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The configuration cannot work; nothing was tried.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A node is to be reached by TLS (`https`, `wss`), which this build does not have (feature
    /// `tls`); nothing was tried.
    #[error("the node {node:?} asks for TLS, which is not available")]
    TlsUnavailable {
        /// The name of the node.
        node: Arc<str>,
    },
    /// A node is to be reached by TLS with settings that cannot work; nothing was tried.
    #[cfg(feature = "rustls")]
    #[error("the node {node:?} asks for TLS, which cannot work: {error}")]
    Tls {
        /// The name of the node.
        node: Arc<str>,
        /// Why.
        error: lavapool_core::TlsError,
    },
    /// The file that [`Builder::record`](crate::Builder::record) names cannot be made; nothing was
    /// tried.
    #[error("the recording {path:?} cannot be made: {error}")]
    Recording {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::ErrorKind,
    },
    /// No node was connected within the deadline. The client is closed.
    #[error("no node is connected{}", Causes(.report))]
    NoNode {
        /// How the nodes stood at the end.
        report: Report,
    },
}

struct Causes<'a>(&'a Report);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.nodes.is_empty() {
            return f.write_str(": none is configured");
        }
        let mut separator = ":";
        for node in &self.0.nodes {
            let cause = node.cause.as_deref().unwrap_or("no answer yet");
            write!(f, "{separator} {} ({}): {cause}", node.node, node.uri)?;
            separator = ";";
        }
        Ok(())
    }
}
