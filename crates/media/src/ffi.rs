//! The few fields of ffmpeg's structures that the safe bindings do not show. All unsafe code of the crate is here.
#![allow(unsafe_code)]

use std::sync::Once;

use ffmpeg_next::{self as ff, ffi};

/// Registers error texts and silences ffmpeg's own log, which would go to standard error with file content in it.
pub(crate) fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = ff::init() {
            tracing::warn!(%error, "ffmpeg did not initialise");
        }
        ff::log::set_level(ff::log::Level::Quiet);
    });
}

/// Gives a frame without a channel layout (any plain WAVE) the usual one for its channel count.
///
/// Without this, copying or resampling such a frame reads memory that nobody wrote.
pub(crate) fn settle_layout(frame: &mut ff::frame::Audio) {
    // SAFETY: the frame owns its AVFrame, which lives as long as `frame`; only its layout fields are touched, and
    // `av_channel_layout_default` initialises the layout it is given for any positive channel count.
    unsafe {
        let raw = frame.as_mut_ptr();
        let channels = (*raw).ch_layout.nb_channels;
        if (*raw).ch_layout.order == ffi::AVChannelOrder::AV_CHANNEL_ORDER_UNSPEC && channels > 0 {
            ffi::av_channel_layout_default(&raw mut (*raw).ch_layout, channels);
        }
        if (*raw).ch_layout.order == ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE {
            (*raw).channel_layout = (*raw).ch_layout.u.mask;
            (*raw).channels = channels;
        }
    }
}

/// Channels of a decoded frame by its layout, whatever the legacy fields say.
pub(crate) fn channels(frame: &ff::frame::Audio) -> u32 {
    // SAFETY: reads one field of an AVFrame that `frame` owns.
    u32::try_from(unsafe { (*frame.as_ptr()).ch_layout.nb_channels }).unwrap_or(0)
}

/// Channel count and sample rate as the container or the first packets gave them; zero where they are not known.
pub(crate) fn channels_and_rate(parameters: &ff::codec::Parameters) -> (u32, u32) {
    // SAFETY: `parameters` keeps its AVCodecParameters alive; two integer fields are read.
    let (channels, rate) = unsafe {
        let raw = parameters.as_ptr();
        ((*raw).ch_layout.nb_channels, (*raw).sample_rate)
    };
    (u32::try_from(channels).unwrap_or(u32::MAX), u32::try_from(rate).unwrap_or(u32::MAX))
}

/// Tells the demuxer to drop all packets but those of one stream.
pub(crate) fn keep_only(input: &mut ff::format::context::Input, index: usize) {
    for mut stream in input.streams_mut() {
        if stream.index() != index {
            // SAFETY: the stream belongs to `input`, which is borrowed; `discard` is a plain setting meant to be set.
            unsafe { (*stream.as_mut_ptr()).discard = ffi::AVDiscard::AVDISCARD_ALL };
        }
    }
}

/// Whether the durations of `input` were declared by the file rather than guessed from its bitrate.
pub(crate) fn duration_is_declared(input: &ff::format::context::Input) -> bool {
    // SAFETY: reads one field of the AVFormatContext that `input` owns.
    let method = unsafe { (*input.as_ptr()).duration_estimation_method };
    method != ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_BITRATE
}

/// Types of which every bit pattern is a value, as samples are.
///
/// # Safety
/// Implement only for plain numbers.
pub(crate) unsafe trait Plain: Copy {}
// SAFETY: plain numbers.
unsafe impl Plain for u8 {}
// SAFETY: plain numbers.
unsafe impl Plain for i16 {}
// SAFETY: plain numbers.
unsafe impl Plain for i32 {}
// SAFETY: plain numbers.
unsafe impl Plain for f32 {}
// SAFETY: plain numbers.
unsafe impl Plain for f64 {}

/// The samples of one plane. Unlike the bindings' own accessor it does not trust the legacy channel count, and answers
/// with no samples instead of a panic when a frame has no such plane.
///
/// `length` counts samples and follows from the frame's own format, channels and samples: `samples × channels` of plane
/// 0 when packed, `samples` of each channel's plane when planar.
pub(crate) fn plane<T: Plain>(frame: &ff::frame::Audio, index: usize, length: usize) -> &[T] {
    if frame.format().bytes() != size_of::<T>() || length == 0 {
        return &[];
    }
    // SAFETY: `extended_data` has one pointer per plane and the caller's index is below that; libavcodec's buffers hold
    // `length` samples of the frame's format, whose size was just compared with T's, and are aligned for it; every bit
    // pattern is a T. The slice borrows `frame`, so it cannot outlive the buffer.
    unsafe {
        let data = *(*frame.as_ptr()).extended_data.add(index);
        if data.is_null() { &[] } else { std::slice::from_raw_parts(data.cast::<T>(), length) }
    }
}

/// The same for writing. The frame must be one that was just allocated and is shared with nobody.
pub(crate) fn plane_mut<T: Plain>(frame: &mut ff::frame::Audio, index: usize, length: usize) -> &mut [T] {
    if frame.format().bytes() != size_of::<T>() || length == 0 {
        return &mut [];
    }
    // SAFETY: as in `plane`; the frame is borrowed mutably and its buffer has no second owner.
    unsafe {
        let data = *(*frame.as_mut_ptr()).extended_data.add(index);
        if data.is_null() { &mut [] } else { std::slice::from_raw_parts_mut(data.cast::<T>(), length) }
    }
}

/// Sets the quality of an encoder that is not open yet; the bindings take no negative one.
pub(crate) fn set_quality(encoder: &mut ff::encoder::audio::Audio, quality: i32) {
    // SAFETY: `encoder` owns its AVCodecContext; `global_quality` is a plain setting meant to be set before opening.
    unsafe { (*encoder.as_mut_ptr()).global_quality = quality };
}
