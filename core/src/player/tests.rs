//! What a player makes of what it is asked, and of what its nodes say.

use std::sync::Arc;

use super::*;
use crate::id::NodeId;
use crate::protocol::plugins::LyricsFrom;
use crate::protocol::{self, Filters, Track, TrackEndReason, TrackInfo};
use crate::texts::Texts;

const A: NodeId = node(0);
const B: NodeId = node(1);
const C: NodeId = node(2);

const SEEK: Duration = Duration::from_secs(10);

const fn node(slot: u32) -> NodeId {
    NodeId {
        slot,
        generation: 0,
    }
}

const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A player on `A` of which nothing was asked yet.
fn new_player() -> Player {
    let id = PlayerId {
        slot: 0,
        generation: 0,
    };
    let guild = GuildId::new(1).expect("not zero");
    let mut player = Player::new(id, guild, 0);
    player.place = Placement::On(A);
    player
}

/// A player that has been heard on `A` since 0, as was confirmed and told.
fn playing() -> Player {
    let mut player = new_player();
    player.wanted.apply(play("own"), at(0));
    player.connected = true;
    player.regulate(at(0));
    player.start_told();
    player.busy();
    player
}

fn play(blob: &str) -> Update {
    Update::play(Source::encoded(blob))
}

/// A player on its way from `A` to `B`.
fn moving(why: Move) -> Player {
    let mut player = playing();
    player.place = Placement::Moving {
        from: A,
        to: B,
        why,
    };
    player
}

/// What a node says of the player: 9 s into the track of this blob.
fn said(blob: &str, paused: bool) -> String {
    let player = serde_json::json!({
        "guildId": "1",
        "track": {"encoded": blob, "info": {}},
        "volume": 100,
        "paused": paused,
        "state": {"time": 1, "position": 9_000, "connected": true, "ping": 1},
        "filters": {"volume": 0.5},
    });
    player.to_string()
}

fn decoded(text: &str) -> protocol::Player<'_> {
    protocol::Player::decode(text).expect("a player")
}

fn base(player: &mut Player) -> &mut Desired {
    &mut player.busy().base
}

#[test]
fn a_player_that_waits_for_nothing_keeps_nothing_of_what_only_a_busy_one_needs() {
    let mut player = playing();
    player.settle();
    assert!(player.busy.is_none());
    player.busy().movers.push(CommandId(1));
    player.settle();
    assert!(player.busy.is_some());
}

#[test]
fn what_is_confirmed_does_not_pass_while_the_node_has_no_voice_connection() {
    let mut player = playing();
    player.connected = false;
    player.regulate(at(1_000));
    assert_eq!(base(&mut player).clock.position_ms(at(5_000)), 1_000);
}

#[test]
fn what_a_node_says_of_a_place_is_of_the_play_before_once_the_next_is_asked_for() {
    let place = |mut player: Player| {
        player.report_before(900, at(1_000));
        base(&mut player).clock.position_ms(at(1_000))
    };
    assert_eq!(place(playing()), 900);

    let mut overtaken = playing();
    overtaken.ask(play("next"), false, at(1_000));
    assert_eq!(place(overtaken), 900);

    // It has no place while it is not heard, nor before it has begun.
    let mut unheard = playing();
    unheard.connected = false;
    assert_eq!(place(unheard), 1_000);
    let mut unbegun = playing();
    unbegun.awaits_start = true;
    assert_eq!(place(unbegun), 1_000);
}

/// Where the confirmed play is at 10 s, which was last known to be 5 s into it at that time, when
/// the node says that place then.
fn place_after(position_ms: u64, is_sent: bool, change: impl FnOnce(&mut Busy)) -> u64 {
    let mut player = playing();
    let busy = player.busy();
    busy.base.clock.report(5_000, at(5_000));
    change(busy);
    busy.report_base(position_ms, is_sent, at(10_000));
    busy.base.clock.position_ms(at(10_000))
}

#[test]
fn what_goes_back_once_the_next_play_is_sent_is_of_that_one() {
    assert_eq!(place_after(4_000, false, |_| ()), 4_000);
    assert_eq!(place_after(4_000, true, |_| ()), 10_000);
    assert_eq!(place_after(5_000, true, |_| ()), 5_000);
    assert_eq!(place_after(9_000, true, |_| ()), 9_000);
}

#[test]
fn a_place_is_not_of_a_confirmed_play_that_is_paused_or_that_the_node_may_have_left() {
    assert_eq!(
        place_after(9_000, false, |busy| busy.base.paused = true),
        10_000
    );
    assert_eq!(
        place_after(9_000, false, |busy| busy.is_sure = false),
        10_000
    );
}

#[test]
fn what_a_refusal_goes_back_to_is_known_of_a_confirmed_play_and_of_one_to_begin_again() {
    let mut busy = Busy::new(Desired::default());
    assert!(!busy.is_base_known());
    busy.before = Before::Itself;
    assert!(busy.is_base_known());
    assert!(playing().busy().is_base_known());
}

