//! The CMAF header: `ftyp` and `moov` of one track (ISO/IEC 23000-19 section 7.3.1).

use super::TRACK_ID;
use super::language;
use crate::mp4::colr::Colour;
use crate::mp4::elst::Elst;
use crate::mp4::ftyp::Ftyp;
use crate::mp4::hdlr::Hdlr;
use crate::mp4::mdhd::Mdhd;
use crate::mp4::mehd::Mehd;
use crate::mp4::mvhd::Mvhd;
use crate::mp4::stsd::{CodecConfig, Shape, Stsd};
use crate::mp4::tkhd::Tkhd;
use crate::mp4::trex::Trex;
use crate::mp4::{FourCc, Mp4Error, child, dref, put_box, smhd, stco, stsc, stsz, stts, vmhd};
use crate::presentation::{Ratio, TrackKind};

/// What a header says about its track.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackInit {
    /// Ticks a second of the track and of the movie.
    pub timescale: u32,
    /// The decoder's configuration.
    pub config: CodecConfig,
    /// Picture or sound; must fit `config`.
    pub kind: TrackKind,
    /// What the picture's numbers mean, when known.
    pub colour: Option<Colour>,
    /// Ticks of priming before presentation time zero, written as `elst` media_time; 0: no edit list.
    pub skip: u64,
    /// Ticks of the whole track, written as `mehd`; 0: not said.
    pub duration: u64,
}

/// A header as read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Init {
    /// Major and compatible brands.
    pub brands: Ftyp,
    /// See [`TrackInit::timescale`].
    pub timescale: u32,
    /// See [`TrackInit::skip`].
    pub skip: u64,
    /// See [`TrackInit::duration`].
    pub duration: u64,
    /// Size on the screen in whole pixels, 0 x 0 for sound.
    pub display_size: (u32, u32),
    /// ISO 639-2/T.
    pub language: [u8; 3],
    /// The sample entry.
    pub entry: Stsd,
}

/// Writes the header. Equal input gives equal bytes.
///
/// Sizes above 65535 are written as 65535, which is what their fields hold.
pub fn init_segment(track: &TrackInit) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    brands(&track.config).write(&mut out, b"ftyp");
    put_box(&mut out, b"moov", |out| {
        Mvhd { timescale: track.timescale }.write(out);
        put_box(out, b"trak", |out| put_trak(out, track));
        put_box(out, b"mvex", |out| {
            if track.duration > 0 {
                Mehd { fragment_duration: track.duration }.write(out);
            }
            Trex { track_id: TRACK_ID }.write(out);
        });
    });
    out
}

/// `cmfc`: CMAF's structure; `cmf2`: signed offsets instead of edit lists for pictures, all defaults in the fragments
/// (section 7.2). `iso6` brings `tfdt`, `styp` and `sidx`; `av01` is asked for by AV1 in ISOBMFF section 2.1.
pub(super) fn brands(config: &CodecConfig) -> Ftyp {
    let mut compatible = vec![FourCc(*b"iso6"), FourCc(*b"cmfc"), FourCc(*b"cmf2")];
    if matches!(config, CodecConfig::Av1 { .. }) {
        compatible.push(FourCc(*b"av01"));
    }
    Ftyp { major: FourCc(*b"iso6"), compatible }
}

fn put_trak(out: &mut Vec<u8>, track: &TrackInit) {
    let (handler, (width, height), language) = match &track.kind {
        TrackKind::Video { width, height, pixel_aspect, .. } => {
            (Hdlr::Video, display_size(*width, *height, *pixel_aspect), *b"und")
        }
        TrackKind::Audio { language, .. } => (Hdlr::Audio, (0, 0), language::iso_639_2(language)),
    };
    Tkhd { track_id: TRACK_ID, audio: handler == Hdlr::Audio, width, height }.write(out);
    if track.skip > 0 {
        put_box(out, b"edts", |out| Elst { segment_duration: 0, media_time: track.skip }.write(out));
    }
    put_box(out, b"mdia", |out| {
        Mdhd { timescale: track.timescale, language }.write(out);
        handler.write(out);
        put_box(out, b"minf", |out| {
            match handler {
                Hdlr::Video => vmhd::write(out),
                Hdlr::Audio => smhd::write(out),
            }
            put_box(out, b"dinf", dref::write);
            put_box(out, b"stbl", |out| {
                sample_entry(track).write(out);
                stts::write(out);
                stsc::write(out);
                stsz::write(out);
                stco::write(out);
            });
        });
    });
}

