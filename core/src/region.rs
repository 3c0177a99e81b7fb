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

use std::borrow::Cow;

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

    /// As [`region_from_endpoint`], by this map.
    pub fn region(&self, endpoint: &str) -> Option<Region> {
        let token = token(endpoint)?;
        let row = self
            .rows
            .iter()
            .find(|row| names(&row.region.fine, &row.codes, token));
        Some(row.map_or_else(Region::global, |row| row.region.clone()))
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

/// Fine label, coarse label, airport codes.
const TABLE: [(&str, &str, &str); 40] = [
    (
        "us-east",
        "us",
        "iad bgr bos buf orf phl pit rdu ric jfk lga",
    ),
    ("newark", "us", "ewr"),
    ("atlanta", "us", "atl"),
    ("st-pete", "us", "pie"),
    (
        "us-central",
        "us",
        "ord cle cmh den fsd ind mci mem msp okc oma phx stl dtw",
    ),
    (
        "us-south",
        "us",
        "dfw aus bna clt iah jax mfe mia sat tpa tlh",
    ),
    ("us-west", "us", "lax abq anc hnl las san sfo slc smf"),
    ("seattle", "us", "sea"),
    ("oregon", "us", "pdx"),
    ("santa-clara", "us", "sjc"),
    ("montreal", "us", "yul yhz yow yvr ywg yxe yyc yyz"),
    (
        "central-america",
        "us",
        "mex gdl qro gua pty sap tgu sjo bgi gnd kin pos sdq sti sju",
    ),
    (
        "brazil",
        "southamerica",
        "gru gig aru bel bnu bsb caw cfc cgb cnf cwb fln for gyn itj jdo joi mao nvt pmw \
         poa qwj rao rec sjk sjp sod ssa udi vcp vix xap",
    ),
    ("buenos-aires", "southamerica", "eze cor nqn"),
    ("santiago", "southamerica", "scl ari"),
    (
        "south-america",
        "southamerica",
        "lim bog lpb gye uio baq clo mde geo pbm",
    ),
    ("rotterdam", "eu", "rtm"),
    ("amsterdam", "eu", "ams"),
    ("frankfurt", "eu", "fra"),
    ("london", "eu", "lhr lon"),
    ("madrid", "eu", "mad"),
    ("milan", "eu", "mxp mil"),
    ("warsaw", "eu", "waw"),
    ("stockholm", "eu", "arn"),
    ("finland", "eu", "hel"),
    ("bucharest", "eu", "otp"),
    ("russia", "eu", "dme led kja svx"),
    (
        "europe",
        "eu",
        "cdg vie bru sof zag prg cph lys mrs bod tbs ath skg bud kef dub ork fco rom pmo \
         rix vno lux kiv kbp skp osl lis beg bts bcn bcg got gva zrh ist adb edi man dus \
         ham muc str txl ber cgn tia evn gyd llk msq lca",
    ),
    (
        "india",
        "asia",
        "bom maa del blr hyd ccu amd bbi cnn cok ixc knu nag pat",
    ),
    ("japan", "asia", "nrt hnd kix fuk oka"),
    ("singapore", "asia", "sin"),
    ("hongkong", "asia", "hkg mfm"),
    ("south-korea", "asia", "icn"),
    (
        "sydney",
        "asia",
        "syd mel akl adl bne cbr chc hba per nou suv gum ppt",
    ),
    (
        "asia",
        "asia",
        "bhy can cgd cgo csx ctu czx dlc foc fuo hak hfe hgh hyn jxg khn kmg kwe lhw nng \
         pkx sha sjw szx tao ten tna tsn tyn whu xfn xiy xnn zgn khh tpe uln ceb cgy crk \
         mnl cgk dps jog bkk cnx urt dad han sgn kch kul jhb bwn pnh vte cgp dac jsr cmb \
         isb khi lhe ktm pbh mle akx ala nqz tas",
    ),
    ("southafrica", "africa", "jnb cpt dur"),
    (
        "africa",
        "africa",
        "aae alg orn tun cai abj ask acc dkr los add dar ebb kgl mba nbo hre jib mru mpm \
         oua run lun fih lad wdh tnr",
    ),
    ("dubai", "middleeast", "dxb auh"),
    ("tel-aviv", "middleeast", "tlv hfa tel"),
    (
        "middle-east",
        "middleeast",
        "ruh jed dmm doh kwi bah mct bey amm bgw bsr ebl isu njf xnh zdm",
    ),
];
