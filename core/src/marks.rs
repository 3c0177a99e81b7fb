//! Marks on branches that are rarely taken, so that tests can tell which of them they took.
//!
//! A mark is a line of the core: `mark!(ResumeRefused);` where the branch has one of its own, or
//! `mark!(DelayCapped if delay == max);`. It is nothing at all unless the feature `marks` is on,
//! which is for tests: then it counts, in this process, and nothing that the core does depends on
//! the count. Each is used exactly once, so that what it says is one place.

/// Counts that this was passed; nothing without the feature `marks`.
#[cfg(feature = "marks")]
macro_rules! mark {
    ($name:ident) => {
        $crate::marks::Mark::$name.hit()
    };
    ($name:ident if $condition:expr) => {
        if $condition {
            $crate::marks::Mark::$name.hit();
        }
    };
}

#[cfg(not(feature = "marks"))]
macro_rules! mark {
    ($($rest:tt)*) => {};
}

/// Makes the list, so that a name never stands without its sentence.
#[cfg(feature = "marks")]
macro_rules! marks {
    ($($name:ident: $sentence:literal,)*) => {
        /// A branch of the core that is rarely taken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Mark {
            $(#[doc = $sentence] $name,)*
        }

        impl Mark {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What happened where it is.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)*
                }
            }
        }
    };
}

#[cfg(feature = "marks")]
mod counted {
    use std::sync::atomic::{AtomicU64, Ordering};

    impl Mark {
        /// How often it was passed in this process, by whichever pool.
        pub fn hits(self) -> u64 {
            HITS.get(self as usize)
                .map_or(0, |hits| hits.load(Ordering::Relaxed))
        }

