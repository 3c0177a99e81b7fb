//! Text from a node, decoded in every way that the core does.

use lavapool_core::Endpoint;
use lavapool_core::protocol::{EventKind, LoadResult, Message, Player, RoutePlanner};
use lavapool_core::region::region_from_endpoint;

/// Whatever a node says decodes or is an error, and what it borrows is a part of it.
pub fn lavalink_message(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Message::decode(text) {
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

/// A person's URI, and a voice endpoint of Discord's.
pub fn endpoint(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(endpoint) = text.parse::<Endpoint>() {
        let again = endpoint.to_string().parse::<Endpoint>();
        assert_eq!(again.as_ref(), Ok(&endpoint), "{endpoint} reads as itself");
    }
    let _ = region_from_endpoint(text);
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
