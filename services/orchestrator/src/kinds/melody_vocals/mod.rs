//! Melody-to-vocals: a recorded melody and a prompt become a sung vocal with lyrics, a stage in each file.

mod arrangement;
mod finalization;
mod initialization;
mod lyrics;
mod pitch;
mod quality;
mod validation;
mod vocals;
mod work;

use domain::kinds::melody_vocals::SPEC;

use crate::kinds::kind::Kind;

pub fn kind() -> Kind {
    Kind::new(
        &SPEC,
        vec![
            Box::new(initialization::Initialization),
            Box::new(validation::Validation),
            Box::new(pitch::Pitch),
            Box::new(arrangement::Arrangement),
            Box::new(lyrics::LyricsWriting),
            Box::new(vocals::Vocals),
            Box::new(quality::Quality),
            Box::new(finalization::Finalization),
        ],
    )
}
