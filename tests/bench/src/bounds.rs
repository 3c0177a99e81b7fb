//! [`Bound`]: what must hold, and whether it did.

use serde::Serialize;

use crate::clients::{Memory, What, Who};
use crate::idleness::Taken;
use crate::results::{Part, Ratio, Results};

/// Something that must hold, and whether it did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Bound {
    pub(crate) what: String,
    pub(crate) measured: f64,
    pub(crate) limit: Limit,
    pub(crate) unit: Unit,
    pub(crate) verdict: Verdict,
    /// Whether what it says does not depend on what else the machine does.
    pub(crate) is_firm: bool,
}

/// Whether a bound is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// It is a bound of an idle machine, and this was none.
    NotJudged,
}

/// On which side of it a figure must be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Times,
    Count,
    Milliseconds,
    Bytes,
    Mebibytes,
}

impl Bound {
    fn new(what: impl Into<String>, measured: f64, limit: Limit, unit: Unit) -> Self {
        Self {
            what: what.into(),
            measured,
            limit,
            unit,
            verdict: if limit.admits(measured) {
                Verdict::Met
            } else {
                Verdict::Missed
            },
            is_firm: false,
        }
    }

    pub(crate) fn is_missed(&self) -> bool {
        self.verdict == Verdict::Missed
    }

    /// A miss of this is one only where nothing else took the processors.
    fn where_idle(self, taken: Taken) -> Self {
        let verdict = match self.verdict {
            Verdict::Missed if !taken.is_idle() => Verdict::NotJudged,
            verdict => verdict,
        };
        Self { verdict, ..self }
    }

    /// A breach of this is one on any machine.
    fn firm(self) -> Self {
        Self {
            is_firm: true,
            ..self
        }
    }
}

impl Limit {
    /// What could not be measured is not within it.
    fn admits(self, measured: f64) -> bool {
        match self {
            Self::AtLeast(min) => measured >= min,
            Self::AtMost(max) => measured <= max,
        }
    }
}

/// Those of what was measured.
pub(crate) fn bounds(results: &Results) -> Vec<Bound> {
    let mut bounds = messages(results);
    bounds.extend(requests(results));
    bounds.extend(failovers(results));
    bounds.extend(results.memory.iter().filter_map(memory));
    bounds.extend(load_and_build(results));
    bounds
}

use Limit::{AtLeast, AtMost};

fn messages(results: &Results) -> Vec<Bound> {
    use Part::{Burst, Steady};
    use Who::{AsyncStd, LavalinkRs, Smol, Tokio, Twilight};
    let beside = |part, who, other, figure: Figure, limit| {
        let ratio = results.ratio(part, who, other)?;
        Some(figure.bound(&ratio, limit))
    };
    let mut bounds = vec![
        lost(results, Burst),
        lost(results, Steady),
        beside(Burst, Tokio, Twilight, Figure::Speed, AtLeast(2.0)),
        beside(Burst, Tokio, LavalinkRs, Figure::Speed, AtLeast(8.0)),
        beside(Burst, Tokio, Twilight, Figure::Cpu, AtMost(0.5)),
        beside(Steady, Tokio, Twilight, Figure::Cpu, AtMost(0.85)),
    ];
    for who in [Smol, AsyncStd] {
        bounds.push(beside(Burst, who, Tokio, Figure::Speed, AtLeast(0.75)));
        bounds.push(beside(Burst, who, Tokio, Figure::Cpu, AtMost(1.25)));
    }
    bounds.into_iter().flatten().collect()
}

/// Messages that did not reach the application, of whoever.
fn lost(results: &Results, part: Part) -> Option<Bound> {
    let figures: Vec<_> = results
        .clients
        .values()
        .filter_map(|parts| parts.get(&part))
        .collect();
    let samples = figures.iter().flat_map(|figures| &figures.samples);
    let lost: u64 = samples.map(|sample| sample.lost).sum();
    let what = format!("{}: messages lost, by anybody", part.name());
    let bound = Bound::new(what, lost as f64, AtMost(0.0), Unit::Count).firm();
    (!figures.is_empty()).then_some(bound)
}

