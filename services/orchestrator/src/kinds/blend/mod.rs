//! Blend: three songs in MIDI files become one, a stage in each file.

mod analysis;
mod blending;
mod finalization;
mod rendering;
mod songs;
mod work;

use domain::kinds::blend::SPEC;

use crate::kinds::kind::Kind;

pub fn kind() -> Kind {
    Kind::new(
        &SPEC,
        vec![
            Box::new(analysis::Analysis),
            Box::new(blending::Blending),
            Box::new(rendering::Rendering),
            Box::new(finalization::Finalization),
        ],
    )
}
