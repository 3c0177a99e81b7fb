//! What knows what: the core no runtime, no clock and no socket, and the driver no runtime by name.
//!
//! Which packages the core may depend on is a test of the manifests, in `manifest.rs`.

mod source;

use std::fs;

use source::{code_of, root, source_files, words};

/// The most that the one file of a runtime may have.
const RUNTIME_LINES_MAX: usize = 99;

/// The examples of a client without a runtime of ours.
const EMBEDDINGS: [&str; 2] = ["examples/manual_loop.rs", "examples/custom_runtime.rs"];
/// The most that each of them may have.
const EMBEDDING_LINES_MAX: usize = 149;

/// What the core does without: clocks, threads, sockets, locks, output and runtimes.
const FOREIGN_TO_CORE: [&str; 31] = [
    "Instant",
    "SystemTime",
    "thread",
    "thread_local",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixDatagram",
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
    "mio",
    "polling",
    "rustls",
    "socket2",
    "async_io",
    "async_executor",
    "async_std",
    "smol",
    "tokio",
];

/// The file of each runtime, and its names. No other file of the adapters has these names, but for
/// those that choose a runtime.
const RUNTIMES: [(&str, [&str; 2]); 3] = [
    ("tokio", ["tokio", "Tokio"]),
    ("async_std", ["async_std", "AsyncStd"]),
    ("smol", ["smol", "Smol"]),
];

/// What else belongs to one runtime or another, and only to what is in the folder of the runtimes.
const OF_RUNTIMES: [&str; 9] = [
    "async_executor",
    "async_io",
    "async_net",
    "mio",
    "polling",
    "socket2",
    "tokio_rustls",
    "tokio_stream",
    "tokio_util",
];

/// The features of the runtimes.
const GATES: [&str; 3] = ["async-std", "smol", "tokio"];

/// Where a client that was told no runtime finds one.
const CHOOSERS: [&str; 3] = [
    "adapters/src/builder.rs",
    "adapters/src/runtime/mod.rs",
    "adapters/src/runtime/present.rs",
];

