//! Runs [`lavapool_fuzz::websocket_handshake`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::websocket_handshake(bytes));
