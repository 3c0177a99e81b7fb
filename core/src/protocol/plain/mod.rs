//! The messages that come most, read as servers write them.
//!
//! Most messages are a `playerUpdate`, and the rest of what comes by the minute is `stats`, or the
//! start or end of a track. They are written without white space, and `op` comes first. What
//! is written so is read here in one pass; what is written in any other way, or is no message at
//! all, is not read here but by `serde`, which decides. So this never says no: it says nothing.

mod reader;
mod value;

use reader::Plain;

use super::event::{Event, EventKind, TrackEndReason};
use super::stats::{Cpu, FrameStats, Memory, Stats};
use super::{Message, PlayerState, PlayerUpdate, WireTrack};

/// The high bit of each of eight bytes that are looked at at once.
const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);

/// Reads one message, if it is one of those and plainly written.
pub(super) fn message(text: &str) -> Option<Message<'_>> {
    let text = text.strip_prefix(r#"{"op":""#)?;
    if let Some(rest) = text.strip_prefix(r#"playerUpdate","#) {
        return player_update(rest).map(Message::PlayerUpdate);
    }
    if let Some(rest) = text.strip_prefix(r#"event","#) {
        return event(rest).map(Message::Event);
    }
    let rest = text.strip_prefix(r#"stats","#)?;
    stats(rest).map(Message::Stats)
}

/// The events that are read here.
#[derive(Clone, Copy)]
enum Kind {
    TrackStart,
    TrackEnd,
}

/// The start or the end of a track.
fn event(text: &str) -> Option<Event<'_>> {
    let (mut guild_id, mut kind, mut track, mut reason) = (None, None, None, None);
    let mut json = Plain::new(text);
    json.members(|json| {
        let is_read = json.member(br#""type":"#, &mut kind, kind_of)?
            || json.member(br#""guildId":"#, &mut guild_id, Plain::id)?
            || json.member(br#""track":"#, &mut track, track_of)?
            || json.member(br#""reason":"#, &mut reason, Plain::text)?;
        Some(is_read)
    })?;
    json.end()?;
    let (guild_id, track) = (guild_id?, track?);
    let kind = match (kind?, reason) {
        (Kind::TrackStart, None) => EventKind::TrackStart { track },
        (Kind::TrackEnd, Some(reason)) => EventKind::TrackEnd {
            track,
            reason: TrackEndReason::from(reason),
        },
        (Kind::TrackStart, Some(_)) | (Kind::TrackEnd, None) => return None,
    };
    Some(Event { guild_id, kind })
}

fn kind_of(json: &mut Plain<'_>) -> Option<Kind> {
    match json.text()? {
        "TrackStartEvent" => Some(Kind::TrackStart),
        "TrackEndEvent" => Some(Kind::TrackEnd),
        _ => None,
    }
}

fn track_of<'a>(json: &mut Plain<'a>) -> Option<WireTrack<'a>> {
    let (mut encoded, mut info, mut plugin_info, mut user_data) = (None, None, None, None);
    json.object(|json| {
        let is_read = json.member(br#""encoded":"#, &mut encoded, Plain::text)?
            || json.member(br#""info":"#, &mut info, Plain::value)?
            || json.member(br#""pluginInfo":"#, &mut plugin_info, Plain::value_or_null)?
            || json.member(br#""userData":"#, &mut user_data, Plain::value_or_null)?;
        Some(is_read)
    })?;
    Some(WireTrack {
        encoded: encoded?.into(),
        info: info?,
        plugin_info: plugin_info.unwrap_or_default(),
        user_data: user_data.unwrap_or_default(),
    })
}

fn player_update(text: &str) -> Option<PlayerUpdate> {
    let (mut guild_id, mut state) = (None, None);
    let mut json = Plain::new(text);
    json.members(|json| {
        let is_read = json.member(br#""guildId":"#, &mut guild_id, Plain::id)?
            || json.member(br#""state":"#, &mut state, player_state)?;
        Some(is_read)
    })?;
    json.end()?;
    Some(PlayerUpdate {
        guild_id: guild_id?,
        state: state?,
    })
}

fn player_state(json: &mut Plain<'_>) -> Option<PlayerState> {
    let (mut time, mut position, mut connected, mut ping) = (None, None, None, None);
    json.object(|json| {
        let is_read = json.member(br#""time":"#, &mut time, Plain::integer)?
            || json.member(br#""position":"#, &mut position, Plain::integer)?
            || json.member(br#""connected":"#, &mut connected, Plain::boolean)?
            || json.member(br#""ping":"#, &mut ping, Plain::integer)?;
        Some(is_read)
    })?;
    Some(PlayerState {
        time: time?,
        position: position?,
        connected: connected?,
        ping: ping?,
    })
}

fn stats(text: &str) -> Option<Stats> {
    let (mut frame_stats, mut memory, mut cpu) = (None, None, None);
    let (mut players, mut playing_players, mut uptime) = (None, None, None);
    let mut json = Plain::new(text);
    json.members(|json| {
        let is_read = json.member(br#""frameStats":"#, &mut frame_stats, frames_or_null)?
            || json.member(br#""players":"#, &mut players, Plain::count)?
            || json.member(br#""playingPlayers":"#, &mut playing_players, Plain::count)?
            || json.member(br#""uptime":"#, &mut uptime, Plain::amount)?
            || json.member(br#""memory":"#, &mut memory, memory_of)?
            || json.member(br#""cpu":"#, &mut cpu, cpu_of)?;
        Some(is_read)
    })?;
    json.end()?;
    Some(Stats {
        frame_stats: frame_stats.unwrap_or_default(),
        players: players?,
        playing_players: playing_players?,
        uptime: uptime?,
        memory: memory?,
        cpu: cpu?,
    })
}

fn frames_or_null(json: &mut Plain<'_>) -> Option<Option<FrameStats>> {
    if json.has(b"null") {
        return Some(None);
    }
    let (mut sent, mut nulled, mut deficit) = (None, None, None);
    json.object(|json| {
        let is_read = json.member(br#""sent":"#, &mut sent, Plain::small)?
            || json.member(br#""nulled":"#, &mut nulled, Plain::small)?
            || json.member(br#""deficit":"#, &mut deficit, Plain::small)?;
        Some(is_read)
    })?;
    Some(Some(FrameStats {
        sent: sent?,
        nulled: nulled?,
        deficit: deficit?,
    }))
}

fn memory_of(json: &mut Plain<'_>) -> Option<Memory> {
    let (mut free, mut used, mut allocated, mut reservable) = (None, None, None, None);
    json.object(|json| {
        let is_read = json.member(br#""free":"#, &mut free, Plain::amount)?
            || json.member(br#""used":"#, &mut used, Plain::amount)?
            || json.member(br#""allocated":"#, &mut allocated, Plain::amount)?
            || json.member(br#""reservable":"#, &mut reservable, Plain::amount)?;
        Some(is_read)
    })?;
    Some(Memory {
        free: free?,
        used: used?,
        allocated: allocated?,
        reservable: reservable?,
    })
}

fn cpu_of(json: &mut Plain<'_>) -> Option<Cpu> {
    let (mut cores, mut system_load, mut lavalink_load) = (None, None, None);
    json.object(|json| {
        let is_read = json.member(br#""cores":"#, &mut cores, Plain::count)?
            || json.member(br#""systemLoad":"#, &mut system_load, Plain::number)?
            || json.member(br#""lavalinkLoad":"#, &mut lavalink_load, Plain::number)?;
        Some(is_read)
    })?;
    Some(Cpu {
        cores: cores?,
        system_load: system_load?,
        lavalink_load: lavalink_load?,
    })
}

#[cfg(test)]
mod tests {
    use super::reader::{DIGITS_MAX, ID_DIGITS_MAX};
    use super::*;

    const UPDATE: &str = concat!(
        r#"{"op":"playerUpdate","state":{"time":1795224390499,"position":5000,"#,
        r#""connected":true,"ping":-1},"guildId":"817327181659111454"}"#
    );
    const STATS: &str = concat!(
        r#"{"op":"stats","frameStats":{"sent":2990,"nulled":10,"deficit":-4},"#,
        r#""players":3,"playingPlayers":2,"uptime":623575,"memory":{"free":1,"used":2,"#,
        r#""allocated":3,"reservable":4},"cpu":{"cores":2,"systemLoad":0.5,"lavalinkLoad":0.025}}"#
    );

    const START: &str = concat!(
        r#"{"op":"event","guildId":"817327181659111454","type":"TrackStartEvent","#,
        r#""track":{"encoded":"QAAAjQIA","info":{"title":"Té","length":212000,"isStream":false,"#,
        r#""isrc":null,"rate":-0.25},"pluginInfo":{"a":[],"b":[1,{"c":"d"},true]},"userData":{}}}"#
    );
    const END: &str = concat!(
        r#"{"op":"event","type":"TrackEndEvent","guildId":"817327181659111454","track":"#,
        r#"{"encoded":"QAAAjQIA","info":{},"pluginInfo":null,"userData":{"lavapool":{"play":7}}},"#,
        r#""reason":"finished"}"#
    );

    #[test]
    fn what_servers_write_is_read_here() {
        let null = STATS.replace(r#"{"sent":2990,"nulled":10,"deficit":-4}"#, "null");
        let loaded = STATS.replace("0.5", "12.5");
        for text in [UPDATE, STATS, &null, &loaded, START, END] {
            let plain = message(text);
            assert!(plain.is_some(), "{text}");
            assert_eq!(plain, Message::by_serde(text).ok(), "{text}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_left_to_serde() {
        let others = [
            UPDATE.replace(":5000", ": 5000"),
            UPDATE.replace(":5000", ":5000.0"),
            UPDATE.replace(":5000", ":5e3"),
            UPDATE.replace(":-1", ":null"),
            UPDATE.replace(r#""ping":-1"#, r#""ping":"3""#),
            UPDATE.replace(r#","guildId":"817327181659111454""#, r#","guildId":8173"#),
            UPDATE.replace("guildId", "guild\\u0049d"),
            UPDATE.replace(r#","ping":-1"#, ""),
            UPDATE.replace(r#","ping":-1"#, r#","ping":1,"extra":[]"#),
            STATS.replace("0.5", "5e-1"),
            STATS.replace("0.5", "\"0.5\""),
            STATS.replace(":-4", ":-4000000000"),
            START.replace("TrackStartEvent", "TrackStart\\u0045vent"),
            START.replace('é', "\\u00e9"),
            START.replace(r#""title":"#, r#""title": "#),
            START.replace("-0.25", "25e-2"),
            START.replace(r#","userData":{}"#, r#","userData":{},"more":1"#),
            START.replace(r#"{}}}"#, r#"{}},"reason":"finished"}"#),
            END.replace("TrackEndEvent", "TrackStuckEvent"),
            END.replace("finished", "fini\\u0073hed"),
        ];
        for text in others {
            assert_eq!(message(&text), None, "{text}");
            assert!(Message::by_serde(&text).is_ok(), "{text}");
        }
    }

    /// Each byte left out, doubled, and replaced by each that means something in JSON.
    #[test]
    fn whatever_is_read_here_is_read_alike_by_serde() {
        let mut read = 0;
        for text in [UPDATE, STATS, START, END] {
            for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
                let (before, after) = text.split_at(at);
                let own = after.chars().next().unwrap();
                let after = &after[own.len_utf8()..];
                let others = [
                    "", "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "-", "+", ".",
                ];
                let others = others
                    .into_iter()
                    .chain(["0", "1", "9", "e", "E", "t", "\u{1}"]);
                let changed = others.map(|other| format!("{before}{other}{after}"));
                for changed in changed.chain([format!("{before}{own}{own}{after}")]) {
                    let Some(plain) = message(&changed) else {
                        continue;
                    };
                    assert_eq!(Message::by_serde(&changed), Ok(plain), "{changed}");
                    read += 1;
                }
            }
        }
        assert!(read > 100, "{read} of the changed texts were read here");
    }

    #[test]
    fn a_member_that_is_there_twice_is_left_to_serde_which_refuses_it() {
        for (text, member) in [
            (UPDATE, r#""guildId":"817327181659111454""#),
            (UPDATE, r#""ping":-1"#),
            (UPDATE, r#""position":5000"#),
            (STATS, r#""players":3"#),
            (STATS, r#""sent":2990"#),
            (STATS, r#""free":1"#),
            (STATS, r#""cores":2"#),
            (START, r#""guildId":"817327181659111454""#),
            (START, r#""encoded":"QAAAjQIA""#),
            (START, r#""userData":{}"#),
            (END, r#""pluginInfo":null"#),
            (END, r#""reason":"finished""#),
        ] {
            let twice = text.replace(member, &format!("{member},{member}"));
            assert_ne!(twice, text);
            assert_eq!(message(&twice), None, "{twice}");
            assert!(Message::by_serde(&twice).is_err(), "{twice}");
        }
    }

    #[test]
    fn numbers_that_might_not_fit_are_left_to_serde() {
        for sign in ["", "-"] {
            let endless = format!("{sign}{}.0", "9".repeat(400));
            let text = STATS.replace("0.5", &endless);
            assert_eq!(message(&text), None, "{text}");
        }
        for digits in ["9", "1"] {
            for count in 17..22 {
                let number = digits.repeat(count);
                let text = UPDATE.replace(":5000", &format!(":{number}"));
                assert_eq!(message(&text).is_some(), count <= DIGITS_MAX, "{number}");
                let text = UPDATE.replace("817327181659111454", &number);
                assert_eq!(message(&text).is_some(), count <= ID_DIGITS_MAX, "{number}");
            }
        }
    }
}
