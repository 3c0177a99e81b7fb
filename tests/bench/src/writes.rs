//! What it costs to hand the pieces of one request to the system: by a write for each, by one write
//! of a copy of all, or by one vectored write.
//!
//! One thread writes, and then reads the other end empty, so that nothing but the writes is timed
//! and nobody has to be woken. The pieces are the records of TLS; without it there is one piece.

use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Prints a line for each number of pieces and each way.
pub(crate) fn run() -> io::Result<()> {
    let mut pair = Pair::open()?;
    println!("request          a write each   one write of a copy   one vectored write");
    for (name, lengths) in REQUESTS {
        let pieces: Vec<_> = lengths.iter().map(|length| vec![b'x'; *length]).collect();
        // By turns, so that whatever else the machine does is the same for all of them.
        let mut times = WAYS.map(|_| Vec::with_capacity(ROUNDS));
        for _ in 0..ROUNDS {
            for (way, times) in WAYS.iter().zip(&mut times) {
                times.push(pair.time(*way, &pieces)?);
            }
        }
        let [each, copied, vectored] = times.map(median);
        println!("{name:<16} {each:>12.1?}   {copied:>19.1?}   {vectored:>18.1?}");
    }
    Ok(())
}

/// Both ends of a connection.
struct Pair {
    writer: TcpStream,
    reader: TcpStream,
    copy: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Way {
    Each,
    Copied,
    Vectored,
}

impl Pair {
    fn open() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let writer = TcpStream::connect(listener.local_addr()?)?;
        writer.set_nodelay(true)?;
        let (reader, _) = listener.accept()?;
        let copy = Vec::new();
        Ok(Self {
            writer,
            reader,
            copy,
        })
    }

    /// How long it takes to write these pieces.
    fn time(&mut self, way: Way, pieces: &[Vec<u8>]) -> io::Result<Duration> {
        let begun = Instant::now();
        match way {
            Way::Each => {
                for piece in pieces {
                    self.writer.write_all(piece)?;
                }
            }
            Way::Copied => {
                self.copy.clear();
                pieces.iter().for_each(|piece| self.copy.extend(piece));
                self.writer.write_all(&self.copy)?;
            }
            Way::Vectored => {
                let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
                let written = self.writer.write_vectored(&slices)?;
                if written < pieces.iter().map(Vec::len).sum() {
                    return Err(io::Error::other("the socket does not hold one request"));
                }
            }
        }
        let took = begun.elapsed();
        let bytes = pieces.iter().map(Vec::len).sum();
        self.copy.resize(bytes, 0);
        self.reader.read_exact(&mut self.copy)?;
        Ok(took)
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

const WAYS: [Way; 3] = [Way::Each, Way::Copied, Way::Vectored];
const ROUNDS: usize = 20_000;
/// The lengths of the pieces: what the soak writes on average, and 35 000 bytes without and with
/// TLS, whose records hold 16 KiB and bring 22 bytes each (RFC 8446 §5.2).
const REQUESTS: [(&str, &[usize]); 3] = [
    ("351 bytes", &[351]),
    ("35 000 bytes", &[35_000]),
    ("the same by TLS", &[16_406, 16_406, 2_254]),
];