fn sample_entry(track: &TrackInit) -> Stsd {
    let clamp = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
    let shape = match track.kind {
        TrackKind::Video { width, height, pixel_aspect, .. } => {
            Shape::Visual { width: clamp(width), height: clamp(height), pixel_aspect, colour: track.colour }
        }
        TrackKind::Audio { sample_rate, channels, .. } => Shape::Audio { channels, sample_rate },
    };
    Stsd { config: track.config.clone(), shape }
}

/// Size on the screen, 16.16: pixels that are not square stretch the width (section 8.3.2.1).
fn display_size(width: u32, height: u32, aspect: Ratio) -> (u32, u32) {
    let fixed = |pixels: u64, num: u32, den: u32| {
        let scaled = u128::from(pixels << 16) * u128::from(num) / u128::from(den.max(1));
        u32::try_from(scaled).unwrap_or(0xffff_0000)
    };
    (fixed(width.into(), aspect.num, aspect.den), fixed(height.into(), 1, 1))
}

/// Reads a header with one track, as [`init_segment`] and other CMAF packagers write it.
pub fn read_init(bytes: &[u8]) -> Result<Init, Mp4Error> {
    let root = |kind| need(b"file", bytes, kind);
    let brands = Ftyp::read(root(b"ftyp")?)?;
    let moov = root(b"moov")?;
    let movie = Mvhd::read(need(b"moov", moov, b"mvhd")?)?;
    let trak = need(b"moov", moov, b"trak")?;
    let mvex = need(b"moov", moov, b"mvex")?;
    let tkhd = Tkhd::read(need(b"trak", trak, b"tkhd")?)?;
    let trex = Trex::read(need(b"mvex", mvex, b"trex")?)?;
    if trex.track_id != tkhd.track_id {
        return Err(Mp4Error::Unsupported(FourCc(*b"trex"), "another track"));
    }
    let fragment_duration =
        child(b"mvex", mvex, b"mehd")?.map(Mehd::read).transpose()?.map_or(0, |m| m.fragment_duration);
    let skip = match child(b"trak", trak, b"edts")? {
        None => 0,
        Some(edts) => Elst::read(need(b"edts", edts, b"elst")?)?.media_time,
    };
    let mdia = need(b"trak", trak, b"mdia")?;
    let mdhd = Mdhd::read(need(b"mdia", mdia, b"mdhd")?)?;
    let handler = Hdlr::read(need(b"mdia", mdia, b"hdlr")?)?;
    let stbl = need(b"minf", need(b"mdia", mdia, b"minf")?, b"stbl")?;
    let entry = Stsd::read(need(b"stbl", stbl, b"stsd")?)?;
    if (handler == Hdlr::Video) != matches!(entry.shape, Shape::Visual { .. }) {
        return Err(Mp4Error::Unsupported(FourCc(*b"hdlr"), "does not fit the sample entry"));
    }
    stts::read(need(b"stbl", stbl, b"stts")?)?;
    stsc::read(need(b"stbl", stbl, b"stsc")?)?;
    stsz::read(need(b"stbl", stbl, b"stsz")?)?;
    stco::read(need(b"stbl", stbl, b"stco")?)?;
    let duration = u128::from(fragment_duration) * u128::from(mdhd.timescale) / u128::from(movie.timescale.max(1));
    Ok(Init {
        brands,
        timescale: mdhd.timescale,
        skip,
        duration: u64::try_from(duration).map_err(|_| Mp4Error::Unsupported(FourCc(*b"mehd"), "duration"))?,
        display_size: (tkhd.width >> 16, tkhd.height >> 16),
        language: mdhd.language,
        entry,
    })
}

pub(super) fn need<'a>(parent: &[u8; 4], bytes: &'a [u8], kind: &[u8; 4]) -> Result<&'a [u8], Mp4Error> {
    child(parent, bytes, kind)?.ok_or(Mp4Error::Missing(FourCc(*kind)))
}
