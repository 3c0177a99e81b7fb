//! Runs [`lavapool_fuzz::lavalink_message`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::lavalink_message(bytes));
