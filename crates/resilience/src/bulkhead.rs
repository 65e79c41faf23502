//! A bound on how many calls of one sort run at once, so that one slow provider cannot take every slot.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A named set of slots. Cheap to clone; clones share the slots.
#[derive(Clone, Debug)]
pub struct Bulkhead {
    name: Arc<str>,
    slots: Arc<Mutex<Slots>>,
    semaphore: Arc<Semaphore>,
}

#[derive(Debug)]
struct Slots {
    wanted: usize,
    /// Fewer than wanted, until then.
    narrowed: Option<(usize, Instant)>,
    /// Those that the semaphore has, in use or not: more than there should be while some that are to go are in use.
    there: usize,
}

impl Slots {
    /// How many there should be.
    fn size(&self) -> usize {
        self.narrowed.map_or(self.wanted, |(most, _)| most.min(self.wanted))
    }

    /// How much longer there are fewer.
    fn narrow_for(&self) -> Option<Duration> {
        self.narrowed.map(|(_, until)| until.saturating_duration_since(Instant::now()))
    }
}

/// One slot, given back on drop; where there are more than there should be, it goes.
#[derive(Debug)]
#[must_use = "the slot is given back as soon as the permit is dropped"]
pub struct Permit {
    slot: Option<OwnedSemaphorePermit>,
    of: Bulkhead,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.of.counts();
        if counts.there > counts.size()
            && let Some(slot) = self.slot.take()
        {
            counts.there -= 1;
            slot.forget();
        }
    }
}

impl Bulkhead {
    /// Zero slots would never let anything through and reads as one.
    pub fn new(name: &str, slots: usize) -> Self {
        let slots = slots.clamp(1, Semaphore::MAX_PERMITS);
        let counts = Arc::new(Mutex::new(Slots { wanted: slots, narrowed: None, there: slots }));
        Self { name: name.into(), slots: counts, semaphore: Arc::new(Semaphore::new(slots)) }
    }

    /// Makes it larger or smaller; zero reads as one. Slots in use stay in use, and go when they are given back. While it is
    /// narrowed, that stands.
    pub fn resize(&self, slots: usize) {
        let mut counts = self.counts();
        counts.wanted = slots.clamp(1, Semaphore::MAX_PERMITS);
        self.fit(&mut counts);
    }

    /// Makes it smaller for so long than it is otherwise, as [`Self::resize`] does; what was said last holds.
    pub fn narrow(&self, slots: usize, hold: Duration) {
        let mut counts = self.counts();
        counts.narrowed = Some((slots.clamp(1, Semaphore::MAX_PERMITS), Instant::now() + hold));
        self.fit(&mut counts);
    }

    /// The counts, with as many slots as there should be now.
    fn counts(&self) -> MutexGuard<'_, Slots> {
        let mut counts = crate::lock(&self.slots);
        if counts.narrow_for().is_some_and(|left| left.is_zero()) {
            counts.narrowed = None;
            self.fit(&mut counts);
        }
        counts
    }

    fn fit(&self, counts: &mut Slots) {
        let size = counts.size();
        if counts.there < size {
            self.semaphore.add_permits(size - counts.there);
            counts.there = size;
        } else {
            counts.there -= self.semaphore.forget_permits(counts.there - size);
        }
    }

    /// Waits its turn, first come first served. Dropping the future gives the place in the queue back.
    pub async fn acquire(&self) -> Permit {
        let mut turn = Box::pin(Arc::clone(&self.semaphore).acquire_owned());
        loop {
            let narrow_for = self.counts().narrow_for();
            let slot = match narrow_for {
                None => turn.as_mut().await,
                // Whoever waits makes it as large again as it was.
                Some(left) => match tokio::time::timeout(left, turn.as_mut()).await {
                    Ok(slot) => slot,
                    Err(_) => continue,
                },
            };
            // The semaphore is never closed, so the only failure cannot happen.
            return Permit { slot: slot.ok(), of: self.clone() };
        }
    }

    /// A slot now, or none.
    pub fn try_acquire(&self) -> Option<Permit> {
        drop(self.counts());
        let slot = Arc::clone(&self.semaphore).try_acquire_owned().ok()?;
        Some(Permit { slot: Some(slot), of: self.clone() })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn slots(&self) -> usize {
        self.counts().size()
    }

    pub fn in_use(&self) -> usize {
        let there = self.counts().there;
        there - self.semaphore.available_permits().min(there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slot_comes_back_when_its_permit_goes() {
        let bulkhead = Bulkhead::new("engine", 2);
        let first = bulkhead.acquire().await;
        let second = bulkhead.acquire().await;
        assert!(bulkhead.try_acquire().is_none());
        assert_eq!(bulkhead.in_use(), 2);
        drop(first);
        assert!(bulkhead.try_acquire().is_some());
        drop(second);
        assert_eq!(bulkhead.in_use(), 0);
    }

    #[tokio::test]
    async fn it_grows_at_once_and_shrinks_as_slots_come_back() {
        let bulkhead = Bulkhead::new("vendor", 1);
        let first = bulkhead.acquire().await;
        bulkhead.resize(3);
        let second = bulkhead.try_acquire();
        assert!(second.is_some());
        bulkhead.resize(1);
        assert_eq!((bulkhead.slots(), bulkhead.in_use()), (1, 2), "nobody loses a slot");
        drop(second);
        assert!(bulkhead.try_acquire().is_none());
        drop(first);
        assert!(bulkhead.try_acquire().is_some());
    }

    #[tokio::test]
    async fn slots_that_are_to_go_are_given_to_no_waiter() {
        let bulkhead = Bulkhead::new("vendor", 2);
        let (first, second) = (bulkhead.acquire().await, bulkhead.acquire().await);
        let waiting = tokio::spawn({
            let bulkhead = bulkhead.clone();
            async move { bulkhead.acquire().await }
        });
        tokio::task::yield_now().await;
        bulkhead.resize(1);
        drop(first);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "two work at once where one may");
        drop(second);
        let _third = waiting.await.unwrap();
        assert_eq!((bulkhead.slots(), bulkhead.in_use()), (1, 1));
    }

    #[tokio::test]
    async fn it_is_narrow_for_a_while_and_then_as_large_as_before() {
        let bulkhead = Bulkhead::new("vendor", 3);
        bulkhead.narrow(0, Duration::from_secs(3600));
        let first = bulkhead.acquire().await;
        assert_eq!((bulkhead.slots(), bulkhead.in_use()), (1, 1));
        assert!(bulkhead.try_acquire().is_none());
        bulkhead.resize(2);
        assert!(bulkhead.try_acquire().is_none(), "that its usual size is another one changes nothing now");
        // Whoever waits when the time is over gets a slot, though nobody gives one back.
        bulkhead.narrow(1, Duration::from_millis(1));
        let second = bulkhead.acquire().await;
        assert_eq!((bulkhead.slots(), bulkhead.in_use()), (2, 2));
        drop((first, second));
        assert_eq!((bulkhead.slots(), bulkhead.in_use()), (2, 0));
    }

    #[tokio::test]
    async fn a_waiter_that_gives_up_keeps_no_slot() {
        let bulkhead = Bulkhead::new("engine", 0);
        assert_eq!(bulkhead.slots(), 1);
        let held = bulkhead.acquire().await;
        {
            let mut waiting = Box::pin(bulkhead.acquire());
            tokio::select! {
                biased;
                _ = &mut waiting => panic!("there was no free slot"),
                () = std::future::ready(()) => {}
            }
        }
        drop(held);
        assert!(bulkhead.try_acquire().is_some());
    }
}
