//! Blobs of real servers, of chance, and broken ones.

use rand_core::Rng;

use super::*;
use crate::Seed;
use crate::protocol::same_track;

/// Lavalink's documentation, version 2.
const DOCS: &str = "QAAAjQIAJVJpY2sgQXN0bGV5IC0gTmV2ZXIgR29ubmEgR2l2ZSBZb3UgVXAADlJpY2tBc3RsZXlWRV\
    ZPAAAAAAADPCAAC2RRdzR3OVdnWGNRAAEAK2h0dHBzOi8vd3d3LnlvdXR1YmUuY29tL3dhdGNoP3Y9ZFF3NHc5V2dYY1E\
    AB3lvdXR1YmUAAAAAAAAAAA==";
/// Lavalink 4.2.2, version 3 with a tail.
const LOCAL: &str = "QAAAXgMADVVua25vd24gdGl0bGUADlVua25vd24gYXJ0aXN0AAAAAAAATiAADS90bXAvdG9uZS53YX\
    YAAQANL3RtcC90b25lLndhdgAAAAVsb2NhbAADd2F2AAAAAAAAAAA=";
/// Version 1, which Lavalink 4.2.2 took.
const FIRST: &str = "AAAANAACVDEAAkExAAAAAAAAE4gADS90bXAvdG9uZS53YXYAAAVsb2NhbAADd2F2AAAAAAAABNI=";
/// lavalink-rs, version 3 at a position.
const LATER: &str = "QAAAxAMAEU5vc2VibGVlZCBTZWN0aW9uABtTaWdodGxlc3MgaW4gU2hhZG93IC0gVG9waWMAAAAAAA\
    JxAAALTFdNUi1rY3dHLTgAAQAraHR0cHM6Ly93d3cueW91dHViZS5jb20vd2F0Y2g/dj1MV01SLWtjd0ctOAEAOmh0dHB\
    zOi8vaS55dGltZy5jb20vdmlfd2VicC9MV01SLWtjd0ctOC9tYXhyZXNkZWZhdWx0LndlYnAAAAd5b3V0dWJlAAAAAAAC\
    b1w=";
const SAMPLES: [&str; 4] = [DOCS, LOCAL, FIRST, LATER];

#[test]
fn the_samples_are_read_whole() {
    let docs = TrackBlob {
        version: BlobVersion::V2,
        title: "Rick Astley - Never Gonna Give You Up".into(),
        author: "RickAstleyVEVO".into(),
        length: 212_000,
        identifier: "dQw4w9WgXcQ".into(),
        uri: Some("https://www.youtube.com/watch?v=dQw4w9WgXcQ".into()),
        source_name: "youtube".into(),
        ..TrackBlob::default()
    };
    let local = TrackBlob {
        title: "Unknown title".into(),
        author: "Unknown artist".into(),
        length: 20_000,
        identifier: "/tmp/tone.wav".into(),
        uri: Some("/tmp/tone.wav".into()),
        source_name: "local".into(),
        tail: BlobTail::Probe("wav".into()),
        ..TrackBlob::default()
    };
    let first = TrackBlob {
        version: BlobVersion::V1,
        title: "T1".into(),
        author: "A1".into(),
        length: 5000,
        uri: None,
        position: 1234,
        ..local.clone()
    };
    let later = TrackBlob {
        title: "Nosebleed Section".into(),
        author: "Sightless in Shadow - Topic".into(),
        length: 160_000,
        identifier: "LWMR-kcwG-8".into(),
        uri: Some("https://www.youtube.com/watch?v=LWMR-kcwG-8".into()),
        artwork_url: Some("https://i.ytimg.com/vi_webp/LWMR-kcwG-8/maxresdefault.webp".into()),
        source_name: "youtube".into(),
        position: 159_580,
        ..TrackBlob::default()
    };
    for (sample, expected) in SAMPLES.into_iter().zip([docs, local, first, later]) {
        assert_eq!(TrackBlob::decode(sample), Ok(expected.clone()));
        assert_eq!(
            TrackBlob::decode(sample.trim_end_matches('=')),
            Ok(expected.clone())
        );
        assert_eq!(expected.encode().as_deref(), Ok(sample));
    }
}

