//! Composition: a sentence becomes a song that is played, and sung where that is asked for; a stage in each file.

mod composing;
mod finalization;
mod model;
mod rendering;
mod singing;
mod words;
mod work;

use domain::kinds::composition::SPEC;

use crate::kinds::kind::Kind;

pub fn kind() -> Kind {
    Kind::new(
        &SPEC,
        vec![
            Box::new(composing::Composing),
            Box::new(words::Words),
            Box::new(singing::Singing),
            Box::new(rendering::Rendering),
            Box::new(finalization::Finalization),
        ],
    )
}
