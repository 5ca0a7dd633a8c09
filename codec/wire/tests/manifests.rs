//! Promise: HLS playlists and the DASH manifest, read by somebody else's parser, say what the presentation says.

use m3u8_rs::{AlternativeMediaType, MasterPlaylist, MediaPlaylist};
use quick_xml::Reader;
use quick_xml::events::Event;
use wire::presentation::{Presentation, Ratio, Segment, Track, TrackKind};
use wire::storyboard::Storyboard;
use wire::{dash, hls};

/// Segments of `(ticks, bytes)`, one after the other from zero.
fn segments(list: &[(u64, u64)]) -> Vec<Segment> {
    let mut start = 0;
    list.iter()
        .map(|&(duration, bytes)| {
            let segment = Segment { start, duration, bytes };
            start += duration;
            segment
        })
        .collect()
}

fn picture(name: &str, codec: &str, (width, height): (u32, u32), list: &[(u64, u64)]) -> Track {
    let kind = TrackKind::Video {
        width,
        height,
        frame_rate: Ratio { num: 30_000, den: 1001 },
        pixel_aspect: Ratio { num: 1, den: 1 },
    };
    Track { name: name.into(), codec: codec.into(), timescale: 1000, kind, segments: segments(list) }
}

fn sound(name: &str, codec: &str, language: &str, list: &[(u64, u64)]) -> Track {
    let kind = TrackKind::Audio { sample_rate: 48_000, channels: 2, language: language.into() };
    Track { name: name.into(), codec: codec.into(), timescale: 48_000, kind, segments: segments(list) }
}

const FOUR_SECONDS: &[(u64, u64)] = &[(4000, 50_000), (4000, 100_000), (2000, 25_000)];
const SOUND: &[(u64, u64)] = &[(192_000, 32_000), (192_000, 32_000), (96_000, 16_000)];

/// What an upload of an H.264 film gives: AV1 rungs (offered first here), the source with longer segments, AAC.
fn film() -> Presentation {
    Presentation {
        tracks: vec![
            picture("av1-720", "av01.0.05M.08", (1280, 720), FOUR_SECONDS),
            picture("av1-360", "av01.0.01M.08", (640, 360), &[(4000, 5000), (4000, 5000), (2000, 5000)]),
            picture("h264-720", "avc1.64001f", (1280, 720), &[(8000, 800_000), (2000, 100_000)]),
            sound("aac-und", "mp4a.40.2", "und", SOUND),
        ],
        ..Presentation::default()
    }
}

fn master(presentation: &Presentation) -> MasterPlaylist {
    let text = hls::master(presentation);
    let (rest, playlist) = m3u8_rs::parse_master_playlist(text.as_bytes()).expect("a master playlist");
    assert!(rest.is_empty(), "{text}");
    assert!(text.starts_with("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"));
    assert!(playlist.variants.iter().all(|v| v.other_attributes.is_none()), "{text}");
    playlist
}

fn media(presentation: &Presentation, name: &str) -> MediaPlaylist {
    let track = presentation.tracks.iter().find(|t| t.name == name).unwrap();
    let text = hls::media(presentation, track);
    let (rest, playlist) = m3u8_rs::parse_media_playlist(text.as_bytes()).expect("a media playlist");
    assert!(rest.is_empty(), "{text}");
    playlist
}

#[test]
fn the_first_variant_is_h264_and_each_names_its_codecs_size_and_sound() {
    let playlist = master(&film());
    let found: Vec<_> = playlist
        .variants
        .iter()
        .map(|v| {
            let size = v.resolution.unwrap();
            assert_eq!(v.audio.as_deref(), Some("mp4a"));
            assert!(matches!(v.closed_captions, Some(m3u8_rs::ClosedCaptionGroupId::None)));
            assert_eq!(v.frame_rate, Some(29.97));
            (v.uri.as_str(), v.codecs.as_deref().unwrap(), size.width, size.height)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("h264-720/media.m3u8", "avc1.64001f,mp4a.40.2", 1280, 720),
            ("av1-720/media.m3u8", "av01.0.05M.08,mp4a.40.2", 1280, 720),
            ("av1-360/media.m3u8", "av01.0.01M.08,mp4a.40.2", 640, 360),
        ]
    );
    let [sound] = &playlist.alternatives[..] else { panic!("one rendition of sound") };
    assert_eq!((sound.media_type.clone(), sound.group_id.as_str()), (AlternativeMediaType::Audio, "mp4a"));
    assert_eq!((sound.uri.as_deref(), sound.language.as_deref()), (Some("aac-und/media.m3u8"), None));
    assert!(sound.default && sound.autoselect);
}