#[test]
fn text_is_written_as_java_does_and_read_as_nodelink_writes_it_too() {
    let mut bytes = Vec::new();
    text::write("\0é€😀", &mut bytes);
    let expected = [
        0xc0, 0x80, // U+0000
        0xc3, 0xa9, // é
        0xe2, 0x82, 0xac, // €
        0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80, // two surrogates
    ];
    assert_eq!(bytes, expected);
    assert_eq!(text::bytes("\0é€😀"), bytes.len());
    assert_eq!(text::read(&bytes).as_deref(), Ok("\0é€😀"));
    assert_eq!(text::read("\0é€😀".as_bytes()).as_deref(), Ok("\0é€😀"));
}

#[test]
fn half_a_surrogate_pair_is_replaced_and_what_is_no_text_refused() {
    let half = [0xed, 0xa0, 0xbd];
    assert_eq!(text::read(&half).as_deref(), Ok("\u{fffd}"));
    assert_eq!(
        text::read(&[&half[..], b"a"].concat()).as_deref(),
        Ok("\u{fffd}a")
    );
    assert_eq!(text::read(&[0xed, 0xb8, 0x80]).as_deref(), Ok("\u{fffd}"));
    let twice = [&half[..], &half, &[0xed, 0xb8, 0x80]].concat();
    assert_eq!(text::read(&twice).as_deref(), Ok("\u{fffd}😀"));
    assert_eq!(text::read(&[b'a', 0x80]), Err(1));
    assert_eq!(text::read(&[b'a', b'b', 0xc3]), Err(2));
    assert_eq!(text::read(&[0xe2, 0x82, b'a']), Err(0));
    assert_eq!(text::read(&[0xf4, 0x90, 0x80, 0x80]), Err(0));
    assert_eq!(text::read(&[0xff]), Err(0));
}

#[test]
fn every_error_has_its_numbers() {
    let decode = |bytes: &[u8]| TrackBlob::decode(&general_purpose::STANDARD.encode(bytes));
    let cut = |field, needed, found| {
        Err(BlobError::CutShort {
            field,
            needed,
            found,
        })
    };
    assert_eq!(
        TrackBlob::decode("QA!A"),
        Err(BlobError::NotBase64 { at: 2 })
    );
    assert_eq!(
        TrackBlob::decode("QAAAA"),
        Err(BlobError::NotBase64 { at: 5 })
    );
    assert_eq!(decode(&[0x40, 0]), cut("header", 4, 2));
    assert_eq!(decode(&[0x40, 0, 0, 0]), Err(BlobError::NoTrack));
    let version = BlobError::UnknownVersion { version: 4 };
    assert_eq!(decode(&[0x40, 0, 0, 1, 4]), Err(version));
    assert_eq!(decode(&[0x40, 0, 0, 4, 3, 0, 2, b'a']), cut("title", 2, 1));
    let text = BlobError::NotUtf8 {
        field: "title",
        at: 1,
    };
    assert_eq!(decode(&[0x40, 0, 0, 5, 3, 0, 2, b'a', 0xff]), Err(text));
    // Made up. The blob in LavaSearch's README has the same two faults: its header says 510 bytes
    // before 91, and it ends with an `=` too many.
    let broken = [&[0x40, 0, 0x01, 0xfe, 3][..], &[0; 90]].concat();
    assert_eq!(decode(&broken), cut("body", 510, 91));
    let padded = general_purpose::STANDARD.encode(&broken) + "=";
    assert_eq!(
        TrackBlob::decode(&padded),
        Err(BlobError::NotBase64 { at: 127 })
    );

    let long = TrackBlob {
        author: "€".repeat(21_846),
        ..TrackBlob::default()
    };
    let too_long = BlobError::TextTooLong {
        field: "author",
        bytes: 65_538,
    };
    assert_eq!(long.encode(), Err(too_long));
    let longest = TrackBlob {
        author: "€".repeat(21_845),
        ..TrackBlob::default()
    };
    assert_eq!(TrackBlob::decode(&longest.encode().unwrap()), Ok(longest));
    let early = TrackBlob {
        version: BlobVersion::V2,
        isrc: Some("X".into()),
        ..TrackBlob::default()
    };
    let missing = BlobError::NotInVersion {
        field: "isrc",
        version: 2,
        since: 3,
    };
    assert_eq!(early.encode(), Err(missing));
}

