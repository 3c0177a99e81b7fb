//! Runs [`lavapool_fuzz::region`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::region(bytes));
