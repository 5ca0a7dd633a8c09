//! Encode speed: `media::transcode` on all cores against the `rav1e` tool, same pictures, same settings.
//!
//! The tool gets the pictures decoded, as Y4M; ours decodes, scales and packages them itself, as it does at work. Ours
//! cuts the film into closed GOPs of a segment's length, so the tool gets the same distance of keyframes.

use crate::machine;
use crate::options::Options;
use crate::peers::rav1e::{self, Settings};
use crate::process::own_and_children_cpu_seconds;
use crate::report::{Spread, Table};
use anyhow::{Context, Result, bail};
use media::clip::{self, ClipSpec};
use media::transcode::{Event, transcode};
use media::{FrameSource, Ladder, MediaError, Plan, SourceInfo, Tools};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Long enough for several chunks on each core, short enough for a coffee.
const CLIP_SECONDS: u32 = 32;
/// A round takes about a minute on two cores; more than three tell nothing new.
const ROUNDS_MAX: u32 = 3;
/// Of the speed of one single-threaded process of the tool, a core.
const GOAL_A_CORE: f64 = 0.9;

/// One encode: wall clock, CPU time of all that took part, bytes.
#[derive(Clone, Copy)]
struct Run {
    seconds: f64,
    cpu_seconds: f64,
    bytes: u64,
}

struct Film {
    path: PathBuf,
    y4m: PathBuf,
    info: SourceInfo,
    plan: Plan,
    frames: u64,
    settings: Settings,
}

/// Measures one AV1 rendition of the size of the source.
pub fn run(options: &Options) -> Result<Table> {
    let cores = machine::allowed_cores().len();
    let tool = rav1e::tool()?;
    let scratch = tempfile::Builder::new().prefix("streamgate-bench-encode-").tempdir()?;
    eprintln!("encode: making {CLIP_SECONDS} s of pictures");
    let film = film(scratch.path())?;
    let ivf = scratch.path().join("out.ivf");
    let rounds = options.rounds.min(ROUNDS_MAX);
    let mut runs: [Vec<Run>; 4] = Default::default();
    for round in 1..=rounds {
        eprintln!("encode: round {round} of {rounds}");
        runs[0].push(timed(|| rav1e::encode(&tool, &film.y4m, &ivf, film.settings, 1))?);
        runs[1].push(timed(|| rav1e::encode(&tool, &film.y4m, &ivf, film.settings, 0))?);
        runs[2].push(timed(|| ours_once(&film, cores))?);
        runs[3].push(timed(|| decode_alone(&film))?);
    }
    table(&film, cores, rounds, &runs)
}

/// `encode` returns the bytes it made.
fn timed(encode: impl FnOnce() -> Result<u64>) -> Result<Run> {
    let (started, cpu_before) = (Instant::now(), own_and_children_cpu_seconds()?);
    let bytes = encode()?;
    Ok(Run {
        seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: own_and_children_cpu_seconds()? - cpu_before,
        bytes,
    })
}

fn table(film: &Film, cores: usize, rounds: u32, runs: &[Vec<Run>; 4]) -> Result<Table> {
    let spread = |figures: Vec<f64>| Spread::of(&figures).context("no round was run");
    let ratio = spread(runs[2].iter().zip(&runs[0]).map(|(ours, single)| single.seconds / ours.seconds).collect())?;
    let share = |(decode, ours): (&Run, &Run)| 100.0 * decode.cpu_seconds / ours.cpu_seconds;
    let share = spread(runs[3].iter().zip(&runs[2]).map(share).collect())?;
    let goal = GOAL_A_CORE * cores as f64;
    let frames = film.frames as f64;
    let names =
        ["rav1e tool, 1 thread".to_owned(), format!("rav1e tool, {cores} cores"), format!("ours, {cores} cores")];
    let rows = names.into_iter().zip(runs).map(|(name, runs)| {
        let per_second = spread(runs.iter().map(|run| frames / run.seconds).collect())?;
        let per_cpu_second = spread(runs.iter().map(|run| frames / run.cpu_seconds).collect())?;
        let rate = spread(runs.iter().map(|run| 8e-3 * run.bytes as f64 / f64::from(CLIP_SECONDS)).collect())?;
        Ok(vec![name, format!("{per_second:.1}"), format!("{per_cpu_second:.1}"), format!("{:.0} kbit/s", rate.median)])
    });
    let rung = &film.plan.rungs[0];
    Ok(Table {
        title: format!("AV1 encoding against the rav1e tool {}", rav1e::VERSION),
        columns: ["", "frames a second", "frames a CPU-second", "size"].map(str::to_owned).to_vec(),
        rows: rows.collect::<Result<_>>()?,
        notes: vec![
            format!(
                "ours over one thread of the tool: {ratio:.2}; goal {goal:.1} (0.9 a core) {}",
                if ratio.median >= goal { "met" } else { "missed" }
            ),
            format!(
                "{} frames of {}x{}, speed {}, quantizer {}, a keyframe each {} frames, {}; median (smallest-largest) of {rounds} rounds",
                film.frames,
                rung.width,
                rung.height,
                rung.speed,
                rung.quantizer,
                film.settings.keyframe_every,
                if cfg!(feature = "asm") {
                    "hand-written SIMD in both"
                } else {
                    "no hand-written SIMD in either (nasm is missing)"
                }
            ),
            format!("decoding the source takes {share:.1} % of the CPU time of ours (the reason of decision 0051)"),
            "the tool reads decoded pictures; ours decodes H.264, scales and packages as well".into(),
        ],
    })
}

