//! Fixed workloads over `lavapool-core`, with servers that answer from memory.
//!
//! Nothing here touches a socket or a clock: a workload is the same calls with the same bytes each
//! time, so that its instructions can be counted and compared.

pub mod counts;
pub mod messages;
pub mod plain;
pub mod raw;
pub mod server;
pub mod times;
pub mod workloads;
pub mod world;

/// Runs the work whose instructions are counted: callgrind begins to count where this function is
/// entered and stops where it returns, so its name is part of how it is called.
#[inline(never)]
pub fn measured_region(work: &mut dyn FnMut()) {
    work();
}
