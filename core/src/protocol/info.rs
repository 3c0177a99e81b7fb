//! What a node is and can do: [`Info`].

use serde::{Deserialize, Serialize};

use super::lenient;

/// The answer to `GET /v4/info`. Every key may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Info {
    /// The server's version.
    #[serde(deserialize_with = "lenient::or_default")]
    pub version: Version,
    /// When it was built, in milliseconds since 1970; 0 or -1 if unknown.
    #[serde(deserialize_with = "lenient::i64_or_zero")]
    pub build_time: i64,
    /// What it was built from.
    #[serde(deserialize_with = "lenient::or_default")]
    pub git: Git,
    /// The version of Java.
    #[serde(deserialize_with = "lenient::or_default")]
    pub jvm: String,
    /// The version of lavaplayer.
    #[serde(deserialize_with = "lenient::or_default")]
    pub lavaplayer: String,
    /// The sources that are switched on, such as `youtube`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub source_managers: Vec<String>,
    /// The filters that are switched on, those of plugins too.
    #[serde(deserialize_with = "lenient::or_default")]
    pub filters: Vec<String>,
    /// The plugins.
    #[serde(deserialize_with = "lenient::or_default")]
    pub plugins: Vec<Plugin>,
    /// Whether the server is NodeLink: it cannot resume sessions.
    #[serde(rename = "isNodeLink", deserialize_with = "lenient::or_default")]
    pub is_nodelink: bool,
}

impl Info {
    /// What the node can do, as `source:NAME`, `filter:NAME` and `plugin:NAME`
    /// (Moonlink: capabilities).
    ///
    /// ```
    /// use lavapool_core::protocol::Info;
    ///
    /// let json = r#"{"sourceManagers":["http"],"filters":["volume"],"plugins":[]}"#;
    /// let info: Info = serde_json::from_str(json)?;
    /// assert_eq!(info.capabilities().collect::<Vec<_>>(), ["source:http", "filter:volume"]);
    /// assert!(info.has_source("http") && !info.has_source("youtube"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn capabilities(&self) -> impl Iterator<Item = String> {
        let sources = self
            .source_managers
            .iter()
            .map(|name| format!("source:{name}"));
        let filters = self.filters.iter().map(|name| format!("filter:{name}"));
        let plugins = self
            .plugins
            .iter()
            .map(|plugin| format!("plugin:{}", plugin.name));
        sources.chain(filters).chain(plugins)
    }

    /// Whether the node has a source of this name.
    pub fn has_source(&self, name: &str) -> bool {
        self.source_managers.iter().any(|source| source == name)
    }
}

/// A version; `semver` is right where the numbers are 0.0.0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Version {
    /// The whole version, such as `4.2.2`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub semver: String,
    /// The first number.
    #[serde(deserialize_with = "lenient::u32_or_zero")]
    pub major: u32,
    /// The second number.
    #[serde(deserialize_with = "lenient::u32_or_zero")]
    pub minor: u32,
    /// The third number.
    #[serde(deserialize_with = "lenient::u32_or_zero")]
    pub patch: u32,
    /// What follows a `-`; none of a release.
    #[serde(deserialize_with = "lenient::filled")]
    pub pre_release: Option<String>,
    /// What follows a `+`; no server is known to send it.
    #[serde(deserialize_with = "lenient::filled")]
    pub build: Option<String>,
}

/// What a server was built from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Git {
    /// The branch.
    #[serde(deserialize_with = "lenient::or_default")]
    pub branch: String,
    /// The commit, short.
    #[serde(deserialize_with = "lenient::or_default")]
    pub commit: String,
    /// When the commit was made, in milliseconds since 1970; 0 or -1 if unknown.
    #[serde(deserialize_with = "lenient::i64_or_zero")]
    pub commit_time: i64,
}

/// A plugin of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct Plugin {
    /// Its name, such as `lavasrc-plugin`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub name: String,
    /// Its version.
    #[serde(deserialize_with = "lenient::or_default")]
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodelink_is_known_by_its_info() {
        let json = r#"{"version":{"semver":"2.3.0","major":"2","minor":"3","patch":"0",
            "preRelease":""},"buildTime":-1,"git":{"branch":"main","commit":"unknown",
            "commitTime":-1},"nodejs":"v20.20.2","isNodeLink":true,"jvm":"0.0.0",
            "lavaplayer":"0.0.0","sourceManagers":["http"],"filters":["volume"],"plugins":[]}"#;
        let expected = Info {
            version: Version {
                semver: "2.3.0".into(),
                major: 2,
                minor: 3,
                patch: 0,
                pre_release: None,
                build: None,
            },
            build_time: -1,
            git: Git {
                branch: "main".into(),
                commit: "unknown".into(),
                commit_time: -1,
            },
            jvm: "0.0.0".into(),
            lavaplayer: "0.0.0".into(),
            source_managers: vec!["http".into()],
            filters: vec!["volume".into()],
            plugins: vec![],
            is_nodelink: true,
        };
        assert_eq!(serde_json::from_str::<Info>(json).unwrap(), expected);
    }

    #[test]
    fn info_may_lack_everything() {
        assert_eq!(serde_json::from_str::<Info>("{}").unwrap(), Info::default());
        let nulls = r#"{"version":null,"git":null,"plugins":null,"filters":null}"#;
        assert_eq!(
            serde_json::from_str::<Info>(nulls).unwrap(),
            Info::default()
        );
    }
}
