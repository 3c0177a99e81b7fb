//! Where Discord's voice servers are, as their host names tell: [`Region`].
//!
//! A voice endpoint is `c-iad03-1a2b3c4d.discord.media:2053` (an IATA airport code and a number)
//! or, formerly, `us-east1234.discord.media:443`, also with `vip-` before it. Only that code or
//! name is looked at, and exactly: a search for codes anywhere in the host finds Chicago's `ord`
//! in every `discord`.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

use std::borrow::Cow;

use table::TABLE;

mod table;

/// The region of a voice endpoint, by the built-in map.
///
/// None of an empty endpoint; [`Region::global`] of one that the map does not know.
///
/// ```
/// use lavapool_core::region::region_from_endpoint;
///
/// let region = region_from_endpoint("c-fra05-7bd4a2e1.discord.media:2087").unwrap();
/// assert_eq!((&*region.coarse, &*region.fine), ("eu", "frankfurt"));
/// ```
pub fn region_from_endpoint(endpoint: &str) -> Option<Region> {
    let token = token(endpoint)?;
    let row = TABLE
        .iter()
        .find(|(fine, _, codes)| names(fine, codes, token));
    Some(
        row.map_or_else(Region::global, |&(fine, coarse, _)| Region {
            coarse: Cow::Borrowed(coarse),
            fine: Cow::Borrowed(fine),
        }),
    )
}

/// A part of the world, in two sizes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct Region {
    /// Such as `us`, `southamerica` or `asia`.
    pub coarse: Cow<'static, str>,
    /// Such as `us-east`, `brazil` or `sydney`; Discord's former name of the region if it had one.
    pub fine: Cow<'static, str>,
}

impl Region {
    /// Nowhere in particular: both labels are `global`.
    pub const fn global() -> Self {
        Self {
            coarse: Cow::Borrowed("global"),
            fine: Cow::Borrowed("global"),
        }
    }
}

/// How well a node's label fits a [`Region`]; the greater, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegionFit {
    /// The label belongs to a family that means the coarse region, as `eu-west-1` means `eu`.
    Family,
    /// The label is the coarse one.
    Coarse,
    /// The label is the fine one.
    Fine,
}

/// How well a node with this label fits the region, whatever the case; none if it does not.
///
/// ```
/// use lavapool_core::region::{RegionFit, matches, region_from_endpoint};
///
/// let virginia = region_from_endpoint("c-iad03-1a2b3c4d.discord.media:443").unwrap();
/// assert_eq!(matches("US-East", &virginia), Some(RegionFit::Fine));
/// assert_eq!(matches("us", &virginia), Some(RegionFit::Coarse));
/// assert_eq!(matches("us-phoenix-1", &virginia), Some(RegionFit::Family));
/// assert_eq!(matches("eu", &virginia), None);
/// ```
pub fn matches(node_label: &str, region: &Region) -> Option<RegionFit> {
    if node_label.eq_ignore_ascii_case(&region.fine) {
        Some(RegionFit::Fine)
    } else if node_label.eq_ignore_ascii_case(&region.coarse) {
        Some(RegionFit::Coarse)
    } else if family(node_label).is_some_and(|coarse| coarse.eq_ignore_ascii_case(&region.coarse)) {
        Some(RegionFit::Family)
    } else {
        None
    }
}

/// Which codes and names of voice servers belong to which region.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
pub struct RegionMap {
    rows: Vec<Row>,
}

impl RegionMap {
    /// A map of nothing.
    pub const fn empty() -> Self {
        Self { rows: Vec::new() }
    }

