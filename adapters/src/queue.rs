//! [`QueuedPlayer`]: a player whose tracks follow each other.

use std::sync::{Arc, Mutex};

use lavapool_core::autoplay::Autoplay;
use lavapool_core::player::Update;
use lavapool_core::protocol::{GuildId, Track, TrackEndReason, same_track};
use lavapool_core::queue::{Ended, Queue, QueueError};
use lavapool_core::{Event, RequestError};

use crate::error::Error;
use crate::lock::lock;
use crate::pending::Pending;
use crate::player::Player;
use crate::playing::Playing;

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
    /// The player's turn in which the queue's current track was played.
    own: Option<u64>,
    /// The player's [tries](Player::tries) at that time.
    tries: u64,
    /// What the application plays past the queue, and in which turn.
    foreign: Option<(u64, Arc<Track>)>,
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
        turn: u64,
    },
}

/// A play that is on its way.
struct Play {
    track: Arc<Track>,
    turn: u64,
    pending: Pending<()>,
}

impl QueuedPlayer {
    /// A player with this queue. If the queue has a current track, as a restored one may, that is
    /// taken to be what the player plays.
    pub fn new(player: Player, queue: Queue) -> Self {
        let own = queue.current().map(|_| *player.turn());
        let state = Arc::new(Mutex::new(State {
            queue,
            own,
            tries: player.tries(),
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
    /// await it in its event loop. Dropping it gives up the search of autoplay, and the wait.
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

    /// Begins to play if nothing does: the current track if it could not be played, or the next.
    pub fn start(&self) -> Playing<Option<Arc<Track>>> {
        let deed = self.turn(|state, turn| {
            let is_mine = state.own == Some(*turn);
            let is_busy = is_mine && state.queue.current().is_some();
            if is_busy || self.player.is_playing() {
                return Deed::Nothing;
            }
            let current = state.queue.current().cloned();
            match current.or_else(|| state.queue.advance()) {
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
    fn turn<T>(&self, decide: impl FnOnce(&mut State, &mut u64) -> T) -> T {
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

    fn play(&self, state: &mut State, turn: &mut u64, track: Arc<Track>) -> Deed {
        let update = Update::play(track.clone());
        let pending = self.player.update_in(turn, update);
        (state.own, state.foreign) = (Some(*turn), None);
        state.tries = self.player.tries();
        let turn = *turn;
        Deed::Play(Play {
            track,
            turn,
            pending,
        })
    }

    fn take(&self, event: &Event) -> Deed {
        self.turn(|state, turn| {
            let is_mine = state.own == Some(*turn);
            if let Event::TrackEnd { track, reason, .. } = event {
                return self.ended(state, turn, track, reason);
            }
            if let Event::TrackUnplayable { track, .. } = event {
                return self.ended(state, turn, track, &TrackEndReason::LoadFailed);
            }
            // The start of the current track was its own, however late it is read: a track that the
            // bot plays in its place comes after its end.
            if let Event::TrackStart { track, .. } = event
                && (!is_mine || state.tries != self.player.tries())
                && !is_current(state, track)
            {
                if is_mine {
                    // Such as that of `play_if_idle` between two tracks.
                    state.queue.halt();
                    state.own = None;
                }
                state.foreign = Some((*turn, track.clone()));
            }
            if let Event::TrackException { track, .. } = event
                && is_mine
            {
                state.queue.track_failed(track);
            }
            if let Event::TrackStuck { track, .. } = event
                && is_mine
                && !state.queue.is_empty()
            {
                let ended = state.queue.track_ended(track, &TrackEndReason::LoadFailed);
                return self.follow(state, turn, ended);
            }
            if let Event::Lagged { .. } = event
                && is_mine
                && self.player.exists()
                && let Some(track) = state.queue.current().cloned()
            {
                return self.ended(state, turn, &track, &TrackEndReason::Finished);
            }
            Deed::Nothing
        })
    }

    fn ended(
        &self,
        state: &mut State,
        turn: &mut u64,
        track: &Arc<Track>,
        reason: &TrackEndReason,
    ) -> Deed {
        if state.own == Some(*turn) {
            // What plays was played after the track that this is about, even if it is the same.
            if self.player.is_playing() || !is_current(state, track) {
                return Deed::Nothing;
            }
            if !reason.may_start_next() {
                state.queue.halt();
                return Deed::Nothing;
            }
            let ended = state.queue.track_ended(track, reason);
            return self.follow(state, turn, ended);
        }
        if is_current(state, track) {
            // The bot has played, stopped or destroyed past the queue.
            state.queue.halt();
        }
        let foreign = state
            .foreign
            .take_if(|(_, other)| same_track(&other.encoded, &track.encoded));
        if !reason.may_start_next() || foreign.is_none_or(|(since, _)| since != *turn) {
            return Deed::Nothing;
        }
        let ended = match state.queue.advance() {
            Some(next) => Ended::Next(next),
            None => Ended::Dry {
                last: track.clone(),
                finished: *reason == TrackEndReason::Finished,
            },
        };
        self.follow(state, turn, ended)
    }

    /// Does what the end of a track leads to.
    fn follow(&self, state: &mut State, turn: &mut u64, ended: Ended) -> Deed {
        match ended {
            Ended::Next(next) => self.play(state, turn, next),
            Ended::Dry { last, finished } if finished && state.autoplay => {
                let seed = state.queue.draw_seed();
                let heard = state.queue.history().take(Autoplay::HEARD_MAX);
                let search = self.player.search(&last, seed);
                let search = Box::new(search.avoiding(heard.map(Arc::as_ref)));
                let turn = *turn;
                Deed::Search { search, turn }
            }
            _ => Deed::Nothing,
        }
    }

    /// Plays what a search has found, unless there is something else by now.
    fn found(&self, track: Arc<Track>, since: u64) -> Deed {
        self.turn(|state, turn| {
            if *turn != since || state.queue.current().is_some() {
                return Deed::Nothing;
            }
            if state.queue.is_empty() && state.queue.push(track).is_err() {
                return Deed::Nothing;
            }
            match state.queue.advance() {
                Some(next) => self.play(state, turn, next),
                None => Deed::Nothing,
            }
        })
    }

    /// A node refused the track: it failed.
    fn refused(&self, track: &Track, since: u64) -> Deed {
        self.turn(|state, turn| {
            if *turn != since {
                return Deed::Nothing;
            }
            let ended = state.queue.track_ended(track, &TrackEndReason::LoadFailed);
            self.follow(state, turn, ended)
        })
    }

    /// A play that is not kept: the track stays the current one, for another start.
    fn taken_back(&self, since: u64) {
        let mut state = lock(&self.state);
        state.own.take_if(|own| *own == since);
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
            match pending.await {
                Ok(()) => return Ok(Some(track)),
                Err(Error::Request(RequestError::Superseded)) => return Ok(None),
                Err(error @ Error::Request(RequestError::Unconfirmed(_))) => return Err(error),
                Err(error) => {
                    deed = Deed::Nothing;
                    if is_refusal(&error) {
                        deed = self.refused(&track, turn);
                    } else {
                        self.taken_back(turn);
                    }
                    refusal = Some(error);
                }
            }
        }
    }
}

impl std::fmt::Debug for QueuedPlayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueuedPlayer")
            .field("guild", &self.guild())
            .finish_non_exhaustive()
    }
}

fn is_current(state: &State, track: &Track) -> bool {
    let current = state.queue.current();
    current.is_some_and(|current| same_track(&current.encoded, &track.encoded))
}

/// Whether it is the track that is at fault, and not the way to it.
const fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::Request(RequestError::Rejected { .. } | RequestError::TrackUnplayable)
    )
}
