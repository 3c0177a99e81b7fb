//! [`TlsFault`]: what can be wrong with a server that is to speak TLS, and [`Spoiler`] for what
//! goes wrong later.

use std::sync::{Arc, Mutex};

use lavapool::TlsFailure;
use rcgen::{DnType, ExtendedKeyUsagePurpose, date_time_ymd};

use super::{Authority, Identity, TlsServer};
use crate::node::{Front, Fronts, How, Passed};

/// A server with a fault, and what a client is to say of it that trusts one authority.
#[derive(Debug)]
pub struct TlsFault {
    /// The fault in words.
    pub what: &'static str,
    /// The scheme of the URI that the client is configured with.
    pub scheme: &'static str,
    /// What stands before the node, if anything.
    pub front: Option<Fronts>,
    /// What the client is to say.
    pub failure: TlsFailure,
}

impl TlsFault {
    /// One of each, for a client that trusts this authority and asks for this host.
    pub fn all(ours: &Authority, host: &str) -> Vec<Self> {
        let whole = || TlsServer::new(ours.issue(&[host]));
        let secure = |what, front, failure| Self {
            what,
            scheme: "https",
            front: Some(front),
            failure,
        };
        let mut all: Vec<_> = identities(ours, host)
            .into_iter()
            .map(|(what, shown, failure)| secure(what, TlsServer::new(shown).front(), failure))
            .collect();
        for (what, said, failure) in sentences() {
            all.push(secure(what, says(said), failure));
        }
        let http2 = whole().protocols(&["h2"]).front();
        all.push(secure(
            "HTTP/2 only",
            http2,
            TlsFailure::Refused { alert: 120 },
        ));
        all.push(Self {
            what: "a node without TLS behind https",
            scheme: "https",
            front: None,
            failure: TlsFailure::NotTls,
        });
        let plain = |what, front| Self {
            what,
            scheme: "http",
            front: Some(front),
            failure: TlsFailure::OnlyTls,
        };
        all.push(plain("a server of TLS behind http", whole().front()));
        all.extend(pages().map(|(what, page)| plain(what, says(page))));
        all
    }
}

