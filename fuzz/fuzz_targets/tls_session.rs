//! Runs [`lavapool_fuzz::tls_session`].
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lavapool_fuzz::tls_session(bytes));
