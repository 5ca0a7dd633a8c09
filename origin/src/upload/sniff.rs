//! What is certainly no video is refused with its first bytes, before gigabytes of it were sent. What may be one is for the
//! probe to say.

/// Beginnings of files that people upload by mistake, and what they are.
const OTHERS: &[(&[u8], &str)] = &[
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"#EXTM3U", "a playlist"),
    (b"#!", "a script"),
    (b"SQLite format 3", "a database"),
];

/// What it is, when it is certainly no video.
pub(super) fn no_video(first: &[u8]) -> Option<&'static str> {
    if let Some((_, what)) = OTHERS.iter().find(|(beginning, _)| first.starts_with(beginning)) {
        return Some(what);
    }
    let text = first.trim_ascii_start();
    let is =
        |beginning: &str| text.get(..beginning.len()).is_some_and(|b| b.eq_ignore_ascii_case(beginning.as_bytes()));
    ["<!doctype", "<html", "<?xml", "<mpd", "<svg"].into_iter().any(is).then_some("a page or an XML document")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_video_is_let_through() {
        for (first, expected) in [
            (&b"%PDF-1.7"[..], Some("a PDF document")),
            (b" \n<!DOCTYPE html>", Some("a page or an XML document")),
            (b"#EXTM3U\n", Some("a playlist")),
            (b"\0\0\0\x20ftypisom", None),
            (b"\x1a\x45\xdf\xa3", None),
            (b"\x47", None),
            (b"", None),
        ] {
            assert_eq!(no_video(first), expected);
        }
    }
}
