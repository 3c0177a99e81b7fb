//! Where voice endpoints lie: a table that was written from the names of cities, and what must
//! hold of every other host.

#![allow(clippy::unwrap_used, reason = "a test that fails there says where")]

use std::collections::BTreeMap;

use lavapool_core::region::{Region, RegionMap, region_from_endpoint};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

#[test]
fn every_endpoint_of_the_table_is_where_it_says() {
    let map = RegionMap::default();
    for (endpoint, coarse, fine) in TABLE {
        let region = region(coarse, fine);
        assert_eq!(
            region_from_endpoint(endpoint),
            Some(region.clone()),
            "{endpoint}"
        );
        assert_eq!(map.region(endpoint), Some(region), "{endpoint}");
    }
}

#[test]
fn an_empty_endpoint_is_nowhere() {
    for endpoint in ["", " ", "\t\n"] {
        assert_eq!(region_from_endpoint(endpoint), None, "{endpoint:?}");
        assert_eq!(RegionMap::default().region(endpoint), None, "{endpoint:?}");
    }
}

#[test]
fn a_map_of_the_users_replaces_the_whole_table() {
    // As the guide writes it, with the code that is in every `discord` too.
    let map = RegionMap::from_iter([("us", vec!["ord", "atl"]), ("eu", vec!["ams"])]);
    for (endpoint, label) in [
        ("c-ord01-1a2b3c4d.discord.media:443", "us"),
        ("c-atl01-1a2b3c4d.discord.media:443", "us"),
        ("C-AMS01-1A2B3C4D.DISCORD.MEDIA:443", "eu"),
        ("c-fra01-1a2b3c4d.discord.media:443", "global"),
        ("us-east12.discord.media:443", "global"),
        ("discord.media:443", "global"),
    ] {
        assert_eq!(
            map.region(endpoint),
            Some(region(label, label)),
            "{endpoint}"
        );
    }
    assert_eq!(
        RegionMap::empty().region(TABLE[0].0),
        Some(Region::global())
    );
}

#[test]
fn the_token_alone_decides() {
    let tokens = tokens();
    let mut chance = ChaCha8Rng::seed_from_u64(63);
    let mut known = 0;
    for _ in 0..5_000 {
        let name = tokens.keys().nth(below(&mut chance, tokens.len())).unwrap();
        let code = if below(&mut chance, 2) == 0 {
            name.clone()
        } else {
            text(&mut chance, "abcdeilmorst", 3)
        };
        let number = below(&mut chance, 10_000);
        let tail = text(&mut chance, "0123456789abcdef", 8);
        let is_code = code.len() == 3;
        // Whatever stands around it: other tokens, in every place where they do not count.
        let other = tokens.keys().nth(below(&mut chance, tokens.len())).unwrap();
        let rest = text(&mut chance, "abcdefio.-0129", 12);
        let prefix = ["", "vip-", "wss://", "https://vip-"][below(&mut chance, 4)];
        let endpoint = if is_code {
            format!("{prefix}c-{code}{number}-{tail}.{other}12.discord.media:2053/{rest}")
        } else {
            format!("{prefix}{code}{number}.{other}12.{rest}.discord.gg:443/?v={other}")
        };
        let expected = tokens.get(&code).cloned();
        // The codes of the table are a part of all that are known.
        let found = region_from_endpoint(&endpoint).unwrap();
        if let Some(expected) = expected {
            known += 1;
            assert_eq!(found, expected, "{endpoint}");
        } else {
            let alone = region_from_endpoint(&format!("c-{code}1-0.discord.media"));
            assert_eq!(Some(found), alone, "{endpoint}");
        }
    }
    assert!(known > 2_500, "{known}");
}

#[test]
fn a_host_without_a_known_token_is_global_and_discord_is_none() {
    let mut chance = ChaCha8Rng::seed_from_u64(64);
    for _ in 0..5_000 {
        // No code or name begins with these letters or holds them.
        let label = format!("q{}", text(&mut chance, "qiadordfrascl-0123456789", 9));
        let host = [
            "discord",
            "discord1",
            "vip-discord22",
            "c-discord03-iad",
            "xdiscord",
        ][below(&mut chance, 5)];
        for endpoint in [
            format!("{label}.discord.media:443"),
            format!("{host}.{label}.iad03.discord.media:443"),
            format!("{host}.fra.discord.gg"),
            format!("wss://{host}:443/us-east1"),
        ] {
            let found = region_from_endpoint(&endpoint);
            assert_eq!(found, Some(Region::global()), "{endpoint}");
        }
    }
}