fn film(folder: &Path) -> Result<Film> {
    let path = folder.join("clip.mp4");
    clip::write(&path, &ClipSpec { seconds: CLIP_SECONDS, audio: false, ..ClipSpec::default() })?;
    let info = media::probe(&path, &Tools::none())?;
    let video = info.video.as_ref().context("the clip has no pictures")?;
    let (width, height) = video.upright_size();
    let plan = media::plan(&info, &Ladder { heights: vec![width.min(height)], ..Ladder::default() })?;
    let [rung] = plan.rungs.as_slice() else {
        bail!("expected one rendition to encode, the plan has {}", plan.rungs.len())
    };
    if (rung.width, rung.height) != (width, height) {
        bail!("the rendition is {}x{}, the clip {width}x{height}", rung.width, rung.height);
    }
    let rate = rung.frame_rate;
    let segment_us = plan.grid_us[1] - plan.grid_us[0];
    let keyframe_every = (segment_us * u64::from(rate.num)).div_ceil(u64::from(rate.den) * 1_000_000) as u32;
    let settings = Settings { speed: rung.speed, quantizer: rung.quantizer, keyframe_every };
    let y4m = folder.join("clip.y4m");
    let mut out = BufWriter::new(File::create(&y4m)?);
    writeln!(out, "YUV4MPEG2 W{width} H{height} F{}:{} Ip A1:1 C420mpeg2", rate.num, rate.den)?;
    let mut source = FrameSource::open(&path, &info, &Tools::none(), 0)?;
    let mut frames = 0;
    while let Some(frame) = source.next_frame()? {
        out.write_all(b"FRAME\n")?;
        out.write_all(frame.i420())?;
        frames += 1;
    }
    out.flush()?;
    if frames == 0 {
        bail!("the clip decodes to nothing");
    }
    Ok(Film { path, y4m, info, plan, frames, settings })
}

/// Every picture of the source once, and nothing made of it.
fn decode_alone(film: &Film) -> Result<u64> {
    let mut source = FrameSource::open(&film.path, &film.info, &Tools::none(), 0)?;
    let mut bytes = 0;
    while let Some(frame) = source.next_frame()? {
        bytes += frame.i420().len() as u64;
    }
    Ok(bytes)
}

/// Bytes of media segments.
fn ours_once(film: &Film, cores: usize) -> Result<u64> {
    let missing: Vec<u32> = (0..film.plan.chunks()).collect();
    let (bytes, chunks) = (AtomicU64::new(0), AtomicU64::new(0));
    let count = |event: Event| -> Result<(), MediaError> {
        if let Event::Chunk(chunk) = event {
            chunks.fetch_add(1, Ordering::Relaxed);
            let size: usize = chunk.rungs.iter().map(|rung| rung.bytes.len()).sum();
            bytes.fetch_add(size as u64, Ordering::Relaxed);
        }
        Ok(())
    };
    transcode(&film.path, &film.info, &film.plan, &Tools::none(), &missing, cores, &AtomicBool::new(false), &count)?;
    if chunks.load(Ordering::Relaxed) != missing.len() as u64 {
        bail!("{} of {} chunks were encoded", chunks.load(Ordering::Relaxed), missing.len());
    }
    Ok(bytes.load(Ordering::Relaxed))
}
