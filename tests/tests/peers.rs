//! What `tests/peers/run` makes of what package managers and drivers print: a failure must not
//! pass for a registry that is away, nor a driver that died for one that went well.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::process::Command;

/// Runs this with what `run` takes its verdicts from, and a text in the file `$file`.
fn bash(script: &str, text: &str) -> (bool, String) {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("bash")
        .arg("-uc")
        .arg(format!(
            "source {folder}/peers/verdict; file=$(mktemp); trap 'rm \"$file\"' EXIT; \
             printf %s \"$1\" >\"$file\"; {script}"
        ))
        .args(["bash", text])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), text)
}

#[test]
fn a_registry_that_is_away_is_told_from_a_failure() {
    let away = [
        "npm error code ECONNREFUSED",
        "npm ERR! code E503",
        "npm error code E403",
        "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by \
         'NewConnectionError('<pip._vendor.urllib3>: [Errno 111] Connection refused')': /simple/",
        "ERROR: HTTP error 503 while getting https://files.test/revvlink.whl",
        "go: github.com/disgoorg/disgolink/v3@v3.1.0: Get \"http://127.0.0.1:1/x\": dial tcp \
         127.0.0.1:1: connect: connection refused",
        "reading https://proxy.golang.org/x/@v/v3.1.0.mod: 502 Bad Gateway",
        "  [7] Could not connect to server (Failed to connect to 127.0.0.1 port 1)",
        "  failed to get successful HTTP response from `https://index.test` (1.2.3.4), got 503",
    ];
    for line in away {
        let text = format!("it begins\n{line}\nit ends\n");
        let expected = (true, format!("{line}\n"));
        assert_eq!(bash("unreachable \"$file\"", &text), expected);
    }
    let failures = [
        "npm error code E404\nnpm error 404 Not Found - GET https://registry.test/absent",
        "npm error code E400",
        "npm error code EINTEGRITY\nnpm error sha512 of E503 is not what it was",
        "Downloading 500 kB\nERROR: No matching distribution found for revvlink==99.9",
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE",
        "reading https://proxy.golang.org/x/@v/v99.mod: 404 Not Found",
        "verifying module: checksum mismatch",
        "error: failed to download replaced source\n  failed to verify the checksum of `x v1.0.0`",
        "failed to get successful HTTP response from `https://index.test` (1.2.3.4), got 404",
    ];
    for text in failures {
        let expected = (false, String::new());
        assert_eq!(bash("unreachable \"$file\"", text), expected, "{text}");
    }
}

#[test]
fn a_peer_that_is_not_reached_in_time_has_failed_and_is_in_the_table() {
    let run = format!("{}/peers/run", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("bash")
        .args([&run, "revvlink", "disgolink"])
        .env("LAVAPOOL_PEERS_S", "0")
        .env("LAVAPOOL_NODE", "/bin/sh")
        .env("CARGO_TARGET_DIR", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();

    let printed = String::from_utf8(output.stdout).unwrap();
    let table = printed
        .lines()
        .skip_while(|line| !line.starts_with("peer "));
    let rows: Vec<_> = table.skip(1).collect();
    let failed = |peer| format!("{peer:<16}FAILED: the 0 s of all peers are over");
    assert_eq!(rows, ["revvlink", "disgolink"].map(failed));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_driver_is_judged_by_its_steps_and_by_its_status() {
    let table = [
        (well(), 0, "1 reasons, 0 failed"),
        // It did all, and was killed afterwards.
        (well(), 137, "2 reasons, 1 failed"),
        (well().replace("stop: ok\n", ""), 0, "2 reasons, 1 failed"),
        (
            well().replace("stop: ok", "stop: failed: no"),
            1,
            "2 reasons, 1 failed",
        ),
        (String::new(), 1, "10 reasons, 10 failed"),
    ];
    for (printed, status, expected) in table {
        let script = format!(
            "rows=() reasons=() driven=0 failed=0; judge peer {status} \"$file\"; \
             is_well=$?; echo \"${{#reasons[@]}} reasons, $failed failed\"; exit $is_well"
        );
        let (is_well, verdict) = bash(&script, &printed);
        assert_eq!(verdict.trim_end(), expected, "{status}: {printed}");
        assert_eq!(is_well, expected.ends_with(" 0 failed"));
    }
}

/// What a driver prints that goes through all steps, of which its client offers all but one.
fn well() -> String {
    let steps = [
        "connect",
        "load",
        "voice",
        "play",
        "change",
        "resume",
        "stop",
        "voice lost",
    ];
    let mut printed: String = steps.iter().map(|step| format!("{step}: ok\n")).collect();
    printed += "leave: not offered: it cannot\nmanners: ok\n";
    printed
}
