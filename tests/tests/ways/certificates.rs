//! Whom a client trusts, and what it says of those whom it does not.

use std::sync::Arc;

use lavapool::TlsError;
use lavapool_tests::tls::faults::TlsFault;
use lavapool_tests::tls::{Identity, TlsServer};
use rcgen::date_time_ymd;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{GetRandomFailed, SecureRandom, ring};
use rustls::pki_types::CertificateRevocationListDer;

use super::*;

#[test]
fn a_server_that_cannot_be_trusted_or_is_none_is_told_by_its_fault() {
    let ours = Authority::new("ours");
    for fault in TlsFault::all(&ours, "main") {
        let client = client_of(&format!("{}://main:2333", fault.scheme), &ours);
        SimRuntime::run(|sim| async move {
            let mut config = node::NodeConfig::new("main");
            config.front = fault.front;
            sim.add_node("main", config);
            let loss = loss_of(&sim, client).await;
            assert_eq!(loss, tls(fault.failure), "{}", fault.what);
            let handshakes = sim.with("main", |node| node.log().handshakes.len());
            assert_eq!(handshakes, 0, "nothing is said to whom is not trusted");
        });
    }
}

#[test]
fn the_error_of_a_start_says_what_is_wrong_with_a_certificate() {
    SimRuntime::run(|sim| async move {
        let front = TlsServer::new(Identity::self_signed(&["main"])).front();
        add(&sim, front);

        let builder = client_of("https://main:2333", &Authority::new("ours"));
        let error = builder.connect_on(sim).await.unwrap_err();

        let sentence = "no node is connected: main (https://main:2333): \
            the certificate is self-signed";
        assert_eq!(error.to_string(), sentence);
    });
}

#[test]
fn a_node_whose_certificate_was_renewed_is_connected_on_schedule() {
    SimRuntime::run(|sim| async move {
        let ours = Authority::new("ours");
        let expired = ours.issue_with(&["main"], |params| {
            params.not_after = date_time_ymd(2001, 1, 1);
        });
        add(&sim, TlsServer::new(expired).front());
        let client = client_of("https://main:2333", &ours);
        let client = client.start_on(sim.clone()).unwrap();
        sim.sleep(Duration::from_secs(3)).await;
        let renewed = TlsServer::new(ours.issue(&["main"])).front();

        sim.with("main", |node| node.config().front = Some(renewed));

        client.node("main").unwrap().ready().await.unwrap();
        assert!(sim.elapsed() < Duration::from_secs(10), "{sim:?}");
    });
}

#[test]
fn a_server_that_wants_a_certificate_gets_the_one_that_was_given() {
    SimRuntime::run(|sim| async move {
        let ours = Authority::new("ours");
        let server = TlsServer::with_clients_of(ours.issue(&["main"]), &ours);
        let log = server.log();
        add(&sim, server.front());

        let without = loss_of(&sim, client_of("https://main:2333", &ours)).await;
        let bot = ours.issue(&["bot"]);
        let tls_with = trusting(&ours).client_certificate_pem(&bot.pem, &bot.key_pem);
        let client = client_of("https://main:2333", &ours).tls(tls_with.unwrap());
        client.connect_on(sim.clone()).await.unwrap();

        assert_eq!(without, tls(TlsFailure::Refused { alert: 116 }));
        assert!(log.to_vec().last().unwrap().has_certificate);
    });
}

#[test]
fn a_self_signed_certificate_is_trusted_when_it_is_given_unless_it_is_an_authoritys() {
    for (is_authority, expected) in [(false, None), (true, tls(TlsFailure::InvalidCertificate))] {
        SimRuntime::run(|sim| async move {
            let own = if is_authority {
                Identity::self_signed_authority(&["main"])
            } else {
                Identity::self_signed(&["main"])
            };
            let trusting = Tls::new().without_platform_roots().root_pem(&own.pem);
            add(&sim, TlsServer::new(own).front());

            let client = builder().tls(trusting.unwrap()).node(config_of_main());

            assert_eq!(loss_of(&sim, client).await, expected);
        });
    }
}

