//! What the next calls meet: steps that were written down, and dice.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::{
    routes::{Route, Vendor},
    steps::{End, Fault, Retry, Run, Sound, Step},
};

/// Most steps that wait for one route.
const MOST_STEPS: usize = 100_000;

/// Why a script is refused.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    #[error("step {number} ({step:?}) cannot happen on the route {route:?} of {vendor:?}")]
    DoesNotFit { number: usize, step: Box<Step>, vendor: Vendor, route: Route },
    #[error("at most {MOST_STEPS} steps can wait for one route")]
    TooMany,
    #[error("the share of what fails must be from 0 to 1, not {0}")]
    Share(f64),
}

#[derive(Default)]
struct State {
    queues: HashMap<(Vendor, Route), VecDeque<Step>>,
    dice: HashMap<Vendor, (f64, ChaCha8Rng)>,
    /// Of predictions and trainings that come to nothing.
    runs: Option<(f64, ChaCha8Rng)>,
    asked: BTreeMap<(Vendor, Route), usize>,
}

/// All scripts of a server.
#[derive(Default)]
pub struct Scripts(Mutex<State>);

/// What dice choose among.
const MISHAPS: [Step; 12] = [
    Step::Fail { fault: Fault::ServerError, retry: Retry::Absent, after_work: false },
    Step::Fail { fault: Fault::ServerError, retry: Retry::Absent, after_work: true },
    Step::Fail { fault: Fault::BadGateway, retry: Retry::Absent, after_work: false },
    Step::Fail { fault: Fault::Unavailable, retry: Retry::Seconds(1), after_work: false },
    Step::Fail { fault: Fault::Overloaded, retry: Retry::Absent, after_work: false },
    Step::Fail { fault: Fault::RateLimited, retry: Retry::Seconds(1), after_work: false },
    Step::Fail { fault: Fault::RateLimited, retry: Retry::Text(1), after_work: false },
    Step::Hang { after_work: false },
    Step::Hang { after_work: true },
    Step::Reset { after_work: false },
    Step::Reset { after_work: true },
    Step::CutBody,
];

/// How a run comes to nothing: it fails, is never begun, ends in a state that nobody knows, or its output is gone, cut or no
/// sound. Of a training there is no sound to be amiss.
fn amiss(route: Route, dice: &mut ChaCha8Rng) -> End {
    const OF_TRAININGS: u32 = 4;
    const OF_PREDICTIONS: u32 = 8;
    let sorts = if route == Route::CreateTraining { OF_TRAININGS } else { OF_PREDICTIONS };
    match dice.random_range(0..sorts) {
        0 => End::Fails("CUDA out of memory".to_owned()),
        1 => End::Aborted,
        2 => End::Removed,
        3 => End::UnknownStatus,
        4 => End::Audio(Sound::Short),
        5 => End::Audio(Sound::NotAudio),
        6 => End::Audio(Sound::Empty),
        _ => End::Output(json!({"text": "Something went wrong."})),
    }
}

impl Scripts {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next calls of the route meet these, one each, behind what was written down before.
    ///
    /// # Errors
    /// When one of them cannot happen there; then none is taken.
    pub fn add(&self, vendor: Vendor, route: Route, steps: Vec<Step>) -> Result<(), ScriptError> {
        if let Some((index, step)) = steps.iter().enumerate().find(|(_, step)| !step.fits(vendor, route)) {
            let step = Box::new(step.clone());
            return Err(ScriptError::DoesNotFit { number: index + 1, step, vendor, route });
        }
        let mut state = self.state();
        let queue = state.queues.entry((vendor, route)).or_default();
        if queue.len() + steps.len() > MOST_STEPS {
            return Err(ScriptError::TooMany);
        }
        queue.extend(steps);
        Ok(())
    }

