//! Pings, pongs and closes.

use super::*;

#[test]
fn a_websocket_is_closed_once_both_sides_have_said_so() {
    let states = |websocket: &WebSocket| {
        (
            websocket.is_handshaking(),
            websocket.is_open(),
            websocket.is_closing(),
            websocket.is_closed(),
        )
    };
    let handshaking = asking(WebSocketLimits::default());
    assert_eq!(states(&handshaking), (true, false, false, false));
    let mut websocket = open(WebSocketLimits::default());
    assert_eq!(states(&websocket), (false, true, false, false));

    websocket.close(CloseCode::NORMAL, "");
    assert_eq!(states(&websocket), (false, false, true, false));
    let text = [0x81, 1, b'x']; // dropped
    assert_eq!(feed(&mut websocket, &[&text]), []);
    assert_eq!(states(&websocket), (false, false, true, false));

    feed(&mut websocket, &[&[0x88, 0]]);
    assert_eq!(states(&websocket), (false, false, false, true));
}

#[test]
fn a_ping_is_answered_with_its_payload() {
    // RFC 6455 §5.7: an unmasked ping request.
    let bytes = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];

    assert_eq!(outcome(&bytes), (vec![], vec![sent(0xa, b"Hello")]));
}

#[test]
fn the_longest_ping_is_answered() {
    let mut bytes = vec![0x89, 125];
    bytes.resize(127, b'p');

    assert_eq!(outcome(&bytes), (vec![], vec![sent(0xa, &[b'p'; 125])]));
}

#[test]
fn pings_that_nobody_reads_the_answers_of_do_not_pile_up() {
    let mut websocket = open(WebSocketLimits::default());
    for number in 0..=u8::MAX {
        assert_eq!(feed(&mut websocket, &[&[0x89, 0x01, number]]), []);
    }
    assert_eq!(websocket.pending().len(), 7);

    // The first had gone out; of the others the latest is answered.
    assert_eq!(
        take_sent(&mut websocket),
        [sent(0xa, &[0]), sent(0xa, &[255])]
    );
}

#[test]
fn our_pings_do_not_pile_up_either() {
    let mut websocket = open(WebSocketLimits::default());
    for number in 0..100_u64 {
        websocket.ping(&number.to_be_bytes());
    }

    let expected = [
        sent(9, &0_u64.to_be_bytes()),
        sent(9, &99_u64.to_be_bytes()),
    ];
    assert_eq!(take_sent(&mut websocket), expected);
}

#[test]
fn every_frame_has_a_mask_of_its_own() {
    let mut websocket = open(WebSocketLimits::default());
    let mut mask = || {
        websocket.ping(b"12345678");
        let bytes = write_all(&mut websocket);
        assert_eq!(bytes.len(), 14);
        bytes[2..6].to_vec()
    };

    let masks = [mask(), mask(), mask()];

    assert!(
        masks[0] != masks[1] && masks[1] != masks[2] && masks[0] != masks[2],
        "{masks:?}"
    );
}

#[test]
fn a_pong_is_handed_out() {
    assert_eq!(
        outcome(b"\x8a\x08heartbea").0,
        [Seen::Pong(b"heartbea".to_vec())]
    );
    assert_eq!(outcome(b"\x8a\x00").0, [Seen::Pong(Vec::new())]);
}

#[test]
fn a_close_frame_is_answered_with_its_code() {
    let (seen, sent_frames) = outcome(b"\x88\x05\x03\xe9bye\x81\x01a");

    assert_eq!(seen, [closed(1001, "bye")]);
    assert_eq!(sent_frames, [sent(8, b"\x03\xe9")]);
}

#[test]
fn an_empty_close_frame_is_answered_with_one() {
    let (seen, sent_frames) = outcome(b"\x88\x00");

    assert_eq!(seen, [Seen::Closed(CloseFrame::default())]);
    assert_eq!(sent_frames, [sent(8, b"")]);
}

#[test]
fn our_close_waits_for_the_servers_and_drops_messages() {
    let mut websocket = open(WebSocketLimits::default());
    feed(&mut websocket, &[b"\x01\x03Hel"]);

    websocket.close(CloseCode::NORMAL, "done");
    assert!(websocket.is_closing());
    assert_eq!(take_sent(&mut websocket), [sent(8, b"\x03\xe8done")]);

    let bytes = b"\x80\x02lo\x81\x01\xff\x82\x02ab\x89\x00\x8a\x01q\x88\x02\x03\xe8\x81\x01a";
    let seen = every_cut(bytes, |pieces| {
        let mut websocket = open(WebSocketLimits::default());
        feed(&mut websocket, &[b"\x01\x03Hel"]);
        websocket.close(CloseCode::NORMAL, "done");
        write_all(&mut websocket);
        let seen = feed(&mut websocket, pieces);
        assert!(websocket.is_closed());
        assert_eq!(
            take_sent(&mut websocket),
            [],
            "nothing is sent behind a close frame"
        );
        seen
    });
    assert_eq!(seen, [Seen::Pong(b"q".to_vec()), closed(1000, "")]);
}

