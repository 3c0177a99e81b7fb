//! [`NodeConfig`]: what is known of a node before it is dialled.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderName, HeaderValue};

use crate::endpoint::Endpoint;
use crate::error::ConfigError;
use crate::http::HeaderBlock;
use crate::secret::Secret;

/// A node of the pool, and what a change of its answers to: its id, and the name it was given.
///
/// It prints as the name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeRef {
    /// The id, which is never reused.
    pub id: crate::NodeId,
    /// The name it was configured with.
    pub name: Arc<str>,
}

impl fmt::Debug for NodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)
    }
}

impl fmt::Display for NodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// What is known of a node before it is dialled.
///
/// ```
/// use lavapool_core::node::NodeConfig;
///
/// let config = NodeConfig::new("eu", "https://eu.music.example", "youshallnotpass")?
///     .region("eu")
///     .header("X-Team", "music")?;
/// assert_eq!(config.endpoint().port(), 443);
/// # Ok::<(), lavapool_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "recording",
    serde(
        into = "crate::recording::NodeFields",
        try_from = "crate::recording::NodeFields"
    )
)]
pub struct NodeConfig {
    name: Arc<str>,
    endpoint: Endpoint,
    password: Secret,
    region: Option<Arc<str>>,
    session_id: Option<Secret>,
    headers: Vec<(HeaderName, HeaderValue)>,
    heartbeat: Option<Duration>,
    retries: Option<Option<u32>>,
    resume_for: Option<Option<Duration>>,
}

impl NodeConfig {
    /// A node called `name` at a URI such as `http://localhost:2333`, `host:port` or
    /// `https://music.example/prefix`. This password counts, whatever the URI holds.
    ///
    /// # Errors
    /// [`ConfigError::EmptyName`], [`ConfigError::InvalidUri`] or
    /// [`ConfigError::InvalidPassword`].
    pub fn new(
        name: impl Into<Arc<str>>,
        uri: &str,
        password: impl Into<Secret>,
    ) -> Result<Self, ConfigError> {
        let (endpoint, userinfo) = Endpoint::parse(uri)?;
        Self::checked(name.into(), endpoint, password.into(), userinfo.region)
    }

    /// A node called `name` whose URI holds the password too, and the region if it has one:
    /// `http://:youshallnotpass@localhost:2333?region=eu`.
    ///
    /// Without a password it is Lavalink's default, `youshallnotpass`.
    ///
    /// # Errors
    /// As [`NodeConfig::new`].
    pub fn from_uri(name: impl Into<Arc<str>>, uri: &str) -> Result<Self, ConfigError> {
        let (endpoint, userinfo) = Endpoint::parse(uri)?;
        let password = userinfo
            .password
            .unwrap_or_else(|| "youshallnotpass".into());
        Self::checked(name.into(), endpoint, password, userinfo.region)
    }

    fn checked(
        name: Arc<str>,
        endpoint: Endpoint,
        password: Secret,
        region: Option<String>,
    ) -> Result<Self, ConfigError> {
        if name.trim().is_empty() {
            return Err(ConfigError::EmptyName);
        }
        if HeaderValue::from_str(password.expose()).is_err() {
            return Err(ConfigError::InvalidPassword { name });
        }
        let region = region.filter(|label| !label.is_empty()).map(Arc::from);
        Ok(Self {
            name,
            endpoint,
            password,
            region,
            session_id: None,
            headers: Vec::new(),
            heartbeat: None,
            retries: None,
            resume_for: None,
        })
    }

