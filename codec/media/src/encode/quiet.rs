//! Makes openh264 hold its tongue. It writes warnings to standard error when it is initialised, which the safe interface
//! does at the first picture, before it sets the level of its log.

use openh264::encoder::Encoder;
use std::ffi::c_int;

/// `ENCODER_OPTION_TRACE_LEVEL` of openh264's `codec_app_def.h`.
const TRACE_LEVEL: c_int = 25;

/// Turns the log of an encoder off. To be called before its first picture.
pub fn quiet(encoder: &mut Encoder) {
    let mut level: c_int = 0;
    // SAFETY: the encoder object exists from `with_api_config` on; this option may be set before initialisation
    // (`CWelsH264SVCEncoder::SetOption`), is read as one int during the call, and touches nothing but the log.
    unsafe {
        encoder.raw_api().set_option(TRACE_LEVEL, (&raw mut level).cast());
    }
}
