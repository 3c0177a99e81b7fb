//! Runs [`lavapool_fuzz::http_exchange`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::http_exchange(bytes));
