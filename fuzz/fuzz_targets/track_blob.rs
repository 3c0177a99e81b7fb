//! Runs [`lavapool_fuzz::track_blob`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::track_blob(bytes));
