//! [`Queues`]: the queues of all guilds of a client.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lavapool_core::Event;
use lavapool_core::protocol::{GuildId, Track};
use lavapool_core::queue::{Queue, QueueLimits};

use crate::builder::drawn_seed;
use crate::client::Client;
use crate::lock::lock;
use crate::playing::Playing;
use crate::queue::QueuedPlayer;

/// The queues of all guilds of a client, for a bot that hands every event to one place.
///
/// It is a handle, cheap to clone, and keeps the client open. It holds one [`QueuedPlayer`] for
/// each guild that was asked for, until that is [removed](Self::remove).
///
/// ```no_run
/// # async fn run(client: lavapool::Client) {
/// use lavapool::{QueueLimits, Queues};
///
/// let queues = Queues::new(&client, QueueLimits::default());
/// let mut events = client.events();
/// while let Some(event) = events.next().await {
///     tokio::spawn(queues.handle(&event));
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Queues {
    client: Client,
    limits: QueueLimits,
    queues: Arc<Mutex<BTreeMap<GuildId, QueuedPlayer>>>,
}

impl Queues {
    /// No queues yet; each that is made has these limits.
    pub fn new(client: &Client, limits: QueueLimits) -> Self {
        Self {
            client: client.clone(),
            limits,
            queues: Arc::default(),
        }
    }

    /// The queue of a guild. If there is none, it is made, with a seed drawn from the system.
    pub fn of(&self, guild: GuildId) -> QueuedPlayer {
        let mut queues = lock(&self.queues);
        let queue = queues.entry(guild).or_insert_with(|| {
            let queue = Queue::with_limits(drawn_seed(), self.limits);
            QueuedPlayer::new(self.client.player(guild), queue)
        });
        queue.clone()
    }

    /// The queue of a guild, if there is one.
    pub fn find(&self, guild: GuildId) -> Option<QueuedPlayer> {
        lock(&self.queues).get(&guild).cloned()
    }

    /// Takes a queue, such as a restored one, in place of its guild's own. Returns that.
    pub fn insert(&self, queue: QueuedPlayer) -> Option<QueuedPlayer> {
        lock(&self.queues).insert(queue.guild(), queue)
    }

    /// Forgets the queue of a guild, and returns it. Its player is not touched.
    pub fn remove(&self, guild: GuildId) -> Option<QueuedPlayer> {
        lock(&self.queues).remove(&guild)
    }

    /// Hands an event to the queue that it concerns, see [`QueuedPlayer::handle`]. After
    /// [`Event::Lagged`] all queues look whether their track has ended; of their errors the first
    /// is returned.
    pub fn handle(&self, event: &Event) -> Playing<Option<Arc<Track>>> {
        if let Some(guild) = event.guild() {
            let queue = self.find(guild);
            return queue.map_or_else(Playing::nothing, |queue| queue.handle(event));
        }
        if !matches!(event, Event::Lagged { .. }) {
            return Playing::nothing();
        }
        let queues: Vec<_> = lock(&self.queues).values().cloned().collect();
        let all: Vec<_> = queues.iter().map(|queue| queue.handle(event)).collect();
        Playing::new(async move {
            let mut first = Ok(None);
            for playing in all {
                first = first.and(playing.await);
            }
            first.map(|_| None)
        })
    }
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queues").finish_non_exhaustive()
    }
}
