//! Discord's gateway, read in every way that a bot may hand it in.

use lavapool_core::{GatewayEvent, VoiceServerUpdate, VoiceStateUpdate};
use serde_json::Value;
use serde_json::value::RawValue;

/// Any message of the gateway: what is read is what a plain reading of the JSON finds, no token
/// is shown, and an event alone reads as it does in its frame.
pub fn gateway_event(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let parsed = GatewayEvent::parse(text);
    let (state, server) = (
        VoiceStateUpdate::parse(text),
        VoiceServerUpdate::parse(text),
    );
    match &parsed {
        Ok(GatewayEvent::VoiceState(update)) => {
            assert_eq!(state.as_ref(), Ok(update));
            let data = data(text, "VOICE_STATE_UPDATE");
            if data.is_null() {
                return;
            }
            assert_eq!(data["session_id"], update.session_id.expose());
            let channel = update.channel.map(|channel| channel.get());
            assert_eq!(id(&data["channel_id"]), channel);
            assert_eq!(id(&data["guild_id"]), Some(update.guild.get()));
            assert_eq!(id(&data["user_id"]), Some(update.user.get()));
        }
        Ok(GatewayEvent::VoiceServer(update)) => {
            assert_eq!(server.as_ref(), Ok(update));
            let data = data(text, "VOICE_SERVER_UPDATE");
            if data.is_null() {
                return;
            }
            assert_eq!(data["token"], update.token.expose());
            assert_eq!(data["endpoint"].as_str(), update.endpoint.as_deref());
            assert_eq!(id(&data["guild_id"]), Some(update.guild.get()));
        }
        Ok(GatewayEvent::Ready(_)) => drop(data(text, "READY")),
        Ok(_) => {}
        Err(error) => {
            let _ = error.to_string();
        }
    }
    if let Ok(update) = state {
        let frame = format!(r#"{{"t":"VOICE_STATE_UPDATE","d":{text}}}"#);
        let framed = GatewayEvent::parse(&frame);
        // A frame in a frame has no fields of its own.
        let is_plain = parsed == Ok(GatewayEvent::Other);
        assert!(
            !is_plain || framed == Ok(GatewayEvent::VoiceState(update.clone())),
            "{frame}"
        );
        assert!(format!("{update:?}").contains("***"));
    }
    if let Ok(update) = server {
        assert!(format!("{update:?}").contains("***"));
    }
}

/// The `d` of a message with this name. Null where something that nobody reads has no `Value`,
/// though it is JSON: a number out of range, half a surrogate pair, a hundred brackets.
fn data(text: &str, name: &str) -> Value {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else {
        assert!(serde_json::from_str::<&RawValue>(text).is_ok(), "{text}");
        return Value::Null;
    };
    assert_eq!(value["t"], name);
    value["d"].take()
}

/// An id as Discord writes it: digits in a text, or a number.
fn id(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