#[test]
fn a_track_is_made_of_a_blob_and_a_blob_of_its_info() {
    let track = Track::from_encoded(LOCAL).unwrap();
    let blob = TrackBlob::decode(LOCAL).unwrap();
    assert_eq!((&*track.encoded, &track.info), (LOCAL, &blob.info()));
    assert_eq!(
        track.plugin_info.as_ref().unwrap().get(),
        r#"{"probeInfo":"wav"}"#
    );
    assert!(track.info.is_seekable);
    assert_eq!(blob.to_track(), Ok(track.clone()));
    let again = TrackBlob::from_info(&track.info).with_tail(blob.tail.clone());
    assert_eq!(again, blob);

    let moved = blob.clone().with_position(1500);
    assert_eq!(moved.info().position, 1500);
    assert!(moved.is_same_track(&blob) && moved != blob);
    assert!(same_track(&moved.encode().unwrap(), LOCAL));
}

#[test]
fn a_tail_is_what_it_looks_like_and_otherwise_bytes() {
    let extended = BlobTail::Extended(Box::new(ExtendedInfo {
        album_name: Some("Album".into()),
        is_preview: true,
        ..ExtendedInfo::default()
    }));
    let json = concat!(
        r#"{"albumName":"Album","albumUrl":null,"artistUrl":null,"#,
        r#""artistArtworkUrl":null,"previewUrl":null,"isPreview":true}"#
    );
    assert_eq!(extended.plugin_info().unwrap().get(), json);
    let read = |source: &str, tail: &BlobTail| {
        let blob = TrackBlob {
            source_name: source.into(),
            ..TrackBlob::default()
        };
        let encoded = blob.with_tail(tail.clone()).encode().unwrap();
        TrackBlob::decode(&encoded).unwrap().tail
    };
    // ytdlp gives itself out as youtube.
    assert_eq!(read("youtube", &extended), extended);
    assert_eq!(read("spotify", &BlobTail::None), BlobTail::None);
    let probe = BlobTail::Probe("mp3|x".into());
    assert_eq!(read("http", &probe), probe);
    assert_eq!(
        read("youtube", &probe),
        BlobTail::Other(b"\0\x05mp3|x".to_vec())
    );
    // A flag of 2 would be written as 1.
    let odd = BlobTail::Other(vec![0, 0, 0, 0, 0, 2]);
    assert_eq!(read("spotify", &odd), odd);
    let more = BlobTail::Other(vec![0; 7]);
    assert_eq!(read("spotify", &more), more);
    // Four plain bytes would be written as six.
    let plain = BlobTail::Other([&[0, 4], "😀".as_bytes()].concat());
    assert_eq!(read("http", &plain), plain);
}

#[test]
fn random_tracks_are_read_as_they_were_written() {
    let mut rng = Seed::from(31).stream(0);
    for _ in 0..20_000 {
        let blob = random(&mut rng);
        let encoded = blob.encode().unwrap();
        assert_eq!(TrackBlob::decode(&encoded), Ok(blob.clone()), "{encoded}");
        let trailing = general_purpose::STANDARD.decode(&encoded).unwrap();
        let trailing = general_purpose::STANDARD.encode([&trailing[..], b"more"].concat());
        assert_eq!(TrackBlob::decode(&trailing), Ok(blob), "{trailing}");
    }
}

#[test]
fn a_blob_cut_anywhere_is_an_error() {
    let mut rng = Seed::from(32).stream(0);
    let random = (0..50).map(|_| random(&mut rng).encode().unwrap());
    for whole in SAMPLES.map(str::to_owned).into_iter().chain(random) {
        let bytes = general_purpose::STANDARD.decode(&whole).unwrap();
        for end in 0..bytes.len() {
            let cut = general_purpose::STANDARD.encode(&bytes[..end]);
            assert!(TrackBlob::decode(&cut).is_err(), "{cut}");
        }
        for end in 0..whole.trim_end_matches('=').len() {
            assert!(
                TrackBlob::decode(&whole[..end]).is_err(),
                "{whole} at {end}"
            );
        }
    }
}

#[test]
fn flipped_bytes_neither_panic_nor_allocate_much() {
    let mut rng = Seed::from(33).stream(0);
    for _ in 0..20_000 {
        let mut bytes = general_purpose::STANDARD
            .decode(random(&mut rng).encode().unwrap())
            .unwrap();
        for _ in 0..=rng.next_u32() % 4 {
            let at = usize::try_from(rng.next_u32()).unwrap() % bytes.len();
            bytes[at] = rng.next_u32().to_le_bytes()[0];
        }
        let encoded = general_purpose::STANDARD.encode(&bytes);
        if let Ok(blob) = decode_in_bounds(&encoded) {
            let again = blob.encode().unwrap();
            assert_eq!(TrackBlob::decode(&again), Ok(blob));
        }
    }
}

