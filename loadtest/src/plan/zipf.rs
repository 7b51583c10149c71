//! Which user acts next: few act often, many seldom.

use super::random::Random;
use crate::number::real_len;

/// Draws from some of `of` ranks, where rank `r` (from 0) has the weight `1 / (r + 1)^exponent`.
#[derive(Debug, Clone)]
pub struct Zipf {
    /// For each own rank the sum of the weights up to it.
    sums: Vec<f64>,
    share: f64,
}

impl Zipf {
    /// Own are the ranks `own`, of all ranks below `of`.
    #[must_use]
    pub fn new(own: &[usize], of: usize, exponent: f64) -> Self {
        let weight = |rank: usize| (real_len(rank) + 1.0).powf(-exponent);
        let all: f64 = (0..of).map(weight).sum();
        let sums: Vec<f64> = own
            .iter()
            .scan(0.0, |sum, rank| {
                *sum += weight(*rank);
                Some(*sum)
            })
            .collect();
        let share = sums.last().map_or(0.0, |own| own / all);
        Self { sums, share }
    }

    /// The share of the own ranks in all draws, from 0 to 1.
    #[must_use]
    pub const fn share(&self) -> f64 {
        self.share
    }

    /// The place of an own rank, by its weight.
    pub fn draw(&self, random: &mut Random) -> usize {
        let wanted = random.unit() * self.sums.last().copied().unwrap_or(0.0);
        self.sums.partition_point(|sum| *sum <= wanted).min(self.sums.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_is_drawn_twice_as_often_as_the_second() {
        let zipf = Zipf::new(&[0, 1], 2, 1.0);
        let mut random = Random::new(7);
        let firsts = (0..30_000).filter(|_| zipf.draw(&mut random) == 0).count();
        assert!((19_500..20_500).contains(&firsts), "{firsts}");
    }

    #[test]
    fn the_shares_of_all_parts_are_one() {
        let parts = [vec![0, 3, 6], vec![1, 4], vec![2, 5]];
        let sum: f64 = parts.iter().map(|own| Zipf::new(own, 7, 0.8).share()).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        assert!((Zipf::new(&[2], 4, 0.0).share() - 0.25).abs() < 1e-9, "without an exponent all are alike");
        assert_eq!(Zipf::new(&[], 4, 1.0).draw(&mut Random::new(1)), 0);
    }
}