#[test]
fn broken_frames_behind_our_close_are_told_and_not_answered() {
    let mut websocket = open(WebSocketLimits::default());
    websocket.close(CloseCode::NORMAL, "");
    write_all(&mut websocket);

    let seen = feed(&mut websocket, &[b"\xc1\x00"]);

    assert_eq!(seen, [Seen::Violation(Violation::ReservedBits)]);
    assert_eq!(take_sent(&mut websocket), []);
}

#[test]
fn a_close_reason_is_cut_to_what_fits() {
    let mut websocket = open(WebSocketLimits::default());

    websocket.close(CloseCode::POLICY, &"\u{e9}".repeat(100));

    let expected = [b"\x03\xf0", "\u{e9}".repeat(61).as_bytes()].concat();
    assert_eq!(take_sent(&mut websocket), [sent(8, &expected)]);
}

#[test]
fn a_close_goes_before_what_waits() {
    let mut websocket = open(WebSocketLimits::default());
    websocket.ping(&[1; 8]);
    websocket.ping(&[2; 8]);
    feed(&mut websocket, &[b"\x89\x00"]);

    websocket.close(CloseCode::GOING_AWAY, "");

    assert_eq!(
        take_sent(&mut websocket),
        [sent(9, &[1; 8]), sent(8, b"\x03\xe9")]
    );
}

#[test]
fn closing_twice_sends_one_frame() {
    let mut websocket = open(WebSocketLimits::default());

    websocket.close(CloseCode::NORMAL, "");
    websocket.close(CloseCode::GOING_AWAY, "");
    websocket.ping(&[0; 8]);

    assert_eq!(take_sent(&mut websocket), [sent(8, b"\x03\xe8")]);
}

#[test]
fn a_control_frame_over_125_bytes_is_a_violation() {
    let expected = (Violation::ControlTooLong { bytes: 126 }, 1002);
    assert_eq!(violation(b"\x89\x7e\x00\x7e"), expected);
    let expected = (Violation::ControlTooLong { bytes: u64::MAX }, 1002);
    assert_eq!(
        violation(b"\x88\x7f\xff\xff\xff\xff\xff\xff\xff\xff"),
        expected
    );
}

#[test]
fn a_fragmented_control_frame_is_a_violation() {
    for first in [0x08, 0x09, 0x0a] {
        assert_eq!(
            violation(&[first, 0x00]),
            (Violation::FragmentedControl, 1002)
        );
    }
}

#[test]
fn half_a_close_code_is_a_violation() {
    assert_eq!(violation(b"\x88\x01\x03"), (Violation::CloseLength, 1002));
}

#[test]
fn close_codes_that_may_not_be_sent_are_a_violation() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        let [high, low] = code.to_be_bytes();
        let expected = (Violation::CloseCode { code }, 1002);
        assert_eq!(violation(&[0x88, 0x02, high, low]), expected);
    }
}

#[test]
fn close_codes_that_may_be_sent_are_read() {
    for code in [1000_u16, 1001, 1003, 1007, 1011, 1014, 3000, 4999] {
        let [high, low] = code.to_be_bytes();
        assert_eq!(outcome(&[0x88, 0x02, high, low]).0, [closed(code, "")]);
    }
}

#[test]
fn a_close_reason_that_is_not_utf_8_is_a_violation() {
    assert_eq!(
        violation(b"\x88\x03\x03\xe8\xff"),
        (Violation::CloseReason, 1007)
    );
}

#[test]
fn an_end_without_a_close_frame_is_told() {
    let mut websocket = open(WebSocketLimits::default());
    feed(&mut websocket, &[b"\x81\x05Hel"]);

    assert_eq!(websocket.end_of_stream(), Err(Violation::EndedWithoutClose));
    assert_eq!(take_sent(&mut websocket), []);
    assert_eq!(websocket.end_of_stream(), Ok(()), "it is told once");
}

#[test]
fn an_end_behind_a_close_frame_is_no_violation() {
    let mut asked = open(WebSocketLimits::default());
    asked.close(CloseCode::NORMAL, "");
    assert_eq!(asked.end_of_stream(), Ok(()));
    assert!(asked.is_closed());

    let mut answered = open(WebSocketLimits::default());
    feed(&mut answered, &[b"\x88\x02\x03\xe8"]);
    assert_eq!(answered.end_of_stream(), Ok(()));
}
