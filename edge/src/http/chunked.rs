//! The chunked transfer coding (RFC 9112 section 7.1), read as bytes come.

/// The bytes are not the chunked coding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BadChunk;

/// Longest size line with its extensions, and longest trailer section.
const LINE_BYTES_MAX: usize = 256;
const TRAILER_BYTES_MAX: usize = 8 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Size {
        value: u64,
        digits: u8,
    },
    /// Blanks behind the size, as some writers pad it: another digit behind them would be another size to another reader.
    Blank,
    Extension,
    SizeLf {
        value: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    Trailer {
        line_is_empty: bool,
    },
    TrailerLf {
        line_is_empty: bool,
    },
    Done,
}

/// Where in a chunked body we are.
#[derive(Debug)]
pub(crate) struct Decoder {
    state: State,
    /// Size whose line is being read, while an extension follows it.
    size: u64,
    line: usize,
}

/// What one step found at the start of the input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// This many bytes were framing.
    Skip(usize),
    /// This many bytes are body.
    Data(usize),
    /// The body ended; nothing of the input was taken.
    End,
}

impl Decoder {
    pub(crate) fn new() -> Decoder {
        Decoder { state: State::Size { value: 0, digits: 0 }, size: 0, line: 0 }
    }

    /// Whether the body has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Looks at the start of `input`, which is not empty.
    pub(crate) fn step(&mut self, input: &[u8]) -> Result<Step, BadChunk> {
        if self.is_done() {
            return Ok(Step::End);
        }
        if let State::Data { left } = self.state {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
            let left = left - count as u64;
            self.state = if left == 0 { State::DataCr } else { State::Data { left } };
            return Ok(Step::Data(count));
        }
        let mut taken = 0;
        for byte in input {
            taken += 1;
            self.framing(*byte)?;
            if matches!(self.state, State::Data { .. } | State::Done) {
                break;
            }
        }
        Ok(Step::Skip(taken))
    }

    fn framing(&mut self, byte: u8) -> Result<(), BadChunk> {
        self.line += 1;
        let is_trailer = matches!(self.state, State::Trailer { .. } | State::TrailerLf { .. });
        if self.line > if is_trailer { TRAILER_BYTES_MAX } else { LINE_BYTES_MAX } {
            return Err(BadChunk);
        }
        self.state = match (self.state, byte) {
            (State::Size { value, digits }, b) if b.is_ascii_hexdigit() => {
                if digits == 15 {
                    return Err(BadChunk);
                }
                let digit = (b as char).to_digit(16).ok_or(BadChunk)?;
                State::Size { value: value * 16 + u64::from(digit), digits: digits + 1 }
            }
            (State::Size { value, digits: 1.. }, b'\r') => State::SizeLf { value },
            (State::Size { value, digits: 1.. }, b';') => {
                self.size = value;
                State::Extension
            }
            (State::Size { value, digits: 1.. }, b' ' | b'\t') => {
                self.size = value;
                State::Blank
            }
            (State::Blank, b' ' | b'\t') => State::Blank,
            (State::Blank, b';') => State::Extension,
            (State::Blank, b'\r') => State::SizeLf { value: self.size },
            (State::Extension, b'\r') => State::SizeLf { value: self.size },
            (State::Extension, b'\n' | 0) => return Err(BadChunk),
            (State::Extension, _) => State::Extension,
            (State::SizeLf { value: 0 }, b'\n') => {
                self.line = 0;
                State::Trailer { line_is_empty: true }
            }
            (State::SizeLf { value }, b'\n') => {
                self.line = 0;
                State::Data { left: value }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => {
                self.line = 0;
                State::Size { value: 0, digits: 0 }
            }
            (State::Trailer { line_is_empty }, b'\r') => State::TrailerLf { line_is_empty },
            (State::Trailer { .. }, b'\n' | 0) => return Err(BadChunk),
            (State::Trailer { .. }, _) => State::Trailer { line_is_empty: false },
            (State::TrailerLf { line_is_empty: true }, b'\n') => State::Done,
            (State::TrailerLf { .. }, b'\n') => State::Trailer { line_is_empty: true },
            _ => return Err(BadChunk),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes `text` given in pieces of `piece` bytes: the body, and how much was left over.
    fn check(text: &[u8], piece: usize) -> Result<(Vec<u8>, bool, usize), BadChunk> {
        let mut decoder = Decoder::new();
        let mut body = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let input = &text[at..text.len().min(at + piece)];
            match decoder.step(input)? {
                Step::Skip(n) => at += n,
                Step::Data(n) => {
                    body.extend_from_slice(&input[..n]);
                    at += n;
                }
                Step::End => break,
            }
        }
        Ok((body, decoder.is_done(), text.len() - at))
    }

    #[test]
    fn bodies_come_out_the_same_however_they_are_cut() {
        let text = b"4\r\nWiki\r\n6;a=\"b\"\r\npedia \r\nE \r\nin \r\n\r\nchunks.\r\n0\r\nX: y\r\n\r\nGET /";
        for piece in 1..text.len() {
            let (body, done, left) = check(text, piece).expect("valid");
            assert_eq!(body, b"Wikipedia in \r\n\r\nchunks.");
            assert!(done);
            assert_eq!(left, 5);
        }
    }

    #[test]
    fn bad_framing_is_refused() {
        for text in [
            &b"4\nWiki\r\n0\r\n\r\n"[..],
            b"4\r\nWikiX\n0\r\n\r\n",
            b"-4\r\nWiki\r\n",
            b"\r\n",
            b";x\r\n",
            b"0x4\r\nWiki\r\n",
            b"1000000000000000\r\n",
            b"4;a\nb\r\nWiki\r\n",
            b"0\r\nX: y\n\r\n",
        ] {
            assert_eq!(check(text, 3), Err(BadChunk), "{:?}", String::from_utf8_lossy(text));
        }
        let endless = format!("4;{}", "x".repeat(LINE_BYTES_MAX));
        assert_eq!(check(endless.as_bytes(), 64), Err(BadChunk));
    }

    #[test]
    fn a_cut_body_is_not_done() {
        assert_eq!(check(b"4\r\nWi", 9), Ok((b"Wi".to_vec(), false, 0)));
        assert_eq!(check(b"4\r\nWiki\r\n0\r\n", 9), Ok((b"Wiki".to_vec(), false, 0)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), piece in 1usize..20) {
            let _ = check(&bytes, piece);
        }
    }
}
