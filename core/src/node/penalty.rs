//! The penalty of a node: what it costs to give it one player more.

use std::time::Duration;

use crate::protocol::Stats;

/// The penalty of a node that is not connected (Voltricx: Penalty Formula).
pub const UNAVAILABLE: f64 = 9e30;

/// Which terms a penalty has.
///
/// The default has all of them, with a negative deficit counted as none and the load held
/// between 0 and 1; [`classic`](PenaltyWeights::classic) is the formula of the guides to the
/// letter.
///
/// ```
/// use lavapool_core::node::PenaltyWeights;
/// use lavapool_core::protocol::Stats;
///
/// let mut stats = Stats::default();
/// stats.cpu.system_load = 0.5;
/// stats.playing_players = 10;
/// let penalty = PenaltyWeights::default().of(&stats, None);
/// assert!((penalty - (1.05_f64.powf(50.0) * 10.0 - 10.0 + 15.0)).abs() < 1e-9);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "recording", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PenaltyWeights {
    /// The weight of the CPU's load. Default 1.
    #[cfg_attr(feature = "recording", serde(with = "crate::recording::exact"))]
    pub cpu: f64,
    /// The weight of frames that were missing. Default 1.
    #[cfg_attr(feature = "recording", serde(with = "crate::recording::exact"))]
    pub deficit: f64,
    /// The weight of frames that were empty, beside the factor 2 of the formula. Default 1.
    #[cfg_attr(feature = "recording", serde(with = "crate::recording::exact"))]
    pub nulled: f64,
    /// The weight of playing players, beside the factor 1.5 of the formula. Default 1.
    #[cfg_attr(feature = "recording", serde(with = "crate::recording::exact"))]
    pub players: f64,
    /// The weight of memory pressure. Default 1; 0 in the classic formula.
    #[cfg_attr(feature = "recording", serde(with = "crate::recording::exact"))]
    pub memory: f64,
    /// The weight of latency. Default 1; 0 in the classic formula.
    #[cfg_attr(feature = "recording", serde(with = "crate::recording::exact"))]
    pub latency: f64,
    /// Whether a negative deficit counts as none and the load is held between 0 and 1.
    pub clamped: bool,
}

impl Default for PenaltyWeights {
    fn default() -> Self {
        Self {
            cpu: 1.0,
            deficit: 1.0,
            nulled: 1.0,
            players: 1.0,
            memory: 1.0,
            latency: 1.0,
            clamped: true,
        }
    }
}

impl PenaltyWeights {
    /// The four terms of the guides, unclamped: CPU, deficit, nulled, players.
    pub fn classic() -> Self {
        Self {
            memory: 0.0,
            latency: 0.0,
            clamped: false,
            ..Self::default()
        }
    }

    /// The penalty of a connected node.
    pub fn of(&self, stats: &Stats, latency: Option<Duration>) -> f64 {
        self.load(stats, latency) + self.playing(stats.playing_players as f64)
    }

    /// The terms that do not depend on the number of players.
    pub fn load(&self, stats: &Stats, latency: Option<Duration>) -> f64 {
        let mut load = stats.cpu.system_load;
        if self.clamped {
            load = if load.is_finite() {
                load.clamp(0.0, 1.0)
            } else {
                1.0
            };
        }
        let cpu = 1.05_f64.powf(100.0 * load) * 10.0 - 10.0;
        let (deficit, nulled) = stats.frame_stats.map_or((0.0, 0.0), |frames| {
            (
                self.frames(frames.deficit as f64),
                self.frames(frames.nulled as f64) * 2.0,
            )
        });
        let sum = self.cpu * cpu + self.deficit * deficit + self.nulled * nulled;
        sum + self.memory * memory(stats) + self.latency * latency.map_or(0.0, millis) / 10.0
    }

    /// The term for this many playing players.
    pub fn playing(&self, players: f64) -> f64 {
        self.players * players * 1.5
    }

    /// What missing or empty frames cost, of about 3000 a minute.
    fn frames(&self, frames: f64) -> f64 {
        let frames = if self.clamped {
            frames.max(0.0)
        } else {
            frames
        };
        1.03_f64.powf(500.0 * frames / 3000.0) * 300.0 - 300.0
    }
}

/// Nothing up to 96 percent of what the node may reserve, then steep (mafic).
fn memory(stats: &Stats) -> f64 {
    let reservable = stats.memory.reservable as f64;
    if reservable <= 0.0 {
        return 0.0;
    }
    let percent = 100.0 * stats.memory.used as f64 / reservable;
    10_f64.powf(percent.min(200.0) - 96.0).max(1.0) - 1.0
}

fn millis(latency: Duration) -> f64 {
    latency.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::FrameStats;

    fn stats(load: f64, playing: u32, frames: Option<(i32, i32)>) -> Stats {
        let mut stats = Stats::default();
        stats.cpu.system_load = load;
        stats.playing_players = playing;
        stats.frame_stats = frames.map(|(nulled, deficit)| FrameStats {
            nulled,
            deficit,
            ..FrameStats::default()
        });
        stats
    }

    #[test]
    fn the_classic_penalty_is_the_sum_of_the_guides_four_terms() {
        // Worked out by hand from the table of the guide.
        let table = [
            (stats(0.0, 0, None), 0.0),
            (stats(0.0, 10, None), 15.0),
            (stats(0.1, 0, None), 6.288_946_267_774_406),
            (stats(1.0, 0, None), 1_305.012_578_463_04),
            (stats(0.0, 0, Some((0, 60))), 103.174_913_803_236_68),
            (stats(0.0, 0, Some((60, 0))), 206.349_827_606_473_35),
        ];
        for (stats, penalty) in table {
            let ours = PenaltyWeights::classic().of(&stats, None);
            assert!((ours - penalty).abs() < 1e-9, "{ours} is not {penalty}");
        }
    }

    #[test]
    fn a_negative_deficit_is_no_bonus_unless_the_classic_formula_is_asked_for() {
        let stats = stats(0.0, 0, Some((0, -60)));
        assert_eq!(PenaltyWeights::default().of(&stats, None).to_bits(), 0);
        assert!(PenaltyWeights::classic().of(&stats, None) < 0.0);
    }

    #[test]
    fn a_load_average_counts_as_full_load() {
        let weights = PenaltyWeights::default();
        let full = weights.of(&stats(1.0, 0, None), None);
        assert_eq!(
            weights.of(&stats(17.5, 0, None), None).to_bits(),
            full.to_bits()
        );
    }

    #[test]
    fn memory_weighs_once_it_is_nearly_used_up_and_latency_a_little() {
        let mut stats = stats(0.0, 0, None);
        stats.memory.reservable = 1_000;
        stats.memory.used = 950;
        let weights = PenaltyWeights::default();
        assert_eq!(weights.of(&stats, None).to_bits(), 0);
        stats.memory.used = 980;
        assert!((weights.of(&stats, None) - 99.0).abs() < 1e-9);
        let latency = Some(Duration::from_millis(50));
        assert!((weights.of(&stats, latency) - 104.0).abs() < 1e-9);
    }
}