    /// The same map with one more region; the first region that has a code wins.
    ///
    /// Codes are airport codes (`iad`) or former names (`us-east`); the fine label is one too.
    #[must_use]
    pub fn with<'a>(
        mut self,
        fine: impl Into<String>,
        coarse: impl Into<String>,
        codes: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let codes: Vec<_> = codes.into_iter().collect();
        self.rows.push(Row {
            region: Region {
                coarse: coarse.into().into(),
                fine: fine.into().into(),
            },
            codes: codes.join(" ").into(),
        });
        self
    }

    /// The regions, as often as they have rows.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &Region> {
        self.rows.iter().map(|row| &row.region)
    }

    /// As [`region_from_endpoint`], by this map.
    pub fn region(&self, endpoint: &str) -> Option<Region> {
        let token = token(endpoint)?;
        let row = self
            .rows
            .iter()
            .find(|row| names(&row.region.fine, &row.codes, token));
        Some(row.map_or_else(Region::global, |row| row.region.clone()))
    }

    /// The region that a label names: a fine one with the coarse one that it is in, or a coarse
    /// one alone, which is then its own fine label.
    ///
    /// ```
    /// use lavapool_core::region::RegionMap;
    ///
    /// let map = RegionMap::default();
    /// assert_eq!(map.named("Frankfurt").coarse, "eu");
    /// assert_eq!(map.named("eu").fine, "eu");
    /// assert_eq!(map.named("eu-west-1").coarse, "eu");
    /// assert_eq!(map.named("moon").coarse, "moon");
    /// ```
    pub fn named(&self, label: &str) -> Region {
        let label = label.trim().to_ascii_lowercase();
        let is_named = |row: &&Row| row.region.fine.eq_ignore_ascii_case(&label);
        let is_coarse = |row: &Row| row.region.coarse.eq_ignore_ascii_case(&label);
        if !self.rows.iter().any(is_coarse)
            && let Some(row) = self.rows.iter().find(is_named)
        {
            return row.region.clone();
        }
        let coarse = family(&label).map_or_else(|| label.clone().into(), Cow::Borrowed);
        let fine = label.into();
        Region { coarse, fine }
    }

    /// Whether a node with this label is in the region that another label names, and how closely.
    /// Every node in a coarse region fits it alike, whether its own label is coarse or fine.
    ///
    /// ```
    /// use lavapool_core::region::{RegionFit, RegionMap};
    ///
    /// let map = RegionMap::default();
    /// for label in ["eu", "EU", "frankfurt", "eu-west-1"] {
    ///     assert_eq!(map.lies_in(label, "eu"), Some(RegionFit::Coarse));
    /// }
    /// assert_eq!(map.lies_in("frankfurt", "Frankfurt"), Some(RegionFit::Fine));
    /// assert_eq!(map.lies_in("eu", "frankfurt"), Some(RegionFit::Coarse));
    /// assert_eq!(map.lies_in("us", "eu"), None);
    /// ```
    pub fn lies_in(&self, node_label: &str, region: &str) -> Option<RegionFit> {
        let asked = self.named(region);
        if asked.fine != asked.coarse {
            return matches(node_label, &asked);
        }
        let own = self.named(node_label);
        let is_inside = own.coarse.eq_ignore_ascii_case(&asked.coarse);
        is_inside.then_some(RegionFit::Coarse)
    }

    /// Whether a node with this label can fit any region of the map, or `global`.
    pub fn knows(&self, node_label: &str) -> bool {
        let fits = |region: &Region| matches(node_label, region).is_some();
        fits(&Region::global()) || self.rows.iter().any(|row| fits(&row.region))
    }
}

impl Default for RegionMap {
    /// The built-in map.
    fn default() -> Self {
        let rows = TABLE.iter().map(|&(fine, coarse, codes)| Row {
            region: Region {
                coarse: Cow::Borrowed(coarse),
                fine: Cow::Borrowed(fine),
            },
            codes: Cow::Borrowed(codes),
        });
        Self {
            rows: rows.collect(),
        }
    }
}

