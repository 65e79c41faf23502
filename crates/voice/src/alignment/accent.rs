//! How somebody speaks unlike the rendition: learned from a first alignment, for the next.

use std::{collections::HashMap, mem::Discriminant};

use super::{
    features::{FEATURES, Features},
    search::STATES,
};
use crate::phones::{Manner, Phone};

/// Sounds of one kind count for a sound as if it had been heard so many times in their mean.
const KIND_COUNT: f32 = 6.0;
/// And no difference at all, so many times for a kind.
const NOTHING_COUNT: f32 = 4.0;

/// Differences of sounds and of kinds of sounds, added up.
#[derive(Default)]
pub struct Accent {
    sounds: HashMap<(&'static str, usize), Differences>,
    kinds: HashMap<(Discriminant<Manner>, usize), Differences>,
}

#[derive(Clone, Copy)]
struct Differences {
    sum: Features,
    count: f32,
}

impl Default for Differences {
    fn default() -> Self {
        Self { sum: [0.0; FEATURES], count: 0.0 }
    }
}

impl Differences {
    fn add(&mut self, difference: &Features) {
        self.sum.iter_mut().zip(difference).for_each(|(sum, value)| *sum += value);
        self.count += 1.0;
    }

    /// The mean with `prior` counted `times`.
    fn mean(&self, prior: &Features, times: f32) -> Features {
        let mut mean = self.sum;
        mean.iter_mut().zip(prior).for_each(|(sum, prior)| *sum = (*sum + prior * times) / (self.count + times));
        mean
    }
}

impl Accent {
    /// A state of a sound was heard so much unlike the rendition.
    pub fn note(&mut self, phone: &Phone, state: usize, difference: &Features) {
        self.sounds.entry((phone.name, state)).or_default().add(difference);
        self.kinds.entry((std::mem::discriminant(&phone.manner), state)).or_default().add(difference);
    }

    /// What the states of a sound are like in this voice.
    pub fn applied(&self, phone: &Phone, states: &[Features; STATES]) -> [Features; STATES] {
        std::array::from_fn(|state| {
            let kind = self.kinds.get(&(std::mem::discriminant(&phone.manner), state)).copied().unwrap_or_default();
            let kind = kind.mean(&[0.0; FEATURES], NOTHING_COUNT);
            let own = self.sounds.get(&(phone.name, state)).copied().unwrap_or_default().mean(&kind, KIND_COUNT);
            let mut like = states[state];
            like.iter_mut().zip(own).for_each(|(like, own)| *like += own);
            like
        })
    }
}
