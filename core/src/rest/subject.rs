//! Whose player a request is about.

use crate::protocol::GuildId;
use crate::rest::{PluginRequest, Request};

impl Request {
    /// The guild whose player the request changes, past what the pool knows of it: no update of
    /// that player may be on its way at the same time, and those that are asked for before and
    /// after take effect before and after.
    pub fn changes_player(&self) -> Option<GuildId> {
        match self {
            Self::UpdatePlayer { guild, .. } | Self::DestroyPlayer(guild) => Some(*guild),
            Self::Raw { method, path, .. } => Some(path)
                .filter(|_| !method.is_safe())
                .and_then(|path| guild_in(path)),
            Self::Plugin(
                PluginRequest::SetCategories { guild, .. } | PluginRequest::ClearCategories(guild),
            ) => Some(*guild),
            // A subscription to lyrics changes nothing of how a player plays.
            Self::Plugin(_)
            | Self::LoadTracks { .. }
            | Self::DecodeTrack { .. }
            | Self::DecodeTracks(_)
            | Self::Players
            | Self::Player(_)
            | Self::UpdateSession(_)
            | Self::Info
            | Self::Stats
            | Self::Version
            | Self::RoutePlannerStatus
            | Self::FreeAddress(_)
            | Self::FreeAllAddresses => None,
        }
    }
}

/// The guild of a path like `/v4/sessions/{session}/players/1/...`.
fn guild_in(path: &str) -> Option<GuildId> {
    let (path, _query) = path.split_once('?').unwrap_or((path, ""));
    let (_, rest) = path.split_once("/players/")?;
    let guild = rest.split('/').next()?;
    GuildId::new(guild.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn raw(method: Method, path: &str) -> Option<GuildId> {
        let request = Request::Raw {
            method,
            path: path.to_owned(),
            body: None,
        };
        request.changes_player()
    }

    #[test]
    fn a_raw_request_names_its_player_in_its_path() {
        let path = "/v4/sessions/{session}/players/42";
        assert_eq!(raw(Method::PATCH, path), GuildId::new(42));
        let plugin = "/v4/sessions/{session}/players/42/sponsorblock/categories?x=/players/7";
        assert_eq!(raw(Method::PUT, plugin), GuildId::new(42));
        assert_eq!(raw(Method::GET, path), None);
        assert_eq!(
            raw(Method::POST, "/v4/sessions/{session}/players/none"),
            None
        );
        assert_eq!(raw(Method::POST, "/v4/plugin?players/42"), None);
    }
}
