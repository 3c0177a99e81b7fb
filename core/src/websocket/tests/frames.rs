//! Frames and the messages that they make.

use super::*;

/// Ten bytes a message at most.
const SMALL: WebSocketLimits = WebSocketLimits {
    header_bytes_max: 512,
    message_bytes_max: 10,
};

#[test]
fn a_text_message_in_one_frame() {
    // RFC 6455 §5.7: a single-frame unmasked text message.
    let bytes = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];

    assert_eq!(outcome(&bytes), (vec![text("Hello")], vec![]));
}

#[test]
fn a_text_message_in_two_frames() {
    // RFC 6455 §5.7: a fragmented unmasked text message.
    let bytes = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];

    assert_eq!(outcome(&bytes), (vec![text("Hello")], vec![]));
}

#[test]
fn a_binary_message_of_256_bytes() {
    // RFC 6455 §5.7: 256 bytes binary message in a single unmasked frame.
    let mut bytes = vec![0x82, 0x7e, 0x01, 0x00];
    bytes.extend_from_slice(&[0xa5; 256]);

    assert_eq!(
        outcome(&bytes),
        (vec![Seen::Binary(vec![0xa5; 256])], vec![])
    );
}

#[test]
fn a_binary_message_of_64_kib() {
    // RFC 6455 §5.7: 64KiB binary message in a single unmasked frame.
    let mut bytes = vec![0x82, 0x7f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00];
    bytes.resize(bytes.len() + 0x1_0000, 0x5a);
    let expected = [Seen::Binary(vec![0x5a; 0x1_0000])];

    assert_eq!(
        feed(&mut open(WebSocketLimits::default()), &[&bytes]),
        expected
    );
    let pieces: Vec<_> = bytes.chunks(1021).collect();
    assert_eq!(
        feed(&mut open(WebSocketLimits::default()), &pieces),
        expected
    );
}

#[test]
fn messages_may_follow_each_other_at_once() {
    // The last one begins nothing.
    let bytes = b"\x81\x02{}\x81\x00\x82\x01\xff\x01\x00\x80\x01a\x00\x00";

    let (seen, _) = outcome(bytes);

    assert_eq!(
        seen,
        [
            text("{}"),
            text(""),
            Seen::Binary(vec![0xff]),
            text("a"),
            Seen::Violation(Violation::UnexpectedContinuation),
        ],
    );
}

#[test]
fn characters_may_be_cut_by_fragments() {
    let bytes = b"\x01\x01\xf0\x00\x02\x9f\x8e\x80\x01\xb5";

    assert_eq!(outcome(bytes).0, [text("\u{1f3b5}")]);
}

#[test]
fn control_frames_may_stand_between_fragments() {
    let bytes = b"\x01\x03Hel\x89\x01p\x8a\x01q\x80\x02lo";

    let expected = (
        vec![Seen::Pong(b"q".to_vec()), text("Hello")],
        vec![sent(0xa, b"p")],
    );
    assert_eq!(outcome(bytes), expected);
}

#[test]
fn a_whole_message_is_borrowed_from_the_input() {
    let mut websocket = open(WebSocketLimits::default());
    let bytes = b"\x81\x05Hello";
    let mut input = &bytes[..];

    let Ok(Some(Incoming::Text(text))) = websocket.next(&mut input) else {
        panic!("a message")
    };

    assert_eq!(text.as_ptr(), bytes[2..].as_ptr());
}

#[test]
fn a_long_message_does_not_keep_its_memory() {
    let mut websocket = open(WebSocketLimits::default());
    let mut bytes = vec![0x81, 0x7f, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00];
    bytes.resize(bytes.len() + 0x10_0000, b'a');
    let (start, end) = bytes.split_at(0x8_0000);

    assert_eq!(feed(&mut websocket, &[start, end]).len(), 1);

    assert!(
        websocket.assembler.memory() <= 16 * 1024,
        "{}",
        websocket.assembler.memory()
    );
}

#[test]
fn messages_of_a_usual_length_use_one_buffer_again() {
    for length in [5, 0x3000_u16] {
        let mut websocket = open(WebSocketLimits::default());
        let first = parted(0x81, length);
        feed(&mut websocket, &[&first[0], &first[1]]);
        let memory = websocket.assembler.memory();

        let again = [parted(0x81, length), parted(0x82, length)].concat();
        feed(
            &mut websocket,
            &again.iter().map(|part| &**part).collect::<Vec<_>>(),
        );

        assert_eq!(websocket.assembler.memory(), memory);
        assert!(memory >= usize::from(length), "{memory}");
    }
}