#[test]
fn a_refusal_goes_back_to_what_another_client_plays_if_nothing_better_is_known() {
    let said = said("theirs", false);
    let noted = |mut player: Player, played| {
        player.note_base(&decoded(&said), played, at(1_000));
        let track = base(&mut player).track.take();
        track.and_then(|choice| choice.encoded().map(str::to_owned))
    };
    assert_eq!(
        noted(new_player(), Played::Another).as_deref(),
        Some("theirs")
    );
    assert_eq!(noted(new_player(), Played::Late), None);
    assert_eq!(noted(playing(), Played::Another).as_deref(), Some("own"));
}

#[test]
fn the_end_of_a_play_that_its_node_lost_is_to_be_told_once_another_is_asked_for() {
    let track = Arc::new(Track::new("lost", TrackInfo::default()));
    let mut player = new_player();
    player.wanted.apply(Update::play(track.clone()), at(0));
    player.begin_again(at(0));
    let lost = player.wanted.track.clone();
    player.busy().supersede_base(lost.as_deref());
    assert!(!player.busy().refuse_itself());
    assert_eq!(
        player.busy().take_end(),
        Some((track, TrackEndReason::Finished))
    );
}

#[test]
fn a_play_that_was_told_to_begin_is_not_told_so_again_when_the_next_is_refused() {
    let mut player = playing();
    player.ask(play("next"), false, at(1_000));
    player.busy().begun = Some(1);
    player.take_back(Fields::TRACK, at(2_000));
    assert_eq!(player.busy().begun, None);
}

#[test]
fn the_beginning_of_another_play_is_not_that_of_the_one_that_a_refusal_goes_back_to() {
    let mut player = playing();
    player.told = 0;
    player.ask(play("next"), false, at(1_000));
    player.busy().begun = Some(2);
    player.take_back(Fields::TRACK, at(2_000));
    assert_eq!(player.busy().begun, None);
    assert!(!player.is_start_told());
}

#[test]
fn a_node_that_a_player_comes_back_to_is_sent_all_of_it_if_it_has_lost_it_meanwhile() {
    for (asked, before) in [
        (Fields::NONE, Before::Itself),
        (Fields::TRACK, before::STANDING),
    ] {
        let mut player = moving(Move::Ordered);
        player.wanted.volume = 50.into();
        player.unsent = asked;
        player.pack();
        player.burn_bridges();
        player.place = Placement::On(A);
        player.unpack(at(1_000));
        assert_eq!(player.unsent, player.substance());
        assert_eq!(player.busy().before, before);
    }
}

#[test]
fn what_is_asked_of_a_play_that_is_new_is_not_set_aside_for_one_that_the_node_may_have() {
    let mut player = new_player();
    let update = play("new").position(SEEK);
    player.ask(update, true, at(0));
    assert_eq!(player.wanted.clock.position_ms(at(0)), 10_000);
}

#[test]
fn what_is_asked_once_it_is_known_whether_there_is_a_play_is_not_set_aside() {
    let mut stopped = new_player();
    stopped.ask(Update::stop(), true, at(0));
    for mut player in [playing(), stopped] {
        player.ask(Update::default().position(SEEK), true, at(0));
        assert!(player.busy().aside.is_none());
    }
}

#[test]
fn only_a_seek_within_a_track_seeks_a_place() {
    let wanted = playing().wanted;
    let sought = |fields| wanted.sought_ms(fields, at(3_000));
    assert_eq!(sought(Fields::POSITION), Some(3_000));
    assert_eq!(sought(Fields::POSITION.with(Fields::TRACK)), None);
    assert_eq!(sought(Fields::VOLUME), None);
}

#[test]
fn a_busy_player_leaves_a_copy_behind_where_it_was_lost_and_nowhere_else() {
    let mut player = playing();
    player.leave_behind(A);
    assert!(player.has_left_behind(A));
    assert!(!player.has_left_behind(B));
}

#[test]
fn a_player_that_goes_back_to_its_copy_has_the_end_time_of_that_unless_another_was_asked_for() {
    for (asked, expected) in [(Fields::NONE, 30_000), (Fields::END_TIME, 40_000)] {
        let mut player = playing();
        player.wanted.end_time_ms = Some(30_000);
        player.leave_behind(A);
        player.wanted.end_time_ms = Some(40_000);
        player.busy().left = asked;
        player.follow_behind(at(1_000));
        assert_eq!(player.wanted.end_time_ms, Some(expected));
    }
}

#[test]
fn a_player_waits_to_be_looked_at_in_the_lane_of_its_node_alone() {
    let mut player = playing();
    assert!(!player.is_to_be_looked_at(A));
    player.stage = Stage::ToLookAt;
    assert_eq!(
        [A, B].map(|node| player.is_to_be_looked_at(node)),
        [true, false]
    );
}

