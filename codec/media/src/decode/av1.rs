//! AV1 by rav1d, which offers the C interface of dav1d. One decoder, one thread: lanes run beside each other instead.
#![allow(unsafe_code)]

use super::{Picture, Plane, Sink};
use crate::packet::RawLayout;
use rav1d::include::dav1d::data::Dav1dData;
use rav1d::include::dav1d::dav1d::{Dav1dContext, Dav1dLogger, Dav1dSettings};
use rav1d::include::dav1d::headers::{
    DAV1D_PIXEL_LAYOUT_I400, DAV1D_PIXEL_LAYOUT_I420, DAV1D_PIXEL_LAYOUT_I422, DAV1D_PIXEL_LAYOUT_I444,
};
use rav1d::include::dav1d::picture::Dav1dPicture;
use rav1d::src::lib::{
    dav1d_close, dav1d_data_create, dav1d_data_unref, dav1d_default_settings, dav1d_get_picture, dav1d_open,
    dav1d_picture_unref, dav1d_send_data,
};
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// An open context.
pub(crate) struct Decoder {
    context: Option<Dav1dContext>,
}

// SAFETY: the context is a counted reference to state that rav1d itself shares between its threads behind locks; this
// type is the only owner of this reference and `&mut` on its methods keeps it to one thread at a time.
unsafe impl Send for Decoder {}

/// What rav1d answers when it wants its pictures taken before it takes more data.
const AGAIN: i32 = -libc::EAGAIN;

impl Decoder {
    /// `None` when rav1d cannot start. Pictures of more pixels are refused by it.
    pub fn new(pixels_max: u64) -> Option<Self> {
        let mut settings = MaybeUninit::<Dav1dSettings>::uninit();
        // SAFETY: the pointer is valid for writing; after the call the settings are complete.
        let mut settings = unsafe {
            dav1d_default_settings(NonNull::from(&mut settings).cast());
            settings.assume_init()
        };
        settings.n_threads = 1;
        settings.max_frame_delay = 1;
        settings.all_layers = 0; // the best spatial layer only
        settings.frame_size_limit = u32::try_from(pixels_max).unwrap_or(u32::MAX);
        // SAFETY: without a callback nothing is called.
        settings.logger = unsafe { Dav1dLogger::new(None, None) };
        let mut context = None;
        // SAFETY: both pointers are valid for the call.
        let result = unsafe { dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings))) };
        (result.0 == 0 && context.is_some()).then_some(Self { context })
    }

    pub fn decode(&mut self, number: u64, sample: &[u8], sink: Sink) {
        if sample.is_empty() {
            return;
        }
        let mut data = Dav1dData::default();
        // SAFETY: `data` is valid for writing; on success it owns a buffer of the sample's size, which is filled here.
        unsafe {
            let buffer = dav1d_data_create(Some(NonNull::from(&mut data)), sample.len());
            if buffer.is_null() {
                return;
            }
            buffer.copy_from_nonoverlapping(sample.as_ptr(), sample.len());
        }
        data.m.timestamp = i64::try_from(number).unwrap_or(i64::MAX);
        // Every round takes a picture out or ends: a sample cannot hold more pictures than bytes.
        for _ in 0..=sample.len() {
            // SAFETY: the context is open and `data` owns its buffer or is empty.
            let sent = unsafe { dav1d_send_data(self.context, Some(NonNull::from(&mut data))) };
            let took = self.take_all(sink);
            if data.sz == 0 || (sent.0 != 0 && sent.0 != AGAIN) || (sent.0 == AGAIN && !took) {
                break;
            }
        }
        // SAFETY: `data` owns what rav1d has not taken, or nothing.
        unsafe { dav1d_data_unref(Some(NonNull::from(&mut data))) };
    }

    pub fn flush(&mut self, sink: Sink) {
        self.take_all(sink);
    }

    /// Takes the pictures that are ready; whether there was one.
    fn take_all(&mut self, sink: Sink) -> bool {
        let mut any = false;
        loop {
            let mut picture = Dav1dPicture::default();
            // SAFETY: the context is open and the picture is valid for writing.
            let result = unsafe { dav1d_get_picture(self.context, Some(NonNull::from(&mut picture))) };
            if result.0 == 0 {
                any = true;
                give(&picture, sink);
            }
            // SAFETY: the picture is what rav1d wrote, or empty.
            unsafe { dav1d_picture_unref(Some(NonNull::from(&mut picture))) };
            if result.0 != 0 {
                return any;
            }
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context came from `dav1d_open` and is closed once.
        unsafe { dav1d_close(Some(NonNull::from(&mut self.context))) };
    }
}

/// Hands a picture on, unless it is of a kind that probing keeps away from here.
fn give(picture: &Dav1dPicture, sink: Sink) {
    let layout = match picture.p.layout {
        DAV1D_PIXEL_LAYOUT_I400 => RawLayout::Grey,
        DAV1D_PIXEL_LAYOUT_I420 => RawLayout::I420,
        DAV1D_PIXEL_LAYOUT_I422 => RawLayout::I422,
        DAV1D_PIXEL_LAYOUT_I444 => RawLayout::I444,
        _ => return,
    };
    let (Ok(width), Ok(height)) = (u32::try_from(picture.p.w), u32::try_from(picture.p.h)) else { return };
    if picture.p.bpc != 8 || width == 0 || height == 0 {
        return;
    }
    let (w, h) = (width as usize, height as usize);
    let (cw, ch) = match layout {
        RawLayout::Grey => (0, 0),
        RawLayout::I420 => (w.div_ceil(2), h.div_ceil(2)),
        RawLayout::I422 => (w.div_ceil(2), h),
        RawLayout::I444 => (w, h),
    };
    let plane = |index: usize, width: usize, rows: usize| -> Option<Plane<'_>> {
        if rows == 0 {
            return Some(Plane { bytes: &[], stride: 0 });
        }
        let at = picture.data[index]?;
        let stride = usize::try_from(picture.stride[index.min(1)]).ok().filter(|stride| *stride >= width)?;
        // SAFETY: rav1d's picture has `rows` rows of at least `width` bytes that lie `stride` bytes apart, and lives as
        // long as the borrow of `picture`.
        let bytes = unsafe { std::slice::from_raw_parts(at.as_ptr().cast::<u8>(), stride * (rows - 1) + width) };
        Some(Plane { bytes, stride })
    };
    if let (Some(y), Some(u), Some(v)) = (plane(0, w, h), plane(1, cw, ch), plane(2, cw, ch)) {
        let number = u64::try_from(picture.m.timestamp).unwrap_or(0);
        sink(Picture { number, width, height, planes: [y, u, v], layout });
    }
}
