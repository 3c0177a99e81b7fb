//! The list of all traps, each with the test that is its own.

use std::collections::BTreeSet;

/// What Lavalink, its plugins and Discord do that a client easily gets wrong.
const OF_THE_PROTOCOL: &[Trap] = &[
    trap(
        1,
        "reconnect storms, and giving up",
        &["connections::a_node_that_is_down_is_dialled_with_growing_pauses_until_it_is_up"],
    ),
    trap(
        2,
        "half-open TCP and the orphan of its session",
        &["connections::a_half_open_connection_is_found_out_and_the_new_session_has_the_voice"],
    ),
    trap(
        3,
        "resumed, but the client has restarted",
        &["sessions::a_resumed_session_brings_the_players_of_the_process_before"],
    ),
    trap(
        4,
        "the unit of the resume timeout",
        &["sessions::the_time_that_a_session_is_kept_is_told_in_seconds"],
    ),
    trap(
        5,
        "404 of a session that is only detached",
        &["sessions::an_unknown_session_is_resumed_and_its_players_are_not_made_again"],
    ),
    trap(
        6,
        "requests before ready, stats before ready",
        &["sessions::what_is_asked_before_ready_waits_for_it_and_stats_before_ready_count"],
    ),
    trap(
        7,
        "stale messages after a resume",
        &["sessions::an_end_that_is_replayed_after_a_resume_is_told_once"],
    ),
    trap(
        8,
        "a queue that advances on every end",
        &["ends::a_replaced_or_stopped_track_is_followed_by_nothing"],
    ),
    trap(
        9,
        "an exception and an end for one failure, and failing forever",
        &["ends::a_failing_track_skips_one_and_a_circle_of_them_comes_to_rest"],
    ),
    trap(
        10,
        "no end without voice, and cleanup",
        &["ends::a_play_waits_for_voice_and_a_cleaned_up_track_is_played_once_more_from_its_place"],
    ),
    trap(
        11,
        "the end of the old track after the new play",
        &["ends::the_end_of_the_play_before_does_not_end_the_next_one"],
    ),
    trap(
        12,
        "blobs that hold a position",
        &["positions::a_track_from_an_event_is_the_same_track_and_is_played_from_its_start"],
    ),
    trap(
        13,
        "drift of the position, and wrong clocks",
        &[
            "positions::a_position_runs_on_the_own_clock_and_stands_when_no_sound_goes_out",
            "positions::a_position_never_passes_the_length_of_its_track",
        ],
    ),
    trap(
        14,
        "halves of a voice state",
        &["voice::a_voice_state_is_sent_when_both_of_its_halves_are_there_and_of_one_join"],
    ),
    trap(
        15,
        "a loop of voice states",
        &["voice::a_voice_state_is_not_sent_again_for_a_mute_nor_without_end_for_closes"],
    ),
    trap(
        16,
        "voice that hangs, voice that dies silently",
        &["voice::voice_that_hangs_is_asked_for_once_and_voice_that_died_silently_is_missed"],
    ),
    trap(
        17,
        "a voice state without its channel",
        &["updates::every_voice_state_that_is_sent_names_its_channel"],
    ),
    trap(
        18,
        "4014 during a move",
        &["voice::a_4014_of_a_move_to_another_channel_costs_neither_player_nor_track"],
    ),
    trap(
        19,
        "plays that end a pause, nulls and fractions",
        &["updates::a_play_agrees_on_the_pause_and_no_body_has_a_null_or_a_fraction_to_choke_on"],
    ),
    trap(
        20,
        "noReplace swallows stop and pause",
        &["updates::a_play_that_gives_way_never_carries_a_stop_or_a_pause_away"],
    ),
    trap(
        21,
        "filters that wipe others",
        &["updates::a_filter_that_is_added_keeps_the_others_and_a_wrong_one_is_not_sent"],
    ),
    trap(
        22,
        "empty results and unknown kinds of them",
        &["messages::a_load_of_nothing_and_a_load_of_an_unknown_kind_are_read"],
    ),
    trap(
        23,
        "stats and numbers in every spelling",
        &["messages::stats_and_lengths_are_read_however_they_are_written"],
    ),
    trap(
        24,
        "no stats yet",
        &["choices::a_node_without_stats_takes_players"],
    ),
    trap(
        25,
        "unknown words and codes",
        &["messages::words_and_codes_that_nobody_knows_are_handed_on_and_break_nothing"],
    ),
    trap(
        26,
        "errors without a body",
        &["messages::an_error_without_a_readable_body_is_told_by_its_status"],
    ),
    trap(
        27,
        "news of a guild without a player",
        &["sessions::news_of_a_destroyed_player_are_dropped_without_a_word"],
    ),
    trap(
        28,
        "the old node's copy after a move",
        &["moves::a_moved_player_is_made_before_it_is_deleted_and_hears_the_new_node_only"],
    ),
    trap(
        29,
        "plugins that forget, and lost end times",
        &["moves::plugins_are_told_again_after_a_resume_and_an_end_time_holds_beside_them"],
    ),
    trap(
        30,
        "a plus in a query",
        &["requests::every_byte_of_a_query_that_could_mean_something_else_is_escaped"],
    ),
    trap(
        31,
        "secrets in logs, a foreign origin",
        &["requests::nothing_that_is_printed_holds_a_secret_and_no_request_has_an_origin"],
    ),
    trap(
        32,
        "stale connections, and identity",
        &["requests::an_idle_connection_is_not_used_when_its_server_may_have_ended_it"],
    ),
    trap(
        33,
        "a new gateway session",
        &["voice::a_new_gateway_session_joins_every_channel_again_within_the_limit"],
    ),
    trap(
        34,
        "a first position of 0",
        &["positions::the_first_reports_of_a_new_node_do_not_send_the_position_back_to_the_start"],
    ),
];

