//! Requests to plugins as bytes, and what their answers mean.

use super::*;
use crate::protocol::plugins::{PoToken, RefreshToken};
use crate::rest::{Answer, Failure, Request};

fn guild() -> GuildId {
    GuildId::new(5).unwrap()
}

fn stream(itag: Option<u32>, client: Option<&str>) -> PluginRequest {
    PluginRequest::YoutubeStream {
        video: "dQw4w9WgXcQ".into(),
        itag,
        client: client.map(Into::into),
    }
}

fn music() -> Vec<(PluginRequest, &'static str)> {
    let (guild, any, others) = (guild(), LyricsFrom::Any, LyricsFrom::OtherSources);
    let search = |kinds: &[SearchKind]| PluginRequest::Search {
        query: "spsearch:a+b é".into(),
        kinds: kinds.into(),
    };
    let encoded = || "QA+/A==".into();
    vec![
        (
            search(&[]),
            "GET /v4/loadsearch?query=spsearch%3Aa%2Bb%20%C3%A9",
        ),
        (
            search(&[SearchKind::Track, SearchKind::Text]),
            "GET /v4/loadsearch?query=spsearch%3Aa%2Bb%20%C3%A9&types=track,text",
        ),
        (
            PluginRequest::Categories(guild),
            "GET /v4/sessions/s/players/5/sponsorblock/categories",
        ),
        (
            PluginRequest::SetCategories {
                guild,
                categories: [Category::Sponsor, Category::MusicOfftopic].into(),
            },
            "PUT /v4/sessions/s/players/5/sponsorblock/categories \
             [\"sponsor\",\"music_offtopic\"]",
        ),
        (
            PluginRequest::ClearCategories(guild),
            "DELETE /v4/sessions/s/players/5/sponsorblock/categories",
        ),
        (
            PluginRequest::Lyrics {
                encoded: encoded(),
                from: any,
            },
            "GET /v4/lyrics?track=QA%2B%2FA%3D%3D",
        ),
        (
            PluginRequest::Lyrics {
                encoded: encoded(),
                from: others,
            },
            "GET /v4/lyrics?track=QA%2B%2FA%3D%3D&skipTrackSource=true",
        ),
        (
            PluginRequest::PlayingLyrics { guild, from: any },
            "GET /v4/sessions/s/players/5/track/lyrics",
        ),
        (
            PluginRequest::SubscribeLyrics {
                guild,
                from: others,
            },
            "POST /v4/sessions/s/players/5/lyrics/subscribe?skipTrackSource=true",
        ),
        (
            PluginRequest::UnsubscribeLyrics(guild),
            "DELETE /v4/sessions/s/players/5/lyrics/subscribe",
        ),
    ]
}

fn youtube() -> Vec<(PluginRequest, &'static str)> {
    vec![
        (PluginRequest::Youtube, "GET /youtube"),
        (
            PluginRequest::UpdateYoutube(YoutubeUpdate {
                refresh_token: RefreshToken::Use("1//r".into()),
                po_token: PoToken::Keep,
            }),
            "POST /youtube {\"refreshToken\":\"1//r\",\"skipInitialization\":true,\
             \"poToken\":\"\",\"visitorData\":\"\"}",
        ),
        (
            PluginRequest::YoutubeToken {
                refresh_token: "1//r".into(),
            },
            "GET /youtube/oauth/1%2F%2Fr",
        ),
        (stream(None, None), "GET /youtube/stream/dQw4w9WgXcQ"),
        (
            stream(Some(140), Some("WEB")),
            "GET /youtube/stream/dQw4w9WgXcQ?itag=140&withClient=WEB",
        ),
        (
            stream(None, Some("WEB")),
            "GET /youtube/stream/dQw4w9WgXcQ?withClient=WEB",
        ),
    ]
}

#[test]
fn every_request_is_written_as_the_plugin_reads_it() {
    for (request, expected) in music().into_iter().chain(youtube()) {
        let (mut target, mut body) = (Vec::new(), Vec::new());
        let needs_session = expected.contains("/sessions/");
        let wrapped = Request::Plugin(request);
        assert_eq!(wrapped.needs_session(), needs_session, "{expected}");
        assert!(wrapped.write_target("", Some("s"), &mut target));
        let mut written = format!(
            "{} {}",
            wrapped.method(),
            String::from_utf8(target).unwrap()
        );
        if wrapped.write_body(&mut body) {
            written = written + " " + std::str::from_utf8(&body).unwrap();
        }
        assert_eq!(written, expected);
        let is_login = expected.starts_with("POST /youtube");
        assert_eq!(wrapped.repeat_is_safe(), !is_login);
        assert_eq!(wrapped.changes_nothing(), expected.starts_with("GET"));
        assert!(!format!("{wrapped:?}").contains("1//r"));
    }
}

fn answer(request: PluginRequest, status: u16, body: &str) -> Result<PluginAnswer, Failure> {
    let status = StatusCode::from_u16(status).unwrap();
    match Request::Plugin(request).decode(status, body.as_bytes())? {
        Answer::Plugin(answer) => Ok(*answer),
        other => panic!("{other:?}"),
    }
}

fn lyrics() -> PluginRequest {
    PluginRequest::PlayingLyrics {
        guild: guild(),
        from: LyricsFrom::Any,
    }
}

#[test]
fn nothing_found_is_none() {
    let search = PluginRequest::Search {
        query: "x".into(),
        kinds: Vec::new(),
    };
    assert_eq!(answer(search, 204, ""), Ok(PluginAnswer::Found(None)));
    assert_eq!(answer(lyrics(), 204, ""), Ok(PluginAnswer::Lyrics(None)));
    let unset = r#"{"status":404,"message":"Guild not found"}"#;
    assert_eq!(
        answer(PluginRequest::Categories(guild()), 404, unset),
        Ok(PluginAnswer::Categories(None))
    );
    let set = answer(PluginRequest::Categories(guild()), 200, r#"["filler","x"]"#);
    let categories = vec![Category::Filler, Category::Unknown("x".into())];
    assert_eq!(set, Ok(PluginAnswer::Categories(Some(categories))));
}

#[test]
fn a_404_tells_a_missing_plugin_from_a_missing_player() {
    let cases = [
        (r#"{"message":"No endpoint GET /v4/lyrics."}"#, true),
        ("", true),
        (r#"{"message":"Player not found"}"#, false),
        (r#"{"message":"No track playing"}"#, false),
        (r#"{"message":"Session not found"}"#, false),
    ];
    for (body, is_missing) in cases {
        let Err(Failure::Refused(refusal)) = answer(lyrics(), 404, body) else {
            panic!("{body}");
        };
        assert_eq!(refusal.lacks_endpoint(), is_missing, "{body}");
    }
}
