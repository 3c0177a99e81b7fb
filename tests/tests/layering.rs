//! What knows what: the core no runtime, no clock and no socket, and the driver no runtime by name.
//!
//! Which packages the core may depend on is a test of the manifests, in `manifest.rs`.

mod source;

use std::fs;

use source::{code_of, root, source_files, words};

/// The most that a file in which the runtimes differ may have.
const RUNTIME_LINES_MAX: usize = 99;

/// The examples of a client without a runtime of ours.
const EMBEDDINGS: [&str; 2] = ["examples/manual_loop.rs", "examples/custom_runtime.rs"];
/// The most that each of them may have.
const EMBEDDING_LINES_MAX: usize = 149;

/// What the core does without: clocks, threads, sockets, locks, output and runtimes.
const FOREIGN_TO_CORE: [&str; 29] = [
    "Instant",
    "SystemTime",
    "thread",
    "thread_local",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixListener",
    "UnixStream",
    "ToSocketAddrs",
    "Condvar",
    "Mutex",
    "RwLock",
    "RefCell",
    "print",
    "println",
    "eprint",
    "eprintln",
    "fs",
    "process",
    "getrandom",
    "polling",
    "rustls",
    "socket2",
    "async_io",
    "async_executor",
    "async_std",
    "smol",
    "tokio",
];

/// The names of the runtimes. Only `adapters/src/runtime`, and what chooses one, has them.
const RUNTIMES: [&str; 6] = ["tokio", "async_std", "smol", "Tokio", "AsyncStd", "Smol"];

/// Where a client that was told no runtime finds one.
const CHOOSER: &str = "adapters/src/builder.rs";

#[test]
fn every_source_file_knows_only_what_it_may() {
    let files = source_files();
    let needed = ["core/src/lib.rs", "adapters/src/runtime/tokio.rs", CHOOSER];
    for needed in needed.iter().chain(&EMBEDDINGS) {
        assert!(files.iter().any(|path| path == needed), "{files:?}");
    }

    let judged = files.iter().flat_map(|path| {
        let text = fs::read_to_string(root().join(path)).expect("a source file is readable text");
        judge(path, &text)
    });

    assert_eq!(judged.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn the_core_names_nothing_foreign() {
    let clock = "use std::time::{Duration, Instant};\n";
    let thread = "fn f() {\n    std::thread::yield_now();\n}\n";
    let file = "use std::fs;\n";

    let found = |line, word| vec![format!("core/src/a.rs:{line}: {word}")];
    assert_eq!(judge("core/src/a.rs", clock), found(1, "Instant"));
    assert_eq!(judge("core/src/a.rs", thread), found(2, "thread"));
    assert_eq!(judge("core/src/a.rs", file), found(1, "fs"));
    let spoken = "/// Waits on a tokio driver.\nfn f(instant: u64) {\n    g(\"Mutex\");\n}\n";
    assert_eq!(judge("core/src/a.rs", spoken), [""; 0]);
    assert_eq!(judge("core/benches/a.rs", clock), [""; 0]);
}

#[test]
fn the_driver_and_the_handles_name_no_runtime() {
    let text = "use tokio::net::TcpStream;\n";

    let found = |path: &str| vec![format!("{path}:1: tokio")];
    let driver = "adapters/src/driver/mod.rs";
    assert_eq!(judge(driver, text), found(driver));
    for path in ["adapters/src/runtime/tokio.rs", CHOOSER, "tests/src/a.rs"] {
        assert_eq!(judge(path, text), [""; 0]);
    }
}

#[test]
fn a_runtime_takes_less_than_a_hundred_lines() {
    let path = "adapters/src/runtime/tokio.rs";
    let fits = "// ok\n".repeat(99);
    let grown = "// ok\n".repeat(100);

    assert_eq!(judge(path, &fits), [""; 0]);
    assert_eq!(judge(path, &grown), [format!("{path}: 100 lines")]);
    assert_eq!(judge("adapters/src/driver/mod.rs", &grown), [""; 0]);
}

#[test]
fn an_embedding_takes_less_than_a_hundred_and_fifty_lines() {
    for path in EMBEDDINGS {
        assert_eq!(judge(path, &"// ok\n".repeat(149)), [""; 0]);
        let grown = "// ok\n".repeat(150);
        assert_eq!(judge(path, &grown), [format!("{path}: 150 lines")]);
    }
}

/// What a file may not know, and that it is too long if it is.
fn judge(path: &str, text: &str) -> Vec<String> {
    let is_runtime = path.starts_with("adapters/src/runtime/");
    let foreign: &[&str] = if path.starts_with("core/src/") {
        &FOREIGN_TO_CORE
    } else if path.starts_with("adapters/src/") && !is_runtime && path != CHOOSER {
        &RUNTIMES
    } else {
        &[]
    };
    let code = code_of(text);
    // A crate's own tests may run on whatever there is.
    let code = code.split("\nmod tests {").next().unwrap_or_default();
    let mut found = Vec::new();
    for (line, content) in (1..).zip(code.lines()) {
        let named = words(content).filter(|word| foreign.contains(word));
        found.extend(named.map(|word| format!("{path}:{line}: {word}")));
    }
    let lines = text.lines().count();
    let is_too_long = (is_runtime && lines > RUNTIME_LINES_MAX)
        || (EMBEDDINGS.contains(&path) && lines > EMBEDDING_LINES_MAX);
    if is_too_long {
        found.push(format!("{path}: {lines} lines"));
    }
    found
}