#[test]
fn bandwidth_is_the_sum_of_the_measured_peaks() {
    let playlist = master(&film());
    let av1 = &playlist.variants[1];
    // 100 kB in 4 s of picture, 32 kB in 4 s of sound; 175 kB and 80 kB in 10 s on average.
    assert_eq!((av1.bandwidth, av1.average_bandwidth), (200_000 + 64_000, Some(140_000 + 64_000)));
}

#[test]
fn sound_alone_and_pictures_alone_are_variants_of_their_own() {
    let alone = Presentation { tracks: vec![sound("aac-und", "mp4a.40.2", "und", SOUND)], ..Presentation::default() };
    let playlist = master(&alone);
    let [variant] = &playlist.variants[..] else { panic!("one variant") };
    assert_eq!((variant.uri.as_str(), variant.codecs.as_deref()), ("aac-und/media.m3u8", Some("mp4a.40.2")));
    assert_eq!((variant.bandwidth, variant.resolution, variant.audio.as_deref()), (64_000, None, None));
    assert!(playlist.alternatives.is_empty());

    let silent = Presentation {
        tracks: vec![picture("h264-720", "avc1.64001f", (1280, 720), FOUR_SECONDS)],
        ..Presentation::default()
    };
    let playlist = master(&silent);
    assert_eq!(playlist.variants[0].codecs.as_deref(), Some("avc1.64001f"));
    assert_eq!((playlist.variants.len(), playlist.alternatives.len()), (1, 0));
}

#[test]
fn two_languages_and_two_codecs_make_two_groups() {
    let mut tracks = vec![picture("h264-720", "avc1.64001f", (1280, 720), FOUR_SECONDS)];
    tracks.extend(
        [("aac-de", "mp4a.40.2", "de"), ("aac-en", "mp4a.40.2", "en"), ("opus-de", "opus", "de")]
            .map(|(n, c, l)| sound(n, c, l, SOUND)),
    );
    let playlist = master(&Presentation { tracks, ..Presentation::default() });
    let renditions: Vec<_> =
        playlist.alternatives.iter().map(|a| (a.group_id.as_str(), a.name.as_str(), a.default)).collect();
    assert_eq!(renditions, [("mp4a", "de", true), ("mp4a", "en", false), ("opus", "de", true)]);
    let variants: Vec<_> =
        playlist.variants.iter().map(|v| (v.audio.as_deref().unwrap(), v.codecs.as_deref().unwrap())).collect();
    assert_eq!(variants, [("mp4a", "avc1.64001f,mp4a.40.2"), ("opus", "avc1.64001f,opus")]);
}

#[test]
fn extinf_is_the_duration_of_the_samples_and_rounding_never_adds_up() {
    let mut film = film();
    film.tracks[0].timescale = 30_000; // 1001 ticks a frame
    film.tracks[0].segments = segments(&[(120_120, 1); 900]);
    let playlist = media(&film, "av1-720");
    let total: f64 = playlist.segments.iter().map(|s| f64::from(s.duration)).sum();
    assert!((total - 900.0 * 4.004).abs() < 1e-3, "{total}");
    assert!(hls::media(&film, &film.tracks[0]).contains("#EXTINF:4.004000,\n0.m4s\n"));
}

#[test]
fn a_media_playlist_is_whole_and_numbered_from_zero() {
    let film = film();
    let playlist = media(&film, "h264-720");
    assert!(playlist.end_list && playlist.independent_segments);
    assert_eq!(playlist.playlist_type, Some(m3u8_rs::MediaPlaylistType::Vod));
    assert_eq!((playlist.version, playlist.media_sequence), (Some(7), 0));
    assert_eq!(playlist.segments[0].map.as_ref().unwrap().uri, "init.mp4");
    let found: Vec<_> = playlist.segments.iter().map(|s| (s.uri.as_str(), s.duration)).collect();
    assert_eq!(found, [("0.m4s", 8.0), ("1.m4s", 2.0)]);
}

#[test]
fn the_target_duration_is_rounded_and_one_for_all_playlists() {
    let film = film();
    assert!(film.tracks.iter().all(|t| media(&film, &t.name).target_duration == 8));
    let lone =
        |ms| Presentation { tracks: vec![picture("v", "avc1.64001f", (2, 2), &[(ms, 1)])], ..Presentation::default() };
    for (ms, expected) in [(4499, 4), (4500, 5), (400, 1)] {
        assert_eq!(media(&lone(ms), "v").target_duration, expected, "{ms} ms");
    }
}

/// One start tag: its path, and its attributes in order.
type Element = (String, Vec<(String, String)>);

