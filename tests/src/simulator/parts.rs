//! [`Part`]: what there is of a player to be compared.

use std::collections::BTreeSet;

use serde_json::Value;

/// One thing of a player that a command can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Track,
    UserData,
    EndTime,
    Paused,
    Volume,
    Filters,
    Voice,
    /// Where it is in its track.
    Place,
}

impl Part {
    /// What any player has.
    pub(super) const OF_ALL: [Self; 4] = [Self::Track, Self::Paused, Self::Volume, Self::Filters];

    /// What one that plays has beside that.
    pub(super) const OF_PLAYING: [Self; 2] = [Self::UserData, Self::EndTime];

    /// What a play decides beside its data.
    const OF_PLAY: [Self; 4] = [Self::Track, Self::EndTime, Self::Paused, Self::Place];

    /// What the body of a PATCH changes. As on the server, a play has no end time and no data but
    /// its own, and ends a pause.
    pub(super) fn of_patch(body: &[u8]) -> BTreeSet<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return BTreeSet::new();
        };
        let mut parts = BTreeSet::new();
        for (name, value) in &fields {
            match &**name {
                "track" => {
                    let plays = |key| value.get(key).is_some();
                    if plays("encoded") || plays("identifier") {
                        parts.extend(Self::OF_PLAY);
                    }
                    parts.insert(Self::UserData);
                }
                "encodedTrack" | "identifier" => {
                    parts.extend(Self::OF_PLAY);
                    parts.insert(Self::UserData);
                }
                "endTime" => drop(parts.insert(Self::EndTime)),
                "paused" => drop(parts.insert(Self::Paused)),
                "volume" => drop(parts.insert(Self::Volume)),
                "filters" => {
                    parts.insert(Self::Filters);
                    // At another speed it comes elsewhere.
                    parts.extend(value.get("timescale").map(|_| Self::Place));
                }
                "position" => drop(parts.insert(Self::Place)),
                "voice" => drop(parts.insert(Self::Voice)),
                _ => {}
            }
        }
        parts
    }
}