#[test]
fn a_self_signed_certificate_that_was_made_anew_is_not_the_one_that_was_given() {
    SimRuntime::run(|sim| async move {
        let given = Identity::self_signed(&["main"]);
        let trusting = Tls::new().without_platform_roots().root_pem(&given.pem);
        add(
            &sim,
            TlsServer::new(Identity::self_signed(&["main"])).front(),
        );

        let client = builder().tls(trusting.unwrap()).node(config_of_main());

        assert_eq!(loss_of(&sim, client).await, tls(TlsFailure::SelfSigned));
    });
}

#[test]
fn settings_that_contradict_each_other_are_refused_before_anything_is_dialled() {
    SimRuntime::run(|sim| async move {
        let ours = Authority::new("ours");
        add(&sim, TlsServer::new(ours.issue(&["main"])).front());
        let (bot, other) = (ours.issue(&["bot"]), ours.issue(&["other"]));
        let mixed = trusting(&ours).client_certificate_pem(&bot.pem, &other.key_pem);

        let builder = client_of("https://main:2333", &ours).tls(mixed.unwrap());
        let error = builder.connect_on(sim.clone()).await.unwrap_err();

        let (node, error_of_tls) = ("main".into(), TlsError::KeyMismatch);
        let expected = ConnectError::Tls {
            node,
            error: error_of_tls,
        };
        assert_eq!((error, sim.elapsed()), (expected, Duration::ZERO));
        let nobody = Tls::new().without_platform_roots();
        assert_eq!(nobody.check(), Err(TlsError::NoRoots));
        let not_pem = Tls::new().root_pem("authority").map(drop);
        assert_eq!(not_pem, Err(TlsError::NoCertificate));
    });
}

#[test]
fn settings_that_cannot_be_read_are_refused_by_the_call_that_gives_them() {
    let bot = Authority::new("ours").issue(&["bot"]);
    let empty = |what| format!("-----BEGIN {what}-----\nAAAA\n-----END {what}-----\n");
    let table = [
        (
            Tls::new().client_certificate_pem(&bot.pem, "key"),
            TlsError::InvalidKey,
        ),
        (
            Tls::new().client_certificate_der([vec![7]], [7]),
            TlsError::InvalidKey,
        ),
        (
            Tls::new().client_certificate_pem("chain", &bot.key_pem),
            TlsError::NoCertificate,
        ),
        (
            Tls::new().client_certificate_der([], [7]),
            TlsError::NoCertificate,
        ),
        (
            Tls::new().root_pem(empty("CERTIFICATE")),
            TlsError::InvalidCertificate,
        ),
        (
            Tls::new().server_name("two names"),
            TlsError::InvalidServerName,
        ),
    ];
    for (given, error) in table {
        assert_eq!(given.map(drop), Err(error));
    }
    // It is a text of a key, but what is in it is none.
    let no_key =
        trusting(&Authority::new("ours")).client_certificate_pem(&bot.pem, empty("PRIVATE KEY"));
    assert_eq!(no_key.unwrap().check(), Err(TlsError::InvalidKey));
}

#[test]
fn a_node_has_the_trust_that_belongs_to_its_name() {
    SimRuntime::run(|sim| async move {
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        add(&sim, TlsServer::new(theirs.issue(&["elsewhere"])).front());
        let client = client_of("https://main:2333", &ours);
        let client = client.start_on(sim.clone()).unwrap();
        sim.sleep(Duration::from_secs(1)).await;
        let node = client.node("main").unwrap();
        assert_eq!(node.view().loss, tls(TlsFailure::UnknownAuthority));

        let by_name = trusting(&theirs).server_name("elsewhere").unwrap();
        let transport = lavapool::Transport::new().tls(by_name);
        client.set_transport("main", transport).unwrap();

        node.reconnect().await.unwrap();
    });
}

