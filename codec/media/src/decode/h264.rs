//! H.264 by OpenH264. Its safe binding drops the timestamps, without which pictures cannot be told apart after one was
//! lost, so its raw calls are used here. One decoder, one thread.
#![allow(unsafe_code)]

use super::{Picture, Plane, Sink};
use crate::bitstream::h264::{AvcConfig, NAL_SPS, nal_units};
use crate::packet::RawLayout;
use openh264::OpenH264API;
use openh264::decoder::{DecoderConfig, Flush};
use openh264_sys2::{DECODER_OPTION_ERROR_CON_IDC, ERROR_CON_SLICE_MV_COPY_CROSS_IDR, SBufferInfo};
use std::ffi::c_int;
use std::ptr;

/// The decoder and the stream's framing.
pub(crate) struct Decoder {
    open: openh264::decoder::Decoder,
    config: AvcConfig,
    /// The parameter sets of the configuration have been given to it.
    started: bool,
    annex_b: Vec<u8>,
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Pictures OpenH264 keeps for reordering at most (`m_sPictInfoList`).
const KEPT_MAX: usize = 16;

impl Decoder {
    /// `None` when OpenH264 cannot start.
    pub fn new(config: AvcConfig) -> Option<Self> {
        // Flushing after every sample, the default, gives pictures out before those that are shown earlier.
        let settings = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
        let mut open = openh264::decoder::Decoder::with_api_config(OpenH264API::from_source(), settings).ok()?;
        // Damaged parts are filled from the picture before; without that everything up to the next keyframe is lost.
        let mut concealment: c_int = ERROR_CON_SLICE_MV_COPY_CROSS_IDR;
        // SAFETY: the option takes a pointer to an int, which it copies.
        unsafe { open.raw_api().set_option(DECODER_OPTION_ERROR_CON_IDC, (&raw mut concealment).cast()) };
        Some(Self { open, config, started: false, annex_b: Vec::new() })
    }

    pub fn decode(&mut self, number: u64, sample: &[u8], sink: Sink) {
        if self.changes_its_form(sample) {
            self.flush(sink); // OpenH264 forgets what it keeps when the size changes
        }
        self.annex_b.clear();
        if !self.started {
            self.started = true;
            for set in self.config.sps.iter().chain(&self.config.pps) {
                self.annex_b.extend_from_slice(&START_CODE);
                self.annex_b.extend_from_slice(set);
            }
        }
        for nal in nal_units(sample, self.config.length_size) {
            self.annex_b.extend_from_slice(&START_CODE);
            self.annex_b.extend_from_slice(nal);
        }
        let Ok(length) = c_int::try_from(self.annex_b.len()) else { return };
        if length == 0 {
            return;
        }
        // Zero means "no timestamp" inside OpenH264, so numbers begin at one there.
        let mut info = SBufferInfo { uiInBsTimeStamp: number + 1, ..Default::default() };
        let mut planes = [ptr::null_mut::<u8>(); 3];
        // SAFETY: the source is `length` bytes that live through the call; the two targets are of the types it writes.
        // Its status only says that something was damaged, which a missing picture says as well.
        unsafe {
            let api = self.open.raw_api();
            api.decode_frame_no_delay(self.annex_b.as_ptr(), length, (&raw mut planes).cast(), &raw mut info);
        }
        self.give(&info, planes, sink);
    }

    /// Whether the sample brings a sequence parameter set that was not there before.
    fn changes_its_form(&mut self, sample: &[u8]) -> bool {
        let sets = nal_units(sample, self.config.length_size).filter(|nal| nal[0] & 31 == NAL_SPS);
        let Some(new) = sets.last().filter(|set| self.config.sps.last().is_none_or(|known| known != set)) else {
            return false;
        };
        self.config.sps = vec![new.to_vec()];
        self.started
    }

    pub fn flush(&mut self, sink: Sink) {
        for _ in 0..KEPT_MAX {
            let mut info = SBufferInfo::default();
            let mut planes = [ptr::null_mut::<u8>(); 3];
            // SAFETY: the two targets are of the types it writes.
            unsafe { self.open.raw_api().flush_frame((&raw mut planes).cast(), &raw mut info) };
            if !self.give(&info, planes, sink) {
                break;
            }
        }
    }

    /// Hands a picture on, if there is one.
    fn give(&self, info: &SBufferInfo, planes: [*mut u8; 3], sink: Sink) -> bool {
        if info.iBufferStatus != 1 || planes.iter().any(|plane| plane.is_null()) {
            return false;
        }
        // SAFETY: the union has one variant.
        let memory = unsafe { info.UsrData.sSystemBuffer };
        let [luma_stride, chroma_stride] = memory.iStride.map(|stride| usize::try_from(stride).unwrap_or(0));
        let (Ok(width), Ok(height)) = (u32::try_from(memory.iWidth), u32::try_from(memory.iHeight)) else {
            return false;
        };
        let (w, h) = (width as usize, height as usize);
        let (cw, ch) = (w / 2, h / 2);
        if w == 0 || h == 0 || luma_stride < w || chroma_stride < cw || ch == 0 {
            return false;
        }
        let plane = |at: *mut u8, stride: usize, width: usize, rows: usize| {
            // SAFETY: OpenH264 gives a plane of `rows` rows that lie `stride` bytes apart, the last `width` bytes long;
            // it stays as it is until the decoder is called again, which the borrow of `self` rules out while it lives.
            let bytes = unsafe { std::slice::from_raw_parts(at, stride * (rows - 1) + width) };
            Plane { bytes, stride }
        };
        let [y, u, v] = planes;
        let planes = [plane(y, luma_stride, w, h), plane(u, chroma_stride, cw, ch), plane(v, chroma_stride, cw, ch)];
        let number = info.uiOutYuvTimeStamp.saturating_sub(1);
        sink(Picture { number, width: (w & !1) as u32, height: (h & !1) as u32, planes, layout: RawLayout::I420 });
        true
    }
}
