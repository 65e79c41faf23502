//! A bound on how many calls of one sort run at once, so that one slow provider cannot take every slot.

use std::sync::{Arc, Mutex};

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
    /// Those that the semaphore has, in use or not: more than wanted while some that are to go are in use.
    there: usize,
}

/// One slot, given back on drop.
#[derive(Debug)]
#[must_use = "the slot is given back as soon as the permit is dropped"]
pub struct Permit {
    _slot: Option<OwnedSemaphorePermit>,
}

impl Bulkhead {
    /// Zero slots would never let anything through and reads as one.
    pub fn new(name: &str, slots: usize) -> Self {
        let slots = slots.clamp(1, Semaphore::MAX_PERMITS);
        let counts = Arc::new(Mutex::new(Slots { wanted: slots, there: slots }));
        Self { name: name.into(), slots: counts, semaphore: Arc::new(Semaphore::new(slots)) }
    }

    /// Makes it larger or smaller; zero reads as one. Slots in use stay in use, and go when they are given back and the size
    /// is set again.
    pub fn resize(&self, slots: usize) {
        let slots = slots.clamp(1, Semaphore::MAX_PERMITS);
        let mut counts = crate::lock(&self.slots);
        counts.wanted = slots;
        if counts.there < slots {
            self.semaphore.add_permits(slots - counts.there);
            counts.there = slots;
        } else {
            counts.there -= self.semaphore.forget_permits(counts.there - slots);
        }
    }

    /// Waits its turn, first come first served. Dropping the future gives the place in the queue back.
    pub async fn acquire(&self) -> Permit {
        // The semaphore is never closed, so the only failure cannot happen.
        Permit { _slot: Arc::clone(&self.semaphore).acquire_owned().await.ok() }
    }

    /// A slot now, or none.
    pub fn try_acquire(&self) -> Option<Permit> {
        Arc::clone(&self.semaphore).try_acquire_owned().ok().map(|slot| Permit { _slot: Some(slot) })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn slots(&self) -> usize {
        crate::lock(&self.slots).wanted
    }

    pub fn in_use(&self) -> usize {
        let there = crate::lock(&self.slots).there;
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
        bulkhead.resize(1);
        assert!(bulkhead.try_acquire().is_none());
        drop(first);
        assert!(bulkhead.try_acquire().is_some());
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
