//! The DASH manifest (ISO/IEC 23009-1), static, isoff-live profile: drawn in `docs/formats/dash.md`.

mod timeline;
mod xml;

use crate::bitrate;
use crate::codec_string::family;
use crate::presentation::{Presentation, Ratio, Track, TrackKind};
use crate::storyboard::Storyboard;
use timeline::{aligned, put_template, same_timeline};
use xml::Xml;

/// Longest wait before play that the manifest asks for: one segment of the usual length.
const MIN_BUFFER_US_MAX: u64 = 4_000_000;

/// Writes the manifest: one AdaptationSet a codec and, for sound, a language.
pub fn mpd(presentation: &Presentation) -> String {
    let sets = adaptation_sets(presentation);
    let longest_us = presentation.tracks.iter().map(Track::longest_segment_us).max().unwrap_or(0);
    let mut xml = Xml::new();
    xml.open("MPD").attr("xmlns", "urn:mpeg:dash:schema:mpd:2011");
    if presentation.key_id.is_some() {
        xml.attr("xmlns:cenc", "urn:mpeg:cenc:2013").attr("xmlns:dashif", "https://dashif.org/CPS");
    }
    xml.attr("profiles", "urn:mpeg:dash:profile:isoff-live:2011")
        .attr("type", "static")
        .attr("mediaPresentationDuration", duration(presentation.end_us()))
        .attr("minBufferTime", duration(longest_us.min(MIN_BUFFER_US_MAX)));
    xml.open("Period").attr("id", 0).attr("start", "PT0S");
    for (id, set) in sets.iter().enumerate() {
        put_adaptation_set(&mut xml, id, set, presentation.key_id.as_ref());
    }
    if let Some(storyboard) = &presentation.storyboard {
        put_storyboard(&mut xml, sets.len(), storyboard);
    }
    xml.close().close();
    xml.finish()
}

/// Tracks between which a player may switch: never empty.
type AdaptationSet<'a> = Vec<&'a Track>;

fn adaptation_sets(presentation: &Presentation) -> Vec<AdaptationSet<'_>> {
    let mut sets: Vec<AdaptationSet<'_>> = Vec::new();
    for track in presentation.video().into_iter().chain(presentation.audio()) {
        match sets.iter_mut().find(|set| may_switch(set[0], track)) {
            Some(set) => set.push(track),
            None => sets.push(vec![track]),
        }
    }
    sets
}

fn may_switch(a: &Track, b: &Track) -> bool {
    let alike = match (&a.kind, &b.kind) {
        (TrackKind::Video { .. }, TrackKind::Video { .. }) => true,
        (TrackKind::Audio { language: a, .. }, TrackKind::Audio { language: b, .. }) => a == b,
        _ => false,
    };
    alike && family(&a.codec) == family(&b.codec)
}

fn put_adaptation_set(xml: &mut Xml, id: usize, set: &[&Track], key_id: Option<&[u8; 16]>) {
    let first = set[0];
    xml.open("AdaptationSet").attr("id", id);
    match &first.kind {
        TrackKind::Video { .. } => {
            xml.attr("contentType", "video").attr("mimeType", "video/mp4");
            if let Some(Ratio { num, den }) = picture_aspect(set) {
                xml.attr("par", format_args!("{num}:{den}"));
            }
        }
        TrackKind::Audio { language, .. } => {
            xml.attr("contentType", "audio").attr("mimeType", "audio/mp4").attr("lang", language);
        }
    }
    if aligned(set) {
        xml.attr("segmentAlignment", "true");
    }
    // Our own AV1 begins each segment with a closed GOP, and sound anywhere. H.264 that is passed through may show
    // pictures before its first one (SAP type 2), so nothing is promised of it.
    if family(&first.codec) != "avc1" {
        xml.attr("startWithSAP", 1);
    }
    if family(&first.codec) == "av01" {
        xml.attr("selectionPriority", 2); // the whole ladder: prefer it where it can be decoded
    }
    if let Some(key_id) = key_id {
        put_protection(xml, key_id);
    }
    xml.open("Role").attr("schemeIdUri", "urn:mpeg:dash:role:2011").attr("value", "main").close();
    let shared = set.iter().all(|track| same_timeline(track, first));
    if shared {
        put_template(xml, first);
    }
    for track in set {
        put_representation(xml, track, shared);
    }
    xml.close();
}

