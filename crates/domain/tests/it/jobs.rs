//! How jobs move, and how their progress does.

use std::collections::BTreeSet;

use domain::{
    ArtifactRole, FailureCode, JobEvent, JobState, Kinds, Progress, Transition,
    feed::FeedKind,
    kinds::melody_vocals,
    progress::ProgressSpan,
    quota::{Standing, standing},
    transition,
};
use proptest::prelude::*;

/// The whole table once more in another hand: a row for each state, a column for each event in the order of
/// `JobEvent::ALL`: claimed, parked, storing started, retry scheduled, completed, failed, cancel requested, cancel
/// confirmed, deadline passed, retry requested.
const TABLE: [(JobState, &str); 9] = [
    (JobState::Queued, "running stale stale duplicate stale failed cancelled impossible expired duplicate"),
    (JobState::Running, "running parked storing queued stale failed cancelling impossible expired stale"),
    (JobState::Parked, "running duplicate stale stale stale failed cancelled impossible expired stale"),
    (JobState::Storing, "running parked duplicate queued completed failed cancelling impossible expired stale"),
    (JobState::Cancelling, "stale cancelled stale cancelled completed cancelled duplicate cancelled cancelled stale"),
    (JobState::Completed, "stale stale stale stale duplicate stale stale stale stale stale"),
    (JobState::Failed, "stale stale stale stale stale duplicate stale stale stale queued"),
    (JobState::Cancelled, "stale stale stale stale stale stale duplicate duplicate stale stale"),
    (JobState::Expired, "stale stale stale stale stale stale stale stale duplicate queued"),
];

fn answer(state: JobState, event: JobEvent) -> String {
    match transition(state, event) {
        Transition::To(next) => next.to_string(),
        Transition::Duplicate => "duplicate".to_owned(),
        Transition::Stale => "stale".to_owned(),
        Transition::Impossible => "impossible".to_owned(),
    }
}

#[test]
fn every_pair_has_its_answer() {
    for (state, row) in TABLE {
        let found: Vec<String> = JobEvent::ALL.iter().map(|event| answer(state, *event)).collect();
        assert_eq!(found.join(" "), row, "{state}");
    }
    assert_eq!(TABLE.map(|(state, _)| state), JobState::ALL);
}

/// All that happens to a job by itself.
fn of_the_platform() -> impl Iterator<Item = JobEvent> {
    JobEvent::ALL.into_iter().filter(|event| *event != JobEvent::RetryRequested)
}

#[test]
fn nothing_but_its_owner_moves_a_job_that_is_final() {
    for state in JobState::ALL {
        let moves = of_the_platform().any(|event| matches!(transition(state, event), Transition::To(_)));
        assert_eq!(moves, !state.is_final(), "{state}");
        let again = matches!(transition(state, JobEvent::RetryRequested), Transition::To(JobState::Queued));
        assert_eq!(again, matches!(state, JobState::Failed | JobState::Expired), "{state}");
    }
}

/// Whatever a job is doing, its owner, its deadline and a failure can each end it.
#[test]
fn every_state_has_a_way_out() {
    for state in JobState::ALL.into_iter().filter(|state| !state.is_final()) {
        for event in [JobEvent::DeadlinePassed, JobEvent::Failed] {
            assert!(matches!(transition(state, event), Transition::To(end) if end.is_final()), "{state} {event:?}");
        }
        let asked = match transition(state, JobEvent::CancelRequested) {
            Transition::To(next) => next,
            _ => state,
        };
        let confirmed = transition(asked, JobEvent::CancelConfirmed);
        assert!(asked.is_final() || confirmed == Transition::To(JobState::Cancelled), "{state}");
    }
}

/// An event that was answered with a move is a duplicate or stale when it is delivered again, or, for a claim, moves
/// nothing new: a redelivery never does harm.
#[test]
fn redeliveries_do_no_harm() {
    for state in JobState::ALL {
        for event in JobEvent::ALL {
            let Transition::To(next) = transition(state, event) else { continue };
            let again = transition(next, event);
            let harmless = matches!(again, Transition::Duplicate | Transition::Stale) || again == Transition::To(next);
            assert!(harmless, "{state} {event:?} then {again:?}");
        }
    }
}

fn events() -> impl Strategy<Value = Vec<JobEvent>> {
    prop::collection::vec(prop::sample::select(of_the_platform().collect::<Vec<_>>()), 0..40)
}