fn mpd(presentation: &Presentation) -> Vec<Element> {
    let text = dash::mpd(presentation);
    let mut reader = Reader::from_str(&text);
    let (mut path, mut found) = (Vec::<String>::new(), Vec::new());
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) => {
                path.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
                found.push((path.join("/"), attributes(&tag)));
            }
            Event::Empty(tag) => {
                let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                found.push((format!("{}/{name}", path.join("/")), attributes(&tag)));
            }
            Event::End(_) => drop(path.pop()),
            Event::Eof => return found,
            _ => {}
        }
    }
}

fn attributes(tag: &quick_xml::events::BytesStart<'_>) -> Vec<(String, String)> {
    tag.attributes()
        .map(|a| a.expect("an attribute"))
        .map(|a| (String::from_utf8(a.key.as_ref().to_vec()).unwrap(), a.unescape_value().unwrap().into_owned()))
        .collect()
}

/// The values of `name` on every element whose path ends with `path`; `-` where it is absent.
fn values(elements: &[Element], path: &str, name: &str) -> Vec<String> {
    let value = |list: &[(String, String)]| list.iter().find(|(n, _)| n == name).map_or("-".into(), |(_, v)| v.clone());
    elements.iter().filter(|(p, _)| p.ends_with(path)).map(|(_, list)| value(list)).collect()
}

fn check(elements: &[Element], path: &str, name: &str, expected: &[&str]) {
    assert_eq!(values(elements, path, name), expected, "{path}@{name}");
}

#[test]
fn a_manifest_is_static_with_one_set_a_codec() {
    let found = mpd(&film());
    check(&found, "MPD", "type", &["static"]);
    check(&found, "MPD", "mediaPresentationDuration", &["PT10S"]);
    check(&found, "MPD", "minBufferTime", &["PT4S"]);
    check(&found, "AdaptationSet", "contentType", &["video", "video", "audio"]);
    check(&found, "AdaptationSet", "mimeType", &["video/mp4", "video/mp4", "audio/mp4"]);
    check(&found, "AdaptationSet", "segmentAlignment", &["true", "true", "true"]);
    check(&found, "AdaptationSet", "startWithSAP", &["-", "1", "1"]);
    check(&found, "AdaptationSet", "par", &["16:9", "16:9", "-"]);
    check(&found, "Representation", "id", &["h264-720", "av1-720", "av1-360", "aac-und"]);
    check(&found, "Representation", "codecs", &["avc1.64001f", "av01.0.05M.08", "av01.0.01M.08", "mp4a.40.2"]);
    check(&found, "Representation", "bandwidth", &["800000", "200000", "20000", "64000"]);
    check(&found, "Representation", "frameRate", &["30000/1001", "30000/1001", "30000/1001", "-"]);
    check(&found, "AudioChannelConfiguration", "value", &["2"]);
}

#[test]
fn a_timeline_runs_and_is_shared_where_it_is_the_same() {
    let found = mpd(&film());
    check(&found, "AdaptationSet/SegmentTemplate", "startNumber", &["0", "0", "0"]);
    check(&found, "SegmentTemplate", "media", &["$RepresentationID$/$Number$.m4s"; 3]);
    check(&found, "S", "t", &["0", "-", "0", "-", "0", "-"]);
    check(&found, "S", "d", &["8000", "2000", "4000", "2000", "192000", "96000"]);
    check(&found, "S", "r", &["-", "-", "1", "-", "1", "-"]);
}

#[test]
fn timelines_that_differ_stand_with_their_representation_and_are_not_called_aligned() {
    let mut film = film();
    film.tracks[1].segments = segments(&[(5000, 9), (5000, 9)]);
    let found = mpd(&film);
    check(&found, "Representation/SegmentTemplate", "timescale", &["1000", "1000"]);
    check(&found, "AdaptationSet", "segmentAlignment", &["true", "-", "true"]);
}

#[test]
fn a_gap_is_told_by_a_time_of_its_own() {
    let mut track = picture("v", "av01.0.01M.08", (640, 360), FOUR_SECONDS);
    track.segments[2].start += 500;
    let found = mpd(&Presentation { tracks: vec![track], ..Presentation::default() });
    check(&found, "S", "t", &["0", "8500"]);
}

#[test]
fn pixels_that_are_not_square_change_the_picture_aspect_and_not_the_coded_size() {
    let mut track = picture("v", "avc1.64001f", (720, 576), FOUR_SECONDS);
    let TrackKind::Video { pixel_aspect, .. } = &mut track.kind else { unreachable!() };
    *pixel_aspect = Ratio { num: 128, den: 90 };
    let pal = Presentation { tracks: vec![track], ..Presentation::default() };
    let found = mpd(&pal);
    check(&found, "Representation", "sar", &["64:45"]);
    check(&found, "Representation", "width", &["720"]);
    check(&found, "AdaptationSet", "par", &["16:9"]);
    assert_eq!(master(&pal).variants[0].resolution.unwrap().width, 1024);
}