        pub(crate) fn hit(self) {
            if let Some(hits) = HITS.get(self as usize) {
                hits.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    static HITS: [AtomicU64; Mark::ALL.len()] = [const { AtomicU64::new(0) }; Mark::ALL.len()];

    marks! {
        // pool/dial.rs
        ResumeRefused: "A node that was asked to resume a session began a new one.",
        DialledInBackOff: "The application dialled a node that waited for its next try.",
        DialledWhileReady: "The application dialled a node anew that was ready.",
        ApiVersionForeign: "A server agreed to speak WebSocket and turned out to be no Lavalink 4.",
        RefusedForGood:
            "A server refused the upgrade for a reason that another try does not change.",
        UpgradePutOff: "A server refused the upgrade for a reason that may pass.",
        GravesFellWithTheSession: "Players that a node was to delete went with its old session.",
        // pool/loss.rs
        LostWhileLeaving: "The connection of a node ended that was being removed or closed.",
        TriesUsedUp: "A node was dialled as often as it may be, and given up.",
        DelayCapped: "The delay before a try to dial had grown to its longest.",
        OldSocketAwaited: "A node was dialled only when its old connection had closed.",
        QuestionsLeftTheNode: "Requests in a lane moved on when their node was lost.",
        // pool/messages.rs
        MessageUndecodable: "A message did not decode, and cost no more than itself.",
        MessageUnknown: "A message was of a kind that Lavalink 4 does not have.",
        PlayerBeforeReady: "A node spoke of a player before it was ready.",
        CopyHeardElsewhere:
            "A node reported a player that is on another one, and was told to delete its copy.",
        BuriedHeard: "A node reported a player that it had yet to delete, and not the next one.",
        GhostHeard:
            "A node reported a player that was destroyed and had been made again by a late PATCH.",
        SilenceAtHeartbeat: "Nothing had come from a node for two heartbeats.",
        PongForeign: "A pong answered another ping than the one that is open.",
        PongMissed: "No pong came by its deadline.",
        // pool/failover.rs
        RedialBehindTheGrace:
            "A node would be dialled so late that its players did not wait for it.",
        GraceEnded: "Players waited for their session until the grace was over.",
        FirstRedialFailed:
            "The first try to dial a lost node failed, and its players waited no more.",
        SourceLostInAMove: "The node that a player was ordered to leave was lost on the way.",
        TargetLostInAMove: "The node that a player was on its way to was lost.",
        Stranded: "No node could take the players of a lost one in time.",
        TurnedBackInTime: "A resumed node kept a player whose move had not gone out yet.",
        BridgesBurnt: "The node that players were leaving turned out not to have them any more.",
        // pool/moves.rs
        MoveToNowhere: "A player was ordered to a node that is not ready.",
        MoveOvertaken: "A player was ordered to one node while it was on its way to another.",
        StayedAfterAll: "A player that was to leave found its old node resumed.",
        MovedWithNothing: "A player moved of which a node need not be told anything.",
        ArrivedWhereItMayNotStay: "A player arrived at a node that is being emptied.",
        CameBackToNoNode:
            "A move failed, and the node that the player was leaving had been removed.",
        OrderedMoveFailed: "The target of an ordered move did not answer, and the player stayed.",
        AnotherTargetTried: "The target of a player did not answer, and another was there to try.",
        ArrivedWithoutVoice: "No node took the voice connection of a lost player without a track.",
        TriedWithoutVoice: "A track that no node took was tried without its voice connection.",
        VoiceMadeElsewhere: "A lost player went past a node that took all but its voice.",
        HeldUpNoLonger: "A player whose target had failed it went to another that was ready.",
        TargetCannotLetGo: "A target did not answer a DELETE, and another was there to try.",
        SameTargetTriedAgain: "The target of a player did not answer, and there was no other.",
        TrackRefusedOnTheMove: "An ordered move was refused for its track.",
        RefusedAndBack: "The target of a player refused it, and the node that has it was back.",
        TrackUnplayable:
            "Two nodes refused a track, or the only one, and the player went on without it.",
        WentHome: "A player went back to the node that it had been lost from.",
        LeftWhileQuiet: "A player left a node that had said nothing for too long.",
        // pool/burials.rs
        DestroyedOnTheWay:
            "A player was destroyed while it was on its way, so that two nodes may have it.",
        CopyRemoved: "A node was told to delete a copy that is not the player.",
        DeleteCaughtThePlayer:
            "A DELETE took a player that had come back in the meantime, and it was made again.",
        // pool/answers.rs
        AnswerOutdated: "An answer was dropped whose player has been given another request since.",
        VoiceServerSilent: "A node answered others, and not a PATCH with voice.",
        PauseAskedFor: "A node said how long it is not to be asked.",
        BreakerOpened: "A node failed several times in a row, and was given no more players.",
        BreakerClosed: "A node that had failed answered again.",
        SessionNotFound: "A request was answered 404, as its session was gone.",
        PatchRefusedOnce: "A PATCH was answered 500, and sent once more as it was.",
        PlayHadArrived: "A play whose answer was lost turned out to have arrived.",
        DeleteRetried: "A DELETE was answered 500, and sent again.",
        PlayersUnlisted: "A node did not list its players whole, which were sent to it unseen.",
        PlayersListedLate: "A node listed the players of a client before this one at a later try.",
        AnswerForeign: "Something else answered in a server's place that a change was done.",
        // pool/doubts.rs
        LookFailed: "A node was asked what it has of a player, and the answer was not its own.",
        SoughtLate: "A seek took effect after its node had been given up, and was taken back.",
        // pool/reconcile.rs
        PlayerUndecodable: "A player in the list of a resumed session did not decode.",
        CopyOfAnotherNode: "A resumed session had a player that is on another node.",
        StrangerDestroyed: "A resumed session had a player that nobody wants.",
        StrangerAdopted: "A resumed session had a player of an earlier process.",
        ServerPlaysAnother: "A resumed session plays something else than was last known.",
        EndImplied: "A resumed session had no track where one was wanted: its end was lost.",
        PlayerMadeAgain: "A resumed session lacked a player, which was made again.",
        // pool/events.rs
        StartOutdated: "A start was of an earlier play.",
        EndOutdated: "An end was of an earlier play, while another one was wanted.",
        EndedBeforeItsSuccessor: "A track ended while the next was asked for already.",
        EndedBeforeItsAnswer: "A track ended before its PATCH was answered, and the next was due.",
        EndToldBefore: "An end came that the pool had told by itself.",
        EndOfACopy: "An end was of a copy from before the player came.",
        EndHeldBack: "A node stopped a track by itself, and may be shutting down.",
        HeldEndCounted: "An end that was held back counted.",
        EndMetAPatch: "A track ended while a PATCH was on its way that would start it again.",
        CleanedUpTwice: "A play was cleaned up, sent once more, and cleaned up again.",
        // pool/voice.rs
        ToldOnTheMove: "A voice server changed while its player was on its way.",
        LeftByForce: "The bot was made to leave a channel.",
        MovedByRegion: "A new player went to another node as its region became known.",
        VoiceNeverCame: "A play was taken back for want of a voice connection.",
        // pool/voice_recovery.rs
        VoiceOfAMoveClosed: "A voice connection closed that another had replaced.",
        VoiceRejoined: "A channel was joined again after its connection had failed.",
        MovedAndLeaving: "A bot was moved that the pool had just told to leave.",
        VoiceGivenUp: "A failed voice connection was given up.",
        JoinUnanswered: "Discord did not answer a join.",
        JoinRepeated: "Discord answered a join with what is known.",
        PlayedUnheard: "A player had played for a while without a voice connection.",
        // pool/inherited.rs
        InheritanceAwaited: "A new player waited for the session of an earlier process.",
        InheritanceGivenUp: "The session of an earlier process was not waited for any more.",
        AskedOfAnUnknownPlay: "Something was asked of a play before it was known what plays.",
        // pool/leave.rs
        NowhereToGo: "A node is being emptied, and no other could take its player yet.",
        EvacuatedAgain: "A node is being emptied, and another that failed a player is tried again.",
        EvacuatedPastAFailure: "A node is being emptied, and the best other failed its player.",
        StrandedByRemoval: "A node was removed, and no other could take its player.",
        TargetRemoved: "A node was removed while a player was on its way there.",
        LastWordsCut: "A pool closed before a node had answered what was asked for.",
        SessionTakenBack: "A node that goes was told to end its session.",
        DepartureCutShort: "A node that goes had not gone by the deadline.",
        // pool/sockets.rs
        CloseAnswered: "A peer answered a close frame.",
        ResponseInvalid: "A response broke HTTP.",
        LastAnswerOfANode: "A response came for a node that is gone.",
        KeepAliveDied: "A keep-alive socket died under a request that its server never saw.",
        RestDialTimedOut: "A REST socket was not connected in time.",
        RequestCutOff: "A request was on its way when its session was lost.",
        NothingLeftToAsk: "A socket was free for a job of which nothing was left.",
        // pool/mod.rs
        CloseUnanswered: "A close frame was not answered by its deadline.",
        RequestTimedOut: "A request was not answered by its deadline.",
        // pool/commands.rs
        TooManyCommands: "As many commands were open as there may be.",
        CancelledOnItsWay: "A command was cancelled whose request goes on without it.",
        // pool/requests.rs
        QuestionGivenUp: "A question was put as often as it may be, and given up.",
        AskedAgain: "A question went to a node again after a pause.",
        // pool/players.rs
        QuestionGaveWay: "A question about a player gave way to something that it is to be sent.",
        TooManyPlayers: "There were as many players as there may be.",
        NotReplaced: "A play was not to replace another.",
        // pool/refusals.rs
        LostPlayRefused: "A node lost a play, and refused to begin it again.",
        PartsSetBack: "A refused PATCH may have taken effect in part, which was set back.",
        VoiceRefused: "A node refused a voice connection.",
        // pool/barriers.rs
        EndedBehindARequest: "A track ended in place of which one was asked for behind a request.",
        HeldBehindARequest:
            "An update waited for a request of the application about the same player.",
        RequestHeld: "A request of the application waited for its player to be settled.",
        // node/lane.rs
        PassedAnother: "A job passed one that may not go yet.",
        SocketsUsedUp: "A lane had as many sockets as it may have, and more to ask.",
        WindowAtItsLeast: "So many requests of moves failed that they go one at a time.",
        // player/sending.rs
        RefusedSentAlone: "What a node had refused went again without what was asked for since.",
        PauseKeptBack: "A pause waited for the voice connection that its node wants first.",
        RefusedWithVoice: "What was refused with a voice connection was sent without it.",
        WaitsForThePlay: "A command that asks for what a play brings waits for that play.",
        WaitsForWhatIsSent: "A command waits for a value that is on its way already.",
        // player/again.rs
        ConfirmedBegunAgain: "A play was taken back, and the node may play another one.",
        // player/snapshot.rs
        RefusalGoesBackToTheirs: "A play waits for a player that plays what no one here asked for.",
        // player/position.rs
        ReportOfZero: "A server reported no place, before sound was taken from the player.",
        ReportOfBefore: "A server reported a place from before the present stretch.",
        // player/voice.rs
        VoiceServerTakenAway: "Discord took a voice server away, and will name another.",
        // rest/answer.rs
        BodyForeign: "A refusal had a body that is not Lavalink's.",
        AnswerRefused: "A request of the application was refused.",
        AnswerUndecodable: "An answer to a request of the application did not decode.",
        // http/mod.rs
        EndedBeforeResponse: "A connection ended before the response began.",
        HeadCut: "A connection ended in the header section of a response.",
        BodyToTheEnd: "A body lasted until its connection ended.",
        BodyCut: "A connection ended in the body of a response.",
        InterimResponse: "A server sent an interim response first.",
        AnsweredTooSoon: "A server answered a request that it had not read to its end.",
        Unsolicited: "A server spoke without having been asked.",
        // http/chunked.rs
        ChunkTorn: "The bytes of a chunk came in pieces.",
        // http/response.rs
        NotKeptAlive: "A response was the last of its connection.",
        // websocket/mod.rs
        ReadWhileClosing: "A message came after our close frame, and was dropped.",
        Fragmented: "A message came in fragments.",
        PingAnswered: "A server sent a ping.",
        ViolationTold: "A server broke RFC 6455, and was told so.",
        ControlFrameWaits: "A ping or a pong waited for the bytes before it.",
        // websocket/message.rs
        MessageTooLong: "A message was longer than one may be.",
    }
}

#[cfg(feature = "marks")]
pub use counted::Mark;
