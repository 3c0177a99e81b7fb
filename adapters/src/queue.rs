//! [`QueuedPlayer`]: a player whose tracks follow each other.

mod judge;
mod own;

use std::sync::{Arc, Mutex};

use lavapool_core::autoplay::Autoplay;
use lavapool_core::player::Update;
use lavapool_core::protocol::{GuildId, Track, TrackEndReason};
use lavapool_core::queue::{Queue, QueueError};
use lavapool_core::{Event, RequestError};

use crate::error::Error;
use crate::lock::lock;
use crate::pending::Pending;
use crate::player::Player;
use crate::playing::Playing;
use own::{Own, Stage};

/// A player whose tracks follow each other, by a [`Queue`].
///
/// It is a handle, cheap to clone, beside the [`Player`], which stays usable for everything else.
/// The bot [hands it the events](Self::handle) of its player; nothing runs in the background, so
/// it works on any runtime.
///
/// ```no_run
/// use lavapool::{Client, GuildId, LoadResult, Queue, QueuedPlayer};
///
/// # async fn run(client: Client, guild: GuildId) -> Result<(), Box<dyn std::error::Error>> {
/// let queue = QueuedPlayer::new(client.player(guild), Queue::new(7));
/// queue.set_autoplay(true);
/// if let LoadResult::Playlist(list) = client.load_tracks("https://music.example/list").await? {
///     queue.add(list.tracks)?.await?;
/// }
/// let mut events = client.events();
/// while let Some(event) = events.next().await {
///     if let Err(error) = queue.handle(&event).await {
///         eprintln!("{error}");
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # What plays when
///
/// | What happens | What follows |
/// |---|---|
/// | A track finishes | the next one by [`Repeat`](crate::Repeat), or [more](Self::set_autoplay) |
/// | It fails, or no node can play it | the next one; after too many failures in a row, nothing |
/// | It is stuck | the next one; if there is none, nothing, as it may recover |
/// | It is stopped, by whomever, or cleaned up | nothing |
/// | The bot plays something past the queue | nothing, until that finishes: the next one |
/// | The player is destroyed, by whomever | nothing, until something is added or started |
/// | The player moves to another node | nothing: the track goes on there |
/// | Events were lost ([`Event::Lagged`]) | the next one, if the track has ended meanwhile |
///
/// How many failures are too many says
/// [`QueueLimits::failures_max`](crate::QueueLimits::failures_max).
#[derive(Clone)]
pub struct QueuedPlayer {
    player: Player,
    state: Arc<Mutex<State>>,
}

struct State {
    queue: Queue,
    /// The play of the current track, or of the last one; `None` while that is to be played.
    own: Option<Own>,
    /// What the application plays past the queue, and in which turn.
    foreign: Option<(u32, Arc<Track>)>,
    autoplay: bool,
}

/// What a change of the queue asks of the player.
enum Deed {
    Nothing,
    Play(Play),
    /// There is nothing to play in place of what plays.
    Stop(Pending<()>),
    /// The queue is dry: a track is looked for.
    Search {
        search: Box<Autoplay>,
        turn: u32,
    },
}

/// A play that is on its way.
struct Play {
    track: Arc<Track>,
    turn: u32,
    pending: Pending<()>,
    /// Held for as long as somebody may hear the answer.
    listens: Arc<()>,
}

impl QueuedPlayer {
    /// A player with this queue. If the queue has a current track, as a restored one may, that is
    /// taken to be what the player plays, or will once its node's session goes on. If the player
    /// is idle, [`start`](Self::start) begins the current track.
    pub fn new(player: Player, queue: Queue) -> Self {
        let own = queue.current().map(|_| Own {
            turn: *player.turn(),
            tries: player.tries(),
            stage: Stage::Supposed,
        });
        let state = Arc::new(Mutex::new(State {
            queue,
            own,
            foreign: None,
            autoplay: false,
        }));
        Self { player, state }
    }

    /// Sets whether a track that resembles the last one is played when the queue runs dry, see
    /// [`Player::autoplay`]. Only a track that finished leads to one. Off by default.
    pub fn set_autoplay(&self, is_on: bool) {
        lock(&self.state).autoplay = is_on;
    }

