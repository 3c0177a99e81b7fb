//! What a node really plays, beside what it should.

use std::time::Duration;

use lavapool_examples::Music;
use lavapool_tests::node::PlayerView;

/// What the copies of a guild's player, each with the name of its node, are like.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// What is not as it should be, in words.
    pub(crate) fault: Option<String>,
    /// Where in its track the guild's player is.
    pub(crate) place: Duration,
}

impl Verdict {
    /// Judges everything but the place, which depends on when it is asked for.
    pub(crate) fn of(music: &Music, copies: &[(&str, PlayerView)], node: &str) -> Self {
        let place = copies.first().map_or(0, |(_, player)| player.content_ms);
        let fault = match copies {
            [] => Some("nobody plays it".to_owned()),
            [(found, player)] if *found == node => differs(music, player),
            [(found, _)] => Some(format!("it plays on {found} instead of {node}")),
            _ => Some(format!("{} nodes play it", copies.len())),
        };
        let place = Duration::from_millis(u64::try_from(place).unwrap_or(0));
        Self { fault, place }
    }
}

fn differs(music: &Music, player: &PlayerView) -> Option<String> {
    let Some(track) = &player.track else {
        return Some("its track is gone".to_owned());
    };
    let filters = serde_json::to_value(music.filters.clone().unwrap_or_default()).ok();
    let voice = player.voice.as_ref().map(|voice| &*voice.endpoint);
    let faults = [
        (track.identifier != music.identifier(), "another track"),
        (player.paused != music.paused, "the pause"),
        (player.volume != i32::from(music.volume), "the volume"),
        (
            player.end_time_ms.is_some() != music.end_time.is_some(),
            "the end time",
        ),
        (Some(&player.filters) != filters.as_ref(), "the filters"),
        (
            track.user_data["requester"] != *music.requester(),
            "the user data",
        ),
        (voice != Some(music.region().1), "voice"),
    ];
    let named: Vec<_> = faults
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, name)| *name)
        .collect();
    (!named.is_empty()).then(|| format!("wrong: {}", named.join(", ")))
}
