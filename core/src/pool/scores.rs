//! [`Scores`]: what is kept of each node, so that choosing one is a scan of integers.

use super::strategy::Strategy;
use crate::id::NodeId;
use crate::protocol::Info;
use crate::region::{self, Region, RegionFit, RegionMap};

/// One key a node: its score as an integer that orders as the strategy does, lower being better,
/// and bits for all else that a choice asks. It is made anew when something that goes into it
/// changes.
#[derive(Debug)]
pub(super) struct Scores {
    strategy: Strategy,
    keys: Vec<Key>,
    /// Where the key of a node is, by its slot.
    places: Vec<Option<u32>>,
    /// The labels of the nodes' regions; a key names its own by index.
    labels: Vec<Box<str>>,
    /// The regions of voice servers in the order of their fine labels, and how well each label of
    /// a node fits there.
    fits: Vec<(Region, Vec<u8>)>,
    /// The names of sources that have a bit of their own.
    sources: Vec<Box<str>>,
    turn: u64,
}

/// What is kept of one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) node: NodeId,
    /// For players. The order of configuration is in the low bits.
    pub(super) score: u64,
    /// For lookups.
    pub(super) lookup: u64,
    pub(super) traits: Traits,
    pub(super) label: Option<u32>,
}

/// A node's answers to yes-or-no questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traits(u64);

/// What a choice asks of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) region: Option<&'a Region>,
    pub(super) source: Option<&'a str>,
    pub(super) except: &'a [NodeId],
    /// Whether it is for a lookup, and not for a player.
    pub(super) is_lookup: bool,
}

impl Traits {
    /// It may be given players.
    pub(super) const ELIGIBLE: Self = Self(1 << 63);
    /// It is ready, and has sent no stats.
    pub(super) const BARE: Self = Self(1 << 62);
    /// It has a source that has no bit of its own.
    const OTHER_SOURCE: Self = Self(1 << 61);
    /// It has every source, as far as is known.
    pub(super) const ANY_SOURCE: Self = Self((1 << 62) - 1);
    /// How many sources have a bit of their own.
    const SOURCES_MAX: usize = 61;

    pub(super) const NONE: Self = Self(0);

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn with_if(self, other: Self, is_so: bool) -> Self {
        if is_so { self.with(other) } else { self }
    }

    /// The bits of the sources alone.
    pub(super) const fn sources(self) -> Self {
        Self(self.0 & Self::ANY_SOURCE.0)
    }

    /// All but those.
    pub(super) const fn without_sources(self) -> Self {
        Self(self.0 & !Self::ANY_SOURCE.0)
    }

    const fn has(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }
}

impl Scores {
    pub(super) fn new(strategy: Strategy, regions: &RegionMap) -> Self {
        let regions = regions.regions().cloned().chain([Region::global()]);
        let mut fits: Vec<_> = regions.map(|region| (region, Vec::new())).collect();
        fits.sort_by(|(one, _), (other, _)| one.fine.cmp(&other.fine));
        fits.dedup_by(|(one, _), (other, _)| one.fine == other.fine);
        Self {
            strategy,
            keys: Vec::new(),
            places: Vec::new(),
            labels: Vec::new(),
            fits,
            sources: Vec::new(),
            turn: 0,
        }
    }

    /// The best node: inside the region as closely as it goes, else anywhere; with the source if
    /// there is one, else any: a source may go by another name, and a node that seems to lack it
    /// is better than none.
    pub(super) fn best(&self, wanted: &Wanted<'_>) -> Option<NodeId> {
        let Some(source) = wanted.source else {
            return self.best_with(wanted, Traits::NONE);
        };
        self.best_with(wanted, self.bit_of(source))
            .or_else(|| self.best_with(wanted, Traits::NONE))
    }

