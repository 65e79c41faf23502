//! What vendors answer is kept and paid for once, and nobody spends more than a limit says.

use domain::{Cost, Failure, FailureClass, FailureCode, JobState, OutsideCallId, Tried, Usage, kinds::melody_vocals};
use persistence::{Begun, KeptAnswer, NewCall, OutsideCallState, SpendingLimits, StageStart, WorkObject};
use serde_json::json;

use crate::bed::{Bed, later, noon, on_both, user};

fn usd(micros: i64) -> Cost {
    Cost { micros, currency: "USD".to_owned() }
}

/// A call that is answered at once or never.
fn at_once<'a>(job: &persistence::Job, n: u8, purpose: &'a str) -> NewCall<'a> {
    let id = OutsideCallId::new(noon(), [n; 10]);
    let holder = (job.id, job.generation);
    let call = NewCall::new(id, holder, (melody_vocals::LYRICS, purpose), ("vendor", "default"));
    NewCall { answers_at_once: true, ..call }
}

async fn an_answer_is_kept_with_the_call(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let calls = bed.db.outside_calls();
    let begin = async |n| calls.begin(&at_once(&job, n, "draft"), noon()).await.unwrap();
    let Begun::Fresh(call) = begin(1).await else { panic!("it is the first") };
    assert_eq!(call.state, OutsideCallState::Asking);
    assert!(!calls.has_begun(job.id, melody_vocals::LYRICS, "vendor").await.unwrap(), "nobody can look at it");
    let file = WorkObject { key: "k".to_owned(), sha256: "s".to_owned(), size_bytes: 5 };
    let answer = KeptAnswer { value: json!({ "lines": ["one"] }), files: vec![file] };
    let usage = Usage { input_tokens: 100, output_tokens: 20, ..Usage::default() };
    let paid = (&usage, Some(&usd(700)));
    assert!(calls.answered(call.id, OutsideCallState::Succeeded, paid, Some(&answer), later(1)).await.unwrap());
    let Begun::Known(known) = begin(2).await else { panic!("it was answered") };
    assert_eq!((known.answer, known.usage, known.cost), (Some(answer), usage, Some(usd(700))));
    assert!(calls.has_begun(job.id, melody_vocals::LYRICS, "vendor").await.unwrap());
    assert!(!calls.has_begun(job.id, melody_vocals::VOCALS, "vendor").await.unwrap());
    assert!(!calls.has_begun(job.id, melody_vocals::LYRICS, "other").await.unwrap());
}

async fn what_was_not_answered_is_made_again_only_where_it_costs_nothing(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let calls = bed.db.outside_calls();
    let begin =
        async |n, may_repeat| calls.begin(&NewCall { may_repeat, ..at_once(&job, n, "draft") }, noon()).await.unwrap();
    let Begun::Fresh(call) = begin(1, false).await else { panic!("it is the first") };
    assert!(matches!(begin(2, false).await, Begun::Known(known) if known.state == OutsideCallState::Asking));
    assert!(calls.ended(call.id, OutsideCallState::Unanswered, None, later(1)).await.unwrap());
    assert!(matches!(begin(3, false).await, Begun::Known(known) if known.state == OutsideCallState::Unanswered));
    let Begun::Fresh(again) = begin(4, true).await else { panic!("it costs nothing") };
    assert!(matches!(begin(5, true).await, Begun::Fresh(_)), "nor does the next");
    let states: Vec<OutsideCallState> =
        calls.of_job(job.id).await.unwrap().into_iter().map(|call| call.state).collect();
    assert_eq!(states.iter().filter(|state| **state == OutsideCallState::NeverArrived).count(), 2, "{states:?}");
    assert_ne!(again.id, call.id);
}

async fn what_is_answered_after_it_was_thought_lost_is_kept_with_its_true_cost(bed: &Bed) {
    let ada = user("ada-waits");
    let job = bed.in_state(JobState::Running, &ada, noon()).await;
    let calls = bed.db.outside_calls();
    let new = NewCall { estimate: Some(usd(900)), ..at_once(&job, 1, "late") };
    let Begun::Fresh(call) = calls.begin(&new, noon()).await.unwrap() else { panic!("it is the first") };
    let spent = async || {
        let rows = bed.db.spending().of_user(ada.as_str(), noon()).await.unwrap();
        (rows[0].spent_micros, rows[0].reserved_micros)
    };
    assert!(calls.ended(call.id, OutsideCallState::Unanswered, None, later(1)).await.unwrap());
    assert_eq!(spent().await, (900, 0), "the likeliest");
    let (nothing, answer) = (Usage::default(), KeptAnswer { value: json!("late"), files: Vec::new() });
    let answered = async |state, cost: i64| {
        calls.answered(call.id, state, (&nothing, Some(&usd(cost))), Some(&answer), later(2)).await.unwrap()
    };
    assert!(!answered(OutsideCallState::Failed, 0).await, "the first word stands");
    assert!(answered(OutsideCallState::Succeeded, 700).await);
    assert_eq!(spent().await, (700, 0));
    let known = calls.get(call.id).await.unwrap().unwrap();
    assert_eq!(
        (known.state, known.cost, known.answer),
        (OutsideCallState::Succeeded, Some(usd(700)), Some(answer.clone()))
    );
    assert!(!answered(OutsideCallState::Succeeded, 800).await, "once");
    assert_eq!(spent().await, (700, 0));
}

