//! The lookups of [`Autoplay`], and [`Player::autoplay`].

use std::sync::Arc;

use lavapool_core::Seed;
use lavapool_core::autoplay::{Autoplay, Step};
use lavapool_core::player::Update;
use lavapool_core::protocol::{Info, Track};

use crate::error::Error;
use crate::player::Player;
use crate::playing::Playing;

impl Player {
    /// Looks for a track that resembles this one, and plays it (Moonlink: `handleAutoPlay`).
    ///
    /// The player's own node is asked for what [`Autoplay`] names, up to
    /// [`Autoplay::LOOKUPS_MAX`] times; a lookup that fails gives way to the next. `avoided` are
    /// tracks that are not to be played: the last [`Autoplay::HEARD_MAX`] and those that wait;
    /// `previous` is avoided anyway. One of several is chosen by the seed.
    ///
    /// Answered `true` once a node has confirmed the play. It is `false` if nothing was found, if
    /// the player plays something already, which goes on, and if somebody played, stopped or
    /// destroyed since the call: theirs counts. Nothing happens unless the future is awaited;
    /// dropping it ends the search.
    ///
    /// Call it when a track has *finished* and nothing else is to be played. A track that was
    /// stopped or failed should lead to nothing; a [`QueuedPlayer`](crate::QueuedPlayer) with
    /// [`set_autoplay`](crate::QueuedPlayer::set_autoplay) sees to that.
    ///
    /// # Errors
    /// Those of a [`play`](Self::play), and [`Error::Closed`].
    ///
    /// ```no_run
    /// # async fn run(player: lavapool::Player, events: &mut lavapool::EventStream)
    /// # -> Result<(), lavapool::Error> {
    /// use lavapool::{Event, TrackEndReason};
    ///
    /// while let Some(event) = events.next().await {
    ///     if let Event::TrackEnd { guild, track, reason } = event
    ///         && guild == player.guild()
    ///         && reason == TrackEndReason::Finished
    ///         && !player.autoplay(&track, [], 7).await?
    ///     {
    ///         println!("nothing resembles {}", track.info.title);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn autoplay<'a>(
        &self,
        previous: &Track,
        avoided: impl IntoIterator<Item = &'a Track>,
        seed: impl Into<Seed>,
    ) -> Playing<bool> {
        if self.is_playing() {
            return Playing::nothing();
        }
        let search = self.search(previous, seed.into()).avoiding(avoided);
        let (player, turn) = (self.clone(), *self.turn());
        Playing::new(async move {
            let Some(track) = player.find(search, turn).await? else {
                return Ok(false);
            };
            let played = {
                let mut present = player.turn();
                let is_free = *present == turn && !player.is_playing();
                is_free.then(|| player.update_in(&mut present, Update::play(track)))
            };
            match played {
                Some(played) => played.await.map(|()| true),
                None => Ok(false),
            }
        })
    }

    /// A search for what resembles a track, by what the node offers that is to be asked.
    pub(crate) fn search(&self, previous: &Track, seed: Seed) -> Autoplay {
        let info = self.lookup_node().and_then(|node| node.info());
        let unknown = Info::default();
        Autoplay::new(previous, info.as_deref().unwrap_or(&unknown), seed)
    }

    /// The track that a search leads to; `None` also once it is not this turn any more.
    pub(crate) async fn find(
        &self,
        mut search: Autoplay,
        turn: u32,
    ) -> Result<Option<Arc<Track>>, Error> {
        let mut step = search.next();
        while let Step::Load(identifier) = step {
            let Some(node) = self.lookup_node().filter(|_| *self.turn() == turn) else {
                return Ok(None);
            };
            step = match node.load_tracks(identifier).await {
                Ok(result) => search.loaded(&result),
                Err(Error::Closed) => return Err(Error::Closed),
                Err(_) => search.next(),
            };
        }
        if let Step::Play(track) = step {
            return Ok(Some(track));
        }
        Ok(None)
    }
}
