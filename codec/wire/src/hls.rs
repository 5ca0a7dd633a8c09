//! HLS playlists (RFC 8216 and its revision): drawn in `docs/formats/hls.md`.
//!
//! All URIs are relative, so that a token in the path of the master playlist is inherited by everything below it.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::bitrate::{self, target_duration_s};
use crate::cmaf::protect::iv;
use crate::codec_string::family;
use crate::presentation::{Presentation, Ratio, Track, TrackKind};

/// `EXT-X-MAP` in a playlist of segments needs 6, Apple asks 7 for fragmented MP4.
const VERSION: u32 = 7;

/// Writes the master playlist: one variant a picture track (and a sound codec), H.264 first.
pub fn master(presentation: &Presentation) -> String {
    let mut out = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    if let Some(key_id) = &presentation.key_id {
        put_keys(&mut out, "EXT-X-SESSION-KEY", "key", key_id);
    }
    let (video, groups) = (presentation.video(), groups(presentation));
    for group in groups.iter().filter(|group| !video.is_empty() || group.tracks.len() > 1) {
        put_renditions(&mut out, group);
    }
    if video.is_empty() {
        for group in &groups {
            put_variant(&mut out, group.tracks[0], (group.tracks.len() > 1).then_some(group));
        }
    } else if groups.is_empty() {
        video.iter().for_each(|track| put_variant(&mut out, track, None));
    }
    for group in &groups {
        video.iter().for_each(|track| put_variant(&mut out, track, Some(group)));
    }
    out
}

/// Writes the media playlist of `track`, which is whole. All playlists of a presentation share their target duration
/// (RFC 8216 section 6.2.4), so that of the longest segment of any track is written.
pub fn media(presentation: &Presentation, track: &Track) -> String {
    let longest_us = presentation.tracks.iter().chain([track]).map(Track::longest_segment_us).max().unwrap_or(0);
    let mut out = String::with_capacity(256 + 28 * track.segments.len());
    let _ = write!(
        out,
        "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n",
        target_duration_s(longest_us)
    );
    if let Some(key_id) = &presentation.key_id {
        put_keys(&mut out, "EXT-X-KEY", "../key", key_id);
    }
    for (number, segment) in track.segments.iter().enumerate() {
        // The difference of two rounded times, so that rounding never adds up over a long film.
        let us = track.us(segment.end()) - track.us(segment.start);
        let _ = write!(out, "#EXTINF:{}.{:06},\n{number}.m4s\n", us / 1_000_000, us % 1_000_000);
    }
    out.push_str("#EXT-X-ENDLIST\n");
    out
}

/// How segments are encrypted, twice (RFC 8216 section 4.3.2.4): for players that fetch the key themselves, and for those that have a
/// browser do it, by Clear Key. `SAMPLE-AES` of fragmented MP4 is `cbcs`.
fn put_keys(out: &mut String, tag: &str, key: &str, key_id: &[u8; 16]) {
    let iv = u128::from_be_bytes(iv(key_id));
    let format = "KEYFORMATVERSIONS=\"1\",KEYFORMAT";
    let _ = writeln!(out, "#{tag}:METHOD=SAMPLE-AES,URI=\"{key}\",IV=0x{iv:032x},{format}=\"identity\"");
    let (name, id) = (STANDARD.encode(key_id), u128::from_be_bytes(*key_id));
    let name = format!("URI=\"data:text/plain;base64,{name}\",KEYID=0x{id:032x}");
    let _ = writeln!(out, "#{tag}:METHOD=SAMPLE-AES,{name},IV=0x{iv:032x},{format}=\"org.w3.clearkey\"");
}

/// Sound tracks of one codec: what goes together with a picture of any variant.
struct AudioGroup<'a> {
    codec: &'a str,
    tracks: Vec<&'a Track>,
}

impl AudioGroup<'_> {
    fn id(&self) -> &str {
        family(self.codec)
    }
}

fn groups(presentation: &Presentation) -> Vec<AudioGroup<'_>> {
    let mut groups: Vec<AudioGroup<'_>> = Vec::new();
    for track in presentation.audio() {
        match groups.iter_mut().find(|g| g.id() == family(&track.codec)) {
            Some(group) => group.tracks.push(track),
            None => groups.push(AudioGroup { codec: &track.codec, tracks: vec![track] }),
        }
    }
    groups
}

fn put_renditions(out: &mut String, group: &AudioGroup<'_>) {
    let language = |track: &Track| match &track.kind {
        TrackKind::Audio { language, .. } if language != "und" => Some(quoted(language)),
        _ => None,
    };
    for (i, track) in group.tracks.iter().enumerate() {
        let TrackKind::Audio { channels, .. } = track.kind else { continue };
        let own = language(track);
        let alone = group.tracks.iter().filter(|t| language(t) == own).count() == 1;
        let name = own.clone().filter(|_| alone).unwrap_or_else(|| quoted(&track.name));
        let id = quoted(group.id());
        let default = if i == 0 { "YES" } else { "NO" };
        let _ = write!(out, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{id}\",NAME=\"{name}\",");
        own.iter().for_each(|language| {
            let _ = write!(out, "LANGUAGE=\"{language}\",");
        });
        let uri = quoted(&track.name);
        let _ = writeln!(out, "DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{channels}\",URI=\"{uri}/media.m3u8\"");
    }
}

/// `BANDWIDTH` is the largest sum of peaks of any playable combination (RFC 8216bis section 4.4.6.2).
fn put_variant(out: &mut String, track: &Track, group: Option<&AudioGroup<'_>>) {
    let picture = matches!(track.kind, TrackKind::Video { .. });
    let with: &[&Track] = group.map_or(&[], |g| &g.tracks);
    let dearest = |rate: fn(&Track) -> u64| {
        let sound = with.iter().map(|t| rate(t)).max().unwrap_or(0);
        if picture { rate(track) + sound } else { rate(track).max(sound) }
    };
    let mut codecs = vec![track.codec.as_str()];
    with.iter().for_each(|t| {
        if !codecs.contains(&t.codec.as_str()) {
            codecs.push(&t.codec);
        }
    });
    let _ = write!(
        out,
        "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\"",
        dearest(bitrate::peak),
        dearest(bitrate::average),
        quoted(&codecs.join(","))
    );
    if let TrackKind::Video { frame_rate: Ratio { num, den }, .. } = track.kind {
        let (width, height) = track.display_size();
        let rate = f64::from(num) / f64::from(den.max(1));
        let _ = write!(out, ",RESOLUTION={width}x{height},FRAME-RATE={rate:.3}");
    }
    if let Some(group) = group {
        let _ = write!(out, ",AUDIO=\"{}\"", quoted(group.id()));
    }
    let _ = write!(out, ",CLOSED-CAPTIONS=NONE\n{}/media.m3u8\n", quoted(&track.name));
}

/// A quoted-string holds neither quotes nor line breaks (RFC 8216 section 4.2): what cannot stand is dropped.
fn quoted(text: &str) -> String {
    text.chars().filter(|c| *c != '"' && !c.is_control()).collect()
}
