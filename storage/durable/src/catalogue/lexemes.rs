//! The words of `segment`, as PostgreSQL wants them: `tsvector` and `tsquery` literals, made here and not by its parser, so that
//! both databases find the same whatever the server's locale. Words are folded as SQLite's `unicode61` does: case and accents.

use std::fmt::Write;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::segment::{Piece, pairs, pieces};
use crate::limits::SEARCH_WORD_CHARS_MAX;

/// The vector of a text in parts, each with its weight (`A` to `D`).
pub(super) fn vector(parts: &[(&str, char)]) -> String {
    let mut out = String::new();
    let mut place = 0u32;
    for (text, weight) in parts {
        for piece in pieces(text) {
            let mut tell = |word: &str| {
                place += 1;
                let _ = write!(out, "'{word}':{place}{weight} ");
            };
            match piece {
                Piece::Word(word) => words(word).iter().for_each(|word| tell(word)),
                Piece::Run(run) => pairs(run, true, tell),
            }
            place += 1; // a phrase does not go on in the next piece
        }
    }
    out
}

/// The query that finds all words of what a person typed in the parts with these weights (none: in all); `open`: of the last one the
/// beginning is enough. `None`: no words.
pub(super) fn query(text: &str, words_max: usize, open: bool, weights: &str) -> Option<String> {
    let mut wanted = Vec::new();
    let mut typed = text.split_whitespace().flat_map(pieces).take(words_max).peekable();
    while let Some(piece) = typed.next() {
        let open = open && typed.peek().is_none();
        let (phrase, open) = match piece {
            Piece::Word(word) => (words(word), open && word.ends_with(char::is_alphanumeric)),
            Piece::Run(run) if run.chars().count() == 1 => (vec![run.to_owned()], true),
            Piece::Run(run) => {
                let mut phrase = Vec::new();
                pairs(run, false, |pair| phrase.push(pair.to_owned()));
                (phrase, false)
            }
        };
        if !phrase.is_empty() {
            let last = phrase.len() - 1;
            let asked = phrase.iter().enumerate().map(|(n, word)| {
                let star = if open && n == last { "*" } else { "" };
                if star.is_empty() && weights.is_empty() {
                    format!("'{word}'")
                } else {
                    format!("'{word}':{star}{weights}")
                }
            });
            wanted.push(format!("({})", asked.collect::<Vec<_>>().join(" <-> ")));
        }
    }
    (!wanted.is_empty()).then(|| wanted.join(" & "))
}

/// Letters and digits only, so nothing in a word can end its quotes.
fn words(piece: &str) -> Vec<String> {
    let folded: String = piece.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(SEARCH_WORD_CHARS_MAX).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_weighed_and_packed_scripts_are_pairs() {
        assert_eq!(vector(&[("Résumé 東京都", 'A'), ("b", 'D')]), "'resume':1A '東京':3A '京都':4A '都':5A 'b':7D ");
    }

    #[test]
    fn what_a_person_types_is_never_an_operator() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(query(text, 16, true, "").as_deref(), expected, "{text}");
        };
        check("Tōkyō ni", Some("('tokyo') & ('ni':*)"));
        check("東京都", Some("('東京' <-> '京都')"));
        check("a' | !b:*", Some("('a') & ('b')"));
        check("clip.mp4", Some("('clip' <-> 'mp4':*)"));
        check(" * - ( ", None);
    }

    #[test]
    fn every_word_is_asked_for_in_the_part_that_is_meant() {
        assert_eq!(query("sea clip.mp4", 16, true, "A").as_deref(), Some("('sea':A) & ('clip':A <-> 'mp4':*A)"));
        assert_eq!(query("東京都 4k", 16, false, "A").as_deref(), Some("('東京':A <-> '京都':A) & ('4k':A)"));
    }
}
