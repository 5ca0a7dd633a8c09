//! A source with its plan, and the renditions made of it.

use media::clip::{self, ClipSpec};
use media::{EncodedChunk, Event, Ladder, MediaError, Output, Plan, SourceInfo, Tools};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;
use wire::cmaf;
use wire::presentation::{Segment, Track, TrackKind};

/// A rendition as it was given out.
pub struct Rendition {
    pub track: Track,
    pub init: Vec<u8>,
    pub segments: Vec<(Segment, Vec<u8>)>,
}

impl Rendition {
    pub fn collect(
        work: impl FnOnce(&mut dyn FnMut(Output) -> Result<(), MediaError>) -> Result<(), MediaError>,
    ) -> Self {
        let mut header = None;
        let mut segments = Vec::new();
        work(&mut |output| {
            match output {
                Output::Init { track, bytes } => assert!(header.replace((track, bytes)).is_none(), "one header"),
                Output::Segment { index, segment, bytes } => {
                    assert_eq!(index as usize, segments.len(), "segments come in order");
                    segments.push((segment, bytes));
                }
            }
            Ok(())
        })
        .expect("packaging works");
        let (track, init) = header.expect("a header comes first");
        Self { track, init, segments }
    }

    /// Everything in one file, as a player that never switches would append it.
    pub fn write(&self, dir: &Path) -> PathBuf {
        let file = dir.join(format!("{}.mp4", self.track.name));
        let bytes = [self.init.clone()].into_iter().chain(self.segments.iter().map(|(_, bytes)| bytes.clone()));
        std::fs::write(&file, bytes.collect::<Vec<_>>().concat()).unwrap();
        file
    }

    /// Start of each segment in microseconds.
    pub fn starts_us(&self) -> Vec<u64> {
        self.segments.iter().map(|(segment, _)| segment.start * 1_000_000 / u64::from(self.track.timescale)).collect()
    }

    /// Width and height of the pictures.
    pub fn size(&self) -> (u32, u32) {
        match self.track.kind {
            TrackKind::Video { width, height, .. } => (width, height),
            TrackKind::Audio { .. } => panic!("sound has no size"),
        }
    }

    /// Segments follow each other without a gap, and each says of itself what is in it.
    pub fn check_timeline(&self) {
        let skip = cmaf::read_init(&self.init).unwrap().skip;
        let mut now = self.segments[0].0.start;
        for (segment, bytes) in &self.segments {
            assert_eq!((segment.start, segment.bytes), (now, bytes.len() as u64));
            let read = cmaf::read_segment(bytes).unwrap();
            assert_eq!(read.base_decode_time.saturating_sub(skip), segment.start);
            let ticks: u64 = read.samples.iter().map(|sample| u64::from(sample.duration)).sum();
            assert_eq!((read.base_decode_time + ticks).saturating_sub(skip), segment.start + segment.duration);
            now += segment.duration;
        }
    }
}

pub struct Asset {
    pub dir: TempDir,
    pub file: PathBuf,
    pub source: SourceInfo,
    pub plan: Plan,
}

impl Asset {
    pub fn clip(spec: &ClipSpec) -> Self {
        Self::new("mp4", |file| clip::write(file, spec).unwrap())
    }

    /// A source made by FFmpeg.
    pub fn made(extension: &str, options: &str) -> Self {
        Self::new(extension, |file| crate::oracle::make(file, options))
    }

    fn new(extension: &str, make: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(format!("source.{extension}"));
        make(&file);
        Self::existing(dir, file)
    }

    /// A file that is there, in a directory that goes when the test ends.
    pub fn existing(dir: TempDir, file: PathBuf) -> Self {
        let source = media::probe(&file, &Tools::find()).unwrap();
        let plan = media::plan(&source, &Ladder::default()).unwrap();
        Self { dir, file, source, plan }
    }

    pub fn video(&self) -> Rendition {
        Rendition::collect(|out| media::repackage_video(&self.file, &self.source, &self.plan, out))
    }

    pub fn audio(&self) -> Rendition {
        let tools = Tools::find();
        Rendition::collect(|out| media::package_audio(&self.file, &self.source, &self.plan, &tools, out))
    }

    /// The same source under another ladder.
    pub fn with_ladder(mut self, heights: &[u32]) -> Self {
        let ladder = Ladder { heights: heights.to_vec(), ..Ladder::default() };
        self.plan = media::plan(&self.source, &ladder).unwrap();
        self
    }

    /// As if the source's own H.264 could not be published.
    pub fn without_passthrough(mut self, heights: &[u32]) -> Self {
        let ladder = Ladder { heights: heights.to_vec(), ..Ladder::default() };
        self.plan = Plan::without_passthrough(&self.source, &ladder).unwrap();
        self
    }

    /// Encodes these chunks and gives them in order.
    pub fn chunks(&self, missing: &[u32], lanes: usize) -> Vec<EncodedChunk> {
        let chunks = Mutex::new(Vec::new());
        let on = |event| {
            if let Event::Chunk(chunk) = event {
                chunks.lock().unwrap().push(chunk);
            }
            Ok(())
        };
        let cancel = AtomicBool::new(false);
        let tools = Tools::find();
        media::transcode(&self.file, &self.source, &self.plan, &tools, missing, lanes, &cancel, &on).unwrap();
        let mut chunks = chunks.into_inner().unwrap();
        chunks.sort_by_key(|chunk| chunk.index);
        chunks
    }

    /// All encoded renditions, in the order of the plan's rungs.
    pub fn encoded(&self) -> Vec<Rendition> {
        let all: Vec<u32> = (0..self.plan.chunks()).collect();
        let chunks = self.chunks(&all, 2);
        assert_eq!(chunks.iter().map(|chunk| chunk.index).collect::<Vec<_>>(), all);
        let rendition = |rung: usize| {
            let of = |chunk: &EncodedChunk| chunk.rungs[rung].clone();
            let first = of(&chunks[0]);
            assert!(chunks.iter().all(|chunk| of(chunk).init == first.init && of(chunk).track == first.track));
            assert_eq!(first.name, self.plan.rungs[rung].name);
            let segments = chunks.iter().map(|chunk| (of(chunk).segment, of(chunk).bytes)).collect();
            Rendition { track: first.track, init: first.init, segments }
        };
        (0..self.plan.rungs.len()).map(rendition).collect()
    }
}
