//! What youtube-source is told at runtime: [`YoutubeUpdate`].

use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::lenient;
use crate::secret::Secret;

/// The answer to `GET /youtube`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct YoutubeConfig {
    /// The token of the Google account that the server is logged in with, if it is.
    pub refresh_token: Option<Secret>,
}

/// What is to become of a server's login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub enum RefreshToken {
    /// It stays.
    #[default]
    Keep,
    /// The server forgets it.
    Forget,
    /// The server forgets it and begins a new login with a code, which it logs for its operator
    /// to enter at Google (`skipInitialization: false`).
    LogIn,
    /// This one is used, as it was got from an earlier login.
    Use(Secret),
}

/// What is to become of a server's proof-of-origin token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub enum PoToken {
    /// It stays.
    #[default]
    Keep,
    /// The server forgets it, and the visitor data with it.
    Forget,
    /// These two are used.
    Use {
        /// The token.
        po_token: Secret,
        /// The visitor data that it belongs to.
        visitor_data: Secret,
    },
}

/// The body of `POST /youtube`. The default changes nothing.
///
/// On the wire an absent token clears one thing and keeps the other; this says what is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct YoutubeUpdate {
    /// The login.
    pub refresh_token: RefreshToken,
    /// The proof-of-origin token.
    pub po_token: PoToken,
}

impl Serialize for YoutubeUpdate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.refresh_token {
            // Only an absent key keeps the token.
            RefreshToken::Keep => {}
            RefreshToken::Forget => map.serialize_entry("refreshToken", "")?,
            RefreshToken::LogIn => {
                map.serialize_entry("refreshToken", "")?;
                map.serialize_entry("skipInitialization", &false)?;
            }
            RefreshToken::Use(token) => {
                map.serialize_entry("refreshToken", token.expose())?;
                map.serialize_entry("skipInitialization", &true)?;
            }
        }
        // An absent or null token clears both; only empty texts keep them.
        match &self.po_token {
            PoToken::Keep => {
                map.serialize_entry("poToken", "")?;
                map.serialize_entry("visitorData", "")?;
            }
            PoToken::Forget => {
                map.serialize_entry("poToken", &())?;
                map.serialize_entry("visitorData", &())?;
            }
            PoToken::Use {
                po_token,
                visitor_data,
            } => {
                map.serialize_entry("poToken", po_token.expose())?;
                map.serialize_entry("visitorData", visitor_data.expose())?;
            }
        }
        map.end()
    }
}

/// The answer to `GET /youtube/oauth/{refreshToken}`: a fresh access token of Google's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct YoutubeToken {
    /// The token.
    #[serde(deserialize_with = "secret")]
    pub access_token: Secret,
    /// How long it is good for.
    #[serde(default, deserialize_with = "seconds")]
    pub expires_in: Duration,
    /// What it allows.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub scope: String,
    /// `Bearer`.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub token_type: String,
}

impl<'de> Deserialize<'de> for YoutubeConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Keys {
            #[serde(default, deserialize_with = "lenient::filled")]
            refresh_token: Option<String>,
        }
        let keys = Keys::deserialize(deserializer)?;
        Ok(Self {
            refresh_token: keys.refresh_token.map(Secret::from),
        })
    }
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret, D::Error> {
    String::deserialize(from).map(Secret::from)
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    lenient::u64_or_zero(from).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(refresh_token: RefreshToken, po_token: PoToken) -> String {
        let update = YoutubeUpdate {
            refresh_token,
            po_token,
        };
        serde_json::to_string(&update).unwrap()
    }

    #[test]
    fn an_update_says_what_is_meant() {
        let kept = r#""poToken":"","visitorData":""}"#;
        assert_eq!(
            written(RefreshToken::Keep, PoToken::Keep),
            format!("{{{kept}")
        );
        let forget = written(RefreshToken::Forget, PoToken::Keep);
        assert_eq!(forget, format!(r#"{{"refreshToken":"",{kept}"#));
        let log_in = written(RefreshToken::LogIn, PoToken::Keep);
        let expected = format!(r#"{{"refreshToken":"","skipInitialization":false,{kept}"#);
        assert_eq!(log_in, expected);
        let token = RefreshToken::Use("1//r".into());
        let both = PoToken::Use {
            po_token: "p".into(),
            visitor_data: "v".into(),
        };
        assert_eq!(
            written(token, both),
            r#"{"refreshToken":"1//r","skipInitialization":true,"poToken":"p","visitorData":"v"}"#
        );
        assert_eq!(
            written(RefreshToken::Keep, PoToken::Forget),
            r#"{"poToken":null,"visitorData":null}"#
        );
    }

    #[test]
    fn tokens_are_read_and_never_printed() {
        let config: YoutubeConfig = serde_json::from_str(r#"{"refreshToken":"1//r"}"#).unwrap();
        assert_eq!(config.refresh_token.as_ref().unwrap().expose(), "1//r");
        for text in ["{}", r#"{"refreshToken":null}"#, r#"{"refreshToken":""}"#] {
            let config: YoutubeConfig = serde_json::from_str(text).unwrap();
            assert_eq!(config, YoutubeConfig::default());
        }
        let text = r#"{"access_token":"ya29","expires_in":"3599","scope":"s","token_type":"B"}"#;
        let token: YoutubeToken = serde_json::from_str(text).unwrap();
        assert_eq!(token.expires_in, Duration::from_secs(3_599));
        assert!(!format!("{config:?} {token:?}").contains("ya29"));
        assert!(!format!("{config:?}").contains("1//r"));
    }
}
