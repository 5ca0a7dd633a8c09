//! The grid: where segments begin and end. Times in microseconds, `0 = g[0] < g[1] < ... < g[n] = end`.

use wire::presentation::Ratio;

/// Nominal length of a segment.
pub const SEGMENT_US: u64 = 4_000_000;
/// Passed-through segments longer than this are subdivided for everybody else.
const SEGMENT_US_MAX: u64 = 2 * SEGMENT_US;
/// A cut that would leave less than this before the end is not made: a request for a few pictures is not worth its head.
const TAIL_US_MIN: u64 = 1_000_000;
/// How much earlier than its cell's cut a picture may be and still belong to the cell. Containers round times to
/// milliseconds or microseconds, FFmpeg rounds again; pictures are at least sixteen times as far apart.
pub const SLACK_US: u64 = 500;

/// Cuts every four seconds, rounded to whole pictures.
pub fn regular(end_us: u64, frame_rate: Ratio) -> Vec<u64> {
    let mut cuts = vec![0];
    divide(&mut cuts, end_us, frame_rate);
    cuts
}

/// Cuts at keyframes only, each at the one nearest to four seconds after the cut before. The first picture counts as shown
/// from zero on, whenever it starts.
pub fn at_keyframes(keyframes_us: &[u64], end_us: u64) -> Vec<u64> {
    let mut cuts = vec![0];
    let mut rest = keyframes_us.get(1..).unwrap_or_default();
    loop {
        let last = cuts[cuts.len() - 1];
        rest = &rest[rest.partition_point(|&time| time <= last)..];
        let ideal = last + SEGMENT_US;
        let after = rest.partition_point(|&time| time < ideal);
        let keyframes = [after.checked_sub(1), Some(after)].into_iter().flatten().filter_map(|index| rest.get(index));
        let cut = keyframes.copied().chain([end_us]).min_by_key(|time| time.abs_diff(ideal)).unwrap_or(end_us);
        if cut + TAIL_US_MIN > end_us {
            break;
        }
        cuts.push(cut);
    }
    cuts.push(end_us);
    cuts
}

/// The same cuts, and regular ones between those that are more than eight seconds apart.
pub fn subdivided(cuts_us: &[u64], frame_rate: Ratio) -> Vec<u64> {
    let mut grid = vec![0];
    for &end in &cuts_us[1..] {
        if end - grid[grid.len() - 1] > SEGMENT_US_MAX {
            divide(&mut grid, end, frame_rate);
        } else {
            grid.push(end);
        }
    }
    grid
}

/// The cell of this time: `None` before the first cut, the last cell after the last one.
pub fn cell_of(grid_us: &[u64], time_us: u64) -> Option<usize> {
    let after = grid_us[..grid_us.len() - 1].partition_point(|&cut| cut <= time_us + SLACK_US);
    after.checked_sub(1)
}

/// Appends cuts after the last one, every four seconds in whole pictures, and `end_us`.
fn divide(grid: &mut Vec<u64>, end_us: u64, Ratio { num, den }: Ratio) {
    let start = grid[grid.len() - 1];
    let picture_us = |count: u64| (u128::from(count) * 1_000_000 * u128::from(den) / u128::from(num)) as u64;
    let num = num.max(1);
    let pictures = (SEGMENT_US * u64::from(num)).div_ceil(u64::from(den) * 1_000_000);
    // Pictures that last longer than a segment: cut by time, the picture is repeated.
    let step = |index: u64| {
        if picture_us(pictures) > SEGMENT_US_MAX { index * SEGMENT_US } else { picture_us(index * pictures) }
    };
    for index in 1.. {
        let cut = start + step(index);
        if cut + TAIL_US_MIN > end_us {
            break;
        }
        grid.push(cut);
    }
    grid.push(end_us);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NTSC: Ratio = Ratio { num: 30_000, den: 1001 };
    const FILM: Ratio = Ratio { num: 25, den: 1 };

    fn s(seconds: &[f64]) -> Vec<u64> {
        seconds.iter().map(|second| (second * 1e6).round() as u64).collect()
    }

    #[test]
    fn a_regular_grid_has_whole_pictures() {
        assert_eq!(regular(12_000_000, FILM), s(&[0., 4., 8., 12.]));
        assert_eq!(regular(12_012_000, NTSC), s(&[0., 4.004, 8.008, 12.012]));
        assert_eq!(regular(40_000, FILM), s(&[0., 0.04]));
    }

    #[test]
    fn no_cut_leaves_a_stump() {
        assert_eq!(regular(12_900_000, FILM), s(&[0., 4., 8., 12.9]));
        assert_eq!(regular(13_000_000, FILM), s(&[0., 4., 8., 12., 13.]));
        assert_eq!(at_keyframes(&s(&[0., 4., 8.]), 8_500_000), s(&[0., 4., 8.5]));
    }

    #[test]
    fn passed_through_segments_end_at_the_keyframe_nearest_to_four_seconds() {
        assert_eq!(at_keyframes(&s(&[0., 2., 4., 6., 8., 10.]), 12_000_000), s(&[0., 4., 8., 12.]));
        assert_eq!(at_keyframes(&s(&[0., 2.5, 5., 7.5, 10.]), 12_000_000), s(&[0., 5., 10., 12.]));
        assert_eq!(at_keyframes(&s(&[0., 3.9, 4.2, 20.]), 30_000_000), s(&[0., 3.9, 4.2, 20., 30.]));
        assert_eq!(at_keyframes(&s(&[0.]), 30_000_000), s(&[0., 30.]));
        assert_eq!(
            at_keyframes(&s(&[1.5, 5.]), 10_000_000),
            s(&[0., 5., 10.]),
            "the first picture is shown from zero on"
        );
    }

    #[test]
    fn sparse_keyframes_are_subdivided_and_their_cuts_kept() {
        let cuts = s(&[0., 10., 14., 30.]);
        let grid = subdivided(&cuts, FILM);
        assert_eq!(grid, s(&[0., 4., 8., 10., 14., 18., 22., 26., 30.]));
        assert!(cuts.iter().all(|cut| grid.contains(cut)));
    }

    #[test]
    fn slow_pictures_do_not_make_long_cells() {
        let slide_show = Ratio { num: 1, den: 30 };
        assert_eq!(regular(20_000_000, slide_show), s(&[0., 4., 8., 12., 16., 20.]));
    }

    #[test]
    fn a_time_rounded_down_still_belongs_to_its_cell() {
        let grid = s(&[0., 4., 8.]);
        assert_eq!(cell_of(&grid, 0), Some(0));
        assert_eq!(cell_of(&grid, 3_999_700), Some(1));
        assert_eq!(cell_of(&grid, 3_966_666), Some(0));
        assert_eq!(cell_of(&grid, 9_000_000), Some(1));
    }
}
