//! Patterns: when something sounds within a bar.

use super::super::number::real;

/// A stroke of a pattern within its bar; start and length as fractions of the bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stroke {
    pub(super) sign: char,
    pub(super) start: f64,
    pub(super) length: f64,
}

/// The strokes of `pattern` over `count` bars; the bars of the pattern are repeated.
pub(super) fn bars(pattern: &str, count: usize) -> impl Iterator<Item = (usize, Stroke)> {
    let own: Vec<&str> = pattern.split('|').collect();
    (0..count)
        .zip(own.into_iter().cycle())
        .flat_map(|(bar, text)| strokes(text).into_iter().map(move |stroke| (bar, stroke)))
        .collect::<Vec<_>>()
        .into_iter()
}

/// The strokes of one bar.
pub(super) fn strokes(bar: &str) -> Vec<Stroke> {
    let signs: Vec<char> = bar.chars().filter(|sign| !sign.is_whitespace()).collect();
    let share = 1.0 / f64::from(real(signs.len().max(1)));
    let mut strokes: Vec<Stroke> = Vec::new();
    let mut held = false;
    for (index, &sign) in signs.iter().enumerate() {
        match sign {
            '-' if held => strokes.last_mut().into_iter().for_each(|stroke| stroke.length += share),
            '.' | '-' => held = false,
            _ => {
                strokes.push(Stroke { sign, start: f64::from(real(index)) * share, length: share });
                held = true;
            }
        }
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_a_bar_has_the_same_length() {
        let stroke = |sign, start, length| Stroke { sign, start, length };
        assert_eq!(strokes("x-.X"), [stroke('x', 0.0, 0.5), stroke('X', 0.75, 0.25)]);
        assert_eq!(strokes("- x .-"), [stroke('x', 0.25, 0.25)]);
        assert_eq!(strokes(""), []);
    }
}
