//! The grammar of playback paths, drawn in `docs/formats/urls.md`. What is not in the grammar is refused by name; nothing
//! is decoded, joined or normalised, so that two spellings of one object cannot exist.

use std::fmt;

use crate::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX, TOKEN_CHARS_MAX};

/// Why a path is not a playback path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Longer than [`PATH_BYTES_MAX`].
    #[error("the path is too long")]
    TooLong,
    /// Does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// Two slashes in a row.
    #[error("a segment of the path is empty")]
    EmptySegment,
    /// `.` or `..`.
    #[error("the path holds a dot segment")]
    DotSegment,
    /// A percent sign: nothing in a playback path needs one.
    #[error("the path is percent-encoded")]
    Encoded,
    /// A byte that no playback path has: a backslash, `?`, `#`, a control, anything outside ASCII.
    #[error("the path holds a byte that may not stand there")]
    Byte,
    /// `/p/` without a token after it, or one that is not 1 to [`TOKEN_CHARS_MAX`] letters of base64url.
    #[error("the token in the path is not one")]
    Token,
    /// Does not begin with `/v/`, or has too few or too many segments.
    #[error("no playback path")]
    NotPlayback,
    /// The asset's id is not 1 to 64 of `[a-z0-9-]`.
    #[error("not an asset id")]
    AssetId,
    /// The track's name is not 1 to 64 of `[a-z0-9-]`.
    #[error("not a track name")]
    TrackName,
    /// No such file in an asset or a track.
    #[error("no such file in an asset")]
    File,
    /// A segment's number that is not the shortest decimal of 32 bits.
    #[error("not a segment number")]
    SegmentNumber,
}

/// An asset's id: 1 to 64 of `[a-z0-9-]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AssetId<'a>(&'a str);

/// A track's name: 1 to 64 of `[a-z0-9-]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TrackName<'a>(&'a str);

impl<'a> AssetId<'a> {
    /// Checks the letters and the length.
    pub fn parse(text: &'a str) -> Result<Self, UrlError> {
        if is_name(text) { Ok(Self(text)) } else { Err(UrlError::AssetId) }
    }

    /// The id as text.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl<'a> TrackName<'a> {
    /// Checks the letters and the length.
    pub fn parse(text: &'a str) -> Result<Self, UrlError> {
        if is_name(text) { Ok(Self(text)) } else { Err(UrlError::TrackName) }
    }

    /// The name as text.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

fn is_name(text: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(letter)
}

/// What a path points at, within an asset. Shown as the rest of the path: `av1-360/12.m4s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource<'a> {
    /// `master.m3u8`.
    Master,
    /// `manifest.mpd`.
    Manifest,
    /// `poster.jpg`.
    Poster,
    /// `storyboard.vtt`.
    Storyboard,
    /// `key`: the key of an encrypted asset's media.
    Key,
    /// `<track>/media.m3u8`.
    Media(TrackName<'a>),
    /// `<track>/init.mp4`.
    Init(TrackName<'a>),
    /// `<track>/<n>.m4s`, numbered from 0.
    Segment(TrackName<'a>, u32),
    /// `storyboard/<n>.jpg`, numbered from 0.
    Sheet(u32),
}

impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Master => f.write_str("master.m3u8"),
            Self::Manifest => f.write_str("manifest.mpd"),
            Self::Poster => f.write_str("poster.jpg"),
            Self::Storyboard => f.write_str("storyboard.vtt"),
            Self::Key => f.write_str("key"),
            Self::Media(track) => write!(f, "{}/media.m3u8", track.0),
            Self::Init(track) => write!(f, "{}/init.mp4", track.0),
            Self::Segment(track, number) => write!(f, "{}/{number}.m4s", track.0),
            Self::Sheet(number) => write!(f, "storyboard/{number}.jpg"),
        }
    }
}

/// A path of the grammar, split. Shown again without its token: the cache key and what the origin is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlaybackPath<'a> {
    /// Text between `/p/` and `/v/`, not yet verified.
    pub token: Option<&'a str>,
    /// The path from `/v/` on.
    pub public: &'a str,
    /// Whose.
    pub asset: AssetId<'a>,
    /// Which file.
    pub resource: Resource<'a>,
}

