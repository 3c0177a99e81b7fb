//! What a client or the bench asks of the server, besides being a Lavalink.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// Asks a node for something and returns the body of its answer.
pub(crate) fn order(port: u16, order: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let request = format!("GET /bench/{order} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    read_body(&mut stream, &mut vec![0; 64 * 1024])
}

/// Reads one answer with a body in chunks, as Lavalink writes all that have one. `bytes` is where
/// it is read to, and grows with it.
pub(crate) fn read_body(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<String> {
    let mut end = 0;
    let mut body = Vec::new();
    // Where the next chunk begins.
    let mut next = None;
    loop {
        if end == bytes.len() {
            bytes.resize(2 * end, 0);
        }
        let count = stream.read(&mut bytes[end..])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        end += count;
        let come = &bytes[..end];
        if next.is_none() {
            next = head_bytes(come);
        }
        while let Some(at) = next
            && let Some((data, after)) = chunk(come, at)
        {
            if data.is_empty() {
                return String::from_utf8(body).map_err(io::Error::other);
            }
            body.extend_from_slice(data);
            next = Some(after);
        }
    }
}

/// The length of the head, once it is whole.
fn head_bytes(bytes: &[u8]) -> Option<usize> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    match httparse::Response::new(&mut headers).parse(bytes).ok()? {
        httparse::Status::Complete(length) => Some(length),
        httparse::Status::Partial => None,
    }
}

/// The data of the chunk that begins here, and where the next does, once it is whole. That of the
/// last is empty (RFC 9112 §7.1).
fn chunk(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = &bytes[at..];
    let httparse::Status::Complete((line, length)) = httparse::parse_chunk_size(rest).ok()? else {
        return None;
    };
    let length = usize::try_from(length).ok()?;
    let after = line + length + b"\r\n".len();
    let data = rest.get(..after)?.get(line..line + length)?;
    Some((data, at + after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_taken_once_it_is_whole() {
        let bytes = b"04\r\nabcd\r\n0\r\n\r\n";
        for end in 0..10 {
            assert_eq!(chunk(&bytes[..end], 0), None);
        }
        assert_eq!(chunk(bytes, 0), Some((&b"abcd"[..], 10)));
        assert_eq!(chunk(bytes, 10), Some((&b""[..], 15)));
    }
}
