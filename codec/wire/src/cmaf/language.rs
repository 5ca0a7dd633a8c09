//! `mdhd` wants three letters (ISO 639-2/T) where the presentation has a BCP 47 tag.

/// Two-letter codes that uploads carry, with the code `mdhd` wants.
const TWO_LETTERS: &[(&str, &[u8; 3])] = &[
    ("ar", b"ara"),
    ("bg", b"bul"),
    ("bn", b"ben"),
    ("ca", b"cat"),
    ("cs", b"ces"),
    ("da", b"dan"),
    ("de", b"deu"),
    ("el", b"ell"),
    ("en", b"eng"),
    ("es", b"spa"),
    ("et", b"est"),
    ("fa", b"fas"),
    ("fi", b"fin"),
    ("fr", b"fra"),
    ("he", b"heb"),
    ("hi", b"hin"),
    ("hr", b"hrv"),
    ("hu", b"hun"),
    ("id", b"ind"),
    ("it", b"ita"),
    ("ja", b"jpn"),
    ("ko", b"kor"),
    ("lt", b"lit"),
    ("lv", b"lav"),
    ("ms", b"msa"),
    ("nl", b"nld"),
    ("no", b"nor"),
    ("pl", b"pol"),
    ("pt", b"por"),
    ("ro", b"ron"),
    ("ru", b"rus"),
    ("sk", b"slk"),
    ("sl", b"slv"),
    ("sr", b"srp"),
    ("sv", b"swe"),
    ("th", b"tha"),
    ("tr", b"tur"),
    ("uk", b"ukr"),
    ("vi", b"vie"),
    ("zh", b"zho"),
];

/// The code for a tag: its own three letters, the table's, or `und`.
pub(super) fn iso_639_2(tag: &str) -> [u8; 3] {
    let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let letters = primary.as_bytes();
    match <[u8; 3]>::try_from(letters) {
        Ok(three) if three.iter().all(u8::is_ascii_lowercase) => three,
        _ => TWO_LETTERS.iter().find(|(two, _)| *two == primary).map_or(*b"und", |(_, three)| **three),
    }
}
