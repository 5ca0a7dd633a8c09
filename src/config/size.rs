//! Sizes as people write them: `512 MiB`, `16 GiB`, or a plain number of bytes.

use serde::{Deserialize, Deserializer, Serialize};

/// A size as written; [`Size::bytes`] resolves it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Size {
    Bytes(u64),
    Text(String),
}

impl Size {
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// The number of bytes, or `None` when the text is not a size.
    pub fn bytes(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(*bytes),
            Self::Text(text) => {
                let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
                let (number, unit) = text.split_at(digits);
                let factor: u64 = match unit.trim() {
                    "" | "B" => 1,
                    "KiB" => 1 << 10,
                    "MiB" => 1 << 20,
                    "GiB" => 1 << 30,
                    "TiB" => 1 << 40,
                    _ => return None,
                };
                number.parse::<u64>().ok()?.checked_mul(factor)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a size such as \"512 MiB\" or a number of bytes")]
        enum Either {
            Bytes(u64),
            Text(String),
        }
        Ok(match Either::deserialize(from)? {
            Either::Bytes(bytes) => Self::Bytes(bytes),
            Either::Text(text) => Self::Text(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("512 MiB", Some(512 << 20)),
            ("16GiB", Some(16 << 30)),
            ("7", Some(7)),
            ("1 GB", None),
            ("MiB", None),
            ("99999999999 TiB", None),
        ] {
            assert_eq!(Size::text(text).bytes(), bytes, "{text}");
        }
    }
}