proptest! {
    #[test]
    fn a_job_reaches_at_most_one_final_state_and_stays_there(events in events()) {
        let mut state = JobState::Queued;
        let mut ends = Vec::new();
        for event in events {
            if let Transition::To(next) = transition(state, event) {
                prop_assert!(!state.is_final(), "{state} moved to {next} by {event:?}");
                state = next;
                if state.is_final() {
                    ends.push(state);
                }
            }
        }
        prop_assert!(ends.len() <= 1, "{ends:?}");
        prop_assert_eq!(state.is_final(), ends.len() == 1);
        prop_assert_eq!(standing(state) == Standing::Settled, state == JobState::Completed);
    }

    /// Once asked to stop, a job ends cancelled or, if it was done already, completed: never anything else.
    #[test]
    fn a_wish_to_stop_is_heard(before in events(), after in events()) {
        let step = |state, event| match transition(state, event) {
            Transition::To(next) => next,
            _ => state,
        };
        // Nothing that ends it comes before the request.
        let alive = |state, event| Some(step(state, event)).filter(|next| !next.is_final()).unwrap_or(state);
        let asked = before.into_iter().fold(JobState::Queued, alive);
        let end = after.into_iter().fold(step(asked, JobEvent::CancelRequested), step);
        let heard = matches!(end, JobState::Cancelling | JobState::Cancelled | JobState::Completed);
        prop_assert!(heard, "{asked} ended as {end}");
    }

    #[test]
    fn progress_never_goes_back(steps in prop::collection::vec(any::<u8>(), 0..50)) {
        let mut progress = Progress::ZERO;
        for step in steps {
            let next = progress.advance(Progress::new(step));
            prop_assert!(next >= progress && next <= Progress::DONE);
            prop_assert!(next >= Progress::new(step));
            progress = next;
        }
    }

    #[test]
    fn a_span_is_walked_from_end_to_end_without_a_step_back(
        ends in (0..=100_u8, 0..=100_u8),
        fractions in prop::collection::vec(-1.0..2.0_f64, 1..20),
    ) {
        let span = ProgressSpan::new(ends.0.min(ends.1), ends.0.max(ends.1));
        prop_assert_eq!((span.at(0.0), span.at(1.0), span.at(f64::NAN)), (span.start(), span.end(), span.start()));
        let mut fractions = fractions;
        fractions.sort_by(f64::total_cmp);
        let walked: Vec<Progress> = fractions.iter().map(|fraction| span.at(*fraction)).collect();
        prop_assert!(walked.is_sorted());
        prop_assert!(walked.iter().all(|point| (span.start()..=span.end()).contains(point)));
    }
}

#[test]
fn progress_from_outside_is_bounded_too() {
    assert_eq!(serde_json::from_str::<Progress>("250").unwrap(), Progress::DONE);
    assert_eq!(serde_json::to_string(&Progress::new(42)).unwrap(), "42");
    assert!(serde_json::from_str::<Progress>("-1").is_err());
}

/// The scale that clients of the melody-to-vocals API draw: 0, 5, 15–30, 40–60, 70–90, 90–95, 95–100.
#[test]
fn the_stages_keep_the_seeds_scale() {
    let spec = &melody_vocals::SPEC;
    let scale: Vec<(&str, u8, u8)> = spec
        .stages
        .iter()
        .map(|stage| (stage.name.as_str(), stage.progress.start().percent(), stage.progress.end().percent()))
        .collect();
    assert_eq!(
        scale,
        [
            ("initialization", 0, 0),
            ("validation", 5, 5),
            ("pitch", 15, 30),
            // Not of the seeds: where a band plays, between two of theirs.
            ("arrangement", 30, 40),
            ("lyrics", 40, 60),
            ("vocals", 70, 90),
            ("quality", 90, 95),
            ("finalization", 95, 100),
        ]
    );
    assert!(spec.stage("nonsense").is_none());
}

#[test]
fn every_kind_is_a_table_that_the_platform_can_run() {
    let mut names = BTreeSet::new();
    for kind in Kinds::built_in().iter() {
        assert!(names.insert(kind.name.as_str()), "{} comes twice", kind.name);
        let stages: BTreeSet<_> = kind.stages.iter().map(|stage| stage.name).collect();
        assert_eq!(stages.len(), kind.stages.len(), "{}", kind.name);
        let walks_on = kind.stages.windows(2).all(|pair| pair[0].progress.end() <= pair[1].progress.start());
        assert!(walks_on, "{}", kind.name);
        assert_eq!(kind.stages.last().unwrap().progress.end(), Progress::DONE, "{}", kind.name);
        assert!(kind.artifact(&kind.default_role).is_some(), "{}", kind.name);
        for artifact in kind.artifacts {
            assert_eq!(ArtifactRole::parse(artifact.role.as_str()).as_ref(), Ok(&artifact.role));
        }
        assert!(kind.inputs.iter().all(|input| input.min <= input.max && input.max > 0), "{}", kind.name);
    }
}

/// The older API's six error types, each used.
#[test]
fn every_failure_has_a_word_of_the_older_api() {
    let spec = &melody_vocals::SPEC;
    let words: BTreeSet<&str> = FailureCode::ALL.iter().map(|code| spec.error_word(*code, None)).collect();
    let expected = [
        "AI_SERVICE_ERROR",
        "AUDIO_PROCESSING_ERROR",
        "STORAGE_ERROR",
        "TIMEOUT_ERROR",
        "UNKNOWN_ERROR",
        "VALIDATION_ERROR",
    ];
    assert_eq!(words, BTreeSet::from(expected));
}

#[test]
fn the_seeds_words_for_the_states() {
    let words = JobState::ALL.map(JobState::seed_status);
    let expected = [
        "pending",
        "processing",
        "processing",
        "processing",
        "processing",
        "completed",
        "failed",
        "cancelled",
        "failed",
    ];
    assert_eq!(words, expected);
}

#[test]
fn followers_hear_of_exactly_the_final_states_as_the_last_thing() {
    for state in JobState::ALL {
        let last = FeedKind::of_final(state);
        assert_eq!(last.is_some(), state.is_final(), "{state}");
        assert!(last.is_none_or(FeedKind::is_last), "{state}");
        assert!(last.is_none_or(|kind| kind.as_str() == state.as_str()), "{state}");
    }
    assert_eq!(FeedKind::ALL.into_iter().filter(|kind| kind.is_last()).count(), 4);
}
