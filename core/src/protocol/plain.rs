//! The two messages that come most, read as servers write them.
//!
//! Nine of ten messages are a `playerUpdate`, and the rest of what comes by the minute is `stats`.
//! Both are a few numbers, written without white space, and `op` comes first. What is written so is
//! read here in one pass; what is written in any other way, or is no message at all, is not read
//! here but by `serde`, which decides. So this never says no: it says nothing.

use super::stats::{Cpu, FrameStats, Memory, Stats};
use super::{GuildId, Message, PlayerState, PlayerUpdate};

/// Reads one message, if it is one of those two and plainly written.
pub(super) fn message<'a>(text: &str) -> Option<Message<'a>> {
    let text = text.strip_prefix(r#"{"op":""#)?;
    if let Some(rest) = text.strip_prefix(r#"playerUpdate","#) {
        return player_update(rest).map(Message::PlayerUpdate);
    }
    let rest = text.strip_prefix(r#"stats","#)?;
    stats(rest).map(Message::Stats)
}

fn player_update(text: &str) -> Option<PlayerUpdate> {
    let (mut guild_id, mut state) = (None, None);
    let mut json = Plain::new(text);
    json.members(|json| {
        let is_read = json.member(br#""guildId":"#, &mut guild_id, Plain::id)?
            || json.member(br#""state":"#, &mut state, player_state)?;
        Some(is_read)
    })?;
    json.end()?;
    Some(PlayerUpdate {
        guild_id: guild_id?,
        state: state?,
    })
}

fn player_state(json: &mut Plain<'_>) -> Option<PlayerState> {
    let (mut time, mut position, mut connected, mut ping) = (None, None, None, None);
    json.object(|json| {
        let is_read = json.member(br#""time":"#, &mut time, Plain::integer)?
            || json.member(br#""position":"#, &mut position, Plain::integer)?
            || json.member(br#""connected":"#, &mut connected, Plain::boolean)?
            || json.member(br#""ping":"#, &mut ping, Plain::integer)?;
        Some(is_read)
    })?;
    Some(PlayerState {
        time: time?,
        position: position?,
        connected: connected?,
        ping: ping?,
    })
}

fn stats(text: &str) -> Option<Stats> {
    let (mut frame_stats, mut memory, mut cpu) = (None, None, None);
    let (mut players, mut playing_players, mut uptime) = (None, None, None);
    let mut json = Plain::new(text);
    json.members(|json| {
        let is_read = json.member(br#""frameStats":"#, &mut frame_stats, frames_or_null)?
            || json.member(br#""players":"#, &mut players, Plain::count)?
            || json.member(br#""playingPlayers":"#, &mut playing_players, Plain::count)?
            || json.member(br#""uptime":"#, &mut uptime, Plain::amount)?
            || json.member(br#""memory":"#, &mut memory, memory_of)?
            || json.member(br#""cpu":"#, &mut cpu, cpu_of)?;
        Some(is_read)
    })?;
    json.end()?;
    Some(Stats {
        frame_stats: frame_stats.unwrap_or_default(),
        players: players?,
        playing_players: playing_players?,
        uptime: uptime?,
        memory: memory?,
        cpu: cpu?,
    })
}

fn frames_or_null(json: &mut Plain<'_>) -> Option<Option<FrameStats>> {
    if json.has(b"null") {
        return Some(None);
    }
    let (mut sent, mut nulled, mut deficit) = (None, None, None);
    json.object(|json| {
        let is_read = json.member(br#""sent":"#, &mut sent, Plain::small)?
            || json.member(br#""nulled":"#, &mut nulled, Plain::small)?
            || json.member(br#""deficit":"#, &mut deficit, Plain::small)?;
        Some(is_read)
    })?;
    Some(Some(FrameStats {
        sent: sent?,
        nulled: nulled?,
        deficit: deficit?,
    }))
}

fn memory_of(json: &mut Plain<'_>) -> Option<Memory> {
    let (mut free, mut used, mut allocated, mut reservable) = (None, None, None, None);
    json.object(|json| {
        let is_read = json.member(br#""free":"#, &mut free, Plain::amount)?
            || json.member(br#""used":"#, &mut used, Plain::amount)?
            || json.member(br#""allocated":"#, &mut allocated, Plain::amount)?
            || json.member(br#""reservable":"#, &mut reservable, Plain::amount)?;
        Some(is_read)
    })?;
    Some(Memory {
        free: free?,
        used: used?,
        allocated: allocated?,
        reservable: reservable?,
    })
}

fn cpu_of(json: &mut Plain<'_>) -> Option<Cpu> {
    let (mut cores, mut system_load, mut lavalink_load) = (None, None, None);
    json.object(|json| {
        let is_read = json.member(br#""cores":"#, &mut cores, Plain::count)?
            || json.member(br#""systemLoad":"#, &mut system_load, Plain::number)?
            || json.member(br#""lavalinkLoad":"#, &mut lavalink_load, Plain::number)?;
        Some(is_read)
    })?;
    Some(Cpu {
        cores: cores?,
        system_load: system_load?,
        lavalink_load: lavalink_load?,
    })
}

/// What is left of a text of plain JSON. Each method takes what it names off its front, and gives
/// nothing if something else is there.
struct Plain<'a>(&'a [u8]);

impl<'a> Plain<'a> {
    const fn new(text: &'a str) -> Self {
        Self(text.as_bytes())
    }

    /// Takes these bytes, if they are there.
    fn has<const LENGTH: usize>(&mut self, bytes: &[u8; LENGTH]) -> bool {
        match self.0.split_first_chunk() {
            Some((first, rest)) if first == bytes => {
                self.0 = rest;
                true
            }
            Some(_) | None => false,
        }
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        self.has(&[byte]).then_some(())
    }

    /// An object, each of whose members is read by what says whether it knows it.
    fn object(&mut self, read: impl FnMut(&mut Self) -> Option<bool>) -> Option<()> {
        self.byte(b'{')?;
        self.members(read)
    }

    /// The members of an object, to its end. They are told by names that need no escape, so one
    /// that has an escape in it is none of them.
    fn members(&mut self, mut read: impl FnMut(&mut Self) -> Option<bool>) -> Option<()> {
        while read(self)? {
            if self.is_over()? {
                return Some(());
            }
        }
        None
    }

    /// A member that may stand there once, if it has this name in quotes with a colon; returns
    /// whether it has.
    fn member<T, const LENGTH: usize>(
        &mut self,
        name: &[u8; LENGTH],
        place: &mut Option<T>,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<bool> {
        if !self.has(name) {
            return Some(false);
        }
        if place.is_some() {
            return None;
        }
        *place = Some(read(self)?);
        Some(true)
    }

    /// Whether the object ends here; otherwise a comma is there.
    fn is_over(&mut self) -> Option<bool> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        match byte {
            b'}' => Some(true),
            b',' => Some(false),
            _ => None,
        }
    }

    /// The end of the text.
    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    fn boolean(&mut self) -> Option<bool> {
        let is_true = self.has(b"true");
        (is_true || self.has(b"false")).then_some(is_true)
    }

    /// An id in quotes.
    fn id(&mut self) -> Option<GuildId> {
        self.byte(b'"')?;
        let (number, count) = self.digits();
        self.byte(b'"')?;
        GuildId::new(number).filter(|_| count <= ID_DIGITS_MAX)
    }

    /// An integer that fits for certain.
    fn integer(&mut self) -> Option<i64> {
        let is_negative = self.has(b"-");
        let begins_with_zero = self.0.first() == Some(&b'0');
        let (number, count) = self.digits();
        let is_plain = matches!(self.0.first(), Some(b',' | b'}'));
        if count == 0 || count > DIGITS_MAX || (begins_with_zero && count > 1) || !is_plain {
            return None;
        }
        let number = i64::try_from(number).ok()?;
        Some(if is_negative {
            number.wrapping_neg()
        } else {
            number
        })
    }

    fn small(&mut self) -> Option<i32> {
        i32::try_from(self.integer()?).ok()
    }

    fn count(&mut self) -> Option<u32> {
        u32::try_from(self.integer()?).ok()
    }

    fn amount(&mut self) -> Option<u64> {
        u64::try_from(self.integer()?).ok()
    }

    /// A finite number without an exponent.
    fn number(&mut self) -> Option<f64> {
        let whole = self.0;
        let text = self.take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
        if !text.contains(&b'.') {
            self.0 = whole;
            #[expect(clippy::as_conversions, reason = "the nearest f64 is what is wanted")]
            return self.integer().map(|number| number as f64);
        }
        let mut parts = text
            .strip_prefix(b"-")
            .unwrap_or(text)
            .split(|byte| *byte == b'.');
        let (integer, fraction) = (parts.next()?, parts.next()?);
        let are_digits = [integer, fraction].iter().all(|part| {
            let is_digits = part.iter().all(u8::is_ascii_digit);
            !part.is_empty() && is_digits
        });
        let begins_well = integer == b"0" || !integer.starts_with(b"0");
        let ends_well = parts.next().is_none() && matches!(self.0.first(), Some(b',' | b'}'));
        if !are_digits || !begins_well || !ends_well {
            return None;
        }
        std::str::from_utf8(text).ok()?.parse().ok()
    }

    /// The number of the digits, and how many there are: above [`ID_DIGITS_MAX`] it is some other.
    fn digits(&mut self) -> (u64, usize) {
        let (mut number, mut rest) = (0_u64, self.0);
        while let Some((eight, behind)) = rest.split_first_chunk()
            && let Some(value) = eight_digits(*eight)
        {
            number = number.wrapping_mul(100_000_000).wrapping_add(value);
            rest = behind;
        }
        while let Some((digit @ b'0'..=b'9', behind)) = rest.split_first() {
            let value = u64::from(digit.wrapping_sub(b'0'));
            number = number.wrapping_mul(10).wrapping_add(value);
            rest = behind;
        }
        let count = self.0.len().wrapping_sub(rest.len());
        self.0 = rest;
        (number, count)
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let count = self.0.iter().take_while(|byte| belongs(**byte)).count();
        let (taken, rest) = self.0.split_at_checked(count).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }
}

/// The number of eight digits, if they are such: all at once, in pairs first, then in fours.
const fn eight_digits(text: [u8; 8]) -> Option<u64> {
    const HIGH_BITS: u64 = u64::from_le_bytes([0x80; 8]);
    const ABOVE_NINE: u64 = u64::from_le_bytes([0x7f - b'9'; 8]);
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    let text = u64::from_le_bytes(text);
    let digits = text.wrapping_sub(ZEROS);
    // Whatever is no digit sets the high bit of one of these.
    if (text | text.wrapping_add(ABOVE_NINE) | digits) & HIGH_BITS != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff)
}

/// With as many digits every number fits in an `i64`.
const DIGITS_MAX: usize = 18;
/// With as many it fits in a `u64`: Discord's ids of today have 19.
const ID_DIGITS_MAX: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;

    const UPDATE: &str = concat!(
        r#"{"op":"playerUpdate","state":{"time":1795224390499,"position":5000,"#,
        r#""connected":true,"ping":-1},"guildId":"817327181659111454"}"#
    );
    const STATS: &str = concat!(
        r#"{"op":"stats","frameStats":{"sent":2990,"nulled":10,"deficit":-4},"#,
        r#""players":3,"playingPlayers":2,"uptime":623575,"memory":{"free":1,"used":2,"#,
        r#""allocated":3,"reservable":4},"cpu":{"cores":2,"systemLoad":0.5,"lavalinkLoad":0.025}}"#
    );

    #[test]
    fn what_servers_write_is_read_here() {
        let null = STATS.replace(r#"{"sent":2990,"nulled":10,"deficit":-4}"#, "null");
        let loaded = STATS.replace("0.5", "12.5");
        for text in [UPDATE, STATS, &null, &loaded] {
            let plain = message(text);
            assert!(plain.is_some(), "{text}");
            assert_eq!(plain, Message::by_serde(text).ok(), "{text}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_left_to_serde() {
        let others = [
            UPDATE.replace(":5000", ": 5000"),
            UPDATE.replace(":5000", ":5000.0"),
            UPDATE.replace(":5000", ":5e3"),
            UPDATE.replace(":-1", ":null"),
            UPDATE.replace(r#""ping":-1"#, r#""ping":"3""#),
            UPDATE.replace(r#","guildId":"817327181659111454""#, r#","guildId":8173"#),
            UPDATE.replace("guildId", "guild\\u0049d"),
            UPDATE.replace(r#","ping":-1"#, ""),
            UPDATE.replace(r#","ping":-1"#, r#","ping":1,"extra":[]"#),
            STATS.replace("0.5", "5e-1"),
            STATS.replace("0.5", "\"0.5\""),
            STATS.replace(":-4", ":-4000000000"),
        ];
        for text in others {
            assert_eq!(message(&text), None, "{text}");
            assert!(Message::by_serde(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn eight_digits_are_read_at_once_and_nothing_else_is() {
        assert_eq!(eight_digits(*b"12345678"), Some(12_345_678));
        assert_eq!(eight_digits(*b"00000000"), Some(0));
        assert_eq!(eight_digits(*b"99999999"), Some(99_999_999));
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut text = *b"00990990";
                text[at] = byte;
                let number = std::str::from_utf8(&text).ok();
                let number = number.filter(|_| byte.is_ascii_digit());
                let number = number.and_then(|text| text.parse().ok());
                assert_eq!(eight_digits(text), number, "{text:?}");
            }
        }
    }

    /// Each byte left out, doubled, and replaced by each that means something in JSON.
    #[test]
    fn whatever_is_read_here_is_read_alike_by_serde() {
        let mut read = 0;
        for text in [UPDATE, STATS] {
            for at in 0..text.len() {
                let (before, after) = (&text[..at], &text[at + 1..]);
                let own = &text[at..=at];
                let others = [
                    "", "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "-", "+", ".",
                ];
                let others = others
                    .into_iter()
                    .chain(["0", "1", "9", "e", "E", "t", "\u{1}"]);
                let changed = others.map(|other| format!("{before}{other}{after}"));
                for changed in changed.chain([format!("{before}{own}{own}{after}")]) {
                    let Some(plain) = message(&changed) else {
                        continue;
                    };
                    assert_eq!(Message::by_serde(&changed), Ok(plain), "{changed}");
                    read += 1;
                }
            }
        }
        assert!(read > 100, "{read} of the changed texts were read here");
    }

    #[test]
    fn numbers_that_might_not_fit_are_left_to_serde() {
        for digits in ["9", "1"] {
            for count in 17..22 {
                let number = digits.repeat(count);
                let text = UPDATE.replace(":5000", &format!(":{number}"));
                assert_eq!(message(&text).is_some(), count <= DIGITS_MAX, "{number}");
                let text = UPDATE.replace("817327181659111454", &number);
                assert_eq!(message(&text).is_some(), count <= ID_DIGITS_MAX, "{number}");
            }
        }
    }
}
