//! Encoded tracks, read and written back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lavapool_core::protocol::{BlobError, Track, TrackBlob, same_track};

/// A message, and the same bytes as a text: what is read is written back as what it was, and
/// reads as itself wherever it is played.
pub fn track_blob(bytes: &[u8]) {
    check(&STANDARD.encode(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(text);
    }
}

fn check(encoded: &str) {
    let Ok(blob) = TrackBlob::decode(encoded) else {
        assert!(Track::from_encoded(encoded).is_err());
        return;
    };
    let track = Track::from_encoded(encoded).expect("a blob is a track");
    assert_eq!(track.info, blob.info());
    let written = match blob.encode() {
        Ok(written) => written,
        // Plain UTF-8 is shorter than Java's, so what fits may not fit when it is written.
        Err(BlobError::TextTooLong { bytes, .. }) => {
            assert!(bytes > TrackBlob::TEXT_BYTES_MAX && bytes <= 2 * TrackBlob::TEXT_BYTES_MAX);
            return;
        }
        Err(error) => panic!("{error} of what was read"),
    };
    assert_eq!(TrackBlob::decode(&written).as_ref(), Ok(&blob));
    let made = blob
        .to_track()
        .expect("what is written once is written again");
    assert_eq!((&*made.encoded, &made.info), (&*written, &track.info));

    let moved = blob.clone().with_position(!blob.position);
    assert!(moved.is_same_track(&blob) && moved != blob);
    let moved = moved.encode().expect("a position is as long as another");
    assert!(same_track(&moved, &written), "{moved} {written}");
}
