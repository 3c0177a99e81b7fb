//! Text of our own, a line or what `Debug` prints: secrets stand in its quotes, and nowhere else.

use super::scrub::{end_of_string, unescaped};
use super::secrets::Secrets;
use super::words::is_secret_name;

/// Replaces secrets in what is quoted, and leaves all that gives the text its form.
pub(super) fn scrub_quoted(secrets: &mut Secrets, text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut name = None;
    let mut at = 0;
    while let Some(from) = quote(&bytes, at) {
        let length = end_of_string(bytes.get(from..).unwrap_or_default(), &mut false);
        let to = length.map_or(bytes.len(), |length| from + length);
        let written = unescaped(bytes.get(from..to).unwrap_or_default());
        let is_name = bytes.get(to + 1) == Some(&b':');
        let belongs_to = name.take().filter(|(end, _)| is_colon(&bytes, *end, from));
        match belongs_to
            .as_ref()
            .map(|(_, name): &(usize, String)| name.as_str())
        {
            Some(name) if is_secret_name(name) => {
                secrets.learn(&written);
                let place = bytes.get_mut(from..to).unwrap_or_default();
                secrets.masks().mask_json(&written, place);
            }
            // It draws what the client draws, and is nobody's.
            Some("seed") => {}
            // A session may end where the text does.
            _ => known(secrets, bytes.get_mut(from..=to).unwrap_or_default()),
        }
        name = is_name.then_some((to, written));
        at = to + 1;
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Where the text behind the next quote begins.
fn quote(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let before = rest.iter().position(|byte| *byte == b'"')?;
    Some(at + before + 1)
}

/// Whether there is nothing between a name that ends at this quote and this text but a colon.
fn is_colon(bytes: &[u8], end: usize, from: usize) -> bool {
    let between = bytes.get(end + 1..from.saturating_sub(1));
    between.is_some_and(|between| between.trim_ascii() == b":")
}

/// Replaces the secrets that are known.
fn known(secrets: &Secrets, text: &mut [u8]) {
    let mut at = 0;
    while let Some(rest) = text.get_mut(at..).filter(|rest| !rest.is_empty()) {
        let pseudonym = secrets.find(rest).pseudonym.unwrap_or_default();
        if let Some(place) = rest.get_mut(..pseudonym.len()) {
            place.copy_from_slice(&pseudonym);
        }
        at += pseudonym.len().max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_quoted_is_replaced() {
        let mut secrets = Secrets::default();
        secrets.learn("PlayerMoved");
        secrets.learn("\":null,\"");
        let pseudonym = secrets.masks().mask("PlayerMoved");
        let text = r#"PlayerMoved { a: "PlayerMoved", raw: {"a":null,"b":"x \"PlayerMoved"} }"#;
        let expected = text
            .replace("\"PlayerMoved", &format!("\"{pseudonym}"))
            .replace("PlayerMoved\",", &format!("{pseudonym}\","));
        assert_eq!(scrub_quoted(&mut secrets, text), expected);
    }

    #[test]
    fn what_is_named_as_a_secret_is_learned_and_the_seed_is_none() {
        let mut secrets = Secrets::default();
        secrets.learn("00aa00");
        let text = r#"{"seed":"00aa00","secret": "ready","a":["token","ready"],"token":null}"#;
        let ready = secrets.masks().mask("ready");
        let expected = text.replace(r#": "ready""#, &format!(": \"{ready}\""));
        assert_eq!(scrub_quoted(&mut secrets, text), expected);
    }
}