impl<'a> PlaybackPath<'a> {
    /// Parses the path of a URL: no query, no fragment.
    pub fn parse(path: &'a str) -> Result<Self, UrlError> {
        let (token, public) = split_token(path)?;
        let rest = public.strip_prefix("/v/").ok_or(UrlError::NotPlayback)?;
        let (asset, rest) = rest.split_once('/').ok_or(UrlError::NotPlayback)?;
        let (asset, resource) = (AssetId::parse(asset)?, Resource::parse(rest)?);
        Ok(Self { token, public, asset, resource })
    }
}

impl fmt::Display for PlaybackPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.public)
    }
}

impl<'a> Resource<'a> {
    fn parse(rest: &'a str) -> Result<Self, UrlError> {
        let Some((track, file)) = rest.split_once('/') else {
            return match rest {
                "master.m3u8" => Ok(Self::Master),
                "manifest.mpd" => Ok(Self::Manifest),
                "poster.jpg" => Ok(Self::Poster),
                "storyboard.vtt" => Ok(Self::Storyboard),
                "key" => Ok(Self::Key),
                _ => Err(UrlError::File),
            };
        };
        let track = TrackName::parse(track)?;
        match file {
            "media.m3u8" => Ok(Self::Media(track)),
            "init.mp4" => Ok(Self::Init(track)),
            _ if file.contains('/') => Err(UrlError::NotPlayback),
            _ if track.0 == "storyboard" && file.ends_with(".jpg") => {
                let number = file.strip_suffix(".jpg").ok_or(UrlError::File)?;
                Ok(Self::Sheet(segment_number(number)?))
            }
            _ => {
                let number = file.strip_suffix(".m4s").ok_or(UrlError::File)?;
                Ok(Self::Segment(track, segment_number(number)?))
            }
        }
    }
}

fn segment_number(digits: &str) -> Result<u32, UrlError> {
    let shortest = digits == "0" || !digits.starts_with('0');
    if !shortest || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UrlError::SegmentNumber);
    }
    digits.parse().map_err(|_| UrlError::SegmentNumber)
}

/// Takes the token off a path: `/p/<token>/rest` is `(Some(token), "/rest")`, any other path `(None, path)`. The whole path
/// must be [plain](check_plain).
pub fn split_token(path: &str) -> Result<(Option<&str>, &str), UrlError> {
    check_plain(path)?;
    let Some(rest) = path.strip_prefix("/p/") else { return Ok((None, path)) };
    let end = rest.find('/').ok_or(UrlError::Token)?;
    let (token, public) = rest.split_at(end);
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !(1..=TOKEN_CHARS_MAX).contains(&token.len()) || !token.bytes().all(letter) {
        return Err(UrlError::Token);
    }
    Ok((Some(token), public))
}