    /// Turns TLS on or off, whatever the scheme said.
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.endpoint = self.endpoint.secure(secure);
        self
    }

    /// The region that the node is in, as [`region`](crate::region) names them: a coarse label
    /// such as `eu`, a fine one such as `frankfurt`, or one of the families `us-*`, `eu-*`.
    #[must_use]
    pub fn region(mut self, label: impl Into<Arc<str>>) -> Self {
        self.region = Some(label.into());
        self
    }

    /// A session of an earlier process, to be resumed by the first handshake
    /// (Lavalink: Session resuming).
    ///
    /// Until it has told its players, players that are new to this process are put on no node, for
    /// [`healthy_within`](crate::Timing::healthy_within) at most, unless the application names one.
    ///
    /// # Errors
    /// [`ConfigError::InvalidSessionId`].
    pub fn session_id(mut self, id: impl Into<Secret>) -> Result<Self, ConfigError> {
        let id = id.into();
        if HeaderValue::from_str(id.expose()).is_err() {
            return Err(ConfigError::InvalidSessionId { name: self.name });
        }
        self.session_id = Some(id);
        Ok(self)
    }

    /// A header to send with every request, the upgrade included.
    ///
    /// # Errors
    /// [`ConfigError::InvalidHeader`] if HTTP does not allow it, or if it is one that the
    /// handshake or the framing of a request sets itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, ConfigError> {
        let invalid = || ConfigError::InvalidHeader {
            name: name.to_owned(),
        };
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        if RESERVED.contains(&header.as_str()) || HeaderBlock::reserves(&header) {
            return Err(invalid());
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        value.set_sensitive(true);
        self.headers.push((header, value));
        Ok(self)
    }

    /// Sets the time between two WebSocket pings to this node. Default
    /// [`Timing::heartbeat`](crate::Timing::heartbeat), 30 s (RevvLink: Creating Nodes).
    ///
    /// # Errors
    /// [`ConfigError::HeartbeatTooShort`] if it is shorter than [`Self::HEARTBEAT_MIN`].
    pub fn heartbeat(mut self, every: Duration) -> Result<Self, ConfigError> {
        if every < Self::HEARTBEAT_MIN {
            return Err(ConfigError::HeartbeatTooShort {
                min: Self::HEARTBEAT_MIN,
            });
        }
        self.heartbeat = Some(every);
        Ok(self)
    }

    /// The shortest time between two pings.
    pub const HEARTBEAT_MIN: Duration = Duration::from_secs(1);

    /// Sets how many tries in a row to connect to this node may fail before it is given up;
    /// `None` is without end. Default [`ReconnectPolicy::retries`] of the pool.
    #[must_use]
    pub fn retries(mut self, retries: impl Into<Option<u32>>) -> Self {
        self.retries = Some(retries.into());
        self
    }

    /// Sets for how long this node keeps the session, and the music, of a lost connection; `None`
    /// is not at all. Default [`PoolConfig::resume_for`](crate::PoolConfig::resume_for), 60 s.
    #[must_use]
    pub fn resume_for(mut self, resume_for: impl Into<Option<Duration>>) -> Self {
        self.resume_for = Some(resume_for.into());
        self
    }

    /// The name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The address.
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The password.
    pub const fn password(&self) -> &Secret {
        &self.password
    }

    /// The region's label, as configured.
    pub fn region_label(&self) -> Option<&Arc<str>> {
        self.region.as_ref()
    }

    /// The session to resume first.
    pub const fn resumed_session(&self) -> Option<&Secret> {
        self.session_id.as_ref()
    }

    /// The time between two pings, if it is not the pool's.
    pub const fn own_heartbeat(&self) -> Option<Duration> {
        self.heartbeat
    }

    /// How many tries in a row may fail, if it is not the pool's word that counts.
    pub const fn own_retries(&self) -> Option<Option<u32>> {
        self.retries
    }

    /// For how long the session is kept, if it is not the pool's word that counts.
    pub const fn own_resume_for(&self) -> Option<Option<Duration>> {
        self.resume_for
    }

    /// The extra headers, in the order in which they were added.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }
}

/// When a lost node is dialled again.
///
/// The default is `min(try × 2 s, 30 s)`, the first try at once, without end
/// (DisGoLink: Automatic Reconnection).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct ReconnectPolicy {
    /// What is added from one try to the next. Default 2 s.
    pub step: Duration,
    /// The longest delay. Default 30 s.
    pub delay_max: Duration,
    /// Whether the delay doubles from `step` on, where the default adds `step`.
    pub exponential: bool,
    /// The share of the delay by which chance shortens it, in percent. Default 0.
    pub jitter_percent: u8,
    /// How many tries in a row may fail. Default `None`: without end.
    pub retries: Option<u32>,
}

impl Default for ReconnectPolicy {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(2),
            delay_max: Duration::from_secs(30),
            exponential: false,
            jitter_percent: 0,
            retries: None,
        }
    }
}

impl ReconnectPolicy {
    /// The delay before the numbered try, jitter aside. Try 0 has none.
    ///
    /// ```
    /// use std::time::Duration;
    /// use lavapool_core::node::ReconnectPolicy;
    ///
    /// let policy = ReconnectPolicy::default();
    /// let delays = [0, 1, 2, 15, 16].map(|attempt| policy.delay(attempt).as_secs());
    /// assert_eq!(delays, [0, 2, 4, 30, 30]);
    /// ```
    pub fn delay(&self, attempt: u32) -> Duration {
        let delay = match (self.exponential, attempt) {
            (_, 0) => Duration::ZERO,
            (true, _) => {
                let factor = 1_u32
                    .checked_shl(attempt.saturating_sub(1))
                    .unwrap_or(u32::MAX);
                self.step.saturating_mul(factor)
            }
            (false, _) => self.step.saturating_mul(attempt),
        };
        mark!(DelayCapped if delay >= self.delay_max);
        delay.min(self.delay_max)
    }
}

/// Headers that say who we are, beside those that the connection itself sets.
const RESERVED: [&str; 5] = [
    "authorization",
    "client-name",
    "origin",
    "session-id",
    "user-id",
];
