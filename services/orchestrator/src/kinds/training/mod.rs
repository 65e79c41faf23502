//! Training: recordings become a model of one's own, a stage in each file.

mod finalization;
mod learning;
mod pack;
mod preparation;
mod registration;
mod report;
mod trial;
mod work;

use domain::kinds::training::SPEC;

use crate::kinds::kind::Kind;

pub fn kind() -> Kind {
    Kind::new(
        &SPEC,
        vec![
            Box::new(preparation::Preparation),
            Box::new(learning::Training),
            Box::new(registration::Registration),
            Box::new(trial::Trial),
            Box::new(finalization::Finalization),
        ],
    )
}