/// Certificates that cannot be trusted.
fn identities(ours: &Authority, host: &str) -> [(&'static str, Identity, TlsFailure); 9] {
    let expired = ours.issue_with(&[host], |params| {
        params.not_after = date_time_ymd(2001, 1, 1);
    });
    let early = ours.issue_with(&[host], |params| {
        params.not_before = date_time_ymd(4000, 1, 1);
    });
    let no_server = ours.issue_with(&[host], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let foreign = Authority::new("theirs").issue(&[host]);
    let elsewhere = ours.issue(&["other", "10.0.0.1"]);
    let own = Identity::self_signed(&[host]);
    let own_authority = Identity::self_signed_authority(&[host]);
    let own_expired = Identity::self_signed_with(&[host], |params| {
        params.not_after = date_time_ymd(2001, 1, 1);
    });
    // Its authority is known, whatever they are both called.
    let namesake = ours.issue_with(&[host], |params| {
        params.not_after = date_time_ymd(2001, 1, 1);
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, ours.name());
    });
    [
        ("another authority", foreign, TlsFailure::UnknownAuthority),
        ("nobody's signature", own, TlsFailure::SelfSigned),
        ("its own authority", own_authority, TlsFailure::SelfSigned),
        ("nobody's expired one", own_expired, TlsFailure::SelfSigned),
        ("an authority's namesake", namesake, TlsFailure::Expired),
        ("an expired one", expired, TlsFailure::Expired),
        ("one for later", early, TlsFailure::NotYetValid),
        ("another host's", elsewhere, TlsFailure::WrongHost),
        ("a client's", no_server, TlsFailure::InvalidCertificate),
    ]
}

/// What is no handshake of a server's.
fn sentences() -> [(&'static str, &'static [u8], TlsFailure); 7] {
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let refused = TlsFailure::Refused { alert: 40 };
    // The hello of a server that has TLS 1.1 at most.
    let old = b"\x16\x03\x02\0\x2a\x02\0\0\x26\x03\x02\
        thirty-two bytes drawn by chance\0\0\x2f\0";
    [
        ("an answer of HTTP", http, TlsFailure::NotTls),
        ("a hello of TLS 1.1", old, TlsFailure::Incompatible),
        (
            "an unknown message",
            &[22, 3, 3, 0, 4, 99, 0, 0, 0],
            TlsFailure::Violation,
        ),
        (
            "a record without end",
            &[22, 3, 3, 255, 255, 0],
            TlsFailure::Violation,
        ),
        ("an alert", &[21, 3, 3, 0, 2, 2, 40], refused),
        (
            "a handshake that is cut off",
            &[22, 3, 3, 0, 80, 2, 0],
            TlsFailure::HandshakeCut,
        ),
        ("an end at once", b"", TlsFailure::HandshakeCut),
    ]
}

/// How servers of TLS answer a request without it that have a page for that.
fn pages() -> [(&'static str, &'static [u8]); 3] {
    let apache = b"HTTP/1.1 400 Bad Request\r\nServer: Apache/2.4.62 (Debian)\r\n\
        Content-Length: 150\r\nConnection: close\r\n\r\n\
        <p>Your browser sent a request that this server could not understand.<br />\n\
        Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />\n";
    let go = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let nginx = b"HTTP/1.1 400 Bad Request\r\nServer: nginx/1.26.3\r\nContent-Length: 61\r\n\
        Connection: close\r\n\r\n\
        <title>400 The plain HTTP request was sent to HTTPS port</title>";
    [
        ("the page of Apache", apache),
        ("the page of a server in Go", go),
        ("the page of nginx", nginx),
    ]
}

/// What says this as soon as it is spoken to, and ends the connection.
pub fn says(bytes: &'static [u8]) -> Fronts {
    Fronts::new(move || Box::new(Script(Some(bytes))))
}

/// What hears everything and says nothing.
pub fn silent() -> Fronts {
    Fronts::new(|| Box::new(Script(None)))
}

/// Says something else than what is behind it, when it is told to.
#[derive(Clone, Debug, Default)]
pub struct Spoiler(Arc<Mutex<Option<&'static [u8]>>>);

impl Spoiler {
    /// Stands before this.
    pub fn before(&self, whole: Fronts) -> Fronts {
        let spoiler = self.clone();
        Fronts::new(move || Box::new(Spoiled(whole.make(), spoiler.clone())))
    }

    /// What is said from now on in place of whatever comes; `None` for nothing else than that.
    pub fn say(&self, instead: Option<&'static [u8]>) {
        let mut said = self.0.lock().expect("nothing panics with a lock held");
        *said = instead;
    }

    fn instead(&self) -> Option<&'static [u8]> {
        *self.0.lock().expect("nothing panics with a lock held")
    }
}

struct Spoiled(Box<dyn Front>, Spoiler);

impl Front for Spoiled {
    fn client_sent(&mut self, bytes: &[u8]) -> Passed {
        self.0.client_sent(bytes)
    }

    fn node_sent(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let said = self.0.node_sent(bytes);
        self.1.instead().map_or(said, <[u8]>::to_vec)
    }

    fn node_ended(&mut self) -> Vec<u8> {
        // Once is enough.
        match self.1.instead() {
            Some(_) => Vec::new(),
            None => self.0.node_ended(),
        }
    }
}

/// A server of one sentence, or of none.
struct Script(Option<&'static [u8]>);

impl Front for Script {
    fn client_sent(&mut self, _: &[u8]) -> Passed {
        Passed {
            to_node: Vec::new(),
            to_client: self.0.unwrap_or_default().to_vec(),
            ends: self.0.map(|_| How::Fin),
        }
    }

    fn node_sent(&mut self, _: Vec<u8>) -> Vec<u8> {
        Vec::new()
    }
}
