//! Which of its addresses a node uses: [`RoutePlanner`].

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{DecodeError, decode};
use super::{RawJson, lenient};

/// The answer to `GET /v4/routeplanner/status`, where a route planner is on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoutePlanner {
    /// The addresses that the node has.
    pub ip_block: IpBlock,
    /// Those that were blocked and are left alone for a while.
    pub failing_addresses: Vec<FailingAddress>,
    /// How it chooses among them.
    pub kind: RoutePlannerKind,
}

/// How a [`RoutePlanner`] chooses. Indexes are texts: they reach 2^128.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoutePlannerKind {
    /// Changes the address when one is blocked.
    RotatingIp {
        /// How often it changed.
        rotate_index: String,
        /// Which address is in use.
        ip_index: String,
        /// The address in use.
        current_address: String,
    },
    /// Changes the address all the time.
    NanoIp {
        /// Which address is in use.
        current_address_index: String,
    },
    /// Changes the address all the time and the block when one is blocked.
    RotatingNanoIp {
        /// Which /64 block is in use.
        block_index: String,
        /// Which of its addresses is in use.
        current_address_index: String,
    },
    /// Takes addresses by chance.
    BalancingIp,
    /// A kind that the core does not know.
    Unknown {
        /// Its class.
        class: Box<str>,
        /// All that is told of it.
        details: RawJson,
    },
}

/// A block of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct IpBlock {
    /// `Inet4Address` or `Inet6Address`.
    #[serde(rename = "type", deserialize_with = "lenient::or_default")]
    pub kind: String,
    /// How many addresses, up to 2^128.
    #[serde(deserialize_with = "lenient::or_default")]
    pub size: String,
}

/// An address that was blocked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct FailingAddress {
    /// The address, such as `/1.2.3.4`.
    #[serde(deserialize_with = "lenient::or_default")]
    pub failing_address: String,
    /// When, in milliseconds since 1970.
    #[serde(deserialize_with = "lenient::i64_or_zero")]
    pub failing_timestamp: i64,
    /// When, for people.
    #[serde(deserialize_with = "lenient::or_default")]
    pub failing_time: String,
}

impl RoutePlanner {
    /// The name of its class, as the server tells it, such as `NanoIpRoutePlanner`.
    pub fn class(&self) -> &str {
        match &self.kind {
            RoutePlannerKind::RotatingIp { .. } => ROTATING_IP,
            RoutePlannerKind::NanoIp { .. } => NANO_IP,
            RoutePlannerKind::RotatingNanoIp { .. } => ROTATING_NANO_IP,
            RoutePlannerKind::BalancingIp => BALANCING_IP,
            RoutePlannerKind::Unknown { class, .. } => class,
        }
    }

    /// Reads an answer; none if it names no class: the planner is off.
    pub fn decode(text: &str) -> Result<Option<Self>, DecodeError> {
        let status: Status<'_> = decode(text, "route planner")?;
        let Some(class) = status.class else {
            return Ok(None);
        };
        let details = status.details.map_or("{}", RawValue::get);
        let keys: Details = decode(details, "details of the route planner")?;
        let kind = match &*class {
            ROTATING_IP => RoutePlannerKind::RotatingIp {
                rotate_index: keys.rotate_index,
                ip_index: keys.ip_index,
                current_address: keys.current_address,
            },
            NANO_IP => RoutePlannerKind::NanoIp {
                current_address_index: keys.current_address_index,
            },
            ROTATING_NANO_IP => RoutePlannerKind::RotatingNanoIp {
                block_index: keys.block_index,
                current_address_index: keys.current_address_index,
            },
            BALANCING_IP => RoutePlannerKind::BalancingIp,
            _ => RoutePlannerKind::Unknown {
                class,
                details: RawJson::parse(details)?,
            },
        };
        let (ip_block, failing_addresses) = (keys.ip_block, keys.failing_addresses);
        Ok(Some(Self {
            ip_block,
            failing_addresses,
            kind,
        }))
    }
}

