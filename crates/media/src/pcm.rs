//! Decodes a whole file into memory as 32-bit floats, resampled and mixed down on request.

use std::io::{Read, Seek};

use ffmpeg_next::{
    self as ff, ChannelLayout, Dictionary,
    format::sample::{Sample as Format, Type},
    software::resampling,
};

use crate::{
    Bounds, MediaError,
    decode::{Shape, decode_all},
    ffi,
    source::Source,
};

/// Sound of one channel; full scale is −1 to 1, and every sample is finite.
#[derive(Clone, PartialEq, Debug)]
pub struct MonoAudio {
    pub sample_rate_hz: u32,
    pub samples: Vec<f32>,
}

/// Sound of any number of channels, interleaved; full scale is −1 to 1, and every sample is finite.
#[derive(Clone, PartialEq, Debug)]
pub struct Audio {
    pub sample_rate_hz: u32,
    pub channels: u16,
    pub samples: Vec<f32>,
}

impl Audio {
    pub fn duration_seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.channels) / f64::from(self.sample_rate_hz)
    }
}

/// Decodes with all channels and the file's own sample rate.
///
/// # Errors
/// See [`MediaError`].
pub fn decode(source: impl Read + Seek + Send + 'static, bounds: &Bounds) -> Result<Audio, MediaError> {
    let mut source = Source::open(source, bounds)?;
    let (samples, shape) = convert(&mut source, None, bounds)?;
    let channels = u16::try_from(shape.channels).unwrap_or(u16::MAX);
    Ok(Audio { sample_rate_hz: shape.rate_hz, channels, samples })
}

/// Decodes, mixes all channels down to one without exceeding full scale, and resamples.
///
/// # Errors
/// See [`MediaError`].
pub fn decode_mono(
    source: impl Read + Seek + Send + 'static,
    target_rate_hz: u32,
    bounds: &Bounds,
) -> Result<MonoAudio, MediaError> {
    let mut source = Source::open(source, bounds)?;
    let (samples, _) = convert(&mut source, Some(target_rate_hz), bounds)?;
    Ok(MonoAudio { sample_rate_hz: target_rate_hz, samples })
}

/// `mono_rate_hz` asks for one channel at that rate, `None` for the file's own shape.
fn convert(source: &mut Source, mono_rate_hz: Option<u32>, bounds: &Bounds) -> Result<(Vec<f32>, Shape), MediaError> {
    let mut converter: Option<Converter> = None;
    let mut samples = Vec::new();
    let reader = decode_all(source, bounds, |frame, shape| {
        let converter = match &mut converter {
            Some(converter) => converter,
            none => none.insert(Converter::new(frame, shape, mono_rate_hz)?),
        };
        converter.push(frame, &mut samples)
    })?;
    let (Some(mut converter), Some(shape)) = (converter, reader.shape) else {
        return Err(MediaError::NothingDecoded { errors: reader.errors });
    };
    converter.finish(&mut samples)?;
    if samples.is_empty() {
        return Err(MediaError::NothingDecoded { errors: reader.errors });
    }
    // A damaged float file holds what no later stage should have to think about.
    for sample in samples.iter_mut().filter(|sample| !sample.is_finite()) {
        *sample = 0.0;
    }
    Ok((samples, shape))
}

struct Converter {
    context: resampling::Context,
    from: (Format, u32),
    rate_hz: u32,
    layout: ChannelLayout,
    channels: usize,
}

/// Output frames that the resampler may hold back beyond the input's share, for its filter.
const SLACK_FRAMES: usize = 256;
/// Frames asked for at once at the end.
const FLUSH_FRAMES: usize = 4096;

impl Converter {
    fn new(frame: &ff::frame::Audio, shape: Shape, mono_rate_hz: Option<u32>) -> Result<Self, MediaError> {
        let from_layout = frame.channel_layout();
        let (layout, rate_hz) = match mono_rate_hz {
            Some(rate_hz) => (ChannelLayout::MONO, rate_hz),
            None => (from_layout, shape.rate_hz),
        };
        let mut options = Dictionary::new();
        // Without this the sum of two float channels may exceed full scale by 3 dB.
        options.set("rematrix_maxval", "1.0");
        let to = Format::F32(Type::Packed);
        let context =
            resampling::Context::get_with(frame.format(), from_layout, shape.rate_hz, to, layout, rate_hz, options)
                .map_err(|source| MediaError::Library { during: "preparing to resample", source })?;
        let channels = if mono_rate_hz.is_some() { 1 } else { shape.channels as usize };
        Ok(Self { context, from: (frame.format(), shape.rate_hz), rate_hz, layout, channels })
    }

    fn push(&mut self, frame: &ff::frame::Audio, samples: &mut Vec<f32>) -> Result<(), MediaError> {
        if frame.format() != self.from.0 {
            return Err(MediaError::ParametersChange);
        }
        let ratio = f64::from(self.rate_hz) / f64::from(self.from.1);
        // A fresh frame each time, large enough: a used one passes for the capacity of its last content.
        let capacity = (frame.samples() as f64 * ratio).ceil() as usize + SLACK_FRAMES;
        let mut output = ff::frame::Audio::new(Format::F32(Type::Packed), capacity, self.layout);
        self.context.run(frame, &mut output).map_err(failed)?;
        self.take(&output, samples);
        Ok(())
    }

    /// What the resampler still holds.
    fn finish(&mut self, samples: &mut Vec<f32>) -> Result<(), MediaError> {
        loop {
            let mut output = ff::frame::Audio::new(Format::F32(Type::Packed), FLUSH_FRAMES, self.layout);
            self.context.flush(&mut output).map_err(failed)?;
            if output.samples() == 0 {
                return Ok(());
            }
            self.take(&output, samples);
        }
    }

    fn take(&self, output: &ff::frame::Audio, samples: &mut Vec<f32>) {
        samples.extend_from_slice(ffi::plane::<f32>(output, 0, output.samples() * self.channels));
    }
}

fn failed(source: ff::Error) -> MediaError {
    MediaError::Library { during: "resampling", source }
}