impl<L: Into<String>, C: AsRef<str>> FromIterator<(L, Vec<C>)> for RegionMap {
    /// A map of labels and their codes, where coarse and fine label are one.
    fn from_iter<I: IntoIterator<Item = (L, Vec<C>)>>(entries: I) -> Self {
        entries
            .into_iter()
            .fold(Self::empty(), |map, (label, codes)| {
                let label = label.into();
                map.with(label.clone(), label, codes.iter().map(AsRef::as_ref))
            })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
struct Row {
    region: Region,
    /// Separated by spaces.
    codes: Cow<'static, str>,
}

/// The airport code or former name in an endpoint, in its own case; empty if there is neither, and
/// none if the endpoint is empty.
fn token(endpoint: &str) -> Option<&str> {
    let endpoint = endpoint.trim();
    if endpoint.is_empty() {
        return None;
    }
    let host = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let label = host.split(['.', ':', '/', '?']).next().unwrap_or_default();
    let label = strip_prefix(label, "vip-").unwrap_or(label);
    Some(
        airport(label)
            .or_else(|| former_name(label))
            .unwrap_or_default(),
    )
}

/// The code of `c-iad03-1a2b3c4d` or `c-iad03`.
fn airport(label: &str) -> Option<&str> {
    let (code, rest) = strip_prefix(label, "c-")?.split_at_checked(3)?;
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = after.len() < rest.len() && (after.is_empty() || after.starts_with('-'));
    (is_numbered && code.bytes().all(|byte| byte.is_ascii_alphabetic())).then_some(code)
}

/// The name of `us-east1234` or `us-east-1234`.
fn former_name(label: &str) -> Option<&str> {
    let name = label.trim_end_matches(|c: char| c.is_ascii_digit());
    let name = name.strip_suffix('-').unwrap_or(name);
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    is_name.then_some(name)
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn names(fine: &str, codes: &str, token: &str) -> bool {
    let mut names = codes.split_ascii_whitespace().chain([fine]);
    !token.is_empty() && names.any(|name| name.eq_ignore_ascii_case(token))
}

/// The coarse region that a label such as `ap-southeast-2` means.
fn family(label: &str) -> Option<&'static str> {
    let (family, _) = label.split_once('-')?;
    let known = FAMILIES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(family));
    known.map(|&(_, coarse)| coarse)
}

/// How cloud providers begin the names of their regions.
const FAMILIES: [(&str, &str); 6] = [
    ("us", "us"),
    ("eu", "eu"),
    ("ap", "asia"),
    ("sa", "southamerica"),
    ("me", "middleeast"),
    ("af", "africa"),
];

#[cfg(test)]
mod tests {
    use rand_core::Rng;

    use super::*;
    use crate::Seed;

    fn labels(endpoint: &str) -> (String, String) {
        let region = region_from_endpoint(endpoint).unwrap();
        (region.coarse.into(), region.fine.into())
    }

    #[test]
    fn both_forms_of_endpoints_are_known() {
        let cases = [
            ("c-iad03-1a2b3c4d.discord.media:443", "us", "us-east"),
            ("c-ord05-7bd4a2e1.discord.media:2053", "us", "us-central"),
            (
                "wss://c-bom11-ea4174e2.discord.media:8443/?v=8",
                "asia",
                "india",
            ),
            ("C-GRU01-ABC.DISCORD.MEDIA", "southamerica", "brazil"),
            ("c-jnb01-abc.discord.media:443", "africa", "southafrica"),
            ("c-dxb01-abc.discord.media:443", "middleeast", "dubai"),
            ("c-cgn01-abc.discord.media:443", "eu", "europe"),
            ("c-tel9.discord.media", "middleeast", "tel-aviv"),
            ("us-east1234.discord.media:443", "us", "us-east"),
            ("vip-us-west-12.discord.gg:80", "us", "us-west"),
            ("VIP-Rotterdam77.discord.media:443", "eu", "rotterdam"),
            ("fra", "eu", "frankfurt"),
            ("c-zzz01-abc.discord.media:443", "global", "global"),
            ("c-ia-1.discord.media", "global", "global"),
            ("c-iad-abc.discord.media", "global", "global"),
            ("c-iad03x.discord.media", "global", "global"),
            ("xus-east12.discord.media", "global", "global"),
            ("discord.media:443", "global", "global"),
            ("127.0.0.1:8444", "global", "global"),
            ("vip-.discord.media", "global", "global"),
            (".", "global", "global"),
        ];
        for (endpoint, coarse, fine) in cases {
            assert_eq!(labels(endpoint), (coarse.into(), fine.into()), "{endpoint}");
        }
        assert_eq!(region_from_endpoint(""), None);
        assert_eq!(region_from_endpoint(" "), None);
    }

    #[test]
    fn every_former_name_is_its_own_fine_label() {
        let names = "us-east us-central us-south us-west atlanta montreal seattle oregon \
            santa-clara newark st-pete brazil santiago buenos-aires rotterdam amsterdam london \
            madrid frankfurt europe milan finland stockholm bucharest russia warsaw tel-aviv dubai \
            singapore india japan hongkong south-korea sydney southafrica";
        for name in names.split_ascii_whitespace() {
            for endpoint in [
                format!("{name}42.discord.media:443"),
                format!("vip-{name}7.discord.gg"),
            ] {
                assert_eq!(labels(&endpoint).1, name, "{endpoint}");
            }
        }
    }

