//! The driver of the adapters on a runtime in memory, with the fuzzer at the other end.

mod proxy;
mod tls;
mod wire;

pub use proxy::proxy;
pub use tls::tls_session;
