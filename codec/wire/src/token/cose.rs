//! The envelope: `COSE_Sign1` or `COSE_Mac0` (RFC 9052 sections 4.2 and 6.2), inside the CWT tag (RFC 8392 section 6).

use std::borrow::Cow;

use super::TokenError;
use super::cbor::{Decoder, Label, put_array, put_bytes, put_int, put_map, put_tag, put_text};
use super::key::SigningKey;
use crate::limits::KID_BYTES_MAX;

const CWT: u64 = 61;
const ALG: i64 = 1;
const KID: i64 = 4;

/// Which of the two messages: both are four items, told apart by their tag and by what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Sign1,
    Mac0,
}

impl Shape {
    fn tag(self) -> u64 {
        match self {
            Self::Sign1 => 18,
            Self::Mac0 => 17,
        }
    }

    fn context(self) -> &'static str {
        match self {
            Self::Sign1 => "Signature1",
            Self::Mac0 => "MAC0",
        }
    }
}

/// A token taken apart, nothing verified.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    /// By the tag, when there is one.
    pub(super) shape: Option<Shape>,
    pub(super) alg: i64,
    pub(super) kid: &'a [u8],
    pub(super) signature: &'a [u8],
    protected: &'a [u8],
    payload: Payload<'a>,
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
enum Payload<'a> {
    /// As RFC 9052 section 2 has it.
    Bytes(&'a [u8]),
    /// The same bytes as hex digits in a text string: the package @eyevinn/cat signs them so. The signature is over the text, so one
    /// token has one reading here as well.
    Hex(&'a str),
}

impl<'a> Envelope<'a> {
    /// Takes the message apart. The algorithm must be protected, the key's id may stand in either header, and nothing else
    /// may stand in them.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, TokenError> {
        let mut message = Decoder::new(bytes);
        let mut tag = message.tag()?;
        if tag == Some(CWT) {
            tag = message.tag()?;
        }
        let shape = match tag {
            None => None,
            Some(tag) => {
                Some([Shape::Sign1, Shape::Mac0].into_iter().find(|s| s.tag() == tag).ok_or(TokenError::Malformed)?)
            }
        };
        if message.array()? != 4 {
            return Err(TokenError::Malformed);
        }
        let protected = message.bytes()?;
        let (mut alg, mut kid) = (None, None);
        let mut header = Decoder::new(protected);
        read_header(&mut header, Some(&mut alg), &mut kid)?;
        header.end()?;
        read_header(&mut message, None, &mut kid)?;
        let payload =
            if message.next_is_text() { Payload::Hex(message.text()?) } else { Payload::Bytes(message.bytes()?) };
        let signature = message.bytes()?;
        message.end()?;
        Ok(Self {
            shape,
            alg: alg.ok_or(TokenError::Algorithm)?,
            kid: kid.ok_or(TokenError::KeyMissing)?,
            signature,
            protected,
            payload,
        })
    }

    /// What the signature is made over.
    pub(super) fn signed_bytes(&self, shape: Shape) -> Vec<u8> {
        signed_bytes(shape, self.protected, self.payload)
    }

    /// The claims' bytes.
    pub(super) fn claims(&self) -> Result<Cow<'a, [u8]>, TokenError> {
        match self.payload {
            Payload::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Payload::Hex(text) => from_hex(text).map(Cow::Owned),
        }
    }
}

/// Reads one header map; `alg` is refused where its place is `None`.
fn read_header<'a>(
    header: &mut Decoder<'a>,
    mut alg: Option<&mut Option<i64>>,
    kid: &mut Option<&'a [u8]>,
) -> Result<(), TokenError> {
    for _ in 0..header.map()? {
        let twice = match (header.label()?, &mut alg) {
            (Label::Int(ALG), Some(alg)) => alg.replace(header.int()?).is_some(),
            (Label::Int(KID), _) => kid.replace(header.bytes()?).is_some(),
            _ => return Err(TokenError::HeaderUnknown),
        };
        if twice || kid.is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
            return Err(TokenError::Malformed);
        }
    }
    Ok(())
}

/// `Sig_structure` (section 4.4) and `MAC_structure` (section 6.3), with no external data.
fn signed_bytes(shape: Shape, protected: &[u8], payload: Payload<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    put_array(&mut out, 4);
    put_text(&mut out, shape.context());
    put_bytes(&mut out, protected);
    put_bytes(&mut out, &[]);
    match payload {
        Payload::Bytes(bytes) => put_bytes(&mut out, bytes),
        Payload::Hex(text) => put_text(&mut out, text),
    }
    out
}

/// Pairs of small hex digits.
fn from_hex(text: &str) -> Result<Vec<u8>, TokenError> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(TokenError::Malformed),
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(TokenError::Malformed) };
    pairs.iter().map(|[high, low]| Ok(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// Puts a payload into a tagged message, both headers protected.
pub(super) fn seal(payload: &[u8], key: &SigningKey) -> Vec<u8> {
    let mut protected = Vec::with_capacity(32);
    put_map(&mut protected, 2);
    put_int(&mut protected, ALG);
    put_int(&mut protected, key.algorithm());
    put_int(&mut protected, KID);
    put_bytes(&mut protected, key.kid().as_bytes());
    let signature = key.sign(&signed_bytes(key.shape(), &protected, Payload::Bytes(payload)));
    let mut out = Vec::with_capacity(protected.len() + payload.len() + signature.len() + 16);
    // The tag may be left out (RFC 8392 section 6). There are readers that know none before a signature, and readers that want one
    // before a MAC.
    if key.shape() == Shape::Mac0 {
        put_tag(&mut out, CWT);
    }
    put_tag(&mut out, key.shape().tag());
    put_array(&mut out, 4);
    put_bytes(&mut out, &protected);
    put_map(&mut out, 0);
    put_bytes(&mut out, payload);
    put_bytes(&mut out, &signature);
    out
}
