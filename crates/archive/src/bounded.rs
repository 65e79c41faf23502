//! A reader that lets no archive unpack to more than it may.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

use crate::{limits::Limits, refusal::Refusal};

/// Counts what a compressed file gives; shared by the readers on both sides of its decoder.
#[derive(Clone, Default)]
pub struct Flow {
    packed: Rc<Cell<u64>>,
    unpacked: Rc<Cell<u64>>,
}

impl Flow {
    /// Counts what goes into the decoder.
    pub fn packed<R>(&self, inner: R) -> Counted<R> {
        Counted { inner, count: self.packed.clone() }
    }

    /// Counts what comes out of it, and ends it with an error that [`refusal`] knows.
    pub fn unpacked<R>(&self, inner: R, limits: Limits) -> Bounded<R> {
        Bounded { inner, flow: self.clone(), limits }
    }

    /// Adds what came out otherwise, and says when it is too much.
    pub fn check(&self, limits: &Limits, unpacked: u64) -> Result<(), Refusal> {
        let out = self.unpacked.get().saturating_add(unpacked);
        self.unpacked.set(out);
        if out > limits.unpacked_bytes {
            return Err(Refusal::UnpacksTooLarge { limit_bytes: limits.unpacked_bytes });
        }
        if out > Limits::RATIO_FROM_BYTES && out / limits.ratio.max(1) > self.packed.get() {
            return Err(Refusal::UnpacksTooMuch { ratio: limits.ratio });
        }
        Ok(())
    }

    /// What went in, where nobody counts it.
    pub fn set_packed(&self, bytes: u64) {
        self.packed.set(bytes);
    }
}

pub struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get().saturating_add(read as u64));
        Ok(read)
    }
}

pub struct Bounded<R> {
    inner: R,
    flow: Flow,
    limits: Limits,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.flow.check(&self.limits, read as u64).map_err(|why| io::Error::other(Unpacks(why)))?;
        Ok(read)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unpacks(Refusal);

/// What an error of reading an archive means.
pub fn refusal(error: &io::Error) -> Refusal {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Unpacks>()) {
        Some(Unpacks(refusal)) => refusal.clone(),
        None => Refusal::Damaged { why: error.to_string() },
    }
}

/// A reader that ends with an error behind the most that one file may have.
pub struct OneFile<R> {
    inner: R,
    left: u64,
    limit_bytes: u64,
}

impl<R> OneFile<R> {
    pub const fn new(inner: R, limit_bytes: u64) -> Self {
        Self { inner, left: limit_bytes, limit_bytes }
    }
}

impl<R: Read> Read for OneFile<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(Unpacks(Refusal::TooLarge { limit_bytes: self.limit_bytes }))),
        }
        Ok(read)
    }
}
