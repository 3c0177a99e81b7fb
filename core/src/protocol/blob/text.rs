//! Java's modified UTF-8: U+0000 in two bytes, and what is above U+FFFF as two surrogates of three
//! bytes each (Java: `DataInput`, Modified UTF-8).

/// Reads modified or plain UTF-8, or says at which byte it is neither.
///
/// Half a surrogate pair becomes U+FFFD. What is longer than it must be is taken, as by Java.
pub(super) fn read(bytes: &[u8]) -> Result<String, usize> {
    // No byte becomes more than one: 3 for 3, 2 for 2 or 1, 4 for 6 or 4.
    let mut text = String::with_capacity(bytes.len());
    let mut high = None;
    let mut rest = bytes;
    while let Some((unit, after)) = next(rest) {
        rest = after;
        match (high.take(), unit) {
            (Some(first), 0xdc00..=0xdfff) => {
                text.extend(char::decode_utf16([first, low_half(unit)]).flatten());
                continue;
            }
            (Some(_), _) => text.push(char::REPLACEMENT_CHARACTER),
            (None, _) => {}
        }
        match (u16::try_from(unit), char::from_u32(unit)) {
            (Ok(unit @ 0xd800..=0xdbff), _) => high = Some(unit),
            (_, Some(character)) => text.push(character),
            (_, None) => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
    if high.is_some() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(bytes.len().saturating_sub(rest.len()))
    }
}

/// Appends modified UTF-8.
pub(super) fn write(text: &str, output: &mut Vec<u8>) {
    text.encode_utf16()
        .for_each(|unit| output.extend(encoded(unit)));
}

/// Whether [`write`] appends these bytes.
pub(super) fn is_written_as(text: &str, bytes: &[u8]) -> bool {
    let written = text.encode_utf16().flat_map(encoded);
    written.eq(bytes.iter().copied())
}

/// How many bytes [`write`] appends.
pub(super) fn bytes(text: &str) -> usize {
    text.encode_utf16().flat_map(encoded).count()
}

/// One to three bytes of a code unit of UTF-16.
fn encoded(unit: u16) -> impl Iterator<Item = u8> {
    let [upper, lower] = unit.to_be_bytes();
    let last = 0x80 | (lower & 0x3f);
    let middle = ((upper & 0x0f) << 2) | (lower >> 6);
    let bytes = match unit {
        1..=0x7f => [None, None, Some(lower)],
        0 | 0x80..=0x7ff => [None, Some(0xc0 | middle), Some(last)],
        0x800.. => [Some(0xe0 | (upper >> 4)), Some(0x80 | middle), Some(last)],
    };
    bytes.into_iter().flatten()
}

/// The next code unit of UTF-16, or code point of four plain bytes; none at the end and where the
/// bytes are wrong.
fn next(bytes: &[u8]) -> Option<(u32, &[u8])> {
    match bytes {
        [one @ 0..=0x7f, rest @ ..] => Some((u32::from(*one), rest)),
        [one @ 0xc0..=0xdf, two @ 0x80..=0xbf, rest @ ..] => {
            Some((bits(one & 0x1f, 6) | bits(two & 0x3f, 0), rest))
        }
        [
            one @ 0xe0..=0xef,
            two @ 0x80..=0xbf,
            three @ 0x80..=0xbf,
            rest @ ..,
        ] => {
            let upper = bits(one & 0x0f, 12) | bits(two & 0x3f, 6);
            Some((upper | bits(three & 0x3f, 0), rest))
        }
        [0xf0..=0xf4, _, _, _, ..] => {
            let (character, rest) = bytes.split_at_checked(4)?;
            let character = std::str::from_utf8(character).ok()?.chars().next()?;
            Some((u32::from(character), rest))
        }
        _ => None,
    }
}

fn bits(byte: u8, shift: u32) -> u32 {
    u32::from(byte).wrapping_shl(shift)
}

/// The lower half of a surrogate pair as a unit of UTF-16; another one is no half.
fn low_half(unit: u32) -> u16 {
    u16::try_from(unit).unwrap_or_default()
}
