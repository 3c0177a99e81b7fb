//! [`ProxyServer`]: a proxy on a port of the loopback interface.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

use super::{Proxy, ProxyLog, Said, Talk};

/// A [`Proxy`] that connects to whatever is asked of it, until it is dropped. It needs a tokio
/// runtime to start.
#[derive(Debug)]
pub struct ProxyServer {
    address: SocketAddr,
    log: ProxyLog,
    accepting: AbortHandle,
}

/// Where hosts with ports are that nobody but the proxy can find.
type Names = Arc<BTreeMap<String, SocketAddr>>;

impl ProxyServer {
    /// Starts on a port that the system chooses. What is asked for as one of these names, such as
    /// `node.test:80`, is at that address.
    pub async fn start(
        proxy: &Proxy,
        names: impl IntoIterator<Item = (String, SocketAddr)>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let names: Names = Arc::new(names.into_iter().collect());
        let (kind, log) = (proxy.kind, proxy.log());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (names, log) = (names.clone(), log.clone());
                tokio::spawn(async move {
                    // A connection that fails is the client's and the node's to notice.
                    let _ = serve(client, Talk::new(kind), &names, &log).await;
                });
            }
        });
        Ok(Self {
            address,
            log: proxy.log(),
            accepting: accepting.abort_handle(),
        })
    }

    /// Returns its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the hosts and ports that it was asked for so far, in order.
    pub fn asked(&self) -> Vec<String> {
        let log = self.log.lock().expect("nothing panics with a lock held");
        log.clone()
    }
}

impl Drop for ProxyServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    mut client: TcpStream,
    mut talk: Talk,
    names: &Names,
    log: &ProxyLog,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut buffer = [0; 1024];
    let mut heard = 0;
    let authority = loop {
        match talk.hear(&buffer[..heard]) {
            Said::Answer(answer) => client.write_all(&answer).await?,
            Said::Refusal(answer) => return client.write_all(&answer).await,
            Said::Asked(authority) => break authority,
            Said::Nothing => {
                heard = client.read(&mut buffer).await?;
                if heard == 0 {
                    return Ok(());
                }
                continue;
            }
        }
        heard = 0;
    };
    let known = names.get(&authority).copied();
    let connected = match known {
        Some(address) => TcpStream::connect(address).await,
        None => TcpStream::connect(&authority).await,
    };
    Proxy::note(log, authority);
    let Ok(mut node) = connected else {
        return client.write_all(&talk.failed()).await;
    };
    node.set_nodelay(true)?;
    client.write_all(&talk.granted()).await?;
    node.write_all(&talk.into_rest()).await?;
    copy_bidirectional(&mut client, &mut node).await?;
    Ok(())
}
