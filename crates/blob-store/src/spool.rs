//! A stretch of bytes that waits to be sent. Small ones wait in memory, larger ones in a file without a name: a slow
//! client that fills a part for minutes costs a file handle, not eight megabytes of memory.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

use bytes::{Bytes, BytesMut};

/// What stays in memory, and how much is written to the file at once.
const MEMORY_BYTES: usize = 128 * 1024;

#[derive(Default)]
pub(crate) struct Spool {
    tail: BytesMut,
    file: Option<File>,
    filed_bytes: usize,
}

impl Spool {
    pub(crate) fn len(&self) -> usize {
        self.filed_bytes + self.tail.len()
    }

    pub(crate) async fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tail.extend_from_slice(bytes);
        if self.tail.len() > MEMORY_BYTES { self.file_tail().await } else { Ok(()) }
    }

    /// Gives back the memory that the end of a filed stretch takes, before it waits for its turn.
    pub(crate) async fn settle(&mut self) -> io::Result<()> {
        if self.file.is_some() {
            self.file_tail().await?;
            self.tail = BytesMut::new();
        }
        Ok(())
    }

    /// Everything, in memory: in `buffer` when it was filed, which is then filled anew.
    pub(crate) async fn into_bytes(self, mut buffer: BytesMut) -> io::Result<Bytes> {
        let Some(mut file) = self.file else { return Ok(self.tail.freeze()) };
        let (filed, tail) = (self.filed_bytes, self.tail);
        blocking(move || {
            buffer.resize(filed, 0);
            file.seek(SeekFrom::Start(0))?;
            file.read_exact(&mut buffer)?;
            buffer.extend_from_slice(&tail);
            Ok(buffer.freeze())
        })
        .await
    }

    /// Everything, as a file at its start.
    pub(crate) async fn into_file(mut self) -> io::Result<File> {
        self.file_tail().await?;
        let mut file = self.file.take().ok_or_else(|| io::Error::other("the file of a spool is gone"))?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    async fn file_tail(&mut self) -> io::Result<()> {
        let tail = std::mem::take(&mut self.tail);
        let file = self.file.take();
        let (file, tail) = blocking(move || {
            let mut file = match file {
                Some(file) => file,
                None => tempfile::tempfile()?,
            };
            file.write_all(&tail)?;
            Ok((file, tail))
        })
        .await?;
        self.filed_bytes += tail.len();
        self.file = Some(file);
        self.tail = tail;
        self.tail.clear();
        Ok(())
    }
}

/// Runs file work on the blocking pool.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(io::Error::other("work on a file was cut off")))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn spooled(chunks: &[usize]) -> (Spool, Vec<u8>) {
        let mut spool = Spool::default();
        let mut expected = Vec::new();
        for (index, &length) in chunks.iter().enumerate() {
            let chunk: Vec<u8> = (0..length).map(|i| (i * 31 + index * 7) as u8).collect();
            spool.push(&chunk).await.unwrap();
            expected.extend_from_slice(&chunk);
            assert!(spool.tail.len() <= MEMORY_BYTES, "the rest is in the file");
        }
        assert_eq!(spool.len(), expected.len());
        (spool, expected)
    }

    #[tokio::test]
    async fn what_goes_in_comes_out() {
        for chunks in [
            vec![],
            vec![1],
            vec![MEMORY_BYTES],
            vec![MEMORY_BYTES, 1],
            vec![100_000; 20],
            vec![MEMORY_BYTES + 1, MEMORY_BYTES, 5],
        ] {
            for is_settled in [false, true] {
                let (mut spool, expected) = spooled(&chunks).await;
                if is_settled {
                    spool.settle().await.unwrap();
                    assert!(spool.file.is_none() || spool.tail.capacity() == 0, "what waits holds no memory");
                }
                let used = BytesMut::from(&b"what was in it before"[..]);
                assert_eq!(spool.into_bytes(used).await.unwrap(), expected);
            }
            let (spool, expected) = spooled(&chunks).await;
            let mut content = Vec::new();
            spool.into_file().await.unwrap().read_to_end(&mut content).unwrap();
            assert_eq!(content, expected);
        }
    }
}
