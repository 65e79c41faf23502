//! Each day is counted once, whoever comes.

use domain::kinds::{blend, melody_vocals};
use persistence::DailyFigures;

use crate::bed::{Bed, figures_of, noon, on_both};

async fn of_many_that_count_a_day_one_is_first(bed: &Bed) {
    let other = bed.another().await;
    let mut counting = Vec::new();
    for n in 0..10_u64 {
        let db = if n % 2 == 0 { bed.db.clone() } else { other.clone() };
        let figures = DailyFigures { submitted: n, ..figures_of("2026-02-14") };
        counting.push(tokio::spawn(async move { (n, db.days().record(&figures, noon()).await.unwrap()) }));
    }
    let mut first = Vec::new();
    for task in counting {
        let (n, was_first) = task.await.unwrap();
        first.extend(was_first.then_some(i64::try_from(n).unwrap()));
    }
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(bed.numbers("SELECT submitted FROM daily_figures").await, first, "who was first stays");
}

async fn the_last_day_is_told_by_kind(bed: &Bed) {
    let last = async |kind| bed.db.days().last(&kind).await.unwrap().map(|day| day.to_string());
    assert_eq!(last(blend::NAME).await, None);
    for day in ["2026-02-14", "2026-10-01", "2026-09-30"] {
        assert!(bed.db.days().record(&figures_of(day), noon()).await.unwrap());
    }
    assert!(!bed.db.days().record(&figures_of("2026-09-30"), noon()).await.unwrap());
    assert_eq!(last(melody_vocals::NAME).await.as_deref(), Some("2026-10-01"));
    assert_eq!(last(blend::NAME).await, None, "another kind's days say nothing of this one's");
}

on_both!(of_many_that_count_a_day_one_is_first, the_last_day_is_told_by_kind);
