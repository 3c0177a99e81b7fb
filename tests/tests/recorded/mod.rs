//! Recordings of real servers: what was said on each connection, read back from
//! `tests/recordings`, and taken apart into answers and messages.

pub(crate) mod differing;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

/// The files that share a server, a clock and sessions.
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) recordings: Vec<Recording>,
}

/// One connection, as recorded.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) at: Duration,
    pub(crate) from_client: bool,
    pub(crate) bytes: Vec<u8>,
    pub(crate) end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) reset: bool,
}

/// What a server said on one connection.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) bytes: Vec<u8>,
    /// Whether the server closed although the client had not.
    pub(crate) closed_first: bool,
}

/// An answer as it was on the wire, but for its chunks.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Reads all scenarios of a server.
pub(crate) fn scenarios(server: &str) -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("recordings")
        .join(server);
    let files = fs::read_dir(folder).expect("the recordings are there");
    let mut paths: Vec<_> = files
        .map(|file| file.expect("a file is listed").path())
        .collect();
    paths.sort();
    let mut scenarios = BTreeMap::<_, Vec<_>>::new();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
    {
        let recording = Recording::read(path);
        let name = recording
            .name
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned();
        scenarios.entry(name).or_default().push(recording);
    }
    let scenario = |(name, recordings)| Scenario { name, recordings };
    scenarios.into_iter().map(scenario).collect()
}

impl Recording {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a recording is readable");
        let row = |line: &str| {
            let row: Value = serde_json::from_str(line).expect("a row is JSON");
            let ms = row["t_ms"].as_f64().expect("a row has a time");
            let encoded = row["b64"].as_str().expect("a row has bytes");
            let reset = row["reset"].as_bool().unwrap_or(false);
            Row {
                at: Duration::from_secs_f64(ms / 1000.0),
                from_client: row["dir"] == "c2s",
                bytes: BASE64_STANDARD.decode(encoded).expect("bytes are base64"),
                end: row["eof"]
                    .as_bool()
                    .unwrap_or(false)
                    .then_some(End { reset }),
            }
        };
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a file has a name");
        Self {
            name: name.to_owned(),
            rows: text.lines().map(row).collect(),
        }
    }

    pub(crate) fn server_bytes(&self) -> Vec<u8> {
        let rows = self.rows.iter().filter(|row| !row.from_client);
        rows.flat_map(|row| row.bytes.iter().copied()).collect()
    }

    pub(crate) fn real(&self) -> Heard {
        let first_end = self.rows.iter().find(|row| row.end.is_some());
        let closed_first = first_end.is_some_and(|row| !row.from_client);
        Heard {
            bytes: self.server_bytes(),
            closed_first,
        }
    }

    /// The request lines of the client; its requests never span lines otherwise.
    pub(crate) fn request_lines(&self) -> Vec<String> {
        let rows = self.rows.iter().filter(|row| row.from_client);
        let bytes: Vec<_> = rows.flat_map(|row| row.bytes.iter().copied()).collect();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines = text
            .split("\r\n")
            .filter(|line| line.ends_with(" HTTP/1.1"));
        lines.map(str::to_owned).collect()
    }
}

impl Heard {
    /// The answers to requests, an upgrade included.
    pub(crate) fn answers(&self, recording: &Recording) -> Vec<Answer> {
        let lines = recording.request_lines();
        let mut requests = lines.iter();
        let mut answers: Vec<Answer> = Vec::new();
        let mut rest = self.bytes.as_slice();
        while !rest.is_empty() && answers.last().is_none_or(|answer| answer.status != 101) {
            let (mut answer, used) = head(rest);
            rest = &rest[used..];
            let request = if answer.status == 100 {
                None
            } else {
                requests.next()
            };
            let is_head = request.is_some_and(|line| line.contains("HEAD /"));
            if !is_head && !matches!(answer.status, 100 | 101 | 204) {
                let (body, used) = answer.cut_body(rest);
                answer.body = body;
                rest = &rest[used..];
            }
            answers.push(answer);
        }
        answers
    }

    /// The messages of a WebSocket: updates by guild, and everything else in order.
    pub(crate) fn messages(&self) -> (Vec<Value>, BTreeMap<String, Vec<Value>>) {
        let (mut others, mut updates) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        if !self.bytes.starts_with(b"HTTP/1.1 101") {
            return (others, updates);
        }
        let mut rest = &self.bytes[head(&self.bytes).1..];
        while let [first, second, tail @ ..] = rest {
            let long = match second {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            let (length, tail) = tail.split_at(long);
            let number = |number, byte: &u8| number << 8 | usize::from(*byte);
            let short = usize::from(*second);
            let count = if long == 0 {
                short
            } else {
                length.iter().fold(0, number)
            };
            let (payload, tail) = tail.split_at(count);
            rest = tail;
            let text = String::from_utf8_lossy(payload);
            let message = match first {
                0x81 => serde_json::from_slice(payload).expect("a message is JSON"),
                other => Value::from(format!("frame {other:x} {text}")),
            };
            match message["guildId"]
                .as_str()
                .filter(|_| message["op"] == "playerUpdate")
            {
                Some(guild) => updates.entry(guild.to_owned()).or_default().push(message),
                None => others.push(message),
            }
        }
        // Two threads race for these.
        if others.len() > 1 && others[0]["op"] == "stats" && others[1]["op"] == "ready" {
            others.swap(0, 1);
        }
        (others, updates)
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn cut_body(&self, rest: &[u8]) -> (Vec<u8>, usize) {
        if let Some(length) = self.header("Content-Length") {
            let length = length.parse().expect("a length is a number");
            return (rest[..length].to_vec(), length);
        }
        if self.header("Transfer-Encoding").is_none() {
            return (rest.to_vec(), rest.len());
        }
        let (mut body, mut used) = (Vec::new(), 0);
        loop {
            let line = rest[used..]
                .windows(2)
                .position(|pair| pair == b"\r\n")
                .expect("a size");
            let digits = std::str::from_utf8(&rest[used..used + line]).expect("digits");
            let size = usize::from_str_radix(digits, 16).expect("a size is hexadecimal");
            let start = used + line + 2;
            body.extend(&rest[start..start + size]);
            used = start + size + 2;
            if size == 0 {
                return (body, used);
            }
            // Part of the framing that must be alike.
            assert_eq!(digits.len() % 2, 0, "{digits}");
        }
    }
}

fn head(bytes: &[u8]) -> (Answer, usize) {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut fields);
    let Ok(httparse::Status::Complete(used)) = head.parse(bytes) else {
        panic!(
            "a server writes whole heads: {:?}",
            String::from_utf8_lossy(bytes)
        );
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = head
        .headers
        .iter()
        .map(|field| (field.name.to_owned(), text(field.value)));
    let status = head.code.expect("a head has a status");
    (
        Answer {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        },
        used,
    )
}
