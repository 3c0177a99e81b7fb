//! The program `recording`: what it prints and how it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn it_understands_every_recording_and_prints_no_password() {
    let names: Vec<_> = crate::ledger::entries().map(|(name, _)| name).collect();
    let output = run(&names);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
    let printed = text(&output.stdout);
    assert!(!printed.contains("youshallnotpass"));
    // A name, a line for each thing that happened, and an empty one.
    let lines: usize = crate::ledger::entries()
        .map(|(_, lines)| lines.len() + 2)
        .sum();
    assert_eq!(printed.lines().count(), lines);
}

#[test]
fn it_prints_a_line_for_each_response() {
    let output = run(&["lavalink-4.2.2/13-http-expect-continue.jsonl"]);
    assert_eq!(
        text(&output.stdout),
        "lavalink-4.2.2/13-http-expect-continue.jsonl\n      \
         10.5 ms  100, an interim response\n      \
         10.5 ms  400 to POST /v4/decodetracks: refused, \"No tracks to decode provided\"\n     \
         315.9 ms  closed by the client\n\n"
    );
}

#[test]
fn it_names_what_it_does_not_understand_and_goes_on() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let cut = folder.join("cut.jsonl");
    let whole = fs::read(super::root().join("lavalink-4.2.2/10-binary-frame.ws.jsonl")).unwrap();
    // The fifth line holds the close frame.
    let lines: Vec<_> = whole.split_inclusive(|&byte| byte == b'\n').collect();
    let close = lines
        .iter()
        .position(|line| line.windows(4).any(|four| four == b"iB8D"));
    let mut file = lines[..close.unwrap()].concat();
    file.extend(b"{\"t_ms\":60,\"dir\":\"s2c\",\"b64\":\"iB8D\"}\n{\"dir\":\"s2c\",\"b64\":1}\n");
    fs::write(&cut, file).unwrap();

    let cut = cut.to_str().unwrap();
    let output = run(&["no such file", cut, "nodelink-2.3/rest_version.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    let named = text(&output.stderr);
    let named: Vec<_> = named.lines().collect();
    assert_eq!(named.len(), 4, "{named:?}");
    assert_eq!(named[0], "not understood:");
    assert!(
        named[1].starts_with("no such file: cannot be read: "),
        "{named:?}"
    );
    let line = format!("{cut}: line 6: not a line of a recording (column 20)");
    let message = "the last 3 bytes are a message that is cut short";
    let bytes = format!("{cut}: byte 594 of the server, 60.0 ms: {message}");
    assert_eq!(named[2..], [line, bytes]);
    assert!(text(&output.stdout).contains("version 2.3.0"));
}

#[test]
fn it_wants_a_file() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "usage: recording FILE…\n");
}

fn run(files: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_recording"))
        .args(files)
        .current_dir(super::root())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
