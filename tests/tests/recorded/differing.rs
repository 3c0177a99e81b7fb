//! Differences between what a real server said and what was heard.

use std::collections::BTreeSet;

use lavapool_tests::node::blob::TrackBlob;
use serde_json::Value;

use super::{Answer, Heard, Recording};

impl Recording {
    /// Returns the places at which what was heard differs from the recording.
    pub(crate) fn compare(&self, heard: &Heard, slack_ms: i64) -> Vec<String> {
        let mut differing = Differing {
            slack_ms,
            places: Vec::new(),
        };
        let (real, ours) = (self.real(), heard);
        if real.closed_first != ours.closed_first {
            differing.note("close", &real.closed_first, &ours.closed_first);
        }
        let (real_answers, our_answers) = (real.answers(self), ours.answers(self));
        differing.lengths("answers", real_answers.len(), our_answers.len());
        for (index, (real, ours)) in real_answers.iter().zip(&our_answers).enumerate() {
            differing.answer(&format!("answer {index}"), real, ours);
        }
        let ((real, real_updates), (ours, our_updates)) = (real.messages(), ours.messages());
        differing.lengths("messages", real.len(), ours.len());
        for (index, (real, ours)) in real.iter().zip(&ours).enumerate() {
            differing.json(&format!("message {index}"), real, ours);
        }
        let guilds: BTreeSet<_> = real_updates.keys().chain(our_updates.keys()).collect();
        for guild in guilds {
            let none = Vec::new();
            let real = real_updates.get(guild).unwrap_or(&none);
            let ours = our_updates.get(guild).unwrap_or(&none);
            differing.lengths(&format!("updates of {guild}"), real.len(), ours.len());
            for (index, (real, ours)) in real.iter().zip(ours).enumerate() {
                differing.json(&format!("update {index} of {guild}"), real, ours);
            }
        }
        differing.places
    }
}

/// Collects places of difference.
struct Differing {
    slack_ms: i64,
    places: Vec<String>,
}

impl Differing {
    fn note(&mut self, place: &str, real: &dyn std::fmt::Debug, ours: &dyn std::fmt::Debug) {
        self.places.push(format!("{place}: {real:?} was {ours:?}"));
    }

    fn lengths(&mut self, place: &str, real: usize, ours: usize) {
        if real != ours {
            self.note(place, &real, &ours);
        }
    }

    fn answer(&mut self, place: &str, real: &Answer, ours: &Answer) {
        if real.status != ours.status {
            self.note(place, &real.status, &ours.status);
        }
        let undated = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            for (name, value) in &mut headers {
                if name == "Date" {
                    assert!(value.ends_with(" GMT"));
                    value.clear();
                }
            }
            headers
        };
        let (real_headers, our_headers) = (undated(real), undated(ours));
        if real_headers != our_headers {
            self.note(place, &real_headers, &our_headers);
        }
        let json = |answer: &Answer| serde_json::from_slice::<Value>(&answer.body);
        match (json(real), json(ours)) {
            (Ok(real), Ok(ours)) => self.json(place, &real, &ours),
            _ if real.body != ours.body => self.note(place, &real.body, &ours.body),
            _ => {}
        }
    }

    fn json(&mut self, place: &str, real: &Value, ours: &Value) {
        match (real, ours) {
            (Value::Object(real), Value::Object(ours)) => {
                let keys: BTreeSet<_> = real.keys().chain(ours.keys()).collect();
                for key in keys {
                    let place = format!("{place}/{key}");
                    match (real.get(key), ours.get(key)) {
                        (Some(real), Some(ours)) => self.member(&place, key, real, ours),
                        (real, ours) => self.note(&place, &real, &ours),
                    }
                }
            }
            (Value::Array(real), Value::Array(ours)) if real.len() == ours.len() => {
                for (index, (real, ours)) in real.iter().zip(ours).enumerate() {
                    self.json(&format!("{place}/{index}"), real, ours);
                }
            }
            _ if real != ours => self.note(place, real, ours),
            _ => {}
        }
    }

    fn member(&mut self, place: &str, key: &str, real: &Value, ours: &Value) {
        let same_kind = std::mem::discriminant(real) == std::mem::discriminant(ours);
        let numbers = real.as_i64().zip(ours.as_i64());
        let is_same = match key {
            _ if VOLATILE.contains(&key) => same_kind,
            "ping" => numbers.is_some_and(|(real, ours)| (real < 0) == (ours < 0)),
            "position" => numbers.is_some_and(|(real, ours)| (real - ours).abs() <= self.slack_ms),
            "encoded" => real
                .as_str()
                .zip(ours.as_str())
                .is_some_and(|(real, ours)| {
                    let still = |encoded| {
                        TrackBlob::decode(encoded).map(|blob| TrackBlob {
                            position_ms: 0,
                            ..blob
                        })
                    };
                    // With no slack the blob is the same to the last byte.
                    real == ours || (self.slack_ms > 0 && still(real) == still(ours))
                }),
            _ => return self.json(place, real, ours),
        };
        if !is_same {
            self.note(place, real, ours);
        }
    }
}

/// Keys whose values are a matter of the time, the machine or what else the real server did.
const VOLATILE: [&str; 14] = [
    "allocated",
    "causeStackTrace",
    "free",
    "lavalinkLoad",
    "players",
    "playingPlayers",
    "reservable",
    "systemLoad",
    "time",
    "timestamp",
    "trace",
    "uptime",
    "used",
    "cores",
];