#[test]
fn every_source_file_knows_only_what_it_may() {
    let files = source_files();
    let runtimes = RUNTIMES.map(|(runtime, _)| file_of(runtime));
    let needed = ["core/src/lib.rs"].iter().chain(&CHOOSERS);
    let needed = needed.chain(&EMBEDDINGS).map(|path| (*path).to_owned());
    for needed in needed.chain(runtimes) {
        assert!(files.contains(&needed), "{needed}: {files:?}");
    }

    let read = |path: String| {
        let text = fs::read_to_string(root().join(&path)).expect("a source file is readable text");
        (path, text)
    };
    let sources = files.into_iter().map(read);
    let found: Vec<_> = sources
        .flat_map(|(path, text)| judge(&path, &text))
        .collect();

    assert_eq!(found, Vec::<String>::new());
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
fn the_driver_and_the_handles_name_no_runtime_and_a_runtime_names_itself_alone() {
    let text = "use tokio::net::TcpStream;\n";

    let found = |path: &str| vec![format!("{path}:1: tokio")];
    for path in [
        "adapters/src/driver/mod.rs",
        "adapters/src/runtime/stream.rs",
        "adapters/src/runtime/smol.rs",
    ] {
        assert_eq!(judge(path, text), found(path));
    }
    let driver = "adapters/src/driver/mod.rs";
    let helper = "use async_io::Async;\n";
    assert_eq!(judge(driver, helper), [format!("{driver}:1: async_io")]);
    assert_eq!(judge("adapters/src/runtime/smol.rs", helper), [""; 0]);
    let gated = "#[cfg(feature = \"smol\")]\nfn f() {}\n";
    assert_eq!(judge(driver, gated), [format!("{driver}:1: smol")]);
    let own = ["adapters/src/runtime/tokio.rs", "tests/src/a.rs"];
    for path in own.iter().chain(&CHOOSERS) {
        assert_eq!(judge(path, text), [""; 0]);
    }
}

#[test]
fn only_a_module_of_tests_is_not_read() {
    let path = "core/src/a.rs";
    let tests = "#[cfg(test)]\n#[rustfmt::skip]\nmod tests {\n    fn f() { a::tokio(\"}\") }\n}\n";
    let after = tests.to_owned() + "fn g() {\n    smol::block_on(());\n}\n";
    let gated = "#[cfg(all(test, feature = \"x\"))]\nmod tests {\n    use tokio::net;\n}\n";
    let shipped = "mod tests {\n    use tokio::net;\n}\n";
    let other_use = "#[cfg(test)]\nuse std::fs;\n#[cfg(test)]\nmod tests;\nfn f(tokio: u8) {}\n";

    assert_eq!(judge(path, tests), [""; 0]);
    assert_eq!(judge(path, &after), ["core/src/a.rs:7: smol"]);
    assert_eq!(judge(path, gated), [""; 0]);
    assert_eq!(judge(path, shipped), ["core/src/a.rs:2: tokio"]);
    let any = gated.replace("all(", "any(");
    assert_eq!(judge(path, &any), ["core/src/a.rs:3: tokio"]);
    let found = ["core/src/a.rs:2: fs", "core/src/a.rs:5: tokio"];
    assert_eq!(judge(path, other_use), found);
}

#[test]
fn a_runtime_is_one_file_of_less_than_a_hundred_lines() {
    for (runtime, _) in RUNTIMES {
        let path = file_of(runtime);
        assert_eq!(judge(&path, &"// ok\n".repeat(99)), [""; 0]);
        let grown = "// ok\n".repeat(100);
        assert_eq!(judge(&path, &grown), [format!("{path}: 100 lines")]);
        for beside in ["socket.rs", "timers/mod.rs"] {
            let path = format!("adapters/src/runtime/{runtime}/{beside}");
            let found = [format!("{path}: a runtime is one file")];
            assert_eq!(judge(&path, "// ok\n"), found);
        }
    }
    let shared = "adapters/src/runtime/smoldering/a.rs";
    assert_eq!(judge(shared, &"// ok\n".repeat(100)), [""; 0]);
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
    let is_shared = path.starts_with("adapters/src/") && !CHOOSERS.contains(&path);
    let names = RUNTIMES.iter().filter(|(own, _)| file_of(own) != path);
    let mut runtimes: Vec<_> = names.flat_map(|(_, names)| *names).collect();
    if !path.starts_with("adapters/src/runtime/") {
        runtimes.extend(OF_RUNTIMES);
    }
    let foreign: &[&str] = if path.starts_with("core/src/") {
        &FOREIGN_TO_CORE
    } else if is_shared {
        &runtimes
    } else {
        &[]
    };
    // A crate's own tests may run on whatever there is.
    let code = without_tests(&code_of(text));
    let mut found = Vec::new();
    for (line, (content, written)) in (1..).zip(code.lines().zip(text.lines())) {
        let named = words(content).filter(|word| foreign.contains(word));
        found.extend(named.map(|word| format!("{path}:{line}: {word}")));
        // What is compiled for the examples in the docs only is none of the driver's.
        let is_gate = words(content).any(|word| word == "feature");
        if is_shared && is_gate && words(content).all(|word| word != "doctest") {
            let gates = GATES
                .iter()
                .filter(|gate| written.contains(&format!("\"{gate}\"")));
            found.extend(gates.map(|gate| format!("{path}:{line}: {gate}")));
        }
    }
    let lines = text.lines().count();
    if EMBEDDINGS.contains(&path) && lines > EMBEDDING_LINES_MAX {
        found.push(format!("{path}: {lines} lines"));
    }
    for (runtime, _) in RUNTIMES {
        if path == file_of(runtime) && lines > RUNTIME_LINES_MAX {
            found.push(format!("{path}: {lines} lines"));
        }
        if path.starts_with(&format!("adapters/src/runtime/{runtime}/")) {
            found.push(format!("{path}: a runtime is one file"));
        }
    }
    found
}

fn file_of(runtime: &str) -> String {
    format!("adapters/src/runtime/{runtime}.rs")
}

/// The code without its modules of tests; lines stay where they are.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(") {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        let bytes = tests_bytes(from);
        let (tests, after) = from.split_at(bytes.unwrap_or("#[cfg(".len()));
        if bytes.is_some() {
            kept.extend(tests.chars().filter(|character| *character == '\n'));
        } else {
            kept.push_str(tests);
        }
        rest = after;
    }
    kept + rest
}

/// How long the module of tests is whose first attribute the code begins with, if there is one.
fn tests_bytes(code: &str) -> Option<usize> {
    let start: String = code
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(20)
        .collect();
    let is_for_tests = ["#[cfg(test)]", "#[cfg(all(test,"]
        .iter()
        .any(|attribute| start.starts_with(attribute));
    let mut rest = code;
    while let Some(attribute) = rest.strip_prefix("#[") {
        rest = attribute.split_once(']')?.1.trim_start();
    }
    let opened = rest.strip_prefix("mod ")?.find(['{', ';'])? + "mod ".len();
    if !is_for_tests || rest[opened..].starts_with(';') {
        return None;
    }
    let mut depth = 0_usize;
    for (at, character) in rest[opened..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(code.len() - rest.len() + opened + at + 1);
        }
    }
    None
}