#[test]
fn no_text_is_too_strange() {
    let alphabet = "acdorvip-.:/?0129 \u{0}\u{e9}\u{130}\u{1f3b5}ÅIAD\u{301}";
    let mut chance = ChaCha8Rng::seed_from_u64(65);
    for _ in 0..10_000 {
        let length = below(&mut chance, 24);
        let endpoint = text(&mut chance, alphabet, length);
        let found = region_from_endpoint(&endpoint);
        assert_eq!(found.is_none(), endpoint.trim().is_empty(), "{endpoint:?}");
        let shouted = region_from_endpoint(&endpoint.to_ascii_uppercase());
        assert_eq!(found, shouted, "{endpoint:?}");
    }
}

/// The codes and names of the table, and where they lie.
fn tokens() -> BTreeMap<String, Region> {
    let mut tokens = BTreeMap::new();
    for (endpoint, coarse, fine) in TABLE {
        if coarse == "global" {
            continue;
        }
        let lower = endpoint.to_lowercase();
        let host = lower
            .rsplit("//")
            .next()
            .unwrap()
            .trim_start_matches("vip-");
        if let Some(code) = host.strip_prefix("c-").and_then(|rest| rest.get(..3)) {
            tokens.insert(code.to_owned(), region(coarse, fine));
        }
        tokens.insert(fine.to_owned(), region(coarse, fine));
    }
    tokens
}

fn region(coarse: &'static str, fine: &'static str) -> Region {
    Region {
        coarse: coarse.into(),
        fine: fine.into(),
    }
}

fn below(chance: &mut ChaCha8Rng, bound: usize) -> usize {
    chance.next_u32() as usize % bound
}

fn text(chance: &mut ChaCha8Rng, alphabet: &str, length: usize) -> String {
    let letters: Vec<_> = alphabet.chars().collect();
    (0..length)
        .map(|_| letters[below(chance, letters.len())])
        .collect()
}

