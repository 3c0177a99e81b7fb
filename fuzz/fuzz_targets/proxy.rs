//! Runs [`lavapool_fuzz::proxy`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::proxy(bytes));