    /// Whether it looks for more when the queue runs dry.
    pub fn autoplay(&self) -> bool {
        lock(&self.state).autoplay
    }

    /// Reads or changes the queue. What plays is not touched; see [`skip`](Self::skip) and the
    /// others for that. The queue is locked meanwhile, so keep it short.
    ///
    /// ```no_run
    /// # let queue: lavapool::QueuedPlayer = todo!();
    /// queue.with(|queue| queue.shuffle());
    /// let left = queue.with(|queue| queue.length());
    /// ```
    pub fn with<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        change(&mut lock(&self.state).queue)
    }

    /// The player.
    pub fn player(&self) -> &Player {
        &self.player
    }

    /// The guild.
    pub fn guild(&self) -> GuildId {
        self.player.guild()
    }

    /// Takes an event; those that do not concern it are ignored, so every one may be handed in.
    ///
    /// What follows is decided, and a next track is on its way, when this is called. The future
    /// is answered with the track that plays, if any, once a node has confirmed it; a track that
    /// is refused gives way to the next. A bot with many guilds should spawn it rather than
    /// await it in its event loop. Dropping it gives up the search of autoplay, and the wait: that
    /// a track was refused is found out at the next event or [`start`](Self::start) then.
    ///
    /// # Errors
    /// Those of [`Player::play`], for the last track that was tried.
    pub fn handle(&self, event: &Event) -> Playing<Option<Arc<Track>>> {
        let deed = match event.guild() {
            Some(guild) if guild != self.guild() => Deed::Nothing,
            Some(_) | None => self.take(event),
        };
        self.begin(deed)
    }

    /// Adds tracks at the end, and begins to play if nothing does.
    ///
    /// # Errors
    /// [`QueueError::Full`] at once, when nothing was added; and those of [`Player::play`].
    pub fn add(
        &self,
        tracks: impl IntoIterator<Item = impl Into<Arc<Track>>>,
    ) -> Result<Playing<Option<Arc<Track>>>, QueueError> {
        lock(&self.state).queue.extend(tracks)?;
        Ok(self.start())
    }

    /// Begins to play if nothing does: the current track if it was not played yet, or the next.
    pub fn start(&self) -> Playing<Option<Arc<Track>>> {
        let deed = self.turn(|state, turn| {
            let settled = self.settle(state, turn, true);
            if !matches!(settled, Deed::Nothing) {
                return settled;
            }
            let is_awaited = state.own_in(*turn).is_some_and(|own| own.is_awaited());
            if is_awaited || self.player.is_playing() {
                return Deed::Nothing;
            }
            let current = state.queue.current().cloned();
            match (&state.own, current) {
                (Some(own), Some(current)) if !matches!(own.stage, Stage::Supposed) => {
                    if own.turn == *turn && self.player.exists() {
                        // It has ended, and nobody has read of that yet.
                        let reason = TrackEndReason::Finished;
                        let ended = state.queue.track_ended(&current, &reason);
                        return self.follow(state, turn, ended);
                    }
                    // It was destroyed, or stopped past the queue.
                    state.queue.halt();
                }
                (_, Some(current)) => return self.play(state, turn, current),
                (_, None) => {}
            }
            match state.queue.advance() {
                Some(track) => self.play(state, turn, track),
                None => Deed::Nothing,
            }
        });
        self.begin(deed)
    }

    /// Goes on to the next track at once, whatever plays. If none waits, what plays is stopped.
    pub fn skip(&self) -> Playing<Option<Arc<Track>>> {
        self.jump(|queue| Some(queue.advance()))
    }

    /// Goes on to the waiting track at this place, see [`Queue::skip_to`]. If there is none,
    /// nothing changes.
    pub fn skip_to(&self, index: usize) -> Playing<Option<Arc<Track>>> {
        self.jump(|queue| queue.skip_to(index).map(Some))
    }

    /// Goes back to the track that was played last, see [`Queue::back`]. If there is none,
    /// nothing changes.
    ///
    /// # Errors
    /// [`QueueError::Full`] at once, when there is no room for the current track; and those of
    /// [`Player::play`].
    pub fn back(&self) -> Result<Playing<Option<Arc<Track>>>, QueueError> {
        let deed = self.turn(|state, turn| {
            let last = state.queue.back()?;
            Ok(last.map_or(Deed::Nothing, |track| self.play(state, turn, track)))
        })?;
        Ok(self.begin(deed))
    }

    /// Stops what plays. Waiting tracks stay, and nothing plays until something
    /// [starts](Self::start) it.
    pub fn stop(&self) -> Pending<()> {
        let mut state = lock(&self.state);
        state.queue.halt();
        (state.own, state.foreign) = (None, None);
        self.player.stop()
    }

    /// Decides something in a turn of the player, in which nobody else can.
    fn turn<T>(&self, decide: impl FnOnce(&mut State, &mut u32) -> T) -> T {
        let mut state = lock(&self.state);
        let mut turn = self.player.turn();
        decide(&mut state, &mut turn)
    }

    fn jump(
        &self,
        to: impl FnOnce(&mut Queue) -> Option<Option<Arc<Track>>>,
    ) -> Playing<Option<Arc<Track>>> {
        let deed = self.turn(|state, turn| match to(&mut state.queue) {
            Some(Some(next)) => self.play(state, turn, next),
            Some(None) => {
                (state.own, state.foreign) = (None, None);
                Deed::Stop(self.player.update_in(turn, Update::stop()))
            }
            None => Deed::Nothing,
        });
        self.begin(deed)
    }

    fn play(&self, state: &mut State, turn: &mut u32, track: Arc<Track>) -> Deed {
        let update = Update::play(track.clone());
        let mut pending = self.player.update_in(turn, update);
        let turn = *turn;
        let (own, listens) = Own::awaited(turn, self.player.tries(), pending.watch());
        (state.own, state.foreign) = (Some(own), None);
        Deed::Play(Play {
            track,
            turn,
            pending,
            listens,
        })
    }

    /// Goes on from the answer to a play, unless somebody else has.
    fn answered(&self, since: u32) -> Deed {
        self.turn(|state, turn| match *turn == since {
            true => self.settle(state, turn, true),
            false => Deed::Nothing,
        })
    }

    fn begin(&self, deed: Deed) -> Playing<Option<Arc<Track>>> {
        match deed {
            Deed::Nothing => Playing::nothing(),
            deed => Playing::new(self.clone().perform(deed)),
        }
    }

    /// Waits for what was begun, as far as that goes on without another event.
    async fn perform(self, mut deed: Deed) -> Result<Option<Arc<Track>>, Error> {
        let mut refusal = None;
        loop {
            let Play {
                track,
                turn,
                pending,
                listens,
            } = match deed {
                Deed::Nothing => return refusal.map_or(Ok(None), Err),
                Deed::Stop(pending) => return pending.await.map(|()| None),
                Deed::Play(play) => play,
                Deed::Search { search, turn } => {
                    let found = self.player.find(*search, turn).await?;
                    deed = found.map_or(Deed::Nothing, |track| self.found(track, turn));
                    continue;
                }
            };
            let answer = pending.await;
            deed = self.answered(turn);
            drop(listens);
            match answer {
                Ok(()) if matches!(deed, Deed::Nothing) => return Ok(Some(track)),
                Ok(()) | Err(Error::Request(RequestError::Superseded)) => refusal = None,
                Err(error) => refusal = Some(error),
            }
        }
    }
}

impl State {
    /// The own play, if it is of this turn of the player: nobody has played past the queue since.
    fn own_in(&self, turn: u32) -> Option<&Own> {
        self.own.as_ref().filter(|own| own.turn == turn)
    }

    /// The player is gone, and what it played with it. What was never seen to play is kept.
    fn gone(&mut self) {
        let is_kept = match &self.own {
            None => true,
            Some(own) => matches!(own.stage, Stage::Supposed),
        };
        if !is_kept {
            self.queue.halt();
            self.own = None;
        }
        self.foreign = None;
    }
}

impl std::fmt::Debug for QueuedPlayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueuedPlayer")
            .field("guild", &self.guild())
            .finish_non_exhaustive()
    }
}
