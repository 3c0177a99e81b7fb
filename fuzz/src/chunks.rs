//! Chunked bodies, written and read back.

use arbitrary::{Arbitrary, Unstructured};
use http::Method;

use crate::cuts::check_cuts;
use crate::http_stream::{LIMITS, Owned, Seen, asking, feed};

/// A body in chunks: what is read is what was written, whatever extensions, padding and trailers
/// lie between, however it is cut.
pub fn http_chunked(fuzzed: &[u8]) {
    let body = Body::arbitrary_take_rest(Unstructured::new(fuzzed));
    let Ok(body) = body else { return };
    let whole: Vec<u8> = body
        .chunks
        .iter()
        .flat_map(|chunk| chunk.data.clone())
        .collect();
    let bytes = body.render();
    if whole.len() > LIMITS.body_bytes_max || bytes.len() > LIMITS.header_bytes_max {
        return;
    }
    let seen = check_cuts(&bytes, body.seed, |pieces| {
        feed(&mut asking(Method::GET), pieces)
    });
    assert_eq!(
        seen,
        [Seen::Response(Owned {
            status: 200,
            body: whole,
            reusable: true
        })]
    );
}

#[derive(Arbitrary, Debug)]
struct Body {
    seed: u64,
    chunks: Vec<Chunk>,
    extension: String,
    trailers: Vec<String>,
}

#[derive(Arbitrary, Debug)]
struct Chunk {
    data: Vec<u8>,
    padding: u8,
    is_upper_case: bool,
    extension: String,
}

impl Body {
    fn render(&self) -> Vec<u8> {
        let mut bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        // A chunk without data is the last one.
        for chunk in self.chunks.iter().filter(|chunk| !chunk.data.is_empty()) {
            let width = usize::from(chunk.padding % 8);
            let size = match chunk.is_upper_case {
                true => format!("{:0width$X}", chunk.data.len()),
                false => format!("{:0width$x}", chunk.data.len()),
            };
            bytes.extend(size.bytes());
            bytes.extend(extension(&chunk.extension).bytes());
            bytes.extend(b"\r\n");
            bytes.extend(&chunk.data);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0");
        bytes.extend(extension(&self.extension).bytes());
        bytes.extend(b"\r\n");
        for trailer in &self.trailers {
            bytes.extend(format!("X: {}\r\n", one_line(trailer)).bytes());
        }
        bytes.extend(b"\r\n");
        bytes
    }
}

/// A chunk extension of this text, none if it is empty.
fn extension(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!(" ;{}", one_line(text))
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], "")
}
