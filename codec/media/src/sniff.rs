//! What a file is, by its content and never by its name. A wrong guess here would hand a playlist to FFmpeg, which then
//! reads other files; so only what is positively recognised goes on.

use crate::MediaError;
use crate::source_info::Container;

/// Bytes of the file's start that [`sniff`] wants to see: enough for eleven packets of a transport stream.
pub const SNIFF_BYTES: usize = 4096;

/// Recognises the start of a file; `bytes` are its first [`SNIFF_BYTES`] or all of it.
pub fn sniff(bytes: &[u8]) -> Result<Container, MediaError> {
    if bytes.is_empty() {
        return Err(MediaError::Empty);
    }
    if let Some(container) = container(bytes) {
        return Ok(container);
    }
    if let Some(kind) = playlist(bytes) {
        return Err(MediaError::Playlist { kind });
    }
    Err(MediaError::NotMedia { looks_like: looks_like(bytes) })
}

fn container(bytes: &[u8]) -> Option<Container> {
    let at = |offset: usize, magic: &[u8]| bytes.get(offset..).is_some_and(|rest| rest.starts_with(magic));
    let riff = |form: &[u8]| (at(0, b"RIFF") || at(0, b"RF64")) && at(8, form);
    Some(match bytes {
        _ if is_mp4(bytes) => Container::Mp4,
        _ if at(0, &[0x1a, 0x45, 0xdf, 0xa3]) => Container::Matroska,
        _ if at(0, b"YUV4MPEG2 ") => Container::Y4m,
        _ if at(0, b"DKIF") => Container::Ivf,
        _ if riff(b"AVI ") => Container::Avi,
        _ if riff(b"WAVE") => Container::Wav,
        _ if at(0, b"FLV\x01") => Container::Flv,
        _ if at(0, &[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11]) => Container::Asf,
        _ if at(0, b"OggS") => Container::Ogg,
        _ if at(0, b"fLaC") => Container::Flac,
        _ if at(0, &[0, 0, 1, 0xba]) => Container::MpegPs,
        _ if at(0, &[0, 0, 1, 0xb3]) => Container::MpegVideo,
        _ if is_transport_stream(bytes) => Container::MpegTs,
        _ if at(0, b"ID3") || is_mpeg_audio(bytes) => Container::Mp3,
        _ if is_adts(bytes) => Container::Adts,
        _ => return annex_b(bytes),
    })
}

/// The first box is one that such files begin with, and its size is possible (ISO/IEC 14496-12 section 4.2).
fn is_mp4(bytes: &[u8]) -> bool {
    let Some((size, kind)) = bytes.first_chunk::<8>().map(|head| head.split_at(4)) else { return false };
    let size = size.iter().fold(0_u32, |size, byte| size << 8 | u32::from(*byte));
    let first = [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"pnot", b"moof", b"sidx"];
    let heif = [&b"avif"[..], b"avis", b"heic", b"heix", b"mif1"];
    let brand = bytes.get(8..12).unwrap_or_default();
    let picture = kind == b"ftyp" && heif.contains(&brand) && brand != b"avis";
    // Padding may have an impossible size; the demuxer knows about that.
    first.iter().any(|known| known[..] == *kind) && (size >= 8 || size <= 1 || kind == b"free") && !picture
}

/// 0x47 every 188 bytes, or every 192 with a time stamp before each packet (Blu-ray).
fn is_transport_stream(bytes: &[u8]) -> bool {
    [(0, 188), (4, 192), (0, 204)].iter().any(|&(start, packet)| {
        let syncs: Vec<u8> = bytes.iter().skip(start).step_by(packet).take(5).copied().collect();
        (syncs.len() >= 3 || bytes.len() == start + packet) && syncs.iter().all(|byte| *byte == 0x47)
    })
}

/// Two frame headers of layer I to III in a row (ISO/IEC 11172-3 section 2.4.2.3).
fn is_mpeg_audio(bytes: &[u8]) -> bool {
    let Some(length) = mp3_frame_bytes(bytes) else { return false };
    bytes.len() <= length || mp3_frame_bytes(&bytes[length..]).is_some()
}