async fn a_call_is_lost_with_its_job_and_not_before(bed: &Bed) {
    let calls = bed.db.outside_calls();
    let goes_on = bed.in_state(JobState::Running, &user("ada-goes-on"), noon()).await;
    let Begun::Fresh(call) = calls.begin(&at_once(&goes_on, 1, "p"), noon()).await.unwrap() else {
        panic!("it is the first")
    };
    assert!(!calls.lost_with_job(&call, later(1)).await.unwrap(), "its job may want it");
    assert_eq!(calls.get(call.id).await.unwrap().unwrap().state, OutsideCallState::Asking);
}

async fn no_limit_is_passed_and_what_was_set_aside_comes_back(bed: &Bed) {
    let (ada, ben) = (user("ada-spends"), user("ben-spends"));
    let calls = bed.db.outside_calls();
    let limits = SpendingLimits { house: None, provider: Some(usd(1_080)), user: Some(usd(600)) };
    let mut n = 0;
    let mut begin = async |job: &persistence::Job, micros| {
        n += 1;
        let id = OutsideCallId::new(noon(), [n; 10]);
        let purpose = n.to_string();
        let call = NewCall::new(id, (job.id, job.generation), (melody_vocals::VOCALS, &purpose), ("purse", "default"));
        let call = NewCall { estimate: Some(usd(micros)), limits: limits.clone(), ..call };
        calls.begin(&call, noon()).await.unwrap()
    };
    let of_ada = bed.in_state(JobState::Running, &ada, noon()).await;
    let of_ben = bed.in_state(JobState::Running, &ben, noon()).await;
    let Begun::Fresh(first) = begin(&of_ada, 400).await else { panic!("there is money") };
    let over = begin(&of_ada, 300).await;
    assert_eq!(over, Begun::OverLimit("one user".to_owned()));
    let Begun::Fresh(second) = begin(&of_ben, 500).await else { panic!("it is somebody else's money") };
    assert_eq!(begin(&of_ben, 150).await, Begun::OverLimit("one user".to_owned()));
    assert_eq!(begin(&of_ada, 190).await, Begun::OverLimit("the provider purse".to_owned()));

    // The first was cheaper than was thought, the second came to nothing.
    assert!(calls.ended(first.id, OutsideCallState::Succeeded, Some(&usd(250)), later(1)).await.unwrap());
    assert!(calls.ended(second.id, OutsideCallState::Failed, None, later(1)).await.unwrap());
    let spent = async |name: &str| {
        let rows = bed.db.spending().of_month(noon()).await.unwrap();
        let found = rows.into_iter().find(|row| row.name == name).unwrap();
        (found.spent_micros, found.reserved_micros)
    };
    assert_eq!(spent("purse").await, (250, 0));
    assert_eq!(spent(ada.as_str()).await, (250, 0));
    assert_eq!(spent(ben.as_str()).await, (0, 0));
    assert_eq!(bed.db.spending().of_user(ada.as_str(), noon()).await.unwrap().len(), 1);
    assert!(matches!(begin(&of_ada, 350).await, Begun::Fresh(_)));

    // Nobody says what an unanswered call cost: it counts as what was expected, and when it is answered late, once.
    let Begun::Fresh(lost) = begin(&of_ben, 200).await else { panic!("there is money") };
    assert!(calls.ended(lost.id, OutsideCallState::NeverArrived, None, later(2)).await.unwrap());
    assert_eq!(spent(ben.as_str()).await, (0, 0));
    calls.answered_late(lost.id, "v-late", later(3)).await.unwrap();
    assert_eq!(spent(ben.as_str()).await, (0, 200));
    assert!(calls.ended(lost.id, OutsideCallState::Cancelled, None, later(4)).await.unwrap());
    assert_eq!(spent(ben.as_str()).await, (200, 0));
    assert_eq!(spent("purse").await, (450, 350));
}

async fn whom_a_stage_asked_is_remembered_for_its_attempt(bed: &Bed) {
    let job = bed.in_state(JobState::Running, &user("ada"), noon()).await;
    let (stages, lyrics) = (bed.db.stages(), melody_vocals::LYRICS);
    stages.start(job.id, job.generation, lyrics, 1, noon()).await.unwrap();
    assert_eq!(stages.tried(job.id, lyrics).await.unwrap(), []);
    let away = Failure::new(FailureClass::Transient, FailureCode::ProviderUnavailable, "it is away");
    let tried = [Tried::failed("vendor", &away), Tried::passed_over("other", "it does not speak Spanish".to_owned())];
    assert!(!stages.note_tried(job.id, job.generation - 1, lyrics, &tried).await.unwrap(), "somebody else's job");
    assert!(stages.note_tried(job.id, job.generation, lyrics, &tried).await.unwrap());
    // Parked, handed back or taken over, it goes on where it was.
    assert_eq!(stages.start(job.id, job.generation, lyrics, 1, later(1)).await.unwrap(), StageStart::Started);
    assert_eq!(stages.tried(job.id, lyrics).await.unwrap(), tried);
    assert_eq!(stages.list(job.id).await.unwrap()[0].tried, tried);
    stages.fail(job.id, job.generation, lyrics, &away, later(2)).await.unwrap();
    stages.start(job.id, job.generation, lyrics, 2, later(3)).await.unwrap();
    assert_eq!(stages.tried(job.id, lyrics).await.unwrap(), [], "another attempt asks everybody");
}

on_both!(
    an_answer_is_kept_with_the_call,
    what_was_not_answered_is_made_again_only_where_it_costs_nothing,
    what_is_answered_after_it_was_thought_lost_is_kept_with_its_true_cost,
    a_call_is_lost_with_its_job_and_not_before,
    no_limit_is_passed_and_what_was_set_aside_comes_back,
    whom_a_stage_asked_is_remembered_for_its_attempt,
);
