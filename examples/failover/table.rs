//! The table of where each player went.

use std::time::Duration;

use lavapool::{Client, GuildId};
use lavapool_examples::Terminal;

/// Where a player was.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub guild: GuildId,
    pub node: String,
    pub position: Duration,
    pub paused: bool,
}

/// Where the players are now.
pub(crate) fn places(client: &Client) -> Vec<Place> {
    let players = client.players();
    let mut places: Vec<_> = players
        .iter()
        .filter_map(|player| {
            let view = player.view()?;
            Some(Place {
                guild: view.guild,
                node: view.node()?.to_string(),
                position: player.content_position()?,
                paused: view.paused,
            })
        })
        .collect();
    places.sort_by_key(|place| place.guild);
    places
}

/// How many players each node has, in words.
pub(crate) fn spread(places: &[Place]) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for place in places {
        *counts.entry(&place.node).or_insert(0) += 1;
    }
    let counts = counts
        .into_iter()
        .map(|(node, count): (_, u32)| format!("{node} {count}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// Prints the players that were on `lost`, before and after.
pub(crate) fn print(terminal: Terminal, lost: &str, before: &[Place], after: &[Place]) {
    let heading = ["guild", "from", "position", "to", "position"];
    let [guild, from, was, to, is] = heading;
    terminal.line(format!(
        "{guild:<20} {from:<8} {was:>10}    {to:<8} {is:>10}"
    ));
    for old in before.iter().filter(|place| place.node == lost) {
        let new = after.iter().find(|place| place.guild == old.guild);
        let (to, is) = match new {
            Some(place) => (&*place.node, seconds(place.position)),
            None => ("nowhere", "-".to_owned()),
        };
        let paused = if old.paused { "  paused" } else { "" };
        let (guild, was) = (old.guild.to_string(), seconds(old.position));
        terminal.line(format!(
            "{guild:<20} {lost:<8} {was:>10} -> {to:<8} {is:>10}{paused}"
        ));
    }
}

pub(crate) fn seconds(position: Duration) -> String {
    format!("{:.3} s", position.as_secs_f64())
}
