//! Other people's readers agree with every manifest and segment that comes out of the edge: m3u8-rs and quick-xml read
//! the manifests, ffprobe reads each segment; segment durations are within one frame of EXTINF and of the MPD's
//! timeline, and CODECS says what the bits say.

use crate::media;
use crate::program::Program;
use std::collections::BTreeMap;
use std::path::Path;

/// One rendition as HLS describes it.
struct Rendition {
    /// `h264-360`
    name: String,
    codecs: String,
    extinf: Vec<f64>,
}

fn check(movie: &[u8], expected: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::serve(&folder.path().join("data"), &[]);
    let (id, status) = program.ingest(movie, "title=movie");
    assert_eq!(status["state"], "ready", "{status}");
    let hls = hls(&program, &id);
    let names: Vec<&str> = hls.iter().map(|rendition| rendition.name.as_str()).collect();
    assert_eq!(names, expected);
    let dash = dash(&program, &id);
    for rendition in &hls {
        let (codecs, timeline) = dash.get(&rendition.name).expect("DASH offers what HLS offers");
        assert_eq!(timeline.len(), rendition.extinf.len(), "{}", rendition.name);
        for (index, (mpd, extinf)) in timeline.iter().zip(&rendition.extinf).enumerate() {
            assert!((mpd - extinf).abs() < 0.001, "{} {index}: MPD {mpd}, EXTINF {extinf}", rendition.name);
        }
        assert!(rendition.codecs.split(',').any(|codec| codec == codecs), "{}: {codecs}", rendition.name);
        segments(&program, &id, rendition, codecs, folder.path());
    }
}

fn hls(program: &Program, id: &str) -> Vec<Rendition> {
    let text = program.through_edge(&format!("/v/{id}/master.m3u8")).body;
    let master = m3u8_rs::parse_master_playlist_res(&text).expect("m3u8-rs reads the master playlist");
    assert!(master.independent_segments);
    let media = |uri: &str, codecs: &str| {
        let text = program.through_edge(&format!("/v/{id}/{uri}")).body;
        let list = m3u8_rs::parse_media_playlist_res(&text).expect("m3u8-rs reads the media playlist");
        assert!(list.end_list, "{uri} has no ENDLIST");
        let longest = list.segments.iter().map(|segment| segment.duration).fold(0.0, f32::max);
        assert!(list.target_duration as f32 + 0.5 >= longest, "{uri}: {} < {longest}", list.target_duration);
        Rendition {
            name: uri.split('/').next().expect("a folder").to_owned(),
            codecs: codecs.to_owned(),
            extinf: list.segments.iter().map(|segment| f64::from(segment.duration)).collect(),
        }
    };
    let mut renditions = vec![];
    for variant in &master.variants {
        let codecs = variant.codecs.clone().expect("CODECS");
        assert!(variant.average_bandwidth.is_some_and(|average| average <= variant.bandwidth), "{}", variant.uri);
        assert!(variant.resolution.is_some() && variant.frame_rate.is_some(), "{}", variant.uri);
        renditions.push(media(&variant.uri, &codecs));
    }
    let all_codecs = master.variants.iter().filter_map(|v| v.codecs.clone()).collect::<Vec<_>>().join(",");
    for sound in &master.alternatives {
        renditions.push(media(sound.uri.as_ref().expect("a URI"), &all_codecs));
    }
    renditions
}

/// Name of each representation -> codecs, segment durations in seconds.
fn dash(program: &Program, id: &str) -> BTreeMap<String, (String, Vec<f64>)> {
    use quick_xml::events::{BytesStart, Event};
    let text = program.through_edge(&format!("/v/{id}/manifest.mpd")).text();
    let mut reader = quick_xml::Reader::from_str(&text);
    let attribute = |tag: &BytesStart, name: &str| {
        let found = tag.try_get_attribute(name).expect("well-formed")?;
        Some(String::from_utf8(found.value.into_owned()).expect("UTF-8"))
    };
    // A timeline that stands in the set is that of each representation in it.
    let (mut found, mut set, mut shared) = (BTreeMap::new(), Vec::<(String, String, Vec<f64>)>::new(), vec![]);
    let (mut codecs, mut timescale) = (String::new(), 1.0);
    loop {
        match reader.read_event().expect("quick-xml reads the manifest") {
            Event::Eof => return found,
            Event::End(tag) if tag.name().as_ref() == b"AdaptationSet" => {
                for (name, codecs, timeline) in set.drain(..) {
                    found.insert(name, (codecs, if timeline.is_empty() { shared.clone() } else { timeline }));
                }
                shared.clear();
            }
            Event::Start(tag) | Event::Empty(tag) => match tag.name().as_ref() {
                b"AdaptationSet" => codecs = attribute(&tag, "codecs").unwrap_or_default(),
                b"Representation" => {
                    let own = attribute(&tag, "codecs").unwrap_or_else(|| codecs.clone());
                    set.push((attribute(&tag, "id").expect("an id"), own, vec![]));
                }
                b"SegmentTemplate" => {
                    timescale = attribute(&tag, "timescale").expect("a timescale").parse().expect("a number");
                }
                b"S" => {
                    let duration: f64 = attribute(&tag, "d").expect("a duration").parse().expect("a number");
                    let repeats: usize = attribute(&tag, "r").map_or(0, |r| r.parse().expect("a number"));
                    let timeline = set.last_mut().map_or(&mut shared, |(_, _, timeline)| timeline);
                    timeline.extend(std::iter::repeat_n(duration / timescale, repeats + 1));
                }
                _ => {}
            },
            _ => {}
        }
    }
}