    /// From now on this share of the vendor's calls that no step is written down for meets a mishap, chosen by dice with this
    /// seed; a share of 0 ends it.
    ///
    /// # Errors
    /// When the share is none.
    pub fn random(&self, vendor: Vendor, share: f64, seed: u64) -> Result<(), ScriptError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(ScriptError::Share(share));
        }
        self.state().dice.insert(vendor, (share, ChaCha8Rng::seed_from_u64(seed)));
        Ok(())
    }

    /// From now on this share of the predictions and trainings whose call meets nothing comes to nothing itself, by dice with
    /// this seed; a share of 0 ends it.
    ///
    /// # Errors
    /// When the share is none.
    pub fn random_runs(&self, share: f64, seed: u64) -> Result<(), ScriptError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(ScriptError::Share(share));
        }
        self.state().runs = Some((share, ChaCha8Rng::seed_from_u64(seed)));
        Ok(())
    }

    /// What a call meets that comes now.
    pub fn next(&self, vendor: Vendor, route: Route) -> Step {
        let mut state = self.state();
        *state.asked.entry((vendor, route)).or_default() += 1;
        for key in [(vendor, route), (vendor, Route::Any)] {
            if let Some(step) = state.queues.get_mut(&key).and_then(VecDeque::pop_front) {
                return step;
            }
        }
        if let Some((share, dice)) = state.dice.get_mut(&vendor)
            && dice.random_bool(*share)
        {
            return MISHAPS.choose(dice).cloned().unwrap_or_default();
        }
        if let Some((share, dice)) = &mut state.runs
            && matches!(route, Route::CreatePrediction | Route::CreateTraining)
            && dice.random_bool(*share)
        {
            return Step::Run(Run { end: amiss(route, dice), ..Run::default() });
        }
        Step::Proper
    }

    /// How often each route was asked.
    pub fn asked(&self) -> BTreeMap<(Vendor, Route), usize> {
        self.state().asked.clone()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.state() = State::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_its_own_steps_before_those_of_any() {
        let scripts = Scripts::default();
        scripts.add(Vendor::OpenAi, Route::Any, vec![Step::CutBody]).unwrap();
        scripts.add(Vendor::OpenAi, Route::Chat, vec![Step::Proper, Step::Hang { after_work: true }]).unwrap();
        let next = |route| scripts.next(Vendor::OpenAi, route);
        assert_eq!(next(Route::Chat), Step::Proper);
        assert_eq!(next(Route::Speech), Step::CutBody);
        assert_eq!(next(Route::Chat), Step::Hang { after_work: true });
        assert_eq!(next(Route::Chat), Step::Proper);
        assert_eq!(scripts.asked()[&(Vendor::OpenAi, Route::Chat)], 3);
    }

    #[test]
    fn steps_that_cannot_happen_are_refused_whole() {
        let scripts = Scripts::default();
        let steps = vec![Step::CutBody, Step::Text(crate::steps::Words::Nul)];
        let refused = scripts.add(Vendor::Replicate, Route::GetPrediction, steps).unwrap_err();
        assert!(refused.to_string().starts_with("step 2 (Text(Nul))"), "{refused}");
        assert_eq!(scripts.next(Vendor::Replicate, Route::GetPrediction), Step::Proper);
        let many = vec![Step::CutBody; 60_000];
        assert!(scripts.add(Vendor::Ml, Route::Any, many.clone()).is_ok());
        assert!(matches!(scripts.add(Vendor::Ml, Route::Any, many), Err(ScriptError::TooMany)));
        assert!(scripts.random(Vendor::Ml, 1.5, 1).is_err());
    }

    #[test]
    fn dice_fall_alike_for_a_seed_and_as_often_as_told() {
        let fallen = |seed| {
            let scripts = Scripts::default();
            scripts.random(Vendor::Anthropic, 0.3, seed).unwrap();
            (0..1_000).map(|_| scripts.next(Vendor::Anthropic, Route::Messages)).collect::<Vec<_>>()
        };
        assert_eq!(fallen(1), fallen(1));
        assert_ne!(fallen(1), fallen(2));
        let mishaps = fallen(1).into_iter().filter(|step| *step != Step::Proper).count();
        assert!((250..350).contains(&mishaps), "{mishaps}");
    }

    #[test]
    fn runs_come_to_nothing_as_often_as_told_and_other_calls_never() {
        let ends = |route| {
            let scripts = Scripts::default();
            scripts.random_runs(0.5, 1).unwrap();
            let next = |_| scripts.next(Vendor::Replicate, route);
            (0..1_000).map(next).filter(|step| *step != Step::Proper).collect::<Vec<_>>()
        };
        let of = |route, end: &End| ends(route).contains(&Step::Run(Run { end: end.clone(), ..Run::default() }));
        for route in [Route::CreatePrediction, Route::CreateTraining] {
            let many = ends(route).len();
            assert!((450..550).contains(&many), "{route:?}: {many}");
            assert!(of(route, &End::Aborted) && of(route, &End::Removed), "{route:?}");
        }
        let cut = End::Audio(Sound::Short);
        assert!(of(Route::CreatePrediction, &cut) && !of(Route::CreateTraining, &cut));
        assert!(ends(Route::GetPrediction).is_empty());
        assert!(Scripts::default().random_runs(-0.1, 1).is_err());
    }
}
