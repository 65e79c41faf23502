//! Music under a sung melody: the capability, and the engine in this process, whose band is arranged and played by whoever asked.

use async_trait::async_trait;
use music::Note;

use crate::{calls::ProviderCall, input::AudioInput, stop::Stop};

/// What is to be played.
#[derive(Clone, Debug, PartialEq)]
pub struct AccompanimentOrder {
    /// What it is to be like, in words and phrases; those that matter most come first.
    pub description: Vec<String>,
    /// Length of the song.
    pub seconds: f64,
    /// The tune as it is sung, in seconds of the song.
    pub notes: Vec<Note>,
}

/// What an accompanist delivers.
#[derive(Debug)]
pub enum Accompanied {
    /// The band that was arranged for the melody plays.
    Band,
    /// Finished sound without the voice. In any of the formats of recordings; what it is, how long, and whether it goes with the
    /// tune is found out by whoever asked.
    Sound(AudioInput),
}

/// Plays under a voice.
#[async_trait]
pub trait Accompanist: Send + Sync {
    async fn accompany(&self, order: &AccompanimentOrder, call: &ProviderCall<'_>) -> Result<Accompanied, Stop>;
}

/// The band of this process.
pub struct OfflineAccompanist;

#[async_trait]
impl Accompanist for OfflineAccompanist {
    async fn accompany(&self, _order: &AccompanimentOrder, _call: &ProviderCall<'_>) -> Result<Accompanied, Stop> {
        Ok(Accompanied::Band)
    }
}
