//! Everything that is done to sound files: probe, decode, measure, resample, normalise, encode.
//!
//! The only user of ffmpeg. Reads from a stream, never from a name that ffmpeg may interpret: no playlists, no
//! protocols, no other file, only the demuxers and codecs of the formats in [`domain::audio::AudioFormat`]. Every
//! size that a file dictates meets a limit of [`Bounds`]. Knows nothing of HTTP, messages, rows or the object store.
//!
//! All functions block and use the processor: async callers run them on a bounded pool of their own.

mod bounds;
mod clipping;
mod declared;
mod decode;
mod downmix;
mod encode;
mod error;
mod ffi;
mod id3;
mod inspect;
mod levels;
mod limiter;
mod loudness;
mod master;
mod mix;
mod normalise;
mod over;
mod pcm;
mod sniff;
mod source;
mod spool;
mod tags;
mod verdict;
mod workers;

pub mod sample;

pub use bounds::Bounds;
pub use encode::{Encoding, encode, encode_to};
pub use error::{MediaError, finding};
pub use inspect::{inspect, recognise};
pub use levels::{clipped_share, waveform_peaks};
pub use loudness::{Loudness, Meter as LoudnessMeter, measure_loudness};
pub use master::{Master, Multitrack};
pub use mix::{Mix, mix};
pub use normalise::normalise;
pub use over::lay_over;
pub use pcm::{Audio, MonoAudio, decode, decode_mono, decode_mono_blocks, decode_stereo};
pub use tags::{Tags, Told, read_tags};
pub use verdict::judge_file;

/// Frames in which a sound is gone through where it is not needed as a whole.
const BLOCK_FRAMES: usize = 4096;
