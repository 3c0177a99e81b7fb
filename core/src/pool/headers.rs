//! What every handshake and every request to a node says about us.

use ::http::uri::PathAndQuery;
use ::http::{HeaderName, HeaderValue, header};

use crate::config::PoolConfig;
use crate::http::HeaderBlock;
use crate::node::{Node, NodeConfig};
use crate::websocket::UpgradeRequest;

/// The parts of the request that asks a node for a WebSocket (Lavalink: Opening a connection).
pub(super) struct Upgrade {
    target: PathAndQuery,
    host: HeaderValue,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Upgrade {
    pub(super) fn new(config: &PoolConfig, node: &Node) -> Self {
        let target = format!("{}/v4/websocket", node.config.endpoint().path_prefix());
        let mut headers = vec![
            (
                header::AUTHORIZATION,
                secret(node.config.password().expose()),
            ),
            (
                HeaderName::from_static("user-id"),
                text(&config.user_id.to_string()),
            ),
            (
                HeaderName::from_static("client-name"),
                text(&config.client_name),
            ),
        ];
        if let Some(session) = &node.session {
            headers.push((
                HeaderName::from_static("session-id"),
                secret(session.id.expose()),
            ));
        }
        headers.extend_from_slice(node.config.headers());
        Self {
            target: PathAndQuery::try_from(target).expect("an endpoint's prefix is a valid path"),
            host: text(&node.config.endpoint().authority()),
            headers,
        }
    }

    pub(super) fn as_request(&self) -> UpgradeRequest<'_> {
        UpgradeRequest {
            target: &self.target,
            host: &self.host,
            headers: &self.headers,
        }
    }
}

/// The headers of every REST request to a node, rendered once.
pub(super) fn rest_headers(config: &NodeConfig) -> HeaderBlock {
    let mut headers = vec![(header::AUTHORIZATION, secret(config.password().expose()))];
    headers.extend_from_slice(config.headers());
    HeaderBlock::new(&text(&config.endpoint().authority()), &headers)
        .expect("a node's configuration refuses reserved headers")
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("the configuration was checked")
}

/// A server's session id that no header can carry is not sent back to it.
fn secret(value: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}
