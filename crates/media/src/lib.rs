//! The only user of ffmpeg: probe, decode, measure, resample, encode