#[derive(Deserialize)]
struct Status<'a> {
    #[serde(default)]
    class: Option<Box<str>>,
    #[serde(borrow, default)]
    details: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    #[serde(deserialize_with = "lenient::or_default")]
    ip_block: IpBlock,
    #[serde(deserialize_with = "lenient::or_default")]
    failing_addresses: Vec<FailingAddress>,
    #[serde(deserialize_with = "lenient::or_default")]
    rotate_index: String,
    #[serde(deserialize_with = "lenient::or_default")]
    ip_index: String,
    #[serde(deserialize_with = "lenient::or_default")]
    current_address: String,
    #[serde(deserialize_with = "lenient::or_default")]
    current_address_index: String,
    #[serde(deserialize_with = "lenient::or_default")]
    block_index: String,
}

const ROTATING_IP: &str = "RotatingIpRoutePlanner";
const NANO_IP: &str = "NanoIpRoutePlanner";
const ROTATING_NANO_IP: &str = "RotatingNanoIpRoutePlanner";
const BALANCING_IP: &str = "BalancingIpRoutePlanner";

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: &str = r#""ipBlock":{"type":"Inet6Address","size":"340282366920938463463"},
        "failingAddresses":[{"failingAddress":"/1.0.0.0","failingTimestamp":1573520707545,
        "failingTime":"Mon Nov 11"}]"#;

    fn status(class: &str, keys: &str) -> RoutePlanner {
        let text = format!(r#"{{"details":{{{COMMON}{keys}}},"class":"{class}"}}"#);
        RoutePlanner::decode(&text).unwrap().unwrap()
    }

    fn planner(kind: RoutePlannerKind) -> RoutePlanner {
        let ip_block = IpBlock {
            kind: "Inet6Address".into(),
            size: "340282366920938463463".into(),
        };
        let failing_addresses = vec![FailingAddress {
            failing_address: "/1.0.0.0".into(),
            failing_timestamp: 1_573_520_707_545,
            failing_time: "Mon Nov 11".into(),
        }];
        RoutePlanner {
            ip_block,
            failing_addresses,
            kind,
        }
    }

    #[test]
    fn each_kind_has_its_own_numbers() {
        let keys = r#","rotateIndex":"1","ipIndex":"2","currentAddress":"/1.2.3.4""#;
        let rotating = RoutePlannerKind::RotatingIp {
            rotate_index: "1".into(),
            ip_index: "2".into(),
            current_address: "/1.2.3.4".into(),
        };
        assert_eq!(status("RotatingIpRoutePlanner", keys), planner(rotating));

        let keys = r#","currentAddressIndex":"36792023813""#;
        let nano = RoutePlannerKind::NanoIp {
            current_address_index: "36792023813".into(),
        };
        assert_eq!(status("NanoIpRoutePlanner", keys), planner(nano));

        let keys = r#","blockIndex":"0","currentAddressIndex":"5""#;
        let both = RoutePlannerKind::RotatingNanoIp {
            block_index: "0".into(),
            current_address_index: "5".into(),
        };
        assert_eq!(status("RotatingNanoIpRoutePlanner", keys), planner(both));
        let balancing = planner(RoutePlannerKind::BalancingIp);
        assert_eq!(status("BalancingIpRoutePlanner", ""), balancing);
    }

    #[test]
    fn an_unknown_kind_keeps_its_details() {
        let RoutePlannerKind::Unknown { class, details } = status("Lucky", r#","x":1"#).kind else {
            panic!("a known kind");
        };
        assert_eq!(&*class, "Lucky");
        assert_eq!(details.get(), format!(r#"{{{COMMON},"x":1}}"#));
    }

    #[test]
    fn no_class_is_no_planner() {
        for text in ["{}", r#"{"class":null,"details":null}"#] {
            assert_eq!(RoutePlanner::decode(text), Ok(None));
        }
    }
}
