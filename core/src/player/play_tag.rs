//! The tag that tells one play of a track from another.
//!
//! Each play carries a number in the user data of its track, in a member that is the library's
//! own: `{"lavapool":{"play":7}, …}`. The node hands it back in every event, so a late end of an
//! earlier play is told apart from the end of this one, even if the track is the same. It is
//! taken out before user data is handed to the application.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::protocol::RawJson;

#[derive(Deserialize)]
struct Tagged {
    lavapool: Option<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    play: Option<u32>,
}

/// The user data of a play, tagged with its number.
pub(crate) fn tag(user_data: Option<&RawJson>, play: u32) -> RawJson {
    let own = user_data.map_or("", |data| inside(data.get()));
    let mut text = String::with_capacity(own.len() + 40);
    let comma = if own.is_empty() { "" } else { "," };
    write!(text, "{{\"lavapool\":{{\"play\":{play}}}{comma}{own}}}").expect("a String takes all");
    RawJson::parse(&text).expect("an object with one member more is an object")
}

/// The number that user data from a node is tagged with.
pub(crate) fn play_of(user_data: &str) -> Option<u32> {
    as_written(user_data).or_else(|| {
        let tagged: Tagged = serde_json::from_str(user_data).ok()?;
        tagged.lavapool?.play
    })
}

/// The number where [`tag`] writes it, and servers leave it.
fn as_written(user_data: &str) -> Option<u32> {
    let (number, _) = user_data
        .strip_prefix(r#"{"lavapool":{"play":"#)?
        .split_once('}')?;
    number.parse().ok()
}

/// User data from a node as the application set it, `None` if it set none.
pub(crate) fn untag(user_data: RawJson) -> Option<RawJson> {
    if !user_data.get().contains("lavapool") {
        return Some(user_data).filter(|data| !inside(data.get()).is_empty());
    }
    let Ok(Members(members)) = serde_json::from_str(user_data.get()) else {
        return Some(user_data);
    };
    let mut text = String::with_capacity(user_data.get().len());
    for (name, value) in members.iter().filter(|(name, _)| name != "lavapool") {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(&serde_json::to_string(name).ok()?);
        text.push(':');
        text.push_str(value.get());
    }
    text.push('}');
    if text.len() == 1 {
        None
    } else {
        RawJson::parse(&text).ok()
    }
}

/// Whether this is a JSON object without the library's own member.
pub(crate) fn is_free_object(user_data: &RawJson) -> bool {
    match serde_json::from_str(user_data.get()) {
        Ok(Members(members)) => members.iter().all(|(name, _)| name != "lavapool"),
        Err(_) => false,
    }
}

/// What stands between the braces of an object.
fn inside(object: &str) -> &str {
    let object = object.trim();
    object
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .unwrap_or("")
        .trim()
}

/// The members of an object in their own order, whatever features `serde_json` was built with.
struct Members(Vec<(String, RawJson)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> RawJson {
        RawJson::parse(text).expect("valid")
    }

    #[test]
    fn a_tag_goes_in_and_comes_out_and_leaves_the_rest_as_it_was() {
        for data in [r#"{"a":1,"b":{"lavapool":2}}"#, r#"{"x":[1,2,{"y":null}]}"#] {
            let tagged = tag(Some(&json(data)), 7);
            assert_eq!(play_of(tagged.get()), Some(7));
            assert_eq!(untag(tagged), Some(json(data)));
        }
    }

    #[test]
    fn no_user_data_stays_none() {
        let tagged = tag(None, 1);
        assert_eq!(tagged.get(), r#"{"lavapool":{"play":1}}"#);
        assert_eq!((untag(tagged), untag(json("{}"))), (None, None));
    }

    #[test]
    fn a_tag_is_found_wherever_a_node_puts_it() {
        for data in [
            r#"{"lavapool":{"play":7}}"#,
            r#"{"lavapool":{"play":7},"a":1}"#,
            r#"{"a":{"play":8},"lavapool":{"play":7}}"#,
            r#"{ "lavapool" : { "play" : 7 } }"#,
            r#"{"lavapool":{"play":7,"more":8}}"#,
            // No JSON of lavapool's; the first is as good as none.
            r#"{"lavapool":{"play":7},"lavapool":{"play":8}}"#,
        ] {
            assert_eq!(play_of(data), Some(7), "{data}");
        }
    }

    #[test]
    fn user_data_of_another_client_has_no_tag() {
        for data in [
            "{}",
            r#"{"lavapool":1}"#,
            r#"{"lavapool":{}}"#,
            "[]",
            "null",
        ] {
            assert_eq!(play_of(data), None, "{data}");
        }
    }

    #[test]
    fn only_objects_without_the_reserved_member_are_free() {
        let table = [
            ("{}", true),
            (r#"{"a":1}"#, true),
            ("[]", false),
            ("1", false),
        ];
        for (data, free) in table.into_iter().chain([(r#"{"lavapool":1}"#, false)]) {
            assert_eq!(is_free_object(&json(data)), free, "{data}");
        }
    }
}
