//! Messages that leave, messages that came in, requests that come again.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use persistence::{Backlog, Begin, Destination, IdempotencyKey};
use serde_json::json;

use crate::bed::{Bed, later, message, noon, on_both, user};

async fn messages_leave_in_order_and_come_again_until_marked(bed: &Bed) {
    let outbox = bed.db.outbox();
    assert_eq!(outbox.backlog(noon()).await.unwrap(), Backlog::default());
    assert_eq!(outbox.claim_batch(later(30), 10, noon()).await.unwrap(), []);
    let queue = Destination::Queue("descant.orchestrator.jobs.v1".to_owned());
    let written = [message(queue), message(Destination::Event), message(Destination::Event)];
    for (n, one) in written.iter().enumerate() {
        outbox.put(vec![one.clone()], later(n as i64)).await.unwrap();
    }
    assert_eq!(outbox.backlog(later(10)).await.unwrap(), Backlog { pending: 3, oldest: TimeDelta::seconds(10) });
    let batch = outbox.claim_batch(later(40), 2, later(10)).await.unwrap();
    assert_eq!(batch.iter().map(|taken| taken.message.clone()).collect::<Vec<_>>(), written[..2]);
    assert_eq!((batch[0].attempts, batch[0].created_at), (1, noon()));
    let rest = outbox.claim_batch(later(40), 2, later(11)).await.unwrap();
    assert_eq!(rest.iter().map(|taken| taken.message.id).collect::<Vec<_>>(), [written[2].id]);
    assert_eq!(outbox.claim_batch(later(40), 2, later(12)).await.unwrap(), []);

    outbox.mark_published(&[written[0].id], later(13)).await.unwrap();
    outbox.release(&[written[0].id, written[1].id], later(15)).await.unwrap();
    assert_eq!(outbox.claim_batch(later(50), 5, later(14)).await.unwrap(), []);
    let again = outbox.claim_batch(later(50), 5, later(15)).await.unwrap();
    assert_eq!(again.iter().map(|taken| (taken.message.id, taken.attempts)).collect::<Vec<_>>(), [(written[1].id, 2)]);
    // Its relay died: once the claim is over, another takes it.
    let dead = outbox.claim_batch(later(99), 5, later(50)).await.unwrap();
    assert_eq!(dead.len(), 2);
    outbox.mark_published(&[written[1].id, written[2].id], later(51)).await.unwrap();
    assert_eq!(outbox.backlog(later(60)).await.unwrap(), Backlog::default());
    assert_eq!(outbox.prune(later(51)).await.unwrap(), 1);
    assert_eq!(outbox.prune(later(52)).await.unwrap(), 2);
}

async fn two_relays_never_take_the_same_message(bed: &Bed) {
    let messages: Vec<_> = (0..120).map(|_| message(Destination::Event)).collect();
    let expected: BTreeSet<_> = messages.iter().map(|one| one.id).collect();
    bed.db.outbox().put(messages, noon()).await.unwrap();
    let other = bed.another().await;
    let relays: Vec<_> = (0..6)
        .map(|n| {
            let db = if n % 2 == 0 { bed.db.clone() } else { other.clone() };
            tokio::spawn(async move {
                let mut taken = Vec::new();
                // PostgreSQL skips what another relay is just taking, so an empty answer alone is not the end.
                while db.outbox().backlog(noon()).await.unwrap().pending > 0 {
                    let batch = db.outbox().claim_batch(later(600), 7, noon()).await.unwrap();
                    let ids: Vec<_> = batch.into_iter().map(|one| one.message.id).collect();
                    db.outbox().mark_published(&ids, noon()).await.unwrap();
                    taken.extend(ids);
                }
                taken
            })
        })
        .collect();
    let mut taken = Vec::new();
    for relay in relays {
        taken.extend(relay.await.unwrap());
    }
    assert_eq!(taken.len(), 120, "a message was taken twice or never");
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>(), expected);
}

fn key(who: &str, route: &str) -> IdempotencyKey {
    IdempotencyKey { user: user(who), key: "same".to_owned(), route: route.to_owned() }
}

async fn a_request_that_comes_again_gets_the_first_answer(bed: &Bed) {
    let keys = bed.db.idempotency();
    let begin =
        async |key: &IdempotencyKey, hash: &str, at| keys.begin(key, hash, at, TimeDelta::seconds(60)).await.unwrap();
    let mine = key("ada", "convert");
    let Begin::Fresh(claim) = begin(&mine, "h", noon()).await else { panic!("not fresh") };
    assert_eq!(begin(&mine, "h", later(1)).await, Begin::InFlight);
    assert_eq!(begin(&mine, "other", later(1)).await, Begin::Mismatch);
    assert!(matches!(begin(&key("bob", "convert"), "h", later(1)).await, Begin::Fresh(_)));
    assert!(matches!(begin(&key("ada", "cancel"), "h", later(1)).await, Begin::Fresh(_)));
    assert!(keys.finish(&claim, 202, json!({"ok": true}), None, later(1000)).await.unwrap());
    assert!(!keys.finish(&claim, 500, json!({}), None, later(1000)).await.unwrap(), "answered twice");
    let replay = Begin::Replay { status: 202, body: json!({"ok": true}), job_id: None };
    assert_eq!(begin(&mine, "h", later(999)).await, replay);
    assert_eq!(begin(&mine, "other", later(999)).await, Begin::Mismatch);
    keys.abandon(&claim).await.unwrap();
    assert_eq!(begin(&mine, "h", later(999)).await, replay, "an answered key was abandoned");
    let Begin::Fresh(next) = begin(&mine, "other", later(1000)).await else { panic!("expired but not free") };
    keys.abandon(&next).await.unwrap();
    assert!(matches!(begin(&mine, "third", later(1001)).await, Begin::Fresh(_)));
    assert_eq!(keys.prune(later(1000)).await.unwrap(), 2);
    assert_eq!(begin(&mine, "third", later(1002)).await, Begin::InFlight);
}

async fn of_equal_requests_at_once_one_works(bed: &Bed) {
    let other = bed.another().await;
    let requests: Vec<_> = (0..10)
        .map(|n| {
            let db = if n % 2 == 0 { bed.db.clone() } else { other.clone() };
            tokio::spawn(async move {
                let at = noon() + TimeDelta::microseconds(n);
                db.idempotency().begin(&key("ada", "convert"), "h", at, TimeDelta::seconds(60)).await.unwrap()
            })
        })
        .collect();
    let mut fresh = 0;
    for request in requests {
        match request.await.unwrap() {
            Begin::Fresh(_) => fresh += 1,
            Begin::InFlight => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fresh, 1);
}

on_both!(
    messages_leave_in_order_and_come_again_until_marked,
    two_relays_never_take_the_same_message,
    a_request_that_comes_again_gets_the_first_answer,
    of_equal_requests_at_once_one_works,
);
