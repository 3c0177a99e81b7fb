//! [`every_cut`]: the same bytes, cut in every way that tells.

use std::fmt::Debug;

/// What `run` makes of `bytes`, which must be the same when they come whole, byte by byte, and in
/// two pieces cut at every point. `run` starts afresh each time.
pub(crate) fn every_cut<T: Debug + PartialEq>(bytes: &[u8], run: impl Fn(&[&[u8]]) -> T) -> T {
    let whole = run(&[bytes]);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(run(&single), whole, "byte by byte");
    for place in 0..=bytes.len() {
        let (start, end) = bytes.split_at(place);
        assert_eq!(run(&[start, end]), whole, "cut at {place}");
    }
    whole
}
