//! Words for the full-text index. Scripts that write without spaces are cut into pairs, each beginning at every character
//! and a last one alone, so that any part of a run of them is found as a run of pairs. Everything else is left to SQLite's
//! `unicode61`, which folds case and accents.

use std::fmt::Write;

/// The text that is indexed.
pub(super) fn indexed(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for piece in pieces(text) {
        match piece {
            Piece::Word(word) => out.push_str(word),
            Piece::Run(run) => pairs(run, true, |pair| {
                out.push_str(pair);
                out.push(' ');
            }),
        }
        out.push(' ');
    }
    out
}

/// The FTS5 query that finds all words of what a person typed; `open`: of the last one the beginning is enough. `None`: no words.
pub(super) fn query(text: &str, words_max: usize, open: bool) -> Option<String> {
    let mut out = String::new();
    let mut words = text.split_whitespace().flat_map(pieces).take(words_max).peekable();
    while let Some(piece) = words.next() {
        let open = open && words.peek().is_none();
        match piece {
            // Quotes make it a string: no sign in it is an operator (sqlite.org/fts5.html section 3.1).
            Piece::Word(word) if word.chars().any(char::is_alphanumeric) => {
                let star = if open && word.ends_with(char::is_alphanumeric) { " *" } else { "" };
                let _ = write!(out, "\"{}\"{star} ", word.replace('"', " "));
            }
            Piece::Word(_) => {}
            // It begins a pair, or is the last of its run.
            Piece::Run(run) if run.chars().count() == 1 => {
                let _ = write!(out, "\"{run}\" * ");
            }
            Piece::Run(run) => {
                out.push('"');
                pairs(run, false, |pair| {
                    out.push_str(pair);
                    out.push(' ');
                });
                out.push_str("\" ");
            }
        }
    }
    (!out.is_empty()).then_some(out)
}

pub(super) enum Piece<'a> {
    Word(&'a str),
    Run(&'a str),
}

/// Runs of such scripts, and what stands between them.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let packed = is_packed(first);
        let end = rest.find(|c| is_packed(c) != packed).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(if packed { Piece::Run(piece) } else { Piece::Word(piece) })
    })
}

pub(super) fn pairs(run: &str, with_last: bool, mut tell: impl FnMut(&str)) {
    let ends: Vec<usize> = run.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
    let mut start = 0;
    for (n, &end) in ends.iter().enumerate() {
        match ends.get(n + 1) {
            Some(&next) => tell(&run[start..next]),
            None if with_last => tell(&run[start..end]),
            None => {}
        }
        start = end;
    }
}

/// Han, kana, hangul, Thai, Lao, Khmer, Burmese (Unicode 16 blocks).
fn is_packed(c: char) -> bool {
    matches!(u32::from(c),
        0x0e01..=0x0eff | 0x1000..=0x109f | 0x1100..=0x11ff | 0x1780..=0x17ff | 0x3041..=0x30ff | 0x3130..=0x318f
        | 0x31f0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xac00..=0xd7af | 0xf900..=0xfaff | 0xff66..=0xff9f
        | 0x20000..=0x3ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_scripts_are_cut_into_pairs_and_the_rest_is_left() {
        assert_eq!(indexed("東京都 tour").split_whitespace().collect::<Vec<_>>(), ["東京", "京都", "都", "tour"]);
        assert_eq!(indexed("4K夜"), "4K 夜  ");
    }

    #[test]
    fn what_a_person_types_is_never_an_operator() {
        let check = |text: &str, expected: Option<&str>| {
            let got = query(text, 16, true).map(|q| q.split_whitespace().collect::<Vec<_>>().join(" "));
            assert_eq!(got.as_deref(), expected, "{text}");
        };
        check("Tokyo ni", Some(r#""Tokyo" "ni" *"#));
        check("東京都", Some(r#""東京 京都 ""#));
        check("京", Some(r#""京" *"#));
        check(r#"a" OR NEAR(b"#, Some(r#""a " "OR" "NEAR(b" *"#));
        check(" * - ( ", None);
        check("", None);
    }

    #[test]
    fn words_that_are_whole_are_asked_as_they_are() {
        assert_eq!(query("Tokyo ni", 16, false).as_deref(), Some(r#""Tokyo" "ni" "#));
        assert_eq!(query("ni 京", 16, false).as_deref(), Some(r#""ni" "京" * "#));
    }
}
