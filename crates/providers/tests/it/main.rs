//! Providers against services that misbehave in every way that services do. One program, so that it is linked once.

mod elevenlabs;
mod expert_songs;
mod expert_version;
mod llm;
mod ml_model;
mod moderation;
mod replicate;
mod sound_vendors;
mod speech_server;
mod spoken_singer;
