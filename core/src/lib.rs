//! A Lavalink v4 client as a pure state machine: no IO, no clock, no randomness of its own.
//!
//! Discord bots play music through [Lavalink](https://lavalink.dev) servers, called *nodes*. A
//! bot holds a WebSocket and REST connections to each; a node that dies takes the music of all
//! its guilds with it, unless the client knows what should be playing and makes another node play
//! it. That knowledge, and every decision that follows from it, is in here. The IO is not: bytes,
//! commands and the time go in, and bytes, connection requests, answers and events come out.
//!
//! A bot wants the `lavapool` crate, which drives this one on an async runtime. This crate is for
//! those who drive it from something else, and for those who want to test against time, loss and
//! restarts: the same seed and the same calls give the same bytes, always.
//!
//! # Shape
//!
//! ```text
//!              Command, Input, now                 Output, Event, Changed
//!                      │                                     ▲
//!                      ▼                                     │
//! ┌─ Pool ───────────────────────────────────────────────────┴───────────────┐
//! │ wires    a WebSocket per node, two lanes of HTTP sockets: bytes only     │
//! │ nodes    status, session, reconnect schedule, heartbeat, stats           │
//! │ players  what each should be, what is confirmed, what is on its way      │
//! │ scores   one integer per node, for choosing one                          │
//! │ timers   what is due, and when                                           │
//! └──────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A play goes this way: [`Command::Update`] sets the wanted state of the guild's player and marks
//! its fields unsent; the player joins the queue of its node's control lane; when a socket of the
//! lane is free, one PATCH is built from what is unsent then; its 200 confirms the fields and
//! answers the command; the node's `TrackStartEvent` comes in on the WebSocket, is matched with
//! the play by its number, and goes out as [`Event::TrackStart`]. Losing the node marks every
//! field unsent again and points the player to another node; the rest is the same.
//!
//! # The loop that drives it
//!
//! All work is done in [`Pool::handle`] and [`Pool::submit`]; the `poll_` methods only pop, so
//! they can be called in any order and as often as you like. This driver has one thread and
//! nothing but the standard library. A real one waits for its sockets; this one looks at them
//! each millisecond.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::io::{ErrorKind, Read, Write};
//! use std::net::{TcpListener, TcpStream};
//! use std::time::{Duration, Instant};
//!
//! use lavapool_core::node::NodeConfig;
//! use lavapool_core::protocol::UserId;
//! use lavapool_core::{Closed, Command, Event, Input, Leaving, Output, Pool, PoolConfig};
//! use lavapool_core::{Seed, SocketId, Timestamp};
//!
//! // 1. The configuration. In the place of a node there is a server here that hangs up.
//! let server = TcpListener::bind("127.0.0.1:0")?;
//! let uri = format!("http://{}", server.local_addr()?);
//! std::thread::spawn(move || server.incoming().for_each(drop));
//! let mut config = PoolConfig::new(UserId::new(170939974227541168).unwrap());
//! config.nodes.push(NodeConfig::new("main", &uri, "youshallnotpass")?);
//!
//! // 2. Time is nanoseconds since an origin of your choice. Draw the seed from the system.
//! let origin = Instant::now();
//! let now = || Timestamp::from_nanos(origin.elapsed().as_nanos() as u64);
//! let mut pool = Pool::new(config, Seed::from(42), now())?;
//! let mut sockets: BTreeMap<SocketId, TcpStream> = BTreeMap::new();
//!
//! while !pool.is_finished() {
//!     // 3. What goes and comes: bytes, or the end of a socket.
//!     let mut bytes = [0; 4096];
//!     sockets.retain(|&id, socket| {
//!         if let Ok(count) = socket.write(pool.outgoing(id)) {
//!             pool.handle(Input::Wrote(id, count), now());
//!         }
//!         let input = match socket.read(&mut bytes) {
//!             Ok(0) => Input::Closed(id, Closed::EndOfStream),
//!             Ok(count) => Input::Received(id, &bytes[..count]),
//!             Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
//!             Err(_) => Input::Closed(id, Closed::Reset),
//!         };
//!         pool.handle(input, now());
//!         !matches!(input, Input::Closed(..))
//!     });
//!     // 4. What is due.
//!     if pool.poll_timeout().is_some_and(|(at, _why)| at <= now()) {
//!         pool.handle(Input::Timeout, now());
//!     }
//!     // 5. What is to be done.
//!     while let Some(output) = pool.poll_output() {
//!         match output {
//!             Output::Connect(id, endpoint) => {
//!                 match TcpStream::connect((endpoint.host(), endpoint.port())) {
//!                     Ok(socket) => {
//!                         socket.set_nonblocking(true)?;
//!                         sockets.insert(id, socket);
//!                         pool.handle(Input::Connected(id), now());
//!                     }
//!                     Err(_) => pool.handle(Input::Closed(id, Closed::Refused), now()),
//!                 }
//!             }
//!             Output::Write(_) => {} // step 3 looks at every socket anyway
//!             Output::Close(id) => drop(sockets.remove(&id)),
//!             Output::Answer(command, answer) => println!("{command:?}: {answer:?}"),
//!             _ => {}
//!         }
//!     }
//!     // 6. What the application may like to know.
//!     while let Some(event) = pool.poll_event() {
//!         println!("{event:?}");
//!         if let Event::NodeReconnecting { attempt: 1, .. } = event {
//!             pool.submit(Command::Close(Leaving::Keep), now())?;
//!         }
//!     }
//!     std::thread::sleep(Duration::from_millis(1));
//! }
//! assert!(sockets.is_empty(), "the peer's end of a socket is its end here too");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # From this loop to yours
//!
//! The example `manual_loop` is this loop with three nodes and thirty players; the crate
//! `lavapool` is one for async runtimes. What a loop of your own has to keep:
//!
//! 1. *Waiting.* Wait for sockets, for your own commands, and for [`Pool::poll_timeout`],
//!    whichever is first. Nothing else wakes the pool. Arm the timer anew after each call that
//!    may have changed it, and give [`Input::Timeout`] by your clock, not because a timer rang.
//! 2. *Writing.* [`Output::Write`] says that [`Pool::outgoing`] has bytes. If the socket took only
//!    a part, say how much with [`Input::Wrote`] and come back when it takes more: the output is
//!    not repeated before everything was taken.
//! 3. *Connecting.* [`Output::Connect`] needs no deadline: the pool has one
//!    ([`Timing::connect_deadline`]), and ends an attempt with [`Output::Close`]. So it must not
//!    block the loop, as it does above: while one dead host is waited for, no other node would get
//!    a heartbeat. Connect in a thread of its own, or without blocking. Looking up the
//!    name, racing its addresses (RFC 8305), `TCP_NODELAY` and TLS are yours; the pool hears
//!    [`Input::Connected`] once, when bytes can go, or [`Input::Closed`] with the cause.
//! 4. *Closing.* After [`Output::Close`] a socket means nothing to the pool: pass on what was
//!    taken from it, close, and drop what still comes. Such input is harmless too. After
//!    [`Input::Closed`] no [`Output::Close`] follows: forget the socket by yourself.
//! 5. *Order.* Pop outputs, then look at what changed ([`Pool::poll_changed`]), then give answers,
//!    then events, so that nobody hears of what cannot be seen yet. If you bound the work of a
//!    round, finish what is left before you hand in more.
//! 6. *Time.* Hand in the same monotonic clock everywhere. It may stand still, not run backwards:
//!    an earlier time counts as the latest.
//! 7. *Voice.* A player is heard once the pool has been told of Discord's two updates
//!    ([`Command::VoiceState`], [`Command::VoiceServer`]); tell it of each new connection to
//!    Discord's gateway, too ([`Command::GatewayReady`]). What [`Output::Gateway`] says is to be
//!    sent there: by that the pool joins a channel again whose voice connection was lost.
//! 8. *What nobody wants.* [`Pool::cancel`] takes a command back, and [`Pool::listen`] says which
//!    events are made at all; a new pool makes all of them.
//! 9. *The end.* Submit [`Command::Close`], and go on until [`Pool::is_finished`].
//!
//! # Time and chance
//!
//! A [`Timestamp`] is whatever the driver says; one before the latest counts as the latest. Every
//! delay and deadline has a name in [`Timing`]. Chance comes from the [`Seed`] alone, and is used
//! for WebSocket masks, handshake keys, the jitter of reconnects, and the secret of one hash table
//! whose keys strangers choose.
//!
//! # Bounds
//!
//! Everything that a peer or an application could make grow has a bound with a name in
//! [`Limits`]. Events have a queue of their own ([`EventQueue`]), so a slow application never
//! delays a heartbeat.
//!
//! # Panics
//!
//! Bytes from the network cannot panic. A panic in here is a bug in here, with a sentence that
//! says what was believed.