/// How the set is encrypted (ISO/IEC 23001-7 section 11), and where a browser gets the key for Clear Key (DASH-IF IOP part 6, section 7).
fn put_protection(xml: &mut Xml, key_id: &[u8; 16]) {
    let hex = format!("{:032x}", u128::from_be_bytes(*key_id));
    let uuid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    xml.open("ContentProtection")
        .attr("schemeIdUri", "urn:mpeg:dash:mp4protection:2011")
        .attr("value", "cbcs")
        .attr("cenc:default_KID", uuid)
        .close();
    xml.open("ContentProtection")
        .attr("schemeIdUri", "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e")
        .attr("value", "ClearKey1.0");
    xml.open("dashif:Laurl").attr("Lic_type", "EME-1.0").text("key");
    xml.close();
}

/// Sheets of small pictures (DASH-IF IOP v4.3 section 6.2.6): a segment is a sheet, and every one has the same size.
fn put_storyboard(xml: &mut Xml, id: usize, storyboard: &Storyboard) {
    let Storyboard { tile_width, tile_height, columns, rows, sheet_bytes_max, .. } = *storyboard;
    let sheet_ms = (storyboard.sheet_us() / 1000).max(1);
    xml.open("AdaptationSet").attr("id", id).attr("contentType", "image").attr("mimeType", "image/jpeg");
    xml.open("SegmentTemplate")
        .attr("timescale", 1000)
        .attr("duration", sheet_ms)
        .attr("media", "$RepresentationID$/$Number$.jpg")
        .attr("startNumber", 0)
        .close();
    xml.open("Representation")
        .attr("id", "storyboard")
        .attr("bandwidth", sheet_bytes_max.saturating_mul(8000).div_ceil(sheet_ms).max(1))
        .attr("width", tile_width * columns)
        .attr("height", tile_height * rows);
    xml.open("EssentialProperty")
        .attr("schemeIdUri", "http://dashif.org/guidelines/thumbnail_tile")
        .attr("value", format_args!("{columns}x{rows}"))
        .close();
    xml.close().close();
}

fn put_representation(xml: &mut Xml, track: &Track, timeline_is_shared: bool) {
    xml.open("Representation")
        .attr("id", &track.name)
        .attr("codecs", &track.codec)
        .attr("bandwidth", bitrate::peak(track).max(1));
    match track.kind {
        TrackKind::Video { width, height, frame_rate, pixel_aspect } => {
            let (rate, sar) = (frame_rate.reduced(), pixel_aspect.reduced());
            xml.attr("width", width).attr("height", height);
            match rate.den {
                1 => xml.attr("frameRate", rate.num),
                den => xml.attr("frameRate", format_args!("{}/{den}", rate.num)),
            };
            xml.attr("sar", format_args!("{}:{}", sar.num, sar.den));
        }
        TrackKind::Audio { sample_rate, channels, .. } => {
            xml.attr("audioSamplingRate", sample_rate);
            if let Some(configuration) = channel_configuration(channels) {
                xml.open("AudioChannelConfiguration")
                    .attr("schemeIdUri", "urn:mpeg:dash:23003:3:audio_channel_configuration:2011")
                    .attr("value", configuration)
                    .close();
            }
        }
    }
    if !timeline_is_shared {
        put_template(xml, track);
    }
    xml.close();
}

/// ChannelConfiguration of ISO/IEC 23003-3: the number of channels up to 5.1, then codes of their own.
fn channel_configuration(channels: u16) -> Option<u16> {
    match channels {
        1..=6 => Some(channels),
        7 => Some(11), // 6.1
        8 => Some(7),  // 7.1
        _ => None,
    }
}

/// `@par`: the shape of the largest picture, if the others have it within 1 % (even sizes are rounded).
fn picture_aspect(set: &[&Track]) -> Option<Ratio> {
    let sizes = || set.iter().map(|track| track.display_size());
    let (width, height) = sizes().max()?;
    let near = |(w, h): (u32, u32)| {
        let (a, b) = (u64::from(w) * u64::from(height), u64::from(width) * u64::from(h));
        a.abs_diff(b) <= a.max(b) / 100
    };
    sizes().all(near).then(|| Ratio { num: width, den: height.max(1) }.reduced())
}

/// `xs:duration` in seconds.
fn duration(us: u64) -> String {
    let seconds = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    format!("PT{}S", seconds.trim_end_matches('0').trim_end_matches('.'))
}
