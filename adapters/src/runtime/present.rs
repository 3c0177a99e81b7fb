//! [`Present`]: which runtime a client runs on that was not told one.

#[cfg(feature = "async-std")]
use super::AsyncStd;
#[cfg(feature = "smol")]
use super::Smol;
#[cfg(feature = "tokio")]
use super::Tokio;

/// The runtime that a client is started in.
pub(crate) enum Present {
    #[cfg(feature = "tokio")]
    Tokio(Tokio),
    #[cfg(feature = "async-std")]
    AsyncStd(AsyncStd),
    #[cfg(feature = "smol")]
    Smol(Smol),
}

impl Present {
    /// The runtime that this is called in. A context that is there decides before one that is
    /// not needed, so that what another crate turns on takes no caller off its own runtime.
    ///
    /// # Panics
    /// Outside a tokio runtime, if that is the only one that was turned on.
    pub(crate) fn find() -> Self {
        #[cfg(all(feature = "tokio", any(feature = "async-std", feature = "smol")))]
        if let Ok(handle) = ::tokio::runtime::Handle::try_current() {
            return Self::Tokio(handle.into());
        }
        #[cfg(all(feature = "async-std", feature = "smol"))]
        if ::async_std::task::try_current().is_some() {
            return Self::AsyncStd(AsyncStd::global());
        }
        Self::without_context()
    }

    #[cfg(feature = "smol")]
    fn without_context() -> Self {
        Self::Smol(Smol::global())
    }

    #[cfg(all(feature = "async-std", not(feature = "smol")))]
    fn without_context() -> Self {
        Self::AsyncStd(AsyncStd::global())
    }

    #[cfg(not(any(feature = "async-std", feature = "smol")))]
    fn without_context() -> Self {
        Self::Tokio(Tokio::current())
    }
}