/// Mistakes of other clients.
const OF_CLIENTS: &[Trap] = &[
    trap(
        1,
        "ord in discord",
        &["choices::a_voice_server_is_not_in_chicago_because_discord_has_ord_in_it"],
    ),
    trap(
        2,
        "the busiest node",
        &["choices::the_node_with_the_least_to_do_is_chosen"],
    ),
    trap(
        3,
        "a stale connect error after a retry",
        &["connections::a_connect_that_succeeds_after_a_failed_try_is_a_success"],
    ),
    trap(
        4,
        "REST errors swallowed",
        &["requests::a_request_that_fails_is_an_error_with_its_status_and_never_an_empty_answer"],
    ),
    trap(
        5,
        "a refused upgrade without an event",
        &["connections::an_upgrade_that_is_refused_is_told_with_its_status"],
    ),
    trap(
        6,
        "an unknown close code that ends a node",
        &["connections::a_close_code_that_nobody_knows_costs_a_reconnect_and_no_music"],
    ),
    trap(
        7,
        "the players of all nodes moved",
        &["moves::the_loss_of_one_node_moves_its_own_players_only"],
    ),
    trap(
        8,
        "a delete sent to the new node",
        &["moves::the_delete_of_a_move_goes_to_the_node_that_the_player_left"],
    ),
    trap(
        9,
        "pause and filters lost on a move",
        &["moves::a_moved_player_is_as_paused_loud_and_filtered_as_before"],
    ),
    trap(
        10,
        "a position that runs through an outage",
        &["positions::a_position_stands_still_through_an_outage_and_goes_on_from_what_was_heard"],
    ),
    trap(
        11,
        "a negative deficit as a bonus",
        &["choices::a_negative_deficit_is_no_bonus"],
    ),
    trap(
        12,
        "a node without stats with penalty 0",
        &["choices::a_node_without_stats_is_not_the_best_of_all"],
    ),
    trap(
        13,
        "resuming switched on nowhere",
        &["sessions::every_session_is_told_that_it_will_be_resumed"],
    ),
    trap(
        14,
        "a destroyed node that dials again",
        &["connections::a_removed_node_is_not_dialled_by_what_was_scheduled_before"],
    ),
    trap(
        15,
        "cached objects that are shared and change",
        &["updates::what_was_handed_out_does_not_change_and_changes_nothing_when_it_is_changed"],
    ),
    trap(
        16,
        "no cores",
        &["choices::a_node_that_reports_no_cores_has_a_penalty_like_any_other"],
    ),
];

/// A trap, and the tests that are its own.
struct Trap {
    number: usize,
    words: &'static str,
    tests: &'static [&'static str],
}

/// The modules, with their text.
const MODULES: &[(&str, &str)] = &[
    ("choices", include_str!("choices.rs")),
    ("connections", include_str!("connections.rs")),
    ("ends", include_str!("ends.rs")),
    ("messages", include_str!("messages.rs")),
    ("moves", include_str!("moves.rs")),
    ("positions", include_str!("positions.rs")),
    ("requests", include_str!("requests.rs")),
    ("sessions", include_str!("sessions.rs")),
    ("updates", include_str!("updates.rs")),
    ("voice", include_str!("voice.rs")),
];

#[test]
fn every_trap_has_a_test_of_its_own_and_every_test_a_trap() {
    let mut named = BTreeSet::new();
    for (traps, count) in [(OF_THE_PROTOCOL, 34), (OF_CLIENTS, 16)] {
        let numbers = traps.iter().map(|trap| trap.number);
        assert_eq!(Vec::from_iter(numbers), Vec::from_iter(1..=count));
        for trap in traps {
            let Trap {
                number,
                words,
                tests,
            } = trap;
            assert!(!tests.is_empty(), "{number} ({words}) has no test");
            for test in *tests {
                assert!(named.insert((*test).to_owned()), "{test} belongs to two");
            }
        }
    }
    assert_eq!(named, written());
}

/// Every test function below this folder, as `module::name`.
fn written() -> BTreeSet<String> {
    let mut written = BTreeSet::new();
    for (module, text) in MODULES {
        let mut lines = text.lines();
        while lines.by_ref().any(|line| line == "#[test]") {
            let name = lines.next().and_then(|line| line.strip_prefix("fn "));
            let name = name.and_then(|line| line.strip_suffix("() {"));
            written.insert(format!("{module}::{}", name.expect("a test is a function")));
        }
    }
    written
}

const fn trap(number: usize, words: &'static str, tests: &'static [&'static str]) -> Trap {
    Trap {
        number,
        words,
        tests,
    }
}