#[test]
fn a_websocket_that_is_closed_keeps_no_memory() {
    let mut websocket = open(WebSocketLimits::default());
    let [begin, _] = parted(0x81, 0x3000);
    feed(&mut websocket, &[&begin]);
    assert!(websocket.assembler.memory() > 0);

    websocket.end_of_stream().unwrap_err();

    assert_eq!(websocket.assembler.memory(), 0);
}

#[test]
fn a_masked_frame_is_a_violation() {
    // RFC 6455 §5.7: a single-frame masked text message, which only a client sends.
    let bytes = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];

    assert_eq!(violation(&bytes), (Violation::MaskedServerFrame, 1002));
}

#[test]
fn reserved_bits_are_a_violation() {
    for first in [0xc1, 0xa1, 0x91] {
        assert_eq!(violation(&[first, 0x00]), (Violation::ReservedBits, 1002));
    }
}

#[test]
fn reserved_opcodes_are_a_violation() {
    for opcode in [0x3, 0x7, 0xb, 0xf] {
        let expected = (Violation::ReservedOpcode { opcode }, 1002);
        assert_eq!(violation(&[0x80 | opcode, 0x00]), expected);
    }
}

#[test]
fn a_continuation_of_nothing_is_a_violation() {
    assert_eq!(
        violation(b"\x80\x01a"),
        (Violation::UnexpectedContinuation, 1002)
    );
}

#[test]
fn a_message_inside_a_message_is_a_violation() {
    assert_eq!(
        violation(b"\x01\x01a\x81\x01b"),
        (Violation::InterruptedMessage, 1002)
    );
    assert_eq!(
        violation(b"\x02\x01a\x01\x01b"),
        (Violation::InterruptedMessage, 1002)
    );
}

#[test]
fn a_message_may_be_as_long_as_its_bound() {
    let (seen, sent) = outcome_within(b"\x01\x05Hello\x80\x05World", SMALL);

    assert_eq!((seen, sent), (vec![text("HelloWorld")], vec![]));
}

#[test]
fn a_message_over_its_bound_is_known_by_its_header() {
    let too_long = |bytes| {
        (
            Violation::MessageTooLong {
                bytes,
                bytes_max: 10,
            },
            1009,
        )
    };

    assert_eq!(violation_within(b"\x81\x0b", SMALL), too_long(11));
    let whole = b"\x81\x0bHello World";
    assert_eq!(violation_within(whole, SMALL), too_long(11));
    assert_eq!(violation_within(b"\x81\x7e\x01\x00", SMALL), too_long(256));
    let whole_range = b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff";
    assert_eq!(violation_within(whole_range, SMALL), too_long(u64::MAX));
}

#[test]
fn fragments_over_the_bound_together_are_known_by_their_headers() {
    let expected = (
        Violation::MessageTooLong {
            bytes: 11,
            bytes_max: 10,
        },
        1009,
    );
    assert_eq!(violation_within(b"\x01\x05Hello\x00\x06", SMALL), expected);

    let mut endless = b"\x01\x05Hello".to_vec();
    endless.extend_from_slice(b"\x00\x7f\xff\xff\xff\xff\xff\xff\xff\xff");
    let expected = (
        Violation::MessageTooLong {
            bytes: u64::MAX,
            bytes_max: 10,
        },
        1009,
    );
    assert_eq!(violation_within(&endless, SMALL), expected);
}

#[test]
fn text_that_is_not_utf_8_is_a_violation() {
    for payload in [
        &b"\xff"[..],
        b"\xc3\x28",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ] {
        let mut whole = vec![0x81, payload.len() as u8];
        whole.extend_from_slice(payload);
        assert_eq!(violation(&whole), (Violation::Utf8, 1007));

        let (first, rest) = payload.split_first().unwrap();
        let mut fragments = vec![0x01, 0x01, *first, 0x80, rest.len() as u8];
        fragments.extend_from_slice(rest);
        assert_eq!(violation(&fragments), (Violation::Utf8, 1007));
    }
}

#[test]
fn nothing_is_read_behind_a_violation() {
    let mut websocket = open(WebSocketLimits::default());

    let seen = feed(&mut websocket, &[b"\x81\x01\xff\x81\x01a", b"\x81\x01b"]);

    assert_eq!(seen, [Seen::Violation(Violation::Utf8)]);
    websocket.ping(&[0; 8]);
    websocket.close(CloseCode::NORMAL, "");
    assert_eq!(
        take_sent(&mut websocket),
        [sent(8, &1007_u16.to_be_bytes())]
    );
}

/// A frame with as many letters, in two parts.
fn parted(first: u8, length: u16) -> [Vec<u8>; 2] {
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..=125 => vec![first, low],
        _ => vec![first, 126, high, low],
    };
    let text = vec![b'a'; usize::from(length)];
    let (begin, end) = text.split_at(text.len() / 2);
    [[&head[..], begin].concat(), end.to_vec()]
}
