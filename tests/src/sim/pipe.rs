//! [`SimSocket`]: the client's end of a pipe in memory.

use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use lavapool::runtime::Socket;

use super::lock;
use super::network::{Network, PipeId};

/// The client's end of a pipe to a node. Dropping it closes it.
pub struct SimSocket {
    network: Arc<Mutex<Network>>,
    pipe: PipeId,
}

impl SimSocket {
    pub(super) const fn new(network: Arc<Mutex<Network>>, pipe: PipeId) -> Self {
        Self { network, pipe }
    }
}

impl Socket for SimSocket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        lock(&self.network).poll_read(self.pipe, cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        lock(&self.network).poll_write(self.pipe, cx, bytes)
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.network).finish(self.pipe);
        Poll::Ready(Ok(()))
    }

    fn set_quiet(&mut self, is_quiet: bool) -> io::Result<bool> {
        lock(&self.network).set_quiet(self.pipe, is_quiet);
        Ok(is_quiet)
    }
}

impl Drop for SimSocket {
    fn drop(&mut self) {
        lock(&self.network).forget(self.pipe);
    }
}

impl std::fmt::Debug for SimSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SimSocket").field(&self.pipe).finish()
    }
}
