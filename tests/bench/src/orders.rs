//! What a client or the bench asks of the server, besides being a Lavalink.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Asks a node for something and returns the body of its answer.
pub(crate) fn order(port: u16, order: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let request = format!("GET /bench/{order} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    read_body(&mut stream)
}

/// Reads one answer that has a length.
pub(crate) fn read_body(stream: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend(&buffer[..count]);
        if let Some((head_bytes, body_bytes)) = lengths(&bytes)
            && bytes.len() >= head_bytes + body_bytes
        {
            let body = bytes.split_off(head_bytes);
            return String::from_utf8(body).map_err(io::Error::other);
        }
    }
}

/// The lengths of the head and of the body, once the head is whole.
fn lengths(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head_bytes) = head.parse(bytes).ok()? else {
        return None;
    };
    let length = head
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))?;
    let length = std::str::from_utf8(length.value).ok()?.parse().ok()?;
    Some((head_bytes, length))
}