#[test]
fn a_configuration_of_rustls_itself_serves_too() {
    SimRuntime::run(|sim| async move {
        let ours = Authority::new("ours");
        let server = TlsServer::tls12(ours.issue(&["main"]));
        let log = server.log();
        add(&sim, server.front());

        let whole = whole(&ours, Vec::new());
        let client = builder().tls(whole).node(config_of_main());
        client.connect_on(sim).await.unwrap();

        let record = &log.to_vec()[0];
        assert_eq!((record.agreed, record.protocol.as_deref()), (true, None));
    });
}

#[test]
fn a_certificate_that_was_taken_back_is_told_where_lists_of_those_are_asked() {
    let ours = Authority::new("ours");
    for (serial, expected) in [(7, tls(TlsFailure::Revoked)), (8, None)] {
        let numbered = ours.issue_with(&["main"], |params| {
            params.serial_number = Some(serial.into());
        });
        let asking = whole(&ours, vec![ours.revoking(7).into()]);
        SimRuntime::run(|sim| async move {
            add(&sim, TlsServer::new(numbered).front());

            let client = builder().tls(asking).node(config_of_main());

            assert_eq!(loss_of(&sim, client).await, expected);
        });
    }
}

/// A configuration of rustls itself, which asks these lists.
fn whole(ours: &Authority, lists: Vec<CertificateRevocationListDer<'static>>) -> Tls {
    let provider = Arc::new(ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ours.der().into()).unwrap();
    let checks = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
        .with_crls(lists)
        .build();
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_webpki_verifier(checks.unwrap())
        .with_no_client_auth();
    Arc::new(config).into()
}

#[test]
fn what_fails_on_our_side_is_not_put_down_to_the_server() {
    let ours = Authority::new("ours");
    let mut provider = ring::default_provider();
    provider.secure_random = &NoChance;
    let without_chance = trusting(&ours).provider(provider);
    let table = [
        (without_chance, "main", TlsFailure::Failed),
        // A system may know such a name, but no certificate could.
        (trusting(&ours), "main..test", TlsFailure::InvalidHost),
    ];
    for (tls_of_node, host, failure) in table {
        let front = TlsServer::new(ours.issue(&["main"])).front();
        SimRuntime::run(|sim| async move {
            let mut config_of_node = node::NodeConfig::new(host);
            config_of_node.front = Some(front);
            sim.add_node(host, config_of_node);

            let client = builder().tls(tls_of_node);
            let client = client.node(config(&format!("https://{host}:2333")));

            assert_eq!(loss_of(&sim, client).await, tls(failure));
        });
    }
}

/// A system that has run out of randomness.
#[derive(Debug)]
struct NoChance;

impl SecureRandom for NoChance {
    fn fill(&self, _: &mut [u8]) -> Result<(), GetRandomFailed> {
        Err(GetRandomFailed)
    }
}

#[test]
fn the_cryptography_that_was_given_is_used() {
    let ours = Authority::new("ours");
    let only = |suite| {
        let mut provider = ring::default_provider();
        provider.cipher_suites = vec![suite];
        trusting(&ours).provider(provider)
    };
    let newest = || only(ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256);
    let old = only(ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256);
    let of_tls12 = || TlsServer::tls12(ours.issue(&["main"]));
    let alert_of_a_version = tls(TlsFailure::Refused { alert: 70 });
    let table = [
        (newest(), TlsServer::new(ours.issue(&["main"])), None),
        (newest(), of_tls12(), alert_of_a_version),
        (old, of_tls12(), None),
    ];
    for (tls, server, expected) in table {
        SimRuntime::run(|sim| async move {
            add(&sim, server.front());
            let client = builder().tls(tls).node(config_of_main());
            assert_eq!(loss_of(&sim, client).await, expected);
        });
    }
    let mut none = ring::default_provider();
    none.cipher_suites.clear();
    let none = trusting(&ours).provider(none);
    assert_eq!(none.check(), Err(TlsError::NoVersion));
}

fn config_of_main() -> NodeConfig {
    config("https://main:2333")
}
