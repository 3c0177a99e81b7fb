//! [`GatewaySender`]: the way from the pool to Discord's gateway, which is the bot's own.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lavapool_core::GatewayPayload;

/// What the bot does with a payload for its gateway.
pub(crate) struct GatewaySender(Box<dyn Fn(GatewayPayload) + Send + Sync>);

impl GatewaySender {
    pub(crate) fn new(send: impl Fn(GatewayPayload) + Send + Sync + 'static) -> Self {
        Self(Box::new(send))
    }

    /// Hands a payload over. A panic over there is none of the driver's: the join that does not
    /// happen is noticed.
    pub(crate) fn send(&self, payload: GatewayPayload) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.0)(payload)));
    }
}

impl fmt::Debug for GatewaySender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewaySender").finish_non_exhaustive()
    }
}
