//! Runs [`lavapool_fuzz::pool`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::pool(bytes));
