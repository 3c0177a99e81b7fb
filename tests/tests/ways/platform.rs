//! When the platform's authorities are read: by the calls of a program, never by the driver.
//!
//! They are those of a file that is written and emptied meanwhile, in a process of its own whose
//! environment names it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use lavapool::{Error, TlsError, Transport};
use lavapool_tests::tls::TlsServer;

use super::*;

#[test]
fn settings_that_could_not_work_are_tried_again() {
    with_a_platform_of_its_own("settings_that_could_not_work_are_tried_again", |platform| {
        let tls = Tls::new();
        platform.trusts(None);
        assert_eq!(tls.check(), Err(TlsError::NoRoots));

        platform.trusts(Some(&Authority::new("ours")));

        assert_eq!(tls.check(), Ok(()));
        platform.trusts(None);
        assert_eq!(tls.check(), Ok(()), "what was made is kept");
    });
}

#[test]
fn the_authorities_of_a_new_way_are_read_by_whoever_sets_it() {
    let name = "the_authorities_of_a_new_way_are_read_by_whoever_sets_it";
    with_a_platform_of_its_own(name, |platform| {
        SimRuntime::run(|sim| async move {
            let ours = Authority::new("ours");
            let server = || TlsServer::new(ours.issue(&["main"])).front();
            add(&sim, server());
            let client = client_of("https://main:2333", &Authority::new("theirs"));
            let client = client.start_on(sim.clone()).unwrap();
            let node = client.node("main").unwrap();
            sim.sleep(Duration::from_secs(1)).await;
            assert_eq!(node.view().loss, tls(TlsFailure::UnknownAuthority));

            platform.trusts(Some(&ours));
            let of_platform = || Transport::new().tls(Tls::new());
            client.set_transport("main", of_platform()).unwrap();
            platform.trusts(None);
            node.reconnect().await.unwrap();

            let refused = Error::Tls {
                node: "main".into(),
                error: TlsError::NoRoots,
            };
            assert_eq!(client.set_transport("main", of_platform()), Err(refused));
            node.reconnect().await.unwrap();
        });
    });
}

#[test]
fn a_way_back_to_that_of_all_nodes_is_refused_if_that_cannot_work() {
    let name = "a_way_back_to_that_of_all_nodes_is_refused_if_that_cannot_work";
    with_a_platform_of_its_own(name, |platform| {
        SimRuntime::run(|sim| async move {
            platform.trusts(None);
            let ours = Authority::new("ours");
            add(&sim, TlsServer::new(ours.issue(&["main"])).front());
            let own = Transport::new().tls(trusting(&ours));
            let client = builder()
                .node(config("https://main:2333"))
                .transport("main", own);
            let client = client.connect_on(sim).await.unwrap();
            let node = client.node("main").unwrap();

            let refused = || {
                Err(Error::Tls {
                    node: "main".into(),
                    error: TlsError::NoRoots,
                })
            };
            assert_eq!(client.set_transport("main", None), refused());
            let direct = Transport::new().direct();
            assert_eq!(client.set_transport("main", direct.clone()), refused());
            assert_eq!(client.set_transport("another", direct), Ok(()));
            node.reconnect().await.unwrap();

            platform.trusts(Some(&ours));
            assert_eq!(client.set_transport("main", None), Ok(()));
            platform.trusts(None);
            node.reconnect().await.unwrap();
        });
    });
}

/// The file that says whom the platform trusts.
struct Platform(PathBuf);

impl Platform {
    fn trusts(&self, authority: Option<&Authority>) {
        let pem = authority.map(Authority::pem).unwrap_or_default();
        fs::write(&self.0, pem).unwrap();
    }
}

/// Runs the test of this name again in a process whose platform is a file, and there its body.
fn with_a_platform_of_its_own(test: &str, body: impl FnOnce(Platform)) {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.pem"));
    if std::env::var_os("SSL_CERT_FILE").is_some_and(|named| *named == *file) {
        return body(Platform(file));
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("platform::{test}"), "--nocapture"])
        .env("SSL_CERT_FILE", &file)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}