    fn best_with(&self, wanted: &Wanted<'_>, traits: Traits) -> Option<NodeId> {
        let score = |key: &Key| {
            if wanted.is_lookup {
                key.lookup
            } else {
                key.score
            }
        };
        let traits = traits.with(Traits::ELIGIBLE);
        match wanted.region.map(|region| (region, self.ranks(region))) {
            None => scan(&self.keys, wanted.except, traits, |_| 0, score),
            Some((_, Some(ranks))) => {
                let fit = |label: u32| ranks.get(label as usize).copied().unwrap_or(0);
                scan(&self.keys, wanted.except, traits, fit, score)
            }
            // Not one of the map's: the application made it.
            Some((region, None)) => {
                let label = |index: u32| self.labels.get(index as usize);
                let fit = |index| label(index).map_or(0, |label| rank(label, region));
                scan(&self.keys, wanted.except, traits, fit, score)
            }
        }
    }

    /// How well each label fits a region of the map.
    fn ranks(&self, region: &Region) -> Option<&[u8]> {
        let fine = |(known, _): &(Region, _)| known.fine.as_ref().cmp(region.fine.as_ref());
        let (known, ranks) = self.fits.get(self.fits.binary_search_by(fine).ok()?)?;
        (known.coarse == region.coarse).then_some(ranks)
    }

    /// How nodes are chosen.
    pub(super) const fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// Whether any node may be chosen.
    pub(super) fn has_any(&self) -> bool {
        let mut keys = self.keys.iter();
        keys.any(|key| key.traits.has(Traits::ELIGIBLE))
    }

    /// The nodes that are judged by the others' loads.
    pub(super) fn bare(&self) -> Vec<NodeId> {
        let keys = self.keys.iter();
        let bare = keys.filter(|key| key.traits.has(Traits::BARE));
        bare.map(|key| key.node).collect()
    }

    /// The number of the next choice, where each node has its turn.
    pub(super) fn next_turn(&mut self) -> Option<u64> {
        let takes_turns = self.strategy == Strategy::RoundRobin;
        self.turn = self.turn.saturating_add(u64::from(takes_turns));
        takes_turns.then_some(self.turn)
    }

    /// The key of a node.
    pub(super) fn get(&self, node: NodeId) -> Option<&Key> {
        let place = (*self.places.get(node.slot as usize)?)?;
        let key = self.keys.get(place as usize)?;
        (key.node == node).then_some(key)
    }

    /// Keeps a node's key in place of the one before.
    pub(super) fn put(&mut self, key: Key) {
        let slot = key.node.slot as usize;
        if self.places.len() <= slot {
            self.places.resize(slot + 1, None);
        }
        let next = u32::try_from(self.keys.len()).expect("Limits bound the nodes below 2^32");
        let Some(place) = self.places.get_mut(slot) else {
            return;
        };
        let place = *place.get_or_insert(next);
        match self.keys.get_mut(place as usize) {
            Some(old) => *old = key,
            None => self.keys.push(key),
        }
    }

    /// The node is gone.
    pub(super) fn remove(&mut self, node: NodeId) {
        if self.get(node).is_none() {
            return;
        }
        let place = self.places.get_mut(node.slot as usize);
        let Some(place) = place.and_then(Option::take) else {
            return;
        };
        self.keys.swap_remove(place as usize);
        if let Some(moved) = self.keys.get(place as usize)
            && let Some(its_place) = self.places.get_mut(moved.node.slot as usize)
        {
            *its_place = Some(place);
        }
    }

    /// The index of a label.
    pub(super) fn label(&mut self, label: &str) -> u32 {
        let known = self.labels.iter().position(|other| **other == *label);
        let index = known.unwrap_or_else(|| {
            for (region, ranks) in &mut self.fits {
                ranks.push(rank(label, region));
            }
            self.labels.push(label.into());
            self.labels.len() - 1
        });
        u32::try_from(index).expect("Limits bound the nodes below 2^32")
    }

    /// The bits of the sources that a node has.
    pub(super) fn sources(&mut self, info: &Info) -> Traits {
        let mut traits = Traits::NONE;
        for name in &info.source_managers {
            let is_new = !self.sources.iter().any(|known| **known == **name);
            if is_new && self.sources.len() < Traits::SOURCES_MAX {
                self.sources.push(name.as_str().into());
            }
            traits = traits.with(self.bit_of(name));
        }
        traits
    }

    fn bit_of(&self, source: &str) -> Traits {
        let index = self.sources.iter().position(|known| **known == *source);
        index.map_or(Traits::OTHER_SOURCE, |index| Traits(1 << index))
    }
}

