//! Runs [`lavapool_fuzz::filters_round_trip`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::filters_round_trip(bytes));
