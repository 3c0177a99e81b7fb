//! How the fields are written that have no form of their own, or one for the wire that loses
//! something.

use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::error::ConfigError;
use crate::node::NodeConfig;
use crate::protocol::SessionUpdate;
use crate::protocol::plugins::{PoToken, RefreshToken, YoutubeUpdate};
use crate::secret::Secret;

/// A secret, so that whoever looks for them in a line finds it.
#[derive(Serialize, Deserialize)]
pub(crate) struct SecretField {
    secret: String,
}

impl From<Secret> for SecretField {
    fn from(secret: Secret) -> Self {
        Self {
            secret: secret.expose().to_owned(),
        }
    }
}

impl From<SecretField> for Secret {
    fn from(field: SecretField) -> Self {
        field.secret.into()
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.to_string()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = ConfigError;

    fn try_from(uri: String) -> Result<Self, ConfigError> {
        uri.parse()
    }
}

/// A [`NodeConfig`], to be checked again when it is read.
#[derive(Serialize, Deserialize)]
pub(crate) struct NodeFields {
    name: Arc<str>,
    endpoint: Endpoint,
    password: Secret,
    region: Option<Arc<str>>,
    session_id: Option<Secret>,
    headers: Vec<(String, Secret)>,
    heartbeat: Option<Duration>,
    #[serde(with = "maybe")]
    retries: Option<Option<u32>>,
    #[serde(with = "maybe")]
    resume_for: Option<Option<Duration>>,
}

impl From<NodeConfig> for NodeFields {
    fn from(config: NodeConfig) -> Self {
        let header = |(name, value): &(HeaderName, HeaderValue)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), Secret::from(value.into_owned()))
        };
        Self {
            name: config.name().clone(),
            endpoint: config.endpoint().clone(),
            password: config.password().clone(),
            region: config.region_label().cloned(),
            session_id: config.resumed_session().cloned(),
            headers: config.headers().iter().map(header).collect(),
            heartbeat: config.own_heartbeat(),
            retries: config.own_retries(),
            resume_for: config.own_resume_for(),
        }
    }
}

impl TryFrom<NodeFields> for NodeConfig {
    type Error = ConfigError;

    fn try_from(fields: NodeFields) -> Result<Self, ConfigError> {
        let uri = fields.endpoint.to_string();
        let mut config = Self::new(fields.name, &uri, fields.password)?;
        if let Some(label) = fields.region {
            config = config.region(label);
        }
        if let Some(id) = fields.session_id {
            config = config.session_id(id)?;
        }
        for (name, value) in &fields.headers {
            config = config.header(name, value.expose())?;
        }
        if let Some(every) = fields.heartbeat {
            config = config.heartbeat(every)?;
        }
        if let Some(retries) = fields.retries {
            config = config.retries(retries);
        }
        if let Some(resume_for) = fields.resume_for {
            config = config.resume_for(resume_for);
        }
        Ok(config)
    }
}

/// A [`SessionUpdate`] to the nanosecond.
#[derive(Serialize, Deserialize)]
#[serde(remote = "SessionUpdate")]
pub(crate) struct SessionFields {
    resuming: Option<bool>,
    timeout: Option<Duration>,
}

/// A [`YoutubeUpdate`] as it is meant. What is named as a token is a secret, and these are not: the
/// tokens are in them.
#[derive(Serialize, Deserialize)]
#[serde(remote = "YoutubeUpdate")]
pub(crate) struct YoutubeFields {
    #[serde(rename = "login")]
    refresh_token: RefreshToken,
    #[serde(rename = "origin")]
    po_token: PoToken,
}

/// An option of something that can be null itself: `null`, or a list of one.
pub(crate) mod maybe {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|value| [value]).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let value: Option<[T; 1]> = Option::deserialize(deserializer)?;
        Ok(value.map(|[value]| value))
    }
}

/// A number to the last bit, and infinities too.
pub(crate) mod exact {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
        number.to_bits().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

/// The bytes of a seed.
pub(crate) mod hex {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        to.serialize_str(&digits)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let digits = String::deserialize(from)?;
        let wrong = || D::Error::custom("a seed has 64 hexadecimal digits");
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return Err(wrong());
        }
        for (number, byte) in bytes.iter_mut().enumerate() {
            let pair = digits.get(2 * number..2 * number + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(bytes)
    }
}

/// The method of a raw request.
pub(crate) mod method {
    use ::http::Method;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(method: &Method, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(method.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Method, D::Error> {
        let word = String::deserialize(from)?;
        Method::from_bytes(word.as_bytes()).map_err(D::Error::custom)
    }
}

/// A function has no text: what is read knows no node.
pub(crate) mod custom {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::pool::CustomStrategy;

    pub(crate) fn serialize<S: Serializer>(_: &CustomStrategy, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_unit()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<CustomStrategy, D::Error> {
        <()>::deserialize(from)?;
        Ok(Arc::new(|_, _| None))
    }
}
