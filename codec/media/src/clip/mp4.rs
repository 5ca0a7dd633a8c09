//! A progressive MP4 file, `moov` first, of one track of pictures and at most one of sound: the smallest file that every
//! demuxer takes (ISO/IEC 14496-12). Only the clip is written with it, so everything fits in memory.

use std::io::{self, Write};

/// A track that is complete.
pub struct MovieTrack {
    /// Ticks a second.
    pub timescale: u32,
    /// A whole sample entry box (`avc1`, `mp4a`).
    pub sample_entry: Vec<u8>,
    /// What the track shows.
    pub medium: Medium,
    /// Ticks to skip before presentation time zero (edit list).
    pub skip: u64,
    /// Ticks that are presented; samples after them are padding.
    pub length: u64,
    /// In decoding order.
    pub samples: Vec<MovieSample>,
}

/// Which header boxes a track needs.
#[derive(Clone, Copy)]
pub enum Medium {
    /// Pictures of this size in pixels.
    Picture {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Sound.
    Sound,
}

/// One access unit; decoding order is presentation order.
pub struct MovieSample {
    /// Its bytes as they stand in `mdat`.
    pub data: Vec<u8>,
    /// In ticks of the track.
    pub duration: u32,
    /// Whether decoding may start here.
    pub sync: bool,
}

/// Longest run of one track in `mdat` before the other has its turn, in microseconds.
const INTERLEAVE_US: u64 = 500_000;
const MOVIE_TIMESCALE: u32 = 1000;

/// Writes the file.
pub fn write(out: &mut dyn Write, tracks: &[MovieTrack]) -> io::Result<()> {
    let order = interleave(tracks);
    let ftyp = boxed(b"ftyp", |body| body.extend_from_slice(b"isom\0\0\x02\0isomiso2avc1mp41"));
    // The size of `moov` does not depend on the offsets in it: measure, then write.
    let measured = moov(tracks, &order, 0).len();
    let payload = ftyp.len() + measured + 8;
    let moov = moov(tracks, &order, payload as u64);
    let media: usize = tracks.iter().flat_map(|track| &track.samples).map(|sample| sample.data.len()).sum();
    let size = u32::try_from(media + 8).map_err(|_| io::Error::other("the clip is larger than 4 GiB"))?;
    out.write_all(&ftyp)?;
    out.write_all(&moov)?;
    out.write_all(&size.to_be_bytes())?;
    out.write_all(b"mdat")?;
    for run in &order {
        for sample in &tracks[run.track].samples[run.samples.clone()] {
            out.write_all(&sample.data)?;
        }
    }
    Ok(())
}

/// A chunk in the sense of `stsc`: samples of one track that stand together.
struct Run {
    track: usize,
    samples: std::ops::Range<usize>,
    bytes: u64,
}

fn interleave(tracks: &[MovieTrack]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut next = vec![0usize; tracks.len()];
    let mut time_us = vec![0u64; tracks.len()];
    let mut until_us = INTERLEAVE_US;
    while next.iter().zip(tracks).any(|(&next, track)| next < track.samples.len()) {
        for (index, track) in tracks.iter().enumerate() {
            let (first, mut bytes) = (next[index], 0);
            while next[index] < track.samples.len() && time_us[index] < until_us {
                let sample = &track.samples[next[index]];
                bytes += sample.data.len() as u64;
                time_us[index] += u64::from(sample.duration) * 1_000_000 / u64::from(track.timescale);
                next[index] += 1;
            }
            if first < next[index] {
                runs.push(Run { track: index, samples: first..next[index], bytes });
            }
        }
        until_us += INTERLEAVE_US;
    }
    runs
}

fn moov(tracks: &[MovieTrack], order: &[Run], payload: u64) -> Vec<u8> {
    let duration =
        |track: &MovieTrack| (track.length * u64::from(MOVIE_TIMESCALE)).div_ceil(u64::from(track.timescale)) as u32;
    boxed(b"moov", |body| {
        body.extend(boxed(b"mvhd", |body| {
            words(body, &[0, 0, 0, MOVIE_TIMESCALE, tracks.iter().map(duration).max().unwrap_or(0)]);
            words(body, &[0x0001_0000, 0x0100_0000, 0, 0]);
            words(body, &IDENTITY);
            words(body, &[0, 0, 0, 0, 0, 0, tracks.len() as u32 + 1]);
        }));
        for (index, track) in tracks.iter().enumerate() {
            body.extend(boxed(b"trak", |body| trak(body, index, track, duration(track), order, payload)));
        }
    })
}

const IDENTITY: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

fn trak(body: &mut Vec<u8>, index: usize, track: &MovieTrack, duration: u32, order: &[Run], payload: u64) {
    let (volume, width, height) = match track.medium {
        Medium::Picture { width, height } => (0, width << 16, height << 16),
        Medium::Sound => (0x0100_0000, 0, 0),
    };
    body.extend(boxed(b"tkhd", |body| {
        words(body, &[3, 0, 0, index as u32 + 1, 0, duration, 0, 0, 0, volume]);
        words(body, &IDENTITY);
        words(body, &[width, height]);
    }));
    body.extend(boxed(b"edts", |body| {
        body.extend(boxed(b"elst", |body| words(body, &[0, 1, duration, track.skip as u32, 0x0001_0000])));
    }));
    body.extend(boxed(b"mdia", |body| {
        body.extend(boxed(b"mdhd", |body| {
            // 0x55c4: "und" in three times five bits.
            words(body, &[0, 0, 0, track.timescale, media_duration(track) as u32, 0x55c4_0000]);
        }));
        let (handler, header) = match track.medium {
            Medium::Picture { .. } => (b"vide", boxed(b"vmhd", |body| words(body, &[1, 0, 0]))),
            Medium::Sound => (b"soun", boxed(b"smhd", |body| words(body, &[0, 0]))),
        };
        body.extend(boxed(b"hdlr", |body| {
            words(body, &[0, 0, u32::from_be_bytes(*handler), 0, 0, 0]);
            body.push(0);
        }));
        body.extend(boxed(b"minf", |body| {
            body.extend(header);
            body.extend(boxed(b"dinf", |body| {
                body.extend(boxed(b"dref", |body| {
                    words(body, &[0, 1]);
                    body.extend(boxed(b"url ", |body| words(body, &[1])));
                }));
            }));
            body.extend(boxed(b"stbl", |body| stbl(body, index, track, order, payload)));
        }));
    }));
}

fn stbl(body: &mut Vec<u8>, index: usize, track: &MovieTrack, order: &[Run], payload: u64) {
    body.extend(boxed(b"stsd", |body| {
        words(body, &[0, 1]);
        body.extend_from_slice(&track.sample_entry);
    }));
    let mut durations: Vec<(u32, u32)> = Vec::new();
    for sample in &track.samples {
        match durations.last_mut() {
            Some((count, duration)) if *duration == sample.duration => *count += 1,
            _ => durations.push((1, sample.duration)),
        }
    }
    body.extend(boxed(b"stts", |body| {
        words(body, &[0, durations.len() as u32]);
        durations.iter().for_each(|&(count, duration)| words(body, &[count, duration]));
    }));
    if track.samples.iter().any(|sample| !sample.sync) {
        let sync: Vec<u32> =
            (1..).zip(&track.samples).filter(|(_, sample)| sample.sync).map(|(number, _)| number).collect();
        body.extend(boxed(b"stss", |body| {
            words(body, &[0, sync.len() as u32]);
            words(body, &sync);
        }));
    }
    let mut offset = payload;
    let mut chunks = Vec::new();
    for run in order {
        if run.track == index {
            chunks.push((offset as u32, run.samples.len() as u32));
        }
        offset += run.bytes;
    }
    body.extend(boxed(b"stsc", |body| {
        words(body, &[0, chunks.len() as u32]);
        (1..).zip(&chunks).for_each(|(number, &(_, samples))| words(body, &[number, samples, 1]));
    }));
    body.extend(boxed(b"stsz", |body| {
        words(body, &[0, 0, track.samples.len() as u32]);
        track.samples.iter().for_each(|sample| words(body, &[sample.data.len() as u32]));
    }));
    body.extend(boxed(b"stco", |body| {
        words(body, &[0, chunks.len() as u32]);
        chunks.iter().for_each(|&(offset, _)| words(body, &[offset]));
    }));
}

fn media_duration(track: &MovieTrack) -> u64 {
    track.samples.iter().map(|sample| u64::from(sample.duration)).sum()
}

/// `avc1` with its `avcC` (ISO/IEC 14496-15 section 5.4.2).
pub fn avc1(width: u32, height: u32, avcc: &[u8]) -> Vec<u8> {
    boxed(b"avc1", |body| {
        words(body, &[0, 1, 0, 0, 0, 0, width << 16 | height]);
        words(body, &[0x0048_0000, 0x0048_0000, 0]);
        body.extend_from_slice(&[0, 1]);
        body.extend_from_slice(&[0; 32]);
        body.extend_from_slice(&[0, 24, 0xff, 0xff]);
        body.extend(boxed(b"avcC", |body| body.extend_from_slice(avcc)));
    })
}

/// `mp4a` with its `esds` (ISO/IEC 14496-14 section 5.6).
pub fn mp4a(sample_rate: u32, channels: u16, asc: &[u8], bitrate: u32) -> Vec<u8> {
    boxed(b"mp4a", |body| {
        words(body, &[0, 1, 0, 0, u32::from(channels) << 16 | 16, 0, sample_rate << 16]);
        body.extend(boxed(b"esds", |body| {
            words(body, &[0]);
            let asc_size = asc.len() as u8;
            body.extend_from_slice(&[3, 23 + asc_size, 0, 1, 0, 4, 15 + asc_size, 0x40, 0x15, 0, 0, 0]);
            words(body, &[bitrate, bitrate]);
            body.extend_from_slice(&[5, asc_size]);
            body.extend_from_slice(asc);
            body.extend_from_slice(&[6, 1, 2]);
        }));
    })
}

fn boxed(kind: &[u8; 4], fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 0];
    bytes.extend_from_slice(kind);
    fill(&mut bytes);
    let size = bytes.len() as u32;
    bytes[..4].copy_from_slice(&size.to_be_bytes());
    bytes
}

fn words(body: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|word| body.extend_from_slice(&word.to_be_bytes()));
}