#[test]
fn what_is_long_is_read_in_the_space_of_half_as_much_again() {
    let long = || Some("€".repeat(21_845));
    let other = BlobTail::Other(vec![1; 1 << 20]);
    let extended = BlobTail::Extended(Box::new(ExtendedInfo {
        album_name: long(),
        album_url: long(),
        artist_url: long(),
        artist_artwork_url: long(),
        preview_url: long(),
        is_preview: true,
    }));
    // An end that makes bytes of what was texts until then.
    let mut writer = Writer::new();
    extended.write(&mut writer).unwrap();
    writer.byte(0);
    let message = writer.into_message(0).unwrap();
    let nearly = BlobTail::Other(message.get(4..).unwrap().to_vec());
    for (source, tail) in [
        ("spotify", BlobTail::None),
        ("spotify", other),
        ("spotify", extended),
        ("spotify", nearly),
        ("http", BlobTail::Probe("\0".repeat(32_767))),
    ] {
        let blob = TrackBlob {
            title: long().unwrap(),
            uri: long(),
            source_name: source.into(),
            tail,
            ..TrackBlob::default()
        };
        assert_eq!(decode_in_bounds(&blob.encode().unwrap()), Ok(blob));
    }
}

/// Decodes, and asserts that it held no more than it may.
fn decode_in_bounds(encoded: &str) -> Result<TrackBlob, BlobError> {
    let mut read = None;
    let used = allocation_counter::measure(|| read = Some(TrackBlob::decode(encoded)));
    let most = u64::try_from(encoded.len()).unwrap() * 3 / 2 + SMALL;
    let start = encoded.get(..encoded.len().min(200)).unwrap();
    assert!(used.bytes_max <= most, "{} for {start}", used.bytes_max);
    read.unwrap()
}

/// The box of an extended tail.
const SMALL: u64 = 256;

fn random(rng: &mut impl Rng) -> TrackBlob {
    let version = match rng.next_u32() % 4 {
        0 => BlobVersion::V1,
        1 => BlobVersion::V2,
        _ => BlobVersion::V3,
    };
    let (source_name, tail) = match rng.next_u32() % 4 {
        0 => ("http".to_owned(), BlobTail::Probe(string(rng))),
        1 => (
            "spotify".to_owned(),
            BlobTail::Extended(Box::new(extended(rng))),
        ),
        2 => ("local".to_owned(), BlobTail::Other(vec![0xff; 9])),
        _ => (string(rng), BlobTail::None),
    };
    TrackBlob {
        version,
        title: string(rng),
        author: string(rng),
        length: rng.next_u64().cast_signed(),
        identifier: string(rng),
        is_stream: rng.next_u32().is_multiple_of(2),
        uri: maybe(rng).filter(|_| version >= BlobVersion::V2),
        artwork_url: maybe(rng).filter(|_| version >= BlobVersion::V3),
        isrc: maybe(rng).filter(|_| version >= BlobVersion::V3),
        source_name,
        tail,
        position: rng.next_u64().cast_signed(),
    }
}

fn extended(rng: &mut impl Rng) -> ExtendedInfo {
    ExtendedInfo {
        album_name: maybe(rng),
        album_url: maybe(rng),
        artist_url: maybe(rng),
        artist_artwork_url: maybe(rng),
        preview_url: maybe(rng),
        is_preview: rng.next_u32().is_multiple_of(2),
    }
}

fn maybe(rng: &mut impl Rng) -> Option<String> {
    rng.next_u32().is_multiple_of(2).then(|| string(rng))
}

/// Up to 11 characters of one to four bytes.
fn string(rng: &mut impl Rng) -> String {
    let count = rng.next_u32() % 12;
    let character = |rng: &mut dyn Rng| {
        let bits = [7, 11, 16, 21].map(|bits| (1 << bits) - 1);
        let mask: u32 = bits[usize::try_from(rng.next_u32() % 4).unwrap()];
        char::from_u32(rng.next_u32() & mask).unwrap_or('\0')
    };
    (0..count).map(|_| character(rng)).collect()
}
