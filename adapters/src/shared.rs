//! [`Shared`]: what handles and the driver have in common, and [`Handle`], which keeps the client
//! open.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use lavapool_core::protocol::UserId;
use lavapool_core::region::RegionMap;
use lavapool_core::{Command, Strategy};

use crate::error::Error;
use crate::events::Subscribers;
use crate::gateway::GatewaySender;
use crate::inbox::{Inbox, Submission};
use crate::pending::{Pending, Read, Reply};
use crate::recording::Recording;
use crate::runtime::Clock;
use crate::transport::Transports;
use crate::views::Views;

/// What handles and the driver have in common.
pub(crate) struct Shared {
    pub(crate) user_id: UserId,
    pub(crate) events_max: usize,
    pub(crate) strategy: Strategy,
    pub(crate) regions: RegionMap,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) inbox: Inbox,
    /// What the pool wants sent on Discord's gateway goes there, if anywhere.
    pub(crate) gateway: Option<GatewaySender>,
    pub(crate) views: Views,
    pub(crate) transports: Transports,
    pub(crate) subscribers: Arc<Subscribers>,
    pub(crate) recording: Option<Recording>,
}

/// What every handle holds; the last one to go closes the client.
pub(crate) struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { shared })
    }

    /// Queues a command.
    pub(crate) fn submit<T>(
        self: &Arc<Self>,
        command: Command,
        within: Option<Duration>,
        read: Read<T>,
    ) -> Pending<T> {
        self.queue(command, within, false, read)
    }

    /// Queues a command that is answered as soon as it is accepted.
    pub(crate) fn submit_detached<T>(
        self: &Arc<Self>,
        command: Command,
        read: Read<T>,
    ) -> Pending<T> {
        self.queue(command, None, true, read)
    }

    fn queue<T>(
        self: &Arc<Self>,
        command: Command,
        within: Option<Duration>,
        detached: bool,
        read: Read<T>,
    ) -> Pending<T> {
        let reply = Arc::new(Reply::default());
        self.inbox.submit(Submission {
            command,
            deadline: within.map(|within| self.clock.now() + within),
            detached,
            reply: reply.clone(),
        });
        Pending::new(reply, self.clone(), read)
    }

    /// A command that is refused without asking the driver.
    pub(crate) fn refuse<T>(self: &Arc<Self>, error: Error, read: Read<T>) -> Pending<T> {
        Pending::new(Reply::failed(error), self.clone(), read)
    }
}

impl Deref for Handle {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.inbox.leave();
    }
}