/// Refuses a path that some server might read as another one: dot segments, empty segments but for the last, anything
/// encoded, and every byte but letters, digits and `-._~/`.
pub fn check_plain(path: &str) -> Result<(), UrlError> {
    if path.len() > PATH_BYTES_MAX {
        return Err(UrlError::TooLong);
    }
    let rest = path.strip_prefix('/').ok_or(UrlError::NotAbsolute)?;
    if path.contains('%') {
        return Err(UrlError::Encoded);
    }
    if !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b)) {
        return Err(UrlError::Byte);
    }
    if path.contains("//") {
        return Err(UrlError::EmptySegment);
    }
    if rest.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(UrlError::DotSegment);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(path: &str, expected: Result<(Option<&str>, &str, Resource<'_>), UrlError>) {
        let found = PlaybackPath::parse(path).map(|p| (p.token, p.asset.as_str(), p.resource));
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn every_file_of_an_asset_has_one_path() {
        let track = TrackName("av1-360");
        for (file, resource) in [
            ("master.m3u8", Resource::Master),
            ("manifest.mpd", Resource::Manifest),
            ("poster.jpg", Resource::Poster),
            ("storyboard.vtt", Resource::Storyboard),
            ("key", Resource::Key),
            ("av1-360/media.m3u8", Resource::Media(track)),
            ("av1-360/init.mp4", Resource::Init(track)),
            ("av1-360/0.m4s", Resource::Segment(track, 0)),
            ("av1-360/4294967295.m4s", Resource::Segment(track, u32::MAX)),
            ("storyboard/0.jpg", Resource::Sheet(0)),
            ("storyboard/17.jpg", Resource::Sheet(17)),
        ] {
            check(&format!("/v/a1-b/{file}"), Ok((None, "a1-b", resource)));
            check(&format!("/p/0z_-Z/v/a1-b/{file}"), Ok((Some("0z_-Z"), "a1-b", resource)));
        }
    }

    #[test]
    fn the_public_path_never_holds_the_token() {
        let path = PlaybackPath::parse("/p/secret/v/a/t/7.m4s").unwrap();
        assert_eq!((path.public, path.to_string().as_str()), ("/v/a/t/7.m4s", "/v/a/t/7.m4s"));
    }

    #[test]
    fn each_refusal_has_its_name() {
        for (path, error) in [
            ("", UrlError::NotAbsolute),
            ("v/a/master.m3u8", UrlError::NotAbsolute),
            ("/", UrlError::NotPlayback),
            ("/v/a//master.m3u8", UrlError::EmptySegment),
            ("/v/a/", UrlError::File),
            ("/v/a/t/", UrlError::File),
            ("/v/a/..", UrlError::DotSegment),
            ("/p//v/a/master.m3u8", UrlError::EmptySegment),
            ("/v/a/../b/master.m3u8", UrlError::DotSegment),
            ("/v/a/./master.m3u8", UrlError::DotSegment),
            ("/v/a/%2e%2e/b/master.m3u8", UrlError::Encoded),
            ("/v/a%2fmaster.m3u8", UrlError::Encoded),
            ("/v/a/master.m3u8?x", UrlError::Byte),
            ("/v/a\\b/master.m3u8", UrlError::Byte),
            ("/v/a/master.m3u8\0", UrlError::Byte),
            ("/v/\u{e4}/master.m3u8", UrlError::Byte),
            ("/p/token", UrlError::Token),
            ("/p/to.ken/v/a/master.m3u8", UrlError::Token),
            ("/w/a/master.m3u8", UrlError::NotPlayback),
            ("/p/t/p/t/v/a/master.m3u8", UrlError::NotPlayback),
            ("/v/a", UrlError::NotPlayback),
            ("/v/a/t/u/0.m4s", UrlError::NotPlayback),
            ("/v/A/master.m3u8", UrlError::AssetId),
            ("/v/a_b/master.m3u8", UrlError::AssetId),
            ("/v/a/T/init.mp4", UrlError::TrackName),
            ("/v/a/master.m3u", UrlError::File),
            ("/v/a/t/0.mp4", UrlError::File),
            ("/v/a/t/0.jpg", UrlError::File),
            ("/v/a/storyboard/01.jpg", UrlError::SegmentNumber),
            ("/v/a/storyboard/.jpg", UrlError::SegmentNumber),
            ("/v/a/t/00.m4s", UrlError::SegmentNumber),
            ("/v/a/t/.m4s", UrlError::SegmentNumber),
            ("/v/a/t/-1.m4s", UrlError::SegmentNumber),
            ("/v/a/t/4294967296.m4s", UrlError::SegmentNumber),
        ] {
            check(path, Err(error));
        }
        check(&format!("/v/{}/master.m3u8", "a".repeat(65)), Err(UrlError::AssetId));
        check(&format!("/p/{}/v/a/master.m3u8", "a".repeat(TOKEN_CHARS_MAX + 1)), Err(UrlError::Token));
        check(&"/a".repeat(PATH_BYTES_MAX), Err(UrlError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_spelt_in_one_way_only(path in "/(p/[a-zA-Z0-9_%.]{1,3}/)?v/[a-z0-9.%]{1,3}/([a-z.]{1,2}/|storyboard/)?([0-9]{1,11}\\.m4s|[0-9]{1,2}\\.jpg|init\\.mp4|master\\.m3u8|\\.\\.)") {
            if let Ok(parsed) = PlaybackPath::parse(&path) {
                prop_assert_eq!(format!("/v/{}/{}", parsed.asset.as_str(), parsed.resource), parsed.public);
                let token = parsed.token.map_or(String::new(), |t| format!("/p/{t}"));
                prop_assert_eq!(token + parsed.public, path);
            }
        }
    }
}
