//! MusicGen under a voice: it hears the tune as plain tones, and plays something that goes along with it.

use async_trait::async_trait;

use super::{
    composer::{MusicGen, described},
    guide::guide,
};
use crate::{
    abilities::Abilities,
    accompanying::{Accompanied, AccompanimentOrder, Accompanist},
    calls::ProviderCall,
    capability::blocking,
    stop::Stop,
};

impl MusicGen {
    /// Of what follows a tune.
    pub fn abilities_with_melody(&self) -> Abilities {
        Abilities { needs_melody: true, ..self.abilities() }
    }
}

#[async_trait]
impl Accompanist for MusicGen {
    async fn accompany(&self, order: &AccompanimentOrder, call: &ProviderCall<'_>) -> Result<Accompanied, Stop> {
        let AccompanimentOrder { description, seconds, notes } = order.clone();
        let guide = blocking(move || guide(&notes, seconds)).await??;
        // It is asked for whole seconds: too much can be cut.
        let sound = self.play(&described(description), seconds.ceil(), Some(&guide), "accompaniment", call).await?;
        Ok(Accompanied::Sound(sound))
    }
}
