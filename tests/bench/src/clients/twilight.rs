//! twilight-lavalink, as its documentation says.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::StreamExt;
use lavapool_bench_core::messages::guild_id;
use twilight_lavalink::Lavalink;
use twilight_lavalink::model::IncomingEvent;
use twilight_model::id::Id;

use super::on::On;
use super::{Outcome, Running, Who};
use crate::measure::Arrivals;
use crate::mix::GUILDS;

pub(super) fn start(port: u16, arrivals: Arc<Arrivals>) -> Outcome<Running> {
    let on = On::of(Who::Twilight)?;
    let lavalink = Lavalink::new(Id::new(170_939_974_227_541_168), 1);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let (ready, is_ready) = std::sync::mpsc::channel();
    let node = on.block_on(async {
        let (node, mut events) = lavalink.add(address, "youshallnotpass", None).await?;
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                match event {
                    IncomingEvent::Ready(_) => drop(ready.send(())),
                    IncomingEvent::PlayerUpdate(_)
                    | IncomingEvent::Stats(_)
                    | IncomingEvent::Event(_) => arrivals.count(),
                    _ => {}
                }
            }
        });
        Ok::<_, twilight_lavalink::node::NodeError>(node)
    })?;
    is_ready.recv_timeout(super::WITHIN)?;
    for number in 0..GUILDS {
        lavalink
            .players()
            .get_or_insert(Id::new(guild_id(number)), node.clone());
    }
    Ok(Running::idly((on, lavalink, node)))
}
