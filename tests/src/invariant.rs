//! [`Invariant`]: what must hold in every world, each with a name and a sentence.

use std::fmt;

/// Makes the list, so that a name never stands without its sentence.
macro_rules! invariants {
    ($($name:ident: $sentence:literal,)*) => {
        /// What must hold. A world that breaks one panics; a simulation fails with its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant {
            $(#[doc = $sentence] $name,)*
        }

        impl Invariant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The one of this name.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $(stringify!($name) => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// What it says.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)*
                }
            }
        }
    };
}

invariants! {
    // What a driver may expect, looked at after each call.
    NoPanic: "Nothing that happens makes the pool panic.",
    AnsweredOnce: "A command is answered once at most, and never after it was cancelled.",
    AnsweredInTime: "A command is answered by its deadline.",
    TimeoutLater: "The next timeout is later, once all that was due has been handled.",
    NoSpin: "The pool is not due again and again within a second.",
    OutputsBounded: "What one call asks for is bounded by what is open.",
    SocketIdsNew: "A socket has a name that none had before.",
    SocketsBounded: "The sockets to one node are within the limits.",
    SocketUsedOpen: "A socket is written to and closed only while it is open.",
    WriteOnce: "A socket is asked for once, and again only after all was taken.",
    ClosedIsFreed: "A closed socket has no bytes left.",
    ViewsPublished: "Each view of a player that changed is announced.",
    NodesPublished: "Each view of a node that changed is announced.",
    WithinLimits: "Players, nodes, commands, results and bytes to write are within the limits.",
    BytesValid: "Every byte is valid to a parser that shares nothing with the core, frames masked.",
    // What must never be, looked at after each step of a simulation.
    SimulatorWell: "The simulator itself does not panic.",
    OrderTaken: "A command is refused at once only for what is missing, or for a limit.",
    CloseEnds: "A client that closes has closed within a bound.",
    ClosedOwesNothing: "A client that has closed has answered every command, and has no socket.",
    OneWebSocket: "A node has one WebSocket at most.",
    DeadNodeLeftAlone: "A node is asked nothing while it has no WebSocket that is ready.",
    AskedSparingly: "A player is not sent to a node over and over, unless somebody asks for it.",
    LostIsLetGo: "What was asked of the players of a node ends with its connection.",
    SessionIsValid: "Nothing is asked of a session that is over.",
    ResumesLatest: "Only the latest session is asked to be resumed.",
    DelaysExact: "The delay before each try to dial again is as the schedule says.",
    DialsOnSchedule: "A lost node is dialled at the moment that was announced.",
    TriesCounted: "Tries are counted on until a connection was stable.",
    OverIsOver: "A node that was removed, or refused the pool, is not dialled any more.",
    StoppedForAReason: "A node is given up if it refuses the pool, is removed or out of tries.",
    SilentIsSilent: "A node is lost as silent if a pong is overdue, or nothing came for as long.",
    NodeIsThePresentOne: "What is told of a node is of the latest one that has its name.",
    NonsenseCostsItself: "A message that means nothing costs no more than itself.",
    LoadTold: "What a node says of its load is told, whatever it has said before.",
    NewsTold: "What a node says of a player that it has is told at once.",
    EventsInOrder: "Events of a guild came over the wire before, in this order.",
    EventsNotStale: "No event is from a session that is over.",
    EndsOnce: "A track ends once as far as a queue goes on, and does not start after that.",
    EndOfTheLatest: "An end after which a queue goes on is of what was played last.",
    NoAudioSkipped: "A player that moves goes on where it was heard last, or before.",
    LittleRepeated: "What is heard twice after a move is what the pool could not know.",
    MovedWithoutGap: "A player that is heard is deleted when the next node has had it, or never.",
    MovedInTime: "No player waits for its lost node beyond the grace, if another could take it.",
    GapBounded: "No lost player is silent for long while a node that is well could take it.",
    LoadSpread: "No player goes to a node while another has more room, as far as is known.",
    SecretsHidden: "Nothing that can be printed shows a password, a token or a session id.",
    SameAgain: "The same seed gives the same run, to the byte.",
    SameWhenCut: "The same bytes cut at other places give the same events, answers and bytes.",
    // What must be once nothing goes wrong any more, looked at in the end.
    NodesReturn: "Every node that is well is connected.",
    PlayersKept: "Every player that is wanted is there.",
    DestroyedIsGone: "No player is anywhere that nobody wants.",
    PlaysOnce: "A guild has its player on exactly one node.",
    Agreed: "The pool knows where the player is, and that it is as wanted.",
    TrackWanted: "What plays is what the application played last, or nothing.",
    UserDataWanted: "The track has the data that the application attached.",
    EndTimeWanted: "The track ends where the application said.",
    PlaceWanted: "A track is where the application put it, or as far on as time has passed.",
    PositionTrue: "The pool knows the position, but for the way of the latest report.",
    PauseWanted: "The player is paused if the application paused it.",
    VolumeWanted: "The player is as loud as the application said.",
    FiltersWanted: "The player has the filters that the application set.",
    VoiceWanted: "The player is heard where, and by what, Discord said last.",
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// What was so instead.
    pub detail: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.detail)
    }
}

/// An oracle that was shown something broken has found it, and nothing else before. That there is
/// such a test, or a sabotage, for each invariant is a test itself: `tests/tests/sabotages.rs`.
#[cfg(test)]
#[track_caller]
pub(crate) fn finds(invariant: Invariant, broken: Option<&Broken>) {
    let found = broken.map(|broken| broken.invariant);
    assert_eq!(found, Some(invariant), "{broken:?}");
}