#[test]
fn text_from_outside_cannot_leave_its_attribute() {
    let evil = sound("aac", "mp4a.40.2", "\"><x a='&\n#EXT-X-EVIL", SOUND);
    let film = Presentation { tracks: vec![film().tracks.remove(0), evil], ..Presentation::default() };
    check(&mpd(&film), "AdaptationSet", "lang", &["-", "\"><x a='&#EXT-X-EVIL"]);
    let text = hls::master(&film);
    assert!(!text.contains("\n#EXT-X-EVIL"), "{text}");
    assert_eq!(master(&film).alternatives.len(), 1);
}

#[test]
fn a_storyboard_is_a_set_of_sheets_that_players_know_how_to_cut() {
    let storyboard = Storyboard {
        tile_width: 160,
        tile_height: 90,
        columns: 10,
        rows: 10,
        tiles: 180,
        interval_us: 10_000_000,
        sheet_bytes_max: 250_000,
    };
    let found = mpd(&Presentation { storyboard: Some(storyboard), ..film() });
    check(&found, "AdaptationSet", "mimeType", &["video/mp4", "video/mp4", "audio/mp4", "image/jpeg"]);
    check(&found, "AdaptationSet", "contentType", &["video", "video", "audio", "image"]);
    check(&found, "EssentialProperty", "value", &["10x10"]);
    check(&found, "SegmentTemplate", "duration", &["-", "-", "-", "1000000"]);
    let last = |path: &str, name: &str| values(&found, path, name).pop().unwrap();
    assert_eq!(last("SegmentTemplate", "media"), "$RepresentationID$/$Number$.jpg");
    assert_eq!(
        ["id", "width", "height", "bandwidth"].map(|name| last("Representation", name)),
        ["storyboard", "1600", "900", "2000"]
    );
}

#[test]
fn an_asset_without_tracks_is_still_a_document() {
    assert_eq!(mpd(&Presentation::default()).len(), 2);
    assert_eq!(hls::master(&Presentation::default()).lines().count(), 3);
}

#[test]
fn what_is_encrypted_says_how_and_where_its_key_is() {
    let film = Presentation { key_id: Some(*b"a key's own name"), ..film() };
    let id = "0x61206b65792773206f776e206e616d65";
    assert!(media(&film, "h264-720").segments[0].key.is_some(), "m3u8-rs reads it");
    let text = hls::media(&film, &film.tracks[0]);
    let expected = [
        ("identity", "URI=\"../key\"".to_owned()),
        ("org.w3.clearkey", format!("URI=\"data:text/plain;base64,YSBrZXkncyBvd24gbmFtZQ==\",KEYID={id}")),
    ];
    let lines = |text: &str, tag: &str| {
        text.lines().filter(|line| line.starts_with(tag)).map(str::to_owned).collect::<Vec<_>>()
    };
    let iv = format!("0x{:032x}", u128::from_be_bytes(wire::cmaf::protect::iv(&film.key_id.unwrap())));
    let of = |tag: &str, (format, uri): &(&str, String)| {
        format!("#{tag}:METHOD=SAMPLE-AES,{uri},IV={iv},KEYFORMATVERSIONS=\"1\",KEYFORMAT=\"{format}\"")
    };
    assert_eq!(lines(&text, "#EXT-X-KEY"), expected.iter().map(|one| of("EXT-X-KEY", one)).collect::<Vec<_>>());
    let session: Vec<String> =
        expected.iter().map(|one| of("EXT-X-SESSION-KEY", one).replace("../key", "key")).collect();
    assert_eq!(lines(&hls::master(&film), "#EXT-X-SESSION-KEY"), session);

    let found = mpd(&film);
    let schemes = ["urn:mpeg:dash:mp4protection:2011", "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e"];
    check(&found, "ContentProtection", "schemeIdUri", &schemes.repeat(3));
    check(&found, "ContentProtection", "value", &["cbcs", "ClearKey1.0"].repeat(3));
    let uuid = "61206b65-7927-7320-6f77-6e206e616d65";
    check(&found, "ContentProtection", "cenc:default_KID", &[uuid, "-"].repeat(3));
    assert_eq!(dash::mpd(&film).matches("<dashif:Laurl Lic_type=\"EME-1.0\">key</dashif:Laurl>").count(), 3);
}
