//! The stored words of states and tiers, and which of them a rule is about.

use domain::{JobState, Tier};

pub fn tier_words() -> impl Iterator<Item = &'static str> {
    Tier::ALL.into_iter().map(Tier::as_str)
}

/// The stored words of the states that satisfy a rule of the domain, so that no query has a list of its own.
pub fn state_words(rule: impl Fn(JobState) -> bool) -> Vec<&'static str> {
    JobState::ALL.into_iter().filter(|state| rule(*state)).map(JobState::as_str).collect()
}

/// Whether somebody holds a lease on a job in this state.
pub const fn is_held(state: JobState) -> bool {
    !state.is_final() && !matches!(state, JobState::Queued | JobState::Parked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_words_follow_the_rule() {
        assert_eq!(state_words(JobState::is_final), ["completed", "failed", "cancelled", "expired"]);
    }

    #[test]
    fn held_states_are_those_with_a_lease() {
        assert_eq!(state_words(is_held), ["running", "storing", "cancelling"]);
    }
}
