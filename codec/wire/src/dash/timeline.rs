//! `SegmentTemplate` with its `SegmentTimeline` (ISO/IEC 23009-1 sections 5.3.9.4 and 5.3.9.6).

use super::xml::Xml;
use crate::presentation::Track;

/// Writes the template; equal durations in a row become one `S` with `@r`, and `@t` stands only where time jumps.
pub(super) fn put_template(xml: &mut Xml, track: &Track) {
    xml.open("SegmentTemplate")
        .attr("timescale", track.timescale)
        .attr("initialization", "$RepresentationID$/init.mp4")
        .attr("media", "$RepresentationID$/$Number$.m4s")
        .attr("startNumber", 0);
    xml.open("SegmentTimeline");
    let mut segments = track.segments.iter().peekable();
    let mut at = None;
    while let Some(first) = segments.next() {
        let (mut end, mut repeats) = (first.end(), 0u64);
        while let Some(next) = segments.next_if(|s| s.start == end && s.duration == first.duration) {
            (end, repeats) = (next.end(), repeats + 1);
        }
        xml.open("S");
        if at != Some(first.start) {
            xml.attr("t", first.start);
        }
        xml.attr("d", first.duration);
        if repeats > 0 {
            xml.attr("r", repeats);
        }
        xml.close();
        at = Some(end);
    }
    xml.close().close();
}

/// Can both tracks share one `SegmentTemplate`?
pub(super) fn same_timeline(a: &Track, b: &Track) -> bool {
    let times = |track: &Track| track.segments.iter().map(|s| (s.start, s.duration)).collect::<Vec<_>>();
    a.timescale == b.timescale && times(a) == times(b)
}

/// Do all tracks have their cuts at the same times (`@segmentAlignment`)? Compared exactly, whatever their timescales.
pub(super) fn aligned(set: &[&Track]) -> bool {
    let first = set[0];
    let same_instant = |a: u64, b: u64, other: &Track| {
        u128::from(a) * u128::from(other.timescale) == u128::from(b) * u128::from(first.timescale)
    };
    set[1..].iter().all(|track| {
        track.segments.len() == first.segments.len()
            && first.segments.iter().zip(&track.segments).all(|(a, b)| same_instant(a.start, b.start, track))
    })
}