/// One scan: the closest fit first, then the lowest score.
fn scan(
    keys: &[Key],
    except: &[NodeId],
    traits: Traits,
    fit: impl Fn(u32) -> u8,
    score: impl Fn(&Key) -> u64,
) -> Option<NodeId> {
    let mut best: Option<NodeId> = None;
    let (mut best_fit, mut best_score) = (0, u64::MAX);
    for key in keys {
        if !key.traits.has(traits) {
            continue;
        }
        let (fit, score) = (key.label.map_or(0, &fit), score(key));
        let is_better = fit > best_fit || (fit == best_fit && score < best_score);
        if (is_better || best.is_none()) && !except.contains(&key.node) {
            (best_fit, best_score) = (fit, score);
            best = Some(key.node);
        }
    }
    best
}

/// How well a label fits a region: the greater, the better.
fn rank(label: &str, region: &Region) -> u8 {
    match region::matches(label, region) {
        None => 0,
        Some(RegionFit::Family) => 1,
        Some(RegionFit::Coarse) => 2,
        Some(RegionFit::Fine) => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(slot: u32) -> NodeId {
        NodeId {
            slot,
            generation: 0,
        }
    }

    fn key(slot: u32, score: u64) -> Key {
        Key {
            node: node(slot),
            score,
            lookup: u64::MAX - score,
            traits: Traits::ELIGIBLE.with(Traits::ANY_SOURCE),
            label: None,
        }
    }

    fn scores() -> Scores {
        Scores::new(Strategy::default(), &RegionMap::default())
    }

    fn best(scores: &Scores, source: Option<&str>, except: &[NodeId]) -> Option<NodeId> {
        let wanted = Wanted {
            region: None,
            source,
            except,
            is_lookup: false,
        };
        scores.best(&wanted)
    }

    #[test]
    fn a_removed_node_leaves_the_others_where_they_are_found() {
        let mut scores = scores();
        (0..4).for_each(|slot| scores.put(key(slot, u64::from(slot))));
        scores.remove(node(0));
        scores.remove(node(0));
        scores.put(key(3, 0));
        assert_eq!(best(&scores, None, &[]), Some(node(3)));
        assert_eq!(best(&scores, None, &[node(3)]), Some(node(1)));
        let another = NodeId {
            slot: 3,
            generation: 1,
        };
        scores.remove(another);
        assert!(scores.get(node(3)).is_some() && scores.get(another).is_none());
    }

    #[test]
    fn a_source_beyond_the_bits_is_told_from_those_with_a_bit() {
        let mut scores = scores();
        let names = |names: Vec<String>| Info {
            source_managers: names,
            ..Info::default()
        };
        let many = (0..100).map(|number| format!("source{number}")).collect();
        for (slot, info) in [(0, names(vec!["youtube".to_owned()])), (1, names(many))] {
            let traits = Traits::ELIGIBLE.with(scores.sources(&info));
            let score = u64::from(slot);
            scores.put(Key {
                traits,
                ..key(slot, score)
            });
        }
        let best = |source| best(&scores, Some(source), &[]);
        assert_eq!(best("youtube"), Some(node(0)));
        assert_eq!(
            (best("source3"), best("source99")),
            (Some(node(1)), Some(node(1)))
        );
    }

    #[test]
    fn a_node_of_which_nothing_is_known_has_each_source_and_is_not_judged_by_the_others() {
        let mut scores = scores();
        let many = (0..100).map(|number| format!("source{number}")).collect();
        scores.sources(&Info {
            source_managers: many,
            ..Info::default()
        });
        scores.put(key(0, 0));
        for source in (0..101).map(|number| format!("source{number}")) {
            assert_eq!(best(&scores, Some(&source), &[]), Some(node(0)));
            let bit = scores.bit_of(&source);
            assert!(
                bit != Traits::NONE && Traits::ANY_SOURCE.has(bit),
                "{source}"
            );
        }
        assert_eq!((scores.has_any(), scores.bare()), (true, vec![]));
        scores.put(Key {
            traits: Traits::ANY_SOURCE.with(Traits::BARE),
            ..key(0, 0)
        });
        assert_eq!((scores.has_any(), scores.bare()), (false, vec![node(0)]));
    }
}
