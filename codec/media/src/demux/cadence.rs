//! The frame rate behind a list of times that a container has rounded: 33, 33, 34 milliseconds are 30 a second,
//! 33, 34, 33, 33, 34 may be 30000/1001.

use wire::presentation::Ratio;

/// What a list of presentation times turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cadence {
    /// Pictures a second: exact when `on_grid`, else the mean.
    pub rate: Ratio,
    /// Every time lies on the grid of `rate`, within the precision.
    pub on_grid: bool,
    /// No place of the grid is empty.
    pub gapless: bool,
}

/// Rates in use, besides all whole numbers.
const USUAL: [(u32, u32); 9] = [
    (24_000, 1001),
    (30_000, 1001),
    (60_000, 1001),
    (120_000, 1001),
    (48_000, 1001),
    (15_000, 1001),
    (25, 2),
    (15, 2),
    (5, 2),
];

/// Finds the rate of `times` (ascending, in ticks of `timescale`), which were rounded to multiples of `precision` ticks.
/// `None` for fewer than two different times.
pub(crate) fn recognise(times: &[i64], timescale: u32, precision: u64, hint: Option<Ratio>) -> Option<Cadence> {
    let (first, last) = (*times.first()?, *times.last()?);
    let span = u64::try_from(last.checked_sub(first)?).ok().filter(|span| *span > 0)?;
    let nominal = nominal_period(times)?;
    let rate = f64::from(timescale) / nominal;
    let tolerance = (precision as f64 / span as f64).max(2e-4) * 1.5;
    let near = |candidate: &Ratio| (value(*candidate) / rate - 1.0).abs() <= tolerance;
    let whole = Ratio { num: rate.round().clamp(1.0, 1000.0) as u32, den: 1 };
    let exact = reduce(u64::from(timescale), nominal.round() as u64);
    let usual = USUAL.iter().map(|&(num, den)| Ratio { num, den });
    let candidates = hint.into_iter().chain([whole]).chain(usual).chain(exact);
    let fits = candidates.filter(near).filter_map(|candidate| {
        let (off, gapless) = fit(times, timescale, candidate)?;
        (off <= precision as f64 * 1.02 + 1e-6).then_some((off, gapless, candidate))
    });
    // The first of equals wins: the container's own word, then a whole number.
    let best = fits.reduce(|best, next| if next.0 + 1e-9 < best.0 { next } else { best });
    if let Some((_, gapless, rate)) = best {
        return Some(Cadence { rate, on_grid: true, gapless });
    }
    let mean = (times.len() - 1) as f64 * f64::from(timescale) / span as f64;
    let usual = [Ratio { num: mean.round().clamp(1.0, 1000.0) as u32, den: 1 }]
        .into_iter()
        .chain(USUAL.iter().map(|&(num, den)| Ratio { num, den }))
        .find(|candidate| (value(*candidate) / mean - 1.0).abs() < 2e-4);
    let thousandths = (mean * 1000.0).round().clamp(1.0, 1e6) as u64;
    let rate = usual.or_else(|| reduce(thousandths, 1000))?;
    Some(Cadence { rate, on_grid: false, gapless: false })
}

/// Place of `time` on the grid that starts at `start`.
pub(crate) fn place(time: i64, start: i64, timescale: u32, rate: Ratio) -> i64 {
    let per_tick = i128::from(rate.num);
    let ticks = i128::from(timescale) * i128::from(rate.den);
    ((i128::from(time) - i128::from(start)) * per_tick + ticks / 2).div_euclid(ticks) as i64
}

/// A fraction in lowest terms, if it fits.
pub(crate) fn reduce(num: u64, den: u64) -> Option<Ratio> {
    let (mut a, mut b) = (num, den);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    let gcd = a.max(1);
    let ratio = Ratio { num: u32::try_from(num / gcd).ok()?, den: u32::try_from(den / gcd).ok()? };
    (ratio.num > 0 && ratio.den > 0).then_some(ratio)
}

fn value(ratio: Ratio) -> f64 {
    f64::from(ratio.num) / f64::from(ratio.den)
}

/// Mean distance of neighbours, without gaps: distances far above the median are left out.
fn nominal_period(times: &[i64]) -> Option<f64> {
    let mut distances: Vec<u64> = times.windows(2).map(|pair| pair[0].abs_diff(pair[1])).filter(|d| *d > 0).collect();
    if distances.is_empty() {
        return None;
    }
    let middle = distances.len() / 2;
    let median = *distances.select_nth_unstable(middle).1;
    let usual = distances.iter().filter(|distance| **distance <= median + median / 2);
    let (sum, count) = usual.fold((0.0, 0.0), |(sum, count), distance| (sum + *distance as f64, count + 1.0));
    Some(sum / count)
}

/// Largest distance of a time from its place on the grid in ticks, and whether all places are taken. `None` when two
/// times share a place.
fn fit(times: &[i64], timescale: u32, rate: Ratio) -> Option<(f64, bool)> {
    let start = *times.first()?;
    let period = f64::from(timescale) / value(rate);
    let (mut off, mut gapless, mut before) = (0.0_f64, true, -1);
    for &time in times {
        let place = place(time, start, timescale, rate);
        if place <= before {
            return None;
        }
        gapless &= place == before + 1;
        before = place;
        off = off.max(((time - start) as f64 - place as f64 * period).abs());
    }
    Some((off, gapless))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(num: u64, den: u64, timescale: u64, frames: u64) -> Vec<i64> {
        (0..frames).map(|i| ((i * den * timescale + num / 2) / num) as i64).collect()
    }

    fn check(times: &[i64], timescale: u32, expected: (u32, u32, bool, bool)) {
        let found = recognise(times, timescale, 1, None).expect("two times");
        assert_eq!((found.rate.num, found.rate.den, found.on_grid, found.gapless), expected);
    }

    #[test]
    fn usual_rates_survive_rounding_to_milliseconds() {
        for (num, den) in [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (60_000, 1001), (60, 1), (25, 2)]
        {
            check(&rounded(num, den, 1000, 300), 1000, (num as u32, den as u32, true, true));
        }
    }

    #[test]
    fn exact_times_give_the_exact_rate() {
        check(&rounded(30_000, 1001, 30_000, 30), 30_000, (30_000, 1001, true, true));
        check(&[0, 512, 1024, 1536], 12_800, (25, 1, true, true));
        check(&[0, 7, 14, 21], 90, (90, 7, true, true));
    }

    #[test]
    fn a_gap_leaves_the_rest_on_the_grid() {
        check(&[0, 40, 80, 200, 240], 1000, (25, 1, true, false));
    }

    #[test]
    fn varying_times_have_a_mean() {
        let found = recognise(&[0, 10, 55, 61, 130, 133, 200], 1000, 1, None).expect("times");
        assert_eq!((found.rate, found.on_grid), (Ratio { num: 30, den: 1 }, false));
    }

    #[test]
    fn one_time_has_no_rate() {
        assert_eq!(recognise(&[5], 1000, 1, None), None);
        assert_eq!(recognise(&[5, 5], 1000, 1, None), None);
    }
}
