//! Text from a node, decoded in every way that the core does.

use lavapool_core::Endpoint;
use lavapool_core::protocol::{EventKind, Filters, LoadResult, Message, Player, RoutePlanner};
use lavapool_core::region::region_from_endpoint;

/// Whatever a node says decodes or is an error, and what it borrows is a part of it. What is read
/// in one pass, as servers write it, reads the same with a space in it, which `serde` reads.
pub fn lavalink_message(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let message = Message::decode(text);
    let is_plain = text.starts_with(r#"{"op":""#);
    if is_plain
        && let Ok(Message::PlayerUpdate(_) | Message::Stats(_) | Message::Event(_)) = &message
    {
        // Behind `op`, the first that is read.
        let spaced = text.replacen("\",", "\", ", 1);
        assert_eq!(Message::decode(&spaced), message, "{text}");
    }
    match message {
        Ok(Message::Event(event)) => track(&event.kind),
        Ok(Message::Unknown(message)) => assert!(text.contains(message.raw)),
        Ok(Message::UnknownEvent(event)) => assert!(text.contains(event.raw)),
        Ok(_) | Err(_) => {}
    }
    let _ = LoadResult::decode(text);
    let _ = RoutePlanner::decode(text);
    if let Ok(player) = Player::decode(text) {
        let _ = (player.filters(), player.to_snapshot());
    }
}

/// A person's URI.
pub fn endpoint(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(endpoint) = text.parse::<Endpoint>() {
        let again = endpoint.to_string().parse::<Endpoint>();
        assert_eq!(again.as_ref(), Ok(&endpoint), "{endpoint} reads as itself");
    }
}

/// A voice endpoint of Discord's: what it is cut down to before it is looked up changes nothing.
pub fn region(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let region = region_from_endpoint(text);
    assert_eq!(region.is_none(), text.trim().is_empty(), "{text:?}");
    if !text.contains(['/', ':', '.', '?']) && !text.trim().is_empty() {
        let endpoint = format!("wss://{}.discord.media:443", text.trim());
        assert_eq!(region_from_endpoint(&endpoint), region, "{text:?}");
    }
}

/// Filters that a node tells of are told to another node as they are.
pub fn filters_round_trip(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let player = format!(
        r#"{{"guildId":"1","track":null,"volume":100,"paused":false,"state":{{"time":0,"position":0,
        "connected":false,"ping":-1}},"voice":{{"token":"","endpoint":"","sessionId":""}},
        "filters":{text}}}"#
    );
    let Some(filters) = Player::decode(&player)
        .ok()
        .and_then(|player| player.filters().ok())
    else {
        return;
    };
    let _ = (filters.check(), filters.time_scale());
    let written = serde_json::to_string(&filters).expect("filters are numbers and JSON");
    let again: Filters = serde_json::from_str(&written).expect("what was written reads");
    assert_eq!(again, filters, "{written}");
}

fn track(kind: &EventKind<'_>) {
    match kind {
        EventKind::TrackStart { track }
        | EventKind::TrackEnd { track, .. }
        | EventKind::TrackException { track, .. }
        | EventKind::TrackStuck { track, .. } => {
            let _ = track.to_track();
        }
        _ => {}
    }
}