fn requests(results: &Results) -> Vec<Bound> {
    use Part::{Playlist, RestAlone, RestAtOnce};
    use Who::{ByHand, LavalinkRs, Tokio};
    let mut bounds = Vec::new();
    for part in [RestAlone, RestAtOnce] {
        if let Some(ratio) = results.ratio(part, Tokio, LavalinkRs) {
            bounds.push(Figure::Cpu.bound(&ratio, AtMost(0.5)));
            bounds.push(Figure::Speed.bound(&ratio, AtLeast(1.0)));
        }
    }
    // The loop by hand does the HTTP of it too, and decodes with what serde derives.
    if let Some(ratio) = results.ratio(Playlist, Tokio, ByHand) {
        bounds.push(Figure::Cpu.bound(&ratio, AtMost(1.2)));
    }
    bounds
}

fn failovers(results: &Results) -> Vec<Bound> {
    let mut bounds = Vec::new();
    for failover in &results.failover {
        let (players, delay_ms) = (failover.players, failover.delay_ms);
        let what = match delay_ms {
            0 => format!("failover of {players} players"),
            _ => format!("failover of {players} players, {delay_ms} ms an answer"),
        };
        let ms_max = match (players, delay_ms) {
            (_, 1..) => 500.0,
            (0..=1_000, 0) => 150.0,
            (_, 0) => 1_500.0,
        };
        let ms = failover.lasted_ms();
        let bound = |what: &str, measured, max, unit| Bound::new(what, measured, AtMost(max), unit);
        bounds.push(bound(&what, ms, ms_max, Unit::Milliseconds));
        let most = failover.patches_max as f64;
        let patches = format!("{what}: PATCHes each, at most");
        bounds.push(bound(&patches, most, 1.0, Unit::Count).firm());
        if delay_ms > 0 {
            let at_once = failover.in_flight_max as f64;
            let what = format!("{what}: in flight");
            bounds.push(bound(&what, at_once, 16.0, Unit::Count).firm());
        }
    }
    let of = |players| {
        let mut at_once = results.failover.iter().filter(|one| one.delay_ms == 0);
        at_once.find(|one| one.players == players)
    };
    if let (Some(few), Some(many)) = (of(1_000), of(10_000)) {
        let what = "failover of 10 000 players, beside one of 1 000";
        let measured = many.lasted_ms() / few.lasted_ms();
        bounds.push(Bound::new(what, measured, AtMost(12.0), Unit::Times));
    }
    bounds
}

fn memory(memory: &Memory) -> Option<Bound> {
    let max = match memory.what {
        What::Bare => return None,
        What::Idle => 600.0,
        What::Playing => 2_048.0,
        What::Nodes => 32.0 * 1_024.0,
    };
    let what = format!("memory of {}, each", memory.what.name());
    Some(Bound::new(
        what,
        memory.live_bytes,
        AtMost(max),
        Unit::Bytes,
    ))
}

fn load_and_build(results: &Results) -> Vec<Bound> {
    let mut bounds = Vec::new();
    if let Some(load) = &results.load {
        let lost = Bound::new(
            "load: messages lost",
            load.lost as f64,
            AtMost(0.0),
            Unit::Count,
        );
        bounds.push(lost.firm());
        let what = "load: from the socket's read to the event, 99.9 %, where idle";
        let ms = load.late.p999_us / 1e3;
        let late = Bound::new(what, ms, AtMost(1.0), Unit::Milliseconds);
        bounds.push(late.where_idle(load.taken));
    }
    if let Some(build) = &results.build {
        let crates = build.crates as f64;
        let what = "crates of a bot with tokio and TLS";
        bounds.push(Bound::new(what, crates, AtMost(90.0), Unit::Count));
        let mebibytes = build.manual_loop_bytes as f64 / 1_024.0 / 1_024.0;
        let what = "the manual loop, stripped";
        bounds.push(Bound::new(what, mebibytes, AtMost(2.0), Unit::Mebibytes));
    }
    bounds
}