/// Endpoint, coarse label, fine label: every name that voice servers once had, and codes of all
/// parts of the world.
#[rustfmt::skip]
const TABLE: [(&str, &str, &str); 145] = [
    ("us-east1.discord.media:443", "us", "us-east"),
    ("us-central1234.discord.gg:443", "us", "us-central"),
    ("vip-us-south77.discord.media:443", "us", "us-south"),
    ("US-WEST42.DISCORD.MEDIA:443", "us", "us-west"),
    ("wss://atlanta9.discord.media/?v=8", "us", "atlanta"),
    ("montreal-12.discord.gg", "us", "montreal"),
    ("vip-seattle3.discord.gg:80", "us", "seattle"),
    ("oregon1.discord.media:443", "us", "oregon"),
    ("santa-clara1234.discord.gg:443", "us", "santa-clara"),
    ("vip-newark77.discord.media:443", "us", "newark"),
    ("ST-PETE42.DISCORD.MEDIA:443", "us", "st-pete"),
    ("wss://brazil9.discord.media/?v=8", "southamerica", "brazil"),
    ("santiago-12.discord.gg", "southamerica", "santiago"),
    ("vip-buenos-aires3.discord.gg:80", "southamerica", "buenos-aires"),
    ("rotterdam1.discord.media:443", "eu", "rotterdam"),
    ("amsterdam1234.discord.gg:443", "eu", "amsterdam"),
    ("vip-london77.discord.media:443", "eu", "london"),
    ("MADRID42.DISCORD.MEDIA:443", "eu", "madrid"),
    ("wss://frankfurt9.discord.media/?v=8", "eu", "frankfurt"),
    ("europe-12.discord.gg", "eu", "europe"),
    ("vip-milan3.discord.gg:80", "eu", "milan"),
    ("finland1.discord.media:443", "eu", "finland"),
    ("stockholm1234.discord.gg:443", "eu", "stockholm"),
    ("vip-bucharest77.discord.media:443", "eu", "bucharest"),
    ("RUSSIA42.DISCORD.MEDIA:443", "eu", "russia"),
    ("wss://warsaw9.discord.media/?v=8", "eu", "warsaw"),
    ("tel-aviv-12.discord.gg", "middleeast", "tel-aviv"),
    ("vip-dubai3.discord.gg:80", "middleeast", "dubai"),
    ("singapore1.discord.media:443", "asia", "singapore"),
    ("india1234.discord.gg:443", "asia", "india"),
    ("vip-japan77.discord.media:443", "asia", "japan"),
    ("HONGKONG42.DISCORD.MEDIA:443", "asia", "hongkong"),
    ("wss://south-korea9.discord.media/?v=8", "asia", "south-korea"),
    ("sydney-12.discord.gg", "asia", "sydney"),
    ("vip-southafrica3.discord.gg:80", "africa", "southafrica"),
    ("c-iad03-1a2b3c4d.discord.media:443", "us", "us-east"),
    ("c-jfk11-ea4174e2.discord.media:2053", "us", "us-east"),
    ("C-LGA05-7BD4A2E1.DISCORD.MEDIA:2087", "us", "us-east"),
    ("wss://c-bos01-0badcafe.discord.media:8443/?v=8", "us", "us-east"),
    ("c-pit9.discord.media", "us", "us-east"),
    ("vip-c-ewr02-ffff0000.discord.gg:443", "us", "newark"),
    ("c-atl10-deadbeef.discord.gg:80", "us", "atlanta"),
    ("https://c-ord07-12ab34cd.discord.media:2096", "us", "us-central"),
    ("c-den03-1a2b3c4d.discord.media:443", "us", "us-central"),
    ("c-phx11-ea4174e2.discord.media:2053", "us", "us-central"),
    ("C-STL05-7BD4A2E1.DISCORD.MEDIA:2087", "us", "us-central"),
    ("wss://c-msp01-0badcafe.discord.media:8443/?v=8", "us", "us-central"),
    ("c-dfw9.discord.media", "us", "us-south"),
    ("vip-c-iah02-ffff0000.discord.gg:443", "us", "us-south"),
    ("c-mia10-deadbeef.discord.gg:80", "us", "us-south"),
    ("https://c-tpa07-12ab34cd.discord.media:2096", "us", "us-south"),
    ("c-lax03-1a2b3c4d.discord.media:443", "us", "us-west"),
    ("c-sfo11-ea4174e2.discord.media:2053", "us", "us-west"),
    ("C-LAS05-7BD4A2E1.DISCORD.MEDIA:2087", "us", "us-west"),
    ("wss://c-slc01-0badcafe.discord.media:8443/?v=8", "us", "us-west"),
    ("c-sea9.discord.media", "us", "seattle"),
    ("vip-c-pdx02-ffff0000.discord.gg:443", "us", "oregon"),
    ("c-sjc10-deadbeef.discord.gg:80", "us", "santa-clara"),
    ("https://c-yul07-12ab34cd.discord.media:2096", "us", "montreal"),
    ("c-yyz03-1a2b3c4d.discord.media:443", "us", "montreal"),
    ("c-mex11-ea4174e2.discord.media:2053", "us", "central-america"),
    ("C-SJU05-7BD4A2E1.DISCORD.MEDIA:2087", "us", "central-america"),
    ("wss://c-gru01-0badcafe.discord.media:8443/?v=8", "southamerica", "brazil"),
    ("c-gig9.discord.media", "southamerica", "brazil"),
    ("vip-c-for02-ffff0000.discord.gg:443", "southamerica", "brazil"),
    ("c-eze10-deadbeef.discord.gg:80", "southamerica", "buenos-aires"),
    ("https://c-scl07-12ab34cd.discord.media:2096", "southamerica", "santiago"),
    ("c-lim03-1a2b3c4d.discord.media:443", "southamerica", "south-america"),
    ("c-bog11-ea4174e2.discord.media:2053", "southamerica", "south-america"),
    ("C-RTM05-7BD4A2E1.DISCORD.MEDIA:2087", "eu", "rotterdam"),
    ("wss://c-ams01-0badcafe.discord.media:8443/?v=8", "eu", "amsterdam"),
    ("c-fra9.discord.media", "eu", "frankfurt"),
    ("vip-c-lhr02-ffff0000.discord.gg:443", "eu", "london"),
    ("c-lon10-deadbeef.discord.gg:80", "eu", "london"),
    ("https://c-mad07-12ab34cd.discord.media:2096", "eu", "madrid"),
    ("c-mxp03-1a2b3c4d.discord.media:443", "eu", "milan"),
    ("c-mil11-ea4174e2.discord.media:2053", "eu", "milan"),
    ("C-WAW05-7BD4A2E1.DISCORD.MEDIA:2087", "eu", "warsaw"),
    ("wss://c-arn01-0badcafe.discord.media:8443/?v=8", "eu", "stockholm"),
    ("c-hel9.discord.media", "eu", "finland"),
    ("vip-c-otp02-ffff0000.discord.gg:443", "eu", "bucharest"),
    ("c-dme10-deadbeef.discord.gg:80", "eu", "russia"),
    ("https://c-led07-12ab34cd.discord.media:2096", "eu", "russia"),
    ("c-cdg03-1a2b3c4d.discord.media:443", "eu", "europe"),
    ("c-bcn11-ea4174e2.discord.media:2053", "eu", "europe"),
    ("C-ROM05-7BD4A2E1.DISCORD.MEDIA:2087", "eu", "europe"),
    ("wss://c-osl01-0badcafe.discord.media:8443/?v=8", "eu", "europe"),
    ("c-cph9.discord.media", "eu", "europe"),
    ("vip-c-prg02-ffff0000.discord.gg:443", "eu", "europe"),
    ("c-bud10-deadbeef.discord.gg:80", "eu", "europe"),
    ("https://c-vie07-12ab34cd.discord.media:2096", "eu", "europe"),
    ("c-ber03-1a2b3c4d.discord.media:443", "eu", "europe"),
    ("c-cgn11-ea4174e2.discord.media:2053", "eu", "europe"),
    ("C-IST05-7BD4A2E1.DISCORD.MEDIA:2087", "eu", "europe"),
    ("wss://c-bom01-0badcafe.discord.media:8443/?v=8", "asia", "india"),
    ("c-maa9.discord.media", "asia", "india"),
    ("vip-c-del02-ffff0000.discord.gg:443", "asia", "india"),
    ("c-nrt10-deadbeef.discord.gg:80", "asia", "japan"),
    ("https://c-hnd07-12ab34cd.discord.media:2096", "asia", "japan"),
    ("c-kix03-1a2b3c4d.discord.media:443", "asia", "japan"),
    ("c-sin11-ea4174e2.discord.media:2053", "asia", "singapore"),
    ("C-HKG05-7BD4A2E1.DISCORD.MEDIA:2087", "asia", "hongkong"),
    ("wss://c-icn01-0badcafe.discord.media:8443/?v=8", "asia", "south-korea"),
    ("c-syd9.discord.media", "asia", "sydney"),
    ("vip-c-mel02-ffff0000.discord.gg:443", "asia", "sydney"),
    ("c-akl10-deadbeef.discord.gg:80", "asia", "sydney"),
    ("https://c-per07-12ab34cd.discord.media:2096", "asia", "sydney"),
    ("c-kul03-1a2b3c4d.discord.media:443", "asia", "asia"),
    ("c-bkk11-ea4174e2.discord.media:2053", "asia", "asia"),
    ("C-TPE05-7BD4A2E1.DISCORD.MEDIA:2087", "asia", "asia"),
    ("wss://c-mnl01-0badcafe.discord.media:8443/?v=8", "asia", "asia"),
    ("c-han9.discord.media", "asia", "asia"),
    ("vip-c-jnb02-ffff0000.discord.gg:443", "africa", "southafrica"),
    ("c-cpt10-deadbeef.discord.gg:80", "africa", "southafrica"),
    ("https://c-nbo07-12ab34cd.discord.media:2096", "africa", "africa"),
    ("c-los03-1a2b3c4d.discord.media:443", "africa", "africa"),
    ("c-cai11-ea4174e2.discord.media:2053", "africa", "africa"),
    ("C-DXB05-7BD4A2E1.DISCORD.MEDIA:2087", "middleeast", "dubai"),
    ("wss://c-auh01-0badcafe.discord.media:8443/?v=8", "middleeast", "dubai"),
    ("c-tlv9.discord.media", "middleeast", "tel-aviv"),
    ("vip-c-tel02-ffff0000.discord.gg:443", "middleeast", "tel-aviv"),
    ("c-ruh10-deadbeef.discord.gg:80", "middleeast", "middle-east"),
    ("https://c-doh07-12ab34cd.discord.media:2096", "middleeast", "middle-east"),
    ("c-jed03-1a2b3c4d.discord.media:443", "middleeast", "middle-east"),
    ("us-east1.discord.gg:443", "us", "us-east"),
    ("discord.media:443", "global", "global"),
    ("discord.gg", "global", "global"),
    ("discord12.discord.media:443", "global", "global"),
    ("vip-discord1.discord.media", "global", "global"),
    ("c-ord-1a2b3c4d.discord.media:443", "global", "global"),
    ("c-discord03-1a2b.discord.media", "global", "global"),
    ("c-dis03-1a2b3c4d.discord.media:443", "global", "global"),
    ("c-zzz01-1a2b3c4d.discord.media:443", "global", "global"),
    ("c-zzz01-iad03.discord.media:443", "global", "global"),
    ("c-iad03x.discord.media", "global", "global"),
    ("xus-east12.discord.media", "global", "global"),
    ("mars7.discord.media:443", "global", "global"),
    ("host.iad03.discord.media:443", "global", "global"),
    ("rotterdamx1.discord.media", "global", "global"),
    ("127.0.0.1:8444", "global", "global"),
    ("localhost:443", "global", "global"),
    ("wss://", "global", "global"),
    (".discord.media", "global", "global"),
    ("vip-.discord.media", "global", "global"),
    ("c-.discord.media", "global", "global"),
];