    #[test]
    fn every_code_belongs_to_one_row() {
        let mut seen = std::collections::BTreeSet::new();
        for (fine, coarse, codes) in TABLE {
            for code in codes.split_ascii_whitespace() {
                assert!(seen.insert(code), "{code} stands twice");
                let endpoint = format!("c-{code}12-0f0f0f0f.discord.media:443");
                assert_eq!(labels(&endpoint), (coarse.into(), fine.into()));
            }
        }
        assert_eq!(seen.len(), 346);
    }

    #[test]
    fn no_host_is_known_but_by_its_code() {
        let mut rng = Seed::from(11).stream(0);
        let mut pick = |text: &'static str| {
            let index = rng.next_u32() as usize % text.len();
            text.as_bytes()[index] as char
        };
        let codes: Vec<_> = TABLE
            .iter()
            .flat_map(|row| row.2.split_ascii_whitespace())
            .collect();
        for _ in 0..5_000 {
            let code: String = (0..3).map(|_| pick("abcdefghijklmnopqrstuvwxyz")).collect();
            let tail: String = (0..8).map(|_| pick("0123456789abcdef-iadord")).collect();
            let number = pick("0123456789");
            let endpoint = format!("c-{code}{number}-{tail}.discord.media:443");
            let is_known = codes.contains(&&*code);
            assert_eq!(labels(&endpoint).0 != "global", is_known, "{endpoint}");

            let host: String = (0..20).map(|_| pick("abcdor-.:/é0123456789vip")).collect();
            assert_eq!(
                region_from_endpoint(&host).is_none(),
                host.trim().is_empty()
            );
        }
    }

    #[test]
    fn a_map_of_the_user_replaces_the_table() {
        let map = RegionMap::from_iter([("home", vec!["iad", "us-west"]), ("away", vec!["IAD"])]);
        let home = Region {
            coarse: "home".into(),
            fine: "home".into(),
        };
        assert_eq!(
            map.region("c-iad03-1a2b3c4d.discord.media:443"),
            Some(home.clone())
        );
        assert_eq!(map.region("us-west12.discord.media"), Some(home.clone()));
        assert_eq!(map.region("home1.discord.media"), Some(home));
        assert_eq!(
            map.region("c-fra03-1a2b3c4d.discord.media"),
            Some(Region::global())
        );
        assert_eq!(map.region(""), None);

        let built_in = RegionMap::default();
        for endpoint in ["c-scl01-ab.discord.media", "dubai3.discord.media", "x", ""] {
            assert_eq!(built_in.region(endpoint), region_from_endpoint(endpoint));
        }
    }

    #[test]
    fn a_label_fits_finely_coarsely_or_by_its_family() {
        use RegionFit::{Coarse, Family, Fine};
        let fit = |label, endpoint| matches(label, &region_from_endpoint(endpoint).unwrap());
        assert_eq!(fit("Singapore", "c-sin01-ab"), Some(Fine));
        assert_eq!(fit("ASIA", "c-sin01-ab"), Some(Coarse));
        assert_eq!(fit("ap-southeast-1", "c-sin01-ab"), Some(Family));
        assert_eq!(fit("SA-east-1", "c-gru01-ab"), Some(Family));
        assert_eq!(fit("me-south-1", "c-dxb01-ab"), Some(Family));
        assert_eq!(fit("af-south-1", "c-jnb01-ab"), Some(Family));
        assert_eq!(fit("eu-west", "c-fra01-ab"), Some(Family));
        assert_eq!(fit("us-west", "c-iad01-ab"), Some(Family));
        assert_eq!(fit("ap-southeast-1", "c-fra01-ab"), None);
        assert_eq!(fit("moon", "c-fra01-ab"), None);
        assert_eq!(fit("global", "c-zzz01-ab"), Some(Fine));
        assert!(Fine > Coarse && Coarse > Family);
    }

    #[test]
    fn a_label_that_can_never_fit_is_not_known() {
        let map = RegionMap::default();
        let known = [
            "us",
            "Frankfurt",
            "eu-west-3",
            "global",
            "moon",
            "",
            "asiatic",
        ]
        .map(|label| map.knows(label));
        assert_eq!(known, [true, true, true, true, false, false, false]);
    }
}
