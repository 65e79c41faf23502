//! The few fields of ffmpeg's structures that the safe bindings do not show. All unsafe code of the crate is here.
#![allow(unsafe_code)]

use std::{ffi::CStr, sync::Once};

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

/// Gives a frame whose channels have no known places (any plain WAVE, an ambisonic or custom order) the usual ones for
/// their number.
///
/// Without this, copying or resampling such a frame reads memory that nobody wrote, or is refused.
pub(crate) fn settle_layout(frame: &mut ff::frame::Audio) {
    // SAFETY: the frame owns its AVFrame, which lives as long as `frame`; only its layout fields are touched.
    // `av_channel_layout_uninit` frees what an initialised layout holds, and `av_channel_layout_default` initialises the
    // layout it is given for any positive channel count.
    unsafe {
        let raw = frame.as_mut_ptr();
        let channels = (*raw).ch_layout.nb_channels;
        if (*raw).ch_layout.order != ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE && channels > 0 {
            ffi::av_channel_layout_uninit(&raw mut (*raw).ch_layout);
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

/// The first `length` samples of one plane: `samples × channels` of plane 0 are there when the frame is packed, `samples`
/// of each channel's plane when it is planar. Unlike the bindings' own accessor it does not trust the legacy channel count,
/// and a frame that has no such plane, fewer samples in it or samples of another type gives none instead of a panic.
pub(crate) fn plane<T: Plain>(frame: &ff::frame::Audio, index: usize, length: usize) -> &[T] {
    if !holds::<T>(frame, index, length) {
        return &[];
    }
    // SAFETY: `holds` has compared index, length and size of a sample with what the frame says of its own buffers, which
    // are aligned for their format; every bit pattern is a T. The slice borrows `frame`, so it cannot outlive the buffer.
    unsafe {
        let data = *(*frame.as_ptr()).extended_data.add(index);
        if data.is_null() { &[] } else { std::slice::from_raw_parts(data.cast::<T>(), length) }
    }
}

/// The same for writing. A frame whose buffers have a second owner gives no samples.
pub(crate) fn plane_mut<T: Plain>(frame: &mut ff::frame::Audio, index: usize, length: usize) -> &mut [T] {
    // SAFETY: asks the frame that `frame` owns how many owners its buffers have.
    let is_writable = unsafe { ffi::av_frame_is_writable(frame.as_mut_ptr()) } > 0;
    if !is_writable || !holds::<T>(frame, index, length) {
        return &mut [];
    }
    // SAFETY: as in `plane`; the frame is borrowed mutably and, as was just asked, its buffers have no second owner.
    unsafe {
        let data = *(*frame.as_mut_ptr()).extended_data.add(index);
        if data.is_null() { &mut [] } else { std::slice::from_raw_parts_mut(data.cast::<T>(), length) }
    }
}

/// Whether plane `index` of a frame has `length` samples of type T.
fn holds<T: Plain>(frame: &ff::frame::Audio, index: usize, length: usize) -> bool {
    let channels = channels(frame) as usize;
    let (planes, samples) = if frame.is_packed() {
        (usize::from(channels > 0), frame.samples().saturating_mul(channels))
    } else {
        (channels, frame.samples())
    };
    // SAFETY: reads one field of the AVFrame that `frame` owns.
    let has_data = unsafe { !(*frame.as_ptr()).extended_data.is_null() };
    has_data && frame.format().bytes() == size_of::<T>() && index < planes && (1..=samples).contains(&length)
}

/// Bits of one sample as the codec stores it, exactly; zero where that varies.
pub(crate) fn exact_bits_per_sample(id: ff::codec::Id) -> u32 {
    // SAFETY: a lookup in a constant table.
    u32::try_from(unsafe { ffi::av_get_exact_bits_per_sample(id.into()) }).unwrap_or(0)
}

/// Sets how many bytes a stream's packets are a multiple of, where the file's header says something else. True when it
/// did.
pub(crate) fn correct_block_align(input: &mut ff::format::context::Input, index: usize, bytes: u32) -> bool {
    let Some(mut stream) = input.stream_mut(index) else { return false };
    let bytes = i32::try_from(bytes).unwrap_or(0);
    // SAFETY: the stream and its parameters belong to `input`, which is borrowed mutably; the demuxer reads this field
    // anew for each packet.
    unsafe {
        let parameters = (*stream.as_mut_ptr()).codecpar;
        let lies = bytes > 0 && (*parameters).block_align != bytes;
        if lies {
            (*parameters).block_align = bytes;
        }
        lies
    }
}

/// Sets the quality of an encoder that is not open yet; the bindings take no negative one.
pub(crate) fn set_quality(encoder: &mut ff::encoder::audio::Audio, quality: i32) {
    // SAFETY: `encoder` owns its AVCodecContext; `global_quality` is a plain setting meant to be set before opening.
    unsafe { (*encoder.as_mut_ptr()).global_quality = quality };
}

/// What the file, or else one of its streams, says about itself under a key. The bindings' own accessor takes any bytes for
/// UTF-8, which strangers' tags need not be.
pub(crate) fn metadata(input: &ff::format::context::Input, stream: usize, key: &CStr) -> Option<String> {
    // SAFETY: the dictionaries belong to `input`, which is borrowed, and may be null, which `av_dict_get` takes for empty. An
    // entry's value is a C string that lives as long as its dictionary, and is copied here.
    let text = |dictionary: *const ffi::AVDictionary| unsafe {
        let entry = ffi::av_dict_get(dictionary, key.as_ptr(), std::ptr::null(), 0);
        let is_there = !entry.is_null() && !(*entry).value.is_null();
        is_there.then(|| CStr::from_ptr((*entry).value).to_string_lossy().into_owned())
    };
    // SAFETY: reads one field of the AVFormatContext that `input` owns.
    let of_file = unsafe { (*input.as_ptr()).metadata };
    text(of_file).or_else(|| {
        let stream = input.stream(stream)?;
        // SAFETY: reads one field of an AVStream that belongs to `input`.
        text(unsafe { (*stream.as_ptr()).metadata })
    })
}