#[test]
fn the_voice_state_of_an_adopted_player_is_taken_over_if_the_node_shows_it() {
    for (token, expected) in [("a token", true), ("", false)] {
        let said = serde_json::json!({
            "guildId": "1",
            "track": null,
            "volume": 100,
            "paused": false,
            "state": {"time": 1, "position": 0, "connected": true, "ping": 1},
            "voice": {
                "token": token,
                "endpoint": "us-east1.discord.media:443",
                "sessionId": "a session",
                "channelId": "7",
            },
            "filters": {},
        });
        let said = said.to_string();
        let mut player = new_player();
        player.adopt(&decoded(&said), &mut Texts::default(), at(0));
        assert_eq!(player.has_voice(), expected, "{token}");
    }
}

#[test]
fn a_player_is_away_since_it_was_lost_first() {
    let places = [
        Placement::Frozen { old: A },
        Placement::Stranded { from: A },
        moving(Move::Lost).place,
    ];
    for place in places {
        let mut player = playing();
        player.begin_away(at(1_000));
        player.place = place;
        player.begin_away(at(2_000));
        assert_eq!(player.away_since, at(1_000), "{place:?}");
    }
    let mut ordered = moving(Move::Ordered);
    ordered.begin_away(at(2_000));
    assert_eq!(ordered.away_since, at(2_000));
}

#[test]
fn a_player_is_lost_to_the_node_alone_that_it_goes_to_from_a_lost_one() {
    let lost = moving(Move::Lost);
    assert_eq!([A, B].map(|node| lost.is_lost_to(node)), [false, true]);
    assert!(!moving(Move::Ordered).is_lost_to(B));
    assert!(!playing().is_lost_to(A));
}

#[test]
fn a_place_on_the_way_names_both_nodes_and_no_other() {
    let about = |player: Player| [A, B, C].map(|node| player.is_about(node));
    assert_eq!(about(moving(Move::Ordered)), [true, true, false]);
    assert_eq!(about(playing()), [true, false, false]);
}

#[test]
fn what_arrived_unanswered_is_where_the_next_node_says_while_that_is_heard() {
    for (connected, paused, expected) in [
        (true, false, 9_000),
        (true, true, 1_000),
        (false, false, 1_000),
    ] {
        let mut player = moving(Move::Ordered);
        player.connected = connected;
        let sent = player.heed_arrival(&decoded(&said("own", paused)), at(1_000));
        let position_ms = sent.clock.position_ms(at(1_000));
        assert_eq!(position_ms, expected, "{connected} {paused}");
    }
}

#[test]
fn the_place_that_a_node_says_counts_while_that_is_heard() {
    for (connected, paused, expected) in [
        (true, false, 9_000),
        (true, true, 1_000),
        (false, false, 1_000),
    ] {
        let mut player = playing();
        player.connected = connected;
        player.heed_place(&decoded(&said("own", paused)), at(1_000));
        let position_ms = player.wanted.clock.position_ms(at(1_000));
        assert_eq!(position_ms, expected, "{connected} {paused}");
    }
}

#[test]
fn the_confirmed_play_is_where_the_node_says_that_plays_it_and_stands_there_if_paused() {
    for (blob, paused, expected) in [
        ("own", false, 10_000),
        ("own", true, 9_000),
        ("other", false, 2_000),
    ] {
        let mut player = playing();
        player.heed_place(&decoded(&said(blob, paused)), at(1_000));
        let position_ms = base(&mut player).clock.position_ms(at(2_000));
        assert_eq!(position_ms, expected, "{blob} {paused}");
    }
}

#[test]
fn filters_that_a_node_shows_are_confirmed_unless_they_may_be_those_that_are_refused() {
    let said = said("own", false);
    let shown = Filters::new().with_volume(0.5);
    for (doubtful, expected) in [
        (Fields::NONE, Some(Arc::new(shown))),
        (Fields::FILTERS, None),
    ] {
        let mut player = playing();
        player.note_differences(&decoded(&said), doubtful);
        assert_eq!(base(&mut player).filters, expected);
    }
}

#[test]
fn a_pause_that_was_there_before_this_client_stays_unless_a_play_ends_it() {
    let said = said("theirs", true);
    let mut player = new_player();
    player.take_unasked(&decoded(&said), at(0));
    assert!(player.wanted.paused);

    let mut player = new_player();
    player.ask(play("new"), true, at(0));
    player.take_unasked(&decoded(&said), at(0));
    assert!(!player.wanted.paused);
}

#[test]
fn a_command_that_was_abandoned_does_not_wait_for_its_wish_any_more() {
    let mut wishes = Wishes::default();
    wishes.set(1, PluginWish::Lyrics(Some(LyricsFrom::Any)));
    wishes.wait(1, CommandId(1));
    wishes.wait(1, CommandId(2));
    wishes.forget(CommandId(1));
    assert_eq!(wishes.take_waiting(1), [CommandId(2)]);
}