#![deny(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[macro_use]
mod marks;

mod cache;
mod command;
mod config;
mod endpoint;
mod error;
mod event;
mod event_queue;
mod failure;
mod gateway;
mod id;
mod limits;
mod outgoing;
mod output;
mod room;
mod secret;
mod seed;
mod slab;
mod texts;
mod time;
mod voice_code;

pub mod autoplay;
pub mod http;
pub mod node;
pub mod player;
pub mod pool;
pub mod protocol;
pub mod queue;
#[cfg(feature = "recording")]
pub mod recording;
pub mod region;
pub mod rest;
pub mod websocket;

pub use command::{Answer, Command, Leaving, Target, VoiceServerUpdate, VoiceStateUpdate};
pub use config::{Fate, PoolConfig, Rejoin, Strangers};
pub use endpoint::Endpoint;
pub use error::{ConfigError, FetchFailure, NodeFailure, RequestError, SubmitError, Unconfirmed};
pub use event::{Event, Kinds};
pub use event_queue::EventQueue;
pub use failure::{DialFailure, ProxyFailure, TlsError, TlsFailure};
pub use gateway::{GatewayEvent, GatewayPayload, Shard};
pub use id::{CommandId, NodeId, SocketId};
pub use limits::{Limits, Timing};
#[cfg(feature = "marks")]
pub use marks::Mark;
pub use output::{Closed, Input, Output};
pub use pool::{
    Candidate, Changed, CustomStrategy, Needs, Pool, Score, Selection, Strategy, Timer, Verdict,
};
pub use secret::Secret;
pub use seed::Seed;
pub use time::Timestamp;
pub use voice_code::{VoiceCloseCode, VoiceRecovery, VoiceTrouble};
