//! From a hum to a song. One program, so that it is linked once.

mod band;
mod little_to_sing;
mod lyrics_gate;
mod pipeline;
mod stereo_hum;
