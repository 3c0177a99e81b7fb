//! Runs [`lavapool_fuzz::gateway_event`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::gateway_event(bytes));
