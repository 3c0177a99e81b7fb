//! Runs [`lavapool_fuzz::endpoint`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::endpoint(bytes));
