//! What cannot be reached through the bus's face.

use chrono::Utc;

use super::*;
use crate::{HandlingOutcome, Outcome};

struct Ledger(Mutex<Vec<(&'static str, HandlingOutcome)>>);

impl MessagingObserver for Ledger {
    fn handled(&self, _: Queue, kind: &'static str, outcome: HandlingOutcome, _: Duration) {
        lock(&self.0).push((kind, outcome));
    }
}

struct Unwanted;

#[async_trait]
impl Handler for Unwanted {
    async fn handle(&self, _: Envelope) -> Outcome {
        panic!("nothing here is for a handler")
    }
}

async fn deliver(bytes: &[u8]) -> (Vec<(&'static str, HandlingOutcome)>, Vec<DeadLetter>) {
    let ledger = Arc::new(Ledger(Mutex::default()));
    let settings = InProcessSettings { observer: Arc::clone(&ledger) as _, ..Default::default() };
    let post = Post { settings, dead: Mutex::default() };
    let line = Arc::new(Line::new(Queue::OrchestratorJobs));
    let letter = Letter { bytes: bytes.to_vec(), deliveries: 0, asker: None };
    let in_hand = InHand { line: Arc::clone(&line), letter: Some(letter) };
    post.deliver(in_hand, &Unwanted, &CancellationToken::new()).await;
    assert!(lock(&line.waiting).is_empty(), "it does not come again");
    let dead = lock(&post.dead).drain(..).map(|(letter, _)| letter).collect();
    (std::mem::take(&mut *lock(&ledger.0)), dead)
}

#[tokio::test]
async fn an_unknown_body_is_counted_and_put_aside() {
    // Field 999, a message: a body of a later version.
    let (handled, dead) = deliver(&[0xba, 0x3e, 0x00]).await;
    assert_eq!(handled, [("unknown", HandlingOutcome::Unknown)]);
    assert!(dead.is_empty());
}

#[tokio::test]
async fn unreadable_bytes_are_a_dead_letter() {
    let (handled, dead) = deliver(b"\xff\xff").await;
    assert_eq!(handled, [("unknown", HandlingOutcome::Dead)]);
    assert_eq!((dead.len(), dead[0].envelope.is_none()), (1, true));
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let bus = in_process_with(InProcessSettings { queue_length: 2, ..Default::default() });
    let message = contracts::envelope(
        contracts::v1::JobReady::default(),
        domain::MessageId::from_uuid(uuid::Uuid::now_v7()),
        Utc::now(),
    );
    for _ in 0..2 {
        bus.send(Queue::OrchestratorJobs, message.clone()).await.unwrap();
    }
    let error = bus.send(Queue::OrchestratorJobs, message).await.unwrap_err();
    assert!(matches!(error, MessagingError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn dead_letters_have_a_bound() {
    let settings = InProcessSettings { dead_letters: 2, ..Default::default() };
    let post = Post { settings, dead: Mutex::default() };
    for deliveries in 0..5 {
        let letter = Letter { bytes: vec![], deliveries, asker: None };
        post.bury(Queue::OrchestratorJobs, &letter, String::new());
    }
    let kept: Vec<_> = lock(&post.dead).iter().map(|(letter, _)| letter.deliveries).collect();
    assert_eq!(kept, [3, 4]);
}
