//! Header sections, read without the core: what it does not tell of a response, such as its
//! content coding, and what the client asked.

/// A header section with the empty line behind it, if that is there.
pub(super) fn section(bytes: &[u8]) -> Option<&[u8]> {
    let mut end = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        end += line.len();
        if matches!(line, b"\r\n" | b"\n") {
            return bytes.get(..end);
        }
    }
    None
}

/// Lines without their ends.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split(|&byte| byte == b'\n');
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The name and the value of a header line.
pub(super) fn field(line: &[u8]) -> Option<(String, String)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
    Some((text(line.get(..colon)?), text(line.get(colon + 1..)?)))
}

/// The first value of this name.
pub(super) fn value<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    let mut found = fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.as_str())
}

/// What the header sections of one response say that the core does not.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// The statuses of the interim responses before it, 101 not among them.
    pub(super) interim: Vec<u16>,
    /// Its `Content-Encoding`, unless that is `identity`.
    pub(super) coding: Option<String>,
    /// Whether the final response has begun.
    pub(super) has_begun: bool,
}

impl Head {
    /// Reads the response that begins with `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut head = Self::default();
        let mut rest = bytes;
        while let Some(section) = section(rest) {
            let mut lines = lines(section);
            let status = lines.next().and_then(status).unwrap_or_default();
            if !(100..200).contains(&status) || status == 101 {
                let fields: Vec<_> = lines.filter_map(field).collect();
                let coding = value(&fields, "content-encoding");
                let coding = coding.filter(|coding| !coding.eq_ignore_ascii_case("identity"));
                head.coding = coding.map(str::to_owned);
                break;
            }
            head.interim.push(status);
            rest = rest.get(section.len()..).unwrap_or_default();
        }
        head.has_begun = !rest.is_empty();
        head
    }
}

fn status(line: &[u8]) -> Option<u16> {
    let digits = line.split(|&byte| byte == b' ').nth(1)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
