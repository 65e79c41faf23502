//! Decodes a whole file into memory as 32-bit floats, resampled and with one channel on request.

use std::io::{Read, Seek};

use ffmpeg_next::{
    self as ff, ChannelLayout,
    format::sample::{Sample as Format, Type},
    software::resampling,
};

use crate::{
    Bounds, MediaError,
    decode::{Shape, decode_all},
    downmix::Downmix,
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

/// Decodes with all channels and the file's own sample rate. Where those change inside the file, the rest is given those
/// of its beginning.
///
/// # Errors
/// See [`MediaError`].
pub fn decode(source: impl Read + Seek + Send + 'static, bounds: &Bounds) -> Result<Audio, MediaError> {
    let (samples, shape) = convert(source, None, bounds)?;
    let channels = u16::try_from(shape.channels).unwrap_or(u16::MAX);
    Ok(Audio { sample_rate_hz: shape.rate_hz, channels, samples })
}

/// Decodes, resamples, and makes one channel of several without exceeding full scale: the mean of those that agree, without
/// silent ones and those that would cancel others.
///
/// # Errors
/// See [`MediaError`].
pub fn decode_mono(
    source: impl Read + Seek + Send + 'static,
    target_rate_hz: u32,
    bounds: &Bounds,
) -> Result<MonoAudio, MediaError> {
    let (samples, _) = convert(source, Some(target_rate_hz), bounds)?;
    Ok(MonoAudio { sample_rate_hz: target_rate_hz, samples })
}

/// Decodes and resamples piece by piece, so that the sound is never in memory as a whole, and hands on interleaved stereo: one
/// channel is on both sides, of more than two the mix of [`decode_mono`] is. Answers with the number of frames.
///
/// # Errors
/// See [`MediaError`], and whatever `sink` answers.
pub fn decode_stereo(
    source: impl Read + Seek + Send + 'static,
    target_rate_hz: u32,
    bounds: &Bounds,
    sink: impl FnMut(&[f32]) -> Result<(), MediaError>,
) -> Result<u64, MediaError> {
    decode_blocks(source, Shape { rate_hz: target_rate_hz, channels: 2 }, bounds, sink)
}

/// As [`decode_mono`], piece by piece, so that the sound is never in memory as a whole. Answers with the number of samples.
///
/// # Errors
/// See [`MediaError`], and whatever `sink` answers.
pub fn decode_mono_blocks(
    source: impl Read + Seek + Send + 'static,
    target_rate_hz: u32,
    bounds: &Bounds,
    sink: impl FnMut(&[f32]) -> Result<(), MediaError>,
) -> Result<u64, MediaError> {
    decode_blocks(source, Shape { rate_hz: target_rate_hz, channels: 1 }, bounds, sink)
}

fn decode_blocks(
    source: impl Read + Seek + Send + 'static,
    target: Shape,
    bounds: &Bounds,
    mut sink: impl FnMut(&[f32]) -> Result<(), MediaError>,
) -> Result<u64, MediaError> {
    let mut source = Source::open(source, bounds)?;
    let mut converter = Converter { target: Some(target), part: None };
    let (mut block, mut frames) = (Vec::new(), 0);
    let mut pass = |block: &mut Vec<f32>| {
        frames += block.len() as u64 / u64::from(target.channels);
        sink(block)?;
        block.clear();
        Ok::<_, MediaError>(())
    };
    let reader = decode_all(&mut source, bounds, |frame, shape| {
        converter.push(frame, shape, &mut block)?;
        pass(&mut block)
    })?;
    converter.finish(&mut block)?;
    pass(&mut block)?;
    if frames == 0 { Err(MediaError::NothingDecoded { errors: reader.errors }) } else { Ok(frames) }
}

/// `mono_rate_hz` asks for one channel at that rate, `None` for the shape that the file begins with.
fn convert(
    source: impl Read + Seek + Send + 'static,
    mono_rate_hz: Option<u32>,
    bounds: &Bounds,
) -> Result<(Vec<f32>, Shape), MediaError> {
    let mut source = Source::open(source, bounds)?;
    let mut converter = Converter { target: mono_rate_hz.map(|rate_hz| Shape { rate_hz, channels: 1 }), part: None };
    let mut samples = Vec::new();
    let reader = decode_all(&mut source, bounds, |frame, shape| converter.push(frame, shape, &mut samples))?;
    converter.finish(&mut samples)?;
    match converter.target {
        Some(shape) if !samples.is_empty() => Ok((samples, shape)),
        _ => Err(MediaError::NothingDecoded { errors: reader.errors }),
    }
}

/// Turns frames of any shape into samples of one.
struct Converter {
    /// As asked, or as the first frame is.
    target: Option<Shape>,
    part: Option<Part>,
}

impl Converter {
    fn push(&mut self, frame: &ff::frame::Audio, shape: Shape, samples: &mut Vec<f32>) -> Result<(), MediaError> {
        let target = *self.target.get_or_insert(shape);
        let part = match &mut self.part {
            Some(part) if part.resampler.takes(frame, shape) => part,
            _ => {
                self.finish(samples)?;
                self.part.insert(Part::new(frame, shape, target)?)
            }
        };
        part.resampler.push(frame, &mut part.resampled)?;
        part.adapt(samples);
        Ok(())
    }

    /// What the resampler and the mix still hold.
    fn finish(&mut self, samples: &mut Vec<f32>) -> Result<(), MediaError> {
        let Some(mut part) = self.part.take() else { return Ok(()) };
        part.resampler.finish(&mut part.resampled)?;
        part.adapt(samples);
        part.end(samples);
        Ok(())
    }
}

/// A part of a file in which nothing changes, on its way to the shape that is wanted.
struct Part {
    resampler: Resampler,
    /// At the wanted rate, with the channels that the part has.
    resampled: Vec<f32>,
    /// Where the channels are not as many as wanted.
    downmix: Option<Downmix>,
    wanted_channels: usize,
}

impl Part {
    fn new(frame: &ff::frame::Audio, shape: Shape, target: Shape) -> Result<Self, MediaError> {
        let has_too_many = shape.channels != target.channels && shape.channels > 1;
        let downmix =
            || Downmix::new(shape.channels as usize, low_effects(frame.channel_layout(), shape), target.rate_hz);
        Ok(Self {
            resampler: Resampler::new(frame, shape, target.rate_hz)?,
            resampled: Vec::new(),
            downmix: has_too_many.then(downmix),
            wanted_channels: if shape.channels == target.channels { 1 } else { target.channels as usize },
        })
    }

    /// Moves what was resampled on; where the channels are not as many as wanted, all get the one that is made of them.
    fn adapt(&mut self, samples: &mut Vec<f32>) {
        // A damaged float file holds what no later stage should have to think about.
        for sample in self.resampled.iter_mut().filter(|sample| !sample.is_finite()) {
            *sample = 0.0;
        }
        if let Some(downmix) = &mut self.downmix {
            let mut mono = Vec::new();
            downmix.push(&self.resampled, &mut mono);
            self.spread(&mono, samples);
        } else {
            self.spread(&self.resampled, samples);
        }
        self.resampled.clear();
    }

    fn end(mut self, samples: &mut Vec<f32>) {
        if let Some(mut downmix) = self.downmix.take() {
            let mut mono = Vec::new();
            downmix.finish(&mut mono);
            self.spread(&mono, samples);
        }
    }

    fn spread(&self, from: &[f32], samples: &mut Vec<f32>) {
        if self.wanted_channels == 1 {
            samples.extend_from_slice(from);
        } else {
            samples.extend(from.iter().flat_map(|&sample| std::iter::repeat_n(sample, self.wanted_channels)));
        }
    }
}

/// Which channel of a layout is the one for low effects.
fn low_effects(layout: ChannelLayout, shape: Shape) -> Option<usize> {
    let (places, low) = (layout.bits(), ChannelLayout::LOW_FREQUENCY.bits());
    // Three channels without named places pass for 2.1 here and may be three microphones.
    let is_surround = shape.channels > 3 && places.count_ones() == shape.channels && places & low != 0;
    is_surround.then(|| (places & (low - 1)).count_ones() as usize)
}

/// Brings frames of one shape to 32-bit floats and another rate.
struct Resampler {
    context: resampling::Context,
    from: (Format, ChannelLayout, Shape),
    rate_hz: u32,
}

/// Output frames that the resampler may hold back beyond the input's share, for its filter.
const SLACK_FRAMES: usize = 256;
/// Frames asked for at once at the end.
const FLUSH_FRAMES: usize = 4096;

impl Resampler {
    fn new(frame: &ff::frame::Audio, shape: Shape, rate_hz: u32) -> Result<Self, MediaError> {
        let (format, layout) = (frame.format(), frame.channel_layout());
        let to = Format::F32(Type::Packed);
        let context = resampling::Context::get(format, layout, shape.rate_hz, to, layout, rate_hz)
            .map_err(|source| MediaError::Library { during: "preparing to resample", source })?;
        Ok(Self { context, from: (format, layout, shape), rate_hz })
    }

    fn takes(&self, frame: &ff::frame::Audio, shape: Shape) -> bool {
        (frame.format(), frame.channel_layout(), shape) == self.from
    }

    fn push(&mut self, frame: &ff::frame::Audio, samples: &mut Vec<f32>) -> Result<(), MediaError> {
        let ratio = f64::from(self.rate_hz) / f64::from(self.from.2.rate_hz);
        // A fresh frame each time, large enough: a used one passes for the capacity of its last content.
        let capacity = (frame.samples() as f64 * ratio).ceil() as usize + SLACK_FRAMES;
        let mut output = ff::frame::Audio::new(Format::F32(Type::Packed), capacity, self.from.1);
        self.context.run(frame, &mut output).map_err(failed)?;
        self.take(&output, samples);
        Ok(())
    }

    /// What the resampler still holds.
    fn finish(&mut self, samples: &mut Vec<f32>) -> Result<(), MediaError> {
        loop {
            let mut output = ff::frame::Audio::new(Format::F32(Type::Packed), FLUSH_FRAMES, self.from.1);
            self.context.flush(&mut output).map_err(failed)?;
            if output.samples() == 0 {
                return Ok(());
            }
            self.take(&output, samples);
        }
    }

    fn take(&self, output: &ff::frame::Audio, samples: &mut Vec<f32>) {
        let length = output.samples() * self.from.2.channels as usize;
        samples.extend_from_slice(ffi::plane::<f32>(output, 0, length));
    }
}

fn failed(source: ff::Error) -> MediaError {
    MediaError::Library { during: "resampling", source }
}
