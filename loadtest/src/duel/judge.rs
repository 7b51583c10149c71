//! What the costs of a duel mean: pure.

use crate::number::{real, real_len};

/// Rounds of a duel that is judged, at least.
pub const ROUNDS: usize = 40;
/// The most that the host may have stolen of the cores, as a share of the time.
pub const STOLEN: f64 = 0.3;

/// The median; `None` of nothing.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(upper, *values.get((values.len() / 2).checked_sub(1)?)?))
}

/// In which order servers get their slices in a round: each round begins with the next of them.
pub fn order(round: usize, servers: usize) -> impl Iterator<Item = usize> {
    (0..servers).map(move |index| (index + round) % servers)
}

/// Of one duel: the cost of a publish by round and server, in nanoseconds.
pub type Duel = Vec<Vec<f64>>;

/// The median over the duels of the median over the rounds of what `of_round` makes of the costs of a round.
fn medians(duels: &[Duel], of_round: impl Fn(&[f64]) -> Option<f64>) -> Option<f64> {
    median(duels.iter().filter_map(|duel| median(duel.iter().filter_map(|round| of_round(round)))))
}

/// The cost of a server, in nanoseconds.
#[must_use]
pub fn cost(duels: &[Duel], server: usize) -> Option<f64> {
    medians(duels, |round| round.get(server).copied())
}

/// The cost of a server divided by that of another in the same round.
#[must_use]
pub fn ratio(duels: &[Duel], server: usize, by: usize) -> Option<f64> {
    medians(duels, |round| {
        let (own, other) = (*round.get(server)?, *round.get(by)?);
        (other > 0.0).then(|| own / other)
    })
}

/// The ratio of each duel alone: how much they differ.
#[must_use]
pub fn by_duel(duels: &[Duel], server: usize, by: usize) -> Vec<f64> {
    duels.iter().filter_map(|duel| ratio(std::slice::from_ref(duel), server, by)).collect()
}

/// Why the figures of a measurement say nothing; empty: they count.
#[must_use]
pub fn objections(rounds: Option<usize>, stolen: Option<f64>, lost: u64) -> Vec<String> {
    let mut objections = Vec::new();
    if let Some(rounds) = rounds.filter(|rounds| *rounds < ROUNDS) {
        objections.push(format!("{rounds} rounds are too few: {ROUNDS} are needed"));
    }
    match stolen {
        None => objections.push("it is not known how much time the host stole".to_owned()),
        Some(stolen) if stolen > STOLEN => {
            objections.push(format!(
                "the host stole {:.0} % of the time, more than {:.0} %",
                stolen * 1e2,
                STOLEN * 1e2
            ));
        }
        Some(_) => {}
    }
    if lost > 0 {
        objections.push(format!("{lost} deliveries did not come"));
    }
    objections
}

/// The part of `all` that `some` is; 0 of nothing.
#[must_use]
pub fn share(some: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { real(some) / real(all) }
}

/// `total` for each of so many; `None` of none.
#[must_use]
pub fn each(total: u64, count: usize) -> Option<f64> {
    (count > 0).then(|| real(total) / real_len(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, f64::NAN, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }

    #[test]
    fn every_server_has_one_slice_in_a_round_and_is_first_as_often_as_others() {
        let rounds: Vec<Vec<usize>> = (0..4).map(|round| order(round, 3).collect()).collect();
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
        assert_eq!(order(5, 0).count(), 0);
    }

    #[test]
    fn ratios_are_of_one_round_so_a_slow_round_does_not_move_them() {
        // The whole machine is ten times slower in one round.
        let duel = vec![vec![10.0, 20.0], vec![100.0, 200.0], vec![11.0, 22.0]];
        assert_eq!(ratio(std::slice::from_ref(&duel), 1, 0), Some(2.0));
        assert_eq!(cost(std::slice::from_ref(&duel), 0), Some(11.0));
        let other = vec![vec![10.0, 30.0]];
        let third = vec![vec![10.0, 50.0], vec![0.0, 1.0]];
        let duels = [duel, other, third];
        assert_eq!(ratio(&duels, 1, 0), Some(3.0), "the median of 2, 3 and 5");
        assert_eq!(by_duel(&duels, 1, 0), [2.0, 3.0, 5.0]);
        assert_eq!((ratio(&duels, 2, 0), ratio(&[], 0, 0)), (None, None));
    }

    #[test]
    fn a_disturbed_short_or_incomplete_measurement_is_not_judged() {
        assert!(objections(Some(40), Some(0.3), 0).is_empty());
        assert!(objections(None, Some(0.0), 0).is_empty());
        let all = objections(Some(2), Some(0.31), 5);
        assert_eq!(all.len(), 3);
        assert!(all[0].contains("40 are needed") && all[1].contains("31 %") && all[2].contains('5'), "{all:?}");
        assert_eq!(objections(Some(40), None, 0).len(), 1);
        assert_eq!((share(1, 4), share(1, 0), each(6, 3), each(6, 0)), (0.25, 0.0, Some(2.0), None));
    }
}
