//! The notes of a song played: the capability, and what this process says to it.

use async_trait::async_trait;
use music::Score;

use crate::{calls::ProviderCall, input::AudioInput, stop::Stop};

/// What somebody who plays delivers.
#[derive(Debug)]
pub enum PlayedSong {
    /// Nothing: the song is to be played by whoever asked, who has the sound font, and stems of it.
    Here,
    /// Finished sound, in any of the formats of recordings. What it is, how long, and whether it is any good is found out by
    /// whoever asked.
    Sound(AudioInput),
}

/// Plays the notes of a song.
#[async_trait]
pub trait SongPlayer: Send + Sync {
    async fn play(&self, score: &Score, call: &ProviderCall<'_>) -> Result<PlayedSong, Stop>;
}

/// The sound font of this process, last of all who play: it is there whatever others do.
pub struct OwnInstruments;

#[async_trait]
impl SongPlayer for OwnInstruments {
    async fn play(&self, _score: &Score, _call: &ProviderCall<'_>) -> Result<PlayedSong, Stop> {
        Ok(PlayedSong::Here)
    }
}