/// Which of two figures is compared.
#[derive(Clone, Copy, Debug)]
enum Figure {
    Speed,
    Cpu,
}

impl Figure {
    fn bound(self, ratio: &Ratio, limit: Limit) -> Bound {
        let (what, measured) = match self {
            Self::Speed => (ratio.part.counts(), ratio.speed),
            Self::Cpu => ("CPU", ratio.cpu),
        };
        let (part, own, other) = (ratio.part.name(), ratio.who.name(), ratio.beside.name());
        let what = format!("{part}: {what}, {own} beside {other}");
        Bound::new(what, measured, limit, Unit::Times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::{Failover, Load};
    use crate::latencies::Percentiles;
    use crate::measure::Sample;

    fn results() -> Results {
        Results::new(1).expect("the machine says what it is")
    }

    fn sample(messages_a_second: u64, lost: u64) -> Sample {
        Sample {
            count: messages_a_second,
            seconds: 1.0,
            cpu_seconds: 1.0,
            lost,
            ..Sample::default()
        }
    }

    fn missed(results: &Results) -> Vec<String> {
        let missed = bounds(results).into_iter().filter(Bound::is_missed);
        missed.map(|bound| bound.what).collect()
    }

    #[test]
    fn only_what_was_measured_is_judged() {
        assert_eq!(bounds(&results()), []);
    }

    #[test]
    fn a_burst_is_judged_beside_its_peers() {
        let mut results = results();
        results.add(Part::Burst, Who::Tokio, sample(1_900, 0));
        results.add(Part::Burst, Who::Twilight, sample(1_000, 0));
        assert_eq!(
            missed(&results),
            [
                "burst: messages/s, lavapool on tokio beside twilight-lavalink 0.18",
                "burst: CPU, lavapool on tokio beside twilight-lavalink 0.18",
            ]
        );
    }

    #[test]
    fn a_lost_message_is_a_breach_on_any_machine() {
        let mut results = results();
        results.add(Part::Steady, Who::Smol, sample(1_000, 1));
        let bounds = bounds(&results);
        let [lost] = &bounds[..] else {
            panic!("{bounds:?}");
        };
        assert!(lost.is_firm && lost.is_missed(), "{lost:?}");
    }

    #[test]
    fn a_bound_of_an_idle_machine_is_not_judged_on_another() {
        let busy = Taken {
            long_percent: 2.0,
            ..Taken::default()
        };
        for (late_us, taken, verdict) in [
            (500.0, busy, Verdict::Met),
            (2_000.0, busy, Verdict::NotJudged),
            (2_000.0, Taken::default(), Verdict::Missed),
        ] {
            let mut results = results();
            results.load = Some(Load {
                nodes: 1,
                players: 1,
                messages: 2,
                lost: 1,
                seconds: 1.0,
                cpu_us_each: 1.0,
                late: Percentiles {
                    p999_us: late_us,
                    ..Percentiles::default()
                },
                resident_mib: 1.0,
                taken,
            });
            let verdicts: Vec<_> = bounds(&results)
                .into_iter()
                .map(|bound| bound.verdict)
                .collect();
            assert_eq!(
                verdicts,
                [Verdict::Missed, verdict],
                "{late_us} us, {taken:?}"
            );
        }
    }

    #[test]
    fn a_second_request_for_a_player_is_a_breach_on_any_machine() {
        let mut results = results();
        results.failover.push(Failover {
            players: 1_000,
            delay_ms: 0,
            ms: 20.0,
            server_ms: 10.0,
            cpu_us_each: 1.0,
            patches: 1_001,
            patches_max: 2,
            in_flight_max: 12,
        });
        let firm = bounds(&results).into_iter().filter(|bound| bound.is_firm);
        let breaches: Vec<_> = firm.filter(Bound::is_missed).collect();
        assert_eq!(breaches.len(), 1, "{breaches:?}");
        assert_eq!(breaches[0].measured, 2.0);
    }
}
