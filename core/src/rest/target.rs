//! How the target of a request line is written.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

use std::io::Write as _;

use crate::protocol::GuildId;

/// What stands for the session's id in the path of a [`Request::Raw`](super::Request::Raw).
pub(super) const SESSION: &str = "{session}";

pub(super) fn write_player(session: &str, guild: GuildId, out: &mut Vec<u8>) {
    write_session(session, out);
    out.extend_from_slice(b"/players/");
    // Writing into memory cannot fail.
    let _ = write!(out, "{guild}");
}

pub(super) fn write_session(session: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"/v4/sessions/");
    percent_encode(session, out);
}

pub(super) fn write_raw_path(path: &str, session: &str, out: &mut Vec<u8>) {
    for (number, part) in path.split(SESSION).enumerate() {
        if number > 0 {
            percent_encode(session, out);
        }
        for byte in part.bytes() {
            if byte.is_ascii_graphic() && byte != b'#' {
                out.push(byte);
            } else {
                write_percent(byte, out);
            }
        }
    }
}

/// Encodes all but what RFC 3986 §2.3 calls unreserved: `+` too, which Lavalink reads as a space.
pub(super) fn percent_encode(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte);
        } else {
            write_percent(byte, out);
        }
    }
}

fn write_percent(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'%', hex_digit(byte >> 4), hex_digit(byte & 0x0f)]);
}

fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0'.saturating_add(nibble),
        _ => b'A'.saturating_add(nibble.saturating_sub(10)),
    }
}