fn segments(program: &Program, id: &str, rendition: &Rendition, codecs: &str, folder: &Path) {
    let base = format!("/v/{id}/{}", rendition.name);
    let init = program.through_edge(&format!("{base}/init.mp4")).body;
    let mut whole = init.clone();
    let (mut clock, mut lateness) = (0.0, None);
    for (index, extinf) in rendition.extinf.iter().enumerate() {
        let segment = program.through_edge(&format!("{base}/{index}.m4s")).body;
        let path = folder.join("segment.mp4");
        std::fs::write(&path, [&init[..], &segment[..]].concat()).expect("written");
        let probed = media::probe(&path, "-show_packets -show_streams");
        let packets = probed["packets"].as_array().expect("packets");
        let seconds = |packet: &serde_json::Value, field: &str| {
            packet[field]
                .as_str()
                .and_then(|text| text.parse::<f64>().ok())
                .unwrap_or_else(|| panic!("no {field}: {packet}"))
        };
        let mut starts: Vec<f64> = packets.iter().map(|packet| seconds(packet, "pts_time")).collect();
        starts.sort_by(f64::total_cmp);
        let (first, last) = (starts[0], starts[starts.len() - 1]);
        let frame = starts.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::NAN, f64::max);
        let frame = if frame.is_nan() { *extinf } else { frame };
        let name = format!("{} segment {index}", rendition.name);
        assert!((last + frame - first - extinf).abs() <= frame + 0.001, "{name}: {first}..{last} but EXTINF {extinf}");
        // Sound begins with its priming. FFmpeg's reader shows pictures with signed offsets late by the reorder delay,
        // all by the same.
        let late = *lateness.get_or_insert(first);
        assert!(late.abs() <= 4.0 * frame, "{name}: the rendition begins at {late}");
        assert!((first - late - clock).abs() <= frame + 0.001, "{name} starts at {first}, the playlist says {clock}");
        let key = packets.iter().min_by(|a, b| seconds(a, "dts_time").total_cmp(&seconds(b, "dts_time")));
        assert!(
            key.expect("a packet")["flags"].as_str().expect("flags").starts_with('K'),
            "{name} must start with a keyframe"
        );
        clock += extinf;
        whole.extend_from_slice(&segment);
    }
    let path = folder.join("whole.mp4");
    std::fs::write(&path, &whole).expect("written");
    let probed = media::probe(&path, "-show_streams -count_frames");
    let stream = &probed["streams"][0];
    assert_eq!(without_constraints(codecs), codec_of(stream), "{}: {codecs}", rendition.name);
}

/// An `avc1` string without its constraint byte, which ffprobe does not show.
fn without_constraints(codecs: &str) -> String {
    match codecs.strip_prefix("avc1.") {
        Some(digits) => format!("avc1.{}..{}", &digits[..2], &digits[4..]),
        None => codecs.to_owned(),
    }
}

/// The RFC 6381 string by what ffprobe reads out of the bits.
fn codec_of(stream: &serde_json::Value) -> String {
    let level = stream["level"].as_u64().unwrap_or(0);
    match stream["codec_name"].as_str().expect("a codec") {
        "h264" => {
            let profile = match stream["profile"].as_str().expect("a profile") {
                "Constrained Baseline" => "42",
                "Main" => "4d",
                "High" => "64",
                other => panic!("{other}"),
            };
            assert_eq!(stream["codec_tag_string"], "avc1");
            format!("avc1.{profile}..{level:02x}")
        }
        "av1" => format!("av01.0.{level:02}M.08"),
        "aac" => "mp4a.40.2".to_owned(),
        "opus" => "opus".to_owned(),
        other => panic!("{other}"),
    }
}

#[test]
fn h264_and_aac_pass_through_and_gain_an_av1_ladder() {
    let folder = tempfile::tempdir().expect("a folder");
    let movie = media::movie(folder.path(), 10, "854x480");
    check(&movie, &["h264-480", "av1-480", "av1-360", "aac-und"]);
}

#[test]
fn vp9_and_opus_in_webm_are_encoded() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = "-f lavfi -i testsrc2=size=640x360:rate=25:duration=5 -f lavfi -i sine=440:duration=5";
    let path = media::make(
        folder.path(),
        "a.webm",
        &format!("{source} -c:v libvpx-vp9 -cpu-used 8 -deadline realtime -c:a libopus"),
    );
    check(&std::fs::read(path).expect("written"), &["h264-360", "av1-360", "opus-und"]);
}