fn mp3_frame_bytes(bytes: &[u8]) -> Option<usize> {
    const KILOBITS_1: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const KILOBITS_2: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let [first, second, third] = *bytes.first_chunk()?;
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    if first != 0xff || second & 0xe0 != 0xe0 || layer != 1 || version == 1 {
        return None;
    }
    let rate = [44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3))?;
    let (rate, kilobits, slots) = match version {
        3 => (*rate, KILOBITS_1, 144),
        2 => (rate / 2, KILOBITS_2, 72),
        _ => (rate / 4, KILOBITS_2, 72),
    };
    let kilobits = *kilobits.get(usize::from(third >> 4)).filter(|kilobits| **kilobits > 0)?;
    Some(slots * kilobits * 1000 / rate + usize::from(third >> 1 & 1))
}

/// Two ADTS headers in a row (ISO/IEC 13818-7 section 6.2).
fn is_adts(bytes: &[u8]) -> bool {
    let length = |bytes: &[u8]| {
        let head = bytes.first_chunk::<7>()?;
        let sync = head[0] == 0xff && head[1] & 0xf6 == 0xf0;
        let length = usize::from(head[3] & 3) << 11 | usize::from(head[4]) << 3 | usize::from(head[5] >> 5);
        (sync && length > 7).then_some(length)
    };
    length(bytes).is_some_and(|first| bytes.len() <= first || length(&bytes[first..]).is_some())
}

/// A bare H.264 or HEVC stream: start code, then a parameter set.
fn annex_b(bytes: &[u8]) -> Option<Container> {
    let nal = bytes.strip_prefix(&[0, 0, 0, 1]).or_else(|| bytes.strip_prefix(&[0, 0, 1]))?;
    match *nal.first_chunk()? {
        [header, profile] if header & 0x9f == 7 && header & 0x60 != 0 => {
            [66, 77, 88, 100, 110, 122, 244].contains(&profile).then_some(Container::H264AnnexB)
        }
        [0x09, _] => Some(Container::H264AnnexB),
        [0x40, 1] | [0x46, 1] => Some(Container::HevcAnnexB),
        _ => None,
    }
}

/// Text that names media: HLS (RFC 8216), DASH, PLS, XSPF, SDP, FFmpeg's concat lists.
fn playlist(bytes: &[u8]) -> Option<&'static str> {
    let text = text_start(bytes)?;
    let start = |word: &str| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    Some(match text {
        _ if start("#EXTM3U") => "an HLS or M3U playlist",
        _ if text.contains("<MPD") => "a DASH manifest (mpd)",
        _ if text.contains("<SmoothStreamingMedia") => "a Smooth Streaming manifest",
        _ if start("[playlist]") => "a PLS playlist",
        _ if text.contains("<playlist") && text.contains("xspf") => "an XSPF playlist",
        _ if start("<asx") => "an ASX playlist",
        _ if start("ffconcat version") => "an FFmpeg concat list",
        _ if start("v=0\r\n") || start("v=0\no=") => "a session description (SDP)",
        _ => return None,
    })
}

/// The file's start as text, when it is text: UTF-8 without control characters, byte order mark and spaces taken off.
fn text_start(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The window may end inside a character.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let control = text.chars().any(|letter| letter.is_control() && !letter.is_ascii_whitespace());
    (!control).then(|| text.trim_start())
}

/// Names what people upload by mistake, with its article.
fn looks_like(bytes: &[u8]) -> &'static str {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if bytes.iter().all(|byte| *byte == 0) {
        return "zeros, a file that was created but never filled";
    }
    match bytes {
        _ if starts(b"\x89PNG") => "a PNG picture",
        _ if starts(&[0xff, 0xd8, 0xff]) => "a JPEG picture",
        _ if starts(b"GIF8") => "a GIF picture",
        _ if starts(b"%PDF") => "a PDF document",
        _ if starts(b"PK\x03\x04") => "a ZIP archive or office document",
        _ if starts(&[0x1f, 0x8b]) => "a gzip archive",
        _ if starts(b"7z\xbc\xaf") || starts(b"Rar!") => "an archive",
        _ if starts(b"\x7fELF") || starts(b"MZ") => "a program",
        _ if bytes.get(4..8) == Some(b"ftyp") => "a HEIF or AVIF picture",
        _ => match text_start(bytes) {
            Some(text) if is_html(text) => "an HTML page, perhaps of a site that wanted you to sign in first",
            Some(text) if text.starts_with("<?xml") || text.starts_with("<svg") => "an XML document",
            Some(text) if text.starts_with(['{', '[']) => "a JSON document",
            Some(_) => "text",
            None => "data in no known media format",
        },
    }
}

fn is_html(text: &str) -> bool {
    let head: String = text.chars().take(512).collect::<String>().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.contains("<html") || head.contains("<head")
}
